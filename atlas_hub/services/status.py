"""What the cards and the status API say: a pure table from deployment, provider and rows to a mode."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.providers import PARTS, PROVIDERS, key_of, parts_of
from atlas_hub.providers.contract import Provider, Sends, scope_of
from atlas_hub.services import beside, environment
from atlas_hub.services.access import Actor
from atlas_hub.services.beside import Beside, consent_of, fallback, hint_of, oauth_app, scrape_of, suggested_in
from atlas_hub.services.views import CONNECTED, CardView, ConnectionView, Other, State, scopes_of, state_of, view_of
from atlas_hub.storage import connections as stored

log = logging.getLogger(__name__)

DEFAULT_DELIVERABLE = frozenset({State.OK, State.EXPIRING, State.DEGRADED})
"""The states in which a message sent now would arrive."""

PLATFORMS: Mapping[str, tuple[str, ...]] = {
    "slack": ("teamId", "workspaceName"),
    "teams": ("tenantId", "tenantName"),
    "discord": ("guildId", "guildName"),
    "telegram": ("botId", "botUsername"),
    "gchat": ("projectId", "serviceAccountEmail"),
    "github": ("username",),
    "linear": ("userName", "userEmail"),
    "whatsapp": ("phoneNumberId", "displayPhone"),
    "email": ("provider", "senderAddress"),
}
"""The status answer's platforms and their own fields, in its order (seed 1); `webhooks` has a shape of its own."""


class Mode(StrEnum):
    """What a card shows."""

    CONNECTED = "connected"
    ENVIRONMENT = "environment"
    CONNECTING = "connecting"
    NO_DEFAULT = "no_default"
    FORM = "form"
    HINT = "hint"
    NOT_AVAILABLE = "not_available"
    CLOSED = "closed"


def mode_of(
    *,
    primary: bool = False,
    others: bool = False,
    given: bool = False,
    consent: bool = False,
    closed: bool = False,
    database: bool = True,
    saas: bool = False,
) -> Mode:
    """The seed's table *SaaS vs Self-Hosted*. `given`: by the environment; `consent`: an admin is giving it."""
    answers = (
        (primary, Mode.CONNECTED),
        (consent, Mode.CONNECTING),
        (given, Mode.ENVIRONMENT),
        (others, Mode.NO_DEFAULT),
        (closed, Mode.CLOSED),
        (database, Mode.FORM),
        (saas, Mode.NOT_AVAILABLE),
    )
    return next((mode for holds, mode in answers if holds), Mode.HINT)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the page shows: every card in the registry's order, and how many schedules deliver by webhook."""

    cards: tuple[CardView, ...]
    webhooks: int = 0


async def overview(hub: Hub, actor: Actor) -> Overview:
    """Every card of a workspace: four queries."""
    return await _overview(hub, actor.workspace, PARTS.values())


async def card(hub: Hub, workspace: str, key: str) -> CardView:
    """One card of a workspace, by its key: four queries."""
    return (await _overview(hub, workspace, [PARTS[key]])).cards[0]


async def cards(hub: Hub, workspace: str, slug: str) -> tuple[CardView, ...]:
    """The cards of all parts of a provider: four queries."""
    return (await _overview(hub, workspace, parts_of(slug))).cards


async def _overview(hub: Hub, workspace: str, parts: Iterable[Provider]) -> Overview:
    if not hub.has_database:
        return Overview(cards=tuple(_card(hub, workspace, part, (), Beside()) for part in parts))
    rows, near = await _read(hub, workspace)
    present = frozenset(found.row.provider for found in rows if found.row.source == environment.SOURCE)
    if await environment.settle(hub, workspace, present):
        rows, near = await _read(hub, workspace)
    cards = [_card(hub, workspace, part, [each for each in rows if _is_of(part, each.row)], near) for part in parts]
    return Overview(cards=tuple(cards), webhooks=near.hooks)


def _card_of(row: Any) -> str:
    """The slug of the card that a row belongs to: Email for a mail provider that the hub does not know."""
    return "email" if row.primary_scope == "email" else str(row.provider)


