"""Channel connections on the wire, by raw HTTP: what the clients cannot send, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services.changing import changing
from atlas_hub.storage.db import Broken
from atlas_hub.storage.models import AuditEvent, ChannelEndpoint, Connection, Credential
from tests.api.chat.conftest import Client, Place, calling, place
from tests.api.chat.ground import CREDENTIALS, MASK, TOKEN, connection, integration, subscriber

PATH = "/v1/channel-connections"


@pytest.fixture
async def ready(hub: Hub, here: Place, chat: Client) -> Client:
    await integration(hub, here.owner, "slack-abc")
    await subscriber(hub, here.owner, "sub1", "sub2")
    return chat


async def made(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_a_connection_is_made_told_and_never_tells_its_token(ready: Client, hub: Hub):
    body = connection(context={"tenant": "acme", "app": {"id": "jira", "data": {"k": 1}}}, identifier="c 1:x")
    body["auth"]["expiresAt"] = "2027-01-01T00:00:00Z"
    answer = await ready.post(PATH, json=body)
    assert answer.status_code == 201
    said = answer.json()["data"]
    assert said == {
        "identifier": "c 1:x", "channel": "chat", "providerId": "slack", "integrationIdentifier": "slack-abc",
        "subscriberId": "sub1", "contextKeys": ["app:jira", "tenant:acme"],
        "workspace": {"id": "T123", "name": "Acme HQ", "botUserId": "B1"},
        "auth": {"accessToken": MASK, "hasRefreshToken": False, "expiresAt": "2027-01-01T00:00:00.000Z"},
        "state": "unverified", "checks": {}, "scopes": {"granted": None, "missing": [], "extra": []},
        "createdAt": said["createdAt"], "updatedAt": said["createdAt"],
    }  # fmt: skip
    assert (await ready.get(f"{PATH}/c%201%3Ax")).json()["data"] == said
    assert (await ready.get(PATH)).json() == {
        "data": [said], "next": None, "previous": None, "totalCount": 1, "totalCountCapped": False,
    }  # fmt: skip
    assert (await ready.get("/v2/contexts/app/jira")).json()["data"]["data"] == {"k": 1}
    async with hub.db.reading() as tx:
        rows = [*(await tx.execute(select(Connection))).scalars(), *(await tx.execute(select(AuditEvent))).scalars()]
        sealed = (await tx.execute(select(Credential))).scalar_one()
    assert TOKEN not in "".join(repr(row.model_dump()) for row in rows)
    assert TOKEN.encode() not in (sealed.current or b"")
    assert (sealed.client_id, sealed.method, sealed.account_key[:4]) == ("", "oauth", "row:")


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"connectionMode": "shared"}, 400, 'context is required when connectionMode is "shared"'),
        ({"connectionMode": "subscriber", "subscriberId": None, "context": {"a": "b"}}, 400,
         'subscriberId is required when connectionMode is "subscriber"'),
        ({"subscriberId": None}, 400, "Either subscriberId or context must be provided"),
        ({"integrationIdentifier": "nope"}, 404, "Integration not found: nope"),
        ({"subscriberId": "nobody"}, 404, "Subscriber not found: nobody"),
        ({"auth": {"accessToken": "t", "refreshToken": "r"}}, 400,
         "refreshToken is taken for Slack and Webex alone, where the integration has clientId and secretKey"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_in_words(
    ready: Client, change: dict[str, Any], status: int, message: str, hub: Hub
):
    answer = await ready.post(PATH, json={**connection(), **change})
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert (await ready.get(PATH)).json()["totalCount"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"integrationIdentifier": None}, "integrationIdentifier"),
        ({"workspace": None}, "workspace"),
        ({"workspace": {}}, "workspace.id"),
        ({"workspace": {"id": 1}}, "workspace.id"),
        ({"auth": None}, "auth"),
        ({"auth": []}, "auth"),
        ({"auth": {"refreshToken": "x"}}, "auth.accessToken"),
        ({"auth": {"accessToken": MASK}}, "auth.accessToken"),
        ({"auth": {"accessToken": "t", "expiresAt": "soon"}}, "auth.expiresAt"),
        ({"identifier": "a/b"}, "identifier"),
        ({"identifier": "hub-" + "0" * 24}, "identifier"),
        ({"identifier": "x" * 121}, "identifier"),
        ({"subscriberId": ""}, "subscriberId"),
        ({"connectionMode": "both"}, "connectionMode"),
        ({"context": {}}, "context"),
        ({"context": {str(each): "a" for each in range(6)}}, "context"),
        ({"context": {"tenant": "a b"}}, "context.tenant"),
        ({"context": {"tenant": {"id": "x" * 101}}}, "context.tenant.id"),
        ({"context": {"tenant": {"id": "x", "data": []}}}, "context.tenant.data"),
        ({"context": {"a:b": "x"}}, "context"),
    ],
)
async def test_what_cannot_be_read_is_422_by_field(ready: Client, change: dict[str, Any], field: str):
    answer = await ready.post(PATH, json={**connection(), **change})
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["errors"]
    assert TOKEN not in answer.text


async def test_shared_drops_the_subscriber(ready: Client):
    said = await made(ready, connection(context={"tenant": "acme"}, connectionMode="shared"))
    assert said["subscriberId"] is None
    assert said["contextKeys"] == ["tenant:acme"]
    assert said["identifier"].startswith("chconn-")
    assert len(said["identifier"]) == len("chconn-") + 6


async def test_the_same_resource_is_409_and_another_is_not(ready: Client, here: Place, hub: Hub):
    first = await made(ready, connection(context={"b": "2", "a": "1"}))
    again = await ready.post(PATH, json=connection(context={"a": {"id": "1"}, "b": "2"}))
    assert again.status_code == 409
    assert again.json()["message"] == (
        'A channel connection already exists for integration "slack-abc" with subscriberId "sub1" and context '
        f"[a:1, b:2]. Connection ID: {first['identifier']}"
    )
    await made(ready, connection(context={"a": "1"}))
    await made(ready, connection("sub2", context={"a": "1", "b": "2"}))
    bare = await made(ready, connection())
    told = (await ready.post(PATH, json=connection())).json()["message"]
    assert told.endswith(f'with subscriberId "sub1" and no context. Connection ID: {bare["identifier"]}')
    await made(ready, connection(None, context={"a": "1"}))
    told = (await ready.post(PATH, json=connection(None, context={"a": "1"}))).json()["message"]
    assert "with no subscriberId and context [a:1]" in told
    taken = await ready.post(PATH, json=connection("sub2", identifier=bare["identifier"]))
    assert taken.status_code == 409
    assert taken.json()["message"] == (
        f'Channel connection with identifier "{bare["identifier"]}" already exists in environment "{here.workspace}"'
    )
    await integration(hub, here.owner, "matter", "mattermost")
    other_kind = connection("sub2", identifier=bare["identifier"], integrationIdentifier="matter")
    assert (await ready.post(PATH, json=other_kind)).status_code == 409


async def test_of_twenty_at_once_one_is_made(each_hub: Hub):
    here = await place(each_hub)
    await integration(each_hub, here.owner, "slack-abc")
    await subscriber(each_hub, here.owner, "sub1")
    async with calling(here.key) as client:
        answers = await asyncio.gather(*(client.post(PATH, json=connection()) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert len({answer.json()["message"] for answer in answers if answer.status_code == 409}) == 1
    async with each_hub.db.reading() as tx:
        assert (await tx.execute(select(func.count()).select_from(Credential))).scalar_one() == 1


async def test_the_table_refuses_what_two_workers_would_both_store(each_hub: Hub):
    """Without the workspace's lock, too: the unique index is the guard."""
    here = await place(each_hub)
    app = await integration(each_hub, here.owner, "slack-abc")

    async def store() -> str:
        row = Connection(
            workspace=here.workspace, source="chat", provider="slack", method="oauth", purpose="chat",
            scope="slack:chat", identifier=new_id(), label="", account_key=new_id(), app_id=app, subscriber="",
            contexts="tenant:acme",
        )  # fmt: skip
        try:
            async with each_hub.db.transaction() as tx:
                tx.add(row)
        except Broken:
            return "refused"
        return "stored"

    assert sorted(await asyncio.gather(*(store() for _ in range(20)))) == ["refused"] * 19 + ["stored"]


