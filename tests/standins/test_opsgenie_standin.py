"""The stand-in answers as Opsgenie's Alert API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import opsgenie
from tests.standins.opsgenie import OpsgenieStandin


@pytest.fixture
def genie() -> Iterator[OpsgenieStandin]:
    with OpsgenieStandin() as started:
        yield started


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"GenieKey {key}"}


def create(genie: OpsgenieStandin, http: httpx.Client, key: str = opsgenie.LIVE, **change: Any) -> httpx.Response:
    return http.post(f"{genie.base}/v2/alerts", headers=by(key), json={"message": "Disk full", "alias": "d", **change})


def outcome(genie: OpsgenieStandin, http: httpx.Client, taken: httpx.Response) -> httpx.Response:
    return http.get(f"{genie.base}/v2/alerts/requests/{taken.json()['requestId']}", headers=by(opsgenie.LIVE))


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 422, "Key format is not valid!"),
        ({"Authorization": f"Bearer {opsgenie.LIVE}"}, 422, "Key format is not valid!"),
        (by("1234567890"), 422, "Key format is not valid!"),
        (by(opsgenie.ELSEWHERE), 401, "Could not authenticate"),
        (by(opsgenie.WRITES), 403, "You are not authorized to access this resource."),
        (by(opsgenie.OFF), 403, opsgenie.DISABLED),
    ],
)
def test_a_key_is_refused(genie, http, headers, status, message):
    answer = http.get(f"{genie.base}/v2/alerts?limit=1", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert {"took", "requestId"} <= answer.json().keys()


def test_an_alert_is_taken_listed_and_closed(genie, http):
    taken = create(genie, http)
    assert (taken.status_code, taken.json()["result"]) == (202, "Request will be processed")
    told = outcome(genie, http, taken).json()["data"]
    assert (told["isSuccess"], told["status"], told["alias"]) == (True, "Created alert", "d")
    listed = http.get(f"{genie.base}/v2/alerts?limit=1", headers=by(opsgenie.LIVE)).json()["data"]
    assert [each["alias"] for each in listed] == ["d"]
    close = f"{genie.base}/v2/alerts/d/close?identifierType=alias"
    first, second = (http.post(close, headers=by(opsgenie.WRITES), json={}) for _ in range(2))
    assert (first.status_code, second.status_code, genie.closed) == (202, 202, ["d"])
    assert outcome(genie, http, first).json()["data"]["status"] == "Closed alert"
    assert outcome(genie, http, second).json()["data"]["isSuccess"] is False


def test_a_request_is_worked_off_later(genie, http):
    genie.late = 1
    taken = create(genie, http)
    first, second = outcome(genie, http, taken), outcome(genie, http, taken)
    assert (first.status_code, second.status_code) == (404, 200)
    assert first.json()["message"] == "Request not found. It might not be processed, yet."


def test_a_key_of_key_management_raises_and_closes_nothing(genie, http):
    close = http.post(f"{genie.base}/v2/alerts/d/close?identifierType=alias", headers=by(opsgenie.MANAGES), json={})
    for answer in (create(genie, http, opsgenie.MANAGES), close):
        assert (answer.status_code, answer.json()["code"]) == (403, 40301)
        assert answer.json()["message"] == opsgenie.NOT_AN_INTEGRATION
    assert genie.messages == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": ""}, "message"),
        ({"message": "x" * 131}, "message"),
        ({"alias": "x" * 513}, "alias"),
        ({"priority": "P6"}, "priority"),
        ({"details": {"test": True}}, "details"),
    ],
)
def test_what_is_wrong_with_an_alert_is_named(genie, http, change, field):
    answer = create(genie, http, **change)
    assert (answer.status_code, [*answer.json()["errors"]]) == (422, [field])
    assert genie.messages == []


def test_what_is_no_json_is_refused(genie, http):
    answer = http.post(f"{genie.base}/v2/alerts", headers=by(opsgenie.LIVE), content=b"{")
    assert (answer.status_code, answer.json()["message"]) == (400, "Could not parse request body.")
