"""Credential use by connection and minute, until the minute is over and the audit log has it.

A minute that was written leaves its row behind with 0 times, as a mark: a use that comes late, or by a clock that is
behind, is counted after it. Whoever counts or takes holds the workspace's audit head, which puts them in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col

from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import CredentialUse

MINUTE: Final = timedelta(minutes=1)
MARKED: Final = timedelta(days=1)
"""How long a mark is kept: longer than any clock is behind."""


def minute_of(at: datetime) -> datetime:
    """The first second of a moment's minute."""
    return at.replace(second=0, microsecond=0)


async def add(tx: Tx, *, workspace: str, connection_id: str, provider: str, at: datetime) -> None:
    """Count one use in its minute, or in the first one that is not written yet."""
    written = select(func.max(col(CredentialUse.minute))).where(
        col(CredentialUse.connection_id) == connection_id, col(CredentialUse.times) == 0
    )
    mark: datetime | None = (await tx.execute(written)).scalar_one()
    minute = minute_of(at) if mark is None else max(minute_of(at), mark + MINUTE)
    insert = postgres_insert if tx.get_bind().dialect.name == "postgresql" else sqlite_insert
    row = insert(CredentialUse).values(
        connection_id=connection_id, minute=minute, workspace=workspace, provider=provider, times=1
    )
    more = {"times": col(CredentialUse.times) + 1}
    await tx.execute(row.on_conflict_do_update(index_elements=["connection_id", "minute"], set_=more))


async def waiting(ask: Ask, before: datetime) -> list[str]:
    """The workspaces with minutes that began before a moment and are not written yet."""
    statement = select(col(CredentialUse.workspace)).where(_unwritten(before)).distinct()
    return sorted((await ask.execute(statement)).scalars())


async def take(tx: Tx, workspace: str, before: datetime) -> Sequence[Row[str, str, datetime, int]]:
    """The workspace's minutes that began before a moment, oldest first, which count as written from now on.

    Each has connection_id, provider, minute and times.
    """
    statement = (
        select(
            col(CredentialUse.connection_id),
            col(CredentialUse.provider),
            col(CredentialUse.minute),
            col(CredentialUse.times),
        )
        .where(col(CredentialUse.workspace) == workspace, _unwritten(before))
        .order_by(col(CredentialUse.minute), col(CredentialUse.connection_id))
        .with_for_update()
    )
    found = (await tx.execute(statement)).all()
    for connection_id, newest in {row.connection_id: row.minute for row in found}.items():
        own = col(CredentialUse.connection_id) == connection_id
        await tx.execute(delete(CredentialUse).where(own, col(CredentialUse.minute) < newest))
        await tx.execute(update(CredentialUse).where(own, col(CredentialUse.minute) == newest).values(times=0))
    old = (col(CredentialUse.times) == 0) & (col(CredentialUse.minute) < before - MARKED)
    await tx.execute(delete(CredentialUse).where(col(CredentialUse.workspace) == workspace, old))
    return found


def _unwritten(before: datetime) -> ColumnElement[bool]:
    return (col(CredentialUse.minute) < before) & (col(CredentialUse.times) > 0)
