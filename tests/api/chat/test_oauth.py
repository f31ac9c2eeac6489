"""Subscribers consent at the vendor: addresses, the way back, and what it leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services.chat_consents import context_hash
from atlas_hub.storage.models import ChannelEndpoint, Connection, Credential, OAuthAttempt
from tests.api.chat.conftest import Client, Place, calling
from tests.api.chat.consenting import agreed, app
from tests.api.keyed import THE_APIS
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.browser import told
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_oauth import TOKEN_PATH
from tests.standins.teams import ACME, TeamsStandin

ADDRESS = "https://hub.example"
CALLBACK = f"{ADDRESS}/v1/integrations/chat/oauth/callback"
CONNECT, LINK = "/v1/integrations/channel-connections/oauth", "/v1/integrations/channel-endpoints/oauth"
CHAT = "/v1/integrations/chat/oauth"


@pytest.fixture
def slack() -> Iterator[SlackStandin]:
    with SlackStandin() as standin:
        yield standin


@pytest.fixture
def teams() -> Iterator[TeamsStandin]:
    with TeamsStandin() as standin:
        yield standin


@pytest.fixture
async def hub(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: SlackStandin, teams: TeamsStandin
) -> AsyncIterator[Hub]:
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", slack.base)
    for name in ("MICROSOFT_LOGIN", "MICROSOFT_GRAPH"):
        monkeypatch.setenv(f"ATLAS_UPSTREAM_{name}", teams.base)
    async with open_hub(settings_for(tmp_path, database_url=database_url, public_url=ADDRESS)) as the_hub:
        yield the_hub


@pytest.fixture
async def browser() -> AsyncIterator[Client]:
    """A subscriber's browser, which has no key."""
    transport = httpx.ASGITransport(app=THE_APIS)
    async with Client(transport=transport, base_url=ADDRESS, headers={"Accept": "text/html"}) as client:
        yield client


async def rows(hub: Hub, model: Any, **wanted: Any) -> list[Any]:
    async with hub.db.reading() as tx:
        found = (await tx.execute(select(model))).scalars().all()
    return [row for row in found if all(getattr(row, name) == value for name, value in wanted.items())]


async def address(chat: Client, path: str = CONNECT, **body: Any) -> str:
    answer = await chat.post(path, json={"integrationIdentifier": "slack-abc", **body})
    assert answer.status_code == 201, answer.text
    assert list(answer.json()["data"]) == ["url"]
    return str(answer.json()["data"]["url"])


async def test_an_address_is_as_the_vendor_wants_it(hub: Hub, chat: Client, here: Place, slack: SlackStandin) -> None:
    await app(hub, here.owner, "slack-abc")
    url = await address(chat, subscriberId="ana")
    assert url.startswith(f"{slack.base}/oauth/v2/authorize?state=")
    said = told(url)
    assert said["redirect_uri"] == CALLBACK
    assert said["scope"] == "chat:write,chat:write.public,channels:read,groups:read,users:read,users:read.email"
    assert "user_scope" not in said
    assert "response_type" not in said
    assert told(await address(chat, subscriberId="ana", scope=["chat:write"]))["scope"] == "chat:write"
    linking = told(await address(chat, LINK, subscriberId="ana"))
    assert linking["user_scope"] == "identity.basic"
    assert "scope" not in linking
    state = said["state"]
    kept = await rows(hub, OAuthAttempt)
    assert all(state not in f"{row.state_hash} {row.request} {row.outcome}" for row in kept)


async def test_connect_stores_a_connection_that_is_proven(
    hub: Hub, chat: Client, browser: Client, here: Place, slack: SlackStandin
) -> None:
    app_id = await app(hub, here.owner, "slack-abc")
    url = await address(chat, subscriberId="ana", connectionIdentifier="chconn-slack-default-ana", autoLinkUser=True)
    came = await browser.get(agreed(url, "Allow", team="Acme Corp"))
    assert (came.status_code, "Slack is linked as Acme Corp" in came.text) == (200, True)
    assert came.headers["referrer-policy"] == "no-referrer"
    answer = (await chat.get("/v1/channel-connections/chconn-slack-default-ana")).json()["data"]
    assert (answer["subscriberId"], answer["workspace"]["id"], answer["workspace"]["name"]) == (
        "ana",
        "T0ACME",
        "Acme Corp",
    )
    [row] = await rows(hub, Connection, subscriber="ana")
    assert (row.state, row.app_id, row.account_key) == ("ok", app_id, "T0ACME")
    [endpoint] = await rows(hub, ChannelEndpoint)
    assert (endpoint.type, endpoint.subscriber, endpoint.connection_id) == ("slack_user", "ana", row.id)
    assert slack.exchanges == 1


