"""Carries what changed to every open tab of this process: bell, one read, one small delta for each tab.

A tab is remembered with the workspace it was loaded for. Before it is shown anything its session is looked up anew,
in the host's own way; whoever has signed out, was removed, or switched the workspace gets nothing and is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

import reflex as rx

from atlas_hub.bus import EVERYTHING, Changed
from atlas_hub.hub import hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import status
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.views import CardView
from atlas_hub.ui import guard, picking
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.picking import Channels
from atlas_hub.ui.showing import show

log = logging.getLogger(__name__)

MERGE_SECONDS: Final = 0.05
LOOK_AGAIN_SECONDS: Final = 1800.0
"""How often every tab is looked at without a bell, so that a green grows old (decisions §7)."""
AT_ONCE: Final = 16
PATIENCE_SECONDS: Final = 1.0

_tabs: dict[str, set[str]] = {}


def add(token: str, workspace: str) -> None:
    """Remember that a tab of this process shows a workspace, and no other any more."""
    forget(token)
    _tabs.setdefault(workspace, set()).add(token)


def forget(token: str) -> None:
    """Show a tab nothing more."""
    for workspace in [name for name, tokens in _tabs.items() if token in tokens]:
        _tabs[workspace].discard(token)
        if not _tabs[workspace]:
            del _tabs[workspace]


def tabs(workspace: str) -> frozenset[str]:
    """The tabs that show a workspace."""
    return frozenset(_tabs.get(workspace, ()))


async def follow(app: rx.App) -> None:
    """Listen to the hub's bus and show every open tab what changed, until cancelled."""
    bells: asyncio.Queue[Changed] = asyncio.Queue()
    listening = [asyncio.create_task(_listen(bells)), asyncio.create_task(_look_again(bells))]
    try:
        while True:
            merged = {await bells.get()}
            await asyncio.sleep(MERGE_SECONDS)
            while not bells.empty():
                merged.add(bells.get_nowait())
            try:
                await _ring(app, merged)
            except Exception:
                log.exception("Open pages could not be told of a change; they show it at their next load.")
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


async def _listen(bells: asyncio.Queue[Changed]) -> None:
    while True:
        try:
            async for changed in hub().bus.listen():
                bells.put_nowait(changed)
        except Exception:
            log.exception("Listening for changes failed; trying again.")
        await asyncio.sleep(PATIENCE_SECONDS)
        bells.put_nowait(Changed(EVERYTHING, EVERYTHING))  # bells may have been missed


async def _look_again(bells: asyncio.Queue[Changed]) -> None:
    while True:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        bells.put_nowait(Changed(EVERYTHING, EVERYTHING))


async def _ring(app: Any, merged: Iterable[Changed]) -> None:
    """Read what changed once for each workspace, and show it to each of its tabs."""
    _prune(app)
    wanted: dict[str, set[str]] = {}
    for changed in merged:
        for workspace in list(_tabs) if changed.workspace == EVERYTHING else [changed.workspace]:
            wanted.setdefault(workspace, set()).add(changed.provider)
    gate = asyncio.Semaphore(AT_ONCE)
    shows = []
    for workspace, slugs in wanted.items():
        if not (tokens := tabs(workspace)):
            continue
        views = await _read(workspace, slugs)
        shows += [_show(app, gate, token, workspace, views) for token in tokens]
    await asyncio.gather(*shows)


def _prune(app: Any) -> None:
    """Forget the tabs that have no socket in this process."""
    here = app.event_namespace.token_to_sid if app.event_namespace else {}
    for token in [token for tokens in _tabs.values() for token in tokens]:
        if token not in here:
            forget(token)


async def _read(workspace: str, slugs: set[str]) -> list[CardView]:
    if EVERYTHING in slugs:
        page = Actor(id="page", name="", workspace=workspace, role=Role.MEMBER)
        return list((await status.overview(hub(), page)).cards)
    return [view for slug in sorted(slugs) if slug in PROVIDERS for view in await status.cards(hub(), workspace, slug)]


async def _show(app: Any, gate: asyncio.Semaphore, token: str, workspace: str, views: list[CardView]) -> None:
    """Show one tab the views, if its session still may see them. A fault of one tab is not the others'."""
    async with gate:
        try:
            for view in views:
                kind = CARDS[view.key]
                async with app.modify_state(rx.BaseStateToken(ident=token, cls=kind)) as root:
                    card = await root.get_state(kind)
                    actor = await guard.actor_of(card)
                    if actor is None or actor.workspace != workspace:
                        forget(token)
                        return
                    show(card, view.seen_by(actor), hub().now())
                    channels = await root.get_state(Channels)
                    if view.connection is not None and channels.of == view.connection.id:
                        await picking.reload(channels, actor)
        except Exception:
            log.exception("One open page could not be told of a change; it shows it at its next load.")
