"""The OAuth apps of a workspace as the page lists them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import col

from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection


async def listed(tx: Tx, workspace: str, providers: Sequence[str]) -> list[Connection]:
    """The stored apps of these providers, the oldest first: one query."""
    statement = (
        select(Connection)
        .where(
            col(Connection.workspace) == workspace,
            col(Connection.kind) == "app",
            col(Connection.provider).in_(providers),
        )
        .order_by(col(Connection.id))
    )
    return list((await tx.execute(statement)).scalars())


async def dependents(tx: Tx, workspace: str) -> dict[tuple[str, str], int]:
    """How many connections came by each app: (provider, app id or `env`) → number, in one query."""
    statement = (
        select(col(Connection.provider), col(Connection.app_id), func.count())
        .where(col(Connection.workspace) == workspace, col(Connection.app_id) != "")
        .group_by(col(Connection.provider), col(Connection.app_id))
    )
    return {(row[0], row[1]): row[2] for row in await tx.execute(statement)}
