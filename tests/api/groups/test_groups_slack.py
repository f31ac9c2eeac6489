"""SLACK: a token is nobody's until Slack says whose; then it is kept once, claimed, and asked about if another's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import ProviderError
from atlas_hub.services import connections, delivery, merging, pending
from atlas_hub.services.opening import opened
from atlas_hub.services.views import State
from atlas_hub.storage.models import AccountClaim, Channel, Connection, Credential
from tests.api.conftest import Vendors
from tests.api.groups.ground import Client, Place, calling, code, place, primary, quiet
from tests.standins import slack_seed
from tests.standins.slack_seed import ACME, ACME_IN_FULL, BETA, REVOKED

STARS = {token: "*" * (len(token) - 4) + token[-4:] for token in (ACME, ACME_IN_FULL, BETA, REVOKED)}


def body(token: str, **more: Any) -> dict[str, Any]:
    return {"type": "SLACK", "apiToken": token, **more}


def first(token: str, **more: Any) -> dict[str, Any]:
    """What is posted where nothing is configured yet."""
    return body(token, **{"teamName": "Acme Corp", **more})


async def credentials(hub: Hub) -> list[Credential]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Credential))).scalars())


async def card(hub: Hub, here: Place, token: str = ACME_IN_FULL) -> str:
    """Slack, connected on the card by a bot token."""
    made = await connections.connect(hub, here.owner, "slack", "bot_token", {"bot_token": token}, source="page")
    return made.view.id


async def used(hub: Hub, here: Place, row_id: str) -> str:
    """The token that is used."""
    _, _, _, form, locked = await opened(hub, here.owner, row_id)
    assert form is not None, locked
    return next(iter(form.given_secrets().values())).reveal()


async def by_consent(hub: Hub, row_id: str) -> None:
    """Make a connection one that came by consent, as far as the store knows."""
    async with hub.db.transaction() as tx:
        row = await tx.get(Connection, row_id)
        assert row is not None
        row.method, row.app_id = "oauth", "env"
        grant = {"method": "oauth", "app_id": "env", "client_id": "1.2"}
        await tx.execute(update(Credential).where(col(Credential.id) == row.credential_id).values(**grant))


async def test_a_token_is_nobody_s_until_it_is_proven(each_hub: Hub, vendors: Vendors) -> None:
    hub, here = each_hub, await place(each_hub)
    async with calling(here.key) as client:
        answer = await client.post(here.at("SLACK"), json=first(ACME_IN_FULL))
        assert answer.json()["results"] == [
            {"apiToken": ACME_IN_FULL, "channelName": "", "teamName": "Acme Corp", "type": "SLACK"}
        ]
        await quiet(hub)
        row = await primary(hub, here, "SLACK")
        assert (row.state, row.app_key, row.account_key, row.account_name) == ("ok", "U0ATLAS", "T0ACME", "Acme Corp")
        assert row.wire["teamId"] == "T0ACME"
        shown = (await client.get(here.at("SLACK"))).json()
        assert shown == {"apiToken": STARS[ACME_IN_FULL], "channelName": "", "teamName": "Acme Corp", "type": "SLACK"}
        [credential] = await credentials(hub)
        assert (credential.app_key, credential.account_key) == ("U0ATLAS", "T0ACME")
        async with hub.db.reading() as tx:
            [claim] = (await tx.execute(select(AccountClaim))).scalars()
        assert claim.workspace == here.group
        assert (await delivery.send_test(hub, here.owner, row.id, "C0GENERAL")).success
        assert (await client.delete(here.at("SLACK"))).status_code == 204
    assert await credentials(hub) == []
    async with hub.db.reading() as tx:
        assert list((await tx.execute(select(AccountClaim))).scalars()) == []


async def test_names_apply_at_once(hub: Hub, here: Place, groups: Client) -> None:
    row_id = await card(hub, here)
    shown = {"apiToken": STARS[ACME_IN_FULL], "channelName": "", "teamName": "Acme Corp", "type": "SLACK"}
    assert (await groups.get(here.at("SLACK"))).json() == shown  # the card's own is the configured one
    answer = await groups.put(here.at("SLACK"), json={**shown, "channelName": "general", "teamName": "Ours"})
    assert answer.json()["results"] == [{**shown, "channelName": "general", "teamName": "Ours"}]
    row = await primary(hub, here, "SLACK")
    assert (row.id, row.method, row.state, row.destination) == (
        row_id,
        "bot_token",
        "ok",
        {"id": "", "name": "general"},
    )
    assert await used(hub, here, row_id) == ACME_IN_FULL
    assert [merging.WRITTEN, "Ours, which is not its name"] in row.details
    view = await connections.check_now(hub, here.owner, row_id)
    assert dict(view.details)[merging.WRITTEN].startswith("Ours")
    await groups.put(here.at("SLACK"), json={"type": "SLACK", "teamName": "acme corp"})
    assert merging.WRITTEN not in dict((await primary(hub, here, "SLACK")).details)
    await groups.put(here.at("SLACK"), json={"type": "SLACK", "channelName": None, "teamName": None})
    assert (await groups.get(here.at("SLACK"))).json() == shown
    assert (await primary(hub, here, "SLACK")).destination == {}


async def test_a_destination_that_was_chosen_elsewhere_stays(hub: Hub, here: Place, groups: Client) -> None:
    row_id = await card(hub, here)
    async with hub.db.transaction() as tx:
        row = await tx.get(Connection, row_id)
        assert row is not None
        row.destination = {"id": "C0GENERAL", "name": "#general"}
    assert (await groups.get(here.at("SLACK"))).json()["channelName"] == "#general"
    for more in ({"teamName": "Ours"}, {"channelName": "#general"}):
        await groups.put(here.at("SLACK"), json={"type": "SLACK", **more})
        assert (await primary(hub, here, "SLACK")).destination == {"id": "C0GENERAL", "name": "#general"}


async def test_another_token_of_the_same_account_takes_over(each_hub: Hub, vendors: Vendors) -> None:
    hub, here = each_hub, await place(each_hub)
    row_id = await card(hub, here, ACME)
    async with calling(here.key) as client:
        answer = await client.put(here.at("SLACK"), json=body(ACME_IN_FULL, channelName="ops"))
        assert answer.json()["results"][0]["apiToken"] == STARS[ACME_IN_FULL]
        assert await used(hub, here, row_id) == ACME
        await quiet(hub)
        row = await primary(hub, here, "SLACK")
        assert (row.id, row.method, row.state, row.waiting) == (row_id, "api_token", "ok", {})
        assert await used(hub, here, row_id) == ACME_IN_FULL
        [credential] = await credentials(hub)
        assert (credential.account_key, credential.pending) == ("T0ACME", None)
        shown = (await client.get(here.at("SLACK"))).json()
    assert shown == {"apiToken": STARS[ACME_IN_FULL], "channelName": "ops", "teamName": "Acme Corp", "type": "SLACK"}


async def test_a_consent_gives_way_to_a_token_of_its_account_and_is_let_go(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    row_id = await card(hub, here, ACME)
    await by_consent(hub, row_id)
    await groups.put(here.at("SLACK"), json=body(ACME))  # the very token: nothing changes, it stays a grant
    await quiet(hub)
    assert (await primary(hub, here, "SLACK")).method == "oauth"
    [grant] = await credentials(hub)
    assert (grant.method, grant.pending) == ("oauth", None)
    await groups.put(here.at("SLACK"), json=body(ACME_IN_FULL))
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert (row.method, row.app_id, row.state) == ("api_token", "", "ok")
    [credential] = await credentials(hub)
    assert (credential.method, credential.client_id, credential.app_id) == ("", "", "")
    assert await used(hub, here, row_id) == ACME_IN_FULL


async def test_a_refused_token_never_replaces_one_that_works(hub: Hub, here: Place, groups: Client) -> None:
    row_id = await card(hub, here)
    await groups.put(here.at("SLACK"), json=body(REVOKED))
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert (row.state, row.reason, row.method) == ("degraded", pending.REFUSED, "bot_token")
    assert await used(hub, here, row_id) == ACME_IN_FULL
    assert (await groups.get(here.at("SLACK"))).json()["apiToken"] == STARS[REVOKED]
    with pytest.raises(ProviderError):
        await pending.take(hub, here.owner, row_id)
    assert (await connections.check_now(hub, here.owner, row_id)).reason == pending.REFUSED
    assert (await delivery.send_test(hub, here.owner, row_id, "C0GENERAL")).success
    assert (await groups.delete(here.at("SLACK"))).status_code == 204
    assert await credentials(hub) == []  # what waited went with it


async def test_a_token_of_another_account_waits_for_an_answer(each_hub: Hub, vendors: Vendors) -> None:
    hub, here = each_hub, await place(each_hub)
    row_id = await card(hub, here)
    async with hub.db.transaction() as tx:
        tx.add(Channel(workspace=here.group, connection_id=row_id, vendor_id="C0GENERAL", name="#general", sync=True))
    async with calling(here.key) as client:
        assert (await client.put(here.at("SLACK"), json=body(BETA, channelName="ops"))).status_code == 200
        await quiet(hub)
        row = await primary(hub, here, "SLACK")
        assert (row.state, row.account_name, row.waiting["account"]) == ("degraded", "Acme Corp", "Beta Inc")
        assert row.waiting["text"] == row.reason
        assert await used(hub, here, row_id) == ACME_IN_FULL
        assert (await connections.check_now(hub, here.owner, row_id)).waiting["account"] == "Beta Inc"
        # Forgotten: all is as it was, but for the names.
        view = await pending.drop(hub, here.owner, row_id)
        assert (view.state, view.account, view.waiting) == ("ok", "Acme Corp", {})
        shown = (await client.get(here.at("SLACK"))).json()
        assert (shown["apiToken"], shown["channelName"]) == (STARS[ACME_IN_FULL], "ops")
        assert len(await credentials(hub)) == 1
        # Asked once more, and taken: the former account is let go.
        await client.put(here.at("SLACK"), json=body(BETA))
        await quiet(hub)
        view = await pending.take(hub, here.owner, row_id)
        assert (view.id, view.account, view.waiting, view.method) == (row_id, "Beta Inc", {}, "api_token")
        await quiet(hub)
        assert await used(hub, here, row_id) == BETA
        assert (await client.get(here.at("SLACK"))).json()["teamName"] == "Beta Inc"
    [credential] = await credentials(hub)
    assert credential.account_key == "T0BETA"
    async with hub.db.reading() as tx:
        claims = (await tx.execute(select(col(AccountClaim.account_key)))).scalars()
        assert list(claims) == ["T0BETA"]
        assert list((await tx.execute(select(Channel))).scalars()) == []


async def test_a_former_consent_is_revoked_when_another_account_is_taken(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    row_id = await card(hub, here)
    await by_consent(hub, row_id)
    await groups.put(here.at("SLACK"), json=body(BETA))
    await quiet(hub)
    await pending.take(hub, here.owner, row_id)
    await quiet(hub)
    assert vendors.slack.tokens[ACME_IN_FULL].state == "revoked"
    assert vendors.slack.tokens[BETA].state == "active"
    assert [each.account_key for each in await credentials(hub)] == ["T0BETA"]


async def test_another_account_takes_over_where_the_present_one_is_refused(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    row_id = await card(hub, here)
    vendors.slack.tokens[ACME_IN_FULL].state = "revoked"
    await connections.check_now(hub, here.owner, row_id)
    await groups.put(here.at("SLACK"), json=body(BETA))
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert (row.id, row.account_name, row.state) == (row_id, "Beta Inc", State.DEGRADED)  # it lacks scopes
    assert row.waiting == {}


async def test_a_token_that_a_sibling_holds_is_kept_once(each_hub: Hub, vendors: Vendors) -> None:
    hub, here = each_hub, await place(each_hub)
    sibling = await card(hub, here)
    async with hub.db.transaction() as tx:
        await tx.execute(update(Connection).where(col(Connection.id) == sibling).values(primary_scope=None))
    async with calling(here.key) as client:
        assert (await client.post(here.at("SLACK"), json=first(ACME_IN_FULL))).status_code == 200
        await quiet(hub)
        row = await primary(hub, here, "SLACK")
        [credential] = await credentials(hub)
        async with hub.db.reading() as tx:
            other = await tx.get(Connection, sibling)
        assert other is not None
        assert row.credential_id == other.credential_id == credential.id
        assert (other.method, other.account_key, other.source) == ("bot_token", "T0ACME", "page")
        for each in (row.id, sibling):
            assert await used(hub, here, each) == ACME_IN_FULL
        # A write through one changes nothing of the other: it has one of its own again.
        await client.put(here.at("SLACK"), json=body(ACME))
        await quiet(hub)
        assert await used(hub, here, row.id) == ACME
        assert await used(hub, here, sibling) == ACME_IN_FULL
        assert (await client.delete(here.at("SLACK"))).status_code == 204
    assert await used(hub, here, sibling) == ACME_IN_FULL
    assert vendors.slack.tokens[ACME_IN_FULL].state == "active"
    async with hub.db.reading() as tx:
        assert len((await tx.execute(select(AccountClaim))).all()) == 1


async def test_another_token_of_a_sibling_s_account_leaves_the_sibling_its_own(
    hub: Hub, here: Place, groups: Client
) -> None:
    sibling = await card(hub, here)
    async with hub.db.transaction() as tx:
        await tx.execute(update(Connection).where(col(Connection.id) == sibling).values(primary_scope=None))
    await groups.post(here.at("SLACK"), json=first(ACME))
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert row.account_key == "T0ACME"
    assert (await used(hub, here, row.id), await used(hub, here, sibling)) == (ACME, ACME_IN_FULL)
    # The same way to the same account twice: the second is known by its own id, and works.
    async with hub.db.transaction() as tx:
        await tx.execute(update(Connection).where(col(Connection.id) == row.id).values(primary_scope=None))
    await groups.post(here.at("SLACK"), json=first(ACME_IN_FULL))
    await quiet(hub)
    third = await primary(hub, here, "SLACK")
    assert (third.id != row.id, third.state, third.account_name) == (True, "ok", "Acme Corp")
    assert await used(hub, here, third.id) == ACME_IN_FULL


async def test_an_account_that_is_connected_elsewhere_sends_and_says_so(
    hub: Hub, here: Place, there: Place, groups: Client
) -> None:
    await card(hub, there)
    answer = await groups.post(here.at("SLACK"), json=first(ACME_IN_FULL))
    assert answer.status_code == 200  # its shape has no such error
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert (row.state, row.reason) == ("degraded", merging.ELSEWHERE)
    assert there.group not in row.reason
    assert (await delivery.send_test(hub, here.owner, row.id, "C0GENERAL")).success
    assert (await connections.check_now(hub, here.owner, row.id)).reason == merging.ELSEWHERE
    async with calling(there.key) as other:
        assert (await other.delete(there.at("SLACK"))).status_code == 204
    assert (await connections.check_now(hub, here.owner, row.id)).state == "ok"  # each check tries again


async def test_what_the_environment_gives_is_no_configuration(
    here: Place, groups: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub.db.transaction() as tx:
        tx.add(
            Connection(
                workspace=here.group, source="environment", provider="slack", method="bot_token", purpose="chat",
                scope="slack:chat", identifier="slack-env", label="Env", account_key="T0ACME",
            )
        )  # fmt: skip
    assert code(await groups.get(here.at("SLACK")))[1] == "INTEGRATION_NOT_CONFIGURED"
    assert (await groups.post(here.at("SLACK"), json=first(BETA))).status_code == 200
    await quiet(hub)


async def test_a_renamed_connection_keeps_its_name(hub: Hub, here: Place, groups: Client, vendors: Vendors) -> None:
    await groups.post(here.at("SLACK"), json=first(ACME_IN_FULL))
    await quiet(hub)
    row = await primary(hub, here, "SLACK")
    assert row.label == "Acme Corp"
    await connections.rename(hub, here.owner, row.id, "Ours")
    vendors.slack.tokens[ACME] = replace(slack_seed.TOKENS[ACME_IN_FULL])
    await groups.put(here.at("SLACK"), json=body(ACME))
    await quiet(hub)
    assert (await primary(hub, here, "SLACK")).label == "Ours"


async def test_what_waits_is_forgotten_when_the_page_connects_anew(hub: Hub, here: Place, groups: Client) -> None:
    row_id = await card(hub, here)
    await groups.put(here.at("SLACK"), json=body(BETA))
    await quiet(hub)
    await card(hub, here)
    row = await primary(hub, here, "SLACK")
    assert (row.id, row.state, row.waiting) == (row_id, "ok", {})
    assert len(await credentials(hub)) == 1
    assert (await groups.get(here.at("SLACK"))).json()["apiToken"] == STARS[ACME_IN_FULL]


async def test_a_team_s_name_is_wanted_first_and_then_may_be_left_out(groups: Client, here: Place) -> None:
    for without in ({}, {"teamName": None}):
        answer = await groups.post(here.at("SLACK"), json=body(ACME_IN_FULL, **without))
        assert (answer.status_code, answer.json()["errorCode"], answer.json()["parameters"]) == (
            400, "MISSING_ATTRIBUTE", ["teamName"],
        )  # fmt: skip
    for verb in (groups.post, groups.put):
        for empty in ("", "  "):
            answer = await verb(here.at("SLACK"), json=body(ACME_IN_FULL, teamName=empty))
            assert (answer.status_code, answer.json()["errorCode"], answer.json()["parameters"]) == (
                400, "MISSING_OR_INVALID_ATTRIBUTE", ["teamName"],
            )  # fmt: skip
    assert (await groups.put(here.at("SLACK"), json=body(ACME_IN_FULL))).status_code == 400
    assert (await groups.post(here.at("SLACK"), json=first(ACME_IN_FULL))).status_code == 200
    assert (await groups.put(here.at("SLACK"), json=body(ACME_IN_FULL, teamName=""))).status_code == 200
    assert (await groups.put(here.at("SLACK"), json=body(ACME_IN_FULL, teamName=None))).status_code == 200
