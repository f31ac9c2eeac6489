"""The stand-in answers as the REST endpoint of VictorOps does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import victorops
from tests.standins.victorops import PATH, VictorOpsStandin


@pytest.fixture
def endpoint() -> Iterator[VictorOpsStandin]:
    with VictorOpsStandin() as started:
        yield started


def post(endpoint: VictorOpsStandin, http: httpx.Client, rest: str, **said: Any) -> httpx.Response:
    return http.post(f"{endpoint.base}{PATH}/{rest}", json={"message_type": "INFO", "entity_id": "disk", **said})


def test_an_alert_is_taken_and_its_entity_named(endpoint, http):
    answer = post(endpoint, http, f"{victorops.LIVE}/{victorops.ROUTE}")
    assert (answer.status_code, answer.json()) == (200, {"result": "success", "entity_id": "disk"})
    assert post(endpoint, http, f"{victorops.LIVE}/x", entity_id=None).json()["entity_id"]
    assert [each["route"] for each in endpoint.messages] == [victorops.ROUTE, victorops.DEFAULT_ROUTE]
    assert endpoint.open == set()


def test_what_is_critical_is_open_until_it_recovers(endpoint, http):
    rest = f"{victorops.LIVE}/{victorops.ROUTE}"
    post(endpoint, http, rest, message_type="CRITICAL")
    assert endpoint.open == {"disk"}
    post(endpoint, http, rest, message_type="RECOVERY")
    assert endpoint.open == set()


@pytest.mark.parametrize("key", [victorops.GONE, "", "1234567890"])
def test_an_unknown_key_is_not_found(endpoint, http, key):
    answer = post(endpoint, http, f"{key}/{victorops.ROUTE}")
    assert (answer.status_code, answer.json()["result"]) == (404, "failure")
    assert endpoint.messages == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"message_type": "LOUD"}'])
def test_what_is_no_alert_is_refused(endpoint, http, body):
    answer = http.post(f"{endpoint.base}{PATH}/{victorops.LIVE}/{victorops.ROUTE}", content=body)
    assert (answer.status_code, answer.json()["result"]) == (400, "failure")
