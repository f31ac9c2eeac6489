"""A Telegram bot for conversations in chats, groups and channels.

1. In Telegram, open a chat with @BotFather (https://t.me/BotFather) and send /newbot.
2. Give the bot a name, then a username that ends in "bot".
3. Copy the token from BotFather's answer; it looks like 123456789:AAE….
4. Paste it into the form and choose Connect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted, shown
from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Feature,
    Form,
    Message,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

TELEGRAM = Upstream("TELEGRAM", "Telegram", "https://api.telegram.org")
FIELD = "bot_token"

_TOKEN = re.compile(r"[A-Za-z0-9:_-]{1,256}")
_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Refusals that are no word about the token; 409 is another program that uses the bot."""
_CHAT = re.compile(r"-?\d{1,20}|@[A-Za-z]\w{3,31}", re.ASCII)
_NOT_THERE = {
    "chat not found": "it knows no such chat for this bot. Check the ID; a person must write to the bot first, "
    "and a group or channel must have it as a member.",
    "bot was blocked": "this person has blocked the bot. They can unblock it in their chat with it.",
    "bot was kicked": "the bot was removed from this chat. Add it again.",
    "bot is not a member": "the bot is not a member of this channel. Add it as an administrator.",
    "can't initiate conversation": "a bot cannot write to a person first. Let them write to the bot, then try again.",
    "can't send messages to bots": "a bot cannot write to another bot. Choose a person, group or channel.",
    "user is deactivated": "this person's account is gone. Choose another chat.",
    "not enough rights": "the bot may not write in this chat. Make it an administrator there.",
    "have no rights": "the bot may not write in this chat. Make it an administrator there.",
    "need administrator rights": "the bot may not write in this channel. Make it an administrator there.",
    "group chat was upgraded": "this group became a supergroup and has a new ID. Enter the new one.",
    "peer_id_invalid": "it knows no such chat for this bot. Check the ID.",
}
"""Parts of Telegram's descriptions, in lower case, of a message it refuses: it has no codes for these."""


