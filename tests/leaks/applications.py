"""The doors of applications: every secret that the chat API takes, in the right places and in wrong ones."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from atlas_hub.services.wire_credentials import FIELDS, wire_of
from tests.leaks.doors import fill
from tests.leaks.journey import Journey
from tests.leaks.shapes import VARIABLES, WAYS, Way
from tests.standins.slack_seed import ATLAS_APP

Make = Callable[[str], str]
CHAT_MOODS = ("accept", "echo 401", "echo 400", "echo 200", "server_error")
SUBSCRIBER = "ana"


def caller(journey: Journey) -> httpx.Client:
    """An application with the journey's key."""
    client = journey.client()
    client.headers["Authorization"] = f"ApiKey {journey.key}"
    return client


def applications(journey: Journey) -> None:
    """Integrations, connections, endpoints and webhooks, with vendors in a few moods, and what is not taken."""
    with caller(journey) as app:
        post(journey, app, "subscriber", "/v2/subscribers", {"subscriberId": SUBSCRIBER})
        for mood in CHAT_MOODS:
            journey.vendors.play(mood)
            _integrations(journey, app, mood)
            _live(journey, app, mood)
            _connections(journey, app, mood)
            _endpoints(journey, app, mood)
        journey.vendors.play("accept")
        _hashes(journey, app)
        _misshapen(journey, app)
        _misplaced(journey, app)
        for path in (
            "integrations",
            "integrations/active",
            "channel-connections?limit=100",
            "channel-endpoints?limit=100",
        ):
            assert journey.ask(f"chat, list {path}", "GET", f"/v1/{path}", by=app).status_code == 200


def post(
    journey: Journey, app: httpx.Client, what: str, path: str, body: Any, *, wants: int = 201, method: str = "POST"
) -> Any:
    """A call as the original's clients make it, with an idempotency key; what is told."""
    headers = {"Idempotency-Key": f"once {len(journey.answers)}"}
    answer = journey.ask(f"chat, {what}", method, path, by=app, json=body, headers=headers)
    assert answer.status_code == wants, (what, answer.text)
    return answer.json()["data"] if answer.is_success else None


def _integrations(journey: Journey, app: httpx.Client, mood: str) -> None:
    make: Make = lambda name: journey.aviary.make(f"chat {name}, {mood}")  # noqa: E731  # a shape
    for name, provider, channel, fields in (
        ("slack", "slack", "chat", ("secretKey", "signingSecret", "apiKey", "token")),
        ("twilio", "twilio", "sms", ("token", "secretKey", "apiKey")),
        ("sendgrid", "sendgrid", "email", ("apiKey",)),
        ("foreign", "mailgun", "email", ("apiKey", "secretKey", "password", "privateKey", "hostAuth")),
    ):
        identifier = f"{name}-{CHAT_MOODS.index(mood)}"
        secrets = {field: make(f"{name} {field}") for field in fields}
        body = {"providerId": provider, "channel": channel, "identifier": identifier, "active": True,
                "credentials": {"clientId": ATLAS_APP, "from": "a@acme.example", **secrets}}  # fmt: skip
        made = post(journey, app, f"integration {identifier}", "/v1/integrations", body)
        again = {field: make(f"{name} {field}, refused") for field in fields}
        post(journey, app, "taken", "/v1/integrations", {**body, "credentials": again}, wants=409)
        told = {field: make(f"{name} {field}, changed") for field in fields}
        path, body = f"/v1/integrations/{made['_id']}", {"credentials": {**body["credentials"], **told}}
        post(journey, app, "integration, changed", path, body, wants=200, method="PUT")
    checked = {"providerId": "sendgrid", "channel": "email", "check": True, "active": True,
               "credentials": {"apiKey": make("sendgrid, checked"), "from": "alerts@acme.example"}}  # fmt: skip
    answer = journey.ask(f"chat, checked, {mood}", "POST", "/v1/integrations", by=app, json=checked)
    assert answer.status_code == 400, answer.text  # no vendor knows this key


LIVE = tuple(
    (way, FIELDS[way.slug, way.method.key])
    for way in (*WAYS, VARIABLES["RESEND_API_KEY"][0])
    if (way.slug, way.method.key) in FIELDS
)
"""What is live by the chat API, mail and alerts, with the names that it has there."""


