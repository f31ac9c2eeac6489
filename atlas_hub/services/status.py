"""What the cards and the status API say: a pure table from deployment, provider and rows to a mode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Provider, Sends
from atlas_hub.services.access import Actor
from atlas_hub.services.views import CONNECTED, CardView, ConnectionView, State, view_of
from atlas_hub.storage import connections as stored

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

OAUTH_PLATFORMS = frozenset({"slack", "teams", "discord"})


class Mode(StrEnum):
    """What a card shows."""

    CONNECTED = "connected"
    NO_DEFAULT = "no_default"
    FORM = "form"
    HINT = "hint"
    NOT_AVAILABLE = "not_available"


def mode_of(*, primary: bool, others: bool, database: bool, saas: bool) -> Mode:
    """The seed's table *SaaS vs Self-Hosted*, as far as no OAuth or environment is concerned."""
    if primary:
        return Mode.CONNECTED
    if others:
        return Mode.NO_DEFAULT
    if database:
        return Mode.FORM
    return Mode.NOT_AVAILABLE if saas else Mode.HINT


async def overview(hub: Hub, actor: Actor) -> list[CardView]:
    """Every card of a workspace, in the registry's order: one query."""
    if not hub.has_database:
        return [_card(hub, provider, []) for provider in PROVIDERS.values()]
    async with hub.db.reading() as tx:
        rows = await stored.cards(tx, actor.workspace)
    return [
        _card(hub, provider, [found for found in rows if found.row.provider == provider.slug])
        for provider in PROVIDERS.values()
    ]


async def card(hub: Hub, workspace: str, slug: str) -> CardView:
    """One card of a workspace: one query."""
    async with hub.db.reading() as tx:
        rows = await stored.cards(tx, workspace)
    return _card(hub, PROVIDERS[slug], [found for found in rows if found.row.provider == slug])


def _card(hub: Hub, provider: Provider, rows: Sequence[stored.Stored]) -> CardView:
    primary = next((found for found in rows if found.row.primary_scope), None)
    others = [found.row for found in rows if not found.row.primary_scope]
    mode = mode_of(primary=primary is not None, others=bool(others), database=hub.has_database, saas=hub.settings.saas)
    view: ConnectionView | None = None
    if primary is not None:
        view = view_of(
            provider,
            primary.row,
            hub.vault,
            key_id=primary.key_id,
            granted=primary.granted,
            expires_at=primary.expires_at,
        )
    return CardView(
        provider=provider.slug,
        mode=mode.value,
        connection=view,
        others=tuple((row.id, row.label) for row in others),
        hint=("DATABASE_URL",) if mode is Mode.HINT else (),
    )


async def answer(hub: Hub, actor: Actor) -> dict[str, Any]:
    """The status API's answer, complete for all ten platforms: one query, no vendor asked (reference hub §1)."""
    rows: Sequence[Any] = ()
    if hub.has_database:
        async with hub.db.asking() as ask:
            rows = await stored.statuses(ask, actor.workspace)
    by_name: dict[str, Any] = {}
    for row in rows:
        provider = PROVIDERS.get(row.provider)
        if row.primary_scope is not None and provider is not None and provider.names.admin:
            by_name[provider.names.admin] = row
    configurable = {provider.names.admin for provider in PROVIDERS.values()} if hub.has_database else set()
    said: dict[str, Any] = {
        name: _platform(hub, name, fields, by_name.get(name), configurable=name in configurable)
        for name, fields in PLATFORMS.items()
    }
    # No schedule can be made yet, so no webhook delivery is active and none can be configured.
    said["webhooks"] = {"activeCount": 0, "configurable": False}
    said["deliveryChannels"] = channels(hub, by_name)
    said["deployMode"] = hub.settings.deploy_mode.value
    said["hasInternalDB"] = hub.has_database
    return said


def _platform(hub: Hub, name: str, fields: Iterable[str], row: Any, *, configurable: bool) -> dict[str, Any]:
    state = _state(hub, row)
    connected = state in CONNECTED if state else False
    wire = _wire(row) if connected else {}
    said: dict[str, Any] = {"connected": connected, **{key: wire.get(key) for key in fields}}
    said["installedAt"] = iso(row.connected_at) if connected else None
    if name == "slack":
        said["oauthConfigured"] = _both(hub, "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
        said["envConfigured"] = hub.settings.env("SLACK_BOT_TOKEN") is not None
    said["configurable"] = _oauth(hub, name) if name in OAUTH_PLATFORMS else configurable
    if connected:
        said["state"], said["checks"] = state, row.checks
    return said


def _oauth(hub: Hub, name: str) -> bool:
    """Whether the operator gave an OAuth app with which the flow can complete (decisions §8)."""
    names = {
        "slack": ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"),
    }.get(name)
    return names is not None and hub.has_database and _both(hub, *names)


def _both(hub: Hub, first: str, second: str) -> bool:
    return hub.settings.env(first) is not None and hub.settings.env(second) is not None


def _state(hub: Hub, row: Any) -> State | None:
    if row is None:
        return None
    locked = row.key_id is not None and not hub.vault.knows(row.key_id)
    return State.LOCKED if locked else State(row.state)


def _wire(row: Any) -> Mapping[str, Any]:
    if row.primary_scope == "email":
        return {"provider": row.method, "senderAddress": row.options.get("sender_address")}
    wire: Mapping[str, Any] = row.wire
    return wire


def channels(hub: Hub, by_name: Mapping[str, Any]) -> list[str]:
    """What can deliver now, in the answer's fixed order: email, slack, webhook (decisions §8)."""
    return [
        name
        for name in ("email", "slack")
        if (row := by_name.get(name)) is not None
        and _state(hub, row) in DEFAULT_DELIVERABLE
        and isinstance(PROVIDERS[row.provider].method(row.method), Sends)
    ]
