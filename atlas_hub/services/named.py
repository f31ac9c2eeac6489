"""Named connections: the chat accounts of a workspace as sync jobs see them, with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import parse
from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    ManagedByEnvironment,
    NotFound,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.ids import is_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Method, Provider
from atlas_hub.services import connections, environment, renewing, truths, waiting
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.views import State, Truth
from atlas_hub.storage import connections as stored
from atlas_hub.storage import named as stored_named

PLATFORMS: Final[Mapping[str, Provider]] = {
    provider.names.connections: provider.parts[0]
    for provider in PROVIDERS.values()
    if provider.names.connections is not None
}
"""What the connections API calls each provider that it has."""

CONNECTED, DISCONNECTED, ERROR = "connected", "disconnected", "error"
INTERVAL: Final = "sync_interval_minutes"
SETTINGS: Final[Mapping[str, int | bool]] = {INTERVAL: 240, "wiki_enabled": True, "graph_enabled": True}
"""Each setting and its value until somebody sets it."""
SHORTEST, LONGEST = 1, 43_200
"""Minutes between two syncs: up to thirty days."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """One connection. `status` is whether it can be synced, `error` why not; `state` what is known of it in the store.

    `settings` are complete. `listed_at`, `notes`, `lacks` and `fault` are about its list of channels, `wait_until` when
    the vendor may be asked again.
    """

    id: str
    name: str
    platform: str
    status: str
    error: str
    lacking: tuple[str, ...]
    state: State
    checks: Mapping[str, Mapping[str, str | None]]
    source: str
    created_at: datetime
    channel_count: int
    settings: Mapping[str, int | bool]
    sync_all: bool
    listed_at: datetime | None
    notes: tuple[str, ...]
    lacks: tuple[str, ...]
    fault: str
    wait_until: datetime | None

    @property
    def validated_at(self) -> datetime | None:
        """When the vendor was asked last and said something of the credentials."""
        said = self.checks.get(Truth.AUTHENTICATED.value, {}).get("at")
        return parse(said) if said else None


@dataclass(frozen=True, kw_only=True)
class Validity:
    """What a validation came to: how the connection is now, and why it is of no use where it is not."""

    connection: Named
    refusal: ProviderError | None = None


async def listed(hub: Hub, actor: Actor) -> list[Named]:
    """Every chat account of the workspace that is no subscriber's, oldest first: one query."""
    rows = await _rows(hub, actor)
    present = frozenset(row.provider for row in rows if row.source == environment.SOURCE)
    if await environment.settle(hub, actor.workspace, present):
        rows = await _rows(hub, actor)
    return [_named(hub, row) for row in rows]


async def one(hub: Hub, actor: Actor, connection_id: str) -> Named:
    """One of them: one query. Raises `NotFound`."""
    row = None
    if is_id(connection_id):
        async with hub.db.asking() as ask:
            row = await stored_named.one(ask, actor.workspace, connection_id)
    if row is None or row.provider not in _SLUGS:
        raise NotFound("There is no such connection.")
    return _named(hub, row)


async def change(
    hub: Hub, actor: Actor, connection_id: str, *, name: str | None, settings: Mapping[str, int | bool]
) -> None:
    """Call it something else, and set what is given of its settings. Raises `BadForm`, `NotFound`,
    `ManagedByEnvironment`.
    """
    require_admin(actor)
    if name is not None:
        await connections.rename(hub, actor, connection_id, name)
    if not settings:
        return
    minutes = settings.get(INTERVAL, SHORTEST)
    if not SHORTEST <= minutes <= LONGEST:
        raise BadForm({INTERVAL: f"This is {SHORTEST} to {LONGEST} minutes."})
    async with changing(hub, actor) as change:
        row = await stored.find(change.tx, actor.workspace, connection_id)
        if row is None:
            raise NotFound("This connection was disconnected in the meantime.")
        if row.source == environment.SOURCE:
            raise ManagedByEnvironment(environment.MANAGED)
        row.settings, row.updated_at = {**row.settings, **settings}, change.at
        await change.note(
            "sync_settings_changed",
            provider=row.provider,
            subject=row.id,
            label=row.label,
            settings=", ".join(sorted(settings)),
        )
        slug = row.provider
    await hub.bus.publish(Changed(actor.workspace, slug))


