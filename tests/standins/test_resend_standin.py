"""The stand-in answers as Resend does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import resend
from tests.standins.probes import bearer
from tests.standins.resend import ResendStandin

MAIL: dict[str, Any] = {"from": "alerts@acme.example", "to": ["grace@acme.example"], "subject": "Test", "text": "Hi"}


@pytest.fixture
def mailer() -> Iterator[ResendStandin]:
    with ResendStandin() as started:
        yield started


def send(
    mailer: ResendStandin, http: httpx.Client, key: str = resend.FULL_ACCESS, **change: Any
) -> tuple[int, dict[str, Any]]:
    answer = http.post(f"{mailer.base}/emails", headers=bearer(key), json={**MAIL, **change})
    return answer.status_code, answer.json()


def test_a_full_key_lists_domains_and_a_sending_key_does_not(mailer, http):
    listed = http.get(f"{mailer.base}/domains", headers=bearer(resend.FULL_ACCESS)).json()
    assert (listed["object"], listed["has_more"]) == ("list", False)
    assert {each["name"]: each["status"] for each in listed["data"]}["acme.example"] == "verified"
    answer = http.get(f"{mailer.base}/domains", headers=bearer(resend.SEND_ONLY))
    assert (answer.status_code, answer.json()["name"]) == (401, "restricted_api_key")


def test_an_unknown_key_is_a_403_and_a_missing_one_a_401(mailer, http):
    assert send(mailer, http, resend.DELETED)[0] == 403
    answer = http.get(f"{mailer.base}/domains")
    assert (answer.status_code, answer.json()["name"]) == (401, "missing_api_key")


@pytest.mark.parametrize("key", [resend.FULL_ACCESS, resend.SEND_ONLY])
def test_a_mail_is_taken_and_gets_an_id(mailer, http, key):
    status, said = send(mailer, http, key)
    assert status == 200
    assert [mail["id"] for mail in mailer.messages] == [said["id"]]


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"from": "x@new.example"}, 403, "validation_error"),
        ({"from": "onboarding@resend.dev"}, 403, "validation_error"),
        ({"to": []}, 422, "missing_required_field"),
        ({"text": ""}, 422, "validation_error"),
        ({"subject": "a\nb"}, 422, "validation_error"),
    ],
)
def test_a_mail_is_refused(mailer, http, *, change, status, name):
    answered, said = send(mailer, http, **change)
    assert (answered, said["name"], said["statusCode"]) == (status, name, status)
    assert mailer.messages == []
    assert send(mailer, http)[0] == 200
