"""The stand-in answers as Datadog does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import datadog
from tests.standins.datadog import DatadogStandin

EVENT = {"title": "Test", "text": "Hello"}


@pytest.fixture
def site() -> Iterator[DatadogStandin]:
    with DatadogStandin() as started:
        yield started


def by(key: str = datadog.ATLAS) -> dict[str, str]:
    return {"DD-API-KEY": key}


def post(site: DatadogStandin, http: httpx.Client, **change: Any) -> httpx.Response:
    return http.post(f"{site.base}/api/v1/events", headers=by(), json={**EVENT, **change})


def test_datadog_says_whether_a_key_is_good(site, http):
    url = f"{site.base}/api/v1/validate"
    assert http.get(url, headers=by()).json() == {"valid": True}
    assert http.get(f"{url}?api_key={datadog.ATLAS}").json() == {"valid": True}
    for key in (datadog.OTHER_SITE, "nobody", ""):
        answer = http.get(url, headers=by(key))
        assert (answer.status_code, answer.json()) == (403, {"errors": ["Forbidden"]})
    assert {len(datadog.ATLAS), len(datadog.OTHER_SITE)} == {32}


def test_datadog_takes_an_event_and_gives_its_id(site, http):
    answer = post(site, http, date_happened=int(time.time()), tags=["a:b"])  # noqa: TID251 - as a client would
    assert (answer.status_code, answer.json()["status"]) == (202, "ok")
    assert answer.json()["event"]["id"] > 2**53  # more than a float holds
    assert [event["title"] for event in site.messages] == ["Test"]


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"text": None},
        {"text": "x" * 4001},
        {"title": "x" * 501},
        {"aggregation_key": "x" * 101},
        {"alert_type": "loud"},
        {"priority": "high"},
        {"date_happened": "1700000000"},
        {"date_happened": 1700000000},
    ],
)
def test_datadog_refuses_an_event(site, http, change):
    answer = post(site, http, **change)
    assert answer.status_code == 400
    assert isinstance(answer.json()["errors"][0], str)
    assert site.messages == []
    assert post(site, http).status_code == 202


def test_datadog_refuses_an_event_of_a_wrong_key(site, http):
    answer = http.post(f"{site.base}/api/v1/events", headers=by("nobody"), json=EVENT)
    assert (answer.status_code, site.messages) == (403, [])
