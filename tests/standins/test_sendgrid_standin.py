"""The stand-in answers as SendGrid does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.standins import sendgrid
from tests.standins.probes import bearer, probe, says_yes
from tests.standins.sendgrid import SendgridStandin

MAIL: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "grace@acme.example"}]}],
    "from": {"email": "alerts@acme.example"},
    "subject": "Test",
    "content": [{"type": "text/plain", "value": "Hello"}],
}


def send(mails: SendgridStandin, http: httpx.Client, key: str = sendgrid.FULL_ACCESS, **change: Any) -> httpx.Response:
    return http.post(f"{mails.base}/v3/mail/send", headers=bearer(key), json={**MAIL, **change})


def test_sendgrid_lists_what_a_key_may(mails, http):
    for key in (sendgrid.FULL_ACCESS, sendgrid.SEND_ONLY):
        answer = http.get(f"{mails.base}/v3/scopes", headers=bearer(key))
        assert "mail.send" in answer.json()["scopes"]
        assert [len(part) for part in key.split(".")] == [2, 22, 43]
    answer = http.get(f"{mails.base}/v3/scopes", headers=bearer(sendgrid.NO_SEND))
    assert "mail.send" not in answer.json()["scopes"]


def test_sendgrid_lists_senders_and_domains(mails, http):
    key = bearer(sendgrid.FULL_ACCESS)
    senders = http.get(f"{mails.base}/v3/verified_senders", headers=key).json()["results"]
    assert {sender["from_email"]: sender["verified"] for sender in senders} == {
        "alerts@acme.example": True,
        "new@acme.example": False,
    }
    domains = http.get(f"{mails.base}/v3/whitelabel/domains", headers=key).json()
    assert {domain["domain"]: domain["valid"] for domain in domains} == {
        "mail.acme.example": True,
        "old.example": False,
    }
    assert http.get(f"{mails.base}/v3/user/account", headers=key).json()["type"] == "paid"


@pytest.mark.parametrize("path", ["verified_senders", "whitelabel/domains", "user/account"])
def test_sendgrid_forbids_a_restricted_key_to_read(mails, http, path):
    answer = http.get(f"{mails.base}/v3/{path}", headers=bearer(sendgrid.SEND_ONLY))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (403, "access forbidden")


def test_sendgrid_refuses_a_key(mails, http):
    answer = http.get(f"{mails.base}/v3/scopes", headers=bearer("SG.nobody"))
    assert (answer.status_code, answer.json()) == (
        401,
        {"errors": [{"message": sendgrid.EXPIRED, "field": None, "help": None}]},
    )
    assert http.get(f"{mails.base}/v3/scopes").status_code == 401
    assert says_yes(probe(mails, http))


@pytest.mark.parametrize("sender", ["alerts@acme.example", "anyone@mail.acme.example"])
def test_sendgrid_takes_a_mail_and_gives_its_id(mails, http, sender):
    answer = send(mails, http, sendgrid.SEND_ONLY, **{"from": {"email": sender}})
    assert (answer.status_code, answer.content) == (202, b"")
    assert [mail["id"] for mail in mails.messages] == [answer.headers["x-message-id"]]


@pytest.mark.parametrize(
    ("key", "change", "status", "field"),
    [
        (sendgrid.NO_SEND, {}, 403, None),
        (sendgrid.UNVERIFIED, {}, 403, "from"),
        (sendgrid.FULL_ACCESS, {"from": {"email": "new@acme.example"}}, 403, "from"),
        (sendgrid.FULL_ACCESS, {"from": {"email": "x@old.example"}}, 403, "from"),
        (sendgrid.FULL_ACCESS, {"from": {}}, 400, "from.email"),
        (sendgrid.FULL_ACCESS, {"personalizations": []}, 400, "personalizations"),
        (sendgrid.FULL_ACCESS, {"personalizations": [{}]}, 400, "personalizations.0.to"),
        (sendgrid.FULL_ACCESS, {"subject": ""}, 400, "subject"),
        (sendgrid.FULL_ACCESS, {"content": []}, 400, "content"),
    ],
)
def test_sendgrid_refuses_a_mail(mails, http, *, key, change, status, field):
    answer = send(mails, http, key, **change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert mails.messages == []
    assert send(mails, http).status_code == 202


def test_sendgrids_sandbox_takes_a_mail_and_sends_none(mails, http):
    answer = send(mails, http, mail_settings={"sandbox_mode": {"enable": True}})
    assert (answer.status_code, mails.messages) == (200, [])
