"""Send a message through a connection and keep what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    BadForm,
    Incomplete,
    InsufficientPermissions,
    NotAvailable,
    NotFound,
    PlatformError,
    ProviderError,
)
from atlas_hub.kit.ids import new_id
from atlas_hub.providers.contract import Alert, Alerts, CheckResult, Message, Method, Provider, Sends, silent
from atlas_hub.services import asking, environment, truths, uses
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.opening import opened
from atlas_hub.services.views import State, Truth
from atlas_hub.storage import connections as stored
from atlas_hub.storage import installation
from atlas_hub.storage.models import Connection, Delivery

MAIL_SCOPE: Final = "email"
TESTS_A_MINUTE = 5
DESTINATION_LENGTH = 320


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the vendor said to a test message: `text` is its receipt or its reason, `proves` as in `Receipt`."""

    success: bool
    text: str
    receipt: str = ""
    code: str = ""
    proves: bool = True


def test_message(actor: Actor, hub: Hub) -> Message:
    """The test message: it says that it is one, who sent it, and from where."""
    return Message(
        subject="Test message from Atlas Hub",
        text=f"This is a test message. {actor.called} sent it from Atlas Hub ({hub.settings.address}) "
        "to see that this connection delivers. Nothing needs to be done.",
    )


def test_alert(actor: Actor, hub: Hub) -> Alert:
    """The test alert: marked as one, with who sent it and from where."""
    return Alert(
        id=new_id(),
        group=actor.workspace,
        text=f"TEST: {actor.called} sent this from Atlas Hub to see that alerts arrive. Nothing needs to be done.",
        by=actor.called,
        url=hub.settings.address,
        at=hub.now(),
    )


async def send_test(hub: Hub, actor: Actor, connection_id: str, to: str = "") -> Sent:
    """Send the test message to `to`, or the test alert where the method takes alerts, which have no destination.

    A vendor's refusal is an answer (`success` False), not an error. Raises `NotFound`, `BadForm` (field `to`),
    `NotAvailable` where the method can do neither, `VaultLocked`, `TooManyRequests` (5 a minute for each workspace).
    """
    require_admin(actor)
    row, provider, method, form, locked = await opened(hub, actor, connection_id)
    if not isinstance(method, Sends | Alerts):
        raise NotAvailable(f"{provider.name} cannot send messages this way.")
    to = _destination(to) if isinstance(method, Sends) else ""
    if isinstance(locked, Incomplete):
        return Sent(success=False, text=locked.text, code=locked.code)
    if locked is not None:
        raise locked
    sent, failure = await _sent(hub, actor, method, form, to, row)
    limits = await _limits(hub, method, form, row) if sent.success and sent.proves else None
    async with changing(hub, actor) as change:
        present = await stored.find(change.tx, actor.workspace, row.id)
        if present is None:
            raise NotFound("This connection was disconnected while the message was on its way.")
        if present.connected_at == row.connected_at:  # else it was sent with the former credentials
            _write(present, sent, failure, change.at)
            if limits is not None and present.state == State.OK:
                truths.accepted(present, provider, limits, change.at)
        await _note(change, provider, row.id, to, sent)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return sent


def _write(row: Connection, sent: Sent, failure: ProviderError | None, at: datetime) -> None:
    """Write into the row what came of a test message."""
    # A vendor that is busy or does not answer may have taken it.
    open_ended = sent.success or (failure is not None and failure.retryable)
    if sent.success and sent.proves:
        truths.delivered(row, sent.text, at)
    else:
        status = "unknown" if open_ended else "no"
        row.checks = truths.told(row.checks, Truth.DELIVERED, status, at, sent.text)
    if failure is not None and failure.code in {"INVALID_CREDENTIALS", "AUTH_EXPIRED"}:
        truths.failed(row, failure, at)


async def _limits(hub: Hub, method: Method[Any], form: Any, row: Connection) -> CheckResult | None:
    """What a check says of a connection that only a message can prove; None of others, and where it says nothing.

    Else a retired address would be green from its first message until somebody checks it.
    """
    if not isinstance(method, Alerts) or row.state not in {State.UNVERIFIED, State.RECONNECT}:
        return None
    try:
        result = await asking.check(method, form, hub.http, silent, hub=hub, row=row)
    except (ProviderError, BadForm):
        return None
    return result if result.unproven else None


async def send_test_mail(hub: Hub, actor: Actor, to: str) -> Sent:
    """Send a test mail the way that mail goes: through the default, else through the environment.

    Raises what `send_test` raises; `NotFound` where there is neither, or the workspace was deleted.
    """
    require_admin(actor)
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
        primary = await stored.primary_of(tx, actor.workspace, MAIL_SCOPE)
    if primary is not None and primary.kind == "foreign":
        return Sent(success=False, text=primary.reason, code=PlatformError.code)
    if primary is not None:
        return await send_test(hub, actor, primary.id, to)
    gift = environment.mail(hub)
    if gift is None:
        raise NotFound("No way to send mail is set up.")
    if gift.form is None or not isinstance(gift.method, Sends):
        named = "" if hub.settings.saas else f" {gift.fault}"
        return Sent(success=False, text=f"The operator's mail settings cannot be used.{named}", code="PLATFORM_ERROR")
    to = _destination(to)
    sent, _ = await _sent(hub, actor, gift.method, gift.form, to)
    async with changing(hub, actor, begins=begins) as change:
        await _note(change, gift.provider, "", to, sent)
    return sent


def _destination(to: str) -> str:
    to = to.strip()
    if not 1 <= len(to) <= DESTINATION_LENGTH or any(ord(sign) < 32 for sign in to):  # noqa: PLR2004  # control signs
        raise BadForm({"to": "Say where the test message should go."})
    return to


async def _sent(
    hub: Hub, actor: Actor, method: Sends | Alerts, form: Any, to: str, row: Connection | None = None
) -> tuple[Sent, ProviderError | None]:
    """What the vendor said to a test message, and its refusal where it was one. `row` is whose secrets are used."""
    await hub.limits.hit(
        "test",
        actor.workspace,
        times=TESTS_A_MINUTE,
        seconds=60,
        text="Five test messages were tried within a minute. Wait a little, then send another.",
    )
    if row is not None:
        await uses.count(hub, row)
    try:
        if isinstance(method, Sends):
            receipt = await asking.send(method, form, to, test_message(actor, hub), hub.http, hub=hub, row=row)
        else:
            receipt = await asking.alert(method, form, test_alert(actor, hub), hub.http)
    except ProviderError as error:
        return Sent(success=False, text=error.text, code=error.code), error
    except BadForm as error:
        if "to" in error.fields:
            raise
        refusal = InsufficientPermissions(error.text)  # an address that an admin typed is not allowed any more
        return Sent(success=False, text=refusal.text, code=refusal.code), refusal
    return Sent(success=True, text=receipt.text, receipt=receipt.id, proves=receipt.proves), None


async def _note(change: Change, provider: Provider, connection_id: str, to: str, sent: Sent) -> None:
    change.tx.add(
        Delivery(
            workspace=change.actor.workspace,
            connection_id=connection_id,
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
        "test_sent", provider=provider.slug, subject=connection_id, failed=not sent.success, code=sent.code
    )