async def test_refresh_tokens_are_for_slack_with_client_and_secret(ready: Client, hub: Hub, here: Place):
    await integration(hub, here.owner, "whole", **CREDENTIALS)
    await integration(hub, here.owner, "other", "mattermost", **CREDENTIALS)
    auth = {"accessToken": TOKEN, "refreshToken": "xoxe-1-0123456789abcdef"}
    said = await made(ready, connection(integrationIdentifier="whole", auth=auth))
    assert said["auth"]["hasRefreshToken"] is True
    assert said["auth"]["expiresAt"] == said["createdAt"]  # it may have ended already
    assert "xoxe" not in str(said)
    refused = await ready.post(PATH, json=connection("sub2", integrationIdentifier="other", auth=auth))
    assert refused.status_code == 400


async def test_patch_replaces_workspace_and_auth_and_keeps_a_masked_token(ready: Client, hub: Hub, here: Place):
    await integration(hub, here.owner, "whole", **CREDENTIALS)
    auth = {"accessToken": TOKEN, "refreshToken": "xoxe-1-0123456789abcdef"}
    said = await made(ready, connection(identifier="c1", integrationIdentifier="whole", auth=auth))
    async with hub.db.reading() as tx:
        before = (await tx.execute(select(Credential.current))).scalar_one()
    kept = await ready.patch(f"{PATH}/c1", json={"workspace": {"id": "T9"}, "auth": {"accessToken": MASK}})
    assert kept.status_code == 200
    told = kept.json()["data"]
    assert told["workspace"] == {"id": "T9"}
    assert told["auth"]["accessToken"] == MASK
    assert told["updatedAt"] >= said["updatedAt"]
    async with hub.db.reading() as tx:
        assert (await tx.execute(select(Credential.current))).scalar_one() == before
    new = await ready.patch(
        f"{PATH}/c1", json={"workspace": {"id": "T9"}, "auth": {"accessToken": "xoxb-9-0123456789abcdYYYY"}}
    )
    assert new.json()["data"]["auth"] == {"accessToken": "••••YYYY", "hasRefreshToken": False}
    async with hub.db.reading() as tx:
        after = (await tx.execute(select(Credential))).scalar_one()
    assert after.current != before
    assert after.pending is None  # the former was never proven
    assert after.expires_at is None
    for body, field in (
        ({"auth": {"accessToken": "t"}}, "workspace"),
        ({"workspace": {"id": "T"}}, "auth"),
        ({"workspace": {"id": "T"}, "auth": {"accessToken": "••••AAAA"}}, "auth.accessToken"),
    ):
        refused = await ready.patch(f"{PATH}/c1", json=body)
        assert field in refused.json()["errors"]


