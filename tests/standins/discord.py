"""A stand-in for Discord's API: bots by token, their application, servers and channels.

Wire: https://discord.com/developers/docs/reference. Errors are `{"message", "code"}` with the HTTP status; a call
without the User-Agent that Discord demands never gets further than its front (Cloudflare).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.discord_oauth import DiscordOAuth, leave, whole
from tests.standins.discord_seed import (
    ACME_ALERTS,
    ACME_GUILD,
    ARCHIVED,
    ATLAS,
    ATLAS_ID,
    ATLAS_KEY,
    ATLAS_SECRET,
    BETA_ALERTS,
    BETA_GUILD,
    EMPTY,
    EMPTY_ID,
    HIDDEN_ONE,
    HUB,
    HUB_ID,
    HUB_SECRET,
    MANY,
    MANY_ID,
    NOBODYS_GUILD,
    OLD_ID,
    OTHER_KEY,
    PERSON,
    READ_ONLY,
    REVOKED,
    SERVERS,
    SHY,
    SHY_ID,
    UNKNOWN,
    VIEW,
    DiscordApp,
    DiscordBot,
    DiscordError,
    DiscordPlace,
    fake,
    guild,
    the_bots,
    the_places,
)

__all__ = [
    "ACME_ALERTS",
    "ACME_GUILD",
    "ARCHIVED",
    "ATLAS",
    "ATLAS_ID",
    "ATLAS_KEY",
    "ATLAS_SECRET",
    "BETA_ALERTS",
    "BETA_GUILD",
    "EMPTY",
    "EMPTY_ID",
    "HIDDEN_ONE",
    "HUB",
    "HUB_ID",
    "HUB_SECRET",
    "MANY",
    "NOBODYS_GUILD",
    "OLD_ID",
    "OTHER_KEY",
    "PERSON",
    "READ_ONLY",
    "REVOKED",
    "SHY",
    "SHY_ID",
    "UNKNOWN",
    "DiscordApp",
    "DiscordBot",
    "DiscordStandin",
    "fake",
    "guild",
]

REFUSALS = {401: ("401: Unauthorized", 0), 403: ("Missing Access", 50001), 500: ("500: Internal Server Error", 0)}
TEXT_LIMIT = 2000
GUILDS_LIMIT = 200


class DiscordStandin(DiscordOAuth):
    """Discord. `bots`: token → `DiscordBot`; `places`: server → `DiscordPlace`; `messages` posted; and its OAuth."""

    upstream: ClassVar[str] = "DISCORD"
    tries: ClassVar[Mapping[str, str]] = {
        "Discord, @acme-atlas": f"{ATLAS}, application {ATLAS_ID}, key {ATLAS_KEY}",
        "Discord, in no server": f"{EMPTY}, application {EMPTY_ID}, key {OTHER_KEY}",
        "Discord, in five servers": f"{MANY}, application {MANY_ID}, key {OTHER_KEY}",
        "Discord, token was reset": f"{REVOKED}, application {OLD_ID}, key {OTHER_KEY}",
        "Discord, channel": ACME_ALERTS,
    }

    def seed(self) -> None:
        """Put the default bots in; see `discord_seed.the_bots`."""
        self.bots: dict[str, DiscordBot] = the_bots()
        self.places: dict[str, DiscordPlace] = the_places()
        self.seed_oauth()
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, retry_after: int | None, /) -> Mapping[str, Any]:
        """Discord's body for a status; only with a wait does it name the seconds."""
        if status == 401 and self.calls and self.calls[-1].path.endswith("/oauth2/token"):
            return {"error": "invalid_client"}
        if status != 429:
            message, code = REFUSALS[status]
            return DiscordError(status, message, code).body
        told = {} if retry_after is None else {"retry_after": float(retry_after)}
        return {"message": "You are being rate limited.", **told, "global": False}

    def routes(self) -> Sequence[Route]:
        """The paths of API version 10."""
        return [
            *self.oauth_routes(),
            Route("/api/v10/users/@me", self._me, methods=["GET"]),
            Route("/api/v10/applications/@me", self._application, methods=["GET"]),
            Route("/api/v10/users/@me/guilds", self._guilds, methods=["GET"]),
            Route("/api/v10/users/@me/guilds/{guild}", self._leave, methods=["DELETE"]),
            Route("/api/v10/guilds/{guild}", self._guild, methods=["GET"]),
            Route("/api/v10/guilds/{guild}/channels", self._channels, methods=["GET"]),
            Route("/api/v10/guilds/{guild}/members/{user}", self._member, methods=["GET"]),
            Route("/api/v10/channels/{channel}/messages", self._post, methods=["POST"]),
            Route("/{rest:path}", self._nowhere, methods=["GET", "POST"]),
        ]

    def _who(self, request: Request) -> DiscordBot | Response:
        """The bot that asks, or the answer that it gets instead."""
        if not request.headers.get("user-agent", "").startswith("DiscordBot ("):
            return Response("<html><title>Access denied | discord.com used Cloudflare</title></html>", 403)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        bot = self.bots.get(token)
        if kind != "Bot" or bot is None or bot.revoked:
            return _error(DiscordError(401, "401: Unauthorized"))
        hidden = bot.hides.get(request.url.path.removeprefix("/api/v10/"))
        return _error(DiscordError(hidden, f"{hidden}: Hidden")) if hidden else bot

    async def _nowhere(self, _request: Request) -> Response:
        return _error(DiscordError(404, "404: Not Found"))

    async def _me(self, request: Request) -> Response:
        who = self._who(request)
        return _told(who.wire() | {"verified": True, "mfa_enabled": True}) if isinstance(who, DiscordBot) else who

    async def _application(self, request: Request) -> Response:
        who = self._who(request)
        if not isinstance(who, DiscordBot):
            return who
        told = {"id": who.id, "name": who.username, "verify_key": who.verify_key, "bot_public": False, "flags": 0}
        return _told(told | {"interactions_endpoint_url": None, "bot": who.wire()})

    async def _guilds(self, request: Request) -> Response:
        who = self._who(request)
        if not isinstance(who, DiscordBot):
            return who
        limit = request.query_params.get("limit", str(GUILDS_LIMIT))
        if not limit.isdigit() or not 1 <= int(limit) <= GUILDS_LIMIT:
            return _error(DiscordError(400, "Invalid Form Body", 50035))
        return _told(who.guilds[: int(limit)])

    async def _guild(self, request: Request) -> Response:
        who = self._who(request)
        if not isinstance(who, DiscordBot):
            return who
        found = self._in(who, request)
        if isinstance(found, Response):
            return found
        number, place = found
        body = whole(next(each for each in who.guilds if each["id"] == number)) | {"owner_id": place.owner}
        body["roles"] = [{"id": role, "name": role, "permissions": str(bits)} for role, bits in place.roles.items()]
        if request.query_params.get("with_counts", "") in {"true", "1"}:
            body |= {"approximate_member_count": place.members, "approximate_presence_count": 1}
        return _told(body)

    def _in(self, who: DiscordBot, request: Request) -> tuple[str, DiscordPlace] | Response:
        """The server that is asked about, or the refusal of one that the bot is not in."""
        number = request.path_params["guild"]
        if any(each["id"] == number for each in who.guilds):
            return number, self.places.get(number) or DiscordPlace({number: VIEW})
        if number not in SERVERS:
            return _error(DiscordError(404, "Unknown Guild", 10004))
        return _error(DiscordError(403, "Missing Access", 50001))

    async def _channels(self, request: Request) -> Response:
        who = self._who(request)
        found = self._in(who, request) if isinstance(who, DiscordBot) else who
        return found if isinstance(found, Response) else _told(found[1].channels)

    async def _member(self, request: Request) -> Response:
        who = self._who(request)
        found = self._in(who, request) if isinstance(who, DiscordBot) else who
        if isinstance(found, Response) or not isinstance(who, DiscordBot):
            return found if isinstance(found, Response) else _error(DiscordError(401, "401: Unauthorized"))
        if request.path_params["user"] != who.id:
            return _error(DiscordError(404, "Unknown Member", 10007))
        return _told({"user": who.wire(), "roles": list(who.roles), "nick": None, "joined_at": "2026-01-01T00:00:00Z"})

    async def _leave(self, request: Request) -> Response:
        who = self._who(request)
        if not isinstance(who, DiscordBot):
            return who
        if not leave(who, request.path_params["guild"]):
            return _error(DiscordError(404, "Unknown Guild", 10004))
        return Response(status_code=204)

    async def _post(self, request: Request) -> Response:
        who = self._who(request)
        if not isinstance(who, DiscordBot):
            return who
        channel = request.path_params["channel"]
        if channel not in who.channels:
            return _error(DiscordError(404, "Unknown Channel", 10003))
        refused = who.channels[channel]
        if refused:
            return _error(DiscordError(*refused))
        said = await request.json()
        content = said.get("content", "")
        if not content.strip():
            return _error(DiscordError(400, "Cannot send an empty message", 50006))
        if len(content) > TEXT_LIMIT:
            return _error(DiscordError(400, "Invalid Form Body", 50035))
        message = {
            "id": str(500000000000000001 + len(self.messages)),
            "type": 0,
            "channel_id": channel,
            "content": content,
            "author": who.wire(),
            "flags": said.get("flags", 0),
        }
        self.messages.append(message | {"allowed_mentions": said.get("allowed_mentions")})
        return _told(message)


def _told(body: Any) -> Response:
    limits = {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "4", "x-ratelimit-reset-after": "1.000"}
    return JSONResponse(body, headers=limits)


def _error(error: DiscordError) -> Response:
    return JSONResponse(error.body, status_code=error.status)
