"""A stand-in for Telegram's Bot API: bots by token, their chats, messages and webhook.

Wire: https://core.telegram.org/bots/api. The HTTP status equals `error_code`; a malformed token is 404,
a well-formed one that no bot has is 401.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin, parameters

SHAPE = re.compile(r"\d+:[A-Za-z0-9_-]{35}")
REFUSALS = {401: "Unauthorized", 403: "Forbidden: bot was blocked by the user", 500: "Internal Server Error"}
TEXT_LIMIT = 4096


def fake(bot_id: int, letter: str) -> str:
    """A token of Telegram's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return f"{bot_id}:" + "AA" + (letter + "FAKE-bot_token") * 3


def _cut(token: str) -> str:
    bot_id, _, secret = token.partition(":")
    return f"{bot_id}:{secret[:35]}"


ATLAS, OTHER, REVOKED = _cut(fake(123456789, "a")), _cut(fake(987654321, "b")), _cut(fake(555555555, "r"))


@dataclass
class TelegramChat:
    """A chat that a bot knows. `refuses` is the description of the 403 that a message to it gets."""

    id: int
    type: str
    title: str
    username: str | None = None
    refuses: str | None = None

    def wire(self) -> dict[str, Any]:
        """The chat as Telegram writes it."""
        body: dict[str, Any] = {"id": self.id, "type": self.type}
        body["first_name" if self.type == "private" else "title"] = self.title
        return body | ({"username": self.username} if self.username else {})


@dataclass
class TelegramBot:
    """A bot. `revoked`: its token was replaced at BotFather."""

    id: int
    username: str
    first_name: str
    revoked: bool = False
    webhook: str = ""
    webhook_error: str | None = None
    chats: list[TelegramChat] = field(default_factory=list)

    def wire(self) -> dict[str, Any]:
        """The bot as a User, without what getMe alone tells."""
        return {"id": self.id, "is_bot": True, "first_name": self.first_name, "username": self.username}


