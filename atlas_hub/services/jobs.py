"""What is done in the background: the jobs that the engine knows, and the sweeps that find their rows."""

from __future__ import annotations

from typing import Final

from atlas_hub.engine import Found, Job, Sweep
from atlas_hub.hub import Hub
from atlas_hub.storage import expiry


async def expire(hub: Hub) -> Found:
    """Delete what nobody can use any more. There is no job to it."""
    async with hub.db.transaction() as tx:
        await expiry.delete_expired(tx, hub.now())
    return ()


JOBS: Final[tuple[Job, ...]] = ()
SWEEPS: Final = (Sweep(name="expired", find=expire, every=600),)
