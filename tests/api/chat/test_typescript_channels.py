"""The original's own TypeScript client on connections, endpoints, subscribers and contexts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.chat.ground import MASK, connection
from tests.api.chat.typescript import Client, Refused, wants


def test_connections_from_first_to_last(novu: Client, strangers: list[Client]) -> None:
    bound = {"integrationIdentifier": "our-slack", "context": {"tenant": "acme"}}
    made = novu("channelConnections.create", connection(identifier="c1", connectionMode="subscriber", **bound))
    assert made == {
        "identifier": "c1", "channel": "chat", "providerId": "slack", "integrationIdentifier": "our-slack",
        "subscriberId": "sub1", "contextKeys": ["tenant:acme"], "createdAt": made["createdAt"],
        "updatedAt": made["updatedAt"], "auth": {"accessToken": MASK},
        "workspace": {"id": "T123", "name": "Acme HQ", "botUserId": "B1"},
    }  # fmt: skip
    shared = novu("channelConnections.create", connection(None, connectionMode="shared", **bound))
    assert shared["subscriberId"] is None
    assert novu("channelConnections.retrieve", "c1") == made
    for request, names in (
        ({"limit": 1, "orderDirection": "ASC"}, ["c1"]),
        ({"subscriberId": "sub1", "providerId": "slack", "channel": "chat"}, ["c1"]),
        ({"connectionMode": "shared"}, [shared["identifier"]]),
        ({"contextKeys": ["tenant:acme"]}, [shared["identifier"], "c1"]),
        ({"contextKeys": [""]}, []),
    ):
        assert [row["identifier"] for row in novu("channelConnections.list", request)["data"]] == names
    first = novu("channelConnections.list", {"limit": 1})
    assert (first["totalCount"], first["totalCountCapped"], first["previous"]) == (2, False, None)
    second = novu("channelConnections.list", {"limit": 1, "after": first["next"]})
    assert ([row["identifier"] for row in second["data"]], second["next"]) == (["c1"], None)
    body = {"workspace": {"id": "T9"}, "auth": {"accessToken": "xoxb-9"}}
    told = novu("channelConnections.update", body, "c1")
    assert (told["workspace"], told["auth"]) == ({"id": "T9"}, {"accessToken": "••••"})
    stranger = strangers[0]
    assert stranger("channelConnections.list", {})["totalCount"] == 0
    for call, args in (("retrieve", ["c1"]), ("update", [body, "c1"]), ("delete", ["c1"])):
        with wants(404, 'Channel connection with identifier "c1" not found'):
            stranger(f"channelConnections.{call}", *args)
    for each in ("c1", shared["identifier"]):
        novu("channelConnections.delete", each)
    with wants(404):
        novu("channelConnections.delete", "c1")


def test_connections_that_are_refused(novu: Client) -> None:
    body = connection(integrationIdentifier="our-slack", context={"tenant": "two"})
    made = novu("channelConnections.create", body)
    for change, status, words in (
        ({}, 409, f"Connection ID: {made['identifier']}"),
        ({"integrationIdentifier": "nope"}, 404, "Integration not found: nope"),
        ({"subscriberId": "nobody"}, 404, "Subscriber not found: nobody"),
        ({"connectionMode": "shared", "context": None}, 400, "context is required"),
    ):
        sent = {name: value for name, value in {**body, **change}.items() if value is not None}
        with wants(status, words):
            novu("channelConnections.create", sent)
    with wants(422) as said:
        novu("channelConnections.create", {**body, "context": {"tenant": "not an id"}})
    assert list(said["errors"]) == ["context.tenant"]
    with wants(422) as said:
        novu("channelConnections.list", {"orderBy": "name"})
    assert list(said["errors"]) == ["orderBy"]
    with wants(400):
        novu("channelConnections.list", {"after": "a", "before": "b"})
    novu("channelConnections.delete", made["identifier"])


ENDPOINTS: dict[str, dict[str, Any]] = {
    "slack_channel": {"channelId": "C1"},
    "slack_user": {"userId": "U1"},
    "webhook": {"url": "https://hooks.example.com/canary"},
    "phone": {"phoneNumber": "+491"},
    "ms_teams_channel": {"teamId": "t", "channelId": "c"},
    "ms_teams_user": {"userId": "u"},
    "telegram_chat": {"chatId": "-1"},
    "line_user": {"userId": "u"},
    "pagerduty_service": {"routingKey": "canary", "region": "us"},
    "opsgenie_integration": {"apiKey": "canary", "region": "eu"},
    "grafana_oncall_integration": {"url": "https://grafana.example.com/canary", "authToken": "canary"},
    "tool_webhook": {"url": "https://tool.example.com/canary", "method": "PUT"},
}

LOST = {"grafana_oncall_integration": "authToken", "tool_webhook": "method"}
"""What the client drops of an answer: of all shapes with a `url` it takes the first."""


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_endpoints_of_each_type(novu: Client, strangers: list[Client], kind: str) -> None:
    identifier, endpoint = f"e-{kind}", ENDPOINTS[kind]
    body = {
        "type": kind, "subscriberId": "sub1", "integrationIdentifier": "our-slack", "endpoint": endpoint,
        "identifier": identifier,
    }  # fmt: skip
    made = novu("channelEndpoints.create", body)
    assert (made["identifier"], made["type"], made["providerId"]) == (identifier, kind, "slack")
    assert made["connectionIdentifier"] is None
    assert set(made["endpoint"]) == set(endpoint) - {LOST.get(kind)}
    assert "canary" not in str(made)
    assert novu("channelEndpoints.retrieve", identifier) == made
    same = novu("channelEndpoints.update", {"endpoint": endpoint}, identifier)
    assert same["endpoint"] == made["endpoint"]
    listed = novu("channelEndpoints.list", {"subscriberId": "sub1", "limit": 5})
    assert [row["identifier"] for row in listed["data"]] == [identifier]
    with wants(404):
        strangers[0]("channelEndpoints.retrieve", identifier)
    with wants(409):
        novu("channelEndpoints.create", body)
    novu("channelEndpoints.delete", identifier)
    for call, args in (("delete", [identifier]), ("update", [{"endpoint": endpoint}, identifier])):
        with wants(404, f'Channel endpoint with identifier "{identifier}" not found'):
            novu(f"channelEndpoints.{call}", *args)


ENDPOINT = {"integrationIdentifier": "our-slack", "type": "slack_user", "endpoint": {"userId": "U"}}


def test_endpoints_that_are_refused(novu: Client) -> None:
    body = {**ENDPOINT, "subscriberId": "new"}
    with wants(404, "createSubscriberIfMissing"):
        novu("channelEndpoints.create", body)
    with wants(404, "Channel connection not found: nope"):
        novu("channelEndpoints.create", {**body, "subscriberId": "sub1", "connectionIdentifier": "nope"})
    with wants(422) as said:
        novu("channelEndpoints.create", {**body, "identifier": "not/one"})
    assert list(said["errors"]) == ["identifier"]
    made = novu("channelEndpoints.create", {**body, "createSubscriberIfMissing": True})
    assert novu("subscribers.retrieve", "new")["subscriberId"] == "new"
    novu("channelEndpoints.delete", made["identifier"])


def test_subscribers_and_contexts(novu: Client, strangers: list[Client]) -> None:
    sent = {"subscriberId": "ana", "email": "ana@example.com", "data": {"plan": "pro"}}
    made = novu("subscribers.create", sent)
    assert {name: made[name] for name in sent} == sent
    assert novu("subscribers.retrieve", "ana") == made
    with pytest.raises(Refused) as taken:  # the client reads the subscriber out of it
        novu("subscribers.create", sent, True)  # noqa: FBT003  # the client's second argument
    assert (taken.value.name, taken.value.status, taken.value.said["id"]) == (
        "SubscriberResponseDto", 409, made["id"],
    )  # fmt: skip
    with wants(404):
        strangers[0]("subscribers.retrieve", "ana")
    with wants(422) as said:
        novu("subscribers.create", {"subscriberId": " "})
    assert list(said["errors"]) == ["subscriberId"]
    hook = {"providerId": "slack", "credentials": {"webhookUrl": "https://hooks.slack.com/canary"}}
    told = novu("subscribers.credentials.update", hook, "ana")
    assert told["channels"][0]["credentials"] == {"webhookUrl": "https://hooks.slack.com/…"}
    region = novu("contexts.create", {"type": "region", "id": "eu", "data": {"a": 1}})
    assert novu("contexts.retrieve", "eu", "region") == region
    with wants(409):
        novu("contexts.create", {"type": "region", "id": "eu"})
    changed = novu("contexts.update", {"id": "eu", "type": "region", "updateContextRequestDto": {"data": {"b": 2}}})
    assert changed["data"] == {"b": 2}
    page = novu("contexts.list", {"search": "region", "limit": 1})
    assert ([row["id"] for row in page["data"]], page["totalCount"]) == (["eu"], 1)
    with wants(422) as said:
        novu("contexts.create", {"type": "a b", "id": "x"})
    assert list(said["errors"]) == ["type"]
    novu("contexts.delete", "eu", "region")
    with wants(404):
        novu("contexts.delete", "eu", "region")
