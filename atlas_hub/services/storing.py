"""A connect is stored: in one transaction, tried again where two race, and what made way is revoked afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict, ProviderError
from atlas_hub.providers.contract import Provider
from atlas_hub.services import credentials, letting_go, saving
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import changing
from atlas_hub.services.views import Connected
from atlas_hub.storage.db import Broken

RACES: Final = 3


@asynccontextmanager
async def tried(hub: Hub, actor: Actor, provider: Provider, *, begins: bool, subject: str = "") -> AsyncIterator[None]:
    """What asks the vendor, before something is stored. Where it is refused, that someone tried is an event, too."""
    try:
        yield
    except ProviderError as error:
        async with changing(hub, actor, begins=begins) as change:
            await change.note("connect_failed", provider=provider.slug, subject=subject, failed=True, code=error.code)
        raise


async def store(hub: Hub, actor: Actor, order: credentials.Order, *, begins: bool) -> Connected:
    """Save in one transaction, and tell every open page; where another workspace or worker was first, look again.

    The grant of an account that made way is revoked then, and where it could not be, a warning says so.
    """
    for _ in range(RACES):
        try:
            async with changing(hub, actor, begins=begins) as change:
                saved = await saving.save(change, order)
        except Broken:
            continue
        revoked = await letting_go.revoke(hub, saved.gone) if saved.gone else None
        await hub.bus.publish(Changed(actor.workspace, order.provider.slug))
        if revoked is None or revoked.dead:
            return saved
        return replace(saved, warnings=(*saved.warnings, f"{saved.replaced}: {revoked.text}"))
    raise Conflict(f"{order.provider.name} was being connected elsewhere at the same time. Try again.")
