"""The chat API's description: it is true (schemathesis asks everything it allows), complete, and holds no secret."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub.api import chat, chat_frame, chat_openapi
from atlas_hub.api.chat_openapi import PATH
from atlas_hub.api.described import document
from atlas_hub.hub import Hub
from tests.api.chat.conftest import OUR_SLACK, Client, Place, calling
from tests.api.chat.ground import MASK, TOKEN, connection
from tests.api.describing import (
    CANARY,
    CONFORMING,
    ask_all,
    both_modes,
    by_status,
    living,
    no_fault_of_ours,
    only_the_canary,
    operations,
    schemas_are_sound,
)
from tests.api.keyed import THE_APIS
from tests.conftest import actor
from tests.conftest import test_settings as settings_for

EXAMPLES = 15
EVERY = {(route.method, route.path) for route in chat.ROUTES}


def refuses_what_is_wrong(context: Any, response: Any, case: Any) -> None:
    """What an operation does not know in a query is ignored, as the original does."""
    declared = {parameter.name for parameter in case.operation.query}
    if set(case.query or {}) <= declared:
        checks.negative_data_rejection(context, response, case)


CHECKS = [no_fault_of_ours, *CONFORMING, refuses_what_is_wrong, checks.ignored_auth]


@pytest.fixture
def described() -> dict[str, Any]:
    """The description, as JSON has it."""
    made = document(chat_openapi.API, [chat_openapi.operation(route) for route in chat.ROUTES], server="/")
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


async def test_it_is_public_and_no_route_of_the_clients_is_in_its_way(
    hub: Hub, chat: Client, described: dict[str, Any]
) -> None:
    async with calling(None) as nobody:
        answer = await nobody.get(PATH)
    assert (answer.status_code, answer.json()) == (200, described)
    assert (await chat.put(PATH, json={"name": "x"})).status_code == 405  # no integration has such an id
    assert (await chat.put("/v1/integrations/openapi", json={"name": "x"})).status_code == 404
    assert (await chat.get("/v1/integrations")).status_code == 200


def test_every_route_is_described_named_and_says_what_can_happen(described: dict[str, Any]) -> None:
    assert set(chat_openapi.SAID) == EVERY
    assert {(method.upper(), path) for path, method, _ in operations(described)} == EVERY
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(described):
        told = set(operation["responses"])
        assert operation["summary"], path
        public = path.endswith("/callback")
        assert operation["security"] == ([] if public else [{"key": []}])
        assert public or {"400", "401", "403", "429", "500", "503"} <= told
        assert "requestBody" not in operation or {"413", "415", "422"} <= told
        assert ("404" in told) >= ("{" in path)
        header = [each["name"] for each in operation["parameters"] if each["in"] == "header"]
        assert header == (["idempotency-key"] if method in {"post", "patch"} else [])


def test_every_schema_is_one_and_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas_are_sound(described)


def test_its_examples_are_valid_by_its_own_schemas(described: dict[str, Any]) -> None:
    tried = 0
    for path, _, operation in operations(described):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            validator = Draft202012Validator({**content["schema"], "components": described["components"]})
            validator.validate(content["example"])
            assert not any(validator.is_valid(wrong) for wrong in (None, [], 7, "text")), path
            tried += 1
    assert tried == len([1 for *_, body, _, _ in chat_openapi.SAID.values() if body is not None])


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API with something of each kind in it, for what is asked to be there sometimes."""
    only_the_canary(monkeypatch, chat_frame, actor())

    async def seeded() -> None:
        async with calling(CANARY) as client:
            await something_of_each_kind(client)

    return living(THE_APIS, settings_for(tmp_path, rate_limit_rpm=0, api_rate_limit_rpm=0), seeded)


async def something_of_each_kind(client: Client) -> None:
    assert (await client.post("/v1/integrations", json=OUR_SLACK)).status_code == 201
    assert (await client.post("/v2/subscribers", json={"subscriberId": "0"})).status_code == 201
    body = {**connection("0"), "integrationIdentifier": "our-slack", "identifier": "0"}
    assert (await client.post("/v1/channel-connections", json=body)).status_code == 201


