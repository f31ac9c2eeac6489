"""Used by: what depends on a connection, told before it is disconnected or its key is replaced."""

from __future__ import annotations

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.storage import dependents
from atlas_hub.storage.dependents import Dependent

__all__ = ["Dependent", "of_provider", "used_by"]

DEFAULTS = {"email": "email", "slack": "slack:chat"}
"""Channel of a schedule → the scope whose primary serves it, where it names no connection of its own."""


async def used_by(hub: Hub, actor: Actor, connection_id: str) -> list[Dependent]:
    """What depends on one connection of the actor's workspace. Raises `NotFound`."""
    require_admin(actor)
    found: dict[str, list[Dependent]] = {}
    if is_id(connection_id):
        async with hub.db.asking() as ask:
            found = await dependents.dependents(ask, actor.workspace, DEFAULTS, connection=connection_id)
    if connection_id not in found:
        raise NotFound("There is no such connection.")
    return found[connection_id]


async def of_provider(hub: Hub, actor: Actor, provider: str) -> dict[str, list[Dependent]]:
    """Connection id → what depends on it, for each stored connection of a provider: one query."""
    if not hub.has_database or not actor.may_change:
        return {}
    async with hub.db.asking() as ask:
        return await dependents.dependents(ask, actor.workspace, DEFAULTS, provider=provider)
