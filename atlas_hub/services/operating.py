"""What the operator's tools want to know of a running hub: whether it is ready, and its figures over all workspaces."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from atlas_hub.hub import Hub, Unreachable
from atlas_hub.kit.metrics import Gauges
from atlas_hub.services.views import State
from atlas_hub.storage import figures, installation

PATIENCE = 2.0
"""Seconds that each part has to answer."""
OK = "ok"


async def readiness(hub: Hub) -> dict[str, str]:
    """Each part that this hub needs, with `ok` or what is wrong in a word or two: no address, no secret."""
    database, redis = await asyncio.gather(_database(hub), _redis(hub))
    vault = "locked" if hub.vault.locked and hub.has_database else OK
    return {**database, "vault": vault, **redis}


async def _database(hub: Hub) -> dict[str, str]:
    if not hub.has_database:
        return {}
    try:
        async with asyncio.timeout(PATIENCE), hub.db.asking() as ask:
            migrated = await installation.is_migrated(ask)
    except (*Unreachable, TimeoutError):
        return {"database": "does not answer", "migrations": "unknown"}
    return {"database": OK, "migrations": OK if migrated else "missing"}


async def _redis(hub: Hub) -> dict[str, str]:
    if not hub.settings.redis_url:
        return {}
    return {"redis": OK if await hub.bus.answers() else "does not answer"}


async def gauges(hub: Hub) -> Gauges:
    """What is true now, over all workspaces, without any id. Without a database, what needs none."""
    found: dict[str, tuple[str, Iterable[tuple[Mapping[str, str], float]]]] = {
        "build_info": ("What runs here.", [({"version": _version()}, 1)]),
        "vault_locked": ("Whether nothing can be sealed or opened.", [({}, float(hub.vault.locked))]),
    }
    if not hub.has_database:
        return found
    try:
        async with asyncio.timeout(PATIENCE), hub.db.reading() as tx:
            rows, events = await figures.connections(tx), await figures.audit_events(tx)
    except (*Unreachable, TimeoutError):
        return {**found, "database_up": ("Whether the database answers.", [({}, 0)])}
    counted: Counter[tuple[str, str]] = Counter()
    for provider, state, key_id, count in rows:
        locked = key_id is not None and not hub.vault.knows(key_id)
        counted[provider, State.LOCKED if locked else state] += count
    connections = [({"provider": provider, "state": state}, count) for (provider, state), count in counted.items()]
    return {
        **found,
        "database_up": ("Whether the database answers.", [({}, 1)]),
        "connections": ("Connections that are stored, in all workspaces.", connections),
        "audit_events": ("Events in the audit logs of all workspaces.", [({}, events)]),
    }


def _version() -> str:
    try:
        return version("atlas-hub")
    except PackageNotFoundError:
        return "0"
