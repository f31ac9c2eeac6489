"""Signatures of the webhooks that the hub sends, in both ways that receivers know; the only import of standardwebhooks.

Standard Webhooks (https://www.standardwebhooks.com) and the header of MongoDB Atlas' own webhooks
(https://www.mongodb.com/docs/atlas/reference/webhook-integration/).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

from atlas_hub.kit.secret import Secret

PREFIX: Final = "whsec_"


def signed(body: bytes, secret: Secret, *, number: str, at: datetime) -> Mapping[str, str]:
    """The headers for exactly this body, which must be UTF-8. `number` is the message's id, `at` when it is sent, UTC.

    `X-MMS-Signature` is keyed by the secret's UTF-8 bytes, `webhook-signature` as `key_of` says.
    """
    said = Webhook(key_of(secret)).sign(number, at, body.decode())
    old = base64.b64encode(hmac.digest(secret.reveal().encode(), body, "sha1")).decode()
    return {
        "X-MMS-Signature": old,
        "webhook-id": number,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": said,
    }


def key_of(secret: Secret) -> bytes:
    """The key by which Standard Webhooks signs: what `whsec_` and base64 stand for, else the secret's UTF-8 bytes."""
    return _encoded(secret) or secret.reveal().encode()


def is_garbled(secret: Secret) -> bool:
    """Whether it begins with `whsec_` and goes on with what is no base64: a receiver's library reads another key."""
    return secret.reveal().startswith(PREFIX) and not _encoded(secret)


def _encoded(secret: Secret) -> bytes:
    """What `whsec_` and base64 stand for; empty where it is neither."""
    text = secret.reveal()
    rest = text.removeprefix(PREFIX)
    if rest == text:
        return b""
    try:
        return base64.b64decode(rest + "=" * (-len(rest) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
