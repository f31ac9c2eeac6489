"""The channels of a chat account: listed by the vendor, kept for a while, chosen for sync, one of them the default."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import parse
from atlas_hub.kit.errors import BadForm, Conflict, NotAvailable, NotFound, ProviderError, VaultLocked
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Listing, ListsChannels, Method, Provider, Purpose
from atlas_hub.services import asking, truths, uses, waiting
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.opening import opened
from atlas_hub.storage import channels as stored_channels
from atlas_hub.storage import connections as stored
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection

FRESH: Final = timedelta(minutes=5)
NAMED: Final = 10
"""How many unknown ids a sentence names."""


@dataclass(frozen=True, kw_only=True)
class ChannelView:
    """A channel as page and API show it. `sync`: it is chosen, or public where all public ones are; `joined`: whether
    the bot is in it, None where not told; `former_name`: what it was called when it was chosen, where that changed.
    """

    id: str
    name: str
    private: bool
    members: int | None
    sync: bool
    joined: bool | None
    missing: bool
    former_name: str


@dataclass(frozen=True, kw_only=True)
class ChannelList:
    """The channels of a connection by name, and what is known of the list.

    `at`: when it was listed; `notes` and `lacks`: what it leaves out, and the scopes that a fuller one needs; `fault`:
    why the last listing failed, `wait_until`: before when nobody asks again. `destination`: the default one's id.
    `can_list`: whether the vendor lists channels at all, `why_not` a sentence where not.
    """

    channels: tuple[ChannelView, ...]
    at: datetime | None
    sync_all: bool
    notes: tuple[str, ...]
    lacks: tuple[str, ...]
    wait_until: datetime | None
    fault: str
    destination: str
    can_list: bool
    why_not: str


_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""Who lists a connection's channels now: whoever comes meanwhile takes that list."""


