"""What a channel endpoint of each type is made of, and what of it is secret: pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.secret import HIDDEN, Secret, mask
from atlas_hub.services.chat_words import Unusable

LENGTH: Final = 2000
MOST_HEADERS: Final = 20
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@dataclass(frozen=True)
class Shape:
    """Fields that a type needs and may have. `secret` ones are sealed; `one_of`: at least one of these."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    secret: frozenset[str] = frozenset()
    one_of: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.needs, *self.may, *self.one_of)


_URL: Final = frozenset({"url"})
SHAPES: Final[Mapping[str, Shape]] = {
    "slack_channel": Shape(("channelId",)),
    "slack_user": Shape(("userId",)),
    "webhook": Shape(("url",), ("channel",), _URL),
    "phone": Shape(("phoneNumber",)),
    "ms_teams_channel": Shape(("teamId", "channelId")),
    "ms_teams_user": Shape(("userId",), ("tenantId",)),
    "telegram_chat": Shape(("chatId",)),
    "webex_room": Shape(("roomId",), ("parentId",)),
    "webex_person": Shape(one_of=("personId", "personEmail")),
    "line_user": Shape(("userId",)),
    "pagerduty_service": Shape(("routingKey", "region"), (), frozenset({"routingKey"})),
    "opsgenie_integration": Shape(("apiKey", "region"), (), frozenset({"apiKey"})),
    "grafana_oncall_integration": Shape(("url",), ("authToken",), frozenset({"url", "authToken"})),
    "tool_webhook": Shape(("url",), ("headers", "method"), frozenset({"url", "headers"})),
}
"""The fourteen types."""
NEEDS_CONNECTION: Final = frozenset({"webex_room", "webex_person"})


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= LENGTH and value.isprintable()


def _is_url(value: Any) -> bool:
    if not _is_text(value) or any(sign.isspace() for sign in value):
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _are_headers(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= MOST_HEADERS
        and all(_HEADER.fullmatch(name) and _is_text(text) for name, text in value.items())
    )


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "url": _is_url,
    "headers": _are_headers,
    "region": lambda value: value in ("us", "eu"),
    "method": lambda value: value in ("POST", "PUT", "PATCH"),
}


def given(kind: str, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a type that were given: neither null nor the `{}` that clients make of an object they cannot send.

    Raises `Unusable` where one has not the format.
    """
    fields = {name: endpoint[name] for name in SHAPES[kind].fields if endpoint.get(name) not in (None, {})}
    if not all(_CHECKS.get(name, _is_text)(value) for name, value in fields.items()):
        raise unfit(kind)
    return fields


def require_whole(kind: str, names: frozenset[str]) -> None:
    """Raises `Unusable` where what a type needs is not all there."""
    shape = SHAPES[kind]
    if not set(shape.needs) <= names or (shape.one_of and not names & set(shape.one_of)):
        raise unfit(kind)


def unfit(kind: str) -> Unusable:
    """What is said of an endpoint that is not of its type's format."""
    shape = SHAPES[kind]
    needs = ", ".join(shape.needs) or " or ".join(shape.one_of)
    may = f"; it may have {', '.join(shape.may)}" if shape.may else ""
    return Unusable(f'Endpoint must match the required format for type "{kind}": it needs {needs}{may}')


def secrets_of(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """The secret ones among the fields, as the texts that are sealed."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
        if name in SHAPES[kind].secret
    }


def shown(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they may be shown: an address by scheme and host, any other secret masked."""
    secret = SHAPES[kind].secret
    return {name: _covered(name, value) if name in secret else value for name, value in fields.items()}


def _covered(name: str, value: Any) -> Any:
    if name == "url":
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc}/…"
    if isinstance(value, Mapping):
        return {header: mask(Secret(text)) for header, text in value.items()}
    return mask(Secret(value))


def without_masks(kind: str, fields: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something new: one that is its own mask keeps what is stored.

    Raises `BadForm` for a secret that is another's mask.
    """
    new = {
        name: value for name, value in fields.items() if name not in SHAPES[kind].secret or value != stored.get(name)
    }
    masked = {
        f"endpoint.{name}": "This is a mask, not the value. Send the value, or leave the field out to keep it."
        for name, value in new.items()
        if name in SHAPES[kind].secret and (HIDDEN in str(value) or str(value).endswith("/…"))
    }
    if masked:
        raise BadForm(masked)
    return new
