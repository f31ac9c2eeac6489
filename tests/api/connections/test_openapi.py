"""The description: it is true (schemathesis asks everything it allows), complete, and needs no key."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as effort
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub import hub as hubs
from atlas_hub.api.connections import ROUTES
from atlas_hub.api.connections_openapi import OPERATIONS
from atlas_hub.services import connections
from tests.api.conftest import Vendors
from tests.api.connections.conftest import PATH, THE_APIS, Client, calling, made, place
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.slack_seed import ACME

EXAMPLES = 20


def no_fault_of_ours(_context: Any, response: Any, _case: Any) -> None:
    """A vendor that is not there is 502 or 503, which the document names."""
    assert response.status_code < 500 or response.status_code in {502, 503}, response.text


CHECKS = [
    no_fault_of_ours,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
]


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

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await THE_APIS(scope, receive, send)
            return
        await receive()
        async with hubs.opened(settings):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return (app, *asyncio.run(prepare()))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_asked_is_answered_as_it_says(served: tuple[Any, str, str], mode: GenerationMode) -> None:
    app, key, own = served
    schema = schemathesis.openapi.from_asgi(f"{PATH}/openapi.json", app)
    told: Counter[int] = Counter()
    for result in sorted(schema.get_all_operations(), key=lambda each: each.ok().method == "delete"):
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not operation.body and not operation.query:
            continue  # nothing that could be wrong

        @seed(20260101)
        @effort(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if "connection_id" in (case.path_parameters or {}):
                case.path_parameters["connection_id"] = own
            answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
            told[answer.status_code] += 1
            assert key not in answer.text

        ask()
    if mode is GenerationMode.NEGATIVE:
        assert told[422] > EXAMPLES
    else:
        assert told[200] > EXAMPLES
        assert told[204] >= 1