class TelegramError(Exception):
    """A refusal: status and description."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"ok": False, "error_code": status, "description": description}


class TelegramStandin(Standin):
    """Telegram. `bots`: token → `TelegramBot`; `messages` that were sent."""

    upstream: ClassVar[str] = "TELEGRAM"
    tries: ClassVar[Mapping[str, str]] = {
        "@acme_atlas_bot": ATLAS,
        "@other_atlas_bot, another bot": OTHER,
        "Replaced at BotFather": REVOKED,
    }

    def seed(self) -> None:
        """Put the default bots in: @acme_atlas_bot, @other_atlas_bot and one whose token was revoked."""
        chats = [
            TelegramChat(-1001000000001, "channel", "Acme alerts", "acme_alerts"),
            TelegramChat(-1001000000002, "supergroup", "Acme team"),
            TelegramChat(4242, "private", "Grace", "grace"),
            TelegramChat(4343, "private", "Blocked", refuses="Forbidden: bot was blocked by the user"),
            TelegramChat(
                -1001000000003,
                "supergroup",
                "Left",
                refuses="Forbidden: bot was kicked from the supergroup chat",
            ),
        ]
        self.bots: dict[str, TelegramBot] = {
            ATLAS: TelegramBot(123456789, "acme_atlas_bot", "Acme Atlas", chats=chats),
            OTHER: TelegramBot(987654321, "other_atlas_bot", "Other Atlas"),
            REVOKED: TelegramBot(555555555, "revoked_atlas_bot", "Revoked Atlas", revoked=True),
        }
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, retry_after: int | None, /) -> Mapping[str, Any]:
        """Telegram's body for a status; only with a wait does it name the seconds."""
        if status != 429:
            return TelegramError(status, REFUSALS[status]).body
        if retry_after is None:
            return TelegramError(429, "Too Many Requests").body
        body = TelegramError(429, f"Too Many Requests: retry after {retry_after}").body
        return {**body, "parameters": {"retry_after": retry_after}}

    def routes(self) -> Sequence[Route]:
        """Every method of every bot; Telegram takes GET and POST and any case."""
        return [
            Route("/bot{token}/{method}", self._answer_bot, methods=["GET", "POST"]),
            Route("/{rest:path}", self._nowhere, methods=["GET", "POST"]),
        ]

    async def _nowhere(self, _request: Request) -> Response:
        return JSONResponse(TelegramError(404, "Not Found").body, status_code=404)

    async def _answer_bot(self, request: Request) -> Response:
        methods: dict[str, Callable[[TelegramBot, Mapping[str, Any]], tuple[Any, str | None]]] = {
            "getme": self._get_me,
            "getwebhookinfo": self._get_webhook_info,
            "deletewebhook": self._delete_webhook,
            "getchat": self._get_chat,
            "getchatmember": self._get_chat_member,
            "sendmessage": self._send_message,
        }
        try:
            bot = self._bot(request.path_params["token"])
            act = methods.get(request.path_params["method"].lower(), _no_method)
            result, description = act(bot, await parameters(request))
        except TelegramError as error:
            return JSONResponse(error.body, status_code=error.status)
        told = {"description": description} if description else {}
        return JSONResponse({"ok": True, "result": result, **told})

    def _bot(self, token: str) -> TelegramBot:
        if not SHAPE.fullmatch(token):
            raise TelegramError(404, "Not Found")
        bot = self.bots.get(token)
        if bot is None or bot.revoked:
            raise TelegramError(401, "Unauthorized")
        return bot

    def _get_me(self, bot: TelegramBot, _given: Mapping[str, Any]) -> tuple[Any, str | None]:
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        return {**bot.wire(), **abilities}, None

    def _get_webhook_info(self, bot: TelegramBot, _given: Mapping[str, Any]) -> tuple[Any, str | None]:
        told: dict[str, Any] = {
            "url": bot.webhook,
            "has_custom_certificate": False,
            "pending_update_count": 0,
        }
        if bot.webhook_error:
            told |= {"last_error_date": 1700000000, "last_error_message": bot.webhook_error}
        return told, None

    def _delete_webhook(self, bot: TelegramBot, _given: Mapping[str, Any]) -> tuple[Any, str | None]:
        was, bot.webhook = bot.webhook, ""
        return True, "Webhook was deleted" if was else "Webhook is already deleted"

    def _get_chat(self, bot: TelegramBot, given: Mapping[str, Any]) -> tuple[Any, str | None]:
        return {**self._chat(bot, given).wire(), "accent_color_id": 0, "max_reaction_count": 11}, None

    def _get_chat_member(self, bot: TelegramBot, given: Mapping[str, Any]) -> tuple[Any, str | None]:
        self._chat(bot, given)
        if str(given.get("user_id")) != str(bot.id):
            raise TelegramError(400, "Bad Request: user not found")
        return {"user": bot.wire(), "status": "administrator", "can_post_messages": True}, None

    def _chat(self, bot: TelegramBot, given: Mapping[str, Any]) -> TelegramChat:
        wanted = str(given.get("chat_id", "")).strip()
        if not wanted:
            raise TelegramError(400, "Bad Request: chat_id is empty")
        for chat in bot.chats:
            if wanted in (str(chat.id), f"@{chat.username}"):
                return chat
        raise TelegramError(400, "Bad Request: chat not found")

    def _send_message(self, bot: TelegramBot, given: Mapping[str, Any]) -> tuple[Any, str | None]:
        text = str(given.get("text", "")).strip()
        if not text:
            raise TelegramError(400, "Bad Request: message text is empty")
        chat = self._chat(bot, given)
        if chat.refuses:
            raise TelegramError(403, chat.refuses)
        if len(text) > TEXT_LIMIT:
            raise TelegramError(400, "Bad Request: message is too long")
        message: dict[str, Any] = {
            "message_id": len(self.messages) + 1,
            "from": bot.wire(),
            "chat": chat.wire(),
            "date": 1700000000 + len(self.messages),
            "text": text,
        }
        self.messages.append(message)
        return message, None


def _no_method(_bot: TelegramBot, _given: Mapping[str, Any]) -> tuple[Any, str | None]:
    raise TelegramError(404, "Not Found")
