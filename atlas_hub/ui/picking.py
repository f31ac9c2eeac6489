"""The channels of the open drawer: one small state for whichever connection is looked at, a hundred rows at most.

What is ticked and not saved stays in the browser, so that a search draws other rows and loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import BadForm, HubError, RateLimited
from atlas_hub.services import channels
from atlas_hub.services.access import Actor
from atlas_hub.services.channels import ChannelList, ChannelView
from atlas_hub.ui.guard import admin_only, signed_in, when_left
from atlas_hub.ui.showing import put

DRAWN: Final = 100
QUERY_LENGTH: Final = 100
CHANGES_LENGTH: Final = 1_000_000
"""What one Save may bring: more than the ids of every channel of a large workspace."""

FRESH: Final[dict[str, Any]] = {
    "of": "", "phase": "", "rows": [], "total": 0, "found": 0, "synced": 0, "at": "", "until": "", "fault": "",
    "notes": [], "lacks": [], "sync_all": False, "default": "", "can": True, "why": "", "query": "", "busy": "",
    "said": "", "error": "", "saves": 0,
}  # fmt: skip
"""What every var is while no drawer with channels is open."""


class Channels(rx.State):
    """The channels of one connection: what was listed last, as far as it is drawn."""

    of: str = ""
    phase: str = ""  # "", loading, ready
    rows: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    total: int = 0
    found: int = 0
    synced: int = 0
    at: str = ""
    until: str = ""
    fault: str = ""
    notes: rx.Field[list[str]] = rx.field(default_factory=list)
    lacks: rx.Field[list[str]] = rx.field(default_factory=list)
    sync_all: bool = False
    default: str = ""
    can: bool = True
    why: str = ""
    query: str = ""
    busy: str = ""
    said: str = ""
    error: str = ""
    saves: int = 0

    @rx.event
    @signed_in
    async def open(self, actor: Actor, connection: str) -> None:
        """Show what was listed last of a connection; no vendor is asked."""
        put(self, {**FRESH, "of": str(connection)[:40], "phase": "loading", "saves": self.saves + 1})
        await reload(self, actor)

    @rx.event
    @signed_in
    async def search(self, actor: Actor, text: str) -> None:
        """Show the channels whose name has this in it."""
        put(self, {"query": str(text).strip()[:QUERY_LENGTH]})
        await reload(self, actor)

    @rx.event(background=True)
    @admin_only
    async def refresh(self, actor: Actor) -> None:
        """Ask the vendor for the channels."""
        async with _working(self, actor, "refresh") as connection:
            if not connection:
                return
            try:
                seen = await channels.listed(hub(), actor, connection, refresh=True)
            except RateLimited:
                return  # until when stands in what is kept, with the vendor's name
            except HubError as error:
                await _tell(self, error=error.text)
                return
            await _tell(self, said=f"Listed {_channels(sum(not each.missing for each in seen.channels))}.")

    @rx.event(background=True)
    @admin_only
    async def save(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Sync what is ticked, and make the chosen channel the default destination."""
        ticked, destination = changes_in(form_data.get("changes"))
        sync_all = bool(form_data.get("sync_all"))
        async with _working(self, actor, "save") as connection:
            if not connection:
                return
            try:
                said = await _save(actor, connection, ticked, destination, sync_all=sync_all)
            except BadForm as error:
                await _tell(self, error=" ".join(error.fields.values()))
            except HubError as error:
                await _tell(self, error=error.text)
            else:
                await _tell(self, said=said, saves=self.saves + 1)