async def test_delete_takes_the_endpoints_that_name_it_and_the_credential(ready: Client, hub: Hub):
    await made(ready, connection(identifier="c1"))
    for which in ({"connectionIdentifier": "c1"}, {}):
        body = {"subscriberId": "sub1", "integrationIdentifier": "slack-abc", "type": "slack_user",
                "endpoint": {"userId": "U1"}, **which}  # fmt: skip
        assert (await ready.post("/v1/channel-endpoints", json=body)).status_code == 201
    assert (await ready.delete(f"{PATH}/c1")).status_code == 204
    async with hub.db.reading() as tx:
        assert (await tx.execute(select(func.count()).select_from(Credential))).scalar_one() == 0
        assert [row.connection_id for row in (await tx.execute(select(ChannelEndpoint))).scalars()] == [None]
    for answer in (
        await ready.delete(f"{PATH}/c1"),
        await ready.get(f"{PATH}/c1"),
        await ready.patch(f"{PATH}/c1", json=connection()),
    ):
        assert (answer.status_code, answer.json()["message"]) == (
            404, 'Channel connection with identifier "c1" not found',
        )  # fmt: skip


async def card(hub: Hub, owner: Any, **more: Any) -> str:
    row = Connection(
        **{
            "workspace": owner.workspace, "source": "page", "provider": "slack", "method": "bot_token",
            "purpose": "chat", "scope": "slack:chat", "identifier": f"slack-{new_id()}", "label": "Acme",
            "account_name": "Acme Corp", "account_key": f"T{new_id()}", "masks": {"bot_token": "••••abcd"}, **more,
        }
    )  # fmt: skip
    async with changing(hub, owner) as change:
        change.tx.add(row)
    return row.id


async def test_the_cards_own_accounts_are_shown_and_not_changed(ready: Client, hub: Hub, here: Place, there: Place):
    own = await card(hub, here.owner, account_key="T0ACME")
    await card(hub, here.owner, source="environment")
    await card(hub, here.owner, provider="gchat")
    foreign = await card(hub, there.owner)
    listed = (await ready.get(PATH)).json()
    assert [row["identifier"] for row in listed["data"]] == [f"hub-{own}"]
    told = (await ready.get(f"{PATH}/hub-{own}")).json()["data"]
    assert told == listed["data"][0]
    assert told["workspace"] == {"id": "T0ACME", "name": "Acme Corp"}
    assert (told["subscriberId"], told["integrationIdentifier"], told["contextKeys"]) == (None, None, [])
    assert told["auth"]["accessToken"] == "••••abcd"
    for answer in (
        await ready.delete(f"{PATH}/hub-{own}"),
        await ready.patch(f"{PATH}/hub-{own}", json=connection()),
    ):
        assert (answer.status_code, answer.json()["message"]) == (
            403, "This connection is managed on the Integrations page.",
        )  # fmt: skip
    for missing in (foreign, "0" * 24, "x"):
        assert (await ready.get(f"{PATH}/hub-{missing}")).status_code == 404
        assert (await ready.delete(f"{PATH}/hub-{missing}")).status_code == 404
    assert [row["identifier"] for row in (await ready.get(PATH, params={"channel": "chat"})).json()["data"]] == [
        f"hub-{own}"
    ]
    assert (await ready.get(PATH, params={"channel": "email"})).json()["data"] == []


