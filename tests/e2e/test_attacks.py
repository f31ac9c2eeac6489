"""The page's socket without the page: every handler there is, called by nobody, by a member, by a stranger."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import Any

import pytest
import reflex as rx
from simple_websocket import Client, ConnectionClosed
from sqlalchemy import text

import atlas_hub.accounts.frame
import atlas_hub.ui.page  # noqa: F401  # makes the states
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from tests.e2e.browsing import Browsing, card, shows
from tests.e2e.ground import Site
from tests.e2e.people import API, Person, Place, Role

pytestmark = pytest.mark.e2e

QUIET = 0.4
LOADS = "atlas_hub___ui___page____page.load"
VERBS = ("begin", "connect", "check", "adopt", "check_other", "disconnect_other", "send_test", "rename", "make_default",
         "disconnect")  # fmt: skip
"""What a card can be told."""
LABEL = "The bot nobody may know of"


class RawSocket:
    """A client of the page's socket (Engine.IO 4, Socket.IO 5) that is no browser."""

    def __init__(self, site: Site, person: Person | None) -> None:
        cookie = f"atlas_session={person.token if person else 'A' * 43}"
        base = site.base.replace("http://localhost", "ws://127.0.0.1")
        address = f"{base}/_event/?EIO=4&transport=websocket&token={uuid.uuid4()}"
        self._socket = Client.connect(address, headers={"Cookie": cookie, "Origin": site.base})
        # At once: this client sees what came with the handshake only when more comes.
        self._socket.send("40/_event,")
        greetings = [str(self._socket.receive(5)) for _ in range(2)]
        assert greetings[1].startswith("40/_event"), greetings

    def call(self, name: str, payload: dict[str, Any]) -> None:
        """Raise an event."""
        router = {"pathname": "/admin/integrations/[[provider]]", "asPath": "/admin/integrations", "query": {}}
        event = {"name": name, "payload": payload, "router_data": router}
        self._socket.send("42/_event," + json.dumps(["event", event]))

    def heard(self) -> list[str]:
        """What comes until it is quiet."""
        told = []
        with suppress(ConnectionClosed):
            while (message := self._socket.receive(QUIET)) is not None:
                if message == "2":
                    self._socket.send("3")
                told.append(str(message))
        return told

    def close(self) -> None:
        self._socket.close()


def every_handler() -> list[str]:
    """The full name of every event handler of every state: the app's and Reflex's own."""
    found = []
    waiting: list[type[rx.State]] = [rx.State]
    while waiting:
        kind = waiting.pop()
        waiting += list(kind.get_substates())
        found += [f"{kind.get_full_name()}.{name}" for name in kind.event_handlers]
    return found


def payloads(name: str, connection: str) -> list[dict[str, Any]]:
    """What a handler might take."""
    token = "123456789:" + "A" * 35
    typed = {"_method": "bot_token", "bot_token": token, "to": "4242", "label": "Hacked"}
    typed |= {"promote": connection, "connection": connection}
    if name.endswith((".connect", ".send_test", ".rename", ".disconnect", ".disconnect_other")):
        return [{"form_data": typed}]
    if name.endswith((".make_default", ".check_other")):
        return [{"connection_id": connection}]
    if name.endswith(".begin"):
        return [{"form": "replace"}]
    if name.endswith("vars_internal"):
        return [{"vars": {f"{LOADS.rpartition('.')[0]}.may_change": True}}]
    if name.endswith(".setvar"):
        return [{"var_name": "may_change", "value": True}]
    return [{}]


def rows_of(place: Place) -> list[tuple[Any, ...]]:
    async def read(hub: Hub) -> list[tuple[Any, ...]]:
        async with hub.db.reading() as tx:
            sql = "SELECT id, label, state, primary_scope, updated_at FROM atlas_hub_connection WHERE workspace = :here"
            return [tuple(row) for row in await tx.execute(text(sql), {"here": place.id})]

    return place.inside.do(read)


@pytest.fixture
def target(place: Place, vendors) -> Place:
    """A workspace with a Telegram bot of a name of its own."""
    place.rest.post(f"{API}/telegram", json={"botToken": vendors.bot("secret_plans_bot").token}).raise_for_status()

    async def name(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            sql = "UPDATE atlas_hub_connection SET label = :label WHERE workspace = :here"
            await tx.execute(text(sql), {"label": LABEL, "here": place.id})

    place.inside.do(name)
    return place


def attack(socket: RawSocket, names: list[str], connection: str) -> list[str]:
    heard: list[str] = []
    socket.call(f"reflex___state____state.{LOADS}", {})
    heard += socket.heard()
    for name in names:
        for payload in payloads(name, connection):
            socket.call(name, payload)
    return heard + socket.heard()


def test_there_are_handlers_to_call():
    names = every_handler()
    assert f"reflex___state____state.{LOADS}" in names
    for slug in PROVIDERS:
        for verb in VERBS:
            assert any(name.endswith(f"{slug}_card.{verb}") for name in names), (slug, verb)


@pytest.mark.parametrize("who", ["nobody", "a member", "a stranger"])
def test_no_handler_does_anything_for_those_who_may_not(target: Place, site, inside, found, vendors, who: str):
    before, asked = rows_of(target), len(vendors.telegram.calls)
    elsewhere = found(site, inside, "Elsewhere")
    person = {"nobody": None, "a member": target.person(Role.MEMBER), "a stranger": elsewhere.person()}[who]
    names = every_handler()
    socket = RawSocket(site, person)
    heard = attack(socket, names, str(before[0][0]))
    socket.close()
    assert rows_of(target) == before
    assert rows_of(elsewhere) == []
    assert not [message for message in vendors.telegram.messages if message.get("chat_id") == "4242"]
    if who != "a stranger":  # who may connect a bot where they are at home
        assert len(vendors.telegram.calls) == asked
    if who != "a member":  # who may see
        assert not [frame for frame in heard if LABEL in frame or "secret_plans" in frame]
    if who == "nobody":
        assert any("sign-in" in frame for frame in heard)
    assert not [frame for frame in heard if "Traceback" in frame]


def test_an_owner_who_speaks_so_is_heard(target: Place, site):
    """Else the test above would pass for a socket that nobody hears."""
    socket = RawSocket(site, target.person())
    socket.call(f"reflex___state____state.{LOADS}", {})
    heard = "".join(socket.heard())
    assert LABEL in heard
    rename = next(name for name in every_handler() if name.endswith("telegram_card.rename"))
    socket.call(rename, {"form_data": {"label": "A better name"}})
    socket.heard()
    socket.close()
    assert [row[1] for row in rows_of(target)] == ["A better name"]


def test_a_page_that_is_open_meanwhile_shows_no_change(browsing: Browsing, target: Place, site):
    page = browsing.open(site, target.person())
    socket = RawSocket(site, None)
    attack(socket, every_handler(), str(rows_of(target)[0][0]))
    socket.close()
    shows(page, "telegram", "connected")
    assert LABEL in card(page, "telegram").inner_text()
