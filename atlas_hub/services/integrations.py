"""The chat API's integrations: a provider set up in a workspace, live where it sends mail or alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.providers.contract import CheckResult, scope_of
from atlas_hub.services import apps, integration_credentials, letting_go, pending, saving
from atlas_hub.services import wire_credentials as wire
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.integration_views import (
    WITH_A_PRIMARY,
    IntegrationView,
    NoPrimary,
    OnlyOne,
    StillUsed,
    Wanted,
    view_of,
)
from atlas_hub.services.opening import find_method
from atlas_hub.storage import connections, installation
from atlas_hub.storage import integrations as stored
from atlas_hub.storage.db import Broken, Tx
from atlas_hub.storage.models import Connection

SOURCE: Final = "chat"
PURPOSES: Final[Mapping[str, str]] = {"email": "mail", "sms": "sms", "chat": "chat"}
ONCE: Final = frozenset({"novu-email", "novu-sms"})
"""What the original has for demonstration."""
TAKEN: Final = "Integration with identifier already exists"


async def listed(hub: Hub, actor: Actor, *, active: bool = False) -> list[IntegrationView]:
    """The workspace's integrations, or the active ones: one query."""
    async with hub.db.reading() as tx:
        rows = await stored.listed(tx, actor.workspace, active=active)
    # Mail of the operator's own server has no name on this API's wire.
    return [view_of(row) for row in rows if row.kind != "account" or wire.is_known(row.provider, row.method)]


