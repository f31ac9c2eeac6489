"""A stand-in for Discord's API: bots by token, their application, servers and channels.

Wire: https://discord.com/developers/docs/reference. Errors are `{"message", "code"}` with the HTTP status; a call
without the User-Agent that Discord demands never gets further than its front (Cloudflare).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

REFUSALS = {401: ("401: Unauthorized", 0), 403: ("Missing Access", 50001), 500: ("500: Internal Server Error", 0)}
TEXT_LIMIT = 2000
GUILDS_LIMIT = 200


def fake(bot_id: str, letter: str) -> str:
    """A token of Discord's shape that is nobody's. Put together, so that no scanner takes it for live."""
    first = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{first}.{'G' + letter + 'FAKE'}.{(letter + 'fake-discord_') * 3}"[:72]


ATLAS_ID, EMPTY_ID, MANY_ID, SHY_ID, OLD_ID = (f"10000000000000000{number}" for number in range(1, 6))
ATLAS, EMPTY, MANY = fake(ATLAS_ID, "a"), fake(EMPTY_ID, "e"), fake(MANY_ID, "m")
SHY, REVOKED, PERSON = fake(SHY_ID, "s"), fake(OLD_ID, "r"), fake("200000000000000001", "p")
ATLAS_KEY, OTHER_KEY = "0a1b2c3d" * 8, "4e5f6a7b" * 8
ACME_GUILD, ACME_ALERTS = "300000000000000001", "400000000000000001"
ARCHIVED, READ_ONLY, HIDDEN_ONE = "400000000000000002", "400000000000000003", "400000000000000004"
UNKNOWN = "499999999999999999"


@dataclass
class DiscordBot:
    """A bot. `hides`: paths that answer it with the status given. `channels`: id → (status, message, code) or None."""

    id: str
    username: str
    verify_key: str
    guilds: list[dict[str, Any]] = field(default_factory=list)
    channels: dict[str, tuple[int, str, int] | None] = field(default_factory=dict)
    hides: dict[str, int] = field(default_factory=dict)
    revoked: bool = False
    is_bot: bool = True

    def wire(self) -> dict[str, Any]:
        """The bot as a user; a person's `bot` is false."""
        told = {"id": self.id, "username": self.username, "discriminator": "0000", "avatar": None, "public_flags": 0}
        return told | {"bot": self.is_bot}


class DiscordError(Exception):
    """A refusal: status, message and code, and further headers."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "code": code}


def guild(number: str, name: str) -> dict[str, Any]:
    """A server as the list of a bot's servers has it."""
    return {"id": number, "name": name, "icon": None, "owner": False, "permissions": "274877926400", "features": []}


class DiscordStandin(Standin):
    """Discord. `bots`: token → `DiscordBot`; `messages` that were posted."""

    upstream: ClassVar[str] = "DISCORD"
    tries: ClassVar[Mapping[str, str]] = {
        "Discord, @acme-atlas": f"{ATLAS}, application {ATLAS_ID}, key {ATLAS_KEY}",
        "Discord, in no server": f"{EMPTY}, application {EMPTY_ID}, key {OTHER_KEY}",
        "Discord, in five servers": f"{MANY}, application {MANY_ID}, key {OTHER_KEY}",
        "Discord, token was reset": f"{REVOKED}, application {OLD_ID}, key {OTHER_KEY}",
        "Discord, channel": ACME_ALERTS,
    }

    def seed(self) -> None:
        """Put the default bots in: one server, none, five, one that learns little, one reset, and a person."""
        channels: dict[str, tuple[int, str, int] | None] = {
            ACME_ALERTS: None,
            ARCHIVED: (400, "Thread is archived", 50083),
            READ_ONLY: (403, "Missing Permissions", 50013),
            HIDDEN_ONE: (403, "Missing Access", 50001),
        }
        many = [guild(f"30000000000000001{number}", f"Server {number}") for number in range(5)]
        self.bots: dict[str, DiscordBot] = {
            ATLAS: DiscordBot(ATLAS_ID, "acme-atlas", ATLAS_KEY, [guild(ACME_GUILD, "Acme Corp")], channels),
            EMPTY: DiscordBot(EMPTY_ID, "lonely-atlas", OTHER_KEY),
            MANY: DiscordBot(MANY_ID, "busy-atlas", OTHER_KEY, many),
            SHY: DiscordBot(SHY_ID, "shy-atlas", OTHER_KEY, hides={"applications/@me": 404, "users/@me/guilds": 403}),
            REVOKED: DiscordBot(OLD_ID, "old-atlas", OTHER_KEY, revoked=True),
            PERSON: DiscordBot("200000000000000001", "grace", OTHER_KEY, is_bot=False),
        }
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, retry_after: int | None, /) -> Mapping[str, Any]:
        """Discord's body for a status; only with a wait does it name the seconds."""
        if status != 429:
            message, code = REFUSALS[status]
            return DiscordError(status, message, code).body
        told = {} if retry_after is None else {"retry_after": float(retry_after)}
        return {"message": "You are being rate limited.", **told, "global": False}

    def routes(self) -> Sequence[Route]:
        """The paths of API version 10."""
        return [
            Route("/api/v10/users/@me", self._me, methods=["GET"]),
            Route("/api/v10/applications/@me", self._application, methods=["GET"]),
            Route("/api/v10/users/@me/guilds", self._guilds, methods=["GET"]),
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
