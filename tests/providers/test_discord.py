"""Discord's own ways: three values that belong together, servers of the bot, and what a message is."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.redact import redact
from atlas_hub.providers.contract import Message
from atlas_hub.providers.discord import DISCORD, PROVIDER
from tests.standins import discord
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("discord", "bot_token")


LOOKALIKES = {
    "https://discord.com/api/webhooks/1/abc": "address of a webhook",
    "https://discord.com/oauth2/authorize": "an address",
    "mfa." + "x" * 60: "person's account",
    "x" * 513: "not a bot token",
    discord.ATLAS + "\u00e9": "not a bot token",
    discord.ATLAS + "\r\nX-Evil: 1": "not a bot token",
}


@pytest.mark.parametrize("token", LOOKALIKES)
def test_a_paste_of_another_kind_is_named(world, token):
    with pytest.raises(BadForm) as caught:
        world.form(botToken=token)
    assert LOOKALIKES[token] in caught.value.fields["bot_token"]
    assert "Reset Token" in caught.value.fields["bot_token"]
    assert world.form()


def test_the_browser_says_the_same_of_a_paste_as_the_form(world):
    for start, sentence in world.way.form.said_of("bot_token")["lookalikes"].items():
        with pytest.raises(BadForm) as caught:
            world.form(botToken=f"{start}x")
        assert caught.value.fields["bot_token"] == sentence


@pytest.mark.parametrize("stuck", ["Bot {}", "bot  {}", '"Bot {}"', "Authorization: Bot {}", "Bot '{}'"])
def test_the_word_bot_is_taken_off(world, stuck):
    assert world.form(botToken=stuck.format(discord.ATLAS)).bot_token.reveal() == discord.ATLAS


@pytest.mark.parametrize("value", ["1" * 65, "\u0661" * 18, discord.ATLAS_ID + "/x", "a b", "1\r\n2"])
def test_an_application_id_can_stand_in_a_link(world, value):
    with pytest.raises(BadForm) as caught:
        world.form(applicationId=value)
    assert "17 to 20 digits" in caught.value.fields["application_id"]


@pytest.mark.parametrize("value", ["a b", "a" * 257, "\u0661" * 64])
def test_a_public_key_is_one_word(world, value):
    with pytest.raises(BadForm) as caught:
        world.form(publicKey=value)
    assert "64 characters" in caught.value.fields["public_key"]


def test_a_public_key_is_no_secret_and_may_be_upper_case(world):
    form = world.form(publicKey=f" {discord.ATLAS_KEY.upper()} ")
    assert form.public() == {
        "application_id": discord.ATLAS_ID,
        "public_key": discord.ATLAS_KEY,
        "guild_id": None,
    }
    assert set(form.given_secrets()) == {"bot_token"}


def test_a_token_is_never_shown_in_a_log():
    assert discord.ATLAS not in redact(f"sent {discord.ATLAS} to Discord")


async def test_the_card_shows_the_server(world):
    result = await world.check()
    assert result.account.details == {
        "Server": "Acme Corp",
        "Guild ID": discord.ACME_GUILD,
        "Bot": "@acme-atlas",
        "Application ID": discord.ATLAS_ID,
    }
    assert result.account.wire == {
        "guildId": discord.ACME_GUILD,
        "guildName": "Acme Corp",
        "botUsername": "acme-atlas",
    }
    assert result.account.name == result.label == "@acme-atlas"
    assert result.account.url == f"https://discord.com/developers/applications/{discord.ATLAS_ID}"
    assert (result.granted, result.expires_at, result.warnings, result.limits) == (None, None, (), ())


async def test_a_check_changes_nothing_at_discord_and_says_who_calls(world):
    await world.check()
    assert [(call.method, call.path, call.query) for call in world.standin.calls] == [
        ("GET", "/api/v10/users/@me", ""),
        ("GET", "/api/v10/applications/@me", ""),
        ("GET", "/api/v10/users/@me/guilds", "limit=200"),
    ]
    for call in world.standin.calls:
        assert call.headers["user-agent"].startswith("DiscordBot (https://")
        assert call.headers["authorization"] == f"Bot {discord.ATLAS}"


def bot(token, number):
    return {"botToken": token, "applicationId": number, "publicKey": discord.OTHER_KEY}


async def test_a_bot_in_no_server_gets_an_invitation(world):
    result = await world.check(**bot(discord.EMPTY, discord.EMPTY_ID))
    (limit,) = result.limits
    (link,) = [word for word in limit.split() if word.startswith("http")]
    assert link == world.http.url(DISCORD, f"/oauth2/authorize?{urlsplit(link).query}")
    asked = parse_qs(urlsplit(link).query)
    assert asked["client_id"] == [discord.EMPTY_ID]
    assert asked["scope"] == ["bot applications.commands"]
    view, send, embed, threads, history = (1 << bit for bit in (10, 11, 14, 38, 16))
    assert int(asked["permissions"][0]) == view + send + embed + threads
    assert not int(asked["permissions"][0]) & history
    assert "nothing can be delivered" in limit
    assert result.account.details["Server"] == "None yet"
    assert result.account.wire == {"guildId": None, "guildName": None, "botUsername": "lonely-atlas"}
    assert [step.ok for step in world.steps if step.key == "servers"] == [None, False]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and 1 more"),
        (["A", "B", "C", "D", "E"], "A, B and 3 more"),
        (["A"] * 200, "A, A and at least 198 more"),
    ],
)
async def test_of_several_servers_two_are_named_and_none_is_the_guild(world, names, said):
    given = [discord.guild(str(number + 1), name) for number, name in enumerate(names)]
    world.standin.bots[discord.ATLAS].guilds = given
    result = await world.check()
    assert result.account.details == {"Server": said, "Bot": "@acme-atlas", "Application ID": discord.ATLAS_ID}
    assert result.account.wire == {"guildId": None, "guildName": None, "botUsername": "acme-atlas"}
    assert result.account.key == discord.ATLAS_ID
    assert result.limits == ()


async def test_a_name_without_visible_characters_becomes_its_id(world):
    world.standin.bots[discord.ATLAS].guilds = [discord.guild("42", "\u200b")]
    world.standin.bots[discord.ATLAS].username = "\u202e"
    result = await world.check()
    assert result.account.details["Server"] == result.account.wire["guildName"] == "42"
    assert result.account.name == discord.ATLAS_ID
    assert result.account.wire["botUsername"] is None


async def test_what_discord_keeps_to_itself_is_a_warning(world):
    result = await world.check(**bot(discord.SHY, discord.SHY_ID))
    assert len(result.warnings) == 2
    assert "could not be compared" in result.warnings[0]
    assert "which servers" in result.warnings[1]
    assert result.account.details == {"Bot": "@shy-atlas", "Application ID": discord.SHY_ID}
    assert result.account.wire["guildId"] is None
    assert result.limits == ()
    assert [step.ok for step in world.steps if step.ok is not None] == [True, True, True, False, False]


UNTOLD = {
    "/applications/@me": "Discord did not tell the application, so its ID and key could not be compared.",
    "/guilds": "Discord did not tell in which servers the bot is.",
}


@pytest.mark.parametrize("path", UNTOLD)
@pytest.mark.parametrize(
    "fault",
    [
        Fault.UNAUTHORIZED,
        Fault.FORBIDDEN,
        Fault.BUSY_SECONDS,
        Fault.SERVER_ERROR,
        Fault.UNAVAILABLE,
        Fault.HTML,
        Fault.EMPTY,
        Fault.NONSENSE,
        Fault.REDIRECT,
        Fault.RESET,
        Fault.HANG,
    ],
)
async def test_trouble_at_a_later_question_is_a_warning(world, path, fault):
    if fault is Fault.HANG:
        world.hurry()
    world.standin.dial.set(fault, path=f"*{path}", body="{}" if fault is Fault.NONSENSE else None)
    result = await world.check()
    assert result.warnings == (UNTOLD[path],)
    assert result.limits == ()
    world.mend()
    assert (await world.check()).warnings == ()


async def test_a_message_mentions_nobody_and_previews_nothing(world):
    receipt = await world.send(f" {discord.ACME_ALERTS} ")
    (message,) = world.standin.messages
    assert message["allowed_mentions"] == {"parse": []}
    assert message["flags"] == 4
    assert message["content"] == "Nothing needs to be done."
    assert receipt.text == f"Discord accepted it in channel {discord.ACME_ALERTS} as message {receipt.id}."


async def test_a_message_that_is_too_long_is_not_sent(world):
    form = world.form()
    with pytest.raises(BadForm) as caught:
        await world.way.send(form, discord.ACME_ALERTS, Message(text="x" * 2001), world.http)
    assert set(caught.value.fields) == {"text"}
    assert not world.standin.calls
    assert (await world.way.send(form, discord.ACME_ALERTS, Message(text="x" * 2000), world.http)).id


def test_discord_asks_for_no_scopes():
    assert PROVIDER.needed_scopes == frozenset()
    assert "read_history" not in PROVIDER.features
