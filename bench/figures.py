"""A figure, its floor and its aim; medians, spread and the table they are printed in."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table. `ours` and `floor` are in `unit`; `aim` says what `value` is held against.

    `value` is a ratio, a difference or `ours` itself, as `of` says. `met` is None where there is no aim or no value.
    """

    name: str
    unit: str
    ours: float
    floor: float | None
    value: float
    of: str
    aim: str = ""
    met: bool | None = None
    spread: str = ""
    notes: Sequence[str] = field(default=())

    def row(self) -> tuple[str, ...]:
        """The cells of the printed table."""
        floor = "" if self.floor is None else f"{_number(self.floor)} {self.unit}"
        met = {True: "met", False: "NOT met", None: "-"}[self.met]
        return self.name, f"{_number(self.ours)} {self.unit}", floor, self.of, self.spread, self.aim or "-", met

    def json(self) -> dict[str, Any]:
        """The same for a program."""
        return asdict(self)


@dataclass(frozen=True)
class Skipped:
    """A figure that could not be taken, and why."""

    name: str
    why: str


HEAD = ("figure", "ours", "floor", "ratio or difference", "spread", "aim", "aim met")


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, with their notes below."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(len(line) for line in lines))
    lines += [f"  {figure.name}: {note}" for figure in figures for note in figure.notes]
    return "\n".join(lines)


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def at(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of all lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def quarters(values: Sequence[float], digits: int = 2) -> str:
    """The middle half of the values, as text."""
    return f"{at(values, 0.25):.{digits}f} to {at(values, 0.75):.{digits}f}"


def paired(ours: Sequence[float], floor: Sequence[float]) -> list[float]:
    """The ratio of each round to the floor's round beside it, so that what slows both slows neither's ratio."""
    return [one / other for one, other in zip(ours, floor, strict=True)]


def load_average() -> str:
    """How busy the machine is: runnable processes over the last 1, 5 and 15 minutes, and the processors."""
    one, five, fifteen = os.getloadavg()
    return f"load average {one:.2f} {five:.2f} {fifteen:.2f} on {os.cpu_count()} processors"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
