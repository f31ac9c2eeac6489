"""Test messages: what the vendor said is kept and shown, and there are not too many."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound, TooManyRequests
from atlas_hub.services import connections, delivery
from atlas_hub.services.access import Actor
from atlas_hub.services.views import State
from atlas_hub.storage.models import AuditEvent, Delivery
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME


async def connected(hub: Hub, who: Actor) -> str:
    done = await connections.connect(hub, who, "slack", "bot_token", {"bot_token": ACME}, source="page")
    return done.view.id


async def deliveries(hub: Hub) -> list[Delivery]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Delivery).order_by(Delivery.id))).scalars())


async def seen(hub: Hub, who: Actor, connection_id: str) -> dict[str, str]:
    view = await connections.check_now(hub, who, connection_id)
    return dict(view.checks["delivered"])


async def test_a_test_message_brings_the_vendors_receipt(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    connection_id = await connected(vendors, owner)
    sent = await delivery.send_test(vendors, owner, connection_id, " C0GENERAL ")
    assert sent.success
    assert sent.receipt
    body = next(call for call in slack.calls if call.path.endswith("chat.postMessage")).json()
    assert owner.name in body["text"]
    assert "test message" in body["text"]
    (row,) = await deliveries(vendors)
    assert (row.state, row.receipt, row.destination, row.test) == ("sent", sent.receipt, "C0GENERAL", True)
    assert (await seen(vendors, owner, connection_id))["status"] == "yes"


async def test_a_refused_one_says_why_and_the_connection_stays(vendors: Hub, owner: Actor) -> None:
    connection_id = await connected(vendors, owner)
    sent = await delivery.send_test(vendors, owner, connection_id, "C0NOWHERE99")
    assert (sent.success, sent.code) == (False, "INSUFFICIENT_PERMISSIONS")
    (row,) = await deliveries(vendors)
    assert (row.state, row.error) == ("failed", sent.text)
    view = await connections.check_now(vendors, owner, connection_id)
    assert view.state is State.DEGRADED
    assert view.checks["delivered"]["status"] == "no"


async def test_a_revoked_token_is_noticed_by_using_it(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    connection_id = await connected(vendors, owner)
    slack.tokens[ACME].state = "revoked"
    sent = await delivery.send_test(vendors, owner, connection_id, "C0GENERAL01")
    assert sent.code == "AUTH_EXPIRED"
    async with vendors.db.reading() as tx:
        event = (await tx.execute(select(AuditEvent).filter_by(kind="test_sent"))).scalar_one()
    assert (event.result, event.detail) == ("failed", {"code": "AUTH_EXPIRED"})


@pytest.mark.parametrize("to", ["", "  ", "x" * 321, "C0\nBcc: x"])
async def test_a_destination_must_be_one_line(vendors: Hub, owner: Actor, to: str) -> None:
    connection_id = await connected(vendors, owner)
    with pytest.raises(BadForm) as refused:
        await delivery.send_test(vendors, owner, connection_id, to)
    assert "to" in refused.value.fields


async def test_a_sixth_within_a_minute_has_to_wait(vendors: Hub, owner: Actor) -> None:
    connection_id = await connected(vendors, owner)
    for _ in range(5):
        await delivery.send_test(vendors, owner, connection_id, "C0NOWHERE99")
    with pytest.raises(TooManyRequests):
        await delivery.send_test(vendors, owner, connection_id, "C0NOWHERE99")


async def test_nobody_sends_through_another_workspace(vendors: Hub, owner: Actor, other_owner: Actor) -> None:
    connection_id = await connected(vendors, owner)
    with pytest.raises(NotFound):
        await delivery.send_test(vendors, other_owner, connection_id, "C0NOWHERE99")
    assert await deliveries(vendors) == []
