"""Telegram's own ways: a token in the path, descriptions instead of codes, waiting times in the body."""

from __future__ import annotations

import pytest

from atlas_hub.kit.errors import BadForm, InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.standins import telegram

pytestmark = pytest.mark.entry("telegram", "bot_token")


@pytest.mark.parametrize(
    "token",
    [
        "123456789:" + "a" * 247,
        "123456789: " + "a" * 35,
        "123456789:" + "a" * 34 + "/",
        "123456789:" + "a" * 34 + "\u00e9",
        "\u0661\u0662\u0663\u0664\u0665\u0666:" + "a" * 35,
        "../123456789:" + "a" * 35,
        "123456789:" + "a" * 35 + "/getUpdates",
        "123456789:" + "a" * 35 + "?x=1",
        "@acme_bot",
    ],
)
def test_only_a_token_enters_the_path(world, token):
    with pytest.raises(BadForm) as caught:
        world.form(botToken=token)
    assert "BotFather" in caught.value.fields["bot_token"]
    assert not world.standin.calls
    assert world.form()


async def test_the_card_shows_bot_and_id(world):
    result = await world.check()
    assert result.account.details == {"Bot": "@acme_atlas_bot", "Bot ID": "123456789"}
    assert result.account.wire == {"botId": "123456789", "botUsername": "acme_atlas_bot"}
    assert result.account.url == "https://t.me/acme_atlas_bot"
    assert result.label == "@acme_atlas_bot"
    assert result.granted is None


async def test_a_check_changes_nothing_at_telegram(world):
    await world.check()
    assert [call.path.rpartition("/")[2] for call in world.standin.calls] == ["getMe"]


async def test_a_token_that_was_replaced_says_where_the_new_one_is(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(botToken=telegram.REVOKED)
    assert caught.value.field == "bot_token"
    assert "/mybots" in caught.value.text
    assert await world.check()


async def test_an_unknown_token_is_refused_as_malformed_or_unknown(world):
    for token in ("987654321:" + "x" * 35, "987654321:" + "x" * 40):  # Telegram says 401, then 404
        with pytest.raises(InvalidCredentials):
            await world.check(botToken=token)


async def test_what_is_no_bot_is_refused(world):
    world.says({"ok": True, "result": {"id": 7, "is_bot": False, "username": "grace"}})
    with pytest.raises(InvalidCredentials) as caught:
        await world.check()
    assert caught.value.field == "bot_token"


@pytest.mark.parametrize(
    "result",
    [
        {"id": "7", "is_bot": True, "username": "abc"},
        {"id": -7, "is_bot": True, "username": "abc"},
        {"id": True, "is_bot": True, "username": "abc"},
        {"id": 7, "is_bot": True, "username": 7},
        {"id": 2**70, "is_bot": True, "username": "abc"},
        [],
        True,
    ],
)
async def test_an_identity_that_makes_no_sense_is_not_believed(world, result):
    world.says({"ok": True, "result": result})
    with pytest.raises(PlatformError):
        await world.check()
    world.mend()
    assert await world.check()


@pytest.mark.parametrize(("told", "seconds"), [(7, 7), (0, 1), (10**6, 86_400), ("soon", 60), (None, 60), (-5, 60)])
async def test_the_waiting_time_is_in_the_body(world, told, seconds):
    world.says({"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": told}})
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("to", "said"),
    [("@nobody_here", "write to the bot first"), ("4343", "blocked"), ("-1001000000003", "removed")],
)
async def test_a_chat_that_takes_nothing_is_the_fault_of_the_destination(world, to, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(to)
    assert caught.value.field == "to"
    assert said in caught.value.text
    assert (await world.send()).id


@pytest.mark.parametrize(
    "description",
    [
        "Forbidden: bot is not a member of the channel chat",
        "Forbidden: bot can't initiate conversation with a user",
        "Forbidden: user is deactivated",
        "Bad Request: not enough rights to send text messages to the chat",
        "Bad Request: need administrator rights in the channel chat",
        "Bad Request: group chat was upgraded to a supergroup chat",
        "Bad Request: PEER_ID_INVALID",
    ],
)
async def test_a_description_becomes_a_remedy(world, description):
    world.says({"ok": False, "error_code": 400, "description": description})
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send()
    assert caught.value.field == "to"
    assert description not in caught.value.text


async def test_a_description_is_never_repeated(world):
    world.says({"ok": False, "error_code": 400, "description": f"canary {telegram.ATLAS}"})
    with pytest.raises(PlatformError) as caught:
        await world.send()
    assert caught.value.text == "Telegram could not do this (400). Try again later."


@pytest.mark.parametrize("to", ["4242", "-1001000000002", "@acme_alerts", " 4242 "])
async def test_ids_and_public_names_are_taken(world, to):
    receipt = await world.send(to)
    assert receipt.text == f"Telegram accepted it in {to.strip()} as message {receipt.id}."


async def test_without_a_receipt_nothing_was_sent(world):
    for number in (None, "7", True):
        world.says({"ok": True, "result": {"message_id": number}})
        with pytest.raises(PlatformError):
            await world.send()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidCredentials),
        (401, InvalidCredentials),
        (403, InvalidCredentials),
        (404, InvalidCredentials),
        (408, PlatformError),
        (409, PlatformError),
        (429, RateLimited),
        (503, PlatformError),
    ],
)
@pytest.mark.parametrize(
    "body", [None, b"", b"{}", b"[]", b"<html>", b'{"ok": false}', b'{"ok": false, "error_code": "x"}']
)
async def test_a_sign_in_is_refused_in_any_words(world, answered, status, kind, body):
    answered(status, body)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind


async def test_a_message_that_is_refused_without_a_code_is_judged_by_the_status(world, answered):
    answered(400, b'{"ok": false}')
    with pytest.raises(PlatformError) as caught:
        await world.send()
    assert "(400)" in caught.value.text
    answered(403, b'{"ok": false}')
    with pytest.raises(InsufficientPermissions):
        await world.send()


@pytest.mark.parametrize("token", ["invalid-token", "123456:TEST", "123456789:", "1" * 21 + ":" + "a" * 35])
async def test_of_a_token_of_any_shape_telegram_is_the_judge(world, token):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(botToken=token)
    assert caught.value.field == "bot_token"
    assert world.standin.calls[-1].path == f"/bot{token}/getMe"


@pytest.mark.parametrize(
    ("bot", "name", "username", "url"),
    [
        ({"id": 7}, "7", None, None),
        ({"id": 7, "username": None}, "7", None, None),
        ({"id": 7, "username": "\u200b"}, "7", None, None),
        ({"id": 7, "username": "atlas_bot"}, "@atlas_bot", "atlas_bot", "https://t.me/atlas_bot"),
        ({"id": 7, "username": "../a b\n"}, "@../a b", "../a b", None),
        ({"id": 7, "username": "x" * 500}, "@" + "x" * 119, "x" * 119, None),
    ],
)
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, bot, name, username, url):
    world.says({"ok": True, "result": bot})
    result = await world.check()
    assert (result.label, result.account.name, result.account.url) == (name, name, url)
    assert result.account.wire == {"botId": "7", "botUsername": username}
    assert result.account.details == {"Bot": name, "Bot ID": "7"}
