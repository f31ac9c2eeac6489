"""The stand-in answers as Discord does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import discord
from tests.standins.dial import Fault
from tests.standins.discord import DiscordStandin

AGENT = "DiscordBot (https://atlas.example, 1)"


@pytest.fixture
def guilds() -> Iterator[DiscordStandin]:
    with DiscordStandin() as started:
        yield started


def ask(standin: DiscordStandin, http: httpx.Client, path: str, token: str = discord.ATLAS, **said: Any) -> Any:
    headers = {"Authorization": f"Bot {token}", "User-Agent": AGENT}
    url = f"{standin.base}/api/v10{path}"
    return http.post(url, headers=headers, json=said) if said else http.get(url, headers=headers)


def test_discord_says_who_the_bot_is(guilds, http):
    me = ask(guilds, http, "/users/@me").json()
    assert (me["id"], me["username"], me["bot"]) == (discord.ATLAS_ID, "acme-atlas", True)
    assert ask(guilds, http, "/users/@me", discord.PERSON).json()["bot"] is False
    application = ask(guilds, http, "/applications/@me").json()
    assert (application["id"], application["verify_key"]) == (discord.ATLAS_ID, discord.ATLAS_KEY)
    assert [guild["name"] for guild in ask(guilds, http, "/users/@me/guilds?limit=200").json()] == ["Acme Corp"]
    assert guilds.env == {"ATLAS_UPSTREAM_DISCORD": guilds.base}


@pytest.mark.parametrize("token", [discord.REVOKED, "nonsense"])
def test_discord_refuses_a_token(guilds, http, token):
    answer = ask(guilds, http, "/users/@me", token)
    assert answer.status_code == 401
    assert answer.json() == {"message": "401: Unauthorized", "code": 0}
    assert ask(guilds, http, "/users/@me").status_code == 200


def test_discord_wants_the_word_bot_and_a_name_of_the_caller(guilds, http):
    url = f"{guilds.base}/api/v10/users/@me"
    bearer = {"Authorization": f"Bearer {discord.ATLAS}", "User-Agent": AGENT}
    assert http.get(url, headers=bearer).status_code == 401
    front = http.get(url, headers={"Authorization": f"Bot {discord.ATLAS}"})
    assert front.status_code == 403
    assert "Cloudflare" in front.text


def test_discord_lists_pages_of_servers_and_hides_what_it_hides(guilds, http):
    assert len(ask(guilds, http, "/users/@me/guilds?limit=2", discord.MANY).json()) == 2
    assert ask(guilds, http, "/users/@me/guilds?limit=201").json()["code"] == 50035
    assert ask(guilds, http, "/users/@me/guilds", discord.SHY).status_code == 403
    assert ask(guilds, http, "/applications/@me", discord.SHY).status_code == 404
    assert ask(guilds, http, "/nowhere").json() == {"message": "404: Not Found", "code": 0}


def test_discord_takes_a_message_and_gives_its_id(guilds, http):
    said = ask(guilds, http, f"/channels/{discord.ACME_ALERTS}/messages", content="Hello").json()
    assert said["id"] == "500000000000000001"
    assert [message["content"] for message in guilds.messages] == ["Hello"]


@pytest.mark.parametrize(
    ("channel", "content", "status", "code"),
    [
        (discord.UNKNOWN, "Hello", 404, 10003),
        (discord.HIDDEN_ONE, "Hello", 403, 50001),
        (discord.READ_ONLY, "Hello", 403, 50013),
        (discord.ARCHIVED, "Hello", 400, 50083),
        (discord.ACME_ALERTS, " ", 400, 50006),
        (discord.ACME_ALERTS, "x" * 2001, 400, 50035),
    ],
)
def test_discord_refuses_a_message(guilds, http, *, channel, content, status, code):
    answer = ask(guilds, http, f"/channels/{channel}/messages", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert guilds.messages == []
    assert ask(guilds, http, f"/channels/{discord.ACME_ALERTS}/messages", content="Hello").status_code == 200
    assert ask(guilds, http, f"/channels/{discord.ACME_ALERTS}/messages", "x", content="Hello").status_code == 401


def test_discord_is_busy_in_its_own_words(guilds, http):
    guilds.dial.set(Fault.BUSY_SECONDS)
    answer = ask(guilds, http, "/users/@me")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json() == {"message": "You are being rate limited.", "retry_after": 2.0, "global": False}
