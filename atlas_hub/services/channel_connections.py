"""The chat API's channel connections: a subscriber's or a context's tie to an account, through an integration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, Forbidden, NotFound
from atlas_hub.kit.ids import is_id, new_id
from atlas_hub.providers.contract import Feature
from atlas_hub.services import channel_tokens, contexts, letting_go, proving
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.channel_endpoints import random_tail
from atlas_hub.services.channel_tokens import Auth
from atlas_hub.services.channel_views import CARD, ConnectionView, connection_view
from atlas_hub.services.chat_words import CHAT, Unusable, integration_provider, kind_of
from atlas_hub.storage import chat as stored
from atlas_hub.storage import chat_lists
from atlas_hub.storage import connections as rows
from atlas_hub.storage import subscribers as people
from atlas_hub.storage.chat_lists import Wanted
from atlas_hub.storage.db import Broken, Tx, constraint_of
from atlas_hub.storage.models import Connection
from atlas_hub.storage.paging import Cut, Found

CARDS: Final = tuple(sorted(CHAT.values()))
"""The providers whose cards' own accounts are channel connections, too."""
METHODS: Final[Mapping[str, str]] = {"slack": "oauth", "teams": "oauth"}
OTHER_METHOD: Final = "chat"
REFRESHING: Final = frozenset({"slack", "novu-slack", "webex-messaging"})
ON_THE_PAGE: Final = "This connection is managed on the Integrations page."
NAME_LENGTH: Final = 200


@dataclass(frozen=True, kw_only=True)
class Place:
    """The workspace at the vendor, as an application tells it."""

    id: str
    name: str = ""
    bot_user_id: str = ""

    def wire(self) -> dict[str, str]:
        """As it is kept and told."""
        named = {"name": self.name, "botUserId": self.bot_user_id}
        return {"id": self.id, **{name: text for name, text in named.items() if text}}


@dataclass(frozen=True, kw_only=True)
class NewConnection:
    """What is to be made. `integration` is an identifier; `context` is as it was sent; `subscriber` may be ""."""

    integration: str
    place: Place
    auth: Auth
    identifier: str = ""
    subscriber: str = ""
    context: Any = None


async def create(hub: Hub, actor: Actor, new: NewConnection) -> ConnectionView:
    """Make a connection, and have its token proven in the background.

    Raises `NotFound`, `Conflict`, `BadForm`, `Unusable`, `VaultLocked`; nothing is stored then.
    """
    require_admin(actor)
    hub.vault.require_open()
    contexts.parsed(new.context)
    if new.identifier.startswith(CARD) and is_id(new.identifier.removeprefix(CARD)):
        raise BadForm({"identifier": "Identifiers of this form belong to the cards' own accounts. Choose another."})
    identifier = new.identifier or f"chconn-{random_tail(6)}"
    try:
        async with changing(hub, actor, begins=False) as change:
            row = await _made(change, new, identifier)
            view = await _shown(change.tx, actor.workspace, identifier)
    except Broken as error:  # the table's own word, however many asked at once
        raise await _taken(hub, actor, new, identifier, constraint_of(error)) from None
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    hub.soon(proving.prove(hub, actor.workspace, row.id))
    return view


async def _made(change: Change, new: NewConnection, identifier: str) -> Connection:
    tx, workspace = change.tx, change.actor.workspace
    app = await stored.integration(tx, workspace, new.integration)
    if app is None:
        raise NotFound(f"Integration not found: {new.integration}")
    _require_refreshing(app, new.auth)
    if new.subscriber and await people.subscriber(tx, workspace, new.subscriber) is None:
        raise NotFound(f"Subscriber not found: {new.subscriber}")
    if await stored.connection(tx, workspace, identifier) is not None:  # of the other kind: no index sees both
        raise _identifier_taken(change.actor, identifier)
    row = row_of(change, new, app, identifier, await contexts.resolved(change, new.context))
    credential = channel_tokens.fresh(change.hub, row, app, new.auth)
    tx.add(credential)
    await tx.flush()
    row.credential_id = credential.id
    tx.add(row)
    await tx.flush()
    await note(change, "connection_created", row)
    return row


def row_of(change: Change, new: NewConnection, app: Connection, identifier: str, named: str) -> Connection:
    """A new connection's row; its credential is not there yet."""
    row_id = new_id()
    kind, provider = kind_of(integration_provider(app))
    return Connection(
        id=row_id,
        workspace=change.actor.workspace,
        kind=kind,
        source="chat",
        provider=provider,
        method=METHODS.get(provider, OTHER_METHOD) if kind == "account" else OTHER_METHOD,
        purpose="chat",
        scope=f"{provider}:chat",
        identifier=identifier,
        label=(new.place.name or new.place.id)[:120],
        account_name=(new.place.name or new.place.id)[:NAME_LENGTH],
        account_key=f"row:{row_id}",
        wire={"workspace": new.place.wire(), "auth": new.auth.wire()},
        masks=new.auth.masks(provider),
        app_id=app.id,
        subscriber=new.subscriber,
        contexts=named,
        features=[Feature.SEND.value],  # an application sends through it; the page's own features are the card's
        created_at=change.at,
        created_by=change.actor.called,
        connected_at=change.at,
        connected_by=change.actor.called,
        updated_at=change.at,
    )