def _live(journey: Journey, app: httpx.Client, mood: str) -> None:
    """Mail and alerts: made, changed, and checked before they are stored."""
    for way, names in LIVE:
        provider = wire_of(way.slug, way.method.key)
        channel = "email" if way.slug == "email" else "chat"

        def body(where: str, way: Way = way, names: Mapping[str, str] = names, **more: Any) -> dict[str, Any]:
            values = fill(journey, way, f"chat{where}", mood).values
            said = {name: str(values[field]) for name, field in names.items() if field in values}
            for name, field in names.items():
                if said.get(name) and list(names.values()).count(field) > 1 and name != list(names)[-2]:
                    said[name] = journey.aviary.make(f"chat{where} {way} {name}, {mood}")  # the last name counts
            return {"credentials": said, "active": True, **more}

        made = {"providerId": provider, "channel": channel, "identifier": f"live-{provider}-{CHAT_MOODS.index(mood)}"}
        told = post(journey, app, f"live {provider}", "/v1/integrations", body("", **made))
        path = f"/v1/integrations/{told['_id']}"
        post(journey, app, f"live {provider}, changed", path, body(" changed"), wants=200, method="PUT")
        checked = {**made, "identifier": f"checked-{made['identifier']}", "check": True}
        answer = journey.ask(
            "chat, live, checked", "POST", "/v1/integrations", by=app, json=body(" checked", **checked)
        )
        refused = answer.is_client_error
        assert not refused if mood == "accept" else answer.status_code < 500, answer.text


def _connections(journey: Journey, app: httpx.Client, mood: str) -> None:
    shape = "xoxb-1-{}"
    make: Make = lambda name: journey.aviary.make(f"chat {name}, {mood}", shape)  # noqa: E731  # a shape
    identifier, path = f"c-{CHAT_MOODS.index(mood)}", "/v1/channel-connections"

    def auth(name: str) -> dict[str, str]:
        refresh = journey.aviary.make(f"chat {name} refreshToken, {mood}", "xoxe-1-{}")
        return {
            "accessToken": make(f"{name} accessToken"),
            "refreshToken": refresh,
            "expiresAt": "2099-01-01T00:00:00Z",
        }

    body = {"integrationIdentifier": f"slack-{CHAT_MOODS.index(mood)}", "subscriberId": SUBSCRIBER,
            "identifier": identifier, "workspace": {"id": "T0ACME"}, "context": {"tenant": "acme"}}  # fmt: skip
    post(journey, app, "connection", path, {**body, "auth": auth("connection")})
    for change, wants in (({}, 409), ({"subscriberId": "nobody"}, 404), ({"identifier": "a/b"}, 422)):
        post(journey, app, f"connection, {wants}", path, {**body, **change, "auth": auth(f"{wants}")}, wants=wants)
    told = {"workspace": {"id": "T0ACME"}, "auth": auth("changed")}
    post(journey, app, "connection, changed", f"{path}/{identifier}", told, wants=200, method="PATCH")
    post(
        journey, app, "connection, nobody's", f"{path}/nope", {**told, "auth": auth("nope")}, wants=404, method="PATCH"
    )


def _endpoints(journey: Journey, app: httpx.Client, mood: str) -> None:
    make: Make = lambda name: journey.aviary.make(f"chat {name}, {mood}")  # noqa: E731  # a shape
    number, path = CHAT_MOODS.index(mood), "/v1/channel-endpoints"

    def shapes(when: str) -> dict[str, dict[str, Any]]:
        url = lambda name: f"https://hooks.example.com/{make(f'{name} url{when}')}"  # noqa: E731  # a shape
        return {
            "webhook": {"url": url("webhook")},
            "pagerduty_service": {"routingKey": make(f"routingKey{when}"), "region": "us"},
            "opsgenie_integration": {"apiKey": make(f"opsgenie apiKey{when}"), "region": "eu"},
            "grafana_oncall_integration": {"url": url("grafana"), "authToken": make(f"authToken{when}")},
            "tool_webhook": {"url": url("tool"), "headers": {"X-Auth": make(f"headers{when}")}, "method": "PUT"},
        }

    made, told, wrong = shapes(""), shapes(", changed"), shapes(", wrong")
    for kind, endpoint in made.items():
        identifier = f"e-{kind}-{number}"
        body = {"subscriberId": SUBSCRIBER, "integrationIdentifier": f"slack-{number}", "type": kind,
                "identifier": identifier}  # fmt: skip
        post(journey, app, f"endpoint {kind}", path, {**body, "endpoint": endpoint})
        post(
            journey,
            app,
            "endpoint, changed",
            f"{path}/{identifier}",
            {"endpoint": told[kind]},
            wants=200,
            method="PATCH",
        )
        other = {**body, "type": "slack_channel", "identifier": f"x{identifier}", "endpoint": wrong[kind]}
        assert journey.ask("chat, endpoint, wrong", "POST", path, by=app, json=other).is_client_error
        assert journey.ask("chat, endpoint", "GET", f"{path}/{identifier}", by=app).status_code == 200
    hook = {"webhookUrl": f"https://hooks.slack.com/services/T/B/{make('webhookUrl')}"}
    body = {"providerId": "slack", "integrationIdentifier": f"slack-{number}", "credentials": hook}
    post(journey, app, "webhook", f"/v1/subscribers/{SUBSCRIBER}/credentials", body, wants=200, method="PUT")


