"""Delete everything that belongs to a workspace, in whichever table it is."""

from __future__ import annotations

from sqlalchemy import delete

from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import HubModel


async def purge(tx: Tx, workspace: str) -> int:
    """Delete every row whose `workspace` is this one, audit chain included. How many rows they were.

    Walks the metadata, so that a table added later is not forgotten; what refers goes before what it refers to.
    """
    count = 0
    for table in reversed(HubModel.metadata.sorted_tables):
        if "workspace" in table.c:
            result = await tx.execute(delete(table).where(table.c.workspace == workspace))
            count += max(0, getattr(result, "rowcount", 0))
    return count
