"""The original's own TypeScript client, whose parsing refuses a whole answer for one wrong field, on a live server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.chat.conftest import OUR_SLACK
from tests.api.chat.ground import connection
from tests.api.chat.typescript import AUTO, TEXT_ALONE, Client, wants

ABSENT = "0" * 24
MAIL = {"providerId": "mailgun", "channel": "email", "active": True, "credentials": {"apiKey": "mailgun-key-00001"}}


def test_integrations_from_first_to_last(strangers: list[Client]) -> None:
    novu = strangers[-1]
    slack = novu("integrations.create", OUR_SLACK)
    assert {name: slack[name] for name in ("name", "identifier", "providerId", "channel", "active", "primary")} == {
        "name": "Our Slack", "identifier": "our-slack", "providerId": "slack", "channel": "chat", "active": True,
        "primary": False,
    }  # fmt: skip
    assert "credentials" not in slack
    off = novu("integrations.create", {"providerId": "msteams", "channel": "chat"})
    listed = novu("integrations.list")
    assert [(each["id"], each["credentials"]) for each in listed] == [(slack["id"], {}), (off["id"], {})]
    assert [each["id"] for each in novu("integrations.listActive")] == [slack["id"]]
    told = novu("integrations.update", {"name": "Renamed", "active": False, "configurations": {}}, slack["id"])
    assert (told["id"], told["name"], told["active"]) == (slack["id"], "Renamed", False)
    one, two = novu("integrations.create", MAIL), novu("integrations.create", MAIL)
    assert (one["primary"], two["primary"]) == (True, False)
    assert novu("integrations.setAsPrimary", two["id"])["primary"] is True
    condition = {"isNegated": False, "type": "GROUP", "value": "AND"}
    condition["children"] = [{"field": "tenant", "value": "acme", "operator": "EQUAL", "on": "payload"}]
    assert novu("integrations.update", {"conditions": [condition]}, one["id"])["id"] == one["id"]
    configured = novu(AUTO, slack["id"])
    assert configured["success"] is False
    left = novu("integrations.delete", slack["id"])
    assert [each["id"] for each in left] == [off["id"], one["id"], two["id"]]


def test_integrations_that_are_refused(strangers: list[Client], novu: Client) -> None:
    with wants(409, "Integration with identifier already exists"):
        novu("integrations.create", OUR_SLACK)
    with wants(422) as said:
        novu("integrations.create", {})
    assert "providerId" in said["errors"]
    with wants(403):
        novu("integrations.create", {**OUR_SLACK, "identifier": "x", "environmentId": ABSENT})
    mine = novu("integrations.list")[0]["id"]
    with wants(400, "No properties found for update"):
        novu("integrations.update", {}, mine)
    for client, each in ((novu, ABSENT), (strangers[0], mine)):
        with wants(404, f"Entity with id {each} not found", by="integrations.update"):
            client("integrations.update", {"name": "x"}, each)
        with wants(404):
            client("integrations.delete", each)
        for call in TEXT_ALONE - {"integrations.update"}:
            with wants(404, by=call):
                client(call, each)
    with wants(400, "does not support primary"):
        novu("integrations.setAsPrimary", mine)
    with wants(422) as said:
        novu("integrations.setAsPrimary", "nonsense")
    assert said["errors"]["integrationId"]["messages"] == ["integrationId must be a mongodb id"]


def test_what_is_not_offered(novu: Client) -> None:
    link = {"integrationIdentifier": "our-slack", "subscriberId": "sub1"}
    for call, args in (
        ("linkChannelEndpoint", [link]),
        ("createMobileLink", [{"subscriberId": "sub1"}, "our-slack"]),
        ("integrationsControllerConfigureIntegrationWebhook", ["our-slack"]),
    ):
        with wants(404):
            novu(f"integrations.{call}", *args)


CALLS: dict[str, list[Any]] = {
    "integrations.list": [],
    "integrations.listActive": [],
    "integrations.create": [OUR_SLACK],
    "integrations.update": [{"name": "x"}, ABSENT],
    "integrations.delete": [ABSENT],
    "integrations.setAsPrimary": [ABSENT],
    "integrations.generateChatOAuthUrl": [{"integrationIdentifier": "our-slack", "subscriberId": "sub1"}],
    "integrations.generateConnectOAuthUrl": [{"integrationIdentifier": "our-slack", "subscriberId": "sub1"}],
    "integrations.generateLinkUserOAuthUrl": [{"integrationIdentifier": "our-slack", "subscriberId": "sub1"}],
    "channelConnections.list": [{}],
    "channelConnections.create": [connection()],
    "channelConnections.retrieve": ["nope"],
    "channelConnections.update": [{"workspace": {"id": "T"}, "auth": {"accessToken": "t"}}, "nope"],
    "channelConnections.delete": ["nope"],
    "channelEndpoints.list": [{}],
    "channelEndpoints.create": [
        {
            "subscriberId": "sub1",
            "integrationIdentifier": "our-slack",
            "type": "slack_user",
            "endpoint": {"userId": "U"},
        }
    ],
    "channelEndpoints.retrieve": ["nope"],
    "channelEndpoints.update": [{"endpoint": {"userId": "U"}}, "nope"],
    "channelEndpoints.delete": ["nope"],
    "subscribers.create": [{"subscriberId": "sub1"}],
    "subscribers.retrieve": ["sub1"],
    "contexts.list": [{}],
    "contexts.create": [{"type": "tenant", "id": "acme"}],
    "contexts.retrieve": ["acme", "tenant"],
    "contexts.update": [{"id": "acme", "type": "tenant", "updateContextRequestDto": {"data": {}}}],
    "contexts.delete": ["acme", "tenant"],
}
"""Every call, with something that fits its shape."""
READS = ("list", "listActive", "retrieve")


@pytest.mark.parametrize("call", CALLS)
def test_who_may_not_is_told_so_by_every_call(strangers: list[Client], novu: Client, call: str) -> None:
    _, reader, elsewhere, nobody, _ = strangers
    with wants(401, "API Key not found"):
        nobody(call, *CALLS[call])
    with wants(403):
        elsewhere(call, *CALLS[call])
    if call.partition(".")[2] not in READS:
        with wants(403):
            reader(call, *CALLS[call])


@pytest.mark.parametrize("which", ["Chat", "Connect", "LinkUser"])
def test_addresses_of_consents(novu: Client, strangers: list[Client], which: str) -> None:
    call = f"integrations.generate{which}OAuthUrl"
    body = {"integrationIdentifier": "our-slack", "subscriberId": "sub1"}
    more = {"Chat": {"mode": "connect", "scope": ["chat:write"], "autoLinkUser": True}, "Connect": {
        "context": {"tenant": "acme"}, "connectionMode": "subscriber", "scope": ["chat:write"]}}  # fmt: skip
    url = novu(call, {**body, **more.get(which, {"userScope": ["identity.basic"]})})["url"]
    assert url.startswith("https://slack.com/oauth/v2/authorize?state=")
    assert ("user_scope=identity.basic" if which == "LinkUser" else "scope=chat%3Awrite") in url
    for client, change in ((strangers[0], {}), (novu, {"integrationIdentifier": "nope"})):
        with wants(404, "Integration not found"):
            client(call, {**body, **change})
    with wants(404, "Subscriber not found: nobody"):
        novu(call, {**body, "subscriberId": "nobody"})
    with wants(422) as said:
        novu(call, {**body, "userScope" if which == "LinkUser" else "scope": ["a,b"]})
    assert list(said["errors"]) == ["userScope" if which == "LinkUser" else "scope"]
    if which != "LinkUser":
        with wants(400, "context is required"):
            novu(call, {"integrationIdentifier": "our-slack", "connectionMode": "shared"})
