"""Integrations over HTTP: statuses, rules of the primary, what is never said, what the other doors see of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict
from atlas_hub.services import delivery, integrations, pending, status
from atlas_hub.services.opening import opened
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to
from tests.api.chat.conftest import Client, Place, calling, place
from tests.api.conftest import Vendors
from tests.standins.sendgrid import FULL_ACCESS, fake

LIST = "/v1/integrations"
SLACK = {
    "name": "Our Slack",
    "identifier": "our-slack",
    "providerId": "slack",
    "channel": "chat",
    "active": True,
    "credentials": {"clientId": "1.2", "secretKey": "slack-client-secret-0001", "hmac": True, "tlsOptions": {}},
}
GOOD, WRONG = FULL_ACCESS, fake("w")
MAIL = {
    "providerId": "sendgrid",
    "channel": "email",
    "active": True,
    "credentials": {"apiKey": GOOD, "from": "alerts@acme.example", "senderName": "Ana"},
}
FOREIGN = {
    "providerId": "mailgun",
    "channel": "email",
    "active": True,
    "credentials": {"apiKey": "mailgun-secret-key-01"},
}
ABSENT = "0" * 24


async def made(client: Client, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await client.post(LIST, json={**body, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    return {each["_id"]: each for each in (await client.get(LIST)).json()["data"]}


async def primaries(client: Client) -> list[str]:
    return [each["_id"] for each in (await listed(client)).values() if each["primary"]]


async def row_of(hub: Hub, row_id: str) -> Connection:
    async with hub.db.reading() as tx:
        row = await tx.get(Connection, row_id)
    assert row is not None
    return row


async def settled(hub: Hub) -> None:
    """What was begun beside the requests, done."""
    while tasks := list(hub._tasks):
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


async def test_what_is_created_is_listed_without_credentials(chat: Client, here: Place) -> None:
    made_one = await made(chat, SLACK)
    assert "credentials" not in made_one
    assert made_one["_environmentId"] == made_one["_organizationId"] == here.workspace
    assert (made_one["primary"], made_one["deleted"], made_one["kind"]) == (False, False, "delivery")
    answer = await chat.get(LIST)
    (one,) = answer.json()["data"]
    assert one["credentials"] == {}
    assert {
        "name": "Our Slack",
        "identifier": "our-slack",
        "providerId": "slack",
        "channel": "chat",
    }.items() <= one.items()
    assert "slack-client-secret" not in answer.text
    assert None not in one.values()


async def test_secrets_are_sealed_and_what_is_public_is_not(hub: Hub, chat: Client) -> None:
    row = await row_of(hub, (await made(chat, SLACK))["_id"])
    assert (row.kind, row.method, row.scope, row.purpose) == ("app", "app", "slack:chat", "chat")
    assert row.options == {"clientId": "1.2", "hmac": True}
    assert list(row.masks) == ["secretKey"]
    async with hub.db.reading() as tx:
        credential = await tx.get(Credential, row.credential_id)
        said = (await tx.execute(text("SELECT detail FROM atlas_hub_audit_event"))).scalars().all()
    assert credential is not None
    assert credential.account_key == f"row:{row.id}"
    opened_ = hub.vault.open(credential.current or b"", bound_to=bound_to(credential, "current"))
    assert {name: value.reveal() for name, value in opened_.items()} == {"secretKey": "slack-client-secret-0001"}
    assert "slack-client-secret" not in str(said)


async def test_active_ones_alone_and_a_name_of_its_own(chat: Client) -> None:
    on, off = await made(chat, SLACK), await made(chat, {"providerId": "msteams", "channel": "chat"})
    assert off["identifier"].startswith("microsoft-teams-")
    assert off["active"] is False
    assert [each["_id"] for each in (await chat.get(f"{LIST}/active")).json()["data"]] == [on["_id"]]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "providerId"),
        ({"providerId": "slack"}, 422, "channel"),
        ({"providerId": "slack", "channel": "pigeon"}, 422, "channel"),
        ({"providerId": "slack", "channel": "email"}, 422, "channel"),
        ({**SLACK, "identifier": "a/b"}, 422, "identifier"),
        ({**SLACK, "name": "x" * 121}, 422, "name"),
        ({**SLACK, "active": "yes"}, 422, "active"),
        ({**SLACK, "credentials": {"clientId": True}}, 422, "credentials.clientId"),
        ({**SLACK, "credentials": {"secretKey": "••••0001"}}, 422, "credentials.secretKey"),
        ({**SLACK, "_environmentId": "f" * 24}, 403, None),
    ],
)
async def test_what_cannot_be_stored(chat: Client, body: dict[str, Any], status: int, field: str | None) -> None:
    answer = await chat.post(LIST, json=body)
    assert answer.status_code == status
    if field is not None:
        assert field in answer.json()["errors"]
    assert await listed(chat) == {}


async def test_an_identifier_is_taken_over_all_kinds(chat: Client, hub: Hub, there: Place) -> None:
    one = await made(chat, SLACK)
    other = await made(chat, MAIL)
    again = await chat.post(LIST, json={**FOREIGN, "identifier": "our-slack"})
    assert (again.status_code, again.json()["message"]) == (409, "Integration with identifier already exists")
    assert (await chat.put(f"{LIST}/{other['_id']}", json={"identifier": "our-slack"})).status_code == 409
    assert (await chat.put(f"{LIST}/{one['_id']}", json={"identifier": "our-slack"})).status_code == 200
    async with calling(there.key) as elsewhere:
        await made(elsewhere, SLACK)


async def test_of_two_creates_at_once_with_one_identifier_one_is_made(each_hub: Hub) -> None:
    async with calling((await place(each_hub)).key) as client:
        answers = await asyncio.gather(*(client.post(LIST, json=SLACK) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_update_merges_credentials_and_an_empty_text_clears(hub: Hub, chat: Client) -> None:
    one = await made(chat, SLACK)
    path = f"{LIST}/{one['_id']}"
    mask = (await row_of(hub, one["_id"])).masks["secretKey"]
    new = {"clientId": "3.4", "signingSecret": "signing-secret-00002", "secretKey": mask, "hmac": None}
    answer = await chat.put(path, json={"credentials": new, "configurations": {}, "name": "Renamed"})
    assert answer.status_code == 200
    assert "credentials" not in answer.json()["data"]
    row = await row_of(hub, one["_id"])
    assert row.options == {"clientId": "3.4", "hmac": True}
    assert sorted(row.masks) == ["secretKey", "signingSecret"]
    await chat.put(path, json={"credentials": {"secretKey": ""}})
    assert list((await row_of(hub, one["_id"])).masks) == ["signingSecret"]


async def test_an_update_that_says_nothing_is_400_and_of_nothing_404(chat: Client) -> None:
    one = await made(chat, SLACK)
    for body in ({}, {"configurations": {}}, {"credentials": {}}, {"providerId": "other"}):
        answer = await chat.put(f"{LIST}/{one['_id']}", json=body)
        assert (answer.status_code, answer.json()["message"]) == (400, "No properties found for update")
    for absent in (ABSENT, "nonsense", "a b"):
        assert (await chat.put(f"{LIST}/{absent}", json={"name": "x"})).status_code == 404
        assert (await chat.delete(f"{LIST}/{absent}")).status_code == 404
        assert (await chat.post(f"{LIST}/{absent}/auto-configure")).status_code == 404
    assert (await chat.post(f"{LIST}/{ABSENT}/set-primary")).status_code == 404
    malformed = await chat.post(f"{LIST}/nonsense/set-primary")
    assert malformed.status_code == 422
    assert malformed.json()["errors"] == {"integrationId": {"messages": ["integrationId must be a mongodb id"]}}


async def test_another_workspace_s_integration_is_404_like_none(chat: Client, there: Place) -> None:
    one = await made(chat, MAIL)
    async with calling(there.key) as other:
        assert await listed(other) == {}
        for call in (
            other.put(f"{LIST}/{one['_id']}", json={"name": "Mine"}),
            other.delete(f"{LIST}/{one['_id']}"),
            other.post(f"{LIST}/{one['_id']}/set-primary"),
            other.post(f"{LIST}/{one['_id']}/auto-configure"),
        ):
            assert (await call).status_code == 404
    assert (await listed(chat))[one["_id"]]["name"] == "SendGrid"


async def test_auto_configure_is_200_and_does_nothing(chat: Client) -> None:
    one = await made(chat, SLACK)
    answer = await chat.post(f"{LIST}/{one['_id']}/auto-configure")
    assert answer.status_code == 200
    assert answer.json()["data"]["success"] is False
    assert answer.json()["data"]["message"]


async def test_the_primary_of_mail(chat: Client) -> None:
    off = await made(chat, FOREIGN, active=False)
    first = await made(chat, MAIL)
    second = await made(chat, FOREIGN)
    assert (off["primary"], first["primary"], second["primary"]) == (False, True, False)
    done = await chat.post(f"{LIST}/{off['_id']}/set-primary")
    assert (done.status_code, done.json()["data"]["active"], done.json()["data"]["primary"]) == (200, True, True)
    assert await primaries(chat) == [off["_id"]]
    assert (await listed(chat))[first["_id"]]["active"] is True
    again = await chat.post(f"{LIST}/{off['_id']}/set-primary")
    assert (again.status_code, again.json()["data"]["updatedAt"]) == (200, done.json()["data"]["updatedAt"])


async def test_who_stops_being_the_primary_and_that_nobody_follows(chat: Client) -> None:
    first, second = await made(chat, MAIL), await made(chat, FOREIGN)
    await chat.put(f"{LIST}/{first['_id']}", json={"active": False})
    assert await primaries(chat) == []
    await chat.post(f"{LIST}/{first['_id']}/set-primary")
    child = {"field": "x", "value": "y", "operator": "EQUAL", "on": "payload"}
    condition = {"isNegated": False, "type": "GROUP", "value": "AND", "children": [child]}
    told = await chat.put(f"{LIST}/{first['_id']}", json={"conditions": [condition]})
    assert (told.json()["data"]["conditions"], told.json()["data"]["primary"]) == ([condition], False)
    told = await chat.post(f"{LIST}/{first['_id']}/set-primary")
    assert (told.json()["data"]["conditions"], told.json()["data"]["primary"]) == ([], True)
    left = await chat.delete(f"{LIST}/{first['_id']}")
    assert (left.status_code, [each["_id"] for each in left.json()["data"]]) == (200, [second["_id"]])
    assert await primaries(chat) == []


async def test_chat_has_no_primary(chat: Client) -> None:
    one = await made(chat, SLACK)
    answer = await chat.post(f"{LIST}/{one['_id']}/set-primary")
    assert (answer.status_code, answer.json()["message"]) == (400, "Channel chat does not support primary")


async def test_of_ten_at_once_one_is_the_primary(each_hub: Hub) -> None:
    async with calling((await place(each_hub)).key) as client:
        ids = [(await made(client, FOREIGN))["_id"] for _ in range(10)]
        answers = await asyncio.gather(*(client.post(f"{LIST}/{each}/set-primary") for each in ids))
        assert {answer.status_code for answer in answers} == {200}
        assert len(await primaries(client)) == 1


async def test_mail_is_live(hub: Hub, chat: Client, here: Place, vendors: Vendors) -> None:
    one = await made(chat, MAIL)
    await settled(hub)
    row = await row_of(hub, one["_id"])
    assert (row.provider, row.method, row.primary_scope, row.source) == ("email", "sendgrid", "email", "chat")
    assert row.options == {"sender_address": "alerts@acme.example"}
    assert (row.state, row.checks["authenticated"]["status"]) == ("ok", "yes")
    card = await status.card(hub, here.workspace, "email")
    assert card.connection is not None
    assert card.connection.id == one["_id"]
    said = await status.answer(hub, here.owner)
    assert (said["email"]["provider"], said["email"]["senderAddress"]) == ("sendgrid", "alerts@acme.example")


async def test_mail_without_a_sender_says_what_is_missing(hub: Hub, chat: Client, here: Place) -> None:
    one = await made(chat, MAIL, credentials={"apiKey": GOOD})
    await settled(hub)
    row = await row_of(hub, one["_id"])
    assert (row.state, row.reason) == ("misconfigured", "Sender Address is missing. Enter it.")
    said = await status.answer(hub, here.owner)
    assert (said["email"]["senderAddress"], said["email"]["state"]) == (None, "misconfigured")
    assert "email" not in said["deliveryChannels"]
    sent = await delivery.send_test_mail(hub, here.owner, "bo@example.com")
    assert (sent.success, sent.text) == (False, "Sender Address is missing. Enter it.")
    fixed = await chat.put(f"{LIST}/{one['_id']}", json={"credentials": {"from": "alerts@acme.example"}})
    assert fixed.status_code == 200
    await settled(hub)
    form = (await opened(hub, here.owner, one["_id"]))[3]
    assert form is not None
    assert form.api_key.reveal() == GOOD


async def test_mail_by_a_provider_that_the_hub_does_not_know(hub: Hub, chat: Client, here: Place) -> None:
    one = await made(chat, FOREIGN)
    card = await status.card(hub, here.workspace, "email")
    assert card.connection is not None
    assert (card.connection.id, card.connection.provider, card.connection.state) == (
        one["_id"],
        "email",
        "misconfigured",
    )
    assert "not deliverable by this hub" in card.connection.reason
    said = await status.answer(hub, here.owner)
    assert (said["email"]["connected"], said["email"]["senderAddress"]) == (True, None)
    assert (said["email"]["provider"], said["email"]["state"]) == ("mailgun", "misconfigured")
    assert "email" not in said["deliveryChannels"]
    sent = await delivery.send_test_mail(hub, here.owner, "bo@example.com")
    assert (sent.success, sent.text) == (False, card.connection.reason)


async def test_a_check_that_is_refused_stores_nothing(chat: Client, hub: Hub, vendors: Vendors) -> None:
    wrong = {**MAIL, "credentials": {"apiKey": WRONG, "from": "alerts@acme.example"}, "check": True}
    answer = await chat.post(LIST, json=wrong)
    assert answer.status_code == 400
    incomplete = await chat.post(LIST, json={**wrong, "credentials": {"apiKey": GOOD}})
    assert (incomplete.status_code, incomplete.json()["message"]) == (400, "Sender Address is missing. Enter it.")
    assert await listed(chat) == {}
    one = await made(chat, MAIL, check=True)
    assert (await row_of(hub, one["_id"])).state == "ok"
    refused = await chat.put(f"{LIST}/{one['_id']}", json={"credentials": {"apiKey": WRONG}, "check": True})
    assert refused.status_code == 400
    assert (await row_of(hub, one["_id"])).state == "ok"


async def test_deleting_an_integration_takes_its_connections_along(hub: Hub, chat: Client, here: Place) -> None:
    one = await made(chat, SLACK)
    async with hub.db.transaction() as tx:
        for subscriber in ("s1", ""):
            key = f"row:{subscriber}"
            credential = Credential(workspace=here.workspace, provider="slack", account_key=key, key_id="v1")
            tx.add(credential)
            await tx.flush()
            tx.add(
                Connection(
                    workspace=here.workspace,
                    source="chat" if subscriber else "page",
                    provider="slack",
                    method="oauth",
                    purpose="chat",
                    scope="slack:chat",
                    identifier=f"c-{subscriber}",
                    label="Acme",
                    account_key=key,
                    app_id=one["_id"],
                    subscriber=subscriber,
                    credential_id=credential.id,
                )
            )
    refused = await chat.delete(f"{LIST}/{one['_id']}")
    assert refused.status_code == 400
    assert "Slack card" in refused.json()["message"]
    async with hub.db.transaction() as tx:
        await tx.execute(text("DELETE FROM atlas_hub_connection WHERE source = 'page'"))
    assert (await chat.delete(f"{LIST}/{one['_id']}")).json()["data"] == []
    async with hub.db.reading() as tx:
        rows = (await tx.execute(text("SELECT count(*) FROM atlas_hub_connection"))).scalar_one()
        keys = (await tx.execute(text("SELECT account_key FROM atlas_hub_credential"))).scalars().all()
    assert (rows, keys) == (0, ["row:"])


async def test_an_incomplete_app_is_not_used_on_the_page(hub: Hub, chat: Client, here: Place) -> None:
    half = await made(chat, {**SLACK, "credentials": {"clientId": "111.222"}})
    with pytest.raises(Conflict):
        await integrations.use_on_page(hub, here.owner, half["_id"], on=True)


async def test_one_app_of_a_provider_is_used_on_the_page(hub: Hub, chat: Client, here: Place) -> None:
    first, second = await made(chat, SLACK), await made(chat, SLACK, identifier="second")
    assert (await integrations.use_on_page(hub, here.owner, first["_id"], on=True)).on_page
    assert (await integrations.use_on_page(hub, here.owner, second["_id"], on=True)).on_page
    assert not (await integrations.one(hub, here.owner, first["_id"])).on_page
    said = await status.answer(hub, here.owner)
    assert (said["slack"]["oauthConfigured"], said["slack"]["configurable"]) == (True, True)
    assert not (await integrations.use_on_page(hub, here.owner, second["_id"], on=False)).on_page
    assert not (await status.answer(hub, here.owner))["slack"]["oauthConfigured"]


async def test_a_new_key_waits_until_it_is_accepted(hub: Hub, chat: Client, here: Place, vendors: Vendors) -> None:
    one = await made(chat, MAIL)
    await settled(hub)
    assert pending.is_proven(await row_of(hub, one["_id"])), (await row_of(hub, one["_id"])).reason
    path = f"{LIST}/{one['_id']}"
    told = await chat.put(path, json={"credentials": {"apiKey": WRONG, "from": "bo@mail.acme.example"}})
    assert told.status_code == 200
    await settled(hub)
    row = await row_of(hub, one["_id"])
    assert (row.state, row.reason) == ("degraded", pending.REFUSED)
    assert row.options["sender_address"] == "bo@mail.acme.example"
    form = (await opened(hub, here.owner, one["_id"]))[3]
    assert form is not None
    assert (form.api_key.reveal(), form.sender_address) == (GOOD, "alerts@acme.example")
    await chat.put(path, json={"credentials": {"apiKey": GOOD}})
    await settled(hub)
    row = await row_of(hub, one["_id"])
    assert row.reason != pending.REFUSED
    form = (await opened(hub, here.owner, one["_id"]))[3]
    assert form is not None
    assert (form.api_key.reveal(), form.sender_address) == (GOOD, "bo@mail.acme.example")


async def test_a_condition_that_the_clients_could_not_read_is_refused(chat: Client) -> None:
    body = {"providerId": "sendgrid", "channel": "email", "conditions": [{"children": [{"field": "tenant"}]}]}
    answer = await chat.post("/v1/integrations", json=body)
    assert (answer.status_code, "conditions.0.children.0.value" in answer.json()["errors"]) == (422, True)
    whole = [{"field": "tenant", "value": "acme", "operator": "EQUAL", "on": "payload"}]
    answer = await chat.post("/v1/integrations", json={**body, "conditions": [{"children": whole}]})
    assert answer.status_code == 201
    assert answer.json()["data"]["conditions"] == [
        {"isNegated": False, "type": "GROUP", "value": "AND", "children": whole}
    ]


async def test_of_some_there_is_one_alone(chat: Client) -> None:
    for provider, channel, again in (("novu", "in_app", 400), ("novu-email", "email", 409), ("novu-sms", "sms", 409)):
        body = {"providerId": provider, "channel": channel}
        assert (await chat.post("/v1/integrations", json={**body, "identifier": provider})).status_code == 201
        assert (await chat.post("/v1/integrations", json={**body, "identifier": "again"})).status_code == again
