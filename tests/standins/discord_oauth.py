"""Discord's OAuth: the page on which a bot is added to a server, and the token endpoint.

Wire: https://discord.com/developers/docs/topics/oauth2. Errors are OAuth's own (RFC 6749 §5.2), not the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.discord_seed import (
    CHANNELS,
    HUB,
    HUB_ID,
    HUB_SECRET,
    SERVERS,
    DiscordApp,
    DiscordBot,
    guild,
    the_apps,
)
from tests.standins.oauth import Choice, Code, OAuthStandin, back, client, consent_page, error_page, form_of

AUTHORIZE_PATH: Final = "/oauth2/authorize"
TOKEN_PATH: Final = "/api*/oauth2/token"
"""For the dial: the token endpoint, with and without a version."""
REVOKE_PATH: Final = "/api*/oauth2/token/revoke"
EXPIRES_IN = 604800
DENIED = "The resource owner or authorization server denied the request"
WORDS = {
    "bot": "Add a bot to a server",
    "applications.commands": "Create commands",
    "identify": "Access your username and avatar",
}


class OAuthError(Exception):
    """A refusal of the token endpoint: status, OAuth's word and a sentence, "" for none."""

    def __init__(self, status: int, error: str, said: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error} | ({"error_description": said} if said else {})


class DiscordOAuth(OAuthStandin):
    """Discord's OAuth. `apps`: client id → `DiscordApp`; `grants`: access or refresh token → the client id.

    `leaves_guild_out`: whether answers name no server. `exchanges`: how many codes were brought, good or bad.
    """

    bots: dict[str, DiscordBot]

    def seed_oauth(self) -> None:
        """Put the applications in, added to no server."""
        super().seed_oauth()
        self.apps: dict[str, DiscordApp] = the_apps()
        self.grants: dict[str, str] = {}
        self.added: list[tuple[str, str]] = []
        self.leaves_guild_out = False
        self.exchanges = 0

    @property
    def app_env(self) -> dict[str, str]:
        """The application of the seed whose bot is in no server yet."""
        return {"DISCORD_CLIENT_ID": HUB_ID, "DISCORD_CLIENT_SECRET": HUB_SECRET, "DISCORD_BOT_TOKEN": HUB}

    def secrets(self) -> set[str]:
        """Client secrets, bot tokens, and what the token endpoint gave."""
        return {app.client_secret for app in self.apps.values()} | set(self.bots) | set(self.grants)

    def acts(self) -> Mapping[str, Callable[[], None]]:
        """End what was agreed to."""
        return {
            "Remove the bot from servers it was added to": self.remove_bots,
            "Leave the server out of answers": lambda: setattr(self, "leaves_guild_out", True),
        }

    def remove_bots(self) -> None:
        """Take every bot out of the servers to which OAuth added it."""
        for token, number in self.added:
            leave(self.bots[token], number)
        self.added.clear()

    def oauth_routes(self) -> list[Route]:
        """The page, the token endpoint, and revoking."""
        both, post = ["GET", "POST"], ["POST"]
        return [
            *(Route(f"{root}/oauth2/authorize", self._consent, methods=both) for root in ("", "/api")),
            *(Route(f"{root}/oauth2/token", self._token, methods=post) for root in ("/api", "/api/v10")),
            *(Route(f"{root}/oauth2/token/revoke", self._revoke, methods=post) for root in ("/api", "/api/v10")),
        ]

    async def _consent(self, request: Request) -> Response:
        asked = dict(request.query_params)
        app = self.apps.get(asked.get("client_id", ""))
        if app is None:
            return error_page("Unknown Application", "There is no application with this client_id.")
        to = asked.get("redirect_uri", "")
        if not to or (app.redirect_uris and to not in app.redirect_uris):
            return error_page("Invalid OAuth2 redirect_uri", "Redirect URI is not supported by client.")
        wrong = _wrong_request(asked)
        if wrong:
            return back(to, **wrong, state=asked.get("state", ""))
        if request.method == "GET":
            return _asks(request, app, asked)
        return back(to, **self._agreed(app, asked, await form_of(request)), state=asked.get("state", ""))

    def _agreed(self, app: DiscordApp, asked: Mapping[str, str], chose: Mapping[str, str]) -> dict[str, str]:
        """What the app is told of the person's answer."""
        adds = "bot" in asked["scope"].split()
        if chose.get("answer") != "authorize" or (adds and chose.get("guild_id") not in _places(asked)):
            return {"error": "access_denied", "error_description": DENIED}
        told = {"code": self.give_code(app.client_id, asked, chose)}
        return told | ({"guild_id": chose["guild_id"], "permissions": asked.get("permissions", "0")} if adds else {})

    async def _token(self, request: Request) -> Response:
        given = await form_of(request)
        self.exchanges += given.get("grant_type") == "authorization_code"
        try:
            app = self._proven(request, given)
            body = self._exchanged(app, self._code(app, given))
        except OAuthError as error:
            return JSONResponse(error.body, status_code=error.status)
        return JSONResponse(body)

    def _proven(self, request: Request, given: Mapping[str, str]) -> DiscordApp:
        client_id, secret = client(request, given)
        app = self.apps.get(client_id)
        if app is None or secret != app.client_secret:
            raise OAuthError(401, "invalid_client")
        return app

    def _code(self, app: DiscordApp, given: Mapping[str, str]) -> Code:
        kind = given.get("grant_type", "")
        if kind != "authorization_code":
            raise OAuthError(400, "unsupported_grant_type", f"Grant type {kind or 'None'} is not supported")
        code = self.codes.get(given.get("code", ""))
        if code is None or code.client_id != app.client_id or code.spent or self.now() >= code.until:
            raise OAuthError(400, "invalid_grant", 'Invalid "code" in request.')
        if given.get("redirect_uri", "") != code.redirect_uri:
            raise OAuthError(400, "invalid_grant", 'Invalid "redirect_uri" in request.')
        if not code.proves(given.get("code_verifier", "")):
            raise OAuthError(400, "invalid_grant", 'Invalid "code_verifier" in request.')
        code.spent = True
        return code

    def _exchanged(self, app: DiscordApp, code: Code) -> dict[str, Any]:
        access, refresh = token_hex(15), token_hex(15)
        self.grants |= dict.fromkeys((access, refresh), app.client_id)
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": EXPIRES_IN,
            "refresh_token": refresh,
            "scope": " ".join(code.asked["scope"].split()),
        }
        if "bot" not in code.asked["scope"].split():
            return body
        number = code.chose["guild_id"]
        joined = join(self.bots[app.bot_token], number)
        if joined:
            self.added.append((app.bot_token, number))
        if self.leaves_guild_out:
            return body
        return body | {"guild": whole(guild(number, SERVERS[number]))}

    async def _revoke(self, request: Request) -> Response:
        given = await form_of(request)
        try:
            app = self._proven(request, given)
        except OAuthError as error:
            return JSONResponse(error.body, status_code=error.status)
        # RFC 7009: a token that nobody knows is as good as revoked.
        if self.grants.get(given.get("token", "")) == app.client_id:
            del self.grants[given["token"]]
        return JSONResponse({})


