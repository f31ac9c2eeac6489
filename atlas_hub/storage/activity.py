"""Reading the audit log: a page of a workspace's events, and all of them in batches. Writing is `audit`'s."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, String, Table, Text, cast, func, literal, select, type_coerce, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from atlas_hub.storage.db import Ask, Db, Tx
from atlas_hub.storage.models import AuditEvent, AuditHead, Connection

Event = Mapping[str, Any]
"""An event's columns by their names. One that was edited so that it cannot be read has no `at` and no more than its
seq, its id and its hashes: it must not hide the others."""

Chain = str | bytes
"""A workspace as the database has it: text, unless somebody edited it into something else."""

UNREADABLE: Final = "unreadable"
"""The kind that an event has which cannot be read."""

BATCH: Final = 1000
"""Events that a walk holds in memory."""

_TABLE: Table = AuditEvent.__table__  # type: ignore[attr-defined]  # SQLModel does not type it

_TEXTS: Final = tuple(column.name for column in _TABLE.c if column.name not in {"seq", "at", "detail"})
_NUMBERED: Final = _TABLE.c.seq == cast(_TABLE.c.seq, sa.Integer)
_WIDTH: Final = len("2026-03-31 09:30:00.123000")


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
    statement = _narrowed(workspace, filters, tx.get_bind().dialect.name).where(_NUMBERED).order_by(order).limit(limit)
    if before is not None:
        statement = statement.where(_TABLE.c.seq < before)
    if after is not None:
        statement = statement.where(_TABLE.c.seq > after)
    found = [_read(row) for row in (await tx.execute(statement)).mappings()]
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


async def chain(connection: AsyncConnection, workspace: Chain) -> AsyncIterator[list[Event]]:
    """The same, unfiltered, on one connection: within its snapshot nothing is added or taken away."""
    after: int | None = None
    while found := await _batch(connection, workspace, Filters(), after):
        yield found
        after = found[-1]["seq"]


async def unnumbered(connection: AsyncConnection, workspace: Chain) -> list[Event]:
    """Events of a chain whose number is none any more, which are in no walk; as many as a batch has at most."""
    statement = _narrowed(workspace, Filters(), connection.dialect.name).where(~_NUMBERED).limit(BATCH)
    return [_read(row) for row in (await connection.execute(statement)).mappings()]


async def head(connection: AsyncConnection, workspace: Chain) -> tuple[Any, Any] | None:
    """The seq and the hash that the workspace's chain should end with, as they are; None where nothing says so."""
    statement = select(col(AuditHead.seq), col(AuditHead.hash)).where(_is(col(AuditHead.workspace), workspace))
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else (row.seq, row.hash)


async def workspaces(ask: Ask) -> list[Chain]:
    """Every workspace with a chain, or with the end of one; "" is the installation's own."""
    both = union(select(col(AuditHead.workspace)), select(col(AuditEvent.workspace)).distinct())
    return sorted((await ask.execute(both)).scalars(), key=plain)


def plain(cell: Any) -> str:
    """What a cell says as text that can be printed, whatever is in it."""
    raw = cell if isinstance(cell, bytes) else str(cell).encode(errors="backslashreplace")
    return raw.decode(errors="backslashreplace")


def is_text(word: str) -> bool:
    """Whether a database can be asked for it: what is no UTF-8 comes from the command line as half characters."""
    return plain(word) == word


async def labels(tx: Tx, workspace: str, ids: Iterable[str]) -> dict[str, str]:
    """What the connections among these ids are called now; those that are gone are left out."""
    statement = select(col(Connection.id), col(Connection.label)).where(
        col(Connection.workspace) == workspace, col(Connection.id).in_(set(ids))
    )
    return {row.id: row.label for row in await tx.execute(statement)}


async def _batch(ask: Ask, workspace: Chain, filters: Filters, after: int | None) -> list[Event]:
    statement = _narrowed(workspace, filters, ask.dialect.name).where(_NUMBERED).order_by(_TABLE.c.seq).limit(BATCH)
    if after is not None:
        statement = statement.where(_TABLE.c.seq > after)
    return [_read(row) for row in (await ask.execute(statement)).mappings()]


def _narrowed(workspace: Chain, filters: Filters, dialect: str) -> Select[Any]:
    statement = select(*_CELLS[dialect]).where(_is(_TABLE.c.workspace, workspace))
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


def _is(column: Any, workspace: Chain) -> Any:
    """Whether a column is the workspace. Text that is no UTF-8 cannot be given as text."""
    if isinstance(workspace, bytes):
        return column == literal(workspace, sa.LargeBinary)
    raw = workspace.encode(errors="surrogateescape")
    return column == (workspace if is_text(workspace) else cast(literal(raw, sa.LargeBinary), Text))


def _cells(**read: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [read[column.name].label(column.name) if column.name in read else column for column in _TABLE.c]


_CELLS: Final = {
    "sqlite": _cells(at=type_coerce(_TABLE.c.at, String), detail=type_coerce(_TABLE.c.detail, String)),
    # JSON's form of a moment is the same whatever DateStyle somebody set.
    "postgresql": _cells(at=func.btrim(cast(func.to_json(_TABLE.c.at), Text), '"'), detail=cast(_TABLE.c.detail, Text)),
}
"""The columns for each database, as text where its driver would decode a cell, and lose all rows where it cannot."""


def _read(row: Mapping[Any, Any]) -> Event:
    try:
        texts = "".join([row[name] for name in _TEXTS])
        event = {**row, "at": _moment(row["at"]), "detail": _detail(row["detail"])}
        texts.encode()
    except (TypeError, ValueError, RecursionError):
        return _unreadable(row)
    return event if type(row["seq"]) is int else _unreadable(row)


def _unreadable(row: Mapping[Any, Any]) -> Event:
    kept = {name: plain(row[name]) for name in ("id", "workspace", "previous_hash", "hash")}
    seq = row["seq"] if isinstance(row["seq"], int) else 0
    lost = {"kind": UNREADABLE, "result": "failed", "seq": seq, "at": None, "detail": {}}
    return {**dict.fromkeys(_TEXTS, ""), **kept, **lost}


def _moment(text: str) -> datetime:
    """What SQLite has as text without a zone, or PostgreSQL as ISO 8601 with one. Raises `ValueError`, `TypeError`."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        return found
    if len(text) != _WIDTH or text[10] != " ":
        raise ValueError(text)
    return found.replace(tzinfo=UTC)


def _detail(text: str) -> dict[str, Any]:
    found = _DECODER.decode(text)
    if not isinstance(found, dict):
        raise TypeError(text)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # half a character can be escaped, and is no text
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Of a name that is there twice, databases and readers do not take the same one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(word)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
