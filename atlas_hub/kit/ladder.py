"""The check ladder: the steps of a check, told one after the other as they are known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from atlas_hub.kit.clock import monotonic
from atlas_hub.kit.errors import HubError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung of the check ladder: `ok` is None while it runs. A later step of the same key replaces it."""

    key: str
    text: str
    ok: bool | None
    detail: str = ""


Report = Callable[[Step], None]


def silent(step: Step) -> None:
    """A report that nobody reads."""


@dataclass
class Rung:
    """How a step ends, for whoever stands on it to say."""

    ok: bool = True
    detail: str = ""


class Ladder:
    """Reports each step as it begins and as it ends; an error ends it with the error's own sentence."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @contextmanager
    def step(self, key: str, text: str) -> Iterator[Rung]:
        """One step; set `detail` (and `ok`) of what comes back before it ends."""
        rung = Rung()
        self._report(Step(key=key, text=text, ok=None))
        try:
            yield rung
        except BaseException as error:
            detail = error.text if isinstance(error, HubError) else "It was not finished."
            self._report(Step(key=key, text=text, ok=False, detail=detail))
            raise
        self._report(Step(key=key, text=text, ok=rung.ok, detail=rung.detail))

    async def reach(self, vendor: str, asked: Awaitable[T]) -> T:
        """The step `reached`: wait for the vendor's answer and tell how many milliseconds it took."""
        with self.step("reached", f"Reach {vendor}") as rung:
            begun = monotonic()
            answer = await asked
            rung.detail = f"{(monotonic() - begun) * 1000:.0f} ms"
        return answer