def whole(listed: Mapping[str, Any]) -> dict[str, Any]:
    """A server as Discord tells it by itself, from how a list of servers has it."""
    told = {name: listed[name] for name in ("id", "name", "icon", "features")}
    return told | {"owner_id": "200000000000000001", "preferred_locale": "en-US", "verification_level": 0}


def join(bot: DiscordBot, number: str) -> bool:
    """Put the bot into a server and its channel; whether it was not there before."""
    if any(each["id"] == number for each in bot.guilds):
        return False
    bot.guilds.append(guild(number, SERVERS[number]))
    bot.channels.setdefault(CHANNELS[number], None)
    return True


def leave(bot: DiscordBot, number: str) -> bool:
    """Take the bot out of a server and its channel; whether it was there."""
    before = len(bot.guilds)
    bot.guilds = [each for each in bot.guilds if each["id"] != number]
    if len(bot.guilds) == before:
        return False
    bot.channels.pop(CHANNELS.get(number, ""), None)
    return True


def _wrong_request(asked: Mapping[str, str]) -> dict[str, str]:
    """What Discord tells the app about its own request, {} where that is right."""
    scopes = asked.get("scope", "").split()
    if asked.get("response_type") != "code":
        return {"error": "unsupported_response_type"}
    if not scopes or not set(scopes) <= set(WORDS):
        return {"error": "invalid_scope", "error_description": "The requested scope is invalid."}
    return {}


def _asks(request: Request, app: DiscordApp, asked: Mapping[str, str]) -> Response:
    scopes = asked["scope"].split()
    may = [WORDS[scope] for scope in scopes]
    if asked.get("permissions", "0") != "0":
        may.append(f"Permissions: {asked['permissions']}")
    choices = [_where(asked, _places(asked))] if "bot" in scopes else []
    title, said = f"{app.name} wants to access your Discord account", f"This will allow {app.name} to:"
    return consent_page(request, title, said, may, choices, {"cancel": "Cancel", "authorize": "Authorize"})


def _places(asked: Mapping[str, str]) -> dict[str, str]:
    """The servers that may be chosen: all, or the one that the app insists on."""
    wanted = asked.get("guild_id", "")
    if asked.get("disable_guild_select") == "true" and wanted in SERVERS:
        return {wanted: SERVERS[wanted]}
    return SERVERS


def _where(asked: Mapping[str, str], places: Mapping[str, str]) -> Choice:
    wanted = asked.get("guild_id", "")
    chosen = wanted if wanted in places else next(iter(places))
    return Choice("guild_id", "Add to server", places, chosen, fixed=len(places) < len(SERVERS))