async def _save(
    actor: Actor, connection: str, ticked: dict[str, bool], destination: str | None, *, sync_all: bool
) -> str:
    """What was changed, in a sentence. Raises what `channels.choose` and `channels.set_destination` raise."""
    seen = await channels.kept(hub(), actor, connection)
    present = {each.id for each in seen.channels if each.sync}
    wanted = {*(present - ticked.keys()), *(each for each, on in ticked.items() if on)}
    said = []
    if sync_all != seen.sync_all or (not sync_all and wanted != present):
        seen = await channels.choose(hub(), actor, connection, () if sync_all else sorted(wanted), sync_all=sync_all)
        count = sum(each.sync for each in seen.channels)
        said.append("Every public channel is synced." if sync_all else f"{_channels(count)} synced.")
    if destination is not None and destination != seen.destination:
        seen = await channels.set_destination(hub(), actor, connection, destination)
        name = next((each.name for each in seen.channels if each.id == seen.destination), "")
        said.append(f"{name} is the default destination." if name else "There is no default destination.")
    return " ".join(said) or "Nothing was changed."


async def reload(state: Any, actor: Actor) -> None:
    """Show what is kept of the connection that is looked at. Raises nothing for one that is gone."""
    if not state.of:
        return
    try:
        seen = await channels.kept(hub(), actor, state.of)
    except HubError as error:
        put(state, {"phase": "ready", "can": False, "why": error.text, "rows": []})
        return
    put(state, shown(seen, state.query))


def shown(seen: ChannelList, query: str) -> dict[str, Any]:
    """The vars for a list: of what the query finds a hundred rows, the chosen and the missing ones first."""
    words = query.casefold().split()
    found = [each for each in seen.channels if all(word in each.name.casefold() for word in words)]
    found.sort(key=lambda each: (not each.missing, not (each.sync or each.id == seen.destination)))  # by name within
    default = next((each.name for each in seen.channels if each.id == seen.destination), seen.destination)
    return {
        "phase": "ready",
        "rows": [_row(each, seen.destination) for each in found[:DRAWN]],
        "total": len(seen.channels),
        "found": len(found),
        "synced": sum(each.sync for each in seen.channels),
        "at": iso(seen.at) if seen.at else "",
        "until": iso(seen.wait_until) if seen.wait_until else "",
        "fault": "" if seen.wait_until else seen.fault,
        "notes": list(seen.notes),
        "lacks": list(seen.lacks),
        "sync_all": seen.sync_all,
        "default": default,
        "can": seen.can_list,
        "why": seen.why_not,
    }


def _row(each: ChannelView, destination: str) -> list[str]:
    """Id, name, and as words: private, members, sync, joined, missing, former name, default."""
    joined = {True: "yes", False: "no", None: ""}[each.joined]
    members = "" if each.members is None else f"{each.members:,}"
    flags = [each.private, each.sync, each.missing, each.id == destination]
    private, sync, missing, default = ("yes" if flag else "" for flag in flags)
    return [each.id, each.name, private, members, sync, joined, missing, each.former_name, default]


def changes_in(text: Any) -> tuple[dict[str, bool], str | None]:
    """What the browser kept of ticks, id → on, and the destination that was chosen, None where it was not touched."""
    try:
        said = json.loads(str(text or "{}")[:CHANGES_LENGTH])
    except ValueError:
        return {}, None
    sync = said.get("sync") if isinstance(said, dict) else None
    destination = said.get("destination") if isinstance(said, dict) else None
    ticked = {str(key): value is True for key, value in sync.items()} if isinstance(sync, dict) else {}
    return ticked, destination if isinstance(destination, str) else None


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count:,} channels"


@asynccontextmanager
async def _working(state: Any, actor: Actor, verb: str) -> AsyncIterator[str]:
    """Mark the list busy for the length of a verb; yields the connection, "" where it is busy already.

    At the end it shows what is kept, unless another drawer was opened meanwhile.
    """
    async with state:
        connection = "" if state.busy else str(state.of)
        if connection:
            put(state, {"busy": verb, "said": "", "error": ""})
    try:
        yield connection
    finally:
        if connection:
            async with state:
                if state.of == connection:
                    put(state, {"busy": ""})
                    await reload(state, actor)


async def _tell(state: Any, **told: Any) -> None:
    async with state:
        put(state, told)


@when_left
async def _left(state: Any) -> None:
    put(await state.get_state(Channels), FRESH)
