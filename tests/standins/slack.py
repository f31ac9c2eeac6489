"""A stand-in for Slack's Web API: tokens with states and scopes, channels, users, messages.

Wire: https://docs.slack.dev/reference/methods and https://docs.slack.dev/apis/web-api. Errors are `ok: false`
under HTTP 200, but for 429. Reading methods take forms and queries and ignore a JSON body, as Slack's do.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins import slack_seed
from tests.standins.slack_oauth import SlackOAuth
from tests.standins.slack_seed import CHANNELS, TOKENS, SlackChannel, SlackError, SlackToken
from tests.standins.standin import parameters

STATES = {
    "revoked": "token_revoked",
    "inactive": "account_inactive",
    "expired": "token_expired",
    "invalid": "invalid_auth",
}
"""The state of a token and the error that Slack has for it."""
READS_JSON = {"auth.test", "auth.revoke", "chat.postMessage"}
REFUSALS = {401: "invalid_auth", 403: "access_denied", 429: "ratelimited", 500: "internal_error"}


@dataclass(frozen=True)
class Ask:
    """One call to a method: whose token, with which arguments."""

    token: SlackToken
    given: Mapping[str, Any]

    def need(self, scope: str) -> None:
        """Raise `missing_scope` unless the token has `scope`."""
        if scope not in self.token.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.token.scopes)))


class SlackStandin(SlackOAuth):
    """Slack. `tokens`: token text → `SlackToken`; `channels` and `messages` of all its teams; and its OAuth.

    `after_a_page` is called when a page of channels was told.
    """

    upstream: ClassVar[str] = "SLACK"
    tries: ClassVar[Mapping[str, str]] = {
        "Acme Corp, every scope": slack_seed.ACME_IN_FULL,
        "Acme Corp, without commands and app_mentions:read": slack_seed.ACME,
        "Beta Inc, another team": slack_seed.BETA,
        "Grid Works, installed for a whole organisation": slack_seed.ENTERPRISE,
        "chat:write missing": slack_seed.SCOPELESS,
        "Revoked": slack_seed.REVOKED,
        "The app was removed": slack_seed.INACTIVE,
        "A user token, which the form refuses": slack_seed.USER,
    }
    error_inside: Mapping[str, Any] | None = {"ok": False, "error": "internal_error"}

    def seed(self) -> None:
        """Put the default teams in: Acme Corp (T0ACME), Beta Inc (T0BETA) and the organization Grid Works."""
        self.tokens: dict[str, SlackToken] = {text: replace(token) for text, token in TOKENS.items()}
        self.channels: list[SlackChannel] = [replace(channel) for channel in CHANNELS]
        self.messages: list[dict[str, Any]] = []
        self.after_a_page: Callable[[], None] = lambda: None
        self.seed_oauth()

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Slack's body for a status."""
        return {"ok": False, "error": REFUSALS[status]}

    def routes(self) -> Sequence[Route]:
        """Slack's methods, each by GET and POST."""
        methods: dict[str, Callable[[Ask], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "auth.revoke": self._auth_revoke,
            "bots.info": self._bots_info,
            "users.info": self._users_info,
            "team.info": self._team_info,
            "chat.postMessage": self._post_message,
            "conversations.list": self._list_channels,
            "conversations.info": self._channel_info,
        }
        known = [
            Route(f"/api/{name}", self._method(name, act), methods=["GET", "POST"]) for name, act in methods.items()
        ]
        return [*self.oauth_routes(), *known, Route("/api/{name}", self._unknown, methods=["GET", "POST"])]

    def _method(self, name: str, act: Callable[[Ask], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                given = await parameters(request, reads_json=name in READS_JSON)
                token = self._token(request, given)
                headers["x-oauth-scopes"] = ",".join(sorted(token.scopes))
                body = {"ok": True, **act(Ask(token, given))}
            except SlackError as error:
                body = error.body
            return JSONResponse(body, headers=headers)

        return endpoint

    async def _unknown(self, request: Request) -> Response:
        return JSONResponse({"ok": False, "error": "unknown_method", "req_method": request.path_params["name"]})

    def _token(self, request: Request, given: Mapping[str, Any]) -> SlackToken:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        # Slack reads a token from a form, never from a JSON body.
        is_json = request.headers.get("content-type", "").startswith("application/json")
        text = text.strip() if scheme.lower() == "bearer" else ("" if is_json else str(given.get("token", "")))
        if not text:
            raise SlackError("not_authed")
        token = self.tokens.get(text)
        if token is None:
            raise SlackError("invalid_auth")
        if token.state != "active":
            raise SlackError(STATES[token.state])
        if token.expires_at is not None and token.expires_at <= self.now():
            raise SlackError("token_expired")
        return token

    def _auth_test(self, ask: Ask) -> dict[str, Any]:
        token = ask.token
        body: dict[str, Any] = {
            "url": f"https://{token.domain}.slack.com/",
            "team": token.team,
            "user": token.user,
            "team_id": token.team_id,
            "user_id": token.user_id,
            "is_enterprise_install": token.is_enterprise_install,
        }
        if token.bot_id:
            body["bot_id"] = token.bot_id
        if token.enterprise_id:
            body["enterprise_id"] = token.enterprise_id
        return body

    def _auth_revoke(self, ask: Ask) -> dict[str, Any]:
        if str(ask.given.get("test", "")).lower() in ("1", "true"):
            return {"revoked": False}
        ask.token.state = "revoked"
        return {"revoked": True}

    def _bots_info(self, ask: Ask) -> dict[str, Any]:
        ask.need("users:read")
        wanted = ask.given.get("bot", ask.token.bot_id)
        for token in self._team_of(ask):
            if token.bot_id == wanted:
                bot = {"id": token.bot_id, "deleted": False, "name": token.user, "updated": 1700000000}
                return {"bot": {**bot, "app_id": token.app_id, "user_id": token.user_id, "icons": {}}}
        raise SlackError("bot_not_found")

    def _users_info(self, ask: Ask) -> dict[str, Any]:
        ask.need("users:read")
        for token in self._team_of(ask):
            if token.user_id == ask.given.get("user"):
                user = {"id": token.user_id, "team_id": token.team_id, "name": token.user, "deleted": False}
                return {"user": {**user, "real_name": token.user.title(), "is_bot": bool(token.bot_id)}}
        raise SlackError("user_not_found")

    def _team_info(self, ask: Ask) -> dict[str, Any]:
        ask.need("team:read")
        return {"team": {"id": ask.token.team_id, "name": ask.token.team, "domain": ask.token.domain}}

    def _team_of(self, ask: Ask) -> list[SlackToken]:
        return [token for token in self.tokens.values() if token.team_id == ask.token.team_id]

    def _post_message(self, ask: Ask) -> dict[str, Any]:
        ask.need("chat:write")
        channel = self._channel(ask, by_name=True)
        if channel.is_archived:
            raise SlackError("is_archived")
        if ask.token.user_id not in channel.members and "chat:write.public" not in ask.token.scopes:
            raise SlackError("not_in_channel")
        text = str(ask.given.get("text", ""))
        if not (text or ask.given.get("blocks") or ask.given.get("attachments")):
            raise SlackError("no_text")
        ts = f"1700000000.{len(self.messages) + 1:06d}"
        message = {"type": "message", "user": ask.token.user_id, "text": text, "ts": ts}
        if ask.token.bot_id:
            message |= {"bot_id": ask.token.bot_id, "app_id": ask.token.app_id}
        self.messages.append({**message, "team": ask.token.team_id, "channel": channel.id})
        return {"channel": channel.id, "ts": ts, "message": {**message, "team": ask.token.team_id}}

    def _channel(self, ask: Ask, *, by_name: bool = False) -> SlackChannel:
        wanted = str(ask.given.get("channel", ""))
        for channel in self.channels:
            named = channel.id == wanted or (by_name and channel.name == wanted.removeprefix("#"))
            hidden = channel.is_private and ask.token.user_id not in channel.members
            if named and channel.team_id == ask.token.team_id and not hidden:
                return channel
        raise SlackError("channel_not_found")

    def _channel_info(self, ask: Ask) -> dict[str, Any]:
        channel = self._channel(ask)
        ask.need("groups:read" if channel.is_private else "channels:read")
        return {"channel": channel.wire(ask.token.user_id)}

    def _list_channels(self, ask: Ask) -> dict[str, Any]:
        types = {part.strip() for part in str(ask.given.get("types", "public_channel")).split(",")}
        if "public_channel" in types:
            ask.need("channels:read")
        if "private_channel" in types:
            ask.need("groups:read")
        me = ask.token.user_id
        found = [
            channel
            for channel in self.channels
            if channel.team_id == ask.token.team_id
            and ("private_channel" if channel.is_private else "public_channel") in types
            and (me in channel.members or not channel.is_private)
            and not (channel.is_archived and str(ask.given.get("exclude_archived", "")).lower() in ("1", "true"))
        ]
        first, size = _page(ask.given)
        rest = first + size
        cursor = base64.b64encode(f"next:{rest}".encode()).decode() if rest < len(found) else ""
        shown = [channel.wire(me) for channel in found[first:rest]]
        self.after_a_page()
        return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def _page(given: Mapping[str, Any]) -> tuple[int, int]:
    """Where the page begins and how long it is at most."""
    try:
        size = int(given.get("limit") or 100)
    except ValueError:
        raise SlackError("invalid_limit") from None
    if not 1 <= size <= 1000:
        raise SlackError("invalid_limit")
    cursor = str(given.get("cursor") or "")
    if not cursor:
        return 0, size
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:")), size
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None