class Token(Form):
    """The token that BotFather gives out."""

    bot_token: Secret = Field(
        title="Bot Token",
        description="From BotFather on Telegram.",
        examples=["123456789:AAE…"],
    )

    _cleaned = field_validator("bot_token", mode="before")(pasted)

    @field_validator("bot_token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        # It becomes part of a path: nothing else may get there. Whether it is a bot's, Telegram tells.
        if _TOKEN.fullmatch(value.reveal()) is None:
            raise ValueError(
                "This is not a bot token. Copy it from BotFather: digits, a colon, then about 35 characters."
            )
        return value


class _Bot(BaseModel):
    """What getMe answers (https://core.telegram.org/bots/api#getme)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: int = Field(gt=0, lt=2**53)
    is_bot: bool = True
    username: str | None = None

    def account(self) -> Account:
        """The bot by its username, where it has one that can be shown, else by its id."""
        # With the @ before it, it is still short enough for a label.
        username = shown(self.username or "", SHOWN_LENGTH - 1)
        name = f"@{username}" if username else str(self.id)
        linked = re.fullmatch(r"[A-Za-z0-9_]{3,64}", username)
        return Account(
            key=str(self.id),
            name=name,
            details={"Bot": name, "Bot ID": str(self.id)},
            wire={"botId": str(self.id), "botUsername": username or None},
            url=f"https://t.me/{username}" if linked else None,
        )


class TelegramBot(Method[Token]):
    """A bot by its token."""

    key, label, form = "bot_token", "Bot token", Token
    purpose = Purpose.CHAT
    destination: ClassVar[str] = "Chat ID"
    destination_example: ClassVar[str] = "123456789 or @channelname"
    lists_not: ClassVar[str] = (
        "Telegram does not tell a bot which chats it is in, so channels cannot be listed. Give the chat ID instead."
    )

    async def check(self, form: Token, http: Http, report: Report) -> CheckResult:
        """Ask Telegram who this is (getMe). Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like a bot token."
        answer = await ladder.reach("Telegram", _ask(form, http, "getMe"))
        with ladder.step("accepted", "Sign in") as rung:
            try:
                bot = _Bot.model_validate(_read(answer, http, is_sign_in=True))
            except ValidationError:
                raise _nonsense() from None
            if not bot.is_bot:
                raise InvalidCredentials("This token belongs to a person. Make a bot with BotFather.", field=FIELD)
            account = bot.account()
            rung.detail = f"as {account.name}"
        return CheckResult(account=account, label=account.name)

    async def send(self, form: Token, to: str, message: Message, http: Http) -> Receipt:
        """Send plain text to a chat (sendMessage). Raises `BadForm` for `to`, a `ProviderError`."""
        to = to.strip()
        if _CHAT.fullmatch(to) is None:
            raise BadForm(
                {
                    "to": "Enter a chat's ID, such as 123456789 or -1001234567890, or a public channel's @name. "
                    "A person's @name does not work: Telegram wants their ID."
                }
            )
        said = {"chat_id": to, "text": message.text, "link_preview_options": {"is_disabled": True}}
        result = _read(await _ask(form, http, "sendMessage", said), http)
        number = result.get("message_id")
        if not isinstance(number, int) or isinstance(number, bool):
            raise _nonsense()
        return Receipt(id=str(number), text=f"Telegram accepted it in {to} as message {number}.")


async def _ask(form: Token, http: Http, name: str, said: Mapping[str, Any] | None = None) -> Answer:
    # The token is part of the path, which is why no error and no log line of `Http` names one.
    method = "GET" if said is None else "POST"
    return await http.ask(TELEGRAM, method, f"/bot{form.bot_token.reveal()}/{name}", json=said)


def _read(answer: Answer, http: Http, *, is_sign_in: bool = False) -> Mapping[str, Any]:
    """The `result` of an answer that says ok (https://core.telegram.org/bots/api#making-requests).

    `is_sign_in`: the question was about the token alone, so that a refusal is the token's.
    """
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and body.get("ok") is False:
        raise _refusal(body, answer, is_sign_in=is_sign_in)
    if is_sign_in and _is_refused(answer.status):
        raise _unknown_token()
    http.judge(TELEGRAM, answer, field=FIELD)
    if body is None:
        raise PlatformError("Telegram gave an answer that is not JSON. Try again later.")
    if not isinstance(body, dict) or body.get("ok") is not True or not isinstance(body.get("result"), dict):
        raise _nonsense()
    result: Mapping[str, Any] = body["result"]
    return result


def _nonsense() -> PlatformError:
    return PlatformError("Telegram gave an answer that makes no sense. Try again later.")


def _is_refused(code: int) -> bool:
    """Whether a code or status is a word about what was asked, and not about the moment."""
    return HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _PASSING


def _unknown_token() -> InvalidCredentials:
    text = "Telegram rejected the token: it knows no such bot, or the token was replaced. "
    return InvalidCredentials(f"{text}Copy the current one from BotFather, under /mybots.", field=FIELD)


def _code(body: Mapping[str, Any], answer: Answer) -> int:
    """Telegram's `error_code`, else the status where that refuses; 0 where neither tells."""
    code = body.get("error_code")
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    return answer.status if answer.status >= HTTPStatus.BAD_REQUEST else 0


def _refusal(body: Mapping[str, Any], answer: Answer, *, is_sign_in: bool) -> ProviderError:  # noqa: PLR0911  # one for each meaning
    """What `error_code` and `description` mean; the description itself is never shown."""
    code, said = _code(body, answer), str(body.get("description", "")).lower()
    for part, text in _NOT_THERE.items():
        if part in said:
            return InsufficientPermissions(f"Telegram did not take it: {text}", field=None if is_sign_in else "to")
    if code in {401, 404} or (is_sign_in and (code < HTTPStatus.BAD_REQUEST or _is_refused(code))):
        return _unknown_token()
    match code:
        case 0:
            return _nonsense()
        case 403:
            return InsufficientPermissions("Telegram does not allow this to the bot. Check its rights in the chat.")
        case 409:
            text = (
                "Telegram says another program is using this bot. Stop that one, or make a bot of its own for the hub."
            )
            return PlatformError(text)
        case 429:
            return _busy(body, answer)
    fault = "has a fault of its own" if code >= HTTPStatus.INTERNAL_SERVER_ERROR else "could not do this"
    return PlatformError(f"Telegram {fault} ({code}). Try again later.")


def _busy(body: Mapping[str, Any], answer: Answer) -> RateLimited:
    told = body.get("parameters")
    wait = told.get("retry_after") if isinstance(told, dict) else None
    seconds = retry_after(answer.headers.get("retry-after") if wait is None else str(wait))
    return RateLimited(f"Telegram is busy. Try again in {seconds} seconds.", retry_after=seconds)


PROVIDER = Provider(
    slug="telegram",
    name="Telegram",
    category=Category.CHAT,
    docs="https://core.telegram.org/bots#how-do-i-create-a-bot",
    about=__doc__ or "",
    stops="The bot stops writing and answering at once, until it is connected again.",
    methods=(TelegramBot(),),
    names=Names(admin="telegram", refused="invalid_token", connections="telegram", chat="telegram"),
    wire_fields=("botId", "botUsername"),
    features={Feature.SEND: frozenset()},
    limits=(
        "The hub writes messages only; what people write to the bot is not answered yet.",
        "A person must write to the bot first; it cannot begin a conversation.",
        "A message has at most 4,096 characters; about 20 a minute go to one group, 30 a second in all.",
    ),
)
