"""The connections API: its list among other workspaces' rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from atlas_hub.kit.ids import new_id
from atlas_hub.storage.models import Connection
from bench import ground as grounds
from bench import turns
from bench.chat_rows import row_of
from bench.figures import Figure, Skipped, at, middle, paired, quarters
from bench.ground import Ground
from bench.load import Load, Target
from bench.rows import insert_rows
from bench.servers import granian

PATH = "/api/connections"
OWN, MANY = 100, 100_000
PLACES = 1_000
"""The workspaces that the rows of others belong to."""
CHUNK = 5_000
TURNS, EACH = 16, 40


def figures() -> Iterator[Figure | Skipped]:
    """The list of 100 among 100,000 of others, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        name = f"connections among {MANY:,} of others, {kind}"
        yield Skipped(name, missing) if missing else _crowd(name, kind)


async def _prepared(kind: str, url: str, folder: Path, others: int) -> Ground:
    ground = await grounds.prepare(kind, url, folder, rows=False, apis=("connections",))
    async with grounds.open_hub(url, folder) as hub:
        places = [new_id() for _ in range(PLACES)]
        rows = [_account(ground.workspace, number) for number in range(OWN)]
        async with hub.db.transaction() as tx:
            await insert_rows(tx, Connection, rows)
            for start in range(0, others, CHUNK):
                numbers = range(start, min(start + CHUNK, others))
                more = [_account(places[number % PLACES], number) for number in numbers]
                await insert_rows(tx, Connection, more)
        await grounds.settle(hub)
    return ground


def _account(workspace: str, number: int) -> dict[str, Any]:
    row_id = new_id()
    return {
        **row_of(workspace, row_id),
        "source": "connections",
        "method": "bot_token",
        "identifier": f"slack-{row_id}",
        "label": f"Acme {number}",
        "account_name": "Acme HQ",
        "account_key": f"T{number}",
        "app_key": "U0ATLAS",
        "wire": {"teamId": f"T{number}", "workspaceName": "Acme HQ"},
        "state": "ok",
        "channel_count": 15,
    }


def _crowd(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        targets = []
        for others in (MANY, 0):
            folder = Path(running.enter_context(grounds.scratch()))
            url = running.enter_context(grounds.database(kind, folder))
            ground = asyncio.run(_prepared(kind, url, folder, others))
            port, _ = running.enter_context(granian("hub", folder, ground.env))
            targets.append(Target(port, PATH, headers=ground.bearer))
        load = running.enter_context(Load())
        seen, medians = turns.latencies(load, targets, turns=TURNS, each=EACH)
    many, one = middle(seen[0]) * 1000, middle(seen[1]) * 1000
    return Figure(
        name=name,
        unit="ms",
        ours=many,
        floor=one,
        value=many / one,
        of=f"{many / one:.2f}x alone ({OWN} of its own)",
        aim="<= 1.2x",
        met=many / one <= 1.2,
        spread=quarters(paired(*medians)),
        notes=(f"95th percentile {at(seen[0], 0.95) * 1000:.2f} ms against {at(seen[1], 0.95) * 1000:.2f} ms.",),
    )
