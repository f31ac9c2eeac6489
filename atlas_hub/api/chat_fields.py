"""Fields of the chat API's bodies, read one by one: all that is wrong is told at once, by the names of the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from atlas_hub.api.chat_errors import invalid

IDENTIFIER_LENGTH: Final = 120
SUBSCRIBER_LENGTH: Final = 200
TEXT_LENGTH: Final = 200
TOKEN_LENGTH: Final = 8000
_UNADDRESSABLE: Final = frozenset("/?#")
"""What some clients write into a path as it is."""


class Fields:
    """A body. `faults` collects what is wrong; `checked` raises `Refused` 422 with all of it.

    A null counts as not given, in every field.
    """

    def __init__(self, body: Mapping[str, Any], faults: dict[str, str] | None = None, at: str = "") -> None:
        self._body = body
        self._at = at
        self.faults: dict[str, str] = {} if faults is None else faults

    def fault(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field."""
        self.faults.setdefault(f"{self._at}{name}", sentence)

    def checked(self) -> None:
        """Raises `Refused` 422 where anything was wrong."""
        if self.faults:
            raise invalid(self.faults)

    def text(self, name: str, *, required: bool = False, most: int = TEXT_LENGTH) -> str:
        """A text that can be seen; "" where it is not given."""
        value = self._body.get(name)
        if value is None:
            if required:
                self.fault(name, f"{name} should not be empty")
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
            self.fault(name, f"{name} must be a text of 1 to {most} characters, all of which can be seen")
            return ""
        return value

    def identifier(self, name: str, *, required: bool = False) -> str:
        """A text that can stand in a path; "" where it is not given."""
        value = self.text(name, required=required, most=IDENTIFIER_LENGTH)
        if not _UNADDRESSABLE.isdisjoint(value) or value != value.strip() or value in {".", ".."}:
            self.fault(name, f"{name} must not have / ? # in it, nor blanks around it")
        return value

    def one_of(self, name: str, words: Iterable[str], *, required: bool = False) -> str:
        """One of some words; "" where it is not given."""
        value = self._body.get(name)
        if value is None and not required:
            return ""
        if value not in tuple(words):
            self.fault(name, f"{name} must be one of the following values: {', '.join(words)}")
            return ""
        return str(value)

    def flag(self, name: str) -> bool:
        """A boolean; False where it is not given."""
        value = self._body.get(name)
        if not isinstance(value, bool | None):
            self.fault(name, f"{name} must be a boolean value")
        return value is True

    def moment(self, name: str) -> datetime | None:
        """A moment of ISO 8601, in UTC where it names no zone."""
        value = self._body.get(name)
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else None
            if found is not None:
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self.fault(name, f"{name} must be a moment of ISO 8601, such as 2026-03-31T09:30:00.000Z")
        return None

    def object(self, name: str, *, required: bool = False) -> dict[str, Any]:
        """An object as it is; {} where it is not given."""
        value = self._body.get(name)
        if value is None and not required:
            return {}
        if not isinstance(value, dict):
            self.fault(name, f"{name} must be an object")
            return {}
        return value

    def within(self, name: str, *, required: bool = False) -> Fields:
        """The fields of an object; what is wrong is told under its name."""
        return Fields(self.object(name, required=required), self.faults, f"{self._at}{name}.")

    def has(self, name: str) -> bool:
        """Whether a field was given."""
        return self._body.get(name) is not None