async def validate(hub: Hub, actor: Actor, connection_id: str) -> Validity:
    """Ask the vendor whether a connection can be synced, and write down what it said. A refusal is an answer.

    No call is made while the vendor asked to wait. Raises `NotFound`.
    """
    await one(hub, actor, connection_id)
    try:
        checked = await connections.checked(hub, actor, connection_id, limited=False)
    except RateLimited as error:
        return Validity(connection=await one(hub, actor, connection_id), refusal=error)
    now = await one(hub, actor, connection_id)
    if checked.refusal is not None:
        refusal = checked.refusal
        # Sealed with an unknown key: nobody was asked, and nothing is said against the credentials.
        return Validity(
            connection=now, refusal=refusal if isinstance(refusal, ProviderError) else PlatformError(refusal.text)
        )
    if now.lacking:
        return Validity(connection=now, refusal=renewing.lacks(PLATFORMS[now.platform], now.lacking))
    if now.status == ERROR:
        return Validity(connection=now, refusal=InsufficientPermissions(now.error))
    return Validity(connection=now)


_SLUGS: Final = frozenset(provider.slug for provider in PLATFORMS.values())


async def _rows(hub: Hub, actor: Actor) -> list[Any]:
    async with hub.db.asking() as ask:
        found = await stored_named.of(ask, actor.workspace)
    return [row for row in found if row.provider in _SLUGS]


def _named(hub: Hub, row: Any) -> Named:
    provider = PROVIDERS[row.provider]
    method = provider.method(row.method)
    state = _state(hub, row)
    lacking = () if method is None else renewing.lacking(row.granted, method.lists_by)
    status = _status(state, row.checks, method, lacking)
    at = row.listing.get("at")
    error = (row.reason or "It cannot be used.") if status == ERROR else ""
    if status == ERROR and lacking:
        error = renewing.lacks(provider, lacking).text
    if state is State.LOCKED:
        error = "Its credentials are sealed with a key that is not configured. Put the key back, or connect it anew."
    return Named(
        id=row.id,
        name=row.label,
        platform=str(provider.names.connections),
        status=status,
        error=error,
        lacking=lacking,
        state=state,
        checks=row.checks,
        source=row.source,
        created_at=row.created_at,
        channel_count=row.channel_count,
        settings={name: row.settings.get(name, usual) for name, usual in SETTINGS.items()},
        sync_all=row.sync_all,
        listed_at=parse(at) if at else None,
        notes=tuple(row.listing.get("notes", ())),
        lacks=tuple(row.listing.get("lacks", ())),
        fault=str(row.listing.get(truths.FAULT, "")),
        wait_until=waiting.until(row.listing, hub.now()),
    )


def _state(hub: Hub, row: Any) -> State:
    if row.key_id is not None and not hub.vault.knows(row.key_id):
        return State.LOCKED
    return State(row.state) if row.state in frozenset(State) else State.UNVERIFIED


def _status(state: State, checks: Mapping[str, Any], method: Method[Any] | None, lacking: tuple[str, ...]) -> str:
    """Whether it can be synced (docs/decisions/0023): what only keeps it from sending is no error here."""
    if state in {State.PAUSED, State.UNINSTALLED}:
        return DISCONNECTED
    if state in {State.RECONNECT, State.LOCKED} or lacking:
        return ERROR
    if state is not State.MISCONFIGURED:
        return CONNECTED
    lists = method is not None and method.lists_by
    by_scopes = checks.get(Truth.AUTHORIZED.value, {}).get("proof", "").startswith(truths.MISSING)
    return CONNECTED if lists and by_scopes else ERROR
