"""The receiver takes what is signed by its secret, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tests.standins import webhook
from tests.standins.webhook import WebhookStandin

BODY = json.dumps({"id": "1", "humanReadable": "Test"}).encode()


@pytest.fixture
def receiver() -> Iterator[WebhookStandin]:
    with WebhookStandin() as started:
        yield started


def old(secret: str = webhook.SECRET) -> dict[str, str]:
    made = hmac.new(secret.encode(), BODY, hashlib.sha1).digest()
    return {"X-MMS-Event": "alert.open", "X-MMS-Signature": base64.b64encode(made).decode()}


def new(secret: str = webhook.SECRET, ago: int = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=ago)  # noqa: TID251 - as a sender of its own
    said = Webhook(secret).sign("msg_1", at, BODY.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": said}


def other() -> dict[str, str]:
    return new("whsec_" + base64.b64encode(b"x" * 24).decode())


@pytest.mark.parametrize("headers", [old, new, lambda: old() | new()])
def test_either_signature_is_enough(receiver, http, headers):
    assert http.post(receiver.url, content=BODY, headers=headers()).status_code == 200
    assert [message["humanReadable"] for message in receiver.messages] == ["Test"]


@pytest.mark.parametrize(
    "headers", [dict, other, lambda: old("x"), lambda: old() | other(), lambda: old("x") | new(), lambda: new(ago=400)]
)
def test_a_wrong_signature_beside_a_right_one_is_refused(receiver, http, headers):
    answer = http.post(receiver.url, content=BODY, headers=headers())
    assert (answer.status_code, receiver.messages) == (401, [])


def test_one_address_wants_no_signature_and_answers_can_be_chosen(receiver, http):
    url = f"{receiver.base}{webhook.UNSIGNED_PATH}"
    assert http.post(url, content=BODY).status_code == 200
    assert http.post(url, content=b"[]").status_code == 400
    receiver.answers = 410
    assert http.post(url, content=BODY).status_code == 410
    assert len(receiver.messages) == 1
