"""Every query about API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import ApiKey

_BY_LOOKUP = select(
    col(ApiKey.id),
    col(ApiKey.workspace),
    col(ApiKey.name),
    col(ApiKey.role),
    col(ApiKey.apis),
    col(ApiKey.public_key),
    col(ApiKey.used_at),
).where(col(ApiKey.lookup).in_(bindparam("lookups", expanding=True)), col(ApiKey.revoked_at).is_(None))


async def by_lookup(ask: Ask, lookups: Sequence[str]) -> Any:
    """Who holds the key with one of these fingerprints, unless it is revoked: one query, bare columns."""
    return (await ask.execute(_BY_LOOKUP, {"lookups": lookups})).first()


async def public_key_is_taken(tx: Tx, public_key: str) -> bool:
    """Whether any key, revoked or not, has this public half."""
    statement = select(col(ApiKey.id)).where(col(ApiKey.public_key) == public_key)
    return (await tx.execute(statement)).first() is not None


async def find(tx: Tx, workspace: str | None, key_id: str) -> ApiKey | None:
    """A key by its id, locked until the transaction ends; None where it is another workspace's."""
    statement = select(ApiKey).where(col(ApiKey.id) == key_id).with_for_update()
    if workspace is not None:
        statement = statement.where(col(ApiKey.workspace) == workspace)
    return (await tx.execute(statement)).scalar_one_or_none()


async def listed(tx: Tx, workspace: str | None) -> Sequence[ApiKey]:
    """The keys of a workspace, or all of them, revoked ones included, oldest first."""
    statement = select(ApiKey).order_by(col(ApiKey.id))
    if workspace is not None:
        statement = statement.where(col(ApiKey.workspace) == workspace)
    return (await tx.execute(statement)).scalars().all()


async def note_used(tx: Tx, key_id: str, at: datetime) -> None:
    """The key was used."""
    await tx.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(used_at=at))
