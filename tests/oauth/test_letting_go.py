"""What a consent gave is revoked with the last that used it; where it cannot be, it is said where by hand."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from atlas_hub.services import channel_connections, connections, letting_go, refreshing
from atlas_hub.services.access import Actor
from atlas_hub.storage.models import AuditEvent, Connection, Credential
from tests.oauth.ground import Ground
from tests.standins import discord_seed, slack_seed
from tests.standins.dial import Fault


async def connected(ground: Ground, slug: str) -> str:
    await ground.browser().connect(slug)
    (row,) = await ground.rows()
    return str(row.id)


def slack_token(ground: Ground) -> str:
    install = ground.vendors.slack.installs[slack_seed.ATLAS_APP, "T0ACME"]
    return install.tokens[-1]


def slack_says(ground: Ground, token: str) -> str:
    """What auth.test says of a token: "" where it is good."""
    answer = httpx.post(f"{ground.vendors.slack.base}/api/auth.test", headers={"Authorization": f"Bearer {token}"})
    return str(answer.json().get("error", ""))


async def test_slack_revokes_the_token(each_ground: Ground) -> None:
    ground = each_ground
    connection = await connected(ground, "slack")
    token = slack_token(ground)
    assert await asyncio.to_thread(slack_says, ground, token) == ""
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert (done.revoked, done.still_in_use) == (True, False)
    assert "revoked" in done.revocation
    assert await asyncio.to_thread(slack_says, ground, token) == "token_revoked"
    assert await ground.rows(Credential) == []
    assert await ground.rows() == []
    await ground.clean()
    events = [(event.kind, event.result) for event in await ground.rows(AuditEvent)]
    assert ("disconnected", "ok") in events
    assert ("grant_revoked", "ok") in events


async def test_discords_bot_leaves_the_server(each_ground: Ground) -> None:
    ground = each_ground
    connection = await connected(ground, "discord")
    bot = ground.vendors.discord.bots[discord_seed.HUB]
    assert [each["id"] for each in bot.guilds] == [discord_seed.ACME_GUILD]
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is True
    assert bot.guilds == []
    assert await ground.rows(Credential) == []


async def test_microsoft_says_where_by_hand(each_ground: Ground) -> None:
    ground = each_ground
    connection = await connected(ground, "teams")
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is None
    assert "Entra admin center" in done.revocation
    assert await ground.rows(Credential) == []
    assert ("grant_revoked", "failed") in [(event.kind, event.result) for event in await ground.rows(AuditEvent)]


async def test_a_token_that_was_dead_already(ground: Ground) -> None:
    connection = await connected(ground, "slack")
    ground.vendors.slack.end_tokens("revoked")
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is True
    assert await ground.rows(Credential) == []


@pytest.mark.usefixtures("rotating")
async def test_a_grant_whose_token_has_ended_is_dead_for_good_afterwards(ground: Ground) -> None:
    connection = await connected(ground, "slack")
    (before,) = [install.refresh for install in ground.vendors.slack.installs.values()]
    ground.clock.forward(hours=13)
    ground.vendors.slack.ahead += 13 * 3600
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is True
    (install,) = ground.vendors.slack.installs.values()
    assert install.refresh != before  # it lived, and was used up to get hold of a token that can be revoked
    assert ground.vendors.slack.tokens[install.tokens[-1]].state == "revoked"


@pytest.mark.usefixtures("rotating")
async def test_a_pair_that_was_not_proven_yet_is_revoked_with_the_other(ground: Ground) -> None:
    connection = await connected(ground, "slack")
    ground.clock.forward(hours=11.8)
    ground.vendors.slack.ahead += int(11.8 * 3600)
    ground.vendors.slack.dial.set(Fault.UNAVAILABLE, path="*/auth.test")
    (credential,) = await ground.rows(Credential)
    await refreshing.renew(ground.hub, credential.id)
    ground.vendors.slack.dial.set(Fault.OK)
    await connections.disconnect(ground.hub, ground.owner, connection)
    (install,) = ground.vendors.slack.installs.values()
    assert len(install.tokens) == 2
    assert {ground.vendors.slack.tokens[token].state for token in install.tokens} == {"revoked"}


async def test_a_pasted_token_is_the_admins_own(ground: Ground) -> None:
    for tick, ends in ((False, ""), (True, "token_revoked")):
        saved = await connections.connect(
            ground.hub, ground.owner, "slack", "bot_token", {"bot_token": slack_seed.ACME}, source="page"
        )
        done = await connections.disconnect(ground.hub, ground.owner, saved.view.id, revoke=tick)
        assert await asyncio.to_thread(slack_says, ground, slack_seed.ACME) == ends
        assert done.revoked is (True if tick else None)
        assert await ground.rows(Credential) == []


async def another_holder(ground: Ground, connection: str, who: Actor) -> str:
    """A connection of another workspace with the same account: stored by an API that claims nothing."""
    async with ground.hub.db.transaction() as tx:
        row = await tx.get_one(Connection, connection)
        values = {name: getattr(row, name) for name in Connection.model_fields if name not in {"id", "credential_id"}}
        more = {"workspace": who.workspace, "primary_scope": None, "subscriber": "ana", "source": "chat"}
        other = Connection(**{**values, **more})
        tx.add(other)
    return other.id


async def test_the_last_of_all_workspaces_revokes(each_ground: Ground) -> None:
    ground = each_ground
    connection = await connected(ground, "slack")
    token = slack_token(ground)
    olga = ground.person("olga")
    other = await another_holder(ground, connection, olga)
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert (done.still_in_use, done.revoked, done.revocation) == (True, None, "")
    assert await asyncio.to_thread(slack_says, ground, token) == ""
    assert [row.id for row in await ground.rows()] == [other]
    assert olga.workspace not in repr(done)


async def test_a_grant_that_a_sibling_uses_stays(each_ground: Ground) -> None:
    ground = each_ground
    connection = await connected(ground, "slack")
    token = slack_token(ground)
    async with ground.hub.db.transaction() as tx:
        row = await tx.get_one(Connection, connection)
        values = {name: getattr(row, name) for name in Connection.model_fields if name != "id"}
        more = {"primary_scope": None, "subscriber": "ana", "source": "chat", "identifier": "sibling"}
        tx.add(Connection(**{**values, **more}))
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert (done.still_in_use, done.revoked) == (True, None)
    assert await asyncio.to_thread(slack_says, ground, token) == ""
    (rest,) = await ground.rows()
    await channel_connections.delete(ground.hub, ground.owner, rest.identifier)
    while ground.hub._tasks:
        await next(iter(ground.hub._tasks))
    assert await asyncio.to_thread(slack_says, ground, token) == "token_revoked"


@pytest.mark.parametrize("slug", ["slack", "discord"])
async def test_a_vendor_that_hangs_is_waited_for_five_seconds(ground: Ground, slug: str) -> None:
    connection = await connected(ground, slug)
    ground.vendors.of(slug).dial.set(Fault.HANG)
    began = asyncio.get_running_loop().time()
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert 4 < asyncio.get_running_loop().time() - began < 9  # ten is what any other call gets
    assert done.revoked is None
    assert "did not answer" in done.revocation
    assert {"slack": "Manage apps", "discord": "Server Settings"}[slug] in done.revocation
    assert await ground.rows(Credential) == []
    await ground.clean()


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.BUSY_SECONDS, Fault.HTML, Fault.NONSENSE, Fault.REDIRECT])
@pytest.mark.parametrize("slug", ["slack", "discord"])
async def test_a_vendor_that_is_broken_keeps_nobody_connected(ground: Ground, slug: str, fault: Fault) -> None:
    connection = await connected(ground, slug)
    ground.vendors.of(slug).dial.set(fault)
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is not True
    assert done.revocation.endswith(".")
    assert await ground.rows() == []
    assert await ground.rows(Credential) == []


async def killed(*_: object, **__: object) -> None:
    raise asyncio.CancelledError


async def test_a_hub_that_is_killed_before_it_revokes_leaves_it_to_the_engine(
    each_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = each_ground
    connection = await connected(ground, "slack")
    token = slack_token(ground)
    with monkeypatch.context() as patched:
        patched.setattr(letting_go, "revoke", killed)
        with pytest.raises(asyncio.CancelledError):
            await connections.disconnect(ground.hub, ground.owner, connection)
    assert await ground.rows() == []
    (waits,) = await ground.rows(Credential)
    assert await letting_go.those_that_wait(ground.hub) == [waits.id]
    await ground.browser().connect("discord")  # it is in nobody's way
    await letting_go.revoke_later(ground.hub, waits.id)
    assert await asyncio.to_thread(slack_says, ground, token) == "token_revoked"
    assert await letting_go.those_that_wait(ground.hub) == []
    await ground.clean()


async def test_the_engine_asks_again_for_a_day(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await connected(ground, "slack")
    with monkeypatch.context() as patched:
        patched.setattr(letting_go, "revoke", killed)
        with pytest.raises(asyncio.CancelledError):
            await connections.disconnect(ground.hub, ground.owner, connection)
    (waits,) = await ground.rows(Credential)
    ground.vendors.slack.dial.set(Fault.UNAVAILABLE)
    await letting_go.revoke_later(ground.hub, waits.id)
    assert await letting_go.those_that_wait(ground.hub) == []  # not at once
    ground.clock.forward(minutes=11)
    assert await letting_go.those_that_wait(ground.hub) == [waits.id]
    ground.clock.forward(days=1)
    await letting_go.revoke_later(ground.hub, waits.id)
    assert await ground.rows(Credential) == []
    (event,) = [event for event in await ground.rows(AuditEvent) if event.kind == "grant_revoked"]
    assert event.result == "failed"
    assert "Manage apps" in event.detail["outcome"]


async def test_two_who_revoke_at_once_ask_the_vendor_once(each_ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = each_ground
    connection = await connected(ground, "slack")
    with monkeypatch.context() as patched:
        patched.setattr(letting_go, "revoke", killed)
        with pytest.raises(asyncio.CancelledError):
            await connections.disconnect(ground.hub, ground.owner, connection)
    (waits,) = await ground.rows(Credential)
    await asyncio.gather(*(letting_go.revoke_later(ground.hub, waits.id) for _ in range(6)))
    assert len([call for call in ground.vendors.slack.calls if call.path.endswith("auth.revoke")]) == 1


async def test_an_account_may_be_connected_anew_while_its_former_grant_waits(
    each_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits must not kill what was given since: at Slack an app has one token in a team."""
    ground = each_ground
    connection = await connected(ground, "slack")
    with monkeypatch.context() as patched:
        patched.setattr(letting_go, "revoke", killed)
        with pytest.raises(asyncio.CancelledError):
            await connections.disconnect(ground.hub, ground.owner, connection)
    (waits,) = await ground.rows(Credential)
    await ground.browser().connect("slack")
    assert len(await ground.rows(Credential)) == 2
    await letting_go.revoke_later(ground.hub, waits.id)
    (row,) = await ground.rows()
    assert await asyncio.to_thread(slack_says, ground, slack_token(ground)) == ""
    assert (await ground.rows(Credential))[0].id == row.credential_id


async def test_the_operators_app_is_gone(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await connected(ground, "discord")
    monkeypatch.delenv("DISCORD_CLIENT_ID")
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is None
    assert "Server Settings" in done.revocation
    assert await ground.rows(Credential) == []


async def test_what_breaks_while_revoking_is_not_raised(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await connected(ground, "slack")

    async def broken(*_: object) -> None:
        raise RuntimeError("xoxb-not-to-be-shown")

    monkeypatch.setattr(letting_go, "_ask", broken)
    done = await connections.disconnect(ground.hub, ground.owner, connection)
    assert done.revoked is None
    assert "log" in done.revocation
    assert "xoxb" not in done.revocation
    assert await ground.rows() == []