async def test_consenting_again_renews_the_connection(
    hub: Hub, chat: Client, browser: Client, here: Place, slack: SlackStandin
) -> None:
    await app(hub, here.owner, "slack-abc")
    for team in ("Acme Corp", "Beta Inc"):
        url = await address(chat, subscriberId="ana", context={"tenant": "acme"})
        assert (await browser.get(agreed(url, "Allow", team=team))).status_code == 200
    [row] = await rows(hub, Connection, subscriber="ana")
    assert (row.wire["workspace"]["id"], row.contexts, row.state) == ("T0BETA", "tenant:acme", "ok")


async def test_an_identifier_is_not_taken_over(hub: Hub, chat: Client, browser: Client, here: Place) -> None:
    await app(hub, here.owner, "slack-abc")
    for subscriber, status in (("ana", 200), ("ben", 400)):
        url = await address(chat, subscriberId=subscriber, connectionIdentifier="mine")
        assert (await browser.get(agreed(url, "Allow", team="Acme Corp"))).status_code == status
    assert [row.subscriber for row in await rows(hub, Connection, identifier="mine")] == ["ana"]


async def test_a_shared_connection_is_a_contexts(hub: Hub, chat: Client, browser: Client, here: Place) -> None:
    await app(hub, here.owner, "slack-abc")
    url = await address(
        chat, subscriberId="ana", connectionMode="shared", context={"tenant": "acme"}, autoLinkUser=True
    )
    assert (await browser.get(agreed(url, "Allow", team="Acme Corp"))).status_code == 200
    [row] = await rows(hub, Connection, contexts="tenant:acme")
    assert row.subscriber == ""
    assert await rows(hub, ChannelEndpoint) == []


async def test_an_incoming_webhook_becomes_an_endpoint_that_is_sealed(
    hub: Hub, chat: Client, browser: Client, here: Place
) -> None:
    await app(hub, here.owner, "slack-abc")
    url = await address(chat, subscriberId="ana", scope=["incoming-webhook", "chat:write"])
    assert (await browser.get(agreed(url, "Allow", team="Acme Corp"))).status_code == 200
    [row] = await rows(hub, ChannelEndpoint)
    assert (row.type, row.sealed is not None) == ("webhook", True)
    assert "/services/" not in str(row.endpoint)


async def test_link_user_makes_an_endpoint_and_no_connection(
    hub: Hub, chat: Client, browser: Client, here: Place
) -> None:
    await app(hub, here.owner, "slack-abc")
    url = await address(chat, CHAT, subscriberId="ana", mode="link_user")
    assert (await browser.get(agreed(url, "Allow", team="Acme Corp"))).status_code == 200
    [row] = await rows(hub, ChannelEndpoint)
    assert (row.type, row.subscriber, row.connection_id) == ("slack_user", "ana", None)
    assert await rows(hub, Connection, subscriber="ana") == []


async def test_teams_consents_and_then_tells_who_agreed(
    hub: Hub, chat: Client, browser: Client, here: Place, teams: TeamsStandin
) -> None:
    await app(hub, here.owner, "teams-abc", "teams")
    url = await address(chat, integrationIdentifier="teams-abc", subscriberId="ana", autoLinkUser=True)
    assert url.startswith(f"{teams.base}/organizations/v2.0/adminconsent?client_id=")
    first = await browser.get(agreed(url, "Accept", tenant="Acme Corp"))
    assert first.status_code == 302, first.text
    [row] = await rows(hub, Connection, subscriber="ana")
    assert (row.wire["workspace"]["id"], row.state) == (ACME, "unverified")
    answer = (await chat.get(f"/v1/channel-connections/{row.identifier}")).json()["data"]
    assert answer["auth"]["accessToken"] == "app-only"
    second = await browser.get(agreed(first.headers["location"], "Accept"))
    assert second.status_code == 200, second.text
    [endpoint] = await rows(hub, ChannelEndpoint)
    assert (endpoint.type, endpoint.connection_id) == ("ms_teams_user", row.id)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("error=access_denied&error_description=no%20thanks", "OAuth error: access_denied - no thanks"),
        ("code=1", "Missing required OAuth parameter: state"),
        ("state=x", "Missing required OAuth parameters: code or tenant"),
        ("state=x&code=1", "Invalid OAuth state parameter"),
    ],
)
async def test_a_way_back_that_leads_nowhere(browser: Client, hub: Hub, query: str, said: str) -> None:
    page = await browser.get(f"/v1/integrations/chat/oauth/callback?{query}")
    assert (page.status_code, said in page.text) == (400, True)
    for_programs = await browser.get(f"/v1/integrations/chat/oauth/callback?{query}", headers={"Accept": "*/*"})
    body = for_programs.json()
    assert (body["statusCode"], body["message"]) == (400, said)
    assert "code=1" not in body["path"]