async def one(hub: Hub, actor: Actor, row_id: str) -> IntegrationView:
    """An integration. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        return view_of(await _the(tx, actor, row_id))


async def create(
    hub: Hub, actor: Actor, provider_id: str, channel: str, wanted: Wanted, *, kind: str = "delivery"
) -> IntegrationView:
    """Store an integration. The first active one for e-mail or SMS becomes the primary.

    Raises `Conflict` for an identifier that is taken, `BadForm`, `VaultLocked`; a `ProviderError` where a check was
    wanted and refused. Nothing is stored then.
    """
    require_admin(actor)
    hub.vault.require_open()
    way = wire.way_of(provider_id)
    _require_channel(way, channel)
    row = _new_row(actor, way, channel, wanted, kind)
    filled = integration_credentials.filled(way, wire.given(wanted.credentials or {}, {}))
    proof = await integration_credentials.proof(hub, row, filled) if wanted.check else None
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
    try:
        async with changing(hub, actor, begins=begins) as change:
            await _require_free(change.tx, row)
            await _require_first(change.tx, row, provider_id, channel)
            row.created_at = row.updated_at = row.connected_at = change.at
            await integration_credentials.write(change, row, filled, proof)
            change.tx.add(row)
            await change.tx.flush()
            if row.active and not wanted.conditions:
                await _fill_the_gap(change.tx, row)
            await change.note(
                "integration_created", provider=row.provider, subject=row.id, label=row.label, source=SOURCE
            )
            view = view_of(row)
    except Broken:
        raise Conflict(TAKEN) from None
    await _tell(hub, row)
    if proof is None:
        integration_credentials.check_soon(hub, actor, row)
    return view


async def update(hub: Hub, actor: Actor, row_id: str, wanted: Wanted) -> IntegrationView:
    """Change what is said of an integration; credentials are merged into those that are stored, "" clears one.

    A new key of mail that was proven waits until the vendor accepts it. Raises what `create` raises, and `NotFound`.
    """
    require_admin(actor)
    proof: CheckResult | None = None
    if wanted.check:  # the vendor thinks outside of the transaction
        async with hub.db.reading() as tx:
            row = await _the(tx, actor, row_id)
            credential = await connections.credential_of(tx, row)
        merged = integration_credentials.merged(hub, row, credential, wanted.credentials or {})
        proof = await integration_credentials.proof(hub, row, merged)
    try:
        async with changing(hub, actor, begins=False) as change:
            row = await _the(change.tx, actor, row_id)
            waits = await _change(change, row, wanted, proof)
            row.updated_at = change.at
            await change.tx.flush()
            await change.note("integration_updated", provider=row.provider, subject=row.id, label=row.label)
            view = view_of(row)
    except Broken:
        raise Conflict(TAKEN) from None
    await _tell(hub, row)
    if waits:
        hub.soon(pending.settle(hub, row.id))
    elif wanted.credentials is not None and proof is None:
        integration_credentials.check_soon(hub, actor, row)
    return view


async def _change(change: Change, row: Connection, wanted: Wanted, proof: CheckResult | None) -> bool:
    """Write what is wanted into the row. True where a new key waits for the vendor."""
    if wanted.identifier is not None and wanted.identifier != row.identifier:
        row.identifier = wanted.identifier
        await _require_free(change.tx, row)
    if wanted.name is not None:
        row.label = wanted.name
    said = dict(row.integration)
    if wanted.conditions is not None:
        said["conditions"] = wanted.conditions
    if wanted.configurations is not None:
        said["configurations"] = {**said.get("configurations", {}), **wanted.configurations}
    row.integration = said
    if wanted.conditions or wanted.active is False:
        row.primary_scope = None
    if wanted.active is not None:
        joins = wanted.active and not row.active and not said.get("conditions")
        row.active = wanted.active
        await change.tx.flush()
        if joins:
            await _fill_the_gap(change.tx, row)
    if wanted.credentials is None and proof is None:
        return False
    return await integration_credentials.rewrite(change, row, wanted.credentials or {}, proof)


async def delete(hub: Hub, actor: Actor, row_id: str) -> list[IntegrationView]:
    """Delete an integration with the connections and endpoints that came by it; none becomes primary instead.

    The remaining ones. Raises `NotFound`, and `StillUsed` where a card's own connection came by it.
    """
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change.tx, actor, row_id)
        dependent = await stored.dependents(change.tx, row)
        own = next((each for each in dependent if not (each.subscriber or each.contexts)), None)
        if own is not None:
            name = wire.name_of(own.provider)
            raise StillUsed(
                f"The {name} card's own connection, {own.label}, came by this integration. "
                f"Disconnect {name} on the Integrations page first, then delete it."
            )
        gone = [
            await letting_go.let_go_alone(change, credential)
            for credential in await stored.remove(change.tx, row, dependent)
        ]
        await change.note(
            "integration_deleted", provider=row.provider, subject=row.id, label=row.label, connections=len(dependent)
        )
    letting_go.revoke_soon(hub, *gone)
    await _tell(hub, row)
    return await listed(hub, actor)


async def set_primary(hub: Hub, actor: Actor, row_id: str) -> IntegrationView:
    """Make an integration the primary of its channel: active, without conditions. The former one stays active.

    Raises `NotFound`, and `NoPrimary` for a channel that has none.
    """
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change.tx, actor, row_id)
        channel = view_of(row).channel
        if channel not in WITH_A_PRIMARY:
            raise NoPrimary(f"Channel {channel} does not support primary")
        if row.primary_scope is not None:
            return view_of(row)
        row.active, row.updated_at = True, change.at
        row.integration = {**row.integration, "conditions": []}
        await saving.promote(change.tx, row)
        await change.tx.flush()
        await change.note("made_default", provider=row.provider, subject=row.id, label=row.label)
        view = view_of(row)
    await _tell(hub, row)
    return view


async def use_on_page(hub: Hub, actor: Actor, row_id: str, on: bool) -> IntegrationView:  # noqa: FBT001  # a switch
    """Have the page's button take this app before the environment's, or no more: at most one of each provider.

    Raises `NotFound`, and `Conflict` for what is no app, or not active.
    """
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change.tx, actor, row_id)
        if on and (row.kind != "app" or not row.active):
            raise Conflict("The page's button can take an active app alone.")
        if on and not apps.is_whole(row):
            raise Conflict("This app lacks its client ID or secret. Add them, then use it on the page.")
        await stored.leave_page(change.tx, actor.workspace, row.provider)
        await change.tx.refresh(row)
        row.on_page, row.updated_at = on, change.at
        await change.tx.flush()
        await change.note("integration_updated", provider=row.provider, subject=row.id, on_page=on)
        view = view_of(row)
    await _tell(hub, row)
    return view


async def _the(tx: Tx, actor: Actor, row_id: str) -> Connection:
    row = await stored.find(tx, actor.workspace, row_id)
    if row is None:
        raise NotFound(f"Entity with id {row_id} not found")
    return row


async def _require_free(tx: Tx, row: Connection) -> None:
    with tx.no_autoflush:
        taken = await stored.named(tx, row.workspace, row.identifier)
    if taken is not None and taken.id != row.id:
        raise Conflict(TAKEN)


async def _require_first(tx: Tx, row: Connection, provider_id: str, channel: str) -> None:
    """Of some there is one in a workspace at most, as in the original."""
    if channel != "in_app" and provider_id not in ONCE:
        return
    with tx.no_autoflush:
        present = await stored.listed(tx, row.workspace)
    if channel == "in_app" and any(each.integration.get("channel") == channel for each in present):
        raise OnlyOne("One environment can only have one In app provider")
    if any(each.provider == row.provider for each in present):
        raise Conflict(f"An integration of {provider_id} already exists")


async def _fill_the_gap(tx: Tx, row: Connection) -> None:
    """Make an active row the primary where its scope has one to give and nobody has it."""
    may = row.kind == integration_credentials.LIVE or row.scope in WITH_A_PRIMARY
    if may and await connections.primary_of(tx, row.workspace, row.scope) is None:
        await saving.promote(tx, row)
        await tx.flush()


async def _tell(hub: Hub, row: Connection) -> None:
    card = "email" if row.scope == "email" else row.provider
    await hub.bus.publish(Changed(row.workspace, card))


def _require_channel(way: wire.Way, channel: str) -> None:
    if channel != (way.channel or channel):
        raise BadForm({"channel": f"{way.name} is for the channel {way.channel}."})


def _place(way: wire.Way, channel: str) -> tuple[str, str]:
    """Purpose and scope of a new row: those of its method where it is live."""
    if way.kind == integration_credentials.LIVE:
        provider, method = find_method(way.provider, way.method)
        return method.purpose.value, scope_of(provider, method)
    purpose = PURPOSES.get(channel, channel)
    return purpose, channel if channel in WITH_A_PRIMARY else f"{way.provider}:{purpose}"


def _new_row(actor: Actor, way: wire.Way, channel: str, wanted: Wanted, kind: str) -> Connection:
    row_id = new_id()
    purpose, scope = _place(way, channel)
    name = wanted.name or way.name
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "integration"
    said: dict[str, Any] = {"channel": channel, "kind": kind}
    said |= {"conditions": wanted.conditions} if wanted.conditions else {}
    said |= {"configurations": dict(wanted.configurations)} if wanted.configurations else {}
    return Connection(
        id=row_id,
        workspace=actor.workspace,
        kind=way.kind,
        source=SOURCE,
        provider=way.provider,
        method=way.method,
        purpose=purpose,
        scope=scope,
        identifier=wanted.identifier or f"{slug}-{row_id[-8:]}",
        label=name,
        account_key=f"row:{row_id}",
        active=bool(wanted.active),
        integration=said,
        created_by=actor.called,
        connected_by=actor.called,
    )