@both_modes
def test_whatever_is_asked_is_answered_as_it_says(served: Any, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi(PATH, served)

    def ask(case: Any) -> Any:
        answer = case.call_and_validate(headers={"Authorization": f"ApiKey {CANARY}"}, checks=CHECKS)
        assert CANARY not in answer.text
        return answer

    met, told = ask_all((each.ok() for each in schema.get_all_operations()), mode, ask, examples=EXAMPLES)
    assert met == EVERY
    statuses = by_status(told)
    if mode is GenerationMode.NEGATIVE:
        assert statuses[422] > EXAMPLES
    else:
        assert statuses[200] >= 1
        assert statuses[201] >= 1


@asynccontextmanager
async def judged(described: dict[str, Any], key: str) -> Any:
    """A caller each of whose answers has the declared shape."""

    class Judged:
        def __init__(self) -> None:
            self.met: set[tuple[str, str]] = set()

        async def __call__(self, method: str, path: str, template: str, **more: Any) -> Any:
            async with calling(key) as client:
                answer = await client.request(method, path, **more)
            declared = described["paths"][template][method.lower()]["responses"][str(answer.status_code)]
            assert answer.is_success, answer.text
            if answer.status_code != 204:
                schema = declared["content"]["application/json"]["schema"]
                Draft202012Validator({**schema, "components": described["components"]}).validate(answer.json())
            self.met.add((method, template))
            return answer.json()["data"] if answer.content else None

    yield Judged()


async def test_what_succeeds_has_the_declared_shape(hub: Hub, here: Place, described: dict[str, Any]) -> None:
    async with judged(described, here.key) as ask:
        integrations, one = "/v1/integrations", "/v1/integrations/{integrationId}"
        made = await ask("POST", integrations, integrations, json=OUR_SLACK)
        path = f"{integrations}/{made['_id']}"
        await ask("GET", integrations, integrations)
        await ask("GET", f"{integrations}/active", f"{integrations}/active")
        await ask("PUT", path, one, json={"name": "Slack"})
        await ask("POST", f"{path}/auto-configure", f"{one}/auto-configure")
        mail = {"providerId": "sendgrid", "channel": "email", "identifier": "mail", "active": True}
        mail["credentials"] = {"apiKey": "SG.nothing", "from": "a@acme.example"}
        made = await ask("POST", integrations, integrations, json=mail)
        await ask("POST", f"{integrations}/{made['_id']}/set-primary", f"{one}/set-primary")
        await ask("POST", "/v2/subscribers", "/v2/subscribers", json={"subscriberId": "ana", "firstName": "Ana"})
        for prefix in ("channel-connections", "channel-endpoints", "chat"):
            consent = f"{integrations}/{prefix}/oauth"
            body = {"integrationIdentifier": "our-slack", "subscriberId": "ana"}
            await ask("POST", consent, consent, json=body)
        connections, tied = "/v1/channel-connections", "/v1/channel-connections/{identifier}"
        body = {**connection("ana"), "integrationIdentifier": "our-slack", "identifier": "c1"}
        assert (await ask("POST", connections, connections, json=body))["auth"]["accessToken"] == MASK
        changed = {"workspace": {"id": "T1"}, "auth": {"accessToken": TOKEN, "expiresAt": "2031-01-01T00:00:00Z"}}
        await ask("PATCH", f"{connections}/c1", tied, json=changed)
        await ask("GET", f"{connections}/c1", tied)
        await ask("GET", connections, connections, params={"limit": 1})
        endpoints, reached = "/v1/channel-endpoints", "/v1/channel-endpoints/{identifier}"
        body = {"subscriberId": "ana", "integrationIdentifier": "our-slack", "identifier": "e1", "type": "webhook"}
        body |= {"endpoint": {"url": "https://hooks.example.com/1"}, "connectionIdentifier": "c1"}
        await ask("POST", endpoints, endpoints, json=body)
        await ask("PATCH", f"{endpoints}/e1", reached, json={"endpoint": {}})
        await ask("GET", f"{endpoints}/e1", reached)
        await ask("GET", endpoints, endpoints)
        hook = {"providerId": "slack", "credentials": {"webhookUrl": "https://hooks.example.com/2"}}
        await ask("PUT", "/v1/subscribers/ana/credentials", "/v1/subscribers/{subscriberId}/credentials", json=hook)
        assert (await ask("GET", "/v2/subscribers/ana", "/v2/subscribers/{subscriberId}"))["channels"]
        context = "/v2/contexts/{type}/{id}"
        await ask("POST", "/v2/contexts", "/v2/contexts", json={"type": "tenant", "id": "acme", "data": {"a": 1}})
        await ask("PATCH", "/v2/contexts/tenant/acme", context, json={"data": {}})
        await ask("GET", "/v2/contexts/tenant/acme", context)
        await ask("GET", "/v2/contexts", "/v2/contexts")
        gone = {"/v2/contexts/tenant/acme": context, f"{endpoints}/e1": reached, f"{connections}/c1": tied, path: one}
        for place, template in gone.items():
            await ask("DELETE", place, template)
        assert ask.met == {
            (route.method, route.path)
            for route in chat.ROUTES
            if chat_openapi.operation(route).status != 404 and not route.public
        }
