"""What an entry of the contract suite is, and the troubles that every HTTP vendor can have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Method
from tests.standins.dial import BUSY_FOR, NONSENSE, Fault


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that goes wrong at the vendor: what `begin` does to the stand-in, and what it must become here.

    `waits`: the least and most `retry_after`. `slow`: the time limit is shortened for it. `steps`: how many steps
    of a check end well before it; None where it does not matter.
    """

    name: str
    begin: Callable[[Any], None]
    error: type[ProviderError]
    waits: tuple[int, int] | None = None
    slow: bool = False
    in_check: bool = True
    in_send: bool = True


def turned(fault: Fault, error: type[ProviderError], **facts: Any) -> Trouble:
    """A trouble of the HTTP stand-ins' dial."""
    body = facts.pop("body", None)
    name = f"{fault}-{body[:40]}" if body else str(fault)
    return Trouble(name=name, begin=lambda standin: standin.dial.set(fault, body=body), error=error, **facts)


def inside(said: Mapping[str, Any], error: type[ProviderError], **facts: Any) -> Trouble:
    """A 200 with an error inside, in the vendor's words."""
    return turned(Fault.NONSENSE, error, body=json.dumps(said), **facts)


HTTP_TROUBLES = (
    turned(Fault.UNAUTHORIZED, InvalidCredentials),
    turned(Fault.FORBIDDEN, InsufficientPermissions),
    turned(Fault.BUSY_SECONDS, RateLimited, waits=(BUSY_FOR, BUSY_FOR)),
    turned(Fault.BUSY_DATE, RateLimited, waits=(1, BUSY_FOR + 1)),
    turned(Fault.BUSY_BARE, RateLimited, waits=(60, 60)),
    turned(Fault.SERVER_ERROR, PlatformError),
    turned(Fault.UNAVAILABLE, PlatformError),
    turned(Fault.HTML, PlatformError),
    turned(Fault.EMPTY, PlatformError),
    turned(Fault.HANG, NetworkError, slow=True),
    turned(Fault.REDIRECT, PlatformError),
    turned(Fault.HUGE, PlatformError),
    turned(Fault.RESET, NetworkError),
    *(turned(Fault.NONSENSE, PlatformError, body=body) for body in NONSENSE),
)


def http_troubles(*without: Fault) -> tuple[Trouble, ...]:
    """The troubles of every HTTP vendor but those that a vendor means something else by."""
    return tuple(trouble for trouble in HTTP_TROUBLES if trouble.name not in {*map(str, without)})


def at_delivery(*troubles: Trouble) -> tuple[Trouble, ...]:
    """Troubles of a method whose check asks nobody."""
    return tuple(replace(trouble, in_check=False) for trouble in troubles)


class Nobody:
    """Who stands in for a vendor that is never asked. `calls` and `messages` stay empty."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.messages: list[Any] = []

    def reset(self) -> None:
        """Nothing was changed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing was begun."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The facts of one method for the suite.

    `values`: what an admin types, from the stand-in, by API name. `vendor`: the words that its errors use for the
    vendor. `steps`: the keys of a check that goes well. `tokens`: the secrets that are cleaned of what sticks to
    them. `misshapen`: field → a value that the form refuses. `seconds`: where the time limit is, if not in `Http`.
    """

    slug: str
    method: str
    vendor: str
    standin: Callable[[], Any]
    values: Callable[[Any], dict[str, Any]]
    steps: tuple[str, ...]
    to: str
    troubles: tuple[Trouble, ...]
    account: tuple[str, str] | None
    tokens: tuple[str, ...] = ()
    misshapen: Mapping[str, Any] = field(default_factory=dict)
    wrong_to: tuple[str, ...] = ("", "two words", "a\r\nb")
    mend: Callable[[Any], None] = lambda standin: standin.reset()
    variables: Callable[[Any], dict[str, str]] = lambda _standin: {}
    seconds: str | None = None

    @property
    def id(self) -> str:
        return f"{self.slug}-{self.method}"

    @property
    def way(self) -> Method[Any]:
        method = PROVIDERS[self.slug].method(self.method)
        assert method is not None
        return method
