"""Figure 7: what an event of the audit log costs, and how fast a long log is verified."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.services import connections, verifying
from atlas_hub.services.access import Actor, Role
from atlas_hub.storage.audit import hash_of
from atlas_hub.storage.models import AuditEvent, AuditHead
from bench import ground as grounds
from bench.figures import Figure, Skipped, middle, paired, quarters
from bench.rows import fill

ROWS = 1_000_000
ROUNDS = 5
VERBS = 100
"""Verbs, and bare inserts, of a round."""
CHUNK = 5000
BATCH = 1000


def figures() -> Iterator[Figure | Skipped]:
    """Append and verify on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        if missing:
            yield Skipped(f"audit, {kind}", missing)
            continue
        with grounds.scratch() as scratch:
            folder = Path(scratch)
            with grounds.database(kind, folder) as url:
                yield asyncio.run(_append(kind, url, folder))
                yield asyncio.run(_verify(kind, url, folder))


async def _append(kind: str, url: str, folder: Path) -> Figure:
    """A verb that does little beside its event (rename), against a bare INSERT of such an event; each commits."""
    async with grounds.open_hub(url, folder) as hub:
        workspace = new_id()
        await fill(hub, [workspace], keys=False)
        actor = Actor(id="bench", name="bench", workspace=workspace, role=Role.OWNER)
        async with hub.db.asking() as ask:
            row = (await ask.exec_driver_sql("SELECT id FROM atlas_hub_connection LIMIT 1")).scalar_one()
        ours: list[float] = []
        floor: list[float] = []
        for _ in range(ROUNDS + 1):
            ours.append(VERBS / await _renames(hub, actor, row))
            floor.append(VERBS / await _inserts(hub, VERBS))
    ours, floor = ours[1:], floor[1:]  # the first round is warm-up
    share = paired(ours, floor)
    return Figure(
        name=f"audit append, {kind}",
        unit="/s",
        ours=middle(ours),
        floor=middle(floor),
        value=middle(share),
        of=f"{middle(share):.2f}x",
        spread=quarters(share),
        notes=("One after the other, each a verb with its own transaction; the floor is one INSERT and its commit.",),
    )


async def _renames(hub: Hub, actor: Actor, connection_id: str) -> float:
    began = time.perf_counter()
    for number in range(VERBS):
        await connections.rename(hub, actor, connection_id, f"Acme {number}")
    return time.perf_counter() - began


async def _inserts(hub: Hub, times: int) -> float:
    rows, _ = _chain(new_id(), 1, times, "")
    statement = insert(AuditEvent)
    began = time.perf_counter()
    for row in rows:
        async with hub.db.transaction() as tx:
            await tx.execute(statement, row)
    return time.perf_counter() - began


async def _verify(kind: str, url: str, folder: Path) -> Figure:
    """A whole chain followed by the hub, against the same rows read by the bare driver and one SHA-256 of each."""
    async with grounds.open_hub(url, folder) as hub:
        workspace = new_id()
        await _fill_chain(hub, workspace)
        await grounds.settle(hub)  # a bulk load leaves the planner without statistics, and the floor with a bad plan
        began = time.perf_counter()
        verified = await verifying.verified(hub, workspace)
        ours = ROWS / (time.perf_counter() - began)
        assert verified.whole
        assert verified.seq == ROWS
    took = await asyncio.to_thread(_bare_walk, url, workspace)
    floor = ROWS / took
    return Figure(
        name=f"audit verify, {ROWS:,} events, {kind}",
        unit="rows/s",
        ours=ours,
        floor=floor,
        value=ours / floor,
        of=f"{ours / floor:.2f}x",
        notes=(f"{ROWS / ours:.0f} seconds in all, in batches of {BATCH}; once.",),
    )


async def _fill_chain(hub: Hub, workspace: str) -> None:
    before = ""
    for start in range(1, ROWS + 1, CHUNK):
        rows, before = _chain(workspace, start, min(CHUNK, ROWS + 1 - start), before)
        async with hub.db.transaction() as tx:
            await tx.execute(insert(AuditEvent.__table__), rows)
    async with hub.db.transaction() as tx:
        await tx.execute(insert(AuditHead.__table__), [{"workspace": workspace, "seq": ROWS, "hash": before}])


def _chain(workspace: str, start: int, count: int, before: str) -> tuple[list[dict[str, Any]], str]:
    """Rows of a chain from seq `start` on, after the hash `before`; and the last hash."""
    at, rows = now().replace(microsecond=0), []
    for seq in range(start, start + count):
        row = {
            "id": new_id(),
            "workspace": workspace,
            "seq": seq,
            "at": at + timedelta(milliseconds=seq),
            "kind": "checked",
            "result": "ok",
            "actor": "ana@example.com",
            "provider": "slack",
            "subject": workspace,
            "detail": {"code": "RATE_LIMITED"},
            "request_id": "",
            "previous_hash": before,
        }
        before = row["hash"] = hash_of(row)
        rows.append(row)
    return rows, before


def _bare_walk(url: str, workspace: str) -> float:
    """Seconds to read the chain in such batches, nothing made of it, and to hash what was read."""
    if url.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
        mark = "?"
    else:
        connection, mark = psycopg.connect(url), "%s"
    statement = (
        f"SELECT * FROM atlas_hub_audit_event WHERE workspace = {mark} AND seq > {mark} ORDER BY seq LIMIT {BATCH}"  # noqa: S608  # our own words
    )
    after, seen = 0, 0
    place = next(number for number, name in enumerate(AuditEvent.__table__.c) if name.name == "seq")
    began = time.perf_counter()
    while rows := connection.execute(statement, (workspace, after)).fetchall():
        for row in rows:
            hashlib.sha256(json.dumps(row, default=str).encode()).hexdigest()
        after, seen = rows[-1][place], seen + len(rows)
    took = time.perf_counter() - began
    connection.close()
    assert seen == ROWS
    return took
