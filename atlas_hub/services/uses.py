"""Credential use: counted by connection and minute, and written to the audit log when the minute is over."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import NotFound
from atlas_hub.storage import audit, uses
from atlas_hub.storage.models import Connection

log = logging.getLogger(__name__)

ACTOR: Final = "hub"
KIND: Final = "used"
PATIENCE_SECONDS: Final = 5.0
"""How long a worker that stops may still write."""


async def count(hub: Hub, row: Connection) -> None:
    """Count one use of a connection's secrets, now. It never fails: what could not be counted is logged."""
    try:
        async with hub.db.transaction() as tx:
            await audit.head_of(tx, row.workspace, begins=False)
            await uses.add(tx, workspace=row.workspace, connection_id=row.id, provider=row.provider, at=hub.now())
    except NotFound:
        return  # the workspace was deleted, and its log with it
    except Exception:
        log.exception("A use of connection %s could not be counted.", row.id)


async def flush(hub: Hub) -> None:
    """Write the minutes that are over: one event for each connection and minute, whichever worker is first."""
    async with hub.db.asking() as ask:
        found = await uses.waiting(ask, uses.minute_of(hub.now()))
    for workspace in found:
        with suppress(NotFound):  # deleted meanwhile
            await _flush(hub, workspace)


async def _flush(hub: Hub, workspace: str) -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace, begins=False)
        at = hub.now()
        for row in await uses.take(tx, workspace, uses.minute_of(at)):
            await audit.append(
                tx,
                head,
                kind=KIND,
                actor=ACTOR,
                at=at,
                provider=row.provider,
                subject=row.connection_id,
                detail={"minute": iso(row.minute), "times": row.times},
            )


async def run(hub: Hub) -> None:
    """Write what is over at every full minute, and once more when the worker stops."""
    if not hub.has_database:
        return
    try:
        while True:
            await _flush_or_log(hub)
            now = hub.now()
            await asyncio.sleep(60 - now.second - now.microsecond / 1_000_000)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _flush_or_log(hub)


async def _flush_or_log(hub: Hub) -> None:
    try:
        await flush(hub)
    except Exception:
        log.exception("The use of credentials could not be written to the audit log; trying again in a minute.")
