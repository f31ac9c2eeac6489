"""Reading the audit log: a page of a workspace's events, and all of them in batches. Writing is `audit`'s."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from atlas_hub.storage.db import Ask, Db, Tx
from atlas_hub.storage.models import AuditEvent, AuditHead, Connection

Event = Mapping[str, Any]
"""An event's columns by their names."""

BATCH: Final = 1000
"""Events that a walk holds in memory."""

_TABLE: Table = AuditEvent.__table__  # type: ignore[attr-defined]  # SQLModel does not type it


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which events: "" and None are all. `actor` is a part of who it was; `since` is in, `until` is out."""

    kind: str = ""
    provider: str = ""
    actor: str = ""
    result: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def page(
    tx: Tx, workspace: str, filters: Filters, *, before: int | None = None, after: int | None = None, limit: int
) -> list[Event]:
    """Events newest first: the last ones `before` a seq, the first ones `after` one, else the last of all."""
    order = _TABLE.c.seq.asc() if after is not None else _TABLE.c.seq.desc()
    statement = _narrowed(workspace, filters).order_by(order).limit(limit)
    if before is not None:
        statement = statement.where(_TABLE.c.seq < before)
    if after is not None:
        statement = statement.where(_TABLE.c.seq > after)
    found: list[Event] = list((await tx.execute(statement)).mappings())
    return found[::-1] if after is not None else found


async def batches(db: Db, workspace: str, filters: Filters) -> AsyncIterator[list[Event]]:
    """Every event oldest first, a batch at a time, each by a query of its own: nothing stays open in between."""
    after: int | None = None
    while True:
        async with db.asking() as ask:
            found = await _batch(ask, workspace, filters, after)
        if not found:
            return
        yield found
        after = found[-1]["seq"]


async def chain(connection: AsyncConnection, workspace: str) -> AsyncIterator[list[Event]]:
    """The same, unfiltered, on one connection: within its snapshot nothing is added or taken away."""
    after: int | None = None
    while found := await _batch(connection, workspace, Filters(), after):
        yield found
        after = found[-1]["seq"]


async def head(connection: AsyncConnection, workspace: str) -> tuple[int, str] | None:
    """The seq and the hash that the workspace's chain should end with; None where nothing says so."""
    statement = select(col(AuditHead.seq), col(AuditHead.hash)).where(col(AuditHead.workspace) == workspace)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else (row.seq, row.hash)


async def workspaces(ask: Ask) -> list[str]:
    """Every workspace with a chain, or with the end of one; "" is the installation's own."""
    both = union(select(col(AuditHead.workspace)), select(col(AuditEvent.workspace)).distinct())
    return sorted((await ask.execute(both)).scalars())


async def labels(tx: Tx, workspace: str, ids: Iterable[str]) -> dict[str, str]:
    """What the connections among these ids are called now; those that are gone are left out."""
    statement = select(col(Connection.id), col(Connection.label)).where(
        col(Connection.workspace) == workspace, col(Connection.id).in_(set(ids))
    )
    return {row.id: row.label for row in await tx.execute(statement)}


async def _batch(ask: Ask, workspace: str, filters: Filters, after: int | None) -> list[Event]:
    statement = _narrowed(workspace, filters).order_by(_TABLE.c.seq).limit(BATCH)
    if after is not None:
        statement = statement.where(_TABLE.c.seq > after)
    return list((await ask.execute(statement)).mappings())


def _narrowed(workspace: str, filters: Filters) -> Select[Any]:
    statement = select(_TABLE).where(_TABLE.c.workspace == workspace)
    for name in ("kind", "provider", "result", "subject"):
        if wanted := getattr(filters, name):
            statement = statement.where(_TABLE.c[name] == wanted)
    if filters.actor:
        statement = statement.where(_TABLE.c.actor.icontains(filters.actor, autoescape=True))
    if filters.since is not None:
        statement = statement.where(_TABLE.c.at >= filters.since)
    if filters.until is not None:
        statement = statement.where(_TABLE.c.at < filters.until)
    return statement
