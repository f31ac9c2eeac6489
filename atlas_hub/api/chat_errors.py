"""What the chat API answers when something cannot be done: bare bodies, of the shape that its clients can read.

`{statusCode, timestamp, path, message, error, errors?, errorId?}`; no key is ever null. `errors` is an object, field →
`{"messages": […]}`, and comes with every 422: the clients cannot read one without.

| error | status |
|---|---|
| `BadForm` | 422, by field |
| `Unauthenticated` | 401 |
| `Forbidden` | 403 |
| `NotFound` | 404 |
| `Conflict` | 409 |
| `ProviderError` | 400: the vendor's refusal, where the caller asked for a check |
| `TooManyRequests` | 429, with Retry-After and RateLimit-* |
| `NotAvailable`, `VaultLocked`, a database that does not answer | 503 |
| anything else | 500, with `errorId`, which the log has, too |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect

from atlas_hub.api.errors import Refusal
from atlas_hub.hub import Unreachable
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import (
    BadForm,
    Conflict,
    Forbidden,
    HubError,
    NotAvailable,
    NotFound,
    ProviderError,
    TooManyRequests,
    Unauthenticated,
    VaultLocked,
)
from atlas_hub.kit.secret import HIDDEN

log = logging.getLogger(__name__)

CHALLENGE: Final = 'ApiKey realm="Atlas Hub"'
INVALID: Final = "Validation Error"
FAILED: Final = "Internal server error, contact support and provide them with the errorId"
UNANSWERED: Final = "The database does not answer. Try again in a moment."
QUIET: Final = frozenset(
    {"code", "state", "error_description", "id_token", "access_token", "refresh_token", "token", "secret"}
    | {"client_secret", "client_assertion", "code_verifier", "nonce", "password", "api_key", "apiKey", "secretKey"}
)
"""What a query may carry that is not said back."""

STATUSES: Final[tuple[tuple[type[HubError], HTTPStatus], ...]] = (
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (ProviderError, HTTPStatus.BAD_REQUEST),
    (NotAvailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (VaultLocked, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Refused(Exception):  # it is an answer
    """An answer that is an error. `errors` are a field's wire name and a sentence; `message` one sentence or many."""

    def __init__(
        self,
        status: int,
        message: str | list[str],
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status)
        self.status = int(status)
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        if self.status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = CHALLENGE

    def body(self, path: str, at: datetime, request_id: str) -> dict[str, Any]:
        """The body for a request of `path` (as `said_path` tells it) at that moment."""
        said: dict[str, Any] = {
            "statusCode": self.status,
            "timestamp": iso(at),
            "path": path,
            "message": self.message,
            "error": HTTPStatus(self.status).phrase,
        }
        if self.errors is not None:
            said["errors"] = {field: {"messages": [sentence]} for field, sentence in self.errors.items()}
        if self.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            said["errorId"] = request_id
        return said


def not_found(message: str) -> Refused:
    """404."""
    return Refused(HTTPStatus.NOT_FOUND, message)


def bad_request(message: str) -> Refused:
    """400."""
    return Refused(HTTPStatus.BAD_REQUEST, message)


def forbidden(message: str) -> Refused:
    """403."""
    return Refused(HTTPStatus.FORBIDDEN, message)


def conflict(message: str) -> Refused:
    """409, which the clients send again for up to an hour unless they are told not to."""
    return Refused(HTTPStatus.CONFLICT, message)


def invalid(fields: Mapping[str, str]) -> Refused:
    """422: a sentence for each field, by its name on the wire."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, INVALID, errors=fields)


def refused_of(error: Exception, request_id: str) -> Refused:  # noqa: PLR0911  # one for each kind
    """The answer to anything that was raised. What nobody expected is logged once, and not described."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Refusal):  # what reads a body speaks of it as the admin API does
        return Refused(error.status, error.message, headers=error.headers)
    if isinstance(error, ClientDisconnect):
        return bad_request("The request ended before all of it had come.")
    if isinstance(error, Unreachable):
        log.error("Request %s: the database did not answer.", request_id, exc_info=error)
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, UNANSWERED)
    if isinstance(error, BadForm):
        return invalid(error.fields)
    if isinstance(error, TooManyRequests):
        return Refused(
            HTTPStatus.TOO_MANY_REQUESTS, error.text, headers={"Retry-After": str(error.retry_after), **_spent(error)}
        )
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return Refused(status, error.text)
    log.error("Request %s failed.", request_id, exc_info=error)
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)


def _spent(error: TooManyRequests) -> dict[str, str]:
    return {"RateLimit-Remaining": "0", "RateLimit-Reset": str(error.retry_after)}


def said_path(path: str, query: bytes) -> str:
    """The request's path and query as an error repeats them: what is secret in the query is covered."""
    if not query:
        return path
    parts = []
    for part in query.decode("latin-1").split("&"):
        name, equals, _ = part.partition("=")
        parts.append(f"{name}={HIDDEN}" if equals and name.lower() in QUIET else part)
    return f"{path}?{'&'.join(parts)}"
