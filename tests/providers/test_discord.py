"""Discord's own ways: three values that belong together, servers of the bot, codes, Cloudflare, waiting times."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from atlas_hub.kit.errors import BadForm, InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from atlas_hub.kit.redact import redact
from atlas_hub.providers.contract import Message
from atlas_hub.providers.discord import DISCORD, PROVIDER
from tests.standins import discord
from tests.standins import discord_seed as seed
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("discord", "bot_token")


def answers(world, said, path=None):
    world.standin.dial.set(Fault.NONSENSE, path=path, body=said if isinstance(said, str) else json.dumps(said))


@pytest.fixture
def refused(world, monkeypatch):
    """Give every answer for a path another status, body and headers."""

    def begin(status, said, headers=None, path="/"):
        ask = world.http.ask

        async def instead(upstream, method, asked, **named):
            answer = await ask(upstream, method, asked, **named)
            body = said if isinstance(said, str) else json.dumps(said)
            given = replace(answer, status=status, headers=headers or {}, body=body.encode())
            return given if path in asked else answer

        monkeypatch.setattr(world.http, "ask", instead)

    return begin


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


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/applications/@me", 403, "<html>"),
        ("/applications/@me", 404, {}),
        ("/applications/@me", 405, {}),
        ("/applications/@me", 200, {"id": discord.EMPTY_ID}),
        ("/applications/@me", 200, {"id": discord.EMPTY_ID, "verify_key": "x"}),
        ("/guilds", 404, "<html>"),
        ("/guilds", 405, {}),
        ("/guilds", 200, {"id": "1", "name": "x"}),
        ("/guilds", 200, [{"id": "../1", "name": "x"}]),
        ("/guilds", 200, [{"id": "1"}]),
    ],
)
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, refused, path, status, said):
    refused(status, said, path=path)
    assert (await world.check()).warnings == (UNTOLD[path],)


@pytest.mark.parametrize(
    ("said", "name", "username"),
    [
        ({"id": "123", "username": "atlas"}, "@atlas", "atlas"),
        ({"id": 123, "username": "x" * 500}, "@" + "x" * 119, "x" * 119),
        ({"id": "bot_1-a"}, "bot_1-a", None),
        ({"id": 123, "username": ""}, "123", None),
    ],
)
async def test_a_vendor_with_one_body_for_every_path_still_connects(world, refused, said, name, username):
    refused(200, said)
    result = await world.check(botToken="discord-token", applicationId="app.1", publicKey="abc")
    assert (result.label, result.account.name, result.account.key) == (name, name, "app.1")
    assert result.account.wire == {"guildId": None, "guildName": None, "botUsername": username}
    assert result.warnings == tuple(UNTOLD.values())


@pytest.mark.parametrize(
    "token", ["bad", "a.b.c", "A1b2C3d4-E5f6_7890A1b2C3d4E5f678", discord.ATLAS_KEY, discord.ATLAS_ID]
)
async def test_of_a_token_of_any_shape_discord_is_the_judge(world, token):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(botToken=token)
    assert caught.value.field == "bot_token"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        *((status, {}, InvalidCredentials) for status in (400, 401, 404, 405)),
        *((status, "<html>", InvalidCredentials) for status in (400, 401, 404)),
        (403, {}, InsufficientPermissions),
        (403, "Forbidden", InsufficientPermissions),
        (403, "", InsufficientPermissions),
        (403, "<html>", PlatformError),
        (408, {}, PlatformError),
        (503, {}, PlatformError),
        (429, {}, RateLimited),
    ],
)
async def test_a_sign_in_is_refused_in_any_words(world, refused, status, said, kind):
    refused(status, said)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind


async def test_an_application_whose_id_is_a_number_is_compared_as_text(world, refused):
    refused(200, {"id": int(discord.ATLAS_ID), "verify_key": discord.ATLAS_KEY}, path="/applications/@me")
    assert (await world.check()).warnings == ()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"applicationId": discord.EMPTY_ID}, "application_id"),
        ({"publicKey": discord.OTHER_KEY}, "public_key"),
        ({"applicationId": discord.EMPTY_ID, "publicKey": discord.OTHER_KEY}, "application_id"),
    ],
)
async def test_what_belongs_to_another_application_is_refused_by_name(world, changed, field):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(**changed)
    assert caught.value.field == field
    assert "General Information" in caught.value.text or "Application ID" in caught.value.text
    assert await world.check()


async def test_a_token_that_was_reset_says_where_the_new_one_is(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(**bot(discord.REVOKED, discord.OLD_ID))
    assert caught.value.field == "bot_token"
    assert "Reset Token" in caught.value.text


async def test_a_person_is_no_bot(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(**bot(discord.PERSON, "200000000000000001"))
    assert caught.value.field == "bot_token"
    assert "person" in caught.value.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("*/users/@me", {"username": "x", "bot": True}),
        ("*/users/@me", {"id": True, "username": "x", "bot": True}),
        ("*/users/@me", {"id": discord.ATLAS_ID, "username": 7, "bot": True}),
        ("*/users/@me", {"id": discord.ATLAS_ID, "username": "x", "bot": "yes"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_not_believed(world, path, said):
    answers(world, said, path)
    with pytest.raises(PlatformError):
        await world.check()
    world.mend()
    assert await world.check()


@pytest.mark.parametrize(
    ("said", "header", "seconds"),
    [
        ({"retry_after": 64.57}, "9", 65),
        ({"retry_after": 0.3}, None, 1),
        ({"retry_after": 10**6}, None, 86_400),
        ({"retry_after": -5}, "9", 60),
        ({"retry_after": True}, "9", 9),
        ({"retry_after": "7"}, "9", 9),
        ({"message": "x"}, "9", 9),
        ({"message": "x"}, None, 60),
    ],
)
async def test_the_waiting_time_is_in_the_body_or_the_header(world, refused, said, header, seconds):
    refused(429, said, {"retry-after": header} if header else {})
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == seconds
    assert caught.value.text == f"Discord is busy. Try again in {seconds} seconds."


@pytest.mark.parametrize("status", [429, 403])
@pytest.mark.parametrize("said", ["<html>error code: 1015</html>", "error code: 1015\n"])
async def test_a_ban_by_cloudflare_is_not_the_tokens_fault(world, refused, status, said):
    refused(status, said, {"retry-after": "3600"})
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == 3600
    assert "shut this server out" in caught.value.text


@pytest.mark.parametrize(
    "said", ["<html>Access denied", "error code: 1020", {"message": "internal network error", "code": 40333}]
)
async def test_a_block_by_cloudflare_is_not_the_tokens_fault(world, refused, said):
    refused(403, said)
    with pytest.raises(PlatformError) as caught:
        await world.check()
    assert "before it looked at the token" in caught.value.text


@pytest.mark.parametrize("code", [20016, 20028])
async def test_a_code_may_mean_busy_whatever_the_status(world, refused, code):
    refused(400, {"message": "x", "code": code, "retry_after": 3})
    with pytest.raises(RateLimited) as caught:
        await world.send()
    assert caught.value.retry_after == 3


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (discord.UNKNOWN, "no such channel"),
        (discord.HIDDEN_ONE, "View Channel"),
        (discord.READ_ONLY, "Send Messages"),
        (discord.ARCHIVED, "archived"),
    ],
)
async def test_a_channel_that_takes_nothing_is_the_fault_of_the_destination(world, channel, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(channel)
    assert caught.value.field == "to"
    assert said in caught.value.text
    assert (await world.send()).id


@pytest.mark.parametrize(
    ("status", "code", "kind", "field"),
    [
        (400, 10004, InsufficientPermissions, "to"),
        (400, 40058, InsufficientPermissions, "to"),
        (400, 50007, InsufficientPermissions, "to"),
        (400, 50008, InsufficientPermissions, "to"),
        (400, 50024, InsufficientPermissions, "to"),
        (403, 160005, InsufficientPermissions, "to"),
        (403, 50009, InsufficientPermissions, "to"),
        (400, 200000, InsufficientPermissions, "to"),
        (400, 240000, InsufficientPermissions, "to"),
        (403, 20009, InsufficientPermissions, None),
        (403, True, InsufficientPermissions, None),
        (403, 40001, InvalidCredentials, "bot_token"),
        (400, 50014, InvalidCredentials, "bot_token"),
        (401, 0, InvalidCredentials, "bot_token"),
        (400, 50035, PlatformError, None),
        (404, 0, PlatformError, None),
        (503, 130000, PlatformError, None),
        (500, "canary", PlatformError, None),
    ],
)
async def test_a_code_becomes_a_remedy_and_the_message_is_never_repeated(world, refused, status, code, kind, field):
    refused(status, {"message": f"canary {discord.ATLAS}", "code": code})
    with pytest.raises(kind) as caught:
        await world.send()
    assert type(caught.value) is kind
    assert caught.value.field == field
    assert "canary" not in caught.value.text
    assert caught.value.text.endswith(".")


async def test_a_check_blames_no_channel(world, refused):
    refused(403, {"message": "Missing Access", "code": 50001})
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check()
    assert caught.value.field is None
    assert "channel" not in caught.value.text


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


def place(world):
    return world.standin.places[discord.ACME_GUILD]


def listed(found):
    return {each.name: each for each in found.channels}


async def channels(world, **changed):
    return await world.way.channels(world.form(**changed), world.http)


async def test_the_channels_of_the_only_server(world):
    found = listed(await channels(world))
    assert set(found) == {"#alerts", "#news", "#help", "#staff"}  # no voice, stage, category or media
    assert (found["#alerts"].private, found["#alerts"].members, found["#alerts"].joined) == (False, 42, True)
    assert (found["#staff"].private, found["#staff"].members, found["#staff"].joined) == (True, None, False)
    (call,) = [call for call in world.standin.calls if call.query == "with_counts=true"]
    assert call.path == f"/api/v10/guilds/{discord.ACME_GUILD}"


ALLOW, DENY = {"allow": seed.VIEW}, {"deny": seed.VIEW}
SEEN = {
    "nothing said": ({}, [], (), (False, True)),
    "everyone may not": ({}, [("guild", DENY)], (), (True, False)),
    "a role may": ({}, [("guild", DENY), (seed.STAFF_ROLE, ALLOW)], (seed.STAFF_ROLE,), (True, True)),
    "another's role may": ({}, [("guild", DENY), (seed.ADMIN_ROLE, ALLOW)], (seed.STAFF_ROLE,), (True, False)),
    "a role may not": ({}, [(seed.STAFF_ROLE, DENY)], (seed.STAFF_ROLE,), (False, False)),
    "one role allows what another denies": (
        {},
        [(seed.STAFF_ROLE, DENY), (seed.EXTRA_ROLE, ALLOW)],
        (seed.STAFF_ROLE, seed.EXTRA_ROLE),
        (False, True),
    ),
    "the bot itself may": ({}, [("guild", DENY), ("me", ALLOW)], (), (True, True)),
    "the bot itself may not": (
        {},
        [(seed.STAFF_ROLE, ALLOW), ("me", DENY)],
        (seed.STAFF_ROLE,),
        (False, False),
    ),
    "an administrator": ({}, [("guild", DENY), ("me", DENY)], (seed.ADMIN_ROLE,), (True, True)),
    "the role everyone may not": ({"guild": 0}, [], (), (True, False)),
    "the role everyone may not, the channel lets": ({"guild": 0}, [("guild", ALLOW)], (), (False, True)),
    "a role's own right": ({"guild": 0, seed.STAFF_ROLE: seed.VIEW}, [], (seed.STAFF_ROLE,), (True, True)),
}


@pytest.mark.parametrize("case", SEEN)
async def test_who_may_see_a_channel(world, case):
    roles, said, own, expected = SEEN[case]
    names = {"guild": discord.ACME_GUILD, "me": discord.ATLAS_ID}
    there = place(world)
    there.roles |= {seed.EXTRA_ROLE: 0} | {names.get(name, name): bits for name, bits in roles.items()}
    overwrites = [seed.overwrite(names.get(who, who), member=who == "me", **bits) for who, bits in said]
    there.channels = [seed.channel("420000000000000001", "one", 0, None, *overwrites)]
    world.standin.bots[discord.ATLAS].roles = own
    (found,) = (await channels(world)).channels
    assert (found.private, found.joined) == expected
    assert found.members == (None if found.private else 42)


async def test_a_category_that_is_private_keeps_what_says_nothing_of_everyone_private(world):
    there = place(world)
    hidden = seed.overwrite(discord.ACME_GUILD, deny=seed.VIEW)
    shown = seed.overwrite(discord.ACME_GUILD, allow=seed.VIEW)
    there.channels = [
        seed.channel("410000000000000009", "Hidden", 4, None, hidden),
        seed.channel("420000000000000001", "silent", 0, "410000000000000009"),
        seed.channel("420000000000000002", "open", 0, "410000000000000009", shown),
    ]
    found = listed(await channels(world))
    assert (found["#silent"].private, found["#open"].private) == (True, False)


async def test_of_several_servers_the_one_that_was_given(world):
    world.standin.bots[discord.ATLAS].guilds.append(discord.guild(discord.BETA_GUILD, "Beta Inc"))
    with pytest.raises(InsufficientPermissions) as caught:
        await channels(world)
    assert caught.value.field == "guild_id"
    found = await channels(world, guildId=discord.BETA_GUILD)
    assert [(each.id, each.members) for each in found.channels] == [(discord.BETA_ALERTS, 7)]


@pytest.mark.parametrize("number", [discord.BETA_GUILD, discord.NOBODYS_GUILD])
async def test_a_server_that_the_bot_is_not_in(world, number):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(guildId=number)
    assert caught.value.field == "guild_id"
    with pytest.raises(InsufficientPermissions):
        await channels(world, guildId=number)


async def test_a_server_that_was_given_is_the_account(world):
    result = await world.check(guildId=discord.ACME_GUILD)
    assert (result.account.app_key, result.account.key) == (discord.ATLAS_ID, discord.ACME_GUILD)
    assert result.account.name == result.label == "Acme Corp"
    assert result.learned == {}


async def test_what_is_left_empty_is_learned(world):
    result = await world.check(applicationId="", publicKey="", guildId=discord.ACME_GUILD)
    assert result.learned == {"application_id": discord.ATLAS_ID, "public_key": discord.ATLAS_KEY}
    assert result.account.app_key == discord.ATLAS_ID
    world.standin.bots[discord.ATLAS].hides["applications/@me"] = 404
    with pytest.raises(PlatformError):
        await world.check(applicationId="", publicKey="")


async def test_a_bot_whose_roles_are_not_told_is_not_known_to_see(world):
    world.standin.bots[discord.ATLAS].hides[f"guilds/{discord.ACME_GUILD}/members/{discord.ATLAS_ID}"] = 403
    found = await channels(world)
    assert {each.joined for each in found.channels} == {None}
    assert found.notes


async def test_a_bot_in_no_server_lists_nothing(world):
    with pytest.raises(InsufficientPermissions):
        await channels(world, **bot(discord.EMPTY, discord.EMPTY_ID))


@pytest.mark.parametrize(
    "said",
    [
        {"id": "1"},
        [{"id": "1"}],
        [{"id": "../1", "type": 0}],
        [{"id": "1", "type": 0, "permission_overwrites": [{"id": "1", "deny": "-1"}]}],
        [{"id": "1", "type": 0, "permission_overwrites": [{"id": "1", "deny": "9" * 21}]}],
    ],
)
async def test_a_list_that_makes_no_sense_is_not_believed(world, said):
    answers(world, said, f"*/guilds/{discord.ACME_GUILD}/channels")
    with pytest.raises(PlatformError):
        await channels(world)
    world.mend()
    assert (await channels(world)).channels


@pytest.mark.parametrize(
    ("status", "said", "raised"),
    [
        (403, "error code: 1015", RateLimited),
        (403, "error code: 1020", PlatformError),
        (403, "<html>Access denied", PlatformError),
        (404, "<html>Not here", PlatformError),
        (404, "", PlatformError),
    ],
)
async def test_what_is_not_discords_word_says_nothing_of_the_server(world, refused, status, said, raised):
    refused(status, said, path="/channels")
    with pytest.raises(raised):
        await channels(world)


async def test_a_channel_without_a_name_is_called_by_its_id(world, refused):
    refused(200, [{"id": discord.ACME_ALERTS, "type": 0, "name": None}], path="/channels")
    (found,) = (await channels(world)).channels
    assert found.name == f"#{discord.ACME_ALERTS}"
