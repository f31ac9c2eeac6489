"""Figure 6: the memory of a worker and of an idle tab, against an empty Reflex app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ground as grounds
from bench import sites, wire
from bench.figures import Figure, Skipped
from bench.load import Load
from bench.tabs import FILLED, SOCKET, browser, page_tabs

TABS = 100
SETTLE_SECONDS = 3


@dataclass(frozen=True)
class Memory:
    """Of one process, in MB: what it shares counted by its share, what it shares counted whole, and what is its own."""

    pss: float
    rss: float
    own: float


def memory_of(pid: int) -> Memory:
    """As Linux counts it (proc(5), smaps_rollup). Raises `OSError` where there is no such file."""
    sizes: dict[str, float] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = float(rest.split()[0]) * 1024 / 1e6
    return Memory(sizes["Pss"], sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"])


def figures() -> Iterator[Figure | Skipped]:
    """The worker after it was warmed up, and what a hundred tabs add to it."""
    if not Path("/proc/self/smaps_rollup").exists():
        yield Skipped("memory", "This system does not tell the memory of a process in /proc.")
        return
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = f"sqlite:///{folder / 'atlas.db'}"
        ground = asyncio.run(grounds.prepare("SQLite", url, folder))
        hub = running.enter_context(sites.hub(folder / "hub.log", ground.env))
        empty = running.enter_context(sites.empty(folder / "empty.log"))
        with Load() as load:
            load.run([ground.status(hub.port)], concurrency=16, count=500)
        bare = wire.opening(empty.port, TABS, path=SOCKET, say=wire.boot("/"), ready=FILLED)
        ours = _taken(hub, page_tabs(hub.port, TABS, ground.cookies))
        floor = _taken(empty, bare)
    yield _worker(ours[0], floor[0])
    yield _tab(ours, floor)


def _taken(site: sites.Site, opening: dict[str, Any]) -> tuple[Memory, Memory]:
    """The worker before and with a hundred tabs. The same tabs come and go once before, to warm it up."""
    with browser() as ask:
        ask({**opening, "count": 10})
    time.sleep(SETTLE_SECONDS)
    before = memory_of(site.workers[0])
    with browser() as ask:
        ask(opening)
        time.sleep(SETTLE_SECONDS)
        return before, memory_of(site.workers[0])


def _worker(ours: Memory, floor: Memory) -> Figure:
    return Figure(
        name="memory of a worker (PSS)",
        unit="MB",
        ours=ours.pss,
        floor=floor.pss,
        value=ours.pss / floor.pss,
        of=f"{ours.pss / floor.pss:.2f}x, {ours.pss - floor.pss:.0f} MB more",
        notes=(
            f"Resident {ours.rss:.0f} MB, its own {ours.own:.0f}; the empty app {floor.rss:.0f} and {floor.own:.0f}.",
            "What is not a worker's own it shares with the process that started it.",
        ),
    )


def _tab(ours: tuple[Memory, Memory], floor: tuple[Memory, Memory]) -> Figure:
    mine, bare = ((after.own - before.own) * 1000 / TABS for before, after in (ours, floor))
    return Figure(
        name="memory of an idle tab",
        unit="kB",
        ours=mine,
        floor=bare,
        value=mine,
        of=f"{mine - bare:.0f} kB more",
        notes=(f"What the worker's own memory grew by {TABS} tabs, divided by {TABS}.",),
    )
