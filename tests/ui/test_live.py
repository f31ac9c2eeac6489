"""A change reaches every open tab that may see it, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from atlas_hub.bus import EVERYTHING, Changed
from atlas_hub.hub import Hub
from atlas_hub.services import connections, status
from atlas_hub.services.access import Actor
from atlas_hub.ui import live
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.page import Page

from .conftest import Browser

SLACK = CARDS["slack"]
ACME = "xoxb-111111111111-222222222222-AFAKE0AFAKE0AFAKE0AFAKE0"


class App:
    """As much of a Reflex app as carries changes to tabs."""

    def __init__(self, **tabs: Browser) -> None:
        self.tabs = tabs
        self.event_namespace = SimpleNamespace(token_to_sid=dict.fromkeys(tabs, "sid"))
        self.opened: list[str] = []

    @asynccontextmanager
    async def modify_state(self, token: Any) -> AsyncIterator[Any]:
        self.opened.append(token.ident)
        yield self.tabs[token.ident].root


@asynccontextmanager
async def following(app: App) -> AsyncIterator[None]:
    task = asyncio.create_task(live.follow(app))
    await asyncio.sleep(0.05)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def connect(hub: Hub, actor: Actor) -> None:
    await connections.connect(hub, actor, "slack", "bot_token", {"bot_token": ACME}, source="admin")


async def until(holds: Any) -> None:
    async with asyncio.timeout(2):
        while not holds():  # noqa: ASYNC110  # what changes is a state, which nobody announces
            await asyncio.sleep(0.01)


async def test_every_tab_of_the_workspace_sees_a_change_and_no_other(
    hub: Hub, door: Any, owner: Actor, other_owner: Actor
):
    app = App(a=Browser(), b=Browser(), c=Browser())
    for token in ("a", "b"):
        live.add(token, owner.workspace)
    live.add("c", other_owner.workspace)
    async with following(app):
        await connect(hub, owner)
        cards = [await app.tabs[token].state(SLACK) for token in "abc"]
        await until(lambda: cards[0].mode == cards[1].mode == "connected")
    assert cards[2].mode == "loading"
    assert "c" not in app.opened


async def test_one_bell_is_one_read_however_many_tabs(
    hub: Hub, door: Any, owner: Actor, monkeypatch: pytest.MonkeyPatch
):
    reads = []
    real = status.cards

    async def counted(*given: Any) -> Any:
        reads.append(given)
        return await real(*given)

    app = App(**{f"t{number}": Browser() for number in range(5)})
    for token in app.tabs:
        live.add(token, owner.workspace)
    monkeypatch.setattr(status, "cards", counted)
    async with following(app):
        for _ in range(3):
            await hub.bus.publish(Changed(owner.workspace, "slack"))
        await until(lambda: len(app.opened) == 5)
        await asyncio.sleep(0.1)
    assert len(reads) == 1


async def test_a_tab_whose_session_ended_gets_nothing(hub: Hub, door: Any, owner: Actor):
    app = App(a=Browser())
    live.add("a", owner.workspace)
    door.actor = None
    async with following(app):
        await connect(hub, owner)
        await until(lambda: not live.tabs(owner.workspace))
    assert (await app.tabs["a"].state(SLACK)).mode == "loading"


async def test_a_tab_whose_session_moved_to_another_workspace_gets_nothing(
    hub: Hub, door: Any, owner: Actor, other_owner: Actor
):
    app = App(a=Browser())
    live.add("a", owner.workspace)
    door.actor = other_owner
    async with following(app):
        await connect(hub, owner)
        await until(lambda: not live.tabs(owner.workspace))
    assert (await app.tabs["a"].state(SLACK)).mode == "loading"


async def test_a_tab_without_a_socket_is_forgotten(hub: Hub, door: Any, owner: Actor):
    app = App()
    live.add("gone", owner.workspace)
    async with following(app):
        await hub.bus.publish(Changed(owner.workspace, "slack"))
        await until(lambda: not live.tabs(owner.workspace))
    assert app.opened == []


async def test_a_missed_bell_is_healed_by_looking_at_everything(hub: Hub, door: Any, owner: Actor):
    app = App(a=Browser())
    live.add("a", owner.workspace)
    await connect(hub, owner)
    async with following(app):
        await hub.bus.publish(Changed(EVERYTHING, EVERYTHING))
        card = await app.tabs["a"].state(SLACK)
        await until(lambda: card.mode == "connected")


async def test_a_fault_of_one_tab_is_not_the_others(hub: Hub, door: Any, owner: Actor):
    app = App(a=Browser(), b=Browser())
    for token in ("a", "b"):
        live.add(token, owner.workspace)
    app.tabs["a"] = SimpleNamespace(root=None)  # type: ignore[assignment]  # a broken tab
    async with following(app):
        await connect(hub, owner)
        card = await app.tabs["b"].state(SLACK)
        await until(lambda: card.mode == "connected")
        card.mode = "loading"
        await hub.bus.publish(Changed(owner.workspace, "slack"))
        await until(lambda: card.mode == "connected")


async def test_a_load_follows_one_workspace_at_a_time(
    hub: Hub, door: Any, browser: Any, owner: Actor, other_owner: Actor
):
    await browser.raise_event(Page, "load")
    assert len(live.tabs(owner.workspace)) == 1
    door.actor = other_owner
    await browser.raise_event(Page, "load")
    assert (len(live.tabs(owner.workspace)), len(live.tabs(other_owner.workspace))) == (0, 1)
