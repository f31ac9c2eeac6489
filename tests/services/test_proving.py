"""A channel connection's token, proven at the vendor; on both databases, against Slack's stand-in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from atlas_hub import providers
from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.slack import SlackBot
from atlas_hub.services import channel_connections, channel_endpoints, connections, proving, subscribers
from atlas_hub.services.access import Actor
from atlas_hub.services.channel_connections import NewConnection, Place
from atlas_hub.services.channel_endpoints import NewEndpoint
from atlas_hub.services.channel_tokens import Auth, token_of
from atlas_hub.storage.models import AccountClaim, AuditEvent, Connection, Credential
from atlas_hub.storage.sealed import bound_to
from tests.api.chat import ground
from tests.standins import slack_seed
from tests.standins.slack import SlackStandin


class SlackConsent(SlackBot):
    """The method that a channel connection of Slack has."""

    key = "oauth"


@pytest.fixture(autouse=True)
def knows_oauth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack with a method for the tokens that its consent gives."""
    slack = providers.PROVIDERS["slack"]
    methods = tuple(each for each in slack.methods if each.key != "oauth")
    known = {**providers.PROVIDERS, "slack": replace(slack, methods=(*methods, SlackConsent()))}
    monkeypatch.setattr(proving, "PROVIDERS", known)


def new(token: str, subscriber: str = "sub1", team: str = "T0ACME", **more: Any) -> NewConnection:
    return NewConnection(
        integration="slack-abc",
        place=Place(id=team),
        auth=Auth(access_token=Secret(token)),
        identifier=f"c-{subscriber}",
        subscriber=subscriber,
        **more,
    )


