"""What can go wrong, in words that may be shown.

HubError                      written by us, safe to show
├─ ProviderError              the vendor said no, or said nothing
│  ├─ InvalidCredentials      refused for good: edit the form
│  │  └─ Incomplete           what is stored lacks a field, or has a wrong one: nobody was asked
│  ├─ AuthExpired             refused for good: was valid once, reconnect
│  ├─ InsufficientPermissions accepted, but scopes or destination do not suffice
│  ├─ RateLimited             busy: try again after `retry_after`
│  ├─ NetworkError            no answer
│  └─ PlatformError           an answer that makes no sense
├─ BadForm                    `fields`: name → what is wrong and what to do
├─ NotAvailable               nothing here can do that (no database, no such method)
├─ Unauthenticated            nobody known asks
│  └─ SessionExpired          somebody was known, whose session has ended
├─ Forbidden · NotFound · Conflict
│  ├─ AnotherAccount          (Conflict) the vendor proved another account than the one connected
│  ├─ AlreadyConnected        (Conflict) the account is connected already, by `connection`
│  └─ ManagedByEnvironment    (Conflict) the operator's variable decides about it
├─ TooManyRequests            our own limit: try again after `retry_after`
└─ VaultLocked                no key, or a key that does not open this

HTTP statuses are not here: each API owns its table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class HubError(Exception):
    """An expected failure. Its text is a sentence with a subject, a reason and a remedy, without secrets."""

    code: ClassVar[str] = "HUB_ERROR"
    retryable: ClassVar[bool] = False

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class ProviderError(HubError):
    """The vendor said no, or said nothing. `field` names the input to mend, where one is at fault."""

    permanent: ClassVar[bool] = False

    def __init__(self, text: str, *, field: str | None = None, vendor_code: str | None = None) -> None:
        super().__init__(text)
        self.field = field
        self.vendor_code = vendor_code


class InvalidCredentials(ProviderError):
    code = "INVALID_CREDENTIALS"
    permanent = True


class Incomplete(InvalidCredentials):
    """What is stored cannot be used as it is; the text names what is missing or wrong."""


class AuthExpired(ProviderError):
    code = "AUTH_EXPIRED"
    permanent = True


class InsufficientPermissions(ProviderError):
    code = "INSUFFICIENT_PERMISSIONS"
    permanent = True

    def __init__(
        self,
        text: str,
        *,
        required_scopes: tuple[str, ...] = (),
        field: str | None = None,
        vendor_code: str | None = None,
    ) -> None:
        super().__init__(text, field=field, vendor_code=vendor_code)
        self.required_scopes = required_scopes


class RateLimited(ProviderError):
    code = "RATE_LIMITED"
    retryable = True

    def __init__(self, text: str, *, retry_after: int = 60) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds to wait, 1 to 86,400."""


class NetworkError(ProviderError):
    code = "NETWORK_ERROR"
    retryable = True


class PlatformError(ProviderError):
    code = "PLATFORM_ERROR"
    retryable = True


class BadForm(HubError):
    """`fields` maps a form field's name (snake_case; `""` for the whole form) to a sentence."""

    code = "BAD_FORM"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class NotAvailable(HubError):
    code = "NOT_AVAILABLE"


class Unauthenticated(HubError):
    code = "UNAUTHENTICATED"


class SessionExpired(Unauthenticated):
    code = "SESSION_EXPIRED"


class Forbidden(HubError):
    code = "FORBIDDEN"


class NotFound(HubError):
    code = "NOT_FOUND"


class Conflict(HubError):
    code = "CONFLICT"


class ManagedByEnvironment(Conflict):
    """The operator's variable decides about it, nobody else."""

    code = "MANAGED_BY_ENVIRONMENT"


class AlreadyConnected(Conflict):
    """The account is connected already, by the connection with this id."""

    code = "ALREADY_CONNECTED"

    def __init__(self, text: str, *, connection: str) -> None:
        super().__init__(text)
        self.connection = connection


class AnotherAccount(Conflict):
    """The vendor proved `proven`, but `present` is connected. Nothing was stored; the caller decides."""

    code = "ANOTHER_ACCOUNT"

    def __init__(self, provider: str, *, present: str, proven: str) -> None:
        super().__init__(
            f"{provider} says this is {proven}, but {present} is connected. "
            f"Choose whether to replace {present} or to keep both."
        )
        self.present = present
        self.proven = proven


class TooManyRequests(HubError):
    code = "TOO_MANY_REQUESTS"

    def __init__(self, text: str, *, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds to wait, at least 1."""


class VaultLocked(HubError):
    code = "VAULT_LOCKED"
