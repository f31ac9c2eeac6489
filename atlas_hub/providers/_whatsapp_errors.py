"""What the answers of WhatsApp's Cloud API mean: a body, or the error that `error.code` stands for.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes and
https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.errors import (
    AuthExpired,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http, Upstream

META = Upstream("META_GRAPH", "WhatsApp", "https://graph.facebook.com", version="v18.0")
TOKEN, NUMBER = "access_token", "phone_number_id"
SEND_SCOPE = "whatsapp_business_messaging"
PERMANENT = "Make a permanent one in Meta's Business Settings under Users, System users, Generate token"

_BAD_TOKEN = 190
_ENDED = {
    458: "the app was removed",
    459: "Meta asks its owner to sign in and confirm something",
    460: "its owner changed the password",
    463: "it has expired",
    467: "it was revoked",
}
"""Subcodes of 190. Newer versions leave them out, and only the message tells that the time is over."""
_WORDS = {"session has expired": 463, "session has been invalidated": 467, "not authorized application": 458}
_PASSING = frozenset({1, 2, 131000, 131016, 131057, 133004})
"""Faults and maintenance at Meta's, which are no word about the credentials."""
_PASSING_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_BUSY = frozenset({4, 17, 32, 613, 80007, 130429, 131048, 131056, 133016})
_DENIED = frozenset({3, 10, 131005, *range(200, 300)})
_UNKNOWN_PATH = 2500
_NO_PARAMETER = 100
_DELETED = 33
_NOT_THERE = {
    130497: "this WhatsApp account may not write to people in that country.",
    131021: "sender and recipient are the same number. Choose another recipient.",
    131026: "it cannot reach this number. Check that it has WhatsApp and that the person accepted its terms.",
    131030: "a test number writes only to numbers on its list. Add this one under WhatsApp, API Setup, To.",
    131047: "this person has not written to you within 24 hours. Let them write first, then try again.",
    131049: "it holds back messages to this person for now. Try again another day.",
}
_NOT_READY = {
    368: "Meta has blocked this account for a breach of its policies. Open WhatsApp Manager to see why.",
    131031: "Meta has locked this account. Open WhatsApp Manager to see why.",
    131042: "there is a problem with the payment. Check the payment method in Meta's Business Settings.",
    131045: "the phone number is not registered. Register it in WhatsApp Manager.",
    133010: "the phone number is not registered. Register it in WhatsApp Manager.",
}
_TEMPLATES = range(132000, 133000)


def read(answer: Answer, http: Http, *, is_sign_in: bool = False) -> Mapping[str, Any]:
    """The body of a good answer. Raises a `ProviderError`.

    `is_sign_in`: the question was about the number and the token alone, so that a refusal is theirs.
    """
    error = error_of(answer)
    if error is not None:
        raise _refusal(error, answer, is_sign_in=is_sign_in)
    if is_sign_in and _is_refused(answer):
        raise _refused(0, answer)
    http.judge(META, answer, field=TOKEN)
    body = answer.json()
    if not isinstance(body, dict):
        raise nonsense()
    return body


def nonsense() -> PlatformError:
    """The error for an answer without what was asked for."""
    return PlatformError("WhatsApp gave an answer that makes no sense. Try again later.")


def _is_refused(answer: Answer) -> bool:
    """Whether a status is a word about what was asked, and not about the moment."""
    is_refusal = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_refusal and answer.status not in _PASSING_STATUS


def _refused(code: int, answer: Answer) -> InvalidCredentials:
    told = f"{answer.status}, code {code}" if code else str(answer.status)
    text = f"WhatsApp refused the Phone Number ID or the token ({told}). Copy both again from your app."
    return InvalidCredentials(text, field=TOKEN, vendor_code=str(code) if code else None)


def error_of(answer: Answer) -> Mapping[str, Any] | None:
    """The `error` of a body, None where there is none."""
    try:
        body = answer.json()
    except PlatformError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else None