async def test_a_state_is_good_once_and_for_five_minutes(
    hub: Hub, chat: Client, browser: Client, here: Place, slack: SlackStandin
) -> None:
    await app(hub, here.owner, "slack-abc")
    back = agreed(await address(chat, subscriberId="ana"), "Allow", team="Acme Corp")
    assert (await browser.get(back)).status_code == 200
    again = await browser.get(back)
    assert (again.status_code, "Invalid OAuth state" in again.text) == (400, True)
    late = agreed(await address(chat, subscriberId="ben"), "Allow", team="Acme Corp")
    async with hub.db.transaction() as tx:
        for row in (await tx.execute(select(OAuthAttempt))).scalars():
            row.expires_at = hub.now()
    assert (await browser.get(late)).status_code == 400
    assert await rows(hub, Connection, subscriber="ben") == []
    assert slack.exchanges == 1


async def test_the_same_request_gets_the_same_address_until_it_was_used(
    hub: Hub, chat: Client, browser: Client, here: Place
) -> None:
    await app(hub, here.owner, "slack-abc")

    async def ask() -> str:
        body = {"integrationIdentifier": "slack-abc", "subscriberId": "ana"}
        answer = await chat.post(CONNECT, json=body, headers={"idempotency-key": "once"})
        assert answer.status_code == 201
        return str(answer.json()["data"]["url"])

    first = await ask()
    assert await ask() == first
    assert (await browser.get(agreed(first, "Allow", team="Acme Corp"))).status_code == 200
    assert await ask() != first


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.HUGE, Fault.SERVER_ERROR, Fault.REDIRECT, Fault.EMPTY])
async def test_a_vendor_that_makes_no_sense_stores_nothing(
    hub: Hub, chat: Client, browser: Client, here: Place, slack: SlackStandin, fault: Fault
) -> None:
    await app(hub, here.owner, "slack-abc")
    slack.dial.set(fault, times=1, path=TOKEN_PATH)
    back = agreed(await address(chat, subscriberId="ana"), "Allow", team="Acme Corp")
    page = await browser.get(back)
    assert (page.status_code, "Nothing was linked" in page.text) == (400, True)
    assert await rows(hub, Connection, subscriber="ana") == []
    back = agreed(await address(chat, subscriberId="ana"), "Allow", team="Acme Corp")
    assert (await browser.get(back)).status_code == 200


async def test_it_goes_on_to_the_application_alone(hub: Hub, chat: Client, browser: Client, here: Place) -> None:
    for identifier, redirect, status in (
        ("good", "https://app.example/done", 302),
        ("evil", "javascript:alert(1)", 200),
        ("plain", "http://app.example/done", 200),
    ):
        await app_once(hub, here, identifier, redirect)
        url = await address(chat, integrationIdentifier=identifier, subscriberId="ana")
        came = await browser.get(agreed(url, "Allow", team="Acme Corp"))
        assert came.status_code == status
        assert came.headers.get("location", redirect) == redirect


async def app_once(hub: Hub, here: Place, identifier: str, redirect: str) -> None:
    if not await rows(hub, Connection, kind="app"):
        await app(hub, here.owner, identifier, redirectUrl=redirect)
        return
    async with hub.db.transaction() as tx:
        for row in (await tx.execute(select(Connection).where(Connection.kind == "app"))).scalars():
            row.identifier, row.options = identifier, {**row.options, "redirectUrl": redirect}