@pytest.fixture
async def quiet(vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub that proves when the test says so."""
    await ground.integration(vendors, owner, "slack-abc")
    await ground.subscriber(vendors, owner, "sub1", "sub2")
    monkeypatch.setattr(type(vendors), "soon", lambda _hub, work: work.close())
    return vendors


async def proven(hub: Hub, owner: Actor, identifier: str) -> tuple[Connection, Credential]:
    async with hub.db.reading() as tx:
        row = (await tx.execute(select(Connection).where(Connection.identifier == identifier))).scalar_one()
    await proving.prove(hub, owner.workspace, row.id)
    async with hub.db.reading() as tx:
        row = (await tx.execute(select(Connection).where(Connection.identifier == identifier))).scalar_one()
        credential = await tx.get(Credential, row.credential_id)
    assert credential is not None
    return row, credential


async def count(hub: Hub, table: Any) -> int:
    async with hub.db.reading() as tx:
        return (await tx.execute(select(func.count()).select_from(table))).scalar_one()


def token(hub: Hub, credential: Credential, slot: str = "current") -> str:
    return token_of(hub.vault.open(getattr(credential, slot), bound_to=bound_to(credential, slot))).reveal()


async def test_two_subscribers_of_one_team_and_the_card_share_a_credential(quiet: Hub, owner: Actor):
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL))
    row, credential = await proven(quiet, owner, "c-sub1")
    assert (row.state, row.account_name, row.account_key) == ("ok", "Acme Corp", "T0ACME")
    assert (credential.app_key, credential.account_key) == (row.app_key, "T0ACME")
    assert row.wire["workspace"] == {"id": "T0ACME"}
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL, "sub2"))
    assert await count(quiet, Credential) == 2
    second, shared = await proven(quiet, owner, "c-sub2")
    assert (second.credential_id, shared.id) == (row.credential_id, credential.id)
    assert await count(quiet, Credential) == 1
    assert await count(quiet, AccountClaim) == 0  # a resource claims nothing
    await connections.connect(quiet, owner, "slack", "bot_token", {"bot_token": slack_seed.ACME_IN_FULL}, source="page")
    assert await count(quiet, Credential) == 1
    third, _ = await proven(quiet, owner, "c-sub1")
    assert third.state == "ok"
    await channel_connections.delete(quiet, owner, "c-sub1")
    await channel_connections.delete(quiet, owner, "c-sub2")
    assert await count(quiet, Credential) == 1  # the card's
    assert await subscribers.count_by_provider(quiet, owner.workspace) == {}


async def test_a_card_keeps_its_form_when_a_subscriber_comes(quiet: Hub, owner: Actor):
    values = {"bot_token": slack_seed.ACME_IN_FULL, "signing_secret": "0123456789abcdef0123456789abcdef"}
    connected = await connections.connect(quiet, owner, "slack", "bot_token", values, source="page")
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL))
    await proven(quiet, owner, "c-sub1")
    assert await count(quiet, Credential) == 1
    assert (await connections.check_now(quiet, owner, connected.view.id)).state == "ok"


async def test_a_refused_token_says_reconnect_and_a_new_one_heals(quiet: Hub, owner: Actor):
    await channel_connections.create(quiet, owner, new(slack_seed.REVOKED))
    row, credential = await proven(quiet, owner, "c-sub1")
    assert row.state == "reconnect"
    assert credential.account_key == f"row:{row.id}"
    good = Auth(access_token=Secret(slack_seed.ACME_IN_FULL))
    await channel_connections.update(quiet, owner, "c-sub1", Place(id="T0ACME"), good)
    row, credential = await proven(quiet, owner, "c-sub1")
    assert (row.state, credential.pending) == ("ok", None)
    async with quiet.db.reading() as tx:
        told = (await tx.execute(select(AuditEvent).where(AuditEvent.kind == "checked"))).scalars().all()
    assert {event.result for event in told} == {"failed", "ok"}
    assert "xoxb" not in str([event.detail for event in told])


async def test_a_new_token_beside_a_proven_one_waits_until_it_is_proven(quiet: Hub, owner: Actor):
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL))
    await proven(quiet, owner, "c-sub1")
    bad = Auth(access_token=Secret(slack_seed.REVOKED))
    view = await channel_connections.update(quiet, owner, "c-sub1", Place(id="T0ACME"), bad)
    row, credential = await proven(quiet, owner, "c-sub1")
    assert token(quiet, credential) == slack_seed.ACME_IN_FULL
    assert token(quiet, credential, "pending") == slack_seed.REVOKED
    assert row.state == "degraded"
    assert row.reason.startswith("The new token was refused; the old one is still used.")
    assert view.token == (await channel_connections.one(quiet, owner, "c-sub1")).token
    other = Auth(access_token=Secret(slack_seed.BETA))
    await channel_connections.update(quiet, owner, "c-sub1", Place(id="T0BETA"), other)
    row, credential = await proven(quiet, owner, "c-sub1")
    assert (token(quiet, credential), credential.pending) == (slack_seed.BETA, None)
    assert (row.account_key, credential.account_key) == ("T0BETA", "T0BETA")


async def test_a_patch_never_changes_what_a_sibling_uses(quiet: Hub, owner: Actor):
    for each in ("sub1", "sub2"):
        await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL, each))
        await proven(quiet, owner, f"c-{each}")
    other = Auth(access_token=Secret(slack_seed.REVOKED))
    await channel_connections.update(quiet, owner, "c-sub1", Place(id="T0ACME"), other)
    first, own = await proven(quiet, owner, "c-sub1")
    second, shared = await proven(quiet, owner, "c-sub2")
    assert first.credential_id != second.credential_id
    assert (token(quiet, own), token(quiet, own, "pending")) == (slack_seed.ACME_IN_FULL, slack_seed.REVOKED)
    assert (token(quiet, shared), shared.pending, second.state) == (slack_seed.ACME_IN_FULL, None, "ok")


async def test_a_token_of_another_workspace_is_said(quiet: Hub, owner: Actor):
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL, team="T0OTHER"))
    row, _ = await proven(quiet, owner, "c-sub1")
    assert row.state == "degraded"
    assert "T0OTHER" in row.reason


async def test_what_nobody_can_prove_stays_unverified(quiet: Hub, owner: Actor, slack: SlackStandin):
    await ground.integration(quiet, owner, "own", "acme-chat")
    await channel_connections.create(
        quiet, owner, replace(new(slack_seed.ACME_IN_FULL), integration="own", identifier="c-own")
    )
    row, credential = await proven(quiet, owner, "c-own")
    assert (row.state, row.checks, credential.account_key) == ("unverified", {}, f"row:{row.id}")
    assert slack.calls == []
    await proving.prove(quiet, owner.workspace, "0" * 24)  # gone: nothing happens


async def test_the_page_lists_connections_and_endpoints_of_subscribers(quiet: Hub, owner: Actor, other_owner: Actor):
    await channel_connections.create(quiet, owner, new(slack_seed.ACME_IN_FULL, context={"tenant": "acme"}))
    await proven(quiet, owner, "c-sub1")
    await channel_connections.create(quiet, owner, new(slack_seed.BETA, "sub2"))
    await channel_endpoints.create(
        quiet,
        owner,
        NewEndpoint(
            subscriber="sub1", integration="slack-abc", type="slack_user", endpoint={"userId": "U"}, identifier="e1"
        ),
    )
    everything = await subscribers.listing(quiet, owner)
    assert [(row.kind, row.identifier) for row in everything.rows] == [
        ("endpoint", "e1"), ("connection", "c-sub2"), ("connection", "c-sub1"),
    ]  # fmt: skip
    last = everything.rows[-1]
    assert (last.subscriber, last.contexts, last.integration, last.provider, last.state, last.account) == (
        "sub1", ("tenant:acme",), "Our slack", "slack", "ok", "Acme Corp",
    )  # fmt: skip
    assert {row.created_by for row in everything.rows} == {owner.called}
    assert everything.next == ""
    for search, names in (("sub1", ["e1", "c-sub1"]), ("ACME", ["c-sub1"]), ("c-", ["c-sub2", "c-sub1"]), ("%", [])):
        assert [row.identifier for row in (await subscribers.listing(quiet, owner, search)).rows] == names
    seen, after = [], ""
    while after or not seen:
        part = await subscribers.listing(quiet, owner, after=after, limit=1)
        seen += [row.identifier for row in part.rows]
        after = part.next
    assert seen == ["e1", "c-sub2", "c-sub1"]
    assert await subscribers.count_by_provider(quiet, owner.workspace) == {"slack": 2}
    assert (await subscribers.listing(quiet, other_owner)).rows == ()
