"""The chat API's channel endpoints: where one subscriber is reached through an integration."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict, NotFound
from atlas_hub.services import contexts, endpoint_shapes
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.channel_views import EndpointView, endpoint_view
from atlas_hub.services.chat_words import Unusable
from atlas_hub.services.subscriber_rows import made
from atlas_hub.storage import chat as stored
from atlas_hub.storage import chat_lists
from atlas_hub.storage import subscribers as people
from atlas_hub.storage.chat_lists import Wanted
from atlas_hub.storage.db import Broken, Tx
from atlas_hub.storage.models import ChannelEndpoint, Connection
from atlas_hub.storage.paging import Cut, Found
from atlas_hub.storage.sealed import bound_to

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, kw_only=True)
class NewEndpoint:
    """What is to be made. `integration` and `connection` are identifiers; `context` is as it was sent."""

    subscriber: str
    integration: str
    type: str
    endpoint: Mapping[str, Any]
    identifier: str = ""
    connection: str = ""
    context: Any = None
    may_make_subscriber: bool = False


def random_tail(length: int) -> str:
    """Small letters and digits, for an identifier that nobody chose."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


async def create(hub: Hub, actor: Actor, new: NewEndpoint) -> EndpointView:
    """Make an endpoint. Raises `NotFound`, `Conflict`, `BadForm`, `Unusable`, `VaultLocked`; nothing is stored then."""
    require_admin(actor)
    hub.vault.require_open()
    fields = endpoint_shapes.without_masks(new.type, endpoint_shapes.given(new.type, new.endpoint), {})
    endpoint_shapes.require_whole(new.type, frozenset(fields))
    contexts.parsed(new.context)
    identifier = new.identifier or f"chendp_{random_tail(12)}"
    taken = f'Channel endpoint with identifier "{identifier}" already exists in environment "{actor.workspace}"'
    try:
        async with changing(hub, actor, begins=False) as change:
            tx, workspace = change.tx, actor.workspace
            app = await stored.integration(tx, workspace, new.integration)
            if app is None:
                raise NotFound(f"Integration not found: {new.integration}")
            await _require_subscriber(change, new)
            named = await contexts.resolved(change, new.context)
            connection = await _connection(change, new, app, named)
            row = _row(change, new, app, identifier, named)
            row.connection_id = connection.id if connection else None
            write(hub, row, fields)
            tx.add(row)
            await tx.flush()
            await note(change, "endpoint_created", row, app)
            view = await _shown(tx, workspace, identifier)
    except Broken:
        raise Conflict(taken) from None
    await ring(hub, app)
    return view


async def _require_subscriber(change: Change, new: NewEndpoint) -> None:
    if await people.subscriber(change.tx, change.actor.workspace, new.subscriber) is not None:
        return
    if not new.may_make_subscriber:
        raise NotFound(
            f"Subscriber not found: {new.subscriber}. Pass createSubscriberIfMissing: true to create it, "
            "or provision it via POST /v1/subscribers."
        )
    await made(change, new.subscriber, {})


async def _connection(change: Change, new: NewEndpoint, app: Connection, named: str) -> Connection | None:
    """The connection that is named, which must be of that integration."""
    needed = new.type in endpoint_shapes.NEEDS_CONNECTION
    if not new.connection:
        if needed:
            raise Unusable(f'connectionIdentifier is required for type "{new.type}"')
        return None
    found = await stored.connection(change.tx, change.actor.workspace, new.connection)
    if found is None or found.app_id != app.id:
        raise NotFound(f"Channel connection not found: {new.connection}")
    if needed and found.contexts != named:
        raise Unusable(f'An endpoint of type "{new.type}" has the same context as its connection')
    return found


def _row(change: Change, new: NewEndpoint, app: Connection, identifier: str, named: str) -> ChannelEndpoint:
    return ChannelEndpoint(
        workspace=change.actor.workspace,
        identifier=identifier,
        app_id=app.id,
        subscriber=new.subscriber,
        contexts=named,
        type=new.type,
        created_at=change.at,
        updated_at=change.at,
        created_by=change.actor.called,
    )


