"""Send a message through a connection and keep what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotAvailable, NotFound, ProviderError
from atlas_hub.providers.contract import Message, Sends
from atlas_hub.services import truths
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.opening import opened
from atlas_hub.services.views import Truth
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Delivery

TESTS_A_MINUTE = 5
DESTINATION_LENGTH = 320


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the vendor said to a test message: `text` is its receipt or its reason."""

    success: bool
    text: str
    receipt: str = ""
    code: str = ""


def test_message(actor: Actor, hub: Hub) -> Message:
    """The test message: it says that it is one, who sent it, and from where."""
    return Message(
        subject="Test message from Atlas Hub",
        text=f"This is a test message. {actor.called} sent it from Atlas Hub ({hub.settings.address}) "
        "to see that this connection delivers. Nothing needs to be done.",
    )


async def send_test(hub: Hub, actor: Actor, connection_id: str, to: str) -> Sent:
    """Send the test message to `to`. A vendor's refusal is an answer (`success` False), not an error.

    Raises `NotFound`, `BadForm` (field `to`), `NotAvailable` where the method cannot send, `VaultLocked`,
    `TooManyRequests` (5 a minute for each workspace).
    """
    require_admin(actor)
    to = to.strip()
    if not 1 <= len(to) <= DESTINATION_LENGTH or any(ord(sign) < 32 for sign in to):  # noqa: PLR2004  # control signs
        raise BadForm({"to": "Say where the test message should go."})
    row, provider, method, form, locked = await opened(hub, actor, connection_id)
    if not isinstance(method, Sends):
        raise NotAvailable(f"{provider.name} cannot send messages this way.")
    if locked is not None:
        raise locked
    await hub.limits.hit(
        "test",
        actor.workspace,
        times=TESTS_A_MINUTE,
        seconds=60,
        text="Five test messages were tried within a minute. Wait a little, then send another.",
    )
    failure: ProviderError | None = None
    try:
        receipt = await method.send(form, to, test_message(actor, hub), hub.http)
        sent = Sent(success=True, text=receipt.text, receipt=receipt.id)
    except ProviderError as error:
        failure = error
        sent = Sent(success=False, text=error.text, code=error.code)
    async with changing(hub, actor) as change:
        present = await stored.find(change.tx, actor.workspace, row.id)
        if present is None:
            raise NotFound("This connection was disconnected while the message was on its way.")
        status = "yes" if sent.success else "no"
        present.checks = truths.told(present.checks, Truth.DELIVERED, status, change.at, sent.text)
        if failure is not None and failure.code in {"INVALID_CREDENTIALS", "AUTH_EXPIRED"}:
            truths.failed(present, failure, change.at)
        change.tx.add(
            Delivery(
                workspace=actor.workspace,
                connection_id=row.id,
                provider=provider.slug,
                destination=to,
                test=True,
                state="sent" if sent.success else "failed",
                attempts=1,
                receipt=sent.receipt,
                error="" if sent.success else sent.text,
                created_at=change.at,
                finished_at=change.at,
            )
        )
        await change.note(
            "test_sent",
            provider=provider.slug,
            subject=row.id,
            failed=not sent.success,
            code=sent.code,
        )
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return sent
