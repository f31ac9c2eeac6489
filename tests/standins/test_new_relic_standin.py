"""The stand-in answers as New Relic does."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins.new_relic import ACCOUNT, ACME, EU, NewRelicStandin

EVENT = {"eventType": "Purchase", "amount": 7.5, "item": "hat"}


@pytest.fixture
def relic() -> Iterator[NewRelicStandin]:
    with NewRelicStandin() as started:
        yield started


def post(relic: NewRelicStandin, http: httpx.Client, said: Any, **headers: str) -> httpx.Response:
    by = {"Api-Key": ACME.license_key, **headers}
    return http.post(f"{relic.base}/v1/accounts/{ACCOUNT}/events", headers=by, json=said)


def query(relic: NewRelicStandin, http: httpx.Client, key: str, nrql: str, account: str = ACCOUNT) -> httpx.Response:
    url = f"{relic.base}/v1/accounts/{account}/query"
    return http.get(url, params={"nrql": nrql}, headers={"X-Query-Key": key})


def test_new_relic_takes_events_and_counts_them(relic, http):
    first, second = post(relic, http, [EVENT, EVENT]), post(relic, http, EVENT)
    assert (first.status_code, first.json()["success"]) == (200, True)
    assert first.json()["uuid"] != second.json()["uuid"]
    said = query(relic, http, ACME.read_token, "SELECT count(*) FROM Purchase SINCE 1 hour ago").json()
    assert said["results"] == [{"count": 3}]
    assert query(relic, http, ACME.read_token, "SELECT count(*) FROM Nothing").json()["results"] == [{"count": 0}]


def test_new_relic_reads_what_is_packed_and_both_headers(relic, http):
    body = gzip.compress(json.dumps([EVENT]).encode())
    headers = {"X-Insert-Key": ACME.write_token, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = http.post(f"{relic.base}/v1/accounts/{ACCOUNT}/events", headers=headers, content=body)
    assert (answer.status_code, relic.messages) == (200, [EVENT])


@pytest.mark.parametrize(
    "event",
    [
        {"amount": 1},
        {**EVENT, "eventType": "a b"},
        {**EVENT, "test": True},
        {**EVENT, "list": []},
        {**EVENT, "text": "x" * 4097},
        {"eventType": "A", **{f"a{number}": 1 for number in range(255)}},
        7,
    ],
)
def test_new_relic_takes_what_it_then_drops(relic, http, event):
    answer = post(relic, http, [event])
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert (relic.messages, relic.dropped) == ([], [event])


@pytest.mark.parametrize("key", ["nobody", EU.write_token, ACME.read_token])
def test_new_relic_refuses_a_key_for_events(relic, http, key):
    answer = post(relic, http, EVENT, **{"Api-Key": key})
    assert (answer.status_code, relic.messages) == (403, [])


@pytest.mark.parametrize(("content", "kind", "status"), [(b"{", "application/json", 400), (b"{}", "text/plain", 415)])
def test_new_relic_refuses_what_it_cannot_read(relic, http, content, kind, status):
    headers = {"Api-Key": ACME.license_key, "Content-Type": kind}
    answer = http.post(f"{relic.base}/v1/accounts/{ACCOUNT}/events", headers=headers, content=content)
    assert answer.status_code == status


@pytest.mark.parametrize(("key", "account"), [("nobody", ACCOUNT), (EU.read_token, ACCOUNT), (ACME.read_token, "9")])
def test_new_relic_refuses_a_query_of_another_account(relic, http, key, account):
    assert query(relic, http, key, "SELECT count(*) FROM A", account).status_code == 403
    assert query(relic, http, ACME.read_token, "DROP TABLE A").status_code == 400