def _require_refreshing(app: Connection, auth: Auth) -> None:
    """Raises `Unusable` for a refresh token that nothing here could use."""
    if auth.refresh_token is None:
        return
    complete = bool(app.options.get("clientId")) and "secretKey" in app.masks
    if integration_provider(app) not in REFRESHING or not complete:
        raise Unusable(
            "refreshToken is taken for Slack and Webex alone, where the integration has clientId and secretKey"
        )


async def _taken(hub: Hub, actor: Actor, new: NewConnection, identifier: str, constraint: str) -> Conflict:
    """What is said where the table refused a row: it is there, by its subscriber and context or by its identifier."""
    if "app_id" not in constraint and "resource" not in constraint:
        return _identifier_taken(actor, identifier)
    named = contexts.parsed(new.context)
    async with hub.db.reading() as tx:
        app = await stored.integration(tx, actor.workspace, new.integration)
        of = (new.subscriber, contexts.joined(named))
        present = await stored.of_resource(tx, actor.workspace, app.id, *of) if app else None
    whose = f'subscriberId "{new.subscriber}"' if new.subscriber else "no subscriberId"
    which = f"context [{', '.join(each.key for each in named)}]" if named else "no context"
    return Conflict(
        f'A channel connection already exists for integration "{new.integration}" with {whose} and {which}. '
        f"Connection ID: {present or 'deleted meanwhile'}"
    )


def _identifier_taken(actor: Actor, identifier: str) -> Conflict:
    return Conflict(
        f'Channel connection with identifier "{identifier}" already exists in environment "{actor.workspace}"'
    )


async def listed(hub: Hub, actor: Actor, wanted: Wanted, cut: Cut) -> Found:
    """A page of connections, the cards' own among them, as `ConnectionView`s: two queries."""
    async with hub.db.asking() as ask:
        found = await chat_lists.connections(ask, actor.workspace, wanted, cut)
    return found.shown(connection_view)


async def one(hub: Hub, actor: Actor, identifier: str) -> ConnectionView:
    """A connection, or a card's own account as `hub-<row id>`. Raises `NotFound`."""
    async with hub.db.asking() as ask:
        found = await stored.shown_connection(ask, actor.workspace, identifier)
        if found is None and identifier.startswith(CARD):
            found = await stored.shown_card(ask, actor.workspace, identifier.removeprefix(CARD), CARDS)
    if found is None:
        raise _missing(identifier)
    return connection_view(found)


async def update(hub: Hub, actor: Actor, identifier: str, place: Place, auth: Auth) -> ConnectionView:
    """Replace workspace and auth. A new token waits, unproven, beside one that was proven, and is proven at once.

    Raises `NotFound`, `Forbidden` for a card's own, `BadForm`, `Unusable`, `VaultLocked`.
    """
    require_admin(actor)
    hub.vault.require_open()
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change, identifier)
        app = await change.tx.get(Connection, row.app_id)
        if app is not None:
            _require_refreshing(app, auth)
        await channel_tokens.replace(change, row, auth)
        row.wire = {**row.wire, "workspace": place.wire()}
        if row.account_key.startswith("row:"):
            row.account_name = (place.name or place.id)[:NAME_LENGTH]
        row.updated_at = change.at
        await change.tx.flush()
        await note(change, "connection_updated", row)
        view = await _shown(change.tx, actor.workspace, identifier)
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    hub.soon(proving.prove(hub, actor.workspace, row.id))
    return view


async def delete(hub: Hub, actor: Actor, identifier: str) -> None:
    """Delete a connection and the endpoints that name it. Raises `NotFound`, `Forbidden` for a card's own."""
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change, identifier)
        gone = await stored.delete_endpoints_of(change.tx, row.id)
        grant = await letting_go.let_go(change, row)
        await rows.delete_row(change.tx, row)
        await note(change, "connection_deleted", row, endpoints=gone or None)
    letting_go.revoke_soon(hub, grant)
    await hub.bus.publish(Changed(actor.workspace, row.provider))


async def _the(change: Change, identifier: str) -> Connection:
    """The connection to change. Raises `NotFound`, `Forbidden`."""
    tx, workspace = change.tx, change.actor.workspace
    row = await stored.connection(tx, workspace, identifier)
    if row is not None:
        return row
    if identifier.startswith(CARD):
        ask = await tx.connection()
        if await stored.shown_card(ask, workspace, identifier.removeprefix(CARD), CARDS) is not None:
            raise Forbidden(ON_THE_PAGE)
    raise _missing(identifier)


async def note(change: Change, kind: str, row: Connection, **more: Any) -> None:
    """Write what happened to a connection."""
    await change.note(
        kind,
        provider=row.provider,
        subject=row.id,
        label=row.identifier,
        subscriber=row.subscriber,
        contexts=row.contexts,
        **more,
    )


async def _shown(tx: Tx, workspace: str, identifier: str) -> ConnectionView:
    return connection_view(await stored.shown_connection(await tx.connection(), workspace, identifier))


def _missing(identifier: str) -> NotFound:
    return NotFound(f'Channel connection with identifier "{identifier}" not found')
