"""Figure 3: what a connect costs beyond the vendor's own time."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ground as grounds
from bench.figures import Figure, Skipped, at, middle, quarters
from bench.load import Load, Target
from bench.servers import granian, standins

TIMES = 60
MOST_MS = 50
ADMIN = "/api/v1/admin/integrations"


@dataclass(frozen=True)
class Vendor:
    """How one is connected and disconnected, and by which environment variable the hub finds it."""

    name: str
    connect: str
    disconnect: str
    upstream: str
    body: Mapping[str, Any]


def vendors() -> tuple[Vendor, ...]:
    """The two of the figure, with credentials that the stand-ins know."""
    from tests.standins.slack_seed import ACME
    from tests.standins.telegram import ATLAS

    return (
        Vendor("Telegram", "/telegram", "/telegram", "ATLAS_UPSTREAM_TELEGRAM", {"botToken": ATLAS}),
        Vendor("Slack", "/slack/byot", "/slack", "ATLAS_UPSTREAM_SLACK", {"botToken": ACME}),
    )


def figures() -> Iterator[Figure | Skipped]:
    """Each vendor on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        if missing:
            yield Skipped(f"connect, {kind}", missing)
            continue
        with ExitStack() as running:
            folder = Path(running.enter_context(grounds.scratch()))
            url = running.enter_context(grounds.database(kind, folder))
            ground = asyncio.run(grounds.prepare(kind, url, folder, rows=False))
            upstreams = running.enter_context(standins(folder))
            port, _ = running.enter_context(granian("hub", folder, {**ground.env, **upstreams}))
            load = running.enter_context(Load())
            json_bearer = (*ground.bearer, ("Content-Type", "application/json"))
            for vendor in vendors():
                connect = Target(port, ADMIN + vendor.connect, "POST", json_bearer, json.dumps(vendor.body).encode())
                disconnect = Target(port, ADMIN + vendor.disconnect, "DELETE", ground.bearer)
                yield _beyond(f"connect {vendor.name}, {kind}", load, connect, disconnect, upstreams[vendor.upstream])


def _beyond(name: str, load: Load, connect: Target, disconnect: Target, upstream: str) -> Figure:
    """Connect and disconnect by turns, timing the connects; then the same calls to the stand-in, bare."""
    _control(upstream, "POST", "/__reset")
    load.run([connect, disconnect], count=2)
    calls = [_bare(upstream, call) for call in _control(upstream, "GET", "/__calls")["calls"]]
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(4):  # until the code is warm
        load.run([connect, disconnect], count=2)
    for _ in range(TIMES // 2):
        ours += load.run([connect, disconnect], count=4).latencies[::2]
        floor += [sum(load.run([call], count=2).latencies[1:]) for call in calls for _ in range(2)]
    beyond = [(one - other) * 1000 for one, other in zip(ours, floor, strict=False)]
    took = middle(ours) * 1000 - middle(floor) * 1000
    return Figure(
        name=name,
        unit="ms",
        ours=middle(ours) * 1000,
        floor=middle(floor) * 1000,
        value=took,
        of=f"{took:.1f} ms beyond",
        aim=f"<= {MOST_MS} ms",
        met=took <= MOST_MS,
        spread=quarters(beyond, 1) + " ms",
        notes=(f"{len(calls)} call to the vendor; 95th percentile {at(ours, 0.95) * 1000:.1f} ms.",),
    )


def _bare(upstream: str, call: Mapping[str, Any]) -> Target:
    """A call that the hub made, to be made again. Raises `RuntimeError` where the stand-in would refuse it."""
    headers = tuple(
        (name, value) for name, value in call["headers"].items() if name in {"authorization", "content-type"}
    )
    bare = Target(_port(upstream), call["path"], call["method"], headers, str(call.get("body") or "").encode())
    said = _control(upstream, bare.method, bare.path, dict(headers))
    if said.get("ok") is not True:
        raise RuntimeError(f"The stand-in refuses what the hub asked it: {said}")
    return bare


def _port(upstream: str) -> int:
    return int(upstream.rpartition(":")[2])


def _control(upstream: str, method: str, path: str, headers: Mapping[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", _port(upstream), timeout=10)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        said = connection.getresponse().read()
        return json.loads(said) if said else None
    finally:
        connection.close()
