"""What the admin API answers when something cannot be done: one table from our errors to statuses and words.

| error | status | `error` |
|---|---|---|
| `InvalidCredentials`, `AuthExpired`, `InsufficientPermissions` | 400 | the provider's own word (`Names.refused`) |
| `RateLimited` | 503 | `provider_busy`, with Retry-After |
| `NetworkError`, `PlatformError` | 502 | `provider_error` |
| `BadForm` | 422 | `validation_error`, with `details` |
| `Unauthenticated` | 401 | `auth_error` |
| `SessionExpired` | 401 | `session_expired` |
| `Forbidden` | 403 | `forbidden_role` |
| `NotFound` · `NotAvailable` | 404 | `not_found` · `not_available` |
| `Conflict`, `AnotherAccount` | 409 | `conflict` |
| `TooManyRequests` | 429 | `rate_limited`, with Retry-After |
| `VaultLocked` | 503 | `locked`: the encryption key is missing; no Retry-After, as waiting does not help |

What the vendor said carries `code`, one of the six words of `ProviderError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from atlas_hub.kit.errors import (
    AlreadyConnected,
    AnotherAccount,
    AuthExpired,
    BadForm,
    Conflict,
    Forbidden,
    HubError,
    Incomplete,
    InsufficientPermissions,
    InvalidCredentials,
    ManagedByEnvironment,
    NetworkError,
    NotAvailable,
    NotFound,
    PlatformError,
    ProviderError,
    RateLimited,
    SessionExpired,
    TooManyRequests,
    Unauthenticated,
    VaultLocked,
)

REFUSED = "invalid_credentials"
"""The word for a refusal where no provider is there to say its own."""

CHALLENGE = 'Bearer realm="Atlas Hub"'

TABLE: Final[Mapping[type[HubError], tuple[HTTPStatus, str]]] = MappingProxyType(
    {
        HubError: (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error"),
        ProviderError: (HTTPStatus.BAD_GATEWAY, "provider_error"),
        InvalidCredentials: (HTTPStatus.BAD_REQUEST, REFUSED),
        AuthExpired: (HTTPStatus.BAD_REQUEST, REFUSED),
        Incomplete: (HTTPStatus.BAD_REQUEST, REFUSED),
        InsufficientPermissions: (HTTPStatus.BAD_REQUEST, REFUSED),
        RateLimited: (HTTPStatus.SERVICE_UNAVAILABLE, "provider_busy"),
        NetworkError: (HTTPStatus.BAD_GATEWAY, "provider_error"),
        PlatformError: (HTTPStatus.BAD_GATEWAY, "provider_error"),
        BadForm: (HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error"),
        NotAvailable: (HTTPStatus.NOT_FOUND, "not_available"),
        Unauthenticated: (HTTPStatus.UNAUTHORIZED, "auth_error"),
        SessionExpired: (HTTPStatus.UNAUTHORIZED, "session_expired"),
        Forbidden: (HTTPStatus.FORBIDDEN, "forbidden_role"),
        NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
        Conflict: (HTTPStatus.CONFLICT, "conflict"),
        AlreadyConnected: (HTTPStatus.CONFLICT, "conflict"),
        AnotherAccount: (HTTPStatus.CONFLICT, "conflict"),
        ManagedByEnvironment: (HTTPStatus.CONFLICT, "conflict"),
        TooManyRequests: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
        VaultLocked: (HTTPStatus.SERVICE_UNAVAILABLE, "locked"),
    }
)


class Refusal(Exception):  # it is an answer, as `Redirect` is one
    """An answer other than 200. `details` are pairs of a wire name and a sentence; `retry_after` is in seconds."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        code: str | None = None,
        details: Sequence[tuple[str, str]] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.message = message
        self.code = code
        self.details = tuple(details)
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        if status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = CHALLENGE

    def body(self, request_id: str) -> dict[str, object]:
        """`{error, message, requestId, code?, details?, retryAfterSeconds?}`."""
        said: dict[str, object] = {"error": self.error, "message": self.message, "requestId": request_id}
        if self.code is not None:
            said["code"] = self.code
        if self.details:
            said["details"] = [{"field": field, "message": message} for field, message in self.details]
        if self.retry_after is not None:
            said["retryAfterSeconds"] = self.retry_after
        return said


def _same(field: str) -> str:
    return field


def refusal_of(error: HubError, *, refused: str = REFUSED, wire: Callable[[str], str] = _same) -> Refusal:
    """The answer to an error. `refused` is the provider's word for a refusal, `wire` a field's name on the wire."""
    status, word = next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
    code: str | None = None
    details: list[tuple[str, str]] = []
    message = error.text
    if isinstance(error, ProviderError):
        code = error.code
        word = refused if word == REFUSED else word
        if error.field:
            details = [(wire(error.field), error.text)]
    elif isinstance(error, BadForm):
        details = [(wire(field), sentence) for field, sentence in error.fields.items()]
        message = INVALID
    elif type(error) is HubError:
        message = FAILED
    wait = error.retry_after if isinstance(error, RateLimited | TooManyRequests) else None
    return Refusal(status, word, message, code=code, details=details, retry_after=wait)


INVALID = "The request has fields that are missing or wrong; details names each. Mend them and send it again."
FAILED = "Something went wrong in the hub. Give the operator the requestId; the log has more under it."


def invalid(details: Sequence[tuple[str, str]]) -> Refusal:
    """422 for what a body or query says."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error", INVALID, details=details)


def bad_request(message: str) -> Refusal:
    """400 for a request that cannot be read or placed."""
    return Refusal(HTTPStatus.BAD_REQUEST, "bad_request", message)