async def test_a_provider_that_the_clients_do_not_know_is_null(ready: Client, hub: Hub, here: Place):
    await integration(hub, here.owner, "own", "acme-chat")
    await integration(hub, here.owner, "mail", "mailgun", purpose="mail")
    said = await made(ready, connection(integrationIdentifier="own"))
    assert (said["providerId"], said["channel"]) == (None, "chat")
    said = await made(ready, connection(integrationIdentifier="mail"))
    assert (said["providerId"], said["channel"]) == ("mailgun", "email")
    assert (await ready.get(PATH, params={"channel": "email"})).json()["totalCount"] == 1
    assert (await ready.get(PATH, params={"providerId": "mailgun"})).json()["totalCount"] == 1


@pytest.fixture
async def two(each_hub: Hub) -> AsyncIterator[tuple[Client, Client]]:
    """Clients of two workspaces, on each database, with the same names in both."""
    keys = []
    for _ in range(2):
        one = await place(each_hub)
        await integration(each_hub, one.owner, "slack-abc")
        await subscriber(each_hub, one.owner, "sub1")
        keys.append(one.key)
    async with calling(keys[0]) as here, calling(keys[1]) as there:
        yield here, there


async def test_another_workspaces_things_are_not_there(two: tuple[Client, Client]):
    here, there = two
    await made(here, connection(identifier="c1", context={"tenant": "acme"}))
    endpoint = {"subscriberId": "sub1", "integrationIdentifier": "slack-abc", "type": "slack_user",
                "endpoint": {"userId": "U1"}, "identifier": "e1"}  # fmt: skip
    assert (await here.post("/v1/channel-endpoints", json=endpoint)).status_code == 201
    assert (await here.post("/v2/subscribers", json={"subscriberId": "mine"})).status_code == 201
    for path in (f"{PATH}/c1", "/v1/channel-endpoints/e1", "/v2/subscribers/mine", "/v2/contexts/tenant/acme"):
        theirs, nobodys = await there.get(path), await there.get(path[:-1] + "0")
        assert theirs.status_code == nobodys.status_code == 404
        assert (await here.get(path)).status_code == 200
    for path in (PATH, "/v1/channel-endpoints", "/v2/contexts"):
        assert (await there.get(path)).json()["totalCount"] == 0
        assert (await here.get(path)).json()["totalCount"] == 1
    for path, body in ((f"{PATH}/c1", connection()), ("/v1/channel-endpoints/e1", {"endpoint": {"userId": "U2"}})):
        assert (await there.patch(path, json=body)).status_code == 404
        assert (await there.delete(path)).status_code == 404
    assert (await there.patch("/v2/contexts/tenant/acme", json={"data": {}})).status_code == 404
    assert (await there.delete("/v2/contexts/tenant/acme")).status_code == 404
    named = {**endpoint, "identifier": "e2", "connectionIdentifier": "c1"}
    assert (await there.post("/v1/channel-endpoints", json=named)).status_code == 404
    # The same names are free over there.
    await made(there, connection(identifier="c1", context={"tenant": "acme"}))
    assert (await there.post("/v1/channel-endpoints", json=endpoint)).status_code == 201


async def test_keys_that_only_read_only_read(hub: Hub, here: Place, ready: Client):
    await made(ready, connection(identifier="c1"))
    async with calling(here.reader) as reader:
        assert (await reader.get(PATH)).json()["totalCount"] == 1
        assert (await reader.get(f"{PATH}/c1")).status_code == 200
        for answer in (
            await reader.post(PATH, json=connection()),
            await reader.patch(f"{PATH}/c1", json=connection()),
            await reader.delete(f"{PATH}/c1"),
            await reader.post("/v2/contexts", json={"type": "a", "id": "b"}),
            await reader.post("/v2/subscribers", json={"subscriberId": "x"}),
            await reader.put("/v1/subscribers/sub1/credentials", json={}),
        ):
            assert answer.status_code == 403
