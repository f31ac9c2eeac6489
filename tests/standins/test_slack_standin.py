"""The stand-in answers as Slack does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.standins import slack_seed
from tests.standins.probes import bearer, probe, says_yes
from tests.standins.slack import SlackStandin


def ask(slack: SlackStandin, http: httpx.Client, method: str, token: str = slack_seed.ACME, **given: Any) -> Any:
    return http.post(f"{slack.base}/api/{method}", headers=bearer(token), data=given).json()


@pytest.mark.parametrize(
    ("token", "team", "bot"),
    [
        (slack_seed.ACME, ("T0ACME", "Acme Corp", "U0ATLAS"), "B0ATLAS"),
        (slack_seed.BETA, ("T0BETA", "Beta Inc", "U0BETABOT"), "B0BETA"),
        (slack_seed.USER, ("T0ACME", "Acme Corp", "U0GRACE"), None),
    ],
)
def test_slack_says_whose_token_it_is_and_what_it_may(slack, http, token, team, bot):
    answer = http.post(f"{slack.base}/api/auth.test", headers=bearer(token))
    said = answer.json()
    assert (said["team_id"], said["team"], said["user_id"]) == team
    assert (said.get("bot_id"), said["is_enterprise_install"]) == (bot, False)
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_slack_names_the_enterprise_of_an_organisations_token(slack, http):
    said = ask(slack, http, "auth.test", slack_seed.ENTERPRISE)
    assert (said["enterprise_id"], said["is_enterprise_install"]) == ("E0GRID", True)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (slack_seed.REVOKED, "token_revoked"),
        (slack_seed.INACTIVE, "account_inactive"),
        ("xoxb-nobody", "invalid_auth"),
    ],
)
def test_slack_refuses_a_token_under_http_200(slack, http, token, error):
    answer = http.post(f"{slack.base}/api/auth.test", headers=bearer(token))
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})
    assert "x-oauth-scopes" not in answer.headers
    assert says_yes(probe(slack, http))


def test_slack_takes_a_token_from_a_form_but_never_from_json(slack, http):
    given = {"token": slack_seed.ACME}
    assert http.post(f"{slack.base}/api/auth.test", data=given).json()["ok"] is True
    assert http.post(f"{slack.base}/api/auth.test", json=given).json() == {"ok": False, "error": "not_authed"}


def test_a_revoked_slack_token_is_dead(slack, http):
    assert ask(slack, http, "auth.revoke", test="1") == {"ok": True, "revoked": False}
    assert ask(slack, http, "auth.revoke") == {"ok": True, "revoked": True}
    assert ask(slack, http, "auth.test")["error"] == "token_revoked"
    assert ask(slack, http, "auth.test", slack_seed.BETA)["ok"] is True


@pytest.mark.parametrize("channel", ["C0GENERAL", "general", "#general"])
def test_slack_takes_a_message_and_gives_a_receipt(slack, http, channel):
    said = http.post(
        f"{slack.base}/api/chat.postMessage",
        headers=bearer(slack_seed.ACME),
        json={"channel": channel, "text": "Hello"},
    ).json()
    assert (said["ok"], said["channel"], said["ts"]) == (True, "C0GENERAL", "1700000000.000001")
    assert [(message["text"], message["team"]) for message in slack.messages] == [("Hello", "T0ACME")]


@pytest.mark.parametrize(
    ("channel", "text", "error"),
    [
        ("C0NOWHERE", "Hello", "channel_not_found"),
        ("C0BETAGEN", "Hello", "channel_not_found"),
        ("C0SECRETS1", "Hello", "channel_not_found"),
        ("C0RANDOM01", "Hello", "not_in_channel"),
        ("C0OLDLAUNCH", "Hello", "is_archived"),
        ("C0GENERAL", "", "no_text"),
    ],
)
def test_slack_refuses_a_message(slack, http, channel, text, error):
    assert ask(slack, http, "chat.postMessage", channel=channel, text=text) == {"ok": False, "error": error}
    assert slack.messages == []
    assert ask(slack, http, "chat.postMessage", channel="C0GENERAL", text="Hello")["ok"] is True


def test_slack_names_the_scope_that_is_missing(slack, http):
    said = ask(slack, http, "chat.postMessage", slack_seed.SCOPELESS, channel="C0GENERAL", text="Hello")
    assert said == {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "users:read"}


def test_slack_lists_channels_page_by_page(slack, http):
    names, cursor = [], ""
    for _ in range(9):
        said = ask(
            slack,
            http,
            "conversations.list",
            types="public_channel,private_channel",
            limit="2",
            cursor=cursor,
        )
        assert len(said["channels"]) <= 2
        names += [channel["name"] for channel in said["channels"]]
        cursor = said["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert names == ["general", "alerts", "random", "old-launch", "board"]


def test_slack_lists_what_is_asked_for(slack, http):
    said = ask(slack, http, "conversations.list", exclude_archived="true")
    assert {channel["name"]: channel["is_member"] for channel in said["channels"]} == {
        "general": True,
        "alerts": True,
        "random": False,
    }
    assert ask(slack, http, "conversations.list", cursor="?")["error"] == "invalid_cursor"
    assert ask(slack, http, "conversations.list", limit="0")["error"] == "invalid_limit"
    assert ask(slack, http, "conversations.list", slack_seed.SCOPELESS)["needed"] == "channels:read"


def test_slack_knows_channels_users_bots_and_teams(slack, http):
    assert ask(slack, http, "conversations.info", channel="C0BOARDROOM")["channel"]["is_private"] is True
    assert ask(slack, http, "conversations.info", channel="board")["error"] == "channel_not_found"
    assert ask(slack, http, "users.info", user="U0GRACE")["user"]["name"] == "grace"
    assert ask(slack, http, "users.info", user="U0NOBODY")["error"] == "user_not_found"
    assert ask(slack, http, "bots.info", bot="B0ATLAS")["bot"]["app_id"] == "A0ATLAS"
    assert ask(slack, http, "bots.info", bot="B0BETA")["error"] == "bot_not_found"
    assert ask(slack, http, "team.info")["team"]["domain"] == "acme"
    assert ask(slack, http, "team.nonsense")["error"] == "unknown_method"


def test_slacks_reading_methods_ignore_json(slack, http):
    url, token = f"{slack.base}/api/conversations.info", bearer(slack_seed.ACME)
    assert http.post(url, headers=token, json={"channel": "C0GENERAL"}).json()["error"] == "channel_not_found"
    assert http.get(url, headers=token, params={"channel": "C0GENERAL"}).json()["ok"] is True
