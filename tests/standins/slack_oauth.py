"""Slack's OAuth: the page on which a team installs an app, and oauth.v2.access with token rotation.

Wire: https://docs.slack.dev/authentication/installing-with-oauth and
https://docs.slack.dev/authentication/using-token-rotation. Errors are `ok: false` under HTTP 200.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.oauth import Choice, Code, OAuthStandin, back, client, consent_page, error_page, form_of
from tests.standins.slack_seed import APPS, ATLAS_APP, TEAMS, SlackApp, SlackChannel, SlackError, SlackToken

AUTHORIZE_PATH, TOKEN_PATH = "/oauth/v2/authorize", "/api/oauth.v2.access"
EXPIRES_IN = 43200
ACTIVE_AT_MOST = 2
"""How many access tokens of a rotating app live at once in a team."""
OPTIONAL = frozenset({"commands", "app_mentions:read"})
"""What the control page's button withholds."""


@dataclass
class Install:
    """An app in a team: its bot's tokens, the oldest first, and the refresh token that counts."""

    app: SlackApp
    team: SlackToken
    tokens: list[str]
    refresh: str = ""


class SlackOAuth(OAuthStandin):
    """Slack's OAuth. `apps`: client id → `SlackApp`; `installs`: (client id, team id) → `Install`.

    `withheld`: scopes that nobody gets; `added`: scopes that everybody gets. `exchanges` and `refreshes` count the
    calls that asked for either, refused ones included.
    """

    tokens: dict[str, SlackToken]
    channels: list[SlackChannel]

    def seed_oauth(self) -> None:
        """Put the apps in, installed nowhere."""
        super().seed_oauth()
        self.apps = {key: replace(app, redirect_uris=set(app.redirect_uris)) for key, app in APPS.items()}
        self.installs: dict[tuple[str, str], Install] = {}
        self.withheld: set[str] = set()
        self.added: set[str] = set()
        self.exchanges = self.refreshes = 0

    @property
    def app_env(self) -> dict[str, str]:
        """The app of the seed whose tokens last."""
        app = APPS[ATLAS_APP]
        return {"SLACK_CLIENT_ID": app.client_id, "SLACK_CLIENT_SECRET": app.client_secret}

    def secrets(self) -> set[str]:
        """Client secrets, tokens and refresh tokens."""
        refresh = {install.refresh for install in self.installs.values() if install.refresh}
        return {app.client_secret for app in self.apps.values()} | set(self.tokens) | refresh

    def acts(self) -> Mapping[str, Callable[[], None]]:
        """Withhold scopes, and end what OAuth made."""
        return {
            "Withhold commands and app_mentions:read": lambda: self.withheld.update(OPTIONAL),
            "Expire OAuth tokens": lambda: self.end_tokens("expired"),
            "Revoke OAuth tokens": lambda: self.end_tokens("revoked"),
        }

    def end_tokens(self, state: str) -> None:
        """Put every active token that OAuth made into `state`; with `revoked` its refresh token ends as well."""
        for install in self.installs.values():
            for text in install.tokens:
                if self.tokens[text].state == "active":
                    self.tokens[text].state = state
            if state == "revoked":
                install.refresh = ""

    def oauth_routes(self) -> list[Route]:
        """The page and the method."""
        return [
            Route(AUTHORIZE_PATH, self._consent, methods=["GET", "POST"]),
            Route(TOKEN_PATH, self._access, methods=["POST"]),
        ]

    async def _consent(self, request: Request) -> Response:
        asked = dict(request.query_params)
        app = self.apps.get(asked.get("client_id", ""))
        if app is None:
            return error_page("Something went wrong", "Invalid client_id parameter", 200)
        to = asked.get("redirect_uri") or min(app.redirect_uris, default="")
        if not to or not app.may_return_to(to):
            said = f"redirect_uri did not match any configured URIs. Passed URI: {to}"
            return error_page("Something went wrong", said, 200)
        scopes = [*_scopes(asked, "scope"), *_scopes(asked, "user_scope")]
        if not scopes:
            return error_page("Something went wrong", "Invalid permissions requested: no scopes requested", 200)
        if request.method == "GET":
            teams = {key: f"{team.team}{' (organization)' * team.is_enterprise_install}" for key, team in TEAMS.items()}
            chosen = asked.get("team", "") if asked.get("team") in teams else next(iter(teams))
            where = Choice("team", "Workspace", teams, chosen)
            title = f"{app.name} is requesting permission to access a Slack workspace"
            buttons = {"cancel": "Cancel", "allow": "Allow"}
            return consent_page(request, title, f"What will {app.name} be able to do?", scopes, [where], buttons)
        chose = await form_of(request)
        state = asked.get("state", "")
        if chose.get("answer") != "allow" or chose.get("team") not in TEAMS:
            return back(to, error="access_denied", state=state)
        return back(to, code=self.give_code(app.client_id, asked, chose), state=state)

    async def _access(self, request: Request) -> Response:
        given = await form_of(request)
        try:
            body = self._answered(request, given)
        except SlackError as error:
            body = error.body
        return JSONResponse(body)

    def _answered(self, request: Request, given: Mapping[str, str]) -> dict[str, Any]:
        kind = given.get("grant_type") or "authorization_code"
        if kind not in ("authorization_code", "refresh_token"):
            raise SlackError("invalid_grant_type")
        refreshes = kind == "refresh_token"
        self.refreshes += refreshes
        self.exchanges += not refreshes
        # First of all: this is what Slack says to JSON, of which it reads nothing.
        if not refreshes and not given.get("code"):
            raise SlackError("invalid_code")
        client_id, secret = client(request, given)
        app = self.apps.get(client_id)
        if app is None:
            raise SlackError("invalid_client_id")
        if secret != app.client_secret:
            raise SlackError("bad_client_secret")
        if refreshes:
            return self._refreshed(app, given.get("refresh_token", ""))
        return self._exchanged(app, self._code(app, given))

    def _code(self, app: SlackApp, given: Mapping[str, str]) -> Code:
        code = self.codes.get(given["code"])
        if code is None or code.client_id != app.client_id or (self.now() >= code.until and not code.spent):
            raise SlackError("invalid_code")
        if code.spent:
            raise SlackError("code_already_used")
        if given.get("redirect_uri", "") != code.redirect_uri:
            raise SlackError("bad_redirect_uri")
        code.spent = True
        return code

    def _exchanged(self, app: SlackApp, code: Code) -> dict[str, Any]:
        team = TEAMS[code.chose["team"]]
        person = team.installer
        body: dict[str, Any] = {"ok": True, "app_id": app.app_id, "authed_user": {"id": person}, **_place(team)}
        mine = _scopes(code.asked, "user_scope")
        if mine:
            text = _new("xoxp")
            granted = [scope for scope in mine if scope not in self.withheld]
            self.tokens[text] = replace(
                team, user_id=person, user="grace", bot_id=None, scopes=frozenset(granted), app_id=app.app_id
            )
            body["authed_user"] |= {"scope": ",".join(granted), "access_token": text, "token_type": "user"}
        asked = _scopes(code.asked, "scope")
        if asked:
            body |= self._bot(app, team, asked)
        return body

    def _bot(self, app: SlackApp, team: SlackToken, asked: Sequence[str]) -> dict[str, Any]:
        install = self.installs.setdefault((app.client_id, team.team_id), Install(app, team, []))
        before = self.tokens[install.tokens[-1]] if install.tokens else None
        kept = sorted(before.scopes) if before is not None and before.state == "active" else []
        granted = self._granted([*asked, *(scope for scope in kept if scope not in asked)])
        if before is not None and before.state == "active" and not app.rotation:
            before.scopes = frozenset(granted)
            body = self._told(install, granted)
        else:
            body = self._minted(install, granted)
        hook = self._webhook(team) if "incoming-webhook" in granted else None
        return body | ({"incoming_webhook": hook} if hook else {})

    def _minted(self, install: Install, granted: Sequence[str]) -> dict[str, Any]:
        app, team = install.app, install.team
        text = _new("xoxe.xoxb" if app.rotation else "xoxb")
        user_id, bot_id = app.bots[team.team_id]
        made = replace(team, user_id=user_id, bot_id=bot_id, app_id=app.app_id, scopes=frozenset(granted))
        if app.rotation:
            made.expires_at = self.now() + EXPIRES_IN
            install.refresh = _new("xoxe")
        self.tokens[text] = made
        install.tokens.append(text)
        alive = [each for each in install.tokens if self.tokens[each].state == "active"]
        for each in alive[:-ACTIVE_AT_MOST]:
            self.tokens[each].state = "revoked"
        return self._told(install, granted)

    def _told(self, install: Install, granted: Sequence[str]) -> dict[str, Any]:
        text = install.tokens[-1]
        body = {"scope": ",".join(granted), "token_type": "bot", "access_token": text}
        body["bot_user_id"] = self.tokens[text].user_id
        return body | ({"refresh_token": install.refresh, "expires_in": EXPIRES_IN} if install.refresh else {})

    def _refreshed(self, app: SlackApp, refresh: str) -> dict[str, Any]:
        for install in self.installs.values():
            if refresh and install.refresh == refresh and install.app is app:
                scopes = sorted(self.tokens[install.tokens[-1]].scopes)
                return {"ok": True, "app_id": app.app_id, **_place(install.team), **self._minted(install, scopes)}
        raise SlackError("invalid_refresh_token")

    def _granted(self, asked: Sequence[str]) -> list[str]:
        wanted = [*asked, *sorted(self.added - set(asked))]
        return [scope for scope in dict.fromkeys(wanted) if scope not in self.withheld]

    def _webhook(self, team: SlackToken) -> dict[str, str] | None:
        """A webhook into the team's first channel; None where the team has none."""
        for channel in self.channels:
            if channel.team_id == team.team_id and not channel.is_archived:
                secret = "/".join([team.team_id, "B0HOOK", "Fake" * 6])
                host = f"https://{team.domain}.slack.com"
                return {
                    "url": f"https://hooks.slack.com/services/{secret}",
                    "channel": f"#{channel.name}",
                    "channel_id": channel.id,
                    "configuration_url": f"{host}/services/B0HOOK",
                }
        return None


def _new(kind: str) -> str:
    """A token that was never given before, of Slack's shape."""
    if kind.startswith("xoxe"):
        return "-".join([kind, "1", "Fake" + token_hex(40)])
    return "-".join([kind, "1" * 12, "3" * 12, "Fake" + token_hex(10)])


def _scopes(asked: Mapping[str, str], name: str) -> list[str]:
    return [scope.strip() for scope in asked.get(name, "").replace(" ", ",").split(",") if scope.strip()]


def _place(team: SlackToken) -> dict[str, Any]:
    """Where an app was installed: a team, or a whole organization, which has no team."""
    wide = team.is_enterprise_install
    enterprise = {"id": team.enterprise_id, "name": team.team} if team.enterprise_id else None
    return {
        "team": None if wide else {"id": team.team_id, "name": team.team},
        "enterprise": enterprise,
        "is_enterprise_install": wide,
    }
