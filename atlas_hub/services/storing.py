"""A connect is stored: in one transaction, tried again where two race, and what made way is revoked afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict
from atlas_hub.services import credentials, letting_go, saving
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import changing
from atlas_hub.services.views import Connected
from atlas_hub.storage.db import Broken

RACES: Final = 3


async def store(hub: Hub, actor: Actor, order: credentials.Order, *, begins: bool) -> Connected:
    """Save in one transaction; where another workspace or worker was first, look again.

    The grant of an account that made way is revoked then, and where it could not be, a warning says so.
    """
    for _ in range(RACES):
        try:
            async with changing(hub, actor, begins=begins) as change:
                saved = await saving.save(change, order)
        except Broken:
            continue
        revoked = await letting_go.revoke(hub, saved.gone) if saved.gone else None
        if revoked is None or revoked.dead:
            return saved
        return replace(saved, warnings=(*saved.warnings, f"{saved.replaced}: {revoked.text}"))
    raise Conflict(f"{order.provider.name} was being connected elsewhere at the same time. Try again.")
