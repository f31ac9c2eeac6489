"""What is done in the background: the jobs that the engine knows, and the sweeps that find their rows."""

from __future__ import annotations

from typing import Final

from atlas_hub.engine import Found, Job, Sweep
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import configurations, integration_credentials, letting_go, pending, proving, refreshing
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.views import State
from atlas_hub.storage import consents, expiry
from atlas_hub.storage.models import Connection


async def expire(hub: Hub) -> Found:
    """Delete what nobody can use any more. There is no job to it."""
    async with hub.db.transaction() as tx:
        await expiry.delete_expired(tx, hub.now())
    return ()


async def ending(hub: Hub) -> Found:
    """The tokens that end soon, each to be had anew."""
    return [(REFRESH, credential_id) for credential_id in await refreshing.those_that_end(hub)]


async def gone(hub: Hub) -> Found:
    """The grants that nobody uses any more, each to be revoked."""
    return [(REVOKE, credential_id) for credential_id in await letting_go.those_that_wait(hub)]


async def unproven(hub: Hub) -> Found:
    """The connections that no vendor has answered about yet, each to be asked about again."""
    asked = [slug for slug, provider in PROVIDERS.items() if proving.asks(provider)]
    async with hub.db.reading() as tx:
        rows = await consents.unproven(tx, (pending.UNANSWERED, configurations.STORED), asked, 100)
    return [(PROVE, row.id) for row in rows]


async def prove(hub: Hub, row_id: str) -> None:
    """Ask about a connection again, by whichever way it was stored."""
    async with hub.db.reading() as tx:
        row = await tx.get(Connection, row_id)
    if row is not None and (row.subscriber or row.contexts):
        await proving.prove(hub, row.workspace, row.id)
    elif row is not None and row.state == State.UNVERIFIED:
        itself = Actor(id="hub", name="hub", display="Atlas Hub", workspace=row.workspace, role=Role.OWNER)
        await integration_credentials.check(hub, itself, row.id)
    elif row is not None:
        await pending.settle(hub, row.id)


PROVE: Final = "prove"
REFRESH: Final = "refresh"
REVOKE: Final = "revoke"
JOBS: Final = (
    Job(name=REFRESH, work=refreshing.renew, at_once=4, seconds=60),
    Job(name=REVOKE, work=letting_go.revoke_later, at_once=4, seconds=60),
    Job(name=PROVE, work=prove, at_once=4, seconds=60),
)
SWEEPS: Final = (
    Sweep(name="expired", find=expire, every=600),
    Sweep(name="ending", find=ending, every=60),
    Sweep(name="gone", find=gone, every=60),
    Sweep(name="unproven", find=unproven, every=600),
)
