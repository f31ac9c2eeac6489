"""Figure 4: how soon a change made by REST is seen in a hundred open tabs over two workers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from bench import ground as grounds
from bench import sites, wire
from bench.connect import ADMIN, vendors
from bench.figures import Figure, Skipped, at, middle
from bench.load import Target
from bench.servers import asked, fanout, standins

TABS, WORKERS, CHANGES = 100, 2, 20
MOST_MS, MOST_BYTES = 250, 1000
REDIS = asked("ATLAS_BENCH_REDIS", "redis://127.0.0.1:6379/12")
SOCKET = f"{wire.SPACE}/?token=TOKEN&EIO=4&transport=websocket"
PAGE = "/admin/integrations"
FILLED = '"is_hydrated_rx_state_":true'
SEATED = "reflex___state____state.atlas_hub___accounts___frame____seated.load"


@contextmanager
def browser() -> Iterator[Any]:
    """The process that holds the tabs: a function from a job to its answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.wire"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout

    def ask(job: Mapping[str, Any]) -> Any:
        into.write(json.dumps(job) + "\n")
        into.flush()
        told = out.readline()
        if not told:
            raise RuntimeError("The process that holds the tabs ended. Its reason is above.")
        return json.loads(told)

    try:
        yield ask
    finally:
        into.close()
        process.wait(10)


def page_tabs(port: int, count: int, cookies: Sequence[str], mark: str = "") -> dict[str, Any]:
    """The job that opens the hub's page so often."""
    say = wire.boot(PAGE, SEATED)
    cookies = [f"atlas_session={cookie}" for cookie in cookies]
    return wire.opening(port, count, path=SOCKET, cookies=cookies, say=say, mark=mark, ready=FILLED)


def figures() -> Iterator[Figure | Skipped]:
    """The wait and the bytes. What is left in Redis is our own tabs' state alone, and is deleted."""
    name = f"a change in {TABS} tabs, {WORKERS} workers"
    tokens: set[str] = set()
    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=3, decode_responses=True) as server:
            server.ping()
            try:
                yield from _taken(name, tokens)
            finally:
                for key in server.scan_iter(count=1000):
                    if any(token in key for token in tokens):
                        server.delete(key)
    except redis.RedisError:
        yield Skipped(name, "Redis is not there. Start one, or name a database of it in ATLAS_BENCH_REDIS.")


def _taken(name: str, tokens: set[str]) -> Iterator[Figure]:
    kind = "SQLite" if grounds.postgres_missing() else "PostgreSQL"
    vendor = vendors()[0]
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = running.enter_context(grounds.database(kind, folder))
        ground = asyncio.run(grounds.prepare(kind, url, folder, rows=False))
        env = {**ground.env, **running.enter_context(standins(folder)), "REFLEX_REDIS_URL": REDIS}
        site = running.enter_context(sites.hub(folder / "hub.log", env, workers=WORKERS))
        bare = running.enter_context(fanout(folder, WORKERS, REDIS))
        ours, floor = (running.enter_context(browser()) for _ in range(2))
        began = time.perf_counter()
        tokens |= set(ours(page_tabs(site.port, TABS, ground.cookies, "telegram_card"))["tokens"])
        opened = time.perf_counter() - began
        floor(wire.opening(bare, TABS, path="/"))
        headers = (*ground.bearer, ("Content-Type", "application/json"))
        connect = Target(site.port, ADMIN + vendor.connect, "POST", headers, json.dumps(vendor.body).encode())
        disconnect = Target(site.port, ADMIN + vendor.disconnect, "DELETE", headers)
        ring = Target(bare, "/", "POST", (), b"x" * 500)
        seen: dict[str, list[float]] = {"ours": [], "floor": [], "bytes": []}
        missed = 0
        for number in range(CHANGES + 2):
            told = ours(wire.changing(disconnect if number % 2 else connect))
            rung = floor(wire.changing(ring))
            if number < 2:  # the first of each kind warms the code
                continue
            seen["ours"] += told["lags"]
            seen["bytes"] += told["bytes"]
            seen["floor"] += rung["lags"]
            missed += told["missed"]
    yield from _said(name, kind, seen, missed, opened)


def _said(name: str, kind: str, seen: Mapping[str, list[float]], missed: int, opened: float) -> Iterator[Figure]:
    last, bare = at(seen["ours"], 0.95), at(seen["floor"], 0.95)
    yield Figure(
        name=f"{name}: 95th percentile",
        unit="ms",
        ours=last,
        floor=bare,
        value=last,
        of=f"{last - bare:.0f} ms beyond",
        aim=f"<= {MOST_MS} ms",
        met=last <= MOST_MS and not missed,
        spread=f"median {middle(seen['ours']):.0f}, longest {max(seen['ours']):.0f} ms",
        notes=(
            f"{CHANGES} changes by REST on {kind} and Redis, tabs of {grounds.BROWSERS} browsers.",
            f"{missed} of {CHANGES * TABS} did not arrive.",
            f"Opening the {TABS} tabs took {opened:.1f} s.",
        ),
    )
    size = at(seen["bytes"], 0.95)
    yield Figure(
        name=f"{name}: bytes for each tab",
        unit="B",
        ours=size,
        floor=None,
        value=size,
        of="",
        aim=f"<= {MOST_BYTES} B",
        met=max(seen["bytes"]) <= MOST_BYTES,
        spread=f"{min(seen['bytes']):.0f} to {max(seen['bytes']):.0f} B",
    )
