"""PagerDuty and Opsgenie by the chat API: live as mail is, cards, and what the groups API calls its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import scope_of
from atlas_hub.services import connections, delivery, status, truths
from atlas_hub.services import wire_credentials as wire
from atlas_hub.services.views import State
from atlas_hub.storage import connections as rows
from atlas_hub.storage import integrations as stored
from atlas_hub.storage.models import Connection
from tests.api.chat.conftest import Client, Place
from tests.api.chat.test_integrations import LIST, listed, made, row_of, settled
from tests.standins import opsgenie, pagerduty

PAGERDUTY = {
    "providerId": "pagerduty",
    "channel": "chat",
    "active": True,
    "credentials": {"apiKey": pagerduty.LIVE, "region": "eu"},
}
OPSGENIE = {"providerId": "opsgenie", "channel": "chat", "active": True, "credentials": {"apiKey": opsgenie.LIVE}}


@pytest.fixture
def hub(each_hub: Hub) -> Hub:
    """What the callers of these tests meet: a hub on each database, PagerDuty and Opsgenie on loopback."""
    return each_hub


async def primary(hub: Hub, here: Place, scope: str) -> Connection | None:
    async with hub.db.reading() as tx:
        return await rows.primary_of(tx, here.workspace, scope)


def test_the_scopes_that_storage_lists_are_those_of_what_is_live() -> None:
    ways = [way for way in wire.KNOWN.values() if way.kind == "account"]
    scopes = {scope_of(PROVIDERS[way.provider], PROVIDERS[way.provider].method(way.method)) for way in ways}
    assert scopes == set(stored.LIVE_SCOPES)
    for way in ways:
        fields = set(wire.FIELDS[way.provider, way.method].values())
        method = PROVIDERS[way.provider].method(way.method)
        assert method is not None
        needed = {name for name, info in method.form.model_fields.items() if info.is_required()}
        assert needed <= fields <= set(method.form.model_fields)


@pytest.mark.parametrize(
    ("body", "scope", "field", "state"),
    [
        (PAGERDUTY, "pagerduty:alerts", "service_key", State.UNVERIFIED),
        (OPSGENIE, "opsgenie:alerts", "api_key", State.OK),
    ],
)
async def test_it_is_a_card_and_what_the_groups_api_reads(
    hub: Hub, chat: Client, here: Place, body: dict[str, Any], scope: str, field: str, state: State
) -> None:
    told = await made(chat, body)
    await settled(hub)
    row = await primary(hub, here, scope)
    assert row is not None
    assert (row.id, row.kind, row.purpose, row.scope, row.source) == (told["_id"], "account", "alerts", scope, "chat")
    key = body["credentials"]["apiKey"]
    assert row.masks == {field: f"••••{key[-4:]}"}
    assert row.stars == {field: "*" * (len(key) - 4) + key[-4:]}
    assert row.options["region"] == body["credentials"].get("region", "us").upper()
    assert row.state == state, row.reason
    card = await status.card(hub, here.workspace, body["providerId"])
    assert card.connection is not None
    assert (card.connection.id, card.connection.primary) == (row.id, True)
    assert (told["channel"], told["providerId"], told["primary"]) == ("chat", body["providerId"], False)
    assert key not in str(await listed(chat))
    sent = await delivery.send_test(hub, here.owner, row.id)
    assert sent.success, sent.text
    assert (await row_of(hub, row.id)).state == state


async def test_a_key_of_a_card_is_an_integration_and_one_row_everywhere(hub: Hub, chat: Client, here: Place) -> None:
    values = {"service_key": pagerduty.LIVE, "region": "US"}
    view = (await connections.connect(hub, here.owner, "pagerduty", "events_key", values, source="page")).view
    [told] = (await listed(chat)).values()
    assert (told["_id"], told["providerId"], told["channel"], told["primary"]) == (view.id, "pagerduty", "chat", False)
    other = await made(chat, PAGERDUTY)
    assert (await primary(hub, here, "pagerduty:alerts")).id == view.id  # type: ignore[union-attr]  # it is there
    assert (await chat.delete(f"{LIST}/{view.id}")).status_code == 200
    assert await primary(hub, here, "pagerduty:alerts") is None  # none takes its place unasked
    assert set(await listed(chat)) == {other["_id"]}


@pytest.mark.parametrize("name", ["apiKey", "secretKey", "routingKey"])
async def test_the_key_of_pagerduty_has_several_names(hub: Hub, chat: Client, name: str) -> None:
    told = await made(chat, PAGERDUTY, credentials={name: pagerduty.LIVE, "other": "not kept"})
    row = await row_of(hub, told["_id"])
    assert set(row.masks) == {"service_key"}
    assert row.options == {"region": "US"}
    shown = {name: row.masks["service_key"], "region": "EU"}
    assert (await chat.put(f"{LIST}/{row.id}", json={"credentials": shown})).status_code == 200
    row = await row_of(hub, row.id)
    assert (row.options["region"], row.masks["service_key"]) == ("EU", f"••••{pagerduty.LIVE[-4:]}")


async def test_what_is_incomplete_or_wrong_is_kept_and_said(hub: Hub, chat: Client) -> None:
    told = await made(chat, PAGERDUTY, credentials={"region": "eu"})
    row = await row_of(hub, told["_id"])
    assert (row.state, row.reason) == (State.MISCONFIGURED, "Integration Key is missing. Enter it.")
    answer = await chat.post(LIST, json={**OPSGENIE, "credentials": {"apiKey": opsgenie.LIVE, "region": "mars"}})
    row = await row_of(hub, answer.json()["data"]["_id"])
    assert row.state == State.MISCONFIGURED
    for channel in ("email", "push"):
        assert (await chat.post(LIST, json={**PAGERDUTY, "channel": channel})).status_code == 422


async def test_a_check_that_is_refused_stores_nothing(hub: Hub, chat: Client) -> None:
    answer = await chat.post(LIST, json={**PAGERDUTY, "check": True, "credentials": {"apiKey": pagerduty.REST}})
    assert answer.status_code == 400
    assert await listed(chat) == {}
    assert (await made(chat, {**PAGERDUTY, "check": True}))["active"] is True


async def test_a_new_key_of_one_that_was_proven_waits_and_proves_nothing_before(
    hub: Hub, chat: Client, here: Place
) -> None:
    told = await made(chat, PAGERDUTY)
    await settled(hub)
    async with hub.db.transaction() as tx:
        row = await rows.find(tx, here.workspace, told["_id"])
        assert row is not None
        truths.delivered(row, "It arrived.", now())
    refused = {"credentials": {"apiKey": pagerduty.REST}}
    assert (await chat.put(f"{LIST}/{told['_id']}", json=refused)).status_code == 200
    await settled(hub)
    row = await row_of(hub, told["_id"])
    assert (row.state, row.checks["authenticated"]["status"]) == (State.DEGRADED, "yes")
    assert "old one is still used" in row.reason
    fine = {"credentials": {"apiKey": pagerduty.OTHER}}
    assert (await chat.put(f"{LIST}/{told['_id']}", json=fine)).status_code == 200
    await settled(hub)
    row = await row_of(hub, told["_id"])
    assert (row.state, row.checks["authenticated"]["status"]) == (State.UNVERIFIED, "unknown")


async def test_the_first_active_one_is_the_primary_and_the_api_does_not_call_it_so(
    hub: Hub, chat: Client, here: Place
) -> None:
    idle = await made(chat, {**PAGERDUTY, "active": False})
    assert await primary(hub, here, "pagerduty:alerts") is None
    first, second = await made(chat, PAGERDUTY), await made(chat, PAGERDUTY)
    row = await primary(hub, here, "pagerduty:alerts")
    assert row is not None
    assert row.id == first["_id"]
    answer = await chat.post(f"{LIST}/{second['_id']}/set-primary")
    assert (answer.status_code, answer.json()["message"]) == (400, "Channel chat does not support primary")
    assert (await chat.put(f"{LIST}/{first['_id']}", json={"active": False})).status_code == 200
    assert await primary(hub, here, "pagerduty:alerts") is None
    assert (await chat.put(f"{LIST}/{idle['_id']}", json={"active": True})).status_code == 200
    row = await primary(hub, here, "pagerduty:alerts")
    assert row is not None
    assert row.id == idle["_id"]


ENDPOINTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "pagerduty": ("pagerduty_service", {"routingKey": pagerduty.OTHER, "region": "us"}),
    "opsgenie": ("opsgenie_integration", {"apiKey": opsgenie.LIVE, "region": "eu"}),
}


@pytest.mark.parametrize(("provider_id", "body"), [("pagerduty", PAGERDUTY), ("opsgenie", OPSGENIE)])
async def test_its_endpoints_work_as_before(chat: Client, provider_id: str, body: dict[str, Any]) -> None:
    await made(chat, body, identifier="pager")
    await chat.post("/v2/subscribers", json={"subscriberId": "ana"})
    kind, endpoint = ENDPOINTS[provider_id]
    said = {"subscriberId": "ana", "integrationIdentifier": "pager", "type": kind, "endpoint": endpoint}
    answer = await chat.post("/v1/channel-endpoints", json=said)
    assert answer.status_code == 201, answer.text
    told = answer.json()["data"]
    assert (told["channel"], told["providerId"], told["integrationIdentifier"]) == ("chat", provider_id, "pager")
    for query in ({"channel": "chat"}, {"providerId": provider_id}, {"integrationIdentifier": "pager"}, {}):
        found = (await chat.get("/v1/channel-endpoints", params=query)).json()["data"]
        assert [each["identifier"] for each in found] == [told["identifier"]], query
    for query in ({"channel": "email"}, {"providerId": "sendgrid"}, {"providerId": "slack"}):
        assert (await chat.get("/v1/channel-endpoints", params=query)).json()["data"] == []


async def test_rows_that_were_stored_before_stay_as_they_are(hub: Hub, chat: Client, here: Place) -> None:
    row_id = new_id()
    async with hub.db.transaction() as tx:
        tx.add(
            Connection(id=row_id, workspace=here.workspace, kind="foreign", source="chat", provider="pagerduty",
                       method="foreign", purpose="chat", scope="pagerduty:chat", identifier="old", label="Old",
                       account_key=f"row:{row_id}", integration={"channel": "chat", "kind": "delivery"})
        )  # fmt: skip
    await chat.post("/v2/subscribers", json={"subscriberId": "ana"})
    [told] = (await listed(chat)).values()
    assert (told["providerId"], told["channel"]) == ("pagerduty", "chat")
    assert (await chat.put(f"{LIST}/{row_id}", json={"credentials": {"apiKey": pagerduty.LIVE}})).status_code == 200
    row = await row_of(hub, row_id)
    assert (row.kind, row.primary_scope) == ("foreign", None)
    kind, endpoint = ENDPOINTS["pagerduty"]
    said = {"subscriberId": "ana", "integrationIdentifier": "old", "type": kind, "endpoint": endpoint}
    assert (await chat.post("/v1/channel-endpoints", json=said)).status_code == 201
    found = (await chat.get("/v1/channel-endpoints", params={"providerId": "pagerduty"})).json()["data"]
    assert len(found) == 1
    hook = {"providerId": "pagerduty", "credentials": {"webhookUrl": "https://hooks.example.com/1"}}
    assert (await chat.put("/v1/subscribers/ana/credentials", json=hook)).status_code == 200


async def test_what_is_a_card_alone_is_no_integration(hub: Hub, chat: Client, here: Place) -> None:
    values = {"username": "prom", "password": "a-password-of-tests", "service_discovery": "http", "enabled": True}
    view = (await connections.connect(hub, here.owner, "prometheus", "pull", values, source="page")).view
    assert await listed(chat) == {}
    row = await row_of(hub, view.id)
    await chat.post("/v2/subscribers", json={"subscriberId": "ana"})
    said = {"subscriberId": "ana", "integrationIdentifier": row.identifier, "type": "slack_user"}
    answer = await chat.post("/v1/channel-endpoints", json={**said, "endpoint": {"userId": "U1"}})
    assert answer.status_code == 404
