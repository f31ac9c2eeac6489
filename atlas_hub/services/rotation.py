"""Put everything sealed under the active key while the hub runs, and tell which keys are still needed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from atlas_hub.hub import Hub
from atlas_hub.storage import audit, sealed
from atlas_hub.storage.sealed import CHECK, SEALED, Ident, SealedTable

BATCH: Final = 100
ROUNDS: Final = 20
PAUSE: Final = 0.1
"""Seconds between two rounds, for whoever holds a row to let go of it."""

INSTALLATION: Final = ""
"""The audit chain of what concerns no single workspace."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What a rotation did.

    `total`: rows under a former key at the start. `changed`: rows put under the active key. `unreadable`:
    rows (`table|row id`) that no configured key opens; they are as they were. `left`: rows that still need a
    former key, the unreadable included; where it is 0, the former keys can be removed.
    """

    total: int
    changed: int
    unreadable: list[str]
    left: int


@dataclass(frozen=True, kw_only=True)
class KeyUse:
    """How many rows need a key, whether it is configured, and whether it seals.

    `key_id` is `?` for bytes that are no envelope.
    """

    key_id: str
    rows: int
    active: bool
    configured: bool


@dataclass
class _Walk:
    """How far a rotation is."""

    hub: Hub
    progress: Progress
    total: int
    changed: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    async def table(self, table: SealedTable, *, wait: bool = False) -> bool:
        """One way through a table, in the order of ids. Answers whether another could find more to do."""
        after: Ident | None = None
        again = False
        while True:
            async with self.hub.db.reading() as tx:
                idents = await sealed.find_stale(tx, table, self.hub.vault, after=after, limit=BATCH)
            if not idents:
                return again
            again = await self._batch(table, idents, wait=wait) or again
            after = idents[-1]
            done = len(self.changed | self.unreadable)
            self.progress(done, max(done, self.total))

    async def _batch(self, table: SealedTable, idents: Sequence[Ident], *, wait: bool) -> bool:
        changed, unreadable = set(), set()
        async with self.hub.db.transaction() as tx:
            rows = await sealed.lock_rows(tx, table, idents, wait=wait)
            for row in rows:
                moved, readable = sealed.renew(self.hub.vault, table, row)
                if moved:
                    changed.add(sealed.row_name(row))
                if not readable:
                    unreadable.add(sealed.row_name(row))
        # Counted once committed, so that a batch that fails is in no figure.
        self.changed |= changed
        self.unreadable |= unreadable
        return bool(changed) or len(rows) < len(idents)


async def rotate(hub: Hub, progress: Progress, *, actor: str = "command line") -> Rotated:
    """Re-seal every row that a former key sealed, in batches of 100, each a transaction of its own.

    Others may connect meanwhile, and a rotation that was stopped anywhere is resumed by starting it again.
    `progress` is told (rows done, rows in all). Raises `VaultLocked`, and `NotAvailable` without a database.
    """
    hub.vault.require_open()
    walk = _Walk(hub, progress, await _left(hub))
    progress(0, walk.total)
    for _ in range(ROUNDS):
        walk.unreadable.clear()
        # A list, not a generator: every table is walked in every round.
        again = [await walk.table(table) for table in SEALED if table is not CHECK]
        if not any(again):
            break
        await asyncio.sleep(PAUSE)
    if await _left(hub, but=CHECK) <= len(walk.unreadable):
        await walk.table(CHECK, wait=True)
    rotated = Rotated(
        total=walk.total,
        changed=len(walk.changed),
        unreadable=sorted(walk.unreadable),
        left=await _left(hub),
    )
    async with hub.db.transaction() as tx:
        await audit.append(
            tx,
            await audit.head_of(tx, INSTALLATION),
            kind="keys_rotated",
            result="failed" if rotated.left else "ok",
            actor=actor,
            at=hub.now(),
            subject=hub.vault.active_id,
            detail={
                "changed": rotated.changed,
                "unreadable": len(rotated.unreadable),
                "left": rotated.left,
            },
        )
    return rotated


async def status(hub: Hub) -> list[KeyUse]:
    """Every key that is configured or needed, the active one first. A locked vault tells it too."""
    rows: Counter[str] = Counter()
    async with hub.db.snapshot() as ask:
        for table in SEALED:
            async for key_ids in sealed.keys_in_use(ask, table):
                rows.update(key_ids)
    vault = hub.vault
    return [
        KeyUse(
            key_id=key_id,
            rows=rows[key_id],
            active=key_id == vault.active_id,
            configured=key_id in vault.key_ids,
        )
        for key_id in sorted(
            rows.keys() | vault.key_ids, key=lambda key_id: (key_id != vault.active_id, len(key_id), key_id)
        )
    ]


async def _left(hub: Hub, *, but: SealedTable | None = None) -> int:
    async with hub.db.reading() as tx:
        return sum([await sealed.count_stale(tx, table, hub.vault) for table in SEALED if table is not but])
