"""The channels of the open drawer: what is drawn of thousands, what a Save does, who may, and what goes wrong."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.services import channels
from atlas_hub.services.access import Actor
from atlas_hub.services.channels import ChannelList, ChannelView
from atlas_hub.ui import live, picking
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.guard import Tab
from atlas_hub.ui.page import Page
from atlas_hub.ui.picking import DRAWN, Channels
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, SlackChannel

SLACK = CARDS["slack"]
ID, NAME, PRIVATE, MEMBERS, SYNC, JOINED, MISSING, FORMER, DEFAULT = range(9)
GENERAL, RANDOM = "C0GENERAL", "C0RANDOM01"


def crowd(count: int) -> list[SlackChannel]:
    return [SlackChannel(f"C{number:08d}", f"team-{number:05d}", "T0ACME", size=number) for number in range(count)]


def channel(number: int, **more: Any) -> ChannelView:
    told: dict[str, Any] = {"private": False, "members": 3, "sync": False, "joined": True, "missing": False}
    return ChannelView(**{"id": f"C{number}", "name": f"#c{number:04d}", "former_name": "", **told, **more})


def listed(*channels: ChannelView, **more: Any) -> ChannelList:
    told: dict[str, Any] = {
        "at": datetime(2026, 11, 30, tzinfo=UTC), "sync_all": False, "notes": (), "lacks": (), "wait_until": None,
        "fault": "", "destination": "", "can_list": True, "why_not": "",
    }  # fmt: skip
    return ChannelList(**{"channels": channels, **told, **more})


async def opened(browser: Any) -> Any:
    """The drawer's list, with Slack connected."""
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    await browser.raise_event(Channels, "open", (await browser.state(SLACK)).connection)
    return await browser.state(Channels)


def drawn(state: Any, at: int = NAME) -> list[str]:
    return [row[at] for row in state.rows]


def of(state: Any, channel_id: str) -> list[str]:
    return next(row for row in state.rows if row[ID] == channel_id)


def test_of_thousands_a_hundred_are_drawn_and_a_search_finds_the_others():
    seen = listed(*(channel(number) for number in range(5000)))
    told = picking.shown(seen, "")
    assert (len(told["rows"]), told["found"], told["total"]) == (DRAWN, 5000, 5000)
    told = picking.shown(seen, "#C 999")
    assert [row[NAME] for row in told["rows"]] == [f"#c{number}999" for number in range(5)]
    assert (told["found"], told["total"]) == (5, 5000)


def test_what_is_missing_or_chosen_is_drawn_first():
    seen = listed(*(channel(number) for number in range(300)), channel(900, sync=True), channel(950, missing=True),
                  channel(990), destination="C990")  # fmt: skip
    told = picking.shown(seen, "")
    assert [row[ID] for row in told["rows"][:4]] == ["C950", "C900", "C990", "C0"]
    assert told["default"] == "#c0990"
    assert told["synced"] == 1


def test_a_row_says_what_is_known_and_no_more():
    row = picking.shown(listed(channel(1, members=None, joined=None)), "")["rows"][0]
    assert row == ["C1", "#c0001", "", "", "", "", "", "", ""]
    marks = channel(2, private=True, members=12345, sync=True, joined=False, former_name="#old")
    row = picking.shown(listed(marks, destination="C2"), "")["rows"][0]
    assert row == ["C2", "#c0002", "yes", "12,345", "yes", "no", "", "#old", "yes"]


@pytest.mark.parametrize(
    "text", [None, "", "nonsense", "[]", "1", '{"sync": 5, "destination": 7}', '{"sync": {}', "x" * 2_000_000]
)
def test_nonsense_changes_nothing(text: Any):
    assert picking.changes_in(text) == ({}, None)


async def test_opening_asks_no_vendor_and_a_refresh_does(hub: Hub, door: Any, browser: Any, slack: SlackStandin):
    state = await opened(browser)
    assert (state.phase, state.at, state.rows, state.can) == ("ready", "", [], True)
    assert not [call for call in slack.calls if call.path == "/api/conversations.list"]
    await browser.raise_event(Channels, "refresh")
    assert drawn(state) == ["#alerts", "#board", "#general", "#random"]
    assert (of(state, RANDOM)[JOINED], of(state, GENERAL)[JOINED]) == ("no", "yes")
    assert (state.said, state.busy) == ("Listed 4 channels.", "")
    assert state.at
    assert (await browser.state(SLACK)).invite == "/invite @atlas"


async def test_a_search_is_looked_for_on_the_server(hub: Hub, door: Any, browser: Any, slack: SlackStandin):
    slack.channels = crowd(5000)
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    assert (state.total, len(state.rows)) == (5000, DRAWN)
    assert len(pickle.dumps(state)) < 50_000
    await browser.raise_event(Channels, "search", "TEAM-04999")
    assert drawn(state) == ["#team-04999"]
    await browser.raise_event(Channels, "search", "")
    assert len(state.rows) == DRAWN


