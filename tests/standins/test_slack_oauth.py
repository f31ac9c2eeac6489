"""The stand-in installs apps as Slack does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.standins import slack_seed
from tests.standins.browser import Form, click, told
from tests.standins.dial import Fault
from tests.standins.probes import bearer
from tests.standins.slack import SlackStandin
from tests.standins.slack_oauth import EXPIRES_IN, TOKEN_PATH

BACK = "https://hub.example/api/v1/slack/callback"
SCOPES = "chat:write,commands,app_mentions:read"


def page(slack: SlackStandin, **asked: str) -> str:
    given = {"client_id": slack_seed.ATLAS_APP, "scope": SCOPES, "redirect_uri": BACK, "state": "st/1"} | asked
    return str(httpx.URL(f"{slack.base}/oauth/v2/authorize", params={k: v for k, v in given.items() if v}))


def allow(slack: SlackStandin, http: httpx.Client, team: str = "Acme Corp", **asked: str) -> str:
    return told(click(http, page(slack, **asked), "Allow", team=team))["code"]


def send(slack: SlackStandin, http: httpx.Client, **given: Any) -> dict[str, Any]:
    said = {"client_id": slack_seed.ATLAS_APP, "client_secret": slack_seed.ATLAS_SECRET, "redirect_uri": BACK} | given
    answer = http.post(f"{slack.base}{TOKEN_PATH}", data={k: v for k, v in said.items() if v})
    assert answer.status_code == 200
    return answer.json()


def rotating(slack: SlackStandin, http: httpx.Client, **given: str) -> dict[str, Any]:
    app = {"client_id": slack_seed.ROTATING_APP, "client_secret": slack_seed.ROTATING_SECRET}
    if not given:
        given = {"code": allow(slack, http, client_id=slack_seed.ROTATING_APP)}
    return send(slack, http, **app, **given)


def refresh(slack: SlackStandin, http: httpx.Client, text: str) -> dict[str, Any]:
    return rotating(slack, http, grant_type="refresh_token", refresh_token=text, redirect_uri="")


def check(slack: SlackStandin, http: httpx.Client, token: str) -> dict[str, Any]:
    return http.post(f"{slack.base}/api/auth.test", headers=bearer(token)).json()


def test_the_page_names_the_app_its_scopes_and_the_teams(slack, http):
    shown = http.get(page(slack))
    form = Form(shown.text)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Atlas is requesting permission" in shown.text
    assert all(f"<li>{scope}</li>" in shown.text for scope in SCOPES.split(","))
    assert form.buttons.keys() == {"Allow", "Cancel"}
    assert list(form.lists["Workspace"][1]) == ["Acme Corp", "Beta Inc", "Grid Works (organization)"]
    assert Form(http.get(page(slack, team="T0BETA")).text).fields["team"] == "T0BETA"


def test_allow_leads_back_with_a_code_and_cancel_with_a_refusal(slack, http):
    yes = click(http, page(slack), "Allow")
    assert str(yes).startswith(f"{BACK}?code=")
    assert told(yes).keys() == {"code", "state"}
    assert told(yes)["state"] == "st/1"
    assert told(click(http, page(slack), "Cancel")) == {"error": "access_denied", "state": "st/1"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"client_id": "1.2"}, "Invalid client_id"),
        ({"redirect_uri": "https://evil.example/x"}, "redirect_uri did not match"),
        ({"redirect_uri": f"{BACK}.evil.example"}, "redirect_uri did not match"),
        ({"scope": ""}, "no scopes"),
    ],
)
def test_a_wrong_request_is_a_page_and_leads_nowhere(slack, http, asked, said):
    slack.apps[slack_seed.ATLAS_APP].redirect_uris = {BACK}
    answer = http.get(page(slack, **asked))
    assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert said in answer.text
    assert http.post(page(slack, **asked), data={"answer": "allow", "team": "T0ACME"}).status_code == 200
    assert not slack.codes
    assert allow(slack, http)
    assert allow(slack, http, redirect_uri=f"{BACK}/more")


def test_a_code_becomes_a_bot_token(slack, http):
    said = send(slack, http, code=allow(slack, http, "Beta Inc"))
    token = said.pop("access_token")
    assert token.startswith("xoxb-")
    assert said == {
        "ok": True,
        "app_id": "A0ATLAS",
        "authed_user": {"id": "U0BARBARA"},
        "scope": SCOPES,
        "token_type": "bot",
        "bot_user_id": "U0BETABOT",
        "team": {"id": "T0BETA", "name": "Beta Inc"},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    answer = http.post(f"{slack.base}/api/auth.test", headers=bearer(token))
    assert (answer.json()["team_id"], answer.json()["user_id"]) == ("T0BETA", "U0BETABOT")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == set(SCOPES.split(","))
    assert (slack.exchanges, slack.refreshes) == (1, 0)


def test_an_organisation_has_an_enterprise_and_no_team(slack, http):
    said = send(slack, http, code=allow(slack, http, "Grid Works (organization)"))
    assert (said["team"], said["is_enterprise_install"]) == (None, True)
    assert said["enterprise"] == {"id": "E0GRID", "name": "Grid Works"}
    assert check(slack, http, said["access_token"])["enterprise_id"] == "E0GRID"


def test_a_person_alone_gets_no_bot(slack, http):
    said = send(slack, http, code=allow(slack, http, scope="", user_scope="identity.basic"))
    person = said["authed_user"]
    assert said.keys() == {"ok", "app_id", "authed_user", "team", "enterprise", "is_enterprise_install"}
    assert (person["id"], person["scope"], person["token_type"]) == ("U0GRACE", "identity.basic", "user")
    assert person["access_token"].startswith("xoxp-")
    assert check(slack, http, person["access_token"])["user_id"] == "U0GRACE"


def test_an_incoming_webhook_comes_where_it_was_asked_for(slack, http):
    said = send(slack, http, code=allow(slack, http, scope="incoming-webhook,chat:write"))
    hook = said["incoming_webhook"]
    assert (hook["channel"], hook["channel_id"]) == ("#general", "C0GENERAL")
    assert hook["url"].startswith("https://hooks.slack.com/services/T0ACME/")
    assert hook.keys() == {"url", "channel", "channel_id", "configuration_url"}
    assert "incoming_webhook" not in send(slack, http, code=allow(slack, http, "Beta Inc"))


def test_http_basic_does_for_the_client_too(slack, http):
    basic = (slack_seed.ATLAS_APP, slack_seed.ATLAS_SECRET)
    said = {"code": allow(slack, http), "redirect_uri": BACK}
    assert http.post(f"{slack.base}{TOKEN_PATH}", data=said, auth=basic).json()["ok"] is True


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"code": "nonsense"}, "invalid_code"),
        ({"code": ""}, "invalid_code"),
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"client_id": ""}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"client_secret": ""}, "bad_client_secret"),
        ({"redirect_uri": f"{BACK}/"}, "bad_redirect_uri"),
        ({"redirect_uri": ""}, "bad_redirect_uri"),
        ({"client_id": slack_seed.ROTATING_APP, "client_secret": slack_seed.ROTATING_SECRET}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused_under_http_200(slack, http, given, error):
    code, before = allow(slack, http), len(slack.tokens)
    assert send(slack, http, **{"code": code} | given) == {"ok": False, "error": error}
    assert len(slack.tokens) == before
    assert send(slack, http, code=code)["ok"] is True


def test_json_and_a_query_are_not_read(slack, http):
    said = {"client_id": slack_seed.ATLAS_APP, "client_secret": slack_seed.ATLAS_SECRET, "code": allow(slack, http)}
    for options in ({"json": said}, {"params": said}):
        answer = http.post(f"{slack.base}{TOKEN_PATH}", **options)
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "invalid_code"})


def test_a_code_counts_once_and_for_ten_minutes(slack, http):
    code = allow(slack, http)
    assert send(slack, http, code=code)["ok"] is True
    assert send(slack, http, code=code)["error"] == "code_already_used"
    late = allow(slack, http)
    slack.ahead = 599
    assert send(slack, http, code=allow(slack, http))["ok"] is True
    slack.ahead = 600
    assert send(slack, http, code=late)["error"] == "invalid_code"


def test_a_team_keeps_its_bot_token_until_it_is_revoked(slack, http):
    first = send(slack, http, code=allow(slack, http))["access_token"]
    again = send(slack, http, code=allow(slack, http, scope="chat:write,users:read"))
    assert (again["access_token"], again["scope"]) == (first, "chat:write,users:read,app_mentions:read,commands")
    assert http.post(f"{slack.base}/api/auth.revoke", headers=bearer(first)).json()["revoked"] is True
    fresh = send(slack, http, code=allow(slack, http))["access_token"]
    assert fresh != first
    assert check(slack, http, first)["error"] == "token_revoked"
    assert check(slack, http, fresh)["ok"] is True


def test_scopes_can_be_withheld_and_added(slack, http):
    slack.withheld, slack.added = {"commands"}, {"users:read"}
    said = send(slack, http, code=allow(slack, http))
    assert said["scope"] == "chat:write,app_mentions:read,users:read"
    answer = http.post(f"{slack.base}/api/auth.test", headers=bearer(said["access_token"]))
    assert answer.headers["x-oauth-scopes"] == "app_mentions:read,chat:write,users:read"


def test_a_rotating_token_expires_and_is_refreshed(slack, http):
    first = rotating(slack, http)
    assert first["access_token"].startswith("xoxe.xoxb-")
    assert first["refresh_token"].startswith("xoxe-")
    assert first["expires_in"] == EXPIRES_IN == 43200
    second = refresh(slack, http, first["refresh_token"])
    assert second["ok"] is True
    assert (second["scope"].split(","), second["bot_user_id"]) == (sorted(SCOPES.split(",")), "U0ROTATEA")
    assert second["team"] == {"id": "T0ACME", "name": "Acme Corp"}
    assert {first["access_token"], first["refresh_token"]}.isdisjoint({second["access_token"], second["refresh_token"]})
    assert refresh(slack, http, first["refresh_token"])["error"] == "invalid_refresh_token"
    assert check(slack, http, first["access_token"])["ok"] is True
    slack.ahead = EXPIRES_IN
    assert check(slack, http, second["access_token"])["error"] == "token_expired"
    assert check(slack, http, refresh(slack, http, second["refresh_token"])["access_token"])["ok"] is True
    assert (slack.exchanges, slack.refreshes) == (1, 3)


def test_a_third_token_ends_the_first(slack, http):
    first = rotating(slack, http)
    second = refresh(slack, http, first["refresh_token"])
    third = refresh(slack, http, second["refresh_token"])
    errors = [check(slack, http, each["access_token"]).get("error") for each in (first, second, third)]
    assert errors == ["token_revoked", None, None]


@pytest.mark.parametrize("text", ["nonsense", ""])
def test_a_wrong_refresh_is_refused(slack, http, text):
    first = rotating(slack, http)
    assert refresh(slack, http, text) == {"ok": False, "error": "invalid_refresh_token"}
    stranger = send(slack, http, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert stranger["error"] == "invalid_refresh_token"
    assert refresh(slack, http, first["refresh_token"])["ok"] is True


def test_tokens_of_oauth_can_be_ended(slack, http):
    lasting, first = send(slack, http, code=allow(slack, http)), rotating(slack, http)
    slack.end_tokens("expired")
    assert check(slack, http, lasting["access_token"])["error"] == "token_expired"
    second = refresh(slack, http, first["refresh_token"])
    slack.end_tokens("revoked")
    assert check(slack, http, second["access_token"])["error"] == "token_revoked"
    assert refresh(slack, http, second["refresh_token"])["error"] == "invalid_refresh_token"
    assert check(slack, http, slack_seed.ACME)["ok"] is True


def test_the_dial_can_be_aimed_at_the_exchange_alone(slack, http):
    slack.dial.set(Fault.BUSY_SECONDS, path=TOKEN_PATH, times=1)
    code = allow(slack, http)
    answer = http.post(f"{slack.base}{TOKEN_PATH}", data={"code": code})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert slack.exchanges == 0
    assert send(slack, http, code=code)["ok"] is True
    slack.dial.set(Fault.HTML)
    assert "Sign in to the network" in http.get(page(slack)).text


def test_reset_forgets_consent(slack, http):
    token = send(slack, http, code=allow(slack, http))["access_token"]
    slack.withheld.add("chat:write")
    slack.reset()
    assert (slack.withheld, slack.exchanges, slack.codes, slack.installs) == (set(), 0, {}, {})
    assert check(slack, http, token)["error"] == "invalid_auth"
