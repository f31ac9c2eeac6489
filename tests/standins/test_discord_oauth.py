"""The stand-in adds bots to servers as Discord does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import discord
from tests.standins.browser import Form, click, told
from tests.standins.dial import Fault
from tests.standins.discord import DiscordStandin
from tests.standins.discord_oauth import DENIED, EXPIRES_IN, TOKEN_PATH
from tests.standins.oauth import s256

BACK = "https://hub.example/api/v1/discord/callback"
AGENT = "DiscordBot (https://atlas.example, 1)"
SCOPES = "bot applications.commands"


@pytest.fixture
def guilds() -> Iterator[DiscordStandin]:
    with DiscordStandin() as started:
        yield started


def page(guilds: DiscordStandin, **asked: str) -> str:
    given = {
        "client_id": discord.HUB_ID,
        "permissions": "2048",
        "scope": SCOPES,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "st/1",
    } | asked
    return str(httpx.URL(f"{guilds.base}/oauth2/authorize", params={k: v for k, v in given.items() if v}))


def authorize(guilds: DiscordStandin, http: httpx.Client, server: str = "Beta Inc", **asked: str) -> str:
    return told(click(http, page(guilds, **asked), "Authorize", guild_id=server))["code"]


def send(guilds: DiscordStandin, http: httpx.Client, path: str = "/api/oauth2/token", **given: Any) -> httpx.Response:
    said = {
        "client_id": discord.HUB_ID,
        "client_secret": discord.HUB_SECRET,
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
    } | given
    return http.post(f"{guilds.base}{path}", data={k: v for k, v in said.items() if v})


def ask(guilds: DiscordStandin, http: httpx.Client, method: str, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bot {discord.HUB}", "User-Agent": AGENT}
    return http.request(method, f"{guilds.base}/api/v10{path}", headers=headers)


def test_the_page_names_the_app_and_offers_the_servers(guilds, http):
    shown = http.get(page(guilds)).text
    form = Form(shown)
    assert "<h1>Atlas Hub wants to access your Discord account</h1>" in shown
    assert "<li>Add a bot to a server</li><li>Create commands</li><li>Permissions: 2048</li>" in shown
    assert form.buttons.keys() == {"Authorize", "Cancel"}
    assert list(form.lists["Add to server"][1]) == ["Acme Corp", "Beta Inc"]
    assert Form(http.get(page(guilds, guild_id=discord.BETA_GUILD)).text).fields["guild_id"] == discord.BETA_GUILD


def test_authorize_leads_back_with_a_code_and_the_server_and_cancel_with_a_refusal(guilds, http):
    said = told(click(http, page(guilds), "Authorize", guild_id="Beta Inc"))
    assert said.pop("code")
    assert said == {"state": "st/1", "guild_id": discord.BETA_GUILD, "permissions": "2048"}
    no = click(http, page(guilds), "Cancel")
    assert told(no) == {"error": "access_denied", "error_description": DENIED, "state": "st/1"}
    assert "error_description=The+resource+owner+or+authorization+server+denied+the+request" in str(no)


def test_an_app_may_insist_on_a_server(guilds, http):
    url = page(guilds, guild_id=discord.BETA_GUILD, disable_guild_select="true")
    shown = http.get(url).text
    assert "disabled" in shown
    assert Form(shown).fields == {"guild_id": discord.BETA_GUILD}
    assert told(click(http, url, "Authorize"))["guild_id"] == discord.BETA_GUILD
    other = http.post(url, data={"answer": "authorize", "guild_id": discord.ACME_GUILD})
    assert told(other.headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize("asked", [{"client_id": "1"}, {"redirect_uri": f"{BACK}/more"}, {"redirect_uri": ""}])
def test_a_wrong_request_is_a_page_and_leads_nowhere(guilds, http, asked):
    guilds.apps[discord.HUB_ID].redirect_uris = {BACK}
    for answer in (http.get(page(guilds, **asked)), http.post(page(guilds, **asked), data={"answer": "authorize"})):
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert authorize(guilds, http)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_the_app_hears_what_else_is_wrong(guilds, http, asked, error):
    said = told(http.get(page(guilds, **asked)).headers["location"])
    assert (said["error"], said["state"]) == (error, "st/1")


@pytest.mark.parametrize("path", ["/api/oauth2/token", "/api/v10/oauth2/token"])
def test_a_code_puts_the_bot_into_the_server(guilds, http, path):
    code = authorize(guilds, http)
    assert ask(guilds, http, "GET", f"/guilds/{discord.BETA_GUILD}").json()["code"] == 50001
    said = send(guilds, http, path, code=code).json()
    assert (said["token_type"], said["expires_in"], said["scope"]) == ("Bearer", EXPIRES_IN, SCOPES)
    assert said["access_token"] != said["refresh_token"]
    assert (said["guild"]["id"], said["guild"]["name"], said["guild"]["icon"]) == (discord.BETA_GUILD, "Beta Inc", None)
    found = ask(guilds, http, "GET", f"/guilds/{discord.BETA_GUILD}")
    assert (found.status_code, found.json()["name"]) == (200, "Beta Inc")
    assert [each["id"] for each in ask(guilds, http, "GET", "/users/@me/guilds").json()] == [discord.BETA_GUILD]
    assert guilds.exchanges == 1


def test_a_bot_is_a_member_where_it_was_added_alone(guilds, http):
    send(guilds, http, code=authorize(guilds, http))
    other = ask(guilds, http, "GET", f"/guilds/{discord.ACME_GUILD}")
    assert (other.status_code, other.json()["code"]) == (403, 50001)
    nowhere = ask(guilds, http, "GET", f"/guilds/{discord.NOBODYS_GUILD}")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, 10004)
    assert ask(guilds, http, "DELETE", f"/users/@me/guilds/{discord.BETA_GUILD}").status_code == 204
    assert ask(guilds, http, "GET", f"/guilds/{discord.BETA_GUILD}").status_code == 403
    assert ask(guilds, http, "DELETE", f"/users/@me/guilds/{discord.BETA_GUILD}").json()["code"] == 10004


def test_a_bot_may_write_in_its_new_server(guilds, http):
    url = f"{guilds.base}/api/v10/channels/{discord.BETA_ALERTS}/messages"
    headers = {"Authorization": f"Bot {discord.HUB}", "User-Agent": AGENT}
    assert http.post(url, headers=headers, json={"content": "Hello"}).status_code == 404
    send(guilds, http, code=authorize(guilds, http))
    assert http.post(url, headers=headers, json={"content": "Hello"}).status_code == 200
    guilds.remove_bots()
    assert http.post(url, headers=headers, json={"content": "Hello"}).status_code == 404


def test_an_answer_may_lack_the_server(guilds, http):
    guilds.leaves_guild_out = True
    assert "guild" not in send(guilds, http, code=authorize(guilds, http)).json()
    assert ask(guilds, http, "GET", f"/guilds/{discord.BETA_GUILD}").status_code == 200


def test_a_person_alone_adds_no_bot(guilds, http):
    back = told(click(http, page(guilds, scope="identify"), "Authorize"))
    assert back.keys() == {"code", "state"}
    assert "guild" not in send(guilds, http, code=back["code"]).json()
    assert ask(guilds, http, "GET", "/users/@me/guilds").json() == []


BAD_CODE = 'Invalid "code" in request.'


@pytest.mark.parametrize(
    ("given", "status", "error", "said"),
    [
        ({"code": "nonsense"}, 400, "invalid_grant", BAD_CODE),
        ({"code": ""}, 400, "invalid_grant", BAD_CODE),
        ({"client_secret": "wrong"}, 401, "invalid_client", None),
        ({"client_id": ""}, 401, "invalid_client", None),
        ({"client_id": discord.ATLAS_ID, "client_secret": discord.ATLAS_SECRET}, 400, "invalid_grant", BAD_CODE),
        ({"redirect_uri": f"{BACK}/"}, 400, "invalid_grant", 'Invalid "redirect_uri" in request.'),
        ({"code_verifier": "another"}, 400, "invalid_grant", 'Invalid "code_verifier" in request.'),
        ({"code_verifier": ""}, 400, "invalid_grant", 'Invalid "code_verifier" in request.'),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "Grant type password is not supported"),
    ],
)
def test_a_wrong_exchange_is_refused(guilds, http, *, given, status, error, said):
    verifier = "verifier-" * 6
    code = authorize(guilds, http, code_challenge=s256(verifier), code_challenge_method="S256")
    right = {"code": code, "code_verifier": verifier}
    answer = send(guilds, http, **right | given)
    assert (answer.status_code, answer.json()) == (
        status,
        {"error": error} | ({"error_description": said} if said else {}),
    )
    assert ask(guilds, http, "GET", "/users/@me/guilds").json() == []
    assert send(guilds, http, **right).status_code == 200


def test_a_code_counts_once_and_for_ten_minutes(guilds, http):
    code, late = authorize(guilds, http), authorize(guilds, http)
    assert send(guilds, http, code=code).status_code == 200
    assert send(guilds, http, code=code).json() == {"error": "invalid_grant", "error_description": BAD_CODE}
    guilds.ahead = 600
    assert send(guilds, http, code=late).status_code == 400


def test_http_basic_does_for_the_client_and_json_for_nothing(guilds, http):
    said = {"grant_type": "authorization_code", "code": authorize(guilds, http), "redirect_uri": BACK}
    url, basic = f"{guilds.base}/api/oauth2/token", (discord.HUB_ID, discord.HUB_SECRET)
    assert http.post(url, json=said, auth=basic).json()["error"] == "unsupported_grant_type"
    assert http.post(url, data=said, auth=basic).status_code == 200


def test_a_grant_can_be_revoked(guilds, http):
    token = send(guilds, http, code=authorize(guilds, http)).json()["access_token"]
    for secret, status in (("wrong", 401), (discord.HUB_SECRET, 200), (discord.HUB_SECRET, 200)):
        answer = send(guilds, http, "/api/oauth2/token/revoke", token=token, client_secret=secret)
        assert answer.status_code == status
    assert answer.json() == {}
    assert token not in guilds.grants


def test_the_dial_can_be_aimed_at_the_exchange_alone(guilds, http):
    guilds.dial.set(Fault.UNAUTHORIZED, path=TOKEN_PATH, times=1)
    code = authorize(guilds, http)
    refused = send(guilds, http, code=code)
    assert (refused.status_code, refused.json(), guilds.exchanges) == (401, {"error": "invalid_client"}, 0)
    assert send(guilds, http, code=code).status_code == 200
    guilds.dial.set(Fault.EMPTY, path="/oauth2/authorize")
    assert http.get(page(guilds)).content == b""
