"""Tokens that several connections share, that are refused for good, or that are used while they are had anew."""

from __future__ import annotations

import asyncio

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AuthExpired
from atlas_hub.kit.ids import new_id
from atlas_hub.services import connections, delivery, refreshing
from atlas_hub.services.views import State
from atlas_hub.storage.models import AuditEvent, Connection, Credential
from tests.oauth.ground import Ground
from tests.oauth.rotating import connected, later, lives, use
from tests.standins import slack_seed

pytestmark = pytest.mark.usefixtures("rotating")


async def sibling(ground: Ground, connection: str) -> str:
    """Another connection with the same credential, a subscriber's."""
    async with ground.hub.db.transaction() as tx:
        row = await tx.get_one(Connection, connection)
        values = {name: getattr(row, name) for name in Connection.model_fields if name != "id"}
        number = new_id()
        more = {"primary_scope": None, "subscriber": "ana", "app_id": new_id(), "identifier": f"slack-{number}"}
        tx.add(Connection(id=number, **{**values, **more, "source": "chat"}))
    return number


async def test_a_refusal_for_good_asks_for_an_admin_and_is_not_tried_again(each_ground: Ground) -> None:
    ground = each_ground
    connection, number = await connected(ground)
    other = await sibling(ground, connection)
    later(ground)
    ground.vendors.slack.end_tokens("revoked")
    with pytest.raises(AuthExpired):
        await use(ground, connection)
    assert {row.id: row.state for row in await ground.rows()} == {
        connection: State.RECONNECT,
        other: State.RECONNECT,
    }
    for _ in range(3):
        with pytest.raises(AuthExpired, match="again"):
            await use(ground, other)
    later(ground, 120)
    await refreshing.renew(ground.hub, number)
    assert ground.vendors.slack.refreshes == 1
    assert "token_not_renewed" in [event.kind for event in await ground.rows(AuditEvent)]
    await ground.browser().connect("slack", {"connection": connection})
    states = {row.id: row.state for row in await ground.rows()}
    assert states[connection] in {State.OK, State.DEGRADED}
    assert lives(ground, await use(ground, connection))
    assert ground.vendors.slack.refreshes == 1


async def test_connections_that_share_a_token_share_the_new_one(each_ground: Ground) -> None:
    ground = each_ground
    connection, _ = await connected(ground)
    other = await sibling(ground, connection)
    later(ground)
    tokens = await asyncio.gather(use(ground, connection), use(ground, other))
    assert len(set(tokens)) == 1
    assert ground.vendors.slack.refreshes == 1
    assert len({str(row.masks) for row in await ground.rows()}) == 1


async def test_what_is_sent_is_sent_with_the_fresh_token(ground: Ground) -> None:
    connection, _ = await connected(ground)
    old = await ground.token()
    later(ground)
    sent = await delivery.send_test(ground.hub, ground.owner, connection, "C0ALERTS01")
    assert sent.success, sent.text
    (call,) = [call for call in ground.vendors.slack.calls if call.path.endswith("chat.postMessage")]
    new = await ground.token()
    assert call.headers["authorization"] == f"Bearer {new['bot_token']}"
    assert new != old


async def test_a_token_is_never_had_anew_with_another_app(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, number = await connected(ground)
    monkeypatch.setenv("SLACK_CLIENT_ID", slack_seed.ATLAS_APP)
    monkeypatch.setenv("SLACK_CLIENT_SECRET", slack_seed.ATLAS_SECRET)
    later(ground)
    before = len(ground.vendors.slack.calls)
    with pytest.raises(AuthExpired):
        await use(ground, connection)
    await refreshing.renew(ground.hub, number)
    assert len(ground.vendors.slack.calls) == before
    (row,) = await ground.rows()
    assert row.state == State.RECONNECT
    assert "another OAuth app" in row.reason


async def test_a_connection_that_is_disconnected_while_its_token_is_had_anew(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, number = await connected(ground)
    later(ground)
    asked = refreshing._asked

    async def meanwhile(hub: Hub, turn: refreshing._Turn) -> object:
        grant = await asked(hub, turn)
        await connections.disconnect(hub, ground.owner, connection)
        return grant

    monkeypatch.setattr(refreshing, "_asked", meanwhile)
    await refreshing.renew(ground.hub, number)
    assert await ground.rows() == []
    assert await ground.rows(Credential) == []
    await ground.clean()