def _is_of(part: Provider, row: Any) -> bool:
    """Whether a row stands on the card of this part: by its scope, where the provider has several parts."""
    if _card_of(row) != part.slug:
        return False
    scopes = {scope_of(each, each.methods[0]): key_of(each) for each in parts_of(part.slug)}
    return scopes.get(str(row.scope), part.slug) == key_of(part)


async def _read(hub: Hub, workspace: str) -> tuple[list[stored.Stored], Beside]:
    async with hub.db.reading() as tx:
        return await stored.cards(tx, workspace), await beside.read(hub, tx, workspace)


def _card(hub: Hub, workspace: str, provider: Provider, rows: Sequence[stored.Stored], near: Beside) -> CardView:
    consent, waits = consent_of(hub, provider, near)
    gift = environment.given(hub, provider)
    mail = gift is not None and environment.is_mail(gift.method)
    primary = next((found for found in rows if found.row.primary_scope), None)
    own = next((found for found in rows if found.row.source == environment.SOURCE), None) if gift else None
    others = [found for found in rows if not found.row.primary_scope and found.row.source != environment.SOURCE]
    mode = mode_of(
        primary=primary is not None,
        others=bool(others),
        given=own is not None or (gift is not None and not hub.has_database),
        consent=waits is not None,
        closed=provider.lifecycle.closed,
        database=hub.has_database,
        saas=hub.settings.saas,
    )
    shown = primary or (own if mode is Mode.ENVIRONMENT else None)
    view = None if shown is None else _view(hub, provider, shown)
    return CardView(
        provider=provider.slug,
        key=key_of(provider),
        mode=mode.value,
        connection=view,
        suggested=suggested_in(hub, provider, workspace),
        scrape=scrape_of(hub, workspace, view),
        others=tuple(_other(hub, each) for each in others),
        hint=hint_of(provider) if mode is Mode.HINT else (),
        variables=gift.variables if gift and mode is Mode.ENVIRONMENT and not hub.settings.saas else (),
        fallback=fallback(hub, gift) if gift and mail and primary is None else "",
        falls_back=gift is not None and mail and gift.form is not None and primary is None and hub.has_database,
        waits_until=waits,
        consent=consent,
        subscribers=near.subscribed.get(provider.slug, 0) if key_of(provider) == provider.slug else 0,
    )


def _view(hub: Hub, provider: Provider, found: stored.Stored) -> ConnectionView:
    return view_of(
        provider,
        found.row,
        hub.vault,
        key_id=found.key_id,
        granted=found.granted,
        expires_at=found.expires_at,
    )


def _other(hub: Hub, found: stored.Stored) -> Other:
    row = found.row
    state = state_of(row, hub.vault, found.key_id)
    return Other(id=row.id, label=row.label, account=row.account_name, state=state)


async def answer(hub: Hub, actor: Actor) -> dict[str, Any]:
    """The status API's answer, complete for all ten platforms: one query, no vendor asked (reference hub §1)."""
    rows: Sequence[Any] = ()
    hooks, apps = 0, frozenset[str]()
    if hub.has_database:
        rows, hooks, apps = await _statuses(hub, actor)
        present = frozenset(row.provider for row in rows if row.source == environment.SOURCE)
        if await environment.settle(hub, actor.workspace, present):
            rows, hooks, apps = await _statuses(hub, actor)
    by_name = _by_name(hub, rows)
    named = {provider.names.admin: provider for provider in PROVIDERS.values() if provider.names.admin}
    said: dict[str, Any] = {
        name: _alone(hub, named[name], fields, by_name.get(name), has_app=named[name].slug in apps)
        for name, fields in PLATFORMS.items()
    }
    said["webhooks"] = {"activeCount": hooks, "configurable": hub.has_database}
    said["deliveryChannels"] = channels(hub, by_name, hooks)
    said["deployMode"] = hub.settings.deploy_mode.value
    said["hasInternalDB"] = hub.has_database
    return said


