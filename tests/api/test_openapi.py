"""The description: it is true (schemathesis asks everything it allows), complete, and holds no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub import api as apis
from atlas_hub.api import admin, callers, openapi
from atlas_hub.api.activity import MEDIA
from atlas_hub.api.bodies import ways
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from tests.api.conftest import PREFIX, Client, People, Vendors, beneath
from tests.api.describing import (
    CANARY,
    CONFORMING,
    ask_all,
    both_modes,
    by_status,
    living,
    no_fault_but_a_vendors,
    only_the_canary,
    operations,
    schemas_are_sound,
)
from tests.api.seed import ADMIN, EVERY, ROUTES, STATUS, body_of, path_of
from tests.conftest import actor
from tests.conftest import test_settings as settings_for

EXAMPLES = 25
CHECKS = [no_fault_but_a_vendors, *CONFORMING, checks.negative_data_rejection, checks.ignored_auth]


@pytest.fixture
def document(people: People) -> dict[str, Any]:
    """The description, without asking for it."""
    app = admin.build(people)
    routes, operations = list(app._app.routes), [operation for operation, _ in admin.routes(PROVIDERS)]
    return openapi.Document(routes, operations).made(PREFIX)


async def test_it_is_public_and_says_what_the_routes_say(document: dict[str, Any], people: People, hub: Hub) -> None:
    app = apis.in_front_of(apis.build(people))(beneath)
    async with Client(transport=httpx.ASGITransport(app=app), base_url="http://hub.test") as client:
        answer = await client.get(f"{PREFIX}/openapi.json")
    assert (answer.status_code, answer.json()) == (200, json.loads(json.dumps(document)))
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": PREFIX}]


def test_every_operation_is_named_secured_and_says_what_can_happen(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    titles = ("Slack", "Teams", "Discord", "Telegram", "Gchat", "Github", "Linear", "Whatsapp", "Email")
    changes = [f"{verb}{title}" for verb in ("connect", "disconnect") for title in titles]
    reads = ["getIntegrationsStatus", "getUsedBy", "listActivity", "exportActivity", "downloadDoctorBundle"]
    assert sorted(ids) == sorted([*changes, *reads, "sendEmailTest", "runDoctor"])
    assert {(method.upper(), path) for path, method, _ in operations(document)} == EVERY
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["security"] == [{"bearer": []}, {"session": []}]
        told = set(operation["responses"])
        assert {"200", "400", "401", "403", "500", "503"} <= told
        assert ({"413", "415", "422"} <= told) is ("requestBody" in operation)
        assert ("429" in told) is (method != "get")
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"]
            file = path == "/activity/export" and status == "200"
            assert list(answer["content"]) == (list(MEDIA.values()) if file else ["application/json"])


async def test_what_no_operation_of_it_answers_is_said_of_all(document: dict[str, Any], client: Client) -> None:
    about = " ".join(document["info"]["description"].split())
    for method, path in (("PUT", "/telegram"), ("GET", "/nothing")):
        answer = await client.request(method, path)
        assert f"{answer.status_code} `{answer.json()['error']}`" in about
        assert path == "/nothing" or "`Allow`" in about


def test_every_secret_field_is_a_password_that_is_only_written(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    found = 0
    for name, provider in PROVIDERS.items():
        for method in ways(provider) if provider.names.admin else ():
            for field in method.form.secrets():
                alias = method.form.model_fields[field].alias
                shapes = [
                    shape["properties"][alias]
                    for schema, shape in schemas.items()
                    if schema.lower().startswith(name) and alias in shape.get("properties", {})
                ]
                assert shapes, (name, alias)
                for shape in shapes:
                    secret = shape["anyOf"][0] if "anyOf" in shape else shape
                    assert (secret["format"], secret["writeOnly"]) == ("password", True)
                    found += 1
    assert found >= 5


def test_its_examples_are_taken_by_its_own_schemas(document: dict[str, Any]) -> None:
    for operation, _ in admin.routes(PROVIDERS):
        if operation.body is not None:
            operation.body.validate_json(json.dumps(operation.example))


@pytest.fixture
def served(tmp_path: Path, vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The API with a lifespan of its own, as schemathesis asks from an event loop of its own."""
    owner = actor()
    only_the_canary(monkeypatch, callers, owner)
    inner = apis.in_front_of(apis.build(People(keys={CANARY: owner})))(beneath)
    return living(inner, settings_for(tmp_path, rate_limit_rpm=0))


@both_modes
def test_whatever_is_asked_is_answered_as_it_says(served: Any, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", served)

    def ask(case: Any) -> Any:
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {CANARY}"}, checks=CHECKS)
        assert CANARY not in answer.text
        return answer

    met, told = ask_all((each.ok() for each in schema.get_all_operations()), mode, ask, examples=EXAMPLES)
    assert met == EVERY
    if mode is GenerationMode.NEGATIVE:
        assert by_status(told)[422] > EXAMPLES
    else:
        assert by_status(told)[200] >= 1


async def test_what_succeeds_has_exactly_the_declared_shape(client: Client, vendors: Vendors) -> None:
    declared = {(o.method, o.path): o.answer for o, _ in admin.routes(PROVIDERS)}
    met = set()
    asked: list[tuple[str, str, Any]] = [("GET", "/status", None)]
    asked += [("POST", path_of(entry), body_of(entry, vendors)) for entry in ADMIN]
    asked += [
        ("POST", "/email/test", {"recipientEmail": "ana@example.com"}),
        ("GET", "/status", None),
        ("GET", "/used-by", None),
        ("GET", "/activity", None),
        ("POST", "/doctor", None),
        ("GET", "/doctor/bundle", None),
    ]
    asked += [("DELETE", f"/{name}", None) for name in STATUS]
    connection = ""
    for method, path, body in asked:
        query = {"connection": connection} if path == "/used-by" else None
        answer = await client.request(method, path, params=query, **({"json": body} if body else {}))
        assert answer.status_code == 200, answer.text
        connection = answer.json().get("connection", {}).get("id", connection)
        shape = declared[method, path]
        shape.model_validate_json(answer.content)
        needed = {name for name, field in shape.model_fields.items() if field.is_required()}
        assert needed <= set(answer.json())
        met.add((method, path))
    assert met == EVERY - {("GET", "/activity/export")}  # a file, and no JSON


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas_are_sound(document)


def test_its_examples_and_what_really_connects_are_valid_by_its_json_schemas(
    document: dict[str, Any], vendors: Vendors
) -> None:
    whole = json.loads(json.dumps(document))
    bodies = {path_of(entry): body_of(entry, vendors) for entry in ADMIN}
    tried = 0
    for path, _, operation in operations(whole):
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": whole["components"]}
        validator = Draft202012Validator(schema)
        for body in (content["example"], bodies.get(path, content["example"])):
            validator.validate(body)
            tried += 1
        for wrong in (None, [], 7, "text", {}):
            assert not validator.is_valid(wrong)
    assert tried == 2 * len([path for method, path in ROUTES if method == "POST"])
