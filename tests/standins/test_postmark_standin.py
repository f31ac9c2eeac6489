"""The stand-in answers as Postmark does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import postmark
from tests.standins.postmark import PostmarkStandin

MAIL = {"From": "alerts@acme.example", "To": "grace@acme.example", "Subject": "Test", "TextBody": "Hello"}


@pytest.fixture
def office() -> Iterator[PostmarkStandin]:
    with PostmarkStandin() as started:
        yield started


def by(token: str) -> dict[str, str]:
    return {"X-Postmark-Server-Token": token}


def send(office: PostmarkStandin, http: httpx.Client, token: str = postmark.LIVE, **change: Any) -> httpx.Response:
    return http.post(f"{office.base}/email", headers=by(token), json={**MAIL, **change})


def test_postmark_says_which_server_a_token_is_for(office, http):
    for token, delivery in ((postmark.LIVE, "Live"), (postmark.SANDBOX, "Sandbox")):
        said = http.get(f"{office.base}/server", headers=by(token)).json()
        assert (said["DeliveryType"], said["ApiTokens"]) == (delivery, [token])
        assert [len(part) for part in token.split("-")] == [8, 4, 4, 4, 12]
    assert http.get(f"{office.base}/server", headers=by(postmark.LIVE.upper())).status_code == 200


@pytest.mark.parametrize("headers", [{}, by("nobody"), by(postmark.ACCOUNT), by(postmark.TEST)])
def test_postmark_refuses_a_token(office, http, headers):
    answer = http.get(f"{office.base}/server", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"ErrorCode": 10, "Message": postmark.NO_TOKEN})


@pytest.mark.parametrize("sender", ["alerts@acme.example", "anyone@mail.acme.example"])
def test_postmark_takes_a_mail_and_gives_its_id(office, http, sender):
    answer = send(office, http, From=sender)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (200, 0)
    assert [mail["MessageID"] for mail in office.messages] == [answer.json()["MessageID"]]


def test_postmarks_test_token_takes_a_mail_and_sends_none(office, http):
    answer = send(office, http, postmark.TEST)
    assert (answer.status_code, answer.json()["Message"]) == (200, "Test job accepted")
    assert office.messages == []


@pytest.mark.parametrize(
    ("token", "change", "code"),
    [
        (postmark.LIVE, {"From": "new@acme.example"}, 401),
        (postmark.LIVE, {"From": "x@elsewhere.example"}, 400),
        (postmark.LIVE, {"From": ""}, 300),
        (postmark.LIVE, {"To": "grace"}, 300),
        (postmark.LIVE, {"TextBody": ""}, 300),
        (postmark.LIVE, {"To": "gone@acme.example"}, 406),
        (postmark.LIVE, {"MessageStream": "other"}, 1235),
        (postmark.PENDING, {"To": "x@elsewhere.example"}, 412),
        (postmark.CLOSED, {}, 413),
        (postmark.SPENT, {}, 405),
    ],
)
def test_postmark_refuses_a_mail(office, http, token, change, code):
    answer = send(office, http, token, **change)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, code)
    assert office.messages == []
    assert send(office, http).status_code == 200


def test_postmark_refuses_what_is_no_mail(office, http):
    path = f"{office.base}/email"
    assert http.post(path, headers=by(postmark.LIVE), content=b"{").json()["ErrorCode"] == 402
    assert http.post(path, headers=by(postmark.LIVE), json=[]).json()["ErrorCode"] == 403
