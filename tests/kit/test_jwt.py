"""ID tokens: signed by RS256 with a published key, of this issuer, for this app, of this consent, and not too old."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt as library

from atlas_hub.kit import jwt
from atlas_hub.kit.secret import Secret
from tests.standins.entra_tokens import FORGERIES, id_token, key, published

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TENANT = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
MUST_BE = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aud": "our-app",
    "nonce": "n-1",
    "tid": TENANT,
}


def claims(**other: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    return {**MUST_BE, "iat": at, "nbf": at, "exp": at + 3600, "oid": "x"} | other


def read(token: str, at: datetime = NOW, keys: Any = None) -> dict[str, Any]:
    return jwt.claims_of(Secret(token), published() if keys is None else keys, must_be=MUST_BE, now=at)


def test_a_good_one() -> None:
    assert read(id_token(claims()))["oid"] == "x"


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_a_forged_one(forgery: str) -> None:
    with pytest.raises(ValueError, match="not one that this consent"):
        read(id_token(claims(), {forgery}))


@pytest.mark.parametrize("name", [*MUST_BE, "exp"])
def test_one_that_leaves_something_out(name: str) -> None:
    said = claims()
    del said[name]
    signer = key("standin-key-1")
    with pytest.raises(ValueError, match="not one that this consent"):
        read(library.encode({"alg": "RS256", "kid": "standin-key-1"}, said, signer, algorithms=["RS256"]))


@pytest.mark.parametrize("name", MUST_BE)
@pytest.mark.parametrize("wrong", ["", None, 7, [], ["other"], {}, "n-1 ", True])
def test_one_that_says_something_else(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match="not one that this consent"):
        read(id_token(claims(**{name: wrong})))


def test_its_time() -> None:
    token = id_token(claims())
    assert read(token, NOW + timedelta(seconds=3600 + jwt.LEEWAY_SECONDS - 5))
    assert read(token, NOW - timedelta(seconds=jwt.LEEWAY_SECONDS - 5))
    for at in (NOW + timedelta(seconds=3600 + jwt.LEEWAY_SECONDS + 5), NOW - timedelta(hours=1)):
        with pytest.raises(ValueError, match="not one that this consent"):
            read(token, at)


def test_the_public_key_is_no_password() -> None:
    """An HMAC made with the published key is no signature (RFC 8725 §2.1)."""
    public = key("standin-key-1").as_pem(private=False)
    head, body = ({"alg": "HS256", "kid": "standin-key-1"}, claims())
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body))
    mark = hmac.digest(public, signed.encode(), "sha256")
    forged = f"{signed}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"
    with pytest.raises(ValueError, match="not one that this consent"):
        read(forged)


@pytest.mark.parametrize("keys", [None, [], {}, {"keys": []}, {"keys": [{}]}, {"keys": "x"}, "x", 7, {"keys": [7]}])
def test_keys_that_are_none(keys: Any) -> None:
    with pytest.raises(ValueError, match="not one that this consent"):
        jwt.claims_of(Secret(id_token(claims())), keys, must_be=MUST_BE, now=NOW)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "é.é.é", "..", "eyJ.eyJ.eyJ", "x" * 5000, "[" * 2000])
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="not one that this consent") as raised:
        read(text)
    assert len(text) < 6 or text not in str(raised.value)
    with pytest.raises(ValueError, match="not a token"):
        jwt.unverified(Secret(text))


def test_what_is_not_verified_is_read_all_the_same() -> None:
    assert jwt.unverified(Secret(id_token(claims(), {"alg_none"})))["tid"] == TENANT
    deep = base64.urlsafe_b64encode(("[" * 100_000).encode()).decode()
    for part in (deep, base64.urlsafe_b64encode(json.dumps([1]).encode()).decode()):
        with pytest.raises(ValueError, match="not a token"):
            jwt.unverified(Secret(f"a.{part}.c"))