async def test_an_integration_that_keeps_an_hmac_wants_the_contexts_hash(hub: Hub, chat: Client, here: Place) -> None:
    await app(hub, here.owner, "slack-abc", hmac=True)
    context = {"tenant": "acme", "app": {"id": "jira", "data": {"b": 1, "a": "x"}}}
    good = context_hash(Secret(here.key), context)
    for body, said in (
        ({}, "A context is required when HMAC validation is enabled."),
        ({"context": context}, "A valid contextHash is required when HMAC validation is enabled."),
        ({"context": context, "contextHash": "ab"}, "Please provide a valid context HMAC hash"),
    ):
        answer = await chat.post(CONNECT, json={"integrationIdentifier": "slack-abc", "subscriberId": "ana", **body})
        assert (answer.status_code, answer.json()["message"]) == (400, said)
    assert await address(chat, subscriberId="ana", context=context, contextHash=good)


def test_the_hash_is_that_of_the_original() -> None:
    context = {"tenant": "acme", "app": {"id": "jira", "data": {"b": 1, "a": "x"}}}
    assert context_hash(Secret("sk_test_123"), context) == (
        "4669b204d6fa1b0b430f728a4a2de5954946735b5e4bb46622a4defea2d8599d"
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (CONNECT, {"integrationIdentifier": "nope", "subscriberId": "ana"}, 404, "Integration not found: nope in"),
        (CONNECT, {"subscriberId": "nobody"}, 404, "Subscriber not found: nobody"),
        (CONNECT, {"connectionMode": "shared"}, 400, 'context is required when connectionMode is "shared"'),
        (CONNECT, {"scope": ["incoming-webhook"], "context": {"a": "b"}}, 400, "subscriberId is required for incoming"),
        (CHAT, {"mode": "link_user"}, 400, "subscriberId is required for link_user mode"),
        (CONNECT, {"subscriberId": "ana", "connectionMode": "x"}, 422, "Validation Error"),
        (LINK, {}, 422, "Validation Error"),
        (CONNECT, {"subscriberId": "ana", "scope": "chat:write"}, 422, "Validation Error"),
    ],
)
async def test_what_cannot_be_asked_for(
    hub: Hub, chat: Client, here: Place, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    await app(hub, here.owner, "slack-abc")
    answer = await chat.post(path, json={"integrationIdentifier": "slack-abc", **body})
    assert (answer.status_code, answer.json()["message"].startswith(said)) == (status, True), answer.text


async def test_an_app_without_a_client_id_cannot_begin(hub: Hub, chat: Client, here: Place) -> None:
    await app(hub, here.owner, "slack-abc", clientId="")
    answer = await chat.post(CONNECT, json={"integrationIdentifier": "slack-abc", "subscriberId": "ana"})
    assert answer.status_code == 404
    assert "missing required OAuth credentials (clientId)" in answer.json()["message"]


async def test_another_workspaces_integration_is_not_there(hub: Hub, chat: Client, there: Place) -> None:
    await app(hub, there.owner, "slack-abc")
    answer = await chat.post(CONNECT, json={"integrationIdentifier": "slack-abc", "subscriberId": "ana"})
    assert answer.status_code == 404


async def test_an_integration_that_goes_meanwhile(hub: Hub, chat: Client, browser: Client, here: Place) -> None:
    await app(hub, here.owner, "slack-abc")
    back = agreed(await address(chat, subscriberId="ana"), "Allow", team="Acme Corp")
    async with hub.db.transaction() as tx:
        for row in (await tx.execute(select(Connection))).scalars():
            row.active = False
    page = await browser.get(back)
    assert (page.status_code, "not there any more" in page.text) == (404, True)


async def test_no_token_is_told(hub: Hub, chat: Client, browser: Client, here: Place, slack: SlackStandin) -> None:
    await app(hub, here.owner, "slack-abc")
    url = await address(chat, subscriberId="ana", connectionIdentifier="c1")
    page = await browser.get(agreed(url, "Allow", team="Acme Corp"))
    said = (await chat.get("/v1/channel-connections/c1")).text + page.text
    assert not [token for token in slack.tokens if token in said]
    credentials = await rows(hub, Credential, provider="slack")
    assert not [token for token in slack.tokens for row in credentials if token.encode() in (row.current or b"")]


async def test_a_reader_may_not_begin(hub: Hub, here: Place) -> None:
    await app(hub, here.owner, "slack-abc")
    async with calling(here.reader) as reader:
        answer = await reader.post(CONNECT, json={"integrationIdentifier": "slack-abc", "subscriberId": "ana"})
    assert answer.status_code == 403
