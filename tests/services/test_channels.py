"""Channels of a chat account: listed once for five minutes, chosen, renamed, gone; on both databases."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import event

from atlas_hub.hub import Hub
from atlas_hub.services import channels, connections
from atlas_hub.services.access import Actor
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, SlackChannel

LIST = "/api/conversations.list"
PUBLIC = ["#alerts", "#general", "#random"]


async def connected(hub: Hub, owner: Actor, token: str = ACME) -> str:
    done = await connections.connect(hub, owner, "slack", "bot_token", {"bot_token": token}, source="page")
    return done.view.id


def lists(slack: SlackStandin) -> int:
    return sum(call.path == LIST for call in slack.calls)


def named(found: channels.ChannelList) -> list[str]:
    return [each.name for each in found.channels]


def only(found: channels.ChannelList, name: str) -> channels.ChannelView:
    return next(each for each in found.channels if each.name == name)


def rename(slack: SlackStandin, channel_id: str, name: str) -> None:
    slack.channels = [replace(each, name=name) if each.id == channel_id else each for each in slack.channels]


def crowd(count: int) -> list[SlackChannel]:
    return [SlackChannel(f"C{number:08d}", f"team-{number:05d}", "T0ACME", size=number) for number in range(count)]


async def test_a_list_is_asked_for_once_and_kept(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    before = await channels.kept(vendors, owner, row)
    assert (before.channels, before.at, before.can_list, before.fault) == ((), None, True, "")
    assert lists(slack) == 0
    found = await channels.listed(vendors, owner, row)
    assert named(found) == ["#alerts", "#board", "#general", "#random"]  # neither the archived nor the secret one
    board, random = only(found, "#board"), only(found, "#random")
    assert (board.private, board.members, board.joined) == (True, 1, True)
    assert (random.private, random.joined) == (False, False)
    assert not any(each.sync or each.missing or each.former_name for each in found.channels)
    assert await channels.listed(vendors, owner, row) == found == await channels.kept(vendors, owner, row)
    assert lists(slack) == 1
    await channels.listed(vendors, owner, row, refresh=True)
    assert lists(slack) == 2


async def test_a_list_is_old_after_five_minutes(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    await channels.listed(vendors, owner, row)
    later = replace(vendors, now=lambda: vendors.now() + timedelta(minutes=5, seconds=1))
    assert lists(slack) == 1
    found = await channels.listed(later, owner, row)
    assert lists(slack) == 2
    assert found.at is not None
    assert found.at > vendors.now()


async def test_who_comes_meanwhile_takes_the_same_list(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    found = await asyncio.gather(*(channels.listed(vendors, owner, row) for _ in range(20)))
    assert lists(slack) == 1
    assert all(each == found[0] for each in found)


async def test_five_thousand_channels_are_one_listing_in_few_statements(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    row = await connected(vendors, owner)
    slack.channels = crowd(5000)
    statements: list[str] = []
    event.listen(vendors.db.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    began = time.perf_counter()
    found = await channels.listed(vendors, owner, row)
    took = time.perf_counter() - began
    assert len(found.channels) == 5000
    assert took < 2
    assert len(statements) < 60
    statements.clear()
    assert len((await channels.listed(vendors, owner, row)).channels) == 5000
    assert len(statements) <= 3
    rename(slack, "C00000007", "seven")
    slack.channels = [each for each in slack.channels if each.id > "C00000003"]
    again = await channels.listed(vendors, owner, row, refresh=True)
    assert len(again.channels) == 4996
    assert only(again, "#seven").members == 7
    everything = [each.id for each in again.channels]
    chosen = await channels.choose(vendors, owner, row, everything, sync_all=False)
    assert all(each.sync for each in chosen.channels)
