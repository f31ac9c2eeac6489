"""The description of the groups API: it is true (schemathesis asks everything it allows, with HTTP Digest)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from requests.auth import HTTPDigestAuth
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from atlas_hub.api import groups_openapi
from atlas_hub.services.wire_types import ORDER, kinds
from tests.api.conftest import Vendors
from tests.api.describing import CONFORMING, ask_all, both_modes, no_fault_of_ours
from tests.api.groups.ground import PREFIX, Client, Place, body_for, place
from tests.api.operated_server import Server, served
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for

EXAMPLES = 40
CHECKS = [no_fault_of_ours, *CONFORMING, checks.negative_data_rejection]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[tuple[Server, Place]]:
    """A server whose vendors do not answer."""
    async with open_hub(settings_for(tmp_path)) as hub:
        here = await place(hub)
    names = ("SLACK", "DATADOG", "PAGERDUTY", "OPSGENIE", "VICTOROPS", "NEW_RELIC", "NEW_RELIC_INSIGHTS")
    nowhere = {f"ATLAS_UPSTREAM_{name}": "http://127.0.0.1:9" for name in names}
    with served(tmp_path, ATLAS_API_RATE_LIMIT_RPM="0", **nowhere) as server:
        yield server, here


@both_modes
def test_whatever_is_asked_is_answered_as_it_says(live: tuple[Server, Place], mode: GenerationMode) -> None:
    server, here = live
    schema = schemathesis.openapi.from_url(f"{server.base}{PREFIX}/openapi.json")

    def ask(case: Any) -> Any:
        if mode is GenerationMode.POSITIVE:  # or every answer is that there is no such group
            case.path_parameters["groupId"] = here.group
            if isinstance(case.body, dict):
                case.path_parameters["integrationType"] = case.body["type"]
        key = HTTPDigestAuth(here.key.view.public_key, here.key.private_key.reveal())
        return case.call_and_validate(auth=key, checks=CHECKS)

    operations = (each.ok() for each in schema.get_all_operations())
    _, told = ask_all(operations, mode, ask, examples=EXAMPLES, without_input=True)
    if mode is GenerationMode.POSITIVE:
        assert {("GET", 200), ("POST", 200), ("PUT", 200), ("DELETE", 204)} <= told.keys()
    else:
        assert told
        assert not [each for each in told if each[1] < 400]


async def test_what_is_sent_and_said_is_valid_by_its_schemas(here: Place, groups: Client, vendors: Vendors) -> None:
    whole = json.loads(groups_openapi.text(PREFIX))
    schemas = whole["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)

    def valid(name: str, value: Any) -> bool:
        return Draft202012Validator({**schemas[name], "components": whole["components"]}).is_valid(value)

    for kind in ORDER:
        body = body_for(kind, vendors)
        assert valid("Create", body)
        assert valid("Update", {"type": kind})
        assert not valid("Create", {"type": kind})
        assert not valid("Create", {**body, "foreign": 1})
        for wire, field in kinds()[kind].fields.items():
            without = {name: value for name, value in body.items() if name != wire}
            answer = await groups.post(here.at(kind), json=without)
            assert valid("Create", without) == (answer.status_code == 200), (kind, wire)
            assert valid("Create", {**without, wire: None}) == (not field.at_first)
            await groups.delete(here.at(kind))
        assert valid("List", (await groups.post(here.at(kind), json=body)).json())
        assert valid("One", (await groups.get(here.at(kind))).json())
        assert valid("One", (await groups.get(here.at(kind), params={"envelope": "true"})).json())
        assert valid("Error", (await groups.post(here.at(kind), json=body)).json())
    assert valid("List", (await groups.get(here.path, params={"envelope": "true", "includeCount": "false"})).json())
