"""How many rows of each table belong to some workspaces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import PREFIX, HubModel


async def rows(tx: Tx, workspaces: Sequence[str]) -> dict[str, int]:
    """Table → rows, for every table that knows workspaces."""
    found: dict[str, int] = {}
    for table in HubModel.metadata.sorted_tables:
        if "workspace" in table.c:
            statement = select(func.count()).select_from(table).where(table.c.workspace.in_(workspaces))
            found[table.name.removeprefix(PREFIX)] = (await tx.execute(statement)).scalar_one()
    return found
