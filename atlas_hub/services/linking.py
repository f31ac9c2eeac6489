"""What a subscriber's consent leaves behind: a channel connection, and endpoints of who agreed. Made or renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas_hub.kit.errors import Conflict, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.secret import Secret
from atlas_hub.services import channel_connections, channel_endpoints, channel_tokens, endpoint_shapes
from atlas_hub.services.changing import Change
from atlas_hub.services.channel_connections import Place
from atlas_hub.services.channel_tokens import Auth
from atlas_hub.storage import chat as stored
from atlas_hub.storage import subscribers
from atlas_hub.storage.models import ChannelEndpoint, Connection

APP_ONLY = "app-only"
"""What stands for the token where the app's own credentials are used (Teams); it is no secret."""


@dataclass(frozen=True, kw_only=True)
class Whose:
    """For whom a consent was: `contexts` as rows keep them, `identifier` what the connection is to be called."""

    app: Connection
    subscriber: str
    contexts: str
    identifier: str


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the vendor gave. `token` is None where the app's own credentials are used."""

    workspace: Mapping[str, str]
    token: Secret | None
    refresh: Secret | None = None
    ends: datetime | None = None

    @property
    def auth(self) -> Auth:
        """As the chat API keeps tokens."""
        return Auth(access_token=self.token or Secret(APP_ONLY), refresh_token=self.refresh, expires_at=self.ends)

    @property
    def place(self) -> Place:
        """As the chat API names the workspace at the vendor."""
        told = self.workspace
        return Place(id=told["id"], name=told.get("name", ""), bot_user_id=told.get("botUserId", ""))


async def connected(change: Change, whose: Whose, given: Given) -> Connection:
    """The connection of a subscriber or context: a new one, or the one there is with the new token.

    Raises `Conflict` where the identifier is another subscriber's, context's or integration's.
    """
    row = await _present(change, whose)
    if row is None:
        identifier = whose.identifier or f"chconn-{channel_endpoints.random_tail(6)}"
        new = channel_connections.NewConnection(
            integration=whose.app.identifier, place=given.place, auth=given.auth, subscriber=whose.subscriber
        )
        row = channel_connections.row_of(change, new, whose.app, identifier, whose.contexts)
        credential = channel_tokens.fresh(change.hub, row, whose.app, given.auth)
        credential.options = {}  # it was consented to
        change.tx.add(credential)
        await change.tx.flush()
        row.credential_id = credential.id
        change.tx.add(row)
        kind = "connection_created"
    else:
        await channel_tokens.renewed(change, row, whose.app, given.auth)
        row.wire = {**row.wire, "workspace": given.place.wire()}
        row.account_name = (given.place.name or given.place.id)[: channel_connections.NAME_LENGTH]
        row.updated_at = row.connected_at = change.at
        row.connected_by = change.actor.called
        kind = "connection_updated"
    if given.token is None:
        row.masks = {channel_tokens.ACCESS: APP_ONLY}
        row.options = {**row.options, "tenant_id": given.place.id}
    await change.tx.flush()
    await channel_connections.note(change, kind, row, by="consent")
    return row


async def _present(change: Change, whose: Whose) -> Connection | None:
    """The connection that is renewed: by its identifier, else by whose it is."""
    tx, workspace = change.tx, change.actor.workspace
    row = await stored.connection(tx, workspace, whose.identifier) if whose.identifier else None
    if row is not None:
        same = (row.app_id, row.subscriber, row.contexts) == (whose.app.id, whose.subscriber, whose.contexts)
        if not same:  # somebody else's must not be taken over by knowing what it is called
            raise Conflict("A connection of this identifier belongs to another subscriber, context or integration.")
        return row
    found = await stored.of_resource(tx, workspace, whose.app.id, whose.subscriber, whose.contexts)
    return await stored.connection(tx, workspace, found) if found else None


async def linked(
    change: Change, whose: Whose, kind: str, fields: Mapping[str, Any], connection: Connection | None
) -> ChannelEndpoint:
    """An endpoint of that type for the subscriber: a new one, or the one there is for the same destination."""
    tx = change.tx
    present = await subscribers.endpoints_like(tx, change.actor.workspace, whose.app.id, whose.subscriber, kind)
    secret = bool(endpoint_shapes.secrets_of(kind, fields))
    row = next(
        (
            each
            for each in present
            if each.contexts == whose.contexts and (secret or {**each.endpoint, **fields} == each.endpoint)
        ),
        None,
    )
    if row is None:
        row = ChannelEndpoint(
            id=new_id(),
            workspace=change.actor.workspace,
            identifier=f"chendp_{channel_endpoints.random_tail(12)}",
            app_id=whose.app.id,
            subscriber=whose.subscriber,
            contexts=whose.contexts,
            type=kind,
            created_at=change.at,
            created_by=change.actor.called,
        )
    row.connection_id = connection.id if connection is not None else row.connection_id
    row.updated_at = change.at
    channel_endpoints.write(change.hub, row, fields)
    tx.add(row)
    await tx.flush()
    await channel_endpoints.note(change, "endpoint_created", row, whose.app)
    return row


async def named_connection(change: Change, whose: Whose) -> Connection | None:
    """The connection that an endpoint is to be tied to, by its identifier. Raises `NotFound`."""
    if not whose.identifier:
        return None
    row = await stored.connection(change.tx, change.actor.workspace, whose.identifier)
    if row is None or row.app_id != whose.app.id:
        raise NotFound(f"Channel connection not found: {whose.identifier}")
    return row
