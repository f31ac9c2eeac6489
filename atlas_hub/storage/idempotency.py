"""Every query about requests that may come again, and the answers kept for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlmodel import col

from atlas_hub.storage.db import Tx, insert_once
from atlas_hub.storage.models import Idempotency

SWEPT = 20
"""How many expired rows one that is kept takes with it."""

_IDENT = (col(Idempotency.workspace), col(Idempotency.method), col(Idempotency.path), col(Idempotency.key))


async def begin(tx: Tx, row: Idempotency, at: datetime) -> Idempotency | None:
    """Write down that a request is under way: None where it may go on, else the row of the one that came before.

    A row that has expired, also of a request whose worker died, is taken over.
    """
    if await insert_once(tx, Idempotency, **row.model_dump()):
        return None
    found = await _locked(tx, row)
    if found is None or found.expires_at > at:
        return found or row  # gone this very moment: whoever asks again finds it so
    found.body_hash, found.status, found.answer, found.expires_at = row.body_hash, 0, None, row.expires_at
    return None


async def mine(tx: Tx, row: Idempotency) -> Idempotency | None:
    """The row that `begin` wrote, locked; None where another request has taken it over."""
    found = await _locked(tx, row)
    return found if found is not None and found.status == 0 and found.expires_at == row.expires_at else None


async def _locked(tx: Tx, row: Idempotency) -> Idempotency | None:
    statement = (
        select(Idempotency)
        .where(tuple_(*_IDENT) == tuple_(row.workspace, row.method, row.path, row.key))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def sweep(tx: Tx, at: datetime) -> None:
    """Delete some rows that have expired. What others hold is left to them: so nobody waits for anybody."""
    statement = select(*_IDENT).where(col(Idempotency.expires_at) <= at).limit(SWEPT).with_for_update(skip_locked=True)
    gone = [tuple(found) for found in await tx.execute(statement)]
    if gone:
        await tx.execute(delete(Idempotency).where(tuple_(*_IDENT).in_(gone)))
