"""What the page's tests share: a tab's real states, and a hub whose Slack is a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import pytest
import reflex as rx

from atlas_hub import hub as hubs
from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor
from atlas_hub.settings import Settings
from atlas_hub.ui import guard, live
from tests.standins.slack import SlackStandin


class Door:
    """Stands in for the host's actors: whoever `actor` is asks."""

    SIGN_IN_PATH = "/sign-in"

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.fault: Exception | None = None

    async def actor_of_state(self, _state: Any) -> Actor | None:
        """The actor, or the fault."""
        if self.fault:
            raise self.fault
        return self.actor


@pytest.fixture
def door(owner: Actor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Who asks: the owner, until a test says otherwise."""
    the_door = Door()
    the_door.actor = owner
    module = ModuleType("door")
    module.__dict__.update(actor_of_state=the_door.actor_of_state, SIGN_IN_PATH=Door.SIGN_IN_PATH)
    monkeypatch.setitem(__import__("sys").modules, "door", module)
    guard.use_actors("door")
    yield the_door
    live._tabs.clear()


@pytest.fixture
def slack() -> Iterator[SlackStandin]:
    """A Slack to connect to."""
    with SlackStandin() as standin:
        yield standin


@pytest.fixture
async def hub(settings: Settings, slack: SlackStandin, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub whose Slack is the stand-in."""
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", slack.base)
    async with hubs.opened(settings) as the_hub:
        yield the_hub


class Browser:
    """One tab: the real tree of states, its handlers called as Reflex calls them."""

    def __init__(self, path: str = "/admin/integrations") -> None:
        self.root = rx.State(_reflex_internal_init=True)
        self.go(path)

    def go(self, path: str) -> None:
        """Be at another address."""
        data = {"asPath": path, "headers": {"origin": "http://localhost:3000"}, "token": f"tab-{id(self)}"}
        self.root.router_data = self.root._update_router_vars(data, {})

    async def state(self, kind: type) -> Any:
        """The state of a kind in this tab."""
        return await self.root.get_state(kind)

    async def raise_event(self, kind: type, name: str, *arguments: Any) -> Any:
        """Raise an event, as any websocket client may."""
        return await kind.event_handlers[name].fn(await self.state(kind), *arguments)


@pytest.fixture
def browser() -> Browser:
    """A tab at the page."""
    return Browser()