def write(hub: Hub, row: ChannelEndpoint, fields: Mapping[str, Any]) -> None:
    """Put new fields beside those that are stored, or in their place: the secret ones into the envelope."""
    new = endpoint_shapes.secrets_of(row.type, fields)
    if new:
        place = bound_to(row, "sealed")
        kept = hub.vault.open(row.sealed, bound_to=place) if row.sealed else {}
        row.sealed = hub.vault.seal({**kept, **new}, bound_to=place)
        row.key_id = hub.vault.active_id
    row.endpoint = {**row.endpoint, **endpoint_shapes.shown(row.type, fields)}


async def listed(hub: Hub, actor: Actor, wanted: Wanted, cut: Cut) -> Found:
    """A page of endpoints, as `EndpointView`s: two queries."""
    async with hub.db.asking() as ask:
        found = await chat_lists.endpoints(ask, actor.workspace, wanted, cut)
    return found.shown(endpoint_view)


async def one(hub: Hub, actor: Actor, identifier: str) -> EndpointView:
    """An endpoint. Raises `NotFound`."""
    async with hub.db.asking() as ask:
        found = await stored.shown_endpoint(ask, actor.workspace, identifier)
    if found is None:
        raise _missing(identifier)
    return endpoint_view(found)


async def update(hub: Hub, actor: Actor, identifier: str, endpoint: Mapping[str, Any]) -> EndpointView:
    """Merge fields into a stored endpoint, whose type stays; no field changes nothing.

    Raises `NotFound`, `Unusable`, `BadForm`, `VaultLocked`.
    """
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change, identifier)
        given = endpoint_shapes.given(row.type, endpoint)
        new = endpoint_shapes.without_masks(row.type, given, row.endpoint)
        endpoint_shapes.require_whole(row.type, frozenset(row.endpoint) | frozenset(new))
        app = await change.tx.get(Connection, row.app_id)
        if new:
            write(hub, row, new)
            row.updated_at = change.at
            await change.tx.flush()
            await note(change, "endpoint_updated", row, app)
        view = await _shown(change.tx, actor.workspace, identifier)
    if new:
        await ring(hub, app)
    return view


async def delete(hub: Hub, actor: Actor, identifier: str) -> None:
    """Delete an endpoint. Raises `NotFound`."""
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change, identifier)
        app = await change.tx.get(Connection, row.app_id)
        await change.tx.delete(row)
        await change.tx.flush()
        await note(change, "endpoint_deleted", row, app)
    await ring(hub, app)


async def put_webhook(change: Change, app: Connection, subscriber: str, endpoint: Mapping[str, Any]) -> None:
    """A subscriber's own webhook of an integration, in the place of the one that is there. Raises `Unusable`."""
    fields = endpoint_shapes.given("webhook", endpoint)
    present = [
        row for row in await stored.webhooks(change.tx, change.actor.workspace, subscriber) if row.app_id == app.id
    ]
    row = await stored.endpoint(change.tx, change.actor.workspace, present[0].identifier) if present else None
    fields = endpoint_shapes.without_masks("webhook", fields, row.endpoint if row else {})
    if row is None:
        new = NewEndpoint(subscriber=subscriber, integration=app.identifier, type="webhook", endpoint=endpoint)
        row = _row(change, new, app, f"chendp_{random_tail(12)}", "")
        change.tx.add(row)
    endpoint_shapes.require_whole("webhook", frozenset(row.endpoint) | frozenset(fields))
    if fields:
        write(change.hub, row, fields)
        row.updated_at = change.at
        await change.tx.flush()
        await note(change, "endpoint_updated" if present else "endpoint_created", row, app)


async def ring(hub: Hub, app: Connection | None) -> None:
    """Tell open pages that something of an integration's subscribers changed."""
    if app is not None:
        await hub.bus.publish(Changed(app.workspace, app.provider))


async def note(change: Change, kind: str, row: ChannelEndpoint, app: Connection | None) -> None:
    """Write what happened to an endpoint."""
    await change.note(
        kind,
        provider=app.provider if app else "",
        subject=row.id,
        label=row.identifier,
        type=row.type,
        subscriber=row.subscriber,
    )


async def _the(change: Change, identifier: str) -> ChannelEndpoint:
    row = await stored.endpoint(change.tx, change.actor.workspace, identifier)
    if row is None:
        raise _missing(identifier)
    return row


async def _shown(tx: Tx, workspace: str, identifier: str) -> EndpointView:
    return endpoint_view(await stored.shown_endpoint(await tx.connection(), workspace, identifier))


def _missing(identifier: str) -> NotFound:
    return NotFound(f'Channel endpoint with identifier "{identifier}" not found')
