"""Channel endpoints, subscribers and contexts on the wire, by raw HTTP; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select

from atlas_hub.hub import Hub
from atlas_hub.storage.models import AuditEvent, ChannelEndpoint, Context, Subscriber
from atlas_hub.storage.sealed import bound_to
from tests.api.chat.conftest import Client, Place, calling, place
from tests.api.chat.ground import connection, integration, subscriber

PATH = "/v1/channel-endpoints"
URL = "https://hooks.example.com:8443/services/T0/canary-of-the-hook"


@pytest.fixture
async def owner(each_hub: Hub) -> Place:
    return await place(each_hub)


@pytest.fixture
async def ready(each_hub: Hub, owner: Place) -> AsyncIterator[Client]:
    await integration(each_hub, owner.owner, "slack-abc")
    await subscriber(each_hub, owner.owner, "sub1")
    async with calling(owner.key) as client:
        yield client


def body(kind: str = "slack_user", endpoint: Any = None, **more: Any) -> dict[str, Any]:
    given = {"userId": "U1"} if endpoint is None else endpoint
    return {"subscriberId": "sub1", "integrationIdentifier": "slack-abc", "type": kind, "endpoint": given, **more}


async def made(client: Client, *args: Any, **more: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json=body(*args, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


WHOLE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "slack_channel": ({"channelId": "C1"}, {}),
    "slack_user": ({"userId": "U1"}, {}),
    "webhook": ({"url": URL, "channel": "#ops"}, {"url": "https://hooks.example.com:8443/…"}),
    "phone": ({"phoneNumber": "+4912345"}, {}),
    "ms_teams_channel": ({"teamId": "t", "channelId": "c"}, {}),
    "ms_teams_user": ({"userId": "u", "tenantId": "t"}, {}),
    "telegram_chat": ({"chatId": "-100123"}, {}),
    "line_user": ({"userId": "u"}, {}),
    "pagerduty_service": ({"routingKey": "canary0123456789abWXYZ", "region": "us"}, {"routingKey": "••••WXYZ"}),
    "opsgenie_integration": ({"apiKey": "canary", "region": "eu"}, {"apiKey": "••••"}),
    "grafana_oncall_integration": (
        {"url": URL, "authToken": "canary"},
        {"url": "https://hooks.example.com:8443/…", "authToken": "••••"},
    ),
    "tool_webhook": (
        {"url": URL, "method": "PUT", "headers": {"X-Key": "canary"}},
        {"url": "https://hooks.example.com:8443/…", "headers": {"X-Key": "••••"}},
    ),
}
"""A whole endpoint of each type, and what of it is told otherwise than it was sent."""


@pytest.mark.parametrize("kind", WHOLE)
async def test_each_type_is_stored_and_told_with_its_secrets_masked(ready: Client, each_hub: Hub, kind: str):
    endpoint, masked = WHOLE[kind]
    said = await made(ready, kind, {**endpoint, "unknown": "left out"}, context={"tenant": "acme"})
    assert said["identifier"].startswith("chendp_")
    assert said == {
        "identifier": said["identifier"], "channel": "chat", "providerId": "slack",
        "integrationIdentifier": "slack-abc", "connectionIdentifier": None, "subscriberId": "sub1",
        "contextKeys": ["tenant:acme"], "type": kind, "endpoint": {**endpoint, **masked},
        "createdAt": said["createdAt"], "updatedAt": said["createdAt"],
    }  # fmt: skip
    listed = await ready.get(PATH)
    assert listed.json()["data"] == [said]
    assert "canary" not in listed.text
    async with each_hub.db.reading() as tx:
        row = (await tx.execute(select(ChannelEndpoint))).scalar_one()
        events = (await tx.execute(select(AuditEvent))).scalars().all()
    assert (row.sealed is None) == (not masked)
    assert "canary" not in str(row.endpoint) + str([event.detail for event in events])
    if row.sealed:
        opened = each_hub.vault.open(row.sealed, bound_to=bound_to(row, "sealed"))
        assert set(opened) == set(masked)
    # What is told may be sent back: a mask keeps what is stored.
    same = await ready.patch(f"{PATH}/{said['identifier']}", json={"endpoint": said["endpoint"]})
    assert same.status_code == 200, same.text
    assert same.json()["data"]["endpoint"] == said["endpoint"]
    async with each_hub.db.reading() as tx:
        kept = (await tx.execute(select(ChannelEndpoint))).scalar_one()
    if row.sealed:
        assert each_hub.vault.open(kept.sealed or b"", bound_to=bound_to(kept, "sealed")) == opened


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("slack_user", {}), ("slack_user", {"userId": ""}), ("slack_user", {"userId": 1}),
        ("slack_user", {"channelId": "C1"}), ("ms_teams_channel", {"channelId": "c"}),
        ("webhook", {"url": "ftp://x"}), ("webhook", {"url": "https://"}), ("webhook", {"url": "https://a:b@x/"}),
        ("webhook", {"url": "not an address"}), ("pagerduty_service", {"routingKey": "k", "region": "mars"}),
        ("pagerduty_service", {"routingKey": "k"}), ("tool_webhook", {"url": URL, "headers": {"a b": "c"}}),
        ("tool_webhook", {"url": URL, "method": "GET"}), ("phone", {"phoneNumber": None}),
    ],
)  # fmt: skip
async def test_what_does_not_match_its_type_is_400(chat: Client, hub: Hub, here: Place, kind: str, endpoint: Any):
    await integration(hub, here.owner, "slack-abc")
    await subscriber(hub, here.owner, "sub1")
    answer = await chat.post(PATH, json=body(kind, endpoint))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f'Endpoint must match the required format for type "{kind}"')


async def test_webex_needs_its_connection_and_the_same_context(ready: Client, each_hub: Hub, owner: Place):
    await integration(each_hub, owner.owner, "webex", "webex-messaging")
    bound = connection(integrationIdentifier="webex", identifier="c1", context={"tenant": "acme"})
    assert (await ready.post("/v1/channel-connections", json=bound)).status_code == 201
    room = body("webex_room", {"roomId": "R"}, integrationIdentifier="webex")
    assert (await ready.post(PATH, json=room)).status_code == 400
    assert (await ready.post(PATH, json={**room, "connectionIdentifier": "c1"})).status_code == 400
    room |= {"connectionIdentifier": "c1", "context": {"tenant": "acme"}}
    said = (await ready.post(PATH, json=room)).json()["data"]
    assert (said["connectionIdentifier"], said["providerId"]) == ("c1", "webex-messaging")
    person = {**room, "type": "webex_person", "endpoint": {"personEmail": "a@b.c"}}
    assert (await ready.post(PATH, json=person)).status_code == 201
    assert (await ready.post(PATH, json={**person, "endpoint": {}})).status_code == 400
    assert (await ready.get(PATH, params={"connectionIdentifier": "c1"})).json()["totalCount"] == 2
    assert (await ready.get(PATH, params={"connectionIdentifier": "c2"})).json()["totalCount"] == 0
    assert (await ready.get(PATH, params={"providerId": "slack"})).json()["totalCount"] == 0
    assert (await ready.get(PATH, params={"providerId": "webex-messaging"})).json()["totalCount"] == 2
    other = body(connectionIdentifier="c1")  # of another integration
    refused = await ready.post(PATH, json=other)
    assert (refused.status_code, refused.json()["message"]) == (404, "Channel connection not found: c1")


async def test_who_and_what_must_be_there(ready: Client):
    missing = await ready.post(PATH, json=body(subscriberId="new"))
    assert missing.status_code == 404
    assert missing.json()["message"] == (
        "Subscriber not found: new. Pass createSubscriberIfMissing: true to create it, "
        "or provision it via POST /v1/subscribers."
    )
    await made(ready, subscriberId="new", createSubscriberIfMissing=True)
    await made(ready, subscriberId="new", createSubscriberIfMissing=True)  # two equal ones are two
    assert (await ready.get("/v2/subscribers/new")).status_code == 200
    gone = await ready.post(PATH, json=body(integrationIdentifier="nope"))
    assert (gone.status_code, gone.json()["message"]) == (404, "Integration not found: nope")
    await made(ready, identifier="e1")
    assert (await ready.post(PATH, json=body(identifier="e1"))).status_code == 409
    for change, field in (
        ({"type": "fax"}, "type"), ({"type": None}, "type"), ({"endpoint": None}, "endpoint"),
        ({"endpoint": "x"}, "endpoint"), ({"subscriberId": None}, "subscriberId"), ({"context": {}}, "context"),
        ({"createSubscriberIfMissing": "yes"}, "createSubscriberIfMissing"), ({"identifier": "a/b"}, "identifier"),
    ):  # fmt: skip
        answer = await ready.post(PATH, json={**body(), **change})
        assert field in answer.json()["errors"], answer.text


async def test_patch_merges_and_an_empty_one_changes_nothing(ready: Client):
    await made(ready, "ms_teams_channel", {"teamId": "t", "channelId": "c"}, identifier="e1")
    before = (await ready.get(f"{PATH}/e1")).json()["data"]
    unchanged = await ready.patch(f"{PATH}/e1", json={"endpoint": {}})
    assert (unchanged.status_code, unchanged.json()["data"]) == (200, before)
    merged = await ready.patch(f"{PATH}/e1", json={"endpoint": {"channelId": "d", "teamId": None}})
    assert merged.json()["data"]["endpoint"] == {"teamId": "t", "channelId": "d"}
    assert merged.json()["data"]["updatedAt"] > before["updatedAt"]
    assert (await ready.patch(f"{PATH}/e1", json={"endpoint": {"channelId": 1}})).status_code == 400
    assert "endpoint" in (await ready.patch(f"{PATH}/e1", json={})).json()["errors"]
    await made(ready, "tool_webhook", {"url": URL, "headers": {"X-Key": "k"}}, identifier="e2")
    told = await ready.patch(f"{PATH}/e2", json={"endpoint": {"method": "PUT", "headers": {}}})
    assert told.json()["data"]["endpoint"]["headers"] == {"X-Key": "••••"}
    for mask in ("https://other.example.com/…", "https://x.example.com/••••"):
        refused = await ready.patch(f"{PATH}/e2", json={"endpoint": {"url": mask}})
        assert "endpoint.url" in refused.json()["errors"]
    assert (await ready.delete(f"{PATH}/e1")).status_code == 204
    for answer in (await ready.delete(f"{PATH}/e1"), await ready.patch(f"{PATH}/e1", json={"endpoint": {}})):
        assert (answer.status_code, answer.json()["message"]) == (
            404, 'Channel endpoint with identifier "e1" not found',
        )  # fmt: skip


async def test_endpoints_are_listed_by_what_they_are(ready: Client, each_hub: Hub, owner: Place):
    await integration(each_hub, owner.owner, "mail", "mailgun", purpose="mail")
    await made(ready, identifier="e1", context={"a": "1"})
    await made(ready, identifier="e2", integrationIdentifier="mail")
    for query, names in (
        ({}, "e2 e1"), ({"orderBy": "updatedAt", "orderDirection": "ASC"}, "e1 e2"),
        ({"subscriberId": "sub1"}, "e2 e1"),
        ({"contextKeys": "a:1"}, "e1"), ({"contextKeys": ""}, "e2"), ({"channel": "email"}, "e2"),
        ({"channel": "chat"}, "e1"), ({"integrationIdentifier": "mail"}, "e2"), ({"providerId": "mailgun"}, "e2"),
    ):  # fmt: skip
        found = (await ready.get(PATH, params=query)).json()
        assert ([row["identifier"] for row in found["data"]], found["totalCount"]) == (
            names.split(),
            len(names.split()),
        )


async def test_a_subscriber_is_made_told_anew_and_refused_where_that_is_asked(ready: Client, each_hub: Hub):
    path = "/v2/subscribers"
    sent = {"subscriberId": "auth0|ana b", "email": "ana@example.com", "firstName": "Ana", "data": {"plan": "pro"}}
    made_ = await ready.post(path, json=sent)
    assert made_.status_code == 201
    said = made_.json()["data"]
    assert said == {**sent, "_id": said["_id"], "_organizationId": said["_environmentId"], "deleted": False,
                    "_environmentId": said["_environmentId"], "channels": [], "createdAt": said["createdAt"],
                    "updatedAt": said["updatedAt"]}  # fmt: skip
    assert (await ready.get(f"{path}/auth0%7Cana%20b")).json()["data"] == said
    again = await ready.post(path, json=sent)
    assert (again.status_code, again.json()["data"]) == (201, said)
    told = await ready.post(path, json={"subscriberId": "auth0|ana b", "lastName": "Lee", "firstName": None})
    assert told.json()["data"]["_id"] == said["_id"]
    assert "firstName" not in told.json()["data"]
    assert (told.json()["data"]["lastName"], told.json()["data"]["email"]) == ("Lee", "ana@example.com")
    refused = await ready.post(path, params={"failIfExists": "true"}, json=sent)
    assert refused.status_code == 409
    assert (await ready.get(f"{path}/nobody")).status_code == 404
    for wrong, field in (
        ({}, "subscriberId"),
        ({"subscriberId": "x" * 201}, "subscriberId"),
        ({"subscriberId": "x", "email": 1}, "email"),
        ({"subscriberId": "x", "data": []}, "data"),
    ):
        assert field in (await ready.post(path, json=wrong)).json()["errors"]
    async with each_hub.db.reading() as tx:
        assert (await tx.execute(select(func.count()).select_from(Subscriber))).scalar_one() == 2


async def test_a_webhook_is_a_subscribers_channel(ready: Client, each_hub: Hub):
    path = "/v1/subscribers/sub1/credentials"
    first = await ready.put(path, json={"providerId": "slack", "credentials": {"webhookUrl": URL}})
    assert first.status_code == 200, first.text
    assert first.json()["data"]["channels"] == [
        {"providerId": "slack", "_integrationId": first.json()["data"]["channels"][0]["_integrationId"],
         "integrationIdentifier": "slack-abc", "credentials": {"webhookUrl": "https://hooks.example.com:8443/…"}}
    ]  # fmt: skip
    moved = {"providerId": "slack", "integrationIdentifier": "slack-abc",
             "credentials": {"webhookUrl": "https://other.example.com/canary", "channel": "#x"}}  # fmt: skip
    second = await ready.put(path, json=moved)
    assert second.json()["data"]["channels"][0]["credentials"] == {
        "webhookUrl": "https://other.example.com/…", "channel": "#x",
    }  # fmt: skip
    listed = await ready.get(PATH)
    assert listed.json()["totalCount"] == 1
    assert "canary" not in first.text + second.text + listed.text
    assert (await ready.get("/v2/subscribers/sub1")).json()["data"] == second.json()["data"]
    for which, change, status in (
        ("nobody", {}, 404), ("sub1", {"providerId": "discord"}, 404),
        ("sub1", {"integrationIdentifier": "nope"}, 404), ("sub1", {"credentials": {}}, 422),
        ("sub1", {"credentials": {"webhookUrl": "x"}}, 422), ("sub1", {"providerId": None}, 422),
    ):  # fmt: skip
        answer = await ready.put(f"/v1/subscribers/{which}/credentials", json={**moved, **change})
        assert answer.status_code == status, answer.text


async def test_contexts_are_made_told_changed_and_deleted(ready: Client, each_hub: Hub):
    path = "/v2/contexts"
    made_ = await ready.post(path, json={"type": "tenant", "id": "acme", "data": {"plan": "pro"}})
    assert made_.status_code == 201
    said = made_.json()["data"]
    assert said == {"type": "tenant", "id": "acme", "data": {"plan": "pro"}, "createdAt": said["createdAt"],
                    "updatedAt": said["createdAt"]}  # fmt: skip
    taken = await ready.post(path, json={"type": "tenant", "id": "acme"})
    assert (taken.status_code, taken.json()["message"][:64]) == (
        409, "Context with type 'tenant' and id 'acme' already exists in envir",
    )  # fmt: skip
    # Named again with other data, it keeps its own.
    named = connection(context={"tenant": {"id": "acme", "data": {"plan": "free"}}})
    assert (await ready.post("/v1/channel-connections", json=named)).status_code == 201
    assert (await ready.get(f"{path}/tenant/acme")).json()["data"] == said
    changed = await ready.patch(f"{path}/tenant/acme", json={"data": {"seats": 3}})
    assert changed.json()["data"]["data"] == {"seats": 3}
    assert (await ready.post(path, json={"type": "region", "id": "eu"})).json()["data"]["data"] == {}
    for query, ids in (({}, ["eu", "acme"]), ({"search": "TEN"}, ["acme"]), ({"id": "eu"}, ["eu"]),
                       ({"search": "%"}, []), ({"search": "region:e"}, ["eu"])):  # fmt: skip
        found = (await ready.get(path, params=query)).json()
        assert ([row["id"] for row in found["data"]], found["totalCount"]) == (ids, len(ids))
    assert (await ready.delete(f"{path}/tenant/acme")).status_code == 204
    for answer in (
        await ready.delete(f"{path}/tenant/acme"),
        await ready.get(f"{path}/tenant/acme"),
        await ready.patch(f"{path}/tenant/acme", json={"data": {}}),
    ):
        assert (answer.status_code, answer.json()["message"]) == (
            404, "Context with id 'acme' and type 'tenant' not found",
        )  # fmt: skip
    for wrong, field in (({"type": "a b", "id": "x"}, "type"), ({"type": "a"}, "id"), ({"type": "a", "id": ""}, "id"),
                         ({"type": "a", "id": "x", "data": "y"}, "data")):  # fmt: skip
        assert field in (await ready.post(path, json=wrong)).json()["errors"]
    assert "data" in (await ready.patch(f"{path}/region/eu", json={})).json()["errors"]
    async with each_hub.db.reading() as tx:
        assert (await tx.execute(select(func.count()).select_from(Context))).scalar_one() == 1
    assert (await ready.get("/v1/channel-connections", params={"contextKeys": "tenant:acme"})).json()["totalCount"] == 1
