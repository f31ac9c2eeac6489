"""What Discord refuses, and how: words, codes, Cloudflare, waiting times, and answers that make no sense."""

from __future__ import annotations

import pytest

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.test_discord import UNTOLD, bot
from tests.standins import discord

pytestmark = pytest.mark.entry("discord", "bot_token")


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
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, answered, path, status, said):
    answered(status, said, path=path)
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
async def test_a_vendor_with_one_body_for_every_path_still_connects(world, answered, said, name, username):
    answered(200, said)
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
async def test_a_sign_in_is_refused_in_any_words(world, answered, status, said, kind):
    answered(status, said)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind


async def test_an_application_whose_id_is_a_number_is_compared_as_text(world, answered):
    answered(200, {"id": int(discord.ATLAS_ID), "verify_key": discord.ATLAS_KEY}, path="/applications/@me")
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
    world.says(said, path)
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
async def test_the_waiting_time_is_in_the_body_or_the_header(world, answered, said, header, seconds):
    answered(429, said, {"retry-after": header} if header else {})
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == seconds
    assert caught.value.text == f"Discord is busy. Try again in {seconds} seconds."


@pytest.mark.parametrize("status", [429, 403])
@pytest.mark.parametrize("said", ["<html>error code: 1015</html>", "error code: 1015\n"])
async def test_a_ban_by_cloudflare_is_not_the_tokens_fault(world, answered, status, said):
    answered(status, said, {"retry-after": "3600"})
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == 3600
    assert "shut this server out" in caught.value.text


@pytest.mark.parametrize(
    "said", ["<html>Access denied", "error code: 1020", {"message": "internal network error", "code": 40333}]
)
async def test_a_block_by_cloudflare_is_not_the_tokens_fault(world, answered, said):
    answered(403, said)
    with pytest.raises(PlatformError) as caught:
        await world.check()
    assert "before it looked at the token" in caught.value.text


@pytest.mark.parametrize("code", [20016, 20028])
async def test_a_code_may_mean_busy_whatever_the_status(world, answered, code):
    answered(400, {"message": "x", "code": code, "retry_after": 3})
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
async def test_a_code_becomes_a_remedy_and_the_message_is_never_repeated(world, answered, status, code, kind, field):
    answered(status, {"message": f"canary {discord.ATLAS}", "code": code})
    with pytest.raises(kind) as caught:
        await world.send()
    assert type(caught.value) is kind
    assert caught.value.field == field
    assert "canary" not in caught.value.text
    assert caught.value.text.endswith(".")


async def test_a_check_blames_no_channel(world, answered):
    answered(403, {"message": "Missing Access", "code": 50001})
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check()
    assert caught.value.field is None
    assert "channel" not in caught.value.text
