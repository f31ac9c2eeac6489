"""The address of a consent: the page's begin and the chat API's POST, against a bare endpoint that inserts a row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import ground as grounds
from bench.figures import Figure, Skipped, at, middle, paired, quarters
from bench.load import Load, Target
from bench.servers import granian

PATHS = {"page": "/begin", "chat API": "/v1/integrations/channel-connections/oauth"}
APP, SUBSCRIBER = "bench-slack", "sub-1"
APP_ENV = {"SLACK_CLIENT_ID": "111111111111.222222222222", "SLACK_CLIENT_SECRET": "bench" * 6}
TURNS, EACH = 16, 20


def figures() -> Iterator[Figure | Skipped]:
    """Both ways to an address, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        for way in PATHS:
            name = f"address of a consent, {way}, {kind}"
            yield Skipped(name, missing) if missing else _beside(name, kind, way)


def _beside(name: str, kind: str, way: str) -> Figure:
    """One request at a time; ours and the floor take turns."""
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = running.enter_context(grounds.database(kind, folder))
        ground = asyncio.run(grounds.prepare(kind, url, folder, rows=False, apis=("chat",)))
        env = {**ground.env, **APP_ENV, "BENCH_WORKSPACE": ground.workspace}
        port, _ = running.enter_context(granian("bench.consents:beginning" if way == "page" else "hub", folder, env))
        bare, _ = running.enter_context(granian("bench.consents:inserting", folder, env))
        load = running.enter_context(Load())
        headers = (*ground.api_key, ("Content-Type", "application/json"))
        if way == "chat API":
            for path, told in _wanted():
                load.run([Target(port, path, "POST", headers, json.dumps(told).encode())], count=1)
        body = json.dumps({"integrationIdentifier": APP, "subscriberId": SUBSCRIBER}).encode()
        targets = (Target(port, PATHS[way], "POST", headers, body), Target(bare, "/", "POST", headers, body))
        for target in targets:
            load.run([target], count=2 * EACH)  # until the code is warm
        seen: tuple[list[float], list[float]] = ([], [])
        turns: tuple[list[float], list[float]] = ([], [])
        for _ in range(TURNS):
            for target, latencies, medians in zip(targets, seen, turns, strict=True):
                some = load.run([target], count=EACH).latencies
                latencies.extend(some)
                medians.append(middle(some))
    return _figure(name, seen, turns)


def _wanted() -> Iterator[tuple[str, dict[str, object]]]:
    """What an address is asked of: an app, and a subscriber."""
    app = {"clientId": APP_ENV["SLACK_CLIENT_ID"], "secretKey": APP_ENV["SLACK_CLIENT_SECRET"]}
    slack = {"providerId": "slack", "channel": "chat", "active": True}
    yield "/v1/integrations", {**slack, "identifier": APP, "credentials": app}
    yield "/v2/subscribers", {"subscriberId": SUBSCRIBER}


def _figure(name: str, seen: tuple[list[float], list[float]], turns: tuple[list[float], list[float]]) -> Figure:
    ratios = paired(*turns)
    return Figure(
        name=name,
        unit="ms",
        ours=middle(seen[0]) * 1000,
        floor=middle(seen[1]) * 1000,
        value=middle(ratios),
        of=f"{middle(ratios):.2f}x",
        spread=quarters(ratios),
        notes=(f"95th percentile {at(seen[0], 0.95) * 1000:.2f} ms against {at(seen[1], 0.95) * 1000:.2f} ms.",),
    )
