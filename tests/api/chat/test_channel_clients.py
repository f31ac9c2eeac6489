"""The real client of the original API against a real server: every call on connections, endpoints and their likes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from novu_py import Novu, models
from novu_py.utils import BackoffStrategy, RetryConfig

from tests.api.chat.conftest import Place, place
from tests.api.chat.ground import MASK, TOKEN, connection, integration, subscriber
from tests.api.operated_server import served
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for

NORETRY = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)


async def prepare(folder: Path) -> tuple[Place, Place]:
    async with open_hub(settings_for(folder)) as hub:
        here, there = await place(hub), await place(hub)
        for each in (here, there):
            await integration(hub, each.owner, "slack-abc")
            await integration(hub, each.owner, "webex", "webex-messaging")
        await subscriber(hub, here.owner, "sub1")
    return here, there


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Novu, Novu]]:
    """Clients of two workspaces of one server."""
    folder = tmp_path_factory.mktemp("clients")
    here, there = asyncio.run(prepare(folder))
    with served(folder) as server:
        given: dict[str, Any] = {"server_url": server.base, "retry_config": NORETRY, "timeout_ms": 20_000}
        with Novu(secret_key=here.key, **given) as one, Novu(secret_key=there.key, **given) as two:
            yield one, two
        assert TOKEN not in server.log.read_text()


@pytest.fixture
def novu(clients: tuple[Novu, Novu]) -> Novu:
    return clients[0]


@contextmanager
def wants(status: int) -> Iterator[Any]:
    """The client must raise the class that it has for this status."""
    with pytest.raises(models.ValidationErrorDto if status == 422 else models.ErrorDto) as refused:
        yield refused
    assert refused.value.status_code == status
    assert refused.value.data.status_code == status


def test_connections_from_first_to_last(clients: tuple[Novu, Novu]):
    novu, stranger = clients
    body = connection(identifier="c1", context={"tenant": "acme"}, connectionMode="subscriber")
    made = novu.channel_connections.create(create_channel_connection_request_dto=body).result
    assert (made.identifier, made.channel, made.provider_id, made.context_keys) == (
        "c1", "chat", "slack", ["tenant:acme"],
    )  # fmt: skip
    assert (made.auth.access_token, made.auth.refresh_token) == (MASK, None)
    assert made.workspace.name == "Acme HQ"
    shared = novu.channel_connections.create(
        create_channel_connection_request_dto=connection(None, context={"tenant": "acme"}, connectionMode="shared")
    ).result
    assert shared.subscriber_id is None
    found = novu.channel_connections.retrieve(identifier="c1").result
    assert found == made
    for request, names in (
        ({"limit": 1, "order_direction": "ASC"}, ["c1"]),
        ({"subscriber_id": "sub1", "provider_id": "slack", "channel": "chat"}, ["c1"]),
        ({"connection_mode": "shared"}, [shared.identifier]),
        ({"context_keys": ["tenant:acme"]}, [shared.identifier, "c1"]),
        ({"context_keys": [""]}, []),
        ({"integration_identifier": "webex"}, []),
    ):
        page = novu.channel_connections.list(request=request).result
        assert [row.identifier for row in page.data] == names
    first = novu.channel_connections.list(request={"limit": 1}).result
    assert (first.total_count, first.total_count_capped, first.previous) == (2, False, None)
    second = novu.channel_connections.list(request={"limit": 1, "after": first.next}).result
    assert ([row.identifier for row in second.data], second.next) == (["c1"], None)
    back = novu.channel_connections.list(
        request={"limit": 1, "before": second.previous, "include_cursor": False}
    ).result
    assert back.data == first.data
    told = novu.channel_connections.update(
        identifier="c1",
        update_channel_connection_request_dto={"workspace": {"id": "T9"}, "auth": {"access_token": "xoxb-9"}},
    ).result
    assert (told.workspace.id, told.workspace.name, told.auth.access_token) == ("T9", None, "••••")
    with wants(404) as refused:
        stranger.channel_connections.retrieve(identifier="c1")
    assert refused.value.data.message == 'Channel connection with identifier "c1" not found'
    assert stranger.channel_connections.list(request={}).result.total_count == 0
    assert novu.channel_connections.delete(identifier="c1").headers == {}
    assert novu.channel_connections.delete(identifier=shared.identifier)
    with wants(404):
        novu.channel_connections.delete(identifier="c1")


def test_connections_that_are_refused_are_errors_the_client_reads(novu: Novu):
    body = connection(context={"tenant": "two"})
    made = novu.channel_connections.create(create_channel_connection_request_dto=body).result
    for change, status, words in (
        ({}, 409, f"Connection ID: {made.identifier}"),
        ({"integrationIdentifier": "nope"}, 404, "Integration not found: nope"),
        ({"subscriberId": "nobody"}, 404, "Subscriber not found: nobody"),
        ({"connectionMode": "shared", "context": None}, 400, "context is required"),
        ({"auth": {"accessToken": "t", "refreshToken": "r"}}, 400, "refreshToken"),
    ):
        with wants(status) as refused:
            novu.channel_connections.create(create_channel_connection_request_dto={**body, **change})
        assert words in str(refused.value.data.message)
        assert refused.value.data.path == "/v1/channel-connections"
    with wants(422) as wrong:
        novu.channel_connections.create(
            create_channel_connection_request_dto={**body, "context": {"tenant": "not an id"}}
        )
    assert list(wrong.value.data.errors) == ["context.tenant"]
    with wants(422) as wrong:
        novu.channel_connections.list(request={"order_by": "name"})
    assert list(wrong.value.data.errors) == ["orderBy"]
    with wants(400):
        novu.channel_connections.list(request={"after": "a", "before": "b"})
    with wants(404):
        novu.channel_connections.update(
            identifier="nope",
            update_channel_connection_request_dto={"workspace": {"id": "T"}, "auth": {"access_token": "t"}},
        )
    novu.channel_connections.delete(identifier=made.identifier)


ENDPOINTS: dict[str, dict[str, Any]] = {
    "slack_channel": {"channel_id": "C1"},
    "slack_user": {"user_id": "U1"},
    "webhook": {"url": "https://hooks.example.com/canary"},
    "phone": {"phone_number": "+491"},
    "ms_teams_channel": {"team_id": "t", "channel_id": "c"},
    "ms_teams_user": {"user_id": "u"},
    "telegram_chat": {"chat_id": "-1"},
    "line_user": {"user_id": "u"},
    "pagerduty_service": {"routing_key": "canary", "region": "us"},
    "opsgenie_integration": {"api_key": "canary", "region": "eu"},
    "grafana_oncall_integration": {"url": "https://grafana.example.com/canary", "auth_token": "canary"},
    "tool_webhook": {"url": "https://tool.example.com/canary", "headers": {"x": "canary"}, "method": "PUT"},
}


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_endpoints_of_each_type_from_first_to_last(clients: tuple[Novu, Novu], kind: str):
    novu, stranger = clients
    body = {
        "type": kind, "subscriber_id": "sub1", "integration_identifier": "slack-abc", "endpoint": ENDPOINTS[kind],
        "identifier": f"e-{kind}",
    }  # fmt: skip
    made = novu.channel_endpoints.create(request_body=body).result
    assert (made.identifier, made.type, made.provider_id, made.connection_identifier) == (
        f"e-{kind}", kind, "slack", None,
    )  # fmt: skip
    assert "canary" not in repr(made)
    assert novu.channel_endpoints.retrieve(identifier=made.identifier).result == made
    same = novu.channel_endpoints.update(
        identifier=made.identifier, update_channel_endpoint_request_dto={"endpoint": ENDPOINTS[kind]}
    ).result
    assert same.endpoint == made.endpoint
    listed = novu.channel_endpoints.list(request={"subscriber_id": "sub1", "limit": 5}).result
    assert [row.identifier for row in listed.data] == [made.identifier]
    with wants(404):
        stranger.channel_endpoints.retrieve(identifier=made.identifier)
    with wants(409):
        novu.channel_endpoints.create(request_body=body)
    novu.channel_endpoints.delete(identifier=made.identifier)
    with wants(404):
        novu.channel_endpoints.delete(identifier=made.identifier)


def test_an_endpoint_of_a_connection_goes_with_it(novu: Novu):
    bound = connection(integrationIdentifier="webex", identifier="w1", context={"tenant": "acme"})
    novu.channel_connections.create(create_channel_connection_request_dto=bound)
    body = {
        "type": "webex_room", "subscriber_id": "new", "integration_identifier": "webex", "identifier": "e1",
        "connection_identifier": "w1", "context": {"tenant": "acme"}, "endpoint": {"room_id": "R"},
    }  # fmt: skip
    with wants(404) as refused:
        novu.channel_endpoints.create(request_body=body)
    assert "createSubscriberIfMissing" in str(refused.value.data.message)
    made = novu.channel_endpoints.create(request_body={**body, "create_subscriber_if_missing": True}).result
    assert (made.connection_identifier, made.context_keys) == ("w1", ["tenant:acme"])
    assert novu.channel_endpoints.list(request={"connection_identifier": "w1"}).result.total_count == 1
    with wants(400):
        novu.channel_endpoints.create(request_body={**body, "identifier": "e2", "context": {"tenant": "other"}})
    novu.channel_connections.delete(identifier="w1")
    with wants(404):
        novu.channel_endpoints.retrieve(identifier="e1")


def test_subscribers_and_their_webhooks(clients: tuple[Novu, Novu]):
    novu, stranger = clients
    sent = {"subscriber_id": "ana", "email": "ana@example.com", "data": {"plan": "pro"}}
    made = novu.subscribers.create(create_subscriber_request_dto=sent).result
    assert (made.subscriber_id, made.email, made.data, made.deleted) == (
        "ana", "ana@example.com", {"plan": "pro"}, False,
    )  # fmt: skip
    assert novu.subscribers.create(create_subscriber_request_dto=sent).result == made
    with pytest.raises(models.SubscriberResponseDtoError) as taken:  # the client reads the subscriber out of it
        novu.subscribers.create(create_subscriber_request_dto=sent, fail_if_exists=True)
    assert (taken.value.status_code, taken.value.data.id) == (409, made.id)
    assert novu.subscribers.retrieve(subscriber_id="ana").result == made
    with wants(404):
        stranger.subscribers.retrieve(subscriber_id="ana")
    told = novu.subscribers.credentials.update(
        subscriber_id="ana",
        update_subscriber_channel_request_dto={
            "provider_id": "slack",
            "credentials": {"webhook_url": "https://hooks.slack.com/canary"},
        },
    ).result
    assert [(each.provider_id, each.credentials.webhook_url) for each in told.channels] == [
        ("slack", "https://hooks.slack.com/…")
    ]
    with wants(404):
        novu.subscribers.credentials.update(
            subscriber_id="ana",
            update_subscriber_channel_request_dto={
                "provider_id": "discord",
                "credentials": {"webhook_url": "https://x.y"},
            },
        )
    with wants(422) as wrong:
        novu.subscribers.create(create_subscriber_request_dto={"subscriber_id": " "})
    assert list(wrong.value.data.errors) == ["subscriberId"]


def test_contexts_from_first_to_last(clients: tuple[Novu, Novu]):
    novu, stranger = clients
    sent = {"type": "region", "id": "eu", "data": {"a": 1}}
    made = novu.contexts.create(create_context_request_dto=sent).result
    assert (made.type, made.id, made.data) == ("region", "eu", {"a": 1})
    with wants(409):
        novu.contexts.create(create_context_request_dto=sent)
    assert novu.contexts.retrieve(type_="region", id="eu").result == made
    with wants(404):
        stranger.contexts.retrieve(type_="region", id="eu")
    told = novu.contexts.update(type_="region", id="eu", update_context_request_dto={"data": {"b": 2}}).result
    assert told.data == {"b": 2}
    page = novu.contexts.list(request={"search": "region", "limit": 1}).result
    assert ([row.id for row in page.data], page.total_count) == (["eu"], 1)
    with wants(422) as wrong:
        novu.contexts.create(create_context_request_dto={"type": "a b", "id": "x"})
    assert list(wrong.value.data.errors) == ["type"]
    novu.contexts.delete(type_="region", id="eu")
    with wants(404):
        novu.contexts.delete(type_="region", id="eu")