def _number(error: Mapping[str, Any], name: str) -> int:
    value = error.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _refusal(  # noqa: PLR0911  # one for each meaning
    error: Mapping[str, Any], answer: Answer, *, is_sign_in: bool
) -> ProviderError:
    """What `code` means; the message decides between meanings of one code and is never shown."""
    code, said = _number(error, "code"), str(error.get("message", "")).lower()
    named = str(code) if code else None
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or code in _BUSY:
        seconds = _wait(answer)
        return RateLimited(f"WhatsApp is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if code == _BAD_TOKEN:
        return _bad_token(_number(error, "error_subcode"), said)
    if code in {_NO_PARAMETER, _DELETED}:
        told = _bad_number(_number(error, "error_subcode"), code, said)
        return told or (_refused(code, answer) if is_sign_in else _not_done(code, answer))
    is_unknown = code not in {*_PASSING, *_DENIED, *_NOT_READY, _UNKNOWN_PATH}
    is_bare = code == 0 and error.get("type") == "OAuthException" and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_sign_in and is_unknown and (is_bare or _is_refused(answer)):
        return _refused(code, answer)
    if code in _NOT_THERE:
        return InsufficientPermissions(f"WhatsApp did not take it: {_NOT_THERE[code]}", field="to", vendor_code=named)
    if code in _NOT_READY:
        return InsufficientPermissions(f"WhatsApp did not do it: {_NOT_READY[code]}", vendor_code=named)
    return _other(code, answer)


def _other(code: int, answer: Answer) -> ProviderError:
    named = str(code) if code else None
    if code in _TEMPLATES:
        text = "WhatsApp did not take it: it wants a template here. Let the person write first, then try again."
        return InsufficientPermissions(text, field="to", vendor_code=named)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return InvalidCredentials("WhatsApp rejected the token. Copy it again.", field=TOKEN, vendor_code=named)
    if code in _DENIED or answer.status == HTTPStatus.FORBIDDEN:
        text = (
            f"WhatsApp does not allow this to the token. Assign the WhatsApp account to the system user in Meta's "
            f"Business Settings, and make a new token with {SEND_SCOPE}."
        )
        return InsufficientPermissions(text, required_scopes=(SEND_SCOPE,), field=TOKEN, vendor_code=named)
    if code == _UNKNOWN_PATH:
        text = "WhatsApp does not know this version of its API. Ask the operator to set another Graph version."
        return PlatformError(text, vendor_code=named)
    return _not_done(code, answer)


def _not_done(code: int, answer: Answer) -> PlatformError:
    told = f"{answer.status}, code {code}" if code else str(answer.status)
    fault = "has a fault of its own" if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "could not do this"
    return PlatformError(f"WhatsApp {fault} ({told}). Try again later.", vendor_code=str(code) if code else None)


def _bad_token(subcode: int, said: str) -> ProviderError:
    reason = _ENDED.get(subcode) or next((_ENDED[number] for part, number in _WORDS.items() if part in said), "")
    if reason:
        text = f"WhatsApp rejected the token: {reason}. {PERMANENT}, then paste it."
        return AuthExpired(text, field=TOKEN, vendor_code=str(_BAD_TOKEN))
    text = f"WhatsApp rejected the token: it knows no such token. Copy it again, whole. {PERMANENT}."
    return InvalidCredentials(text, field=TOKEN, vendor_code=str(_BAD_TOKEN))


def _bad_number(subcode: int, code: int, said: str) -> ProviderError | None:
    """What a code that has many meanings means of the number, None where that cannot be told."""
    if "appsecret_proof" in said:
        text = "WhatsApp wants every call of this app signed. Turn off Require App Secret in the app's settings, under "
        return InsufficientPermissions(f"{text}Advanced, Security.", vendor_code=str(code))
    if _DELETED in {subcode, code}:
        text = (
            "WhatsApp knows no such Phone Number ID that this token may see. It is not the phone number: copy it from "
        )
        text += "WhatsApp, API Setup, and assign the WhatsApp account to the system user."
        return InvalidCredentials(text, field=NUMBER, vendor_code=str(code))
    if "nonexisting field" in said:
        text = "WhatsApp says this ID is not a phone number's, perhaps the account's. Copy the Phone Number ID."
        return InvalidCredentials(text, field=NUMBER, vendor_code=str(code))
    return None


def _wait(answer: Answer) -> int:
    """Seconds to wait: Retry-After, or the minutes in the header of usage.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
    """
    told = answer.headers.get("retry-after")
    minutes = max(_minutes(answer.headers.get("x-business-use-case-usage", "")), default=0)
    return retry_after(str(minutes * 60) if told is None and minutes > 0 else told)


def _minutes(header: str) -> Iterator[int]:
    try:
        told = json.loads(header)
    except (ValueError, RecursionError):
        return
    for uses in told.values() if isinstance(told, dict) else ():
        for use in uses if isinstance(uses, list) else ():
            if isinstance(use, dict):
                yield _number(use, "estimated_time_to_regain_access")