async def test_a_save_adds_to_what_was_chosen_and_names_the_destination(hub: Hub, door: Any, browser: Any):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"sync": {GENERAL: True}})})
    assert (of(state, GENERAL)[SYNC], state.said) == ("yes", "1 channel synced.")
    changes = {"sync": {RANDOM: True}, "destination": GENERAL}
    await browser.raise_event(Channels, "save", {"changes": json.dumps(changes)})
    assert (of(state, GENERAL)[SYNC], of(state, RANDOM)[SYNC], of(state, GENERAL)[DEFAULT]) == ("yes", "yes", "yes")
    assert state.said == "2 channels synced. #general is the default destination."
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"sync": {GENERAL: False}, "destination": ""})})
    assert (of(state, GENERAL)[SYNC], of(state, GENERAL)[DEFAULT], state.default) == ("", "", "")
    assert state.said == "1 channel synced. There is no default destination."
    await browser.raise_event(Channels, "save", {"changes": ""})
    assert state.said == "Nothing was changed."


async def test_every_public_channel_is_synced_and_then_only_some(hub: Hub, door: Any, browser: Any):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    await browser.raise_event(Channels, "save", {"changes": "{}", "sync_all": "yes"})
    assert (state.sync_all, state.said) == (True, "Every public channel is synced.")
    assert {row[NAME] for row in state.rows if row[SYNC]} == {"#alerts", "#general", "#random"}
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"sync": {RANDOM: False}})})
    assert state.sync_all is False
    assert {row[NAME] for row in state.rows if row[SYNC]} == {"#alerts", "#general"}


async def test_an_unknown_channel_is_refused_and_nothing_is_changed(hub: Hub, door: Any, browser: Any):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"sync": {"C0ELSEWHERE": True}})})
    assert "C0ELSEWHERE" in state.error
    assert (state.synced, state.saves) == (0, 1)
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"destination": "C0ELSEWHERE"})})
    assert "no such channel" in state.error


async def test_what_is_renamed_or_gone_keeps_its_tick(hub: Hub, door: Any, browser: Any, slack: SlackStandin):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"sync": {GENERAL: True, RANDOM: True}})})
    slack.channels = [
        replace(each, name="everyone") if each.id == GENERAL else each for each in slack.channels if each.id != RANDOM
    ]
    await browser.raise_event(Channels, "refresh")
    assert of(state, GENERAL)[NAME::6] == ["#everyone", "#general"]
    assert (state.rows[0][ID], state.rows[0][MISSING], state.rows[0][SYNC]) == (RANDOM, "yes", "yes")


async def test_a_busy_vendor_is_waited_for_and_the_list_stays(hub: Hub, door: Any, browser: Any, slack: SlackStandin):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    slack.dial.set(Fault.BUSY_SECONDS)
    await browser.raise_event(Channels, "refresh")
    assert state.until > state.at
    assert (len(state.rows), state.fault, state.error, state.busy) == (4, "", "", "")
    asked = len(slack.calls)
    await browser.raise_event(Channels, "refresh")
    assert len(slack.calls) == asked


async def test_a_silent_vendor_is_told_and_the_list_stays(hub: Hub, door: Any, browser: Any, slack: SlackStandin):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    slack.dial.set(Fault.UNAVAILABLE)
    await browser.raise_event(Channels, "refresh")
    assert state.error
    assert (len(state.rows), state.busy) == (4, "")
    await browser.raise_event(Channels, "open", state.of)
    assert state.fault
    assert len(state.rows) == 4


async def test_the_default_destination_is_where_a_test_begins(hub: Hub, door: Any, browser: Any):
    await opened(browser)
    await browser.raise_event(Channels, "refresh")
    await browser.raise_event(Channels, "save", {"changes": json.dumps({"destination": GENERAL})})
    await browser.raise_event(Page, "load")
    assert (await browser.state(SLACK)).destination == GENERAL


async def test_a_member_sees_the_list_and_changes_nothing(hub: Hub, door: Any, browser: Any, member: Actor):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    connection, door.actor = state.of, member
    await browser.raise_event(Page, "load")
    await browser.raise_event(Channels, "open", connection)
    assert len(state.rows) == 4
    await browser.raise_event(Channels, "search", "gen")
    assert drawn(state) == ["#general"]
    for name, given in (("refresh", ()), ("save", ({"changes": json.dumps({"sync": {GENERAL: True}})},))):
        await browser.raise_event(Channels, name, *given)
        assert (await browser.state(Tab)).notice
    assert (await channels.kept(hub, member, state.of)).channels[2].sync is False


async def test_another_workspace_s_channels_are_not_shown(hub: Hub, door: Any, browser: Any, other_owner: Actor):
    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    connection = state.of
    door.actor = other_owner
    await browser.raise_event(Page, "load")
    assert (state.of, state.rows) == ("", [])
    await browser.raise_event(Channels, "open", connection)
    assert (state.rows, state.can, state.why) == ([], False, "There is no such connection.")


async def test_a_change_elsewhere_reaches_the_open_list(hub: Hub, door: Any, browser: Any, owner: Actor):
    from tests.ui.test_live import App, following, until

    state = await opened(browser)
    await browser.raise_event(Channels, "refresh")
    app = App(a=browser)
    live.add("a", owner.workspace)
    async with following(app):
        await channels.choose(hub, owner, state.of, [RANDOM], sync_all=False)
        await until(lambda: of(state, RANDOM)[SYNC] == "yes")
