"""The original's own Python client against a live server: every call about integrations, taken and refused."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from novu_py import Novu, models
from novu_py.utils import BackoffStrategy, RetryConfig

from atlas_hub.hub import Hub
from tests.api.chat.conftest import Place
from tests.api.chat.ground import connection
from tests.api.keyed import THE_APIS
from tests.crash.killed import free_port

NORETRY = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), False)  # noqa: FBT003  # the client's signature
ABSENT = "0" * 24
SLACK = {
    "name": "Our Slack",
    "identifier": "our-slack",
    "provider_id": "slack",
    "channel": "chat",
    "active": True,
    "credentials": {"client_id": "1.2", "secret_key": "slack-client-secret-0001"},
}
MAIL = {"provider_id": "mailgun", "channel": "email", "active": True, "credentials": {"api_key": "mailgun-key-00001"}}


@pytest.fixture
async def address(hub: Hub) -> AsyncIterator[str]:
    """A server on loopback."""
    port, began = free_port(), asyncio.Event()
    server = Server(THE_APIS, port=port, interface=Interfaces.ASGINL, log_enabled=False, websockets=False)
    server.on_startup(began.set)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait_for(began.wait(), 10)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await asyncio.wait_for(serving, 10)


def client_of(address: str, key: str) -> Novu:
    return Novu(secret_key=key, server_url=address, retry_config=NORETRY, timeout_ms=10_000)


@pytest.fixture
async def novu(address: str, here: Place) -> AsyncIterator[Novu]:
    async with client_of(address, here.key) as client:
        yield client


async def made(novu: Novu, body: dict[str, Any]) -> Any:
    return (await novu.integrations.create_async(create_integration_request_dto=body)).result


async def refused(call: Any, status: int) -> Any:
    """The error that the client raises, and that it could read it.

    Of a 404 some of its calls make an `APIError`, which has the text alone.
    """
    with pytest.raises(models.NovuError) as raised:
        await call
    error = raised.value
    assert error.status_code == status
    if status == 404 and isinstance(error, models.APIError):
        return models.ErrorDto(models.ErrorDtoData.model_validate_json(error.body), error.raw_response)
    assert isinstance(error, models.ValidationErrorDto if status == 422 else models.ErrorDto)
    return error


async def test_create_list_and_active(novu: Novu) -> None:
    slack = await made(novu, SLACK)
    assert (slack.name, slack.identifier, slack.provider_id, slack.channel) == (
        "Our Slack",
        "our-slack",
        "slack",
        "chat",
    )
    off = await made(novu, {"provider_id": "msteams", "channel": "chat"})
    everyone = (await novu.integrations.list_async()).result
    assert [each.id for each in everyone] == [slack.id, off.id]
    assert all(each.credentials.secret_key is None for each in everyone)
    assert [each.id for each in (await novu.integrations.list_active_async()).result] == [slack.id]


async def test_create_is_refused(novu: Novu, here: Place) -> None:
    await made(novu, SLACK)
    taken = await refused(novu.integrations.create_async(create_integration_request_dto=SLACK), 409)
    assert taken.data.message == "Integration with identifier already exists"
    missing = await refused(novu.integrations.create_async(create_integration_request_dto={}), 422)
    assert "providerId" in missing.data.errors
    other = {**SLACK, "identifier": "x", "environment_id": ABSENT}
    await refused(novu.integrations.create_async(create_integration_request_dto=other), 403)


async def test_update(novu: Novu) -> None:
    one = await made(novu, SLACK)
    body = {"name": "Renamed", "active": False, "configurations": {}}
    call = novu.integrations.update_async(integration_id=one.id, update_integration_request_dto=body)
    told = (await call).result
    assert (told.id, told.name, told.active) == (one.id, "Renamed", False)
    call = novu.integrations.update_async(integration_id=one.id, update_integration_request_dto={})
    assert (await refused(call, 400)).data.message == "No properties found for update"
    call = novu.integrations.update_async(integration_id=ABSENT, update_integration_request_dto=body)
    assert (await refused(call, 404)).data.message == f"Entity with id {ABSENT} not found"


async def test_delete(novu: Novu) -> None:
    one, two = await made(novu, SLACK), await made(novu, MAIL)
    left = (await novu.integrations.delete_async(integration_id=one.id)).result
    assert [each.id for each in left] == [two.id]
    await refused(novu.integrations.delete_async(integration_id=one.id), 404)


async def test_set_as_primary(novu: Novu) -> None:
    one, two = await made(novu, MAIL), await made(novu, MAIL)
    assert (one.primary, two.primary) == (True, False)
    assert (await novu.integrations.set_as_primary_async(integration_id=two.id)).result.primary is True
    listed = {each.id: each.primary for each in (await novu.integrations.list_async()).result}
    assert listed == {one.id: False, two.id: True}
    slack = await made(novu, SLACK)
    await refused(novu.integrations.set_as_primary_async(integration_id=slack.id), 400)
    await refused(novu.integrations.set_as_primary_async(integration_id=ABSENT), 404)
    malformed = await refused(novu.integrations.set_as_primary_async(integration_id="nonsense"), 422)
    assert malformed.data.errors["integrationId"].messages == ["integrationId must be a mongodb id"]


async def test_auto_configure(novu: Novu) -> None:
    one = await made(novu, SLACK)
    configure = novu.integrations.integrations_controller_auto_configure_integration_async
    told = (await configure(integration_id=one.id)).result
    assert told.success is False
    assert told.message
    await refused(configure(integration_id=ABSENT), 404)


async def test_what_is_not_offered(novu: Novu) -> None:
    link = {"integration_identifier": "our-slack", "subscriber_id": "s1"}
    await refused(novu.integrations.link_channel_endpoint_async(link_channel_endpoint_request_dto=link), 404)
    mobile = {"subscriber_id": "s1"}
    await refused(
        novu.integrations.create_mobile_link_async(
            integration_identifier="our-slack", issue_integration_mobile_link_request_dto=mobile
        ),
        404,
    )
    configure = novu.integrations.integrations_controller_configure_integration_webhook_async
    await refused(configure(integration_identifier="our-slack"), 404)


async def test_keys_that_may_not(address: str, here: Place) -> None:
    for key, status in (("nobodys", 401), (here.elsewhere, 403)):
        async with client_of(address, key) as novu:
            await refused(novu.integrations.list_async(), status)
    async with client_of(address, here.reader) as novu:
        assert (await novu.integrations.list_async()).result == []
        await refused(novu.integrations.create_async(create_integration_request_dto=SLACK), 403)


async def test_the_same_key_is_answered_the_same(novu: Novu) -> None:
    create = novu.integrations.create_async
    first = await create(create_integration_request_dto=SLACK, idempotency_key="once")
    again = await create(create_integration_request_dto=SLACK, idempotency_key="once")
    assert again.result == first.result
    assert again.headers["idempotency-replay"] == ["true"]
    await refused(create(create_integration_request_dto=MAIL, idempotency_key="once"), 422)


@pytest.mark.parametrize("which", ["chat", "connect", "link_user"])
async def test_addresses_of_consents(novu: Novu, which: str) -> None:
    await made(novu, SLACK)
    await novu.subscribers.create_async(create_subscriber_request_dto={"subscriber_id": "ana"})
    call = getattr(novu.integrations, f"generate_{which}_o_auth_url_async")
    name = {"chat": "generate_chat_oauth_url_request_dto", "connect": "generate_connect_oauth_url_request_dto",
            "link_user": "generate_link_user_oauth_url_request_dto"}[which]  # fmt: skip
    scope = "user_scope" if which == "link_user" else "scope"

    def asked(**change: Any) -> Any:
        return call(**{name: {"integration_identifier": "our-slack", "subscriber_id": "ana", **change}})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the client's, on the first of the three
        url = (await asked(**{scope: ["chat:write"]})).result.url
        assert "/oauth/v2/authorize?state=" in url
        assert f"&{scope}=chat%3Awrite" in url
        unknown = await refused(asked(integration_identifier="nope"), 404)
        assert unknown.data.message.startswith("Integration not found: nope")
        nobody = await refused(asked(subscriber_id="nobody"), 404)
        assert nobody.data.message == "Subscriber not found: nobody"
        wrong = await refused(asked(**{scope: ["a,b"]}), 422)
        assert list(wrong.data.errors) == ["userScope" if which == "link_user" else "scope"]


async def test_the_asynchronous_twins_of_connections_and_endpoints(novu: Novu) -> None:
    await made(novu, SLACK)
    await novu.subscribers.create_async(create_subscriber_request_dto={"subscriber_id": "sub1"})
    body = connection(identifier="c1", integrationIdentifier="our-slack")
    endpoint = {"type": "slack_user", "subscriber_id": "sub1", "integration_identifier": "our-slack",
                "endpoint": {"user_id": "U1"}, "identifier": "e1"}  # fmt: skip
    workspace = {"workspace": {"id": "T9"}, "auth": {"access_token": "xoxb-9"}}
    for group, create, change in (
        (novu.channel_connections, {"create_channel_connection_request_dto": body},
         {"update_channel_connection_request_dto": workspace}),
        (novu.channel_endpoints, {"request_body": endpoint},
         {"update_channel_endpoint_request_dto": {"endpoint": {"user_id": "U2"}}}),
    ):  # fmt: skip
        one = (await group.create_async(**create)).result
        assert (await group.retrieve_async(identifier=one.identifier)).result == one
        assert [row.identifier for row in (await group.list_async(request={})).result.data] == [one.identifier]
        assert (await group.update_async(identifier=one.identifier, **change)).result.updated_at >= one.updated_at
        await refused(group.create_async(**create), 409)
        await group.delete_async(identifier=one.identifier)
        await refused(group.delete_async(identifier=one.identifier), 404)
