"""What the connections API answers when something cannot be done.

What a vendor said is `{"valid": false, "error": {"code", "message", "requestId", "required_scopes"?}}`:

| code | status |
|---|---|
| `INVALID_CREDENTIALS`, `AUTH_EXPIRED` | 400 |
| `INSUFFICIENT_PERMISSIONS` | 403 |
| `RATE_LIMITED` | 503, with Retry-After |
| `NETWORK_ERROR`, `PLATFORM_ERROR` | 502 |

Everything else is `{"error": {"code", "message", "requestId", "fields"?}}`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from starlette.requests import ClientDisconnect

from atlas_hub.api.errors import CHALLENGE, FAILED, Refusal, bad_request
from atlas_hub.hub import Unreachable
from atlas_hub.kit.errors import (
    AlreadyConnected,
    BadForm,
    Conflict,
    Forbidden,
    HubError,
    InsufficientPermissions,
    ManagedByEnvironment,
    NotAvailable,
    NotFound,
    ProviderError,
    RateLimited,
    TooManyRequests,
    Unauthenticated,
    VaultLocked,
)

log = logging.getLogger(__name__)

PREFIX: Final = "conn_"
"""How an id of this API begins, before the row's."""
INVALID: Final = "The request has fields that are missing or wrong; fields names each. Mend them and send it again."
MOST: Final = 20
"""How many fields an answer names: a body of a megabyte can have so many wrong ones that the answer would be larger."""
LONGEST_NAME: Final = 120

_VENDOR: Final[Mapping[str, HTTPStatus]] = {
    "INVALID_CREDENTIALS": HTTPStatus.BAD_REQUEST,
    "AUTH_EXPIRED": HTTPStatus.BAD_REQUEST,
    "INSUFFICIENT_PERMISSIONS": HTTPStatus.FORBIDDEN,
    "RATE_LIMITED": HTTPStatus.SERVICE_UNAVAILABLE,
    "NETWORK_ERROR": HTTPStatus.BAD_GATEWAY,
    "PLATFORM_ERROR": HTTPStatus.BAD_GATEWAY,
}
_OURS: Final[Mapping[type[HubError], tuple[HTTPStatus, str]]] = {
    HubError: (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error"),
    NotAvailable: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    Unauthenticated: (HTTPStatus.UNAUTHORIZED, "unauthorized"),
    Forbidden: (HTTPStatus.FORBIDDEN, "forbidden"),
    NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    Conflict: (HTTPStatus.CONFLICT, "conflict"),
    ManagedByEnvironment: (HTTPStatus.CONFLICT, "managed_by_environment"),
    BadForm: (HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error"),
    TooManyRequests: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
    VaultLocked: (HTTPStatus.SERVICE_UNAVAILABLE, "locked"),
}


@dataclass
class Refused(Exception):  # it is an answer, as `Refusal` is one
    """An answer of this API that is no success. `fields`: a field's name on the wire → a sentence."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    by_vendor: bool = False

    def body(self, request_id: str) -> dict[str, Any]:
        """The body, as the module says."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "requestId": request_id, **self.more}
        if self.fields:
            error["fields"] = dict(self.fields)
        return {"valid": False, "error": error} if self.by_vendor else {"error": error}


def invalid(fields: Mapping[str, str]) -> Refused:
    """422, naming the fields, the first ones of very many."""
    named = {_cut(name): text for name, text in islice(fields.items(), MOST)}
    said = INVALID if len(fields) <= MOST else INVALID.replace("each", f"the first {MOST} of {len(fields)}")
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error", said, fields=named)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def unsupported(message: str) -> Refused:
    """400 for a platform, or for what a platform does not do."""
    return Refused(HTTPStatus.BAD_REQUEST, "unsupported_platform", message)


def _same(name: str) -> str:
    return name


def error_of(error: ProviderError) -> dict[str, Any]:
    """What a vendor said, as `error` of an answer."""
    said: dict[str, Any] = {"code": error.code, "message": error.text}
    if isinstance(error, InsufficientPermissions) and error.required_scopes:
        said["required_scopes"] = list(error.required_scopes)
    return said


def refused_of(error: Exception, request_id: str, *, wire: Callable[[str], str] = _same) -> Refused:
    """The answer to anything that was raised. What nobody expected is logged once, and not described.

    `wire` is a form field's name on the wire.
    """
    if isinstance(error, Refused):
        return error
    if isinstance(error, ProviderError):
        more = {name: said for name, said in error_of(error).items() if name not in {"code", "message"}}
        wait = {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimited) else {}
        status = _VENDOR[error.code]
        return Refused(status, error.code, error.text, headers=wait, more=more, by_vendor=True)
    if isinstance(error, HubError):
        return _ours(error, wire)
    if isinstance(error, ClientDisconnect):
        error = bad_request("The request ended before all of it had come.")
    if isinstance(error, Refusal):
        return Refused(error.status, error.error, error.message, headers=error.headers)
    if isinstance(error, Unreachable):
        log.error("Request %s: the database did not answer.", request_id, exc_info=error)
        text = "The database does not answer. Try again in a moment."
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", text)
    log.error("Request %s failed.", request_id, exc_info=error)
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAILED)


def _ours(error: HubError, wire: Callable[[str], str]) -> Refused:
    status, code = next(_OURS[kind] for kind in type(error).__mro__ if kind in _OURS)
    refused = Refused(status, code, FAILED if type(error) is HubError else error.text)
    if isinstance(error, BadForm):
        refused.message, refused.fields = INVALID, {wire(name): text for name, text in error.fields.items()}
    if isinstance(error, TooManyRequests):
        refused.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        refused.headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, AlreadyConnected):
        refused.more = {"connection_id": f"{PREFIX}{error.connection}"}
    return refused
