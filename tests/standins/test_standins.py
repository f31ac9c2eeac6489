"""Every stand-in goes wrong as the dial says, records its calls, and serves by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.standins import every_standin, slack_seed
from tests.standins.dial import HUGE_BYTES, NONSENSE, Fault
from tests.standins.probes import bearer, probe, says_yes
from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.telegram import TelegramStandin

MIB = 2**20


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.UNAUTHORIZED, 401),
        (Fault.FORBIDDEN, 403),
        (Fault.BUSY_BARE, 429),
        (Fault.SERVER_ERROR, 500),
    ],
)
def test_a_refusal_comes_in_the_vendors_words_and_the_next_try_succeeds(standin, http, fault, status):
    standin.dial.set(fault, times=1)
    answer = probe(standin, http)
    assert answer.status_code == status
    assert "retry-after" not in answer.headers
    body = answer.json()
    assert body.get("ok") is False or body["errors"][0]["message"]
    assert body.get("error_code", status) == status
    assert says_yes(probe(standin, http))


def test_a_busy_vendor_says_how_long_in_seconds(standin, http):
    standin.dial.set(Fault.BUSY_SECONDS, times=1)
    answer = probe(standin, http)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    if isinstance(standin, TelegramStandin):
        assert answer.json()["parameters"] == {"retry_after": 2}
    assert says_yes(probe(standin, http))


def test_a_busy_vendor_says_how_long_as_a_date(standin, http):
    standin.dial.set(Fault.BUSY_DATE, times=1)
    answer = probe(standin, http)
    until = parsedate_to_datetime(answer.headers["retry-after"])
    assert answer.status_code == 429
    assert 0 < (until - datetime.now(UTC)).total_seconds() <= 3  # noqa: TID251 - a date on the wire is real time
    assert says_yes(probe(standin, http))


def test_an_unavailable_vendor_answers_no_json(standin, http):
    standin.dial.set(Fault.UNAVAILABLE, times=1)
    answer = probe(standin, http)
    assert answer.status_code == 503
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert says_yes(probe(standin, http))


def test_a_portal_answers_html_for_json(standin, http):
    standin.dial.set(Fault.HTML, times=1)
    answer = probe(standin, http)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert says_yes(probe(standin, http))


def test_an_empty_answer_has_no_body(standin, http):
    standin.dial.set(Fault.EMPTY, times=1)
    answer = probe(standin, http)
    assert (answer.status_code, answer.content) == (200, b"")
    assert says_yes(probe(standin, http))


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_is_json_of_another_shape(standin, http, body):
    standin.dial.set(Fault.NONSENSE, times=1, body=body)
    assert probe(standin, http).json() == json.loads(body)
    assert says_yes(probe(standin, http))


def test_a_hung_vendor_does_not_answer_in_the_clients_time(standin, http):
    standin.dial.set(Fault.HANG, times=1)
    with pytest.raises(httpx.ReadTimeout):
        probe(standin, http, timeout=0.3)
    assert says_yes(probe(standin, http))


def test_stopping_releases_a_hung_answer():
    with SlackStandin() as one, httpx.Client(timeout=0.2, trust_env=False) as http:
        one.dial.set(Fault.HANG)
        with pytest.raises(httpx.ReadTimeout):
            probe(one, http)
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as http:
        probe(one, http)


def test_a_redirect_tells_whether_it_was_followed(standin, http):
    standin.dial.set(Fault.REDIRECT)
    answer = probe(standin, http)
    assert (answer.status_code, standin.followed) == (302, [])
    assert not answer.headers["location"].startswith(standin.base)
    probe(standin, http, follow_redirects=True)
    assert [call.path for call in standin.followed] == ["/followed"]
    standin.dial.set(Fault.OK)
    assert says_yes(probe(standin, http))


def test_a_huge_answer_is_64_mib_of_json_with_no_length(standin, http):
    standin.dial.set(Fault.HUGE, times=1)
    token = slack_seed.ACME
    with http.stream("POST", f"{standin.base}/api/auth.test", headers=bearer(token)) as answer:
        assert "content-length" not in answer.headers
        pieces = answer.iter_raw()
        assert next(pieces).startswith(b'{"ok": true')
        assert len(next(pieces)) > 1024
    assert says_yes(probe(standin, http))


def test_a_huge_answer_ends():
    with SlackStandin() as one, httpx.Client(trust_env=False) as http:
        one.dial.set(Fault.HUGE)
        answer = probe(one, http)
        assert HUGE_BYTES < len(answer.content) < HUGE_BYTES + MIB
        assert len(answer.json()["filler"]) == HUGE_BYTES


def test_a_reset_connection_breaks_in_the_middle_of_the_answer(standin, http):
    standin.dial.set(Fault.RESET, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        probe(standin, http)
    assert says_yes(probe(standin, http))


def test_slack_answers_errors_inside_a_200(slack, http):
    slack.dial.set(Fault.OK_ERROR, times=1)
    answer = probe(slack, http)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "internal_error"})
    assert says_yes(probe(slack, http))


@pytest.mark.parametrize("vendor", [TelegramStandin, SendgridStandin])
def test_a_vendor_without_errors_inside_a_200_has_no_such_fault(vendor):
    with pytest.raises(ValueError, match="never answers with the fault ok_error"):
        vendor().dial.set(Fault.OK_ERROR)


def test_a_fault_meets_the_paths_it_is_for_and_the_newest_setting_wins(slack, http):
    slack.dial.set(Fault.SERVER_ERROR)
    slack.dial.set(Fault.UNAVAILABLE, path="*/auth.*")
    slack.dial.set(Fault.OK, path="/api/auth.test", times=1)
    assert says_yes(probe(slack, http))
    assert probe(slack, http).status_code == 503
    assert http.post(f"{slack.base}/api/users.info").status_code == 500
    slack.dial.set(Fault.OK)
    assert says_yes(probe(slack, http))


def test_calls_are_recorded_as_they_came(slack, http):
    http.post(f"{slack.base}/api/chat.postMessage?pretty=1", headers=bearer("xoxb-1"), json={"text": "hé"})
    http.post(f"{slack.base}/api/auth.test", data={"token": "a b"})
    first, second = slack.calls
    assert (first.method, first.path, first.query) == ("POST", "/api/chat.postMessage", "pretty=1")
    assert (first.headers["authorization"], first.json()) == ("Bearer xoxb-1", {"text": "hé"})
    assert second.form() == {"token": "a b"}


def test_another_process_turns_the_dial_and_reads_the_calls(standin, http):
    told = {"fault": "busy_seconds", "path": None, "times": 1}
    assert http.post(f"{standin.base}/__dial", json=told).status_code == 204
    assert probe(standin, http).status_code == 429
    assert says_yes(probe(standin, http))
    seen = http.get(f"{standin.base}/__calls").json()
    assert len(seen["calls"]) == len(standin.calls) == 2
    assert seen["followed"] == []
    assert http.post(f"{standin.base}/__reset").status_code == 204
    assert standin.calls == []


@pytest.mark.parametrize("body", ["{}", "[]", "x", '{"fault": "flood"}', '{"fault": "hang", "times": "x"}'])
def test_a_control_that_makes_no_sense_is_refused(slack, http, body):
    answer = http.post(f"{slack.base}/__dial", content=body)
    assert (answer.status_code, "hang" in answer.json()["faults"]) == (400, True)
    assert says_yes(probe(slack, http))


def test_a_taken_port_is_an_error_at_once(slack):
    with pytest.raises(OSError, match="address already in use"):
        SlackStandin(int(slack.base.rpartition(":")[2])).start()


def test_every_vendor_is_found_by_looking():
    found = every_standin()
    assert {SlackStandin, TelegramStandin, SendgridStandin} <= set(found)
    assert all(kind.__module__ != "tests.standins.standin" for kind in found)
    names = [name for kind in found for name in (kind.upstream, *kind.also)]
    assert len(set(names)) == len(names), "two stand-ins answer for one upstream"


@pytest.mark.parametrize("kind", every_standin(), ids=lambda kind: kind.upstream)
def test_what_to_try_by_hand_has_words_and_text(kind):
    assert all(words.strip() and text.strip() for words, text in kind.tries.items())


def test_the_command_prints_the_environment_and_serves_until_it_is_told_to_stop(http):
    wanted = {f"ATLAS_UPSTREAM_{name}" for kind in every_standin() for name in (kind.upstream, *kind.also)}
    wanted.add("SSL_CERT_FILE")
    child = subprocess.Popen([sys.executable, "-m", "tests.standins"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout as lines:
        said = dict(next(lines).strip().split("=", 1) for _ in wanted)
        assert set(said) == wanted
        answer = http.post(f"{said['ATLAS_UPSTREAM_SLACK']}/api/auth.test", headers=bearer(slack_seed.BETA))
        assert answer.json()["team"] == "Beta Inc"
        child.terminate()
        assert child.wait(timeout=10) == 0
