"""Channels through the door: listing, refreshing, choosing, and what cannot be chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api.connections.conftest import PATH, Client, made
from tests.standins import discord_seed
from tests.standins.dial import Fault
from tests.standins.discord import DiscordStandin
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, ACME_IN_FULL, SlackChannel

LIST = "/api/conversations.list"


def lists(slack: SlackStandin) -> int:
    return sum(call.path == LIST for call in slack.calls)


def synced(found: Any) -> list[str]:
    return [each["name"] for each in found if each["sync_enabled"]]


async def test_channels_as_the_seed_has_them(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    found = (await api.get(f"{PATH}/{own}/channels")).json()
    assert found[2] == {
        "id": "C0GENERAL",
        "name": "#general",
        "is_private": False,
        "member_count": 3,
        "sync_enabled": False,
        "is_member": True,
        "missing": False,
        "renamed_from": None,
    }
    assert [each["name"] for each in found] == ["#alerts", "#board", "#general", "#random"]
    assert (await api.get(f"{PATH}/{own}/channels")).json() == found
    assert (await api.get(f"{PATH}/{own}/channels?refresh=false")).json() == found
    assert lists(slack) == 1
    assert (await api.get(f"{PATH}/{own}/channels?refresh=true")).json() == found
    assert lists(slack) == 2
    one = (await api.get(f"{PATH}/{own}")).json()
    assert one["channel_count"] == (await api.get(PATH)).json()[0]["channel_count"] == 4
    assert one["channels"]["listed_at"].endswith("Z")
    for query in ("refresh=1", "refresh=", "refresh=true&refresh=true", "refresh=yes"):
        answer = await api.get(f"{PATH}/{own}/channels?{query}")
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, ["refresh"])


async def test_choosing_some_and_then_all(api: Client) -> None:
    own = await made(api)
    answer = await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ["C0GENERAL", "C0BOARDROOM"]})
    assert (answer.status_code, synced(answer.json())) == (200, ["#board", "#general"])
    assert (await api.get(f"{PATH}/{own}/channels")).json() == answer.json()
    for empty in ({"sync_all": True}, {"sync_all": True, "channel_ids": []}):
        answer = await api.put(f"{PATH}/{own}/channels", json=empty)
        assert synced(answer.json()) == ["#alerts", "#general", "#random"]
        assert (await api.get(f"{PATH}/{own}")).json()["channels"]["sync_all"] is True
    answer = await api.put(f"{PATH}/{own}/channels", json={"channel_ids": [], "sync_all": False})
    assert (answer.status_code, synced(answer.json())) == (200, [])


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({"channel_ids": ["C0GENERAL"], "sync_all": True}, "channel_ids", "either"),
        ({"channel_ids": ["C0GENERAL", "C404", "C405"]}, "channel_ids", "C404, C405"),
        ({"channel_ids": ["C0SECRETS1"]}, "channel_ids", "C0SECRETS1"),
        ({"channel_ids": ["C0OLDLAUNCH"]}, "channel_ids", "C0OLDLAUNCH"),
        ({"channel_ids": ["C404"]}, "channel_ids", "Choose from its list"),
        ({}, "channel_ids", "an empty one chooses none"),
        ({"sync_all": False}, "channel_ids", "an empty one chooses none"),
        ([], "body", "object"),
        ({"channel_ids": "C0GENERAL"}, "channel_ids", "array"),
        ({"channel_ids": None, "sync_all": True}, "channel_ids", "array"),
        ({"channel_ids": [5]}, "channel_ids.0", "text"),
        ({"channel_ids": [""]}, "channel_ids.0", "empty"),
        ({"channel_ids": ["x" * 121]}, "channel_ids.0", "long"),
        ({"channel_ids": [], "sync_all": "yes"}, "sync_all", "true or false"),
        ({"channel_ids": [], "selected": []}, "selected", "no such field"),
    ],
)
async def test_a_choice_that_cannot_be_made_says_why(api: Client, said: Any, field: str, words: str) -> None:
    own = await made(api)
    await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ["C0GENERAL"]})
    answer = await api.put(f"{PATH}/{own}/channels", json=said)
    fields = answer.json()["error"]["fields"]
    assert (answer.status_code, list(fields)) == (422, [field])
    assert words in fields[field]
    assert synced((await api.get(f"{PATH}/{own}/channels")).json()) == ["#general"]


async def test_what_was_chosen_is_marked_where_it_changed(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ["C0GENERAL", "C0ALERTS01"]})
    slack.channels = [
        replace(each, name="everyone") if each.id == "C0GENERAL" else each
        for each in slack.channels
        if each.id != "C0ALERTS01"
    ]
    found = {each["id"]: each for each in (await api.get(f"{PATH}/{own}/channels?refresh=true")).json()}
    assert (found["C0GENERAL"]["name"], found["C0GENERAL"]["renamed_from"]) == ("#everyone", "#general")
    assert (found["C0ALERTS01"]["missing"], found["C0ALERTS01"]["sync_enabled"]) == (True, True)
    assert (await api.get(f"{PATH}/{own}")).json()["channel_count"] == 3  # those that the vendor lists
    again = [each["id"] for each in found.values() if each["sync_enabled"]]
    assert (await api.put(f"{PATH}/{own}/channels", json={"channel_ids": again})).status_code == 200


async def test_a_listing_that_fails_is_the_vendors_word(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ["C0GENERAL"]})
    for fault, status, code in (
        (Fault.UNAVAILABLE, 502, "PLATFORM_ERROR"),
        (Fault.RESET, 502, "NETWORK_ERROR"),
        (Fault.BUSY_SECONDS, 503, "RATE_LIMITED"),
    ):
        slack.dial.set(fault, path=LIST)
        answer = await api.get(f"{PATH}/{own}/channels?refresh=true")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        slack.dial.set(Fault.OK)
        assert synced((await api.get(f"{PATH}/{own}/channels")).json()) == ["#general"]  # kept, and fresh
    calls = lists(slack)
    answer = await api.get(f"{PATH}/{own}/channels?refresh=true")
    assert (answer.status_code, int(answer.headers["retry-after"]) >= 1, lists(slack)) == (503, True, calls)
    about = (await api.get(f"{PATH}/{own}")).json()["channels"]
    assert about["retry_at"].endswith("Z")
    assert about["error"].startswith("Slack is busy")


async def test_private_ones_that_are_left_out_are_told(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    slack.tokens[ACME].scopes -= {"groups:read"}
    assert len((await api.get(f"{PATH}/{own}/channels")).json()) == 3
    about = (await api.get(f"{PATH}/{own}")).json()["channels"]
    assert about["missing_scopes"] == ["groups:read"]
    assert about["notes"][0].startswith("Private channels are left out")
    slack.tokens[ACME].scopes -= {"channels:read"}
    answer = await api.get(f"{PATH}/{own}/channels?refresh=true")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert answer.json()["error"]["required_scopes"] == ["channels:read"]


async def test_thousands_are_listed_and_chosen(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    slack.channels = [SlackChannel(f"C{number:08d}", f"team-{number}", "T0ACME") for number in range(5000)]
    found = (await api.get(f"{PATH}/{own}/channels")).json()
    assert (len(found), lists(slack)) == (5000, 10)
    ids = [each["id"] for each in found]
    answer = await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ids})  # more than 64 KiB
    assert (answer.status_code, len(synced(answer.json()))) == (200, 5000)


async def test_the_channels_of_a_discord_server(api: Client, discord: DiscordStandin) -> None:
    credentials = {"bot_token": discord_seed.ATLAS, "guild_id": discord_seed.ACME_GUILD}
    answer = await api.post(PATH, json={"platform": "discord", "name": "Guild", "credentials": credentials})
    own = answer.json()["id"]
    found = {each["name"]: each for each in (await api.get(f"{PATH}/{own}/channels")).json()}
    assert set(found) == {"#alerts", "#help", "#news", "#staff"}
    assert (found["#alerts"]["member_count"], found["#alerts"]["is_member"]) == (42, True)
    assert (found["#staff"]["is_private"], found["#staff"]["member_count"], found["#staff"]["is_member"]) == (
        True,
        None,
        False,
    )
    answer = await api.put(f"{PATH}/{own}/channels", json={"sync_all": True})
    assert "#staff" not in synced(answer.json())
    discord.bots[discord_seed.ATLAS].revoked = True
    answer = await api.get(f"{PATH}/{own}/channels?refresh=true")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_CREDENTIALS")
    calls = len(discord.calls)
    said = (await api.post(f"{PATH}/{own}/validate")).json()
    assert (said["valid"], said["error"]["code"]) == (False, "INVALID_CREDENTIALS")
    answer = await api.post(PATH, json={"platform": "discord", "name": "Again", "credentials": credentials})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_CREDENTIALS")
    assert len(discord.calls) == calls
    assert (await api.get(f"{PATH}/{own}")).json()["status"] == "error"


@pytest.mark.parametrize("said", ["true", "True", "TRUE"])
async def test_refresh_is_taken_as_clients_write_it(api: Client, slack: SlackStandin, said: str) -> None:
    own = await made(api)
    await api.get(f"{PATH}/{own}/channels")
    before = lists(slack)
    assert (await api.get(f"{PATH}/{own}/channels", params={"refresh": said})).status_code == 200
    assert lists(slack) > before
    before = lists(slack)
    assert (await api.get(f"{PATH}/{own}/channels", params={"refresh": "False"})).status_code == 200
    assert lists(slack) == before


async def test_the_first_id_that_is_none_is_named_alone(api: Client) -> None:
    own = await made(api)
    answer = await api.put(f"{PATH}/{own}/channels", json={"channel_ids": ["C0GENERAL", *range(100_000)]})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, ["channel_ids.1"])


async def test_what_a_refused_token_could_not_list_is_forgotten_with_it(api: Client, slack: SlackStandin) -> None:
    own = await made(api)

    async def said_of_a_listing() -> str:
        await api.get(f"{PATH}/{own}/channels?refresh=true")
        return str((await api.get(f"{PATH}/{own}")).json()["channels"]["error"])

    slack.tokens[ACME].state = "revoked"
    assert "revoked" in await said_of_a_listing()
    renewed = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": ACME_IN_FULL}})
    assert renewed.json()["channels"]["error"] is None
    slack.tokens[ACME_IN_FULL].state = "invalid"
    assert "no such token" in await said_of_a_listing()
    slack.tokens[ACME_IN_FULL].state = "active"
    assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    assert (await api.get(f"{PATH}/{own}")).json()["channels"]["error"] is None
    slack.dial.set(Fault.UNAVAILABLE, path=LIST)
    assert "fault of its own" in await said_of_a_listing()
    assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    assert (await api.get(f"{PATH}/{own}")).json()["channels"]["error"] is not None  # that is no word about the token
