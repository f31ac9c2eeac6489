"""The stand-in answers as PagerDuty's Events API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import pagerduty
from tests.standins.pagerduty import PagerDutyStandin

PAYLOAD = {"summary": "Disk full", "source": "db-1", "severity": "critical"}


@pytest.fixture
def pager() -> Iterator[PagerDutyStandin]:
    with PagerDutyStandin() as started:
        yield started


def enqueue(pager: PagerDutyStandin, http: httpx.Client, **change: Any) -> httpx.Response:
    event = {"routing_key": pagerduty.LIVE, "event_action": "trigger", "dedup_key": "disk", "payload": PAYLOAD}
    said = {name: value for name, value in {**event, **change}.items() if value is not None}
    return http.post(f"{pager.base}/v2/enqueue", json=said)


def test_an_event_is_taken_and_opens_and_ends_an_alert(pager, http):
    answer = enqueue(pager, http)
    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "disk"}
    assert pager.open == {(pagerduty.LIVE, "disk")}
    assert enqueue(pager, http, event_action="resolve", payload=None).status_code == 202
    assert (pager.open, len(pager.messages)) == (set(), 1)


def test_an_event_without_a_name_gets_one(pager, http):
    name = enqueue(pager, http, dedup_key=None).json()["dedup_key"]
    assert len(name) == 32
    assert pager.open == {(pagerduty.LIVE, name)}


def test_a_well_formed_key_that_nobody_has_is_taken_too_and_reaches_nobody(pager, http):
    assert enqueue(pager, http, routing_key=pagerduty.GONE).status_code == 202
    assert (pager.messages, pager.open) == ([], set())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": pagerduty.REST}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ({"routing_key": pagerduty.REST}, "'routing_key' cannot contain non-alphanumeric characters."),
        ({"routing_key": None}, "'routing_key' is missing or blank"),
        ({"event_action": "open"}, "'event_action' is missing or has an unknown value"),
        ({"event_action": "resolve", "dedup_key": None}, "'dedup_key' is missing or blank"),
        ({"dedup_key": "x" * 256}, "'dedup_key' is invalid (should be a string of at most 255 characters)"),
        ({"payload": None}, "'payload' is missing or blank"),
        ({"payload": {**PAYLOAD, "source": ""}}, "'payload.source' is missing or blank"),
        ({"payload": {**PAYLOAD, "summary": "x" * 1025}}, "'payload.summary' is too long (maximum is 1024 characters)"),
    ],
)
def test_what_is_wrong_is_named(pager, http, change, error):
    answer = enqueue(pager, http, **change)
    assert (answer.status_code, answer.json()["status"]) == (400, "invalid event")
    assert error in answer.json()["errors"]
    assert pager.events == []


def test_a_severity_of_its_own_is_refused_and_too_much_as_well(pager, http):
    answer = enqueue(pager, http, payload={**PAYLOAD, "severity": "P1"})
    assert "'payload.severity' is invalid" in answer.json()["errors"][0]
    assert enqueue(pager, http, payload={**PAYLOAD, "custom_details": "x" * 2**20}).status_code == 413
    assert http.post(f"{pager.base}/v2/enqueue", content=b"[").status_code == 400
