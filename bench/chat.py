"""The chat API's list of channel connections: against a bare endpoint, among others' rows, and among its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ground as grounds
from bench import turns
from bench.chat_rows import APP, fill
from bench.figures import Figure, Skipped, at, middle, paired, quarters
from bench.ground import Ground
from bench.load import Load, Target
from bench.servers import granian

PATH = "/v1/channel-connections"
CONCURRENCY = 16
ROUNDS, SECONDS = 7, 1.0
TURNS, EACH = 16, 40
OWN, MANY = 100, 100_000
TIMES = 60


def figures() -> Iterator[Figure | Skipped]:
    """Requests a second, latency in a crowd, and the page's query among many rows of its own, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        for name, taken in (
            (f"channel connections, {kind}", _rate),
            (f"channel connections among {MANY:,} of others, {kind}", _crowd),
            (f"channel connections among {MANY:,} of its own, {kind}", _own),
        ):
            yield Skipped(name, missing) if missing else taken(name, kind)


@dataclass(frozen=True)
class _Prepared:
    """A ground whose workspace has channel connections."""

    ground: Ground
    port: int
    pid: int

    @property
    def target(self) -> Target:
        return Target(self.port, PATH, headers=self.ground.api_key)


async def _prepared(kind: str, url: str, folder: Path, own: int, others: int) -> Ground:
    ground = await grounds.prepare(kind, url, folder, rows=False, apis=("chat",))
    async with grounds.open_hub(url, folder) as hub:
        await fill(hub, ground.workspace, own)
        if others:
            await fill(hub, "", others)
        await grounds.settle(hub)
    return ground


def _laid(running: ExitStack, kind: str, own: int, others: int = 0) -> Ground:
    folder = Path(running.enter_context(grounds.scratch()))
    url = running.enter_context(grounds.database(kind, folder))
    return asyncio.run(_prepared(kind, url, folder, own, others))


def _served(running: ExitStack, ground: Ground) -> _Prepared:
    port, pid = running.enter_context(granian("hub", ground.folder, ground.env))
    return _Prepared(ground, port, pid)


def _rate(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        ours = _served(running, _laid(running, kind, OWN))
        ground = ours.ground
        statements, body = asyncio.run(grounds.counted(ground, PATH, ground.api_key))
        written = grounds.floor_file(ground, statements, body)
        bare, bare_pid = running.enter_context(granian("floor", ground.folder, {"BENCH_FLOOR": str(written)}))
        load = running.enter_context(Load())
        asked = ((ours.target, ours.pid), (Target(bare, PATH, headers=ground.api_key), bare_pid))
        rates, costs = turns.rates(load, asked, concurrency=CONCURRENCY, rounds=ROUNDS, seconds=SECONDS)
    ratios = paired(*rates)
    ratio = middle(ratios)
    return Figure(
        name=name,
        unit="req/s",
        ours=middle(rates[0]),
        floor=middle(rates[1]),
        value=ratio,
        of=f"{ratio:.0%} of the floor",
        aim=">= 60 %, 3 queries at most",
        met=ratio >= 0.6 and len(statements) <= 3,
        spread=quarters(ratios),
        notes=(
            f"{len(statements)} queries: one for who asks, {len(statements) - 1} for the answer of {len(body)} bytes.",
            f"A request costs {middle(costs[0]):.2f} ms of a processor, in the floor {middle(costs[1]):.2f} ms.",
        ),
    )


def _crowd(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        targets = [_served(running, _laid(running, kind, OWN, others)).target for others in (MANY, 0)]
        load = running.enter_context(Load())
        seen, medians = turns.latencies(load, targets, turns=TURNS, each=EACH)
    many, one = middle(seen[0]) * 1000, middle(seen[1]) * 1000
    return Figure(
        name=name,
        unit="ms",
        ours=many,
        floor=one,
        value=many / one,
        of=f"{many / one:.2f}x alone",
        aim="<= 1.2x",
        met=many / one <= 1.2,
        spread=quarters(paired(*medians)),
        notes=(f"95th percentile {at(seen[0], 0.95) * 1000:.2f} ms against {at(seen[1], 0.95) * 1000:.2f} ms.",),
    )


def _own(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        laid = [_laid(running, kind, own) for own in (MANY, OWN)]
        seen = [asyncio.run(grounds.counted(ground, PATH, ground.api_key))[0][1:] for ground in laid]
        rounds = asyncio.run(_timed(laid, seen))
        narrowed = asyncio.run(_narrowed(laid))
    pages, totals = [middle(each[0]) for each in rounds], [middle(each[1]) for each in rounds]
    ratio = middle(paired(rounds[0][0], rounds[1][0]))
    return Figure(
        name=name,
        unit="ms",
        ours=pages[0],
        floor=pages[1],
        value=ratio,
        of=f"{ratio:.2f}x {OWN} rows",
        aim="<= 1.5x",
        met=ratio <= 1.5,
        spread=quarters(paired(rounds[0][0], rounds[1][0])),
        notes=(
            f"The page's query alone. totalCount, by a query of its own: {totals[0]:.2f} ms, against {totals[1]:.2f}.",
            f"Narrowed, {MANY:,} rows against {OWN}: {narrowed}.",
        ),
    )


async def _timed(laid: Sequence[Ground], seen: Sequence[Sequence[tuple[str, Any]]]) -> list[list[list[float]]]:
    """For each ground, for each of its statements: how long it took, in ms; the grounds take turns."""
    took: list[list[list[float]]] = [[[] for _ in statements] for statements in seen]
    async with (
        grounds.open_hub(laid[0].url, laid[0].folder) as one,
        grounds.open_hub(laid[1].url, laid[1].folder) as two,
    ):
        for _ in range(TIMES):
            for hub, statements, times in zip((one, two), seen, took, strict=True):
                async with hub.db.asking() as ask:
                    for (sql, said), each in zip(statements, times, strict=True):
                        began = time.perf_counter()
                        (await ask.exec_driver_sql(sql, said)).all()
                        each.append((time.perf_counter() - began) * 1000)
    return took


QUERIES = {
    "subscriberId": "subscriberId=sub-77",
    "integrationIdentifier": f"integrationIdentifier={APP}-1",
    "contextKeys": "contextKeys=tenant:t7",
    "updatedAt": "orderBy=updatedAt",
}


async def _narrowed(laid: Sequence[Ground]) -> str:
    """The page's query under each filter, as a ratio."""
    told = []
    for name, query in QUERIES.items():
        seen = [(await grounds.counted(ground, PATH, ground.api_key, query))[0][1:2] for ground in laid]
        took = await _timed(laid, seen)
        told.append(f"{name} {middle(took[0][0]) / middle(took[1][0]):.2f}x")
    return ", ".join(told)