def _hashes(journey: Journey, app: httpx.Client) -> None:
    """An application that proves its contexts: rightly, and not."""
    secret = journey.aviary.make("chat secretKey of hmac")
    body = {"providerId": "slack", "channel": "chat", "identifier": "proven", "active": True,
            "credentials": {"clientId": ATLAS_APP, "secretKey": secret, "hmac": True}}  # fmt: skip
    post(journey, app, "integration proven", "/v1/integrations", body)
    right = hmac.new(journey.key.encode(), b'{"tenant":"acme"}', hashlib.sha256).hexdigest()
    for what, text, wants in (("right", right, 201), ("wrong", journey.aviary.make("wrong contextHash"), 400)):
        journey.aviary.add(f"contextHash, {what}", text)
        asked = {"integrationIdentifier": "proven", "subscriberId": SUBSCRIBER, "context": {"tenant": "acme"}}
        path = "/v1/integrations/channel-connections/oauth"
        post(journey, app, f"address, {what} hash", path, {**asked, "contextHash": text}, wants=wants)


def _misshapen(journey: Journey, app: httpx.Client) -> None:
    """Secrets in the wrong shape, under the wrong name, in the wrong place."""
    make, chat = journey.aviary.make, "chat, misshapen"
    kinds: dict[str, Callable[[str], Any]] = {
        "text": make, "list": lambda name: [make(name)], "object": lambda name: {"deep": make(name)},
        "key": lambda name: {make(name): 1}, "NUL": lambda name: make(name, "xoxb-{}\0"),
        "long": lambda name: make(name, "{}" + "x" * 5000),
    }  # fmt: skip
    slack = {"providerId": "slack", "channel": "chat"}
    for kind, secret in kinds.items():
        one: Callable[[str], Any] = lambda name, kind=kind, secret=secret: secret(f"{chat} {kind} {name}")  # type: ignore[misc]  # noqa: E731
        # What a credential is called is no secret, and is kept.
        held = {"apiKey": one("credentials")} if kind == "key" else one("credentials")
        for path, body in (
            ("integrations", {**slack, "credentials": {"secretKey": one("key")}}),
            ("integrations", {**slack, "credentials": held}),
            ("integrations", {"providerId": one("providerId"), "channel": one("channel")}),
            ("channel-connections", {"integrationIdentifier": "slack-0", "workspace": one("w"), "auth": one("auth")}),
            ("channel-connections", {"auth": {"accessToken": one("token"), "refreshToken": one("refresh")}}),
            ("channel-endpoints", {"type": "webhook", "endpoint": {"url": one("url")}, "extra": one("extra")}),
            ("channel-endpoints", {"type": one("type"), "endpoint": one("endpoint")}),
            ("integrations/channel-connections/oauth", {"integrationIdentifier": "proven", "contextHash": one("hash")}),
            ("integrations/channel-endpoints/oauth", {"scope": one("scope"), "userScope": one("userScope")}),
        ):
            answer = journey.ask(f"chat, misshapen {kind}", "POST", f"/v1/{path}", by=app, content=json.dumps(body),
                                 headers={"Content-Type": "application/json"})  # fmt: skip
            assert answer.status_code < 500, answer.text


def _misplaced(journey: Journey, app: httpx.Client) -> None:
    """Secrets where no body is read from."""
    make, chat = journey.aviary.make, "chat, misplaced"
    raw: tuple[tuple[str, dict[str, Any]], ...] = (
        ("not JSON", {"content": make(f"{chat}, not JSON"), "headers": {"Content-Type": "application/json"}}),
        ("a form", {"data": {"secretKey": make(f"{chat}, a form")}}),
        ("a query", {"params": {"code": make(f"{chat}, a code"), "state": make(f"{chat}, a state"),
                                "client_secret": make(f"{chat}, a client secret")}}),
        ("a key", {"headers": {"Authorization": f"ApiKey {make(f'{chat}, a key')}"}}),
        ("a scheme", {"headers": {"Authorization": f"Bearer {make(f'{chat}, a bearer')}"}}),
    )  # fmt: skip
    for what, more in raw:
        answer = journey.ask(f"chat, {what}", "POST", "/v1/integrations", by=app, **more)
        assert answer.is_client_error, answer.text
