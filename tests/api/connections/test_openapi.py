"""The description: it is true (schemathesis asks everything it allows), complete, and needs no key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub.api.connections import ROUTES
from atlas_hub.api.connections_openapi import OPERATIONS
from atlas_hub.services import connections
from tests.api.conftest import Vendors
from tests.api.connections.conftest import PATH, Client, calling, made, place
from tests.api.describing import CONFORMING, ask_all, both_modes, by_status, living, no_fault_but_a_vendors
from tests.api.keyed import THE_APIS
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.slack_seed import ACME

EXAMPLES = 20
CHECKS = [no_fault_but_a_vendors, *CONFORMING, checks.negative_data_rejection, checks.ignored_auth]


async def test_it_is_public_and_has_every_route(vendors: Vendors, hub: object) -> None:
    async with calling(None) as client:
        answer = await client.get(f"{PATH}/openapi.json")
        assert (await client.head(f"{PATH}/openapi.json/")).status_code == 200
    said = answer.json()
    assert (answer.status_code, said["openapi"]) == (200, "3.1.0")
    told = {(method.upper(), path) for path, methods in said["paths"].items() for method in methods}
    assert told == {(method, f"{PATH}{path}") for path, verbs in ROUTES.items() for method in verbs}
    for schema in said["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for methods in said["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"bearer": []}]
            assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])


def test_every_secret_is_a_password_that_is_only_written() -> None:
    written = json.loads(json.dumps(_document()))
    found = [
        schema["properties"][name]
        for schema_name, schema in written["components"]["schemas"].items()
        for name in ("bot_token", "app_password", "signing_secret", "access_token", "credentials_json")
        if name in schema.get("properties", {})
    ]
    assert len(found) >= 10
    assert all((each["format"], each["writeOnly"]) == ("password", True) for each in found)


def _document() -> Any:
    from atlas_hub.api.connections_openapi import text

    return json.loads(text(""))


async def test_what_succeeds_has_exactly_the_declared_shape(api: Client) -> None:
    from pydantic import TypeAdapter

    declared = {(each.method, each.path): (each.status, each.answer) for each in OPERATIONS}
    own = await made(api)
    met = set()
    for method, path, said in (
        ("GET", "", None),
        ("GET", "/{connection_id}", None),
        ("PUT", "/{connection_id}", {"name": "New"}),
        ("POST", "/{connection_id}/validate", None),
        ("GET", "/{connection_id}/channels", None),
        ("PUT", "/{connection_id}/channels", {"sync_all": True}),
        ("DELETE", "/{connection_id}", None),
    ):
        answer = await api.request(method, PATH + path.replace("{connection_id}", own), json=said)
        status, shape = declared[method, PATH + path]
        assert answer.status_code == status
        if shape is not None:
            TypeAdapter(shape).validate_json(answer.content)
        met.add((method, PATH + path))
    assert met == set(declared) - {("POST", PATH)}


@pytest.fixture
def served(tmp_path: Path, vendors: Vendors) -> tuple[Any, str, str]:
    """The API with a lifespan of its own, a key, and a connection."""
    settings = settings_for(tmp_path, api_rate_limit_rpm=0)

    async def prepare() -> tuple[str, str]:
        async with open_hub(settings) as hub:
            here = await place(hub)
            done = await connections.connect(
                hub, here.owner, "slack", "bot_token", {"bot_token": ACME}, source="connections"
            )
            return here.key, f"conn_{done.view.id}"

    return (living(THE_APIS, settings), *asyncio.run(prepare()))


@both_modes
def test_whatever_is_asked_is_answered_as_it_says(served: tuple[Any, str, str], mode: GenerationMode) -> None:
    app, key, own = served
    schema = schemathesis.openapi.from_asgi(f"{PATH}/openapi.json", app)
    operations = [each.ok() for each in schema.get_all_operations()]
    operations.sort(key=lambda each: each.method == "delete")

    def ask(case: Any) -> Any:
        if "connection_id" in (case.path_parameters or {}):
            case.path_parameters["connection_id"] = own
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
        assert key not in answer.text
        return answer

    _, told = ask_all(operations, mode, ask, examples=EXAMPLES)
    statuses = by_status(told)
    if mode is GenerationMode.NEGATIVE:
        assert statuses[422] > EXAMPLES
    else:
        assert statuses[200] > EXAMPLES
        assert statuses[204] >= 1
