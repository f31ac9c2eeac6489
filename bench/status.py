"""Figures 1 and 2: GET /status against a bare endpoint with the same queries, and among many workspaces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import ground as grounds
from bench import turns
from bench.figures import Figure, Skipped, at, middle, paired, quarters
from bench.ground import STATUS, Ground
from bench.load import Load, Target
from bench.servers import granian

CONCURRENCY = 16
ROUNDS, SECONDS = 9, 1.2
WORKSPACES = 10_000
TURNS, EACH = 24, 40


def figures() -> Iterator[Figure | Skipped]:
    """Requests a second, then latency in a crowd, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        for name, taken in ((f"status, {kind}", _rate), (f"status among {WORKSPACES:,} workspaces, {kind}", _crowd)):
            yield Skipped(name, missing) if missing else taken(name, kind)


def _rate(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = running.enter_context(grounds.database(kind, folder))
        ground = asyncio.run(grounds.prepare(kind, url, folder))
        statements, body = asyncio.run(grounds.counted(ground))
        written = grounds.floor_file(ground, statements, body)
        port, pid = running.enter_context(granian("hub", folder, ground.env))
        bare, bare_pid = running.enter_context(granian("floor", folder, {"BENCH_FLOOR": str(written)}))
        load = running.enter_context(Load())
        asked = ((ground.status(port), pid), (Target(bare, STATUS, headers=ground.bearer), bare_pid))
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
        targets = []
        for others in (WORKSPACES - 1, 0):
            folder = Path(running.enter_context(grounds.scratch()))
            url = running.enter_context(grounds.database(kind, folder))
            ground: Ground = asyncio.run(grounds.prepare(kind, url, folder, others=others))
            port, _ = running.enter_context(granian("hub", folder, ground.env))
            targets.append(ground.status(port))
        load = running.enter_context(Load())
        seen, medians = turns.latencies(load, targets, turns=TURNS, each=EACH)
    many, one = middle(seen[0]) * 1000, middle(seen[1]) * 1000
    return Figure(
        name=name,
        unit="ms",
        ours=many,
        floor=one,
        value=many / one,
        of=f"{many / one:.2f}x one workspace",
        aim="<= 1.2x",
        met=many / one <= 1.2,
        spread=quarters(paired(*medians)),
        notes=(f"95th percentile {at(seen[0], 0.95) * 1000:.2f} ms against {at(seen[1], 0.95) * 1000:.2f} ms.",),
    )
