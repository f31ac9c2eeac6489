"""Channels of a chat account: listed once for five minutes, chosen, renamed, gone; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    Forbidden,
    InsufficientPermissions,
    NotAvailable,
    NotFound,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.ids import new_id
from atlas_hub.services import channels, connections, status
from atlas_hub.services.access import Actor, Role
from tests.conftest import actor
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, SlackChannel
from tests.standins.telegram import TelegramStandin

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
    assert found.at
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
    found = await channels.listed(vendors, owner, row)
    assert len(found.channels) == 5000
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


async def test_what_is_chosen_survives_a_listing_that_fails(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    await channels.choose(vendors, owner, row, ["C0GENERAL", "C0BOARDROOM"], sync_all=False)
    before = await channels.kept(vendors, owner, row)
    for fault in (Fault.UNAVAILABLE, Fault.HTML, Fault.BUSY_SECONDS):
        slack.dial.set(fault)
        with pytest.raises((PlatformError, RateLimited)) as caught:
            await channels.listed(vendors, owner, row, refresh=True)
        now = await channels.kept(vendors, owner, row)
        assert (now.channels, now.at) == (before.channels, before.at)
        assert now.fault == caught.value.text
    slack.dial.set(Fault.OK)
    assert [each.id for each in now.channels if each.sync] == ["C0BOARDROOM", "C0GENERAL"]


async def test_a_vendor_that_is_busy_is_left_alone_until_then(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    slack.dial.set(Fault.BUSY_SECONDS, times=1)
    with pytest.raises(RateLimited) as caught:
        await channels.listed(vendors, owner, row)
    waits = caught.value.retry_after
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            await channels.listed(vendors, owner, row, refresh=True)
        assert 1 <= caught.value.retry_after <= waits
    assert lists(slack) == 1
    told = await channels.kept(vendors, owner, row)
    assert told.wait_until is not None
    later = replace(vendors, now=lambda: vendors.now() + timedelta(seconds=waits + 1))
    found = await channels.listed(later, owner, row)
    assert (len(found.channels), found.wait_until, found.fault) == (4, None, "")


async def test_a_list_that_breaks_off_is_none(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    slack.channels = crowd(1200)
    await channels.listed(vendors, owner, row)
    slack.channels = crowd(900)
    before, slack.after_a_page = lists(slack), lambda: slack.dial.set(Fault.UNAVAILABLE)
    with pytest.raises(PlatformError):
        await channels.listed(vendors, owner, row, refresh=True)
    assert lists(slack) == before + 2
    assert len((await channels.kept(vendors, owner, row)).channels) == 1200


async def test_a_chosen_channel_that_is_renamed_or_gone_is_marked(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    row = await connected(vendors, owner)
    await channels.choose(vendors, owner, row, ["C0GENERAL", "C0ALERTS01"], sync_all=False)
    rename(slack, "C0GENERAL", "everyone")
    rename(slack, "C0RANDOM01", "noise")
    slack.channels = [each for each in slack.channels if each.id not in {"C0ALERTS01", "C0BOARDROOM"}]
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert named(found) == ["#alerts", "#everyone", "#noise"]  # what nobody chose is renamed, or gone, without a word
    assert (only(found, "#everyone").former_name, only(found, "#everyone").sync) == ("#general", True)
    assert (only(found, "#alerts").missing, only(found, "#alerts").sync) == (True, True)
    assert only(found, "#noise").former_name == ""
    rename(slack, "C0GENERAL", "everybody")
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert only(found, "#everybody").former_name == "#general"
    found = await channels.choose(vendors, owner, row, ["C0GENERAL", "C0ALERTS01"], sync_all=False)
    assert only(found, "#everybody").former_name == ""  # chosen anew, by its name of now
    assert only(found, "#alerts").missing
    found = await channels.choose(vendors, owner, row, ["C0GENERAL"], sync_all=False)
    assert named(found) == ["#everybody", "#noise"]  # what is missing and not chosen goes
    slack.channels.append(SlackChannel("C0ALERTS01", "alerts", "T0ACME"))
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert not only(found, "#alerts").sync
    rename(slack, "C0GENERAL", "general")
    await channels.listed(vendors, owner, row, refresh=True)
    rename(slack, "C0GENERAL", "everybody")
    assert only(await channels.listed(vendors, owner, row, refresh=True), "#everybody").former_name == ""


async def test_a_channel_that_comes_back_is_synced_again(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    await channels.choose(vendors, owner, row, ["C0ALERTS01"], sync_all=False)
    everything = list(slack.channels)
    slack.channels = []
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert [(each.name, each.missing) for each in found.channels] == [("#alerts", True)]
    slack.channels = everything
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert (only(found, "#alerts").missing, only(found, "#alerts").sync) == (False, True)


async def test_all_public_ones_present_and_future(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    await channels.choose(vendors, owner, row, ["C0BOARDROOM"], sync_all=False)
    found = await channels.choose(vendors, owner, row, [], sync_all=True)
    assert found.sync_all
    assert [each.name for each in found.channels if each.sync] == PUBLIC
    slack.channels.append(SlackChannel("C0NEW", "new", "T0ACME"))
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert [each.name for each in found.channels if each.sync] == ["#alerts", "#general", "#new", "#random"]
    slack.channels = [replace(each, is_private=each.id == "C0NEW") for each in slack.channels if each.id == "C0NEW"]
    slack.channels[0].members = frozenset({"U0ATLAS"})
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert [(each.name, each.sync) for each in found.channels] == [("#new", False)]
    found = await channels.choose(vendors, owner, row, [], sync_all=False)
    assert not found.sync_all
    assert not any(each.sync for each in found.channels)
    with pytest.raises(BadForm) as caught:
        await channels.choose(vendors, owner, row, ["C0NEW"], sync_all=True)
    assert set(caught.value.fields) == {"channel_ids"}


async def test_unknown_ids_are_named_after_one_more_look(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    with pytest.raises(BadForm) as caught:
        await channels.choose(vendors, owner, row, ["C0GENERAL", "C0NOWHERE", "C0SECRETS1", "a\x00b"], sync_all=False)
    text = caught.value.fields["channel_ids"]
    assert "C0NOWHERE" in text
    assert "C0SECRETS1" in text
    assert "C0GENERAL" not in text
    assert lists(slack) == 1
    assert not any(each.sync for each in (await channels.kept(vendors, owner, row)).channels)
    slack.channels.append(SlackChannel("C0NOWHERE", "nowhere", "T0ACME"))
    later = replace(vendors, now=lambda: vendors.now() + timedelta(minutes=6))
    found = await channels.choose(later, owner, row, ["C0NOWHERE", "C0NOWHERE"], sync_all=False)
    assert [each.name for each in found.channels if each.sync] == ["#nowhere"]
    assert lists(slack) == 2


async def test_the_default_destination(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    with pytest.raises(BadForm):
        await channels.set_destination(vendors, owner, row, "C0GENERAL")  # nothing was listed yet
    await channels.listed(vendors, owner, row)
    assert (await channels.set_destination(vendors, owner, row, "C0GENERAL")).destination == "C0GENERAL"
    rename(slack, "C0GENERAL", "everyone")
    await channels.listed(vendors, owner, row, refresh=True)
    slack.channels = [each for each in slack.channels if each.id != "C0GENERAL"]
    found = await channels.listed(vendors, owner, row, refresh=True)
    assert only(found, "#everyone").missing
    assert found.destination == "C0GENERAL"
    with pytest.raises(BadForm):
        await channels.set_destination(vendors, owner, row, "C0GENERAL")
    assert (await channels.set_destination(vendors, owner, row, "")).destination == ""


async def test_without_groups_read_private_ones_are_left_out_and_it_says_so(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    row = await connected(vendors, owner)
    slack.tokens[ACME].scopes -= {"groups:read"}
    found = await channels.listed(vendors, owner, row)
    assert named(found) == PUBLIC
    assert found.lacks == ("groups:read",)
    assert "groups:read" in found.notes[0]
    slack.tokens[ACME].scopes -= {"channels:read"}
    with pytest.raises(InsufficientPermissions) as caught:
        await channels.listed(vendors, owner, row, refresh=True)
    assert caught.value.required_scopes == ("channels:read",)


async def test_a_token_that_ends_marks_the_connection(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    slack.tokens[ACME].state = "revoked"
    with pytest.raises(AuthExpired):
        await channels.listed(vendors, owner, row)
    card = next(each for each in (await status.overview(vendors, owner)).cards if each.provider == "slack")
    assert card.connection is not None
    assert card.connection.state == "reconnect"


async def test_what_cannot_list_says_why(vendors: Hub, owner: Actor, telegram: TelegramStandin) -> None:
    token = next(iter(telegram.bots))
    done = await connections.connect(vendors, owner, "telegram", "bot_token", {"bot_token": token}, source="page")
    found = await channels.kept(vendors, owner, done.view.id)
    assert (found.can_list, found.channels) == (False, ())
    assert found.why_not.endswith(".")
    with pytest.raises(NotAvailable):
        await channels.listed(vendors, owner, done.view.id)
    with pytest.raises(NotAvailable):
        await channels.choose(vendors, owner, done.view.id, [], sync_all=True)


async def test_who_may(vendors: Hub, owner: Actor, other_owner: Actor, slack: SlackStandin) -> None:
    row = await connected(vendors, owner)
    await channels.listed(vendors, owner, row)
    member = actor(Role.MEMBER, owner.workspace)
    assert len((await channels.kept(vendors, member, row)).channels) == 4
    with pytest.raises(Forbidden):
        await channels.choose(vendors, member, row, [], sync_all=True)
    with pytest.raises(Forbidden):
        await channels.set_destination(vendors, member, row, "")
    for who, which in ((other_owner, row), (owner, new_id()), (owner, "nonsense")):
        for asked in (
            channels.kept(vendors, who, which),
            channels.listed(vendors, who, which),
            channels.choose(vendors, who, which, [], sync_all=True),
            channels.set_destination(vendors, who, which, ""),
        ):
            with pytest.raises(NotFound):
                await asked
    await connections.disconnect(vendors, owner, row)
    with pytest.raises(NotFound):
        await channels.kept(vendors, owner, row)