async def kept(hub: Hub, actor: Actor, connection_id: str) -> ChannelList:
    """What was listed last; no vendor is asked. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        row = await _the(tx, actor, connection_id)
        return await _shown(hub, tx, row)


async def listed(hub: Hub, actor: Actor, connection_id: str, *, refresh: bool = False) -> ChannelList:
    """The channels, asked for anew where what is kept is older than five minutes, or with `refresh`.

    What was chosen survives a listing that fails. Raises `NotFound`, a `ProviderError` (`RateLimited` without asking
    while the vendor wants to be left alone), `NotAvailable` where the vendor lists none, `VaultLocked`, `Conflict`.
    """
    turn = _turns.setdefault(connection_id, asyncio.Lock())
    before = hub.now()
    async with turn:
        present = await kept(hub, actor, connection_id)
        if not present.can_list:
            raise NotAvailable(present.why_not)
        since = before if refresh else hub.now() - FRESH
        if present.at is not None and present.at > since:
            return present
        if present.wait_until is not None:
            raise waiting.busy(present.wait_until, hub.now())
        return await _listed(hub, actor, connection_id)


async def choose(hub: Hub, actor: Actor, connection_id: str, ids: Sequence[str], *, sync_all: bool) -> ChannelList:
    """Sync these channels, or every public one, now and in future. Deselected ones stop and keep what was synced.

    Raises `BadForm` for `channel_ids` (unknown ones, or any beside `sync_all`), and what `listed` raises where the
    channels must be asked for: where they never were, or where an id is not known to a list that is not fresh.
    """
    require_admin(actor)
    if sync_all and ids:
        raise BadForm(
            {"channel_ids": "Send either sync_all or channel_ids: with sync_all, every public channel is synced."}
        )
    present = await kept(hub, actor, connection_id)
    if not present.can_list:
        raise NotAvailable(present.why_not)
    if present.at is None or (_unknown(ids, present) and not _is_fresh(hub, present)):
        present = await listed(hub, actor, connection_id, refresh=True)
    async with changing(hub, actor) as change:
        row = await _the(change.tx, actor, connection_id)
        unknown = _unknown(ids, await _shown(hub, change.tx, row))
        if unknown:
            named = ", ".join(unknown[:NAMED]) + (f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else "")
            text = f"Not among the channels of this connection: {named}. Choose from its list; refresh it for new ones."
            raise BadForm({"channel_ids": text})
        await stored_channels.choose(change.tx, row, frozenset(ids))
        row.sync_all, row.updated_at = sync_all, change.at
        await change.note(
            "channels_chosen",
            provider=row.provider,
            subject=row.id,
            label=row.label,
            count=None if sync_all else len(frozenset(ids)),
            all_public="yes" if sync_all else None,
        )
        await change.tx.flush()
        chosen = await _shown(hub, change.tx, row)
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return chosen


async def set_destination(hub: Hub, actor: Actor, connection_id: str, channel_id: str) -> ChannelList:
    """Make a listed channel the default destination; "" for none. Raises `BadForm` for `channel_id`, `NotFound`."""
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await _the(change.tx, actor, connection_id)
        present = await _shown(hub, change.tx, row)
        chosen = next((each for each in present.channels if each.id == channel_id), None)
        if channel_id and (chosen is None or chosen.missing):
            raise BadForm({"channel_id": "There is no such channel any more. Refresh the list, then choose another."})
        row.destination = {"id": chosen.id, "name": chosen.name} if chosen else {}
        row.updated_at = change.at
        await change.note(
            "destination_set",
            provider=row.provider,
            subject=row.id,
            label=row.label,
            channel=chosen.name if chosen else "none",
        )
        await change.tx.flush()
        now = await _shown(hub, change.tx, row)
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return now


async def _listed(hub: Hub, actor: Actor, connection_id: str) -> ChannelList:
    """Ask the vendor, and keep what it said."""
    row, provider, method, form, locked = await opened(hub, actor, connection_id)
    if form is None:
        raise locked or VaultLocked("What is stored of this connection cannot be opened. Connect it anew.")
    await uses.count(hub, row)
    outcome: Listing | ProviderError
    try:
        outcome = await asking.channels(method, form, hub.http, hub=hub, row=row)
    except ProviderError as error:
        outcome = error
    async with changing(hub, actor, begins=False) as change:
        present = await _the(change.tx, actor, connection_id)
        if (present.app_key, present.account_key) != (row.app_key, row.account_key):
            raise Conflict("Another account was connected meanwhile. Refresh the list of channels.")
        if isinstance(outcome, Listing):
            await _keep(change.tx, present, outcome, change.at)
        else:
            _failed(present, outcome, change.at, is_same=present.connected_at == row.connected_at)
        await change.tx.flush()
        now = await _shown(hub, change.tx, present)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    if isinstance(outcome, ProviderError):
        raise outcome
    return now


async def _keep(tx: Tx, row: Connection, listing: Listing, at: datetime) -> None:
    told = {each.id: each for each in listing.channels if len(each.id) <= stored_channels.ID_LENGTH}
    rows = [
        {
            "vendor_id": each.id,
            "name": each.name,
            "private": each.private,
            "members": each.members,
            "joined": each.joined,
        }
        for each in told.values()
    ]
    await stored_channels.replace(tx, row, rows, at)
    row.channel_count = len(rows)
    row.listing = {"at": at.isoformat(), "notes": list(listing.notes), "lacks": list(listing.lacks)}
    held = told.get(str(row.destination.get("id", "")))
    if held is not None and held.name != row.destination.get("name"):
        row.destination = {**row.destination, "name": held.name}


def _failed(row: Connection, error: ProviderError, at: datetime, *, is_same: bool) -> None:
    """Write why the list could not be had; what was listed and chosen stays."""
    kept = {name: value for name, value in row.listing.items() if name != waiting.UNTIL}
    row.listing = {**kept, truths.FAULT: error.text}
    waiting.note(row, error, at)
    if is_same and error.code in {"INVALID_CREDENTIALS", "AUTH_EXPIRED"}:
        truths.failed(row, error, at)


async def _the(tx: Tx, actor: Actor, connection_id: str) -> Connection:
    row = await stored.find(tx, actor.workspace, connection_id)
    if row is None or row.kind != "account" or row.purpose != Purpose.CHAT.value or row.subscriber or row.contexts:
        raise NotFound("There is no such connection.")
    return row


async def _shown(hub: Hub, tx: Tx, row: Connection) -> ChannelList:
    said = row.listing
    provider = PROVIDERS.get(row.provider)
    method = provider.method(row.method) if provider else None
    can_list, why_not = _lists(provider, method)
    return ChannelList(
        channels=tuple(_view(each, sync_all=row.sync_all) for each in await stored_channels.of(tx, row.id)),
        at=_moment(said.get("at")),
        sync_all=row.sync_all,
        notes=tuple(said.get("notes", ())),
        lacks=tuple(said.get("lacks", ())),
        wait_until=waiting.until(said, hub.now()),
        fault=str(said.get(truths.FAULT, "")),
        destination=str(row.destination.get("id", "")),
        can_list=can_list,
        why_not=why_not,
    )


def _lists(provider: Provider | None, method: Method[Any] | None) -> tuple[bool, str]:
    if isinstance(method, ListsChannels):
        return True, ""
    said = method.lists_not if method is not None else ""
    name = provider.name if provider is not None else "This provider"
    return False, said or f"{name} does not list channels."


def _view(each: stored_channels.Kept, *, sync_all: bool) -> ChannelView:
    said = asdict(each)
    said["id"] = said.pop("vendor_id")
    # A private channel is synced where somebody chose it, never because all are.
    said["sync"] = each.sync or (sync_all and not each.private and not each.missing)
    return ChannelView(**said)


def _unknown(ids: Sequence[str], present: ChannelList) -> list[str]:
    known = {each.id for each in present.channels}
    return [each for each in dict.fromkeys(ids) if each not in known]


def _is_fresh(hub: Hub, present: ChannelList) -> bool:
    return present.at is not None and present.at > hub.now() - FRESH


def _moment(said: Any) -> datetime | None:
    return parse(said) if isinstance(said, str) else None