async def _statuses(hub: Hub, actor: Actor) -> tuple[Sequence[Any], int, frozenset[str]]:
    async with hub.db.asking() as ask:
        return await stored.statuses(ask, actor.workspace)


def _by_name(hub: Hub, rows: Sequence[Any]) -> dict[str, Any]:
    """The admin API's name → the row that counts: the primary, else what the environment gives."""
    found: dict[str, Any] = {}
    for row in rows:
        provider = PROVIDERS.get(_card_of(row))
        if provider is None or provider.names.admin is None:
            continue
        if row.primary_scope not in {None, "email", scope_of(provider, provider.methods[0])}:
            continue  # what stands beside the bot on its card (an incoming webhook) is none of this API's
        if row.primary_scope is not None or (
            provider.names.admin not in found and environment.given(hub, provider) is not None
        ):
            found[provider.names.admin] = row
    return found


def _alone(hub: Hub, provider: Provider, fields: Iterable[str], row: Any, *, has_app: bool) -> dict[str, Any]:
    """A platform's part of the answer; one whose stored row makes no sense says so, and spoils no other's."""
    try:
        return _platform(hub, provider, fields, row, has_app=has_app)
    except (AttributeError, KeyError, TypeError, ValueError):
        log.exception("What is stored of %s cannot be read.", provider.name)
        unread = {"connected": True, "installedAt": None, "state": State.MISCONFIGURED, "source": row.source}
        return {
            **_platform(hub, provider, fields, None, has_app=has_app),
            **unread,
            "checks": {},
            "scopes": scopes_of(provider, None),
        }


def _platform(hub: Hub, provider: Provider, fields: Iterable[str], row: Any, *, has_app: bool) -> dict[str, Any]:
    state = _state(hub, row)
    connected = state in CONNECTED if state else False
    wire: Mapping[str, Any] = dict(_wire(row)) if connected else {}
    said: dict[str, Any] = {"connected": connected, **{key: wire.get(key) for key in fields}}
    said["installedAt"] = iso(row.connected_at) if connected else None
    app = has_app or oauth_app(hub, provider)
    if provider.slug == "slack":
        said["oauthConfigured"] = app
        said["envConfigured"] = hub.settings.env("SLACK_BOT_TOKEN") is not None
    said["configurable"] = hub.has_database and (provider.oauth_env is None or app)
    if connected:
        said["state"], said["checks"], said["source"] = state, dict(row.checks), row.source
        said["scopes"] = scopes_of(provider, row.granted, row.features)
    elif row is None and not hub.has_database and _account_given(hub, provider):
        said["connected"], said["source"] = True, environment.SOURCE
    return said


def _account_given(hub: Hub, provider: Provider) -> bool:
    gift = environment.given(hub, provider)
    return gift is not None and gift.form is not None and not environment.is_mail(gift.method)


def _state(hub: Hub, row: Any) -> State | None:
    return None if row is None else state_of(row, hub.vault, row.key_id)


def _wire(row: Any) -> Any:
    if row.primary_scope == "email":
        known = PROVIDERS["email"].method(row.method) is not None
        return {"provider": row.method if known else row.provider, "senderAddress": row.options.get("sender_address")}
    return row.wire


def channels(hub: Hub, by_name: Mapping[str, Any], hooks: int) -> list[str]:
    """What can deliver now, in the answer's fixed order: email, slack, webhook (decisions §8)."""
    able = {
        name
        for name in ("email", "slack")
        if (row := by_name.get(name)) is not None
        and _state(hub, row) in DEFAULT_DELIVERABLE
        and isinstance(PROVIDERS[row.provider].method(row.method), Sends)
    }
    if "email" not in by_name and (gift := environment.mail(hub)) is not None and gift.form is not None:
        able.add("email")
    if not hub.has_database and _account_given(hub, PROVIDERS["slack"]):
        able.add("slack")
    if hooks:
        able.add("webhook")
    return [name for name in ("email", "slack", "webhook") if name in able]
