"""The connections API: the channels of a large Slack workspace, listed anew and as they are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from bench import ground as grounds
from bench.figures import Figure, Skipped, middle, quarters
from bench.servers import granian
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME_IN_FULL, SlackChannel

PATH = "/api/connections"
CHANNELS, TIMES = 5_000, 5


def figures() -> Iterator[Figure | Skipped]:
    """How long a sync job waits for 5,000 channels, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        name = f"a listing of {CHANNELS:,} channels, {kind}"
        yield Skipped(name, missing) if missing else _listing(name, kind)


def _listing(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        slack = running.enter_context(SlackStandin())
        team = slack.tokens[ACME_IN_FULL].team_id
        slack.channels = [SlackChannel(f"C{number:08}", f"team-{number}", team) for number in range(CHANNELS)]
        folder = Path(running.enter_context(grounds.scratch()))
        url = running.enter_context(grounds.database(kind, folder))
        ground = asyncio.run(grounds.prepare(kind, url, folder, rows=False, apis=("connections",)))
        port, _ = running.enter_context(granian("hub", folder, {**ground.env, **slack.env}))
        headers = dict(ground.bearer)
        hub = running.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60))
        body = {"platform": "slack", "name": "Large", "credentials": {"bot_token": ACME_IN_FULL}}
        made = hub.post(PATH, json=body).raise_for_status().json()
        path = f"{PATH}/{made['id']}/channels"
        first = _timed(lambda: _listed(hub, f"{path}?refresh=true"))
        anew = [_timed(lambda: _listed(hub, f"{path}?refresh=true")) for _ in range(TIMES)]
        kept = [_timed(lambda: _listed(hub, path)) for _ in range(TIMES)]
        floor = [_timed(lambda: _pages(slack)) for _ in range(TIMES)]
    return Figure(
        name=name,
        unit="s",
        ours=middle(anew),
        floor=middle(floor),
        value=middle(anew),
        of=f"{middle(anew):.2f} s, {middle(anew) / middle(floor):.1f}x the stand-in's own pages",
        aim="< 2 s",
        met=max(first, *anew) < 2,
        spread=quarters(anew),
        notes=(
            f"The first one, which stores them all, {first:.2f} s; as they are kept, {middle(kept) * 1000:.0f} ms.",
            "The floor asks the stand-in for the same pages, with a plain client.",
        ),
    )


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _listed(hub: httpx.Client, path: str) -> None:
    found = hub.get(path).raise_for_status().json()
    assert len(found) == CHANNELS, len(found)


def _pages(slack: SlackStandin) -> None:
    """Every page, asked by a plain client."""
    asked = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": "500"}
    headers = {"Authorization": f"Bearer {ACME_IN_FULL}"}
    with httpx.Client(base_url=slack.base, headers=headers, timeout=60) as client:
        while True:
            told = client.post("/api/conversations.list", data=asked).json()
            asked["cursor"] = told["response_metadata"]["next_cursor"]
            if not asked["cursor"]:
                return
