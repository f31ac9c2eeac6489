"""Time comes from here, so that a test can set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic as _monotonic

Now = Callable[[], datetime]


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one place


def monotonic() -> float:
    """Seconds that only grow, to measure how long something took."""
    return _monotonic()


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The moment that `iso` wrote."""
    return datetime.fromisoformat(text)
