"""Signatures: verified by the standard's own library, and by hand as MongoDB Atlas' page says."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from atlas_hub.kit.clock import now
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.signing import key_of, signed

BODY = '{"humanReadable":"TEST: Grüße"}'.encode()
RAW = b"atlas-hub-stand-in-FAKE-key-02"
ENCODED = "whsec_" + base64.b64encode(RAW).decode()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (ENCODED, RAW),
        (ENCODED.rstrip("="), RAW),
        ("correct horse battery staple", b"correct horse battery staple"),
        ("grüße", "grüße".encode()),
        (base64.b64encode(RAW).decode(), base64.b64encode(RAW)),  # without the prefix it is a text like any other
        ("whsec_not base64!", b"whsec_not base64!"),
        ("whsec_a", b"whsec_a"),
        ("whsec_", b"whsec_"),
    ],
)
def test_a_secret_is_base64_after_its_prefix_and_a_text_otherwise(text, key):
    assert key_of(Secret(text)) == key
    headers = signed(BODY, Secret(text), number="msg_1", at=now())
    Webhook(key).verify(BODY, dict(headers))


@pytest.mark.parametrize("text", [ENCODED, "correct horse battery staple"])
def test_the_old_signature_is_base64_of_a_sha1_keyed_by_the_text(text):
    headers = signed(BODY, Secret(text), number="msg_1", at=now())
    made = hmac.new(text.encode(), BODY, hashlib.sha1).digest()
    assert headers["X-MMS-Signature"] == base64.b64encode(made).decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda headers, body: (headers, body + b" "),
        lambda headers, body: ({**headers, "webhook-id": "msg_2"}, body),
        lambda headers, body: ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
    ],
)
def test_what_was_changed_on_the_way_does_not_verify(change):
    good = signed(BODY, Secret(ENCODED), number="msg_1", at=now())
    Webhook(ENCODED).verify(BODY, dict(good))
    headers, body = change(good, BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(ENCODED).verify(body, dict(headers))


def test_what_is_old_does_not_verify():
    headers = signed(BODY, Secret(ENCODED), number="msg_1", at=now() - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(ENCODED).verify(BODY, dict(headers))
