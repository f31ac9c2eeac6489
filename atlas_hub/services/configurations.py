"""The groups API's configurations: of each type one, which is the primary of its scope, whichever door it came by."""

from __future__ import annotations

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound
from atlas_hub.providers.contract import Purpose
from atlas_hub.services import connections, integration_credentials, pending
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.configuration_views import (
    AlreadyConfigured,
    Configuration,
    Masked,
    Missing,
    NotConfigured,
    shown,
)
from atlas_hub.services.configuration_writes import STORED, Values, add, aim, form_of, lay_over
from atlas_hub.services.wire_types import Kind, kinds
from atlas_hub.storage import configurations as stored
from atlas_hub.storage import connections as rows
from atlas_hub.storage import installation
from atlas_hub.storage.db import Broken
from atlas_hub.storage.models import Connection

__all__ = [
    "STORED",
    "AlreadyConfigured",
    "Configuration",
    "Kind",
    "Masked",
    "Missing",
    "NotConfigured",
    "Values",
    "kinds",
]


async def listed(hub: Hub, actor: Actor) -> list[Configuration]:
    """Every configuration of the workspace in the order of the types: one query."""
    known = kinds()
    return await _read(hub, actor, [kind.scope for kind in known.values()])


async def one(hub: Hub, actor: Actor, kind: Kind) -> Configuration:
    """The configuration of a type. Raises `NotConfigured`."""
    found = await _read(hub, actor, [kind.scope])
    if not found:
        raise _nothing(kind)
    return found[0]


async def is_there(hub: Hub, actor: Actor, kind: Kind) -> bool:
    """Whether a type has a configuration."""
    return bool(await _read(hub, actor, [kind.scope]))


async def _read(hub: Hub, actor: Actor, scopes: list[str]) -> list[Configuration]:
    async with hub.db.asking() as ask:
        found = {row.primary_scope: row for row in await stored.shown(ask, actor.workspace, scopes)}
    return [shown(kind, found[kind.scope]) for kind in kinds().values() if kind.scope in found]


async def create(hub: Hub, actor: Actor, kind: Kind, values: Values) -> None:
    """Store a configuration, unproven; the vendor is asked beside it.

    Raises `Missing`, `Masked`, `BadForm`, `AlreadyConfigured`, `VaultLocked`; nothing is stored then.
    """
    require_admin(actor)
    hub.vault.require_open()
    form = form_of(kind, values)
    begins = await _may_begin(hub, actor)
    try:
        async with changing(hub, actor, begins=begins) as change:
            if await rows.primary_of(change.tx, actor.workspace, kind.scope) is not None:
                raise _already(kind)
            row = await add(change, kind, form)
            aim(row, values)
    except Broken:
        raise _already(kind) from None
    await _told(hub, actor, kind, row)


async def change(hub: Hub, actor: Actor, kind: Kind, values: Values, cleared: frozenset[str]) -> None:
    """Lay values over what was last written, take optional ones away, or store a configuration where there is none.

    What selects nothing at the vendor applies at once; the rest waits where what is used was proven. Raises what
    `create` raises but `AlreadyConfigured`.
    """
    require_admin(actor)
    hub.vault.require_open()
    begins = await _may_begin(hub, actor)
    for _ in range(2):
        try:
            async with changing(hub, actor, begins=begins) as under_way:
                row = await rows.primary_of(under_way.tx, actor.workspace, kind.scope)
                if row is None:
                    row, waits = await add(under_way, kind, form_of(kind, values)), False
                    aim(row, values)
                else:
                    waits = await lay_over(under_way, kind, row, values, cleared)
        except Broken:  # another one was stored this very moment: that is the one to change
            continue
        await _told(hub, actor, kind, row, waits=waits)
        return
    raise _already(kind)


async def delete(hub: Hub, actor: Actor, kind: Kind) -> None:
    """Delete the configuration; no other connection takes its place. Raises `NotConfigured`."""
    require_admin(actor)
    async with hub.db.reading() as tx:
        row = await rows.primary_of(tx, actor.workspace, kind.scope)
    if row is None:
        raise _nothing(kind)
    try:
        await connections.disconnect(hub, actor, row.id)
    except NotFound:
        raise _nothing(kind) from None


async def _may_begin(hub: Hub, actor: Actor) -> bool:
    async with hub.db.reading() as tx:
        return await installation.may_begin(tx, actor.workspace)


def _nothing(kind: Kind) -> NotConfigured:
    return NotConfigured(f"{kind.type} is not configured. POST or PUT stores it.")


def _already(kind: Kind) -> AlreadyConfigured:
    return AlreadyConfigured(f"{kind.type} is configured already. Change it with PUT.")


async def _told(hub: Hub, actor: Actor, kind: Kind, row: Connection, *, waits: bool = False) -> None:
    """Tell the pages, and ask the vendor about what is new: no answer waits for it."""
    await hub.bus.publish(Changed(row.workspace, row.provider))
    if waits:
        hub.soon(pending.settle(hub, row.id))
    elif row.reason == STORED or kind.method.purpose is Purpose.SCRAPE:
        hub.soon(integration_credentials.check(hub, actor, row.id))
