"""The chat API's subscribers, and what the page lists of their connections and endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict, NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services import channel_endpoints
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.channel_views import ConnectionView, EndpointView, connection_view, endpoint_view
from atlas_hub.services.chat_words import CHANNEL_PROVIDER_IDS, integration_kind_of, integration_provider
from atlas_hub.services.subscriber_rows import made
from atlas_hub.storage import chat, installation
from atlas_hub.storage import subscribers as stored
from atlas_hub.storage.db import Broken
from atlas_hub.storage.models import Connection, Subscriber

MOST_ON_PAGE: Final = 100
SEARCH_LENGTH: Final = 200


@dataclass(frozen=True, kw_only=True)
class ChannelView:
    """Where a subscriber is reached through a provider: its integration and a webhook's mask."""

    provider_id: str
    integration_id: str
    integration: str
    webhook: str
    channel: str | None


@dataclass(frozen=True, kw_only=True)
class SubscriberView:
    """A subscriber. `profile` is what an application told of them, by the wire's names."""

    id: str
    subscriber_id: str
    workspace: str
    profile: Mapping[str, Any]
    channels: tuple[ChannelView, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A row of the page's list: a subscriber's `connection` or `endpoint`. `account` is a workspace's name or a type.

    `state` is the word of a connection's state (`views.State`), "" for an endpoint.
    """

    id: str
    kind: str
    identifier: str
    subscriber: str
    contexts: tuple[str, ...]
    integration: str
    provider: str
    state: str
    reason: str
    account: str
    created_at: datetime
    updated_at: datetime
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A part of the page's list, newest first. `next` is the `after` of the part that follows, "" at the end."""

    rows: tuple[Listed, ...]
    next: str


async def create(
    hub: Hub, actor: Actor, subscriber_id: str, profile: Mapping[str, Any], *, fail_if_exists: bool = False
) -> SubscriberView:
    """Make a subscriber, or tell one that is there anew: what `profile` has is written, None takes a word away.

    Clients send a request again when its answer was lost, and applications make a subscriber at every sign-in: so one
    that is there is no error, unless the caller says so. Raises `Conflict` then.
    """
    require_admin(actor)
    taken = f'Subscriber with subscriberId "{subscriber_id}" already exists'
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
    try:
        async with changing(hub, actor, begins=begins) as change:
            row = await stored.subscriber(change.tx, actor.workspace, subscriber_id)
            if row is not None and fail_if_exists:
                raise Conflict(taken)
            if row is None:
                row = await made(change, subscriber_id, profile)
            else:
                await _tell(change, row, profile)
            return _view(row, await chat.webhooks(change.tx, actor.workspace, subscriber_id))
    except Broken:
        raise Conflict(taken) from None


async def _tell(change: Change, row: Subscriber, profile: Mapping[str, Any]) -> None:
    told = {name: value for name, value in {**row.profile, **profile}.items() if value is not None}
    if told == row.profile:
        return
    row.profile, row.updated_at = told, change.at
    await change.note("subscriber_updated", subject=row.id, subscriber=row.subscriber_id)


async def one(hub: Hub, actor: Actor, subscriber_id: str) -> SubscriberView:
    """A subscriber. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        row = await stored.subscriber(tx, actor.workspace, subscriber_id)
        if row is None:
            raise NotFound(f"Subscriber: {subscriber_id} was not found")
        return _view(row, await chat.webhooks(tx, actor.workspace, subscriber_id))


async def set_webhook(
    hub: Hub, actor: Actor, subscriber_id: str, provider_id: str, integration: str | None, endpoint: Mapping[str, Any]
) -> SubscriberView:
    """Reach a subscriber by a webhook (`url`, `channel?`) of a provider's integration, in the place of a former one.

    `integration` is an identifier; None is the oldest active one of the provider. Raises `NotFound`, `Unusable`.
    """
    require_admin(actor)
    hub.vault.require_open()
    async with changing(hub, actor, begins=False) as change:
        row = await stored.subscriber(change.tx, actor.workspace, subscriber_id)
        if row is None:
            raise NotFound(f"SubscriberId: {subscriber_id} not found")
        app = await _integration(change, provider_id, integration)
        await channel_endpoints.put_webhook(change, app, subscriber_id, endpoint)
        view = _view(row, await chat.webhooks(change.tx, actor.workspace, subscriber_id))
    await channel_endpoints.ring(hub, app)
    return view


async def _integration(change: Change, provider_id: str, identifier: str | None) -> Connection:
    workspace = change.actor.workspace
    if identifier is None:
        found = await chat.integration_of(change.tx, workspace, *integration_kind_of(provider_id))
    else:
        found = await chat.integration(change.tx, workspace, identifier)
        found = found if found is not None and integration_provider(found) == provider_id else None
    if found is None:
        raise NotFound(f"Subscribers environment ({workspace}) do not have active {provider_id} integration.")
    return found


def _view(row: Subscriber, webhooks: Sequence[Any]) -> SubscriberView:
    return SubscriberView(
        id=row.id,
        subscriber_id=row.subscriber_id,
        workspace=row.workspace,
        profile=row.profile,
        channels=tuple(
            ChannelView(
                provider_id=integration_provider(each),
                integration_id=each.app_id,
                integration=each.integration_identifier,
                webhook=each.endpoint.get("url", ""),
                channel=each.endpoint.get("channel"),
            )
            for each in webhooks
            if each.kind and integration_provider(each) in CHANNEL_PROVIDER_IDS
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def listing(
    hub: Hub, actor: Actor, search: str = "", after: str = "", limit: int = 50, *, provider: str = ""
) -> Listing:
    """Subscribers' connections and endpoints, newest first: those whose subscriber, identifier or workspace's name
    begins with `search`, of one provider where it is given, made before the row `after`; at most `MOST_ON_PAGE`. Two
    queries.
    """
    limit = max(1, min(limit, MOST_ON_PAGE))
    search = "".join(sign for sign in search.strip()[:SEARCH_LENGTH] if sign.isprintable())
    after = after if is_id(after) else ""
    async with hub.db.asking() as ask:
        ties = await stored.connections_on_page(ask, actor.workspace, search, after, limit + 1, provider)
        ends = await stored.endpoints_on_page(ask, actor.workspace, search, after, limit + 1, provider)
    rows = [*(_of_connection(row) for row in ties), *(_of_endpoint(row) for row in ends)]
    rows.sort(key=lambda row: row.id, reverse=True)
    more = len(rows) > limit
    return Listing(rows=tuple(rows[:limit]), next=rows[limit - 1].id if more else "")


def _of_connection(row: Any) -> Listed:
    view = connection_view(row)
    account = row.account_name or view.workspace_name or view.workspace_id
    return _listed(row, view, kind="connection", state=row.state, reason=row.reason, account=account)


def _of_endpoint(row: Any) -> Listed:
    view = endpoint_view(row)
    return _listed(row, view, kind="endpoint", state="", reason="", account=view.type)


def _listed(row: Any, view: ConnectionView | EndpointView, **own: str) -> Listed:
    """A row of the page's list; `own` is what connections and endpoints have each in a way of their own."""
    return Listed(
        id=view.id,
        identifier=view.identifier,
        subscriber=view.subscriber or "",
        contexts=tuple(view.contexts),
        integration=row.label or "",
        provider=row.provider or "",
        created_at=view.created_at,
        updated_at=view.updated_at,
        created_by=row.created_by,
        **own,
    )


async def count_by_provider(hub: Hub, workspace: str) -> dict[str, int]:
    """How many subscribers' connections each provider has, by slug; providers with none are left out."""
    async with hub.db.asking() as ask:
        return await stored.count_by_provider(ask, workspace)
