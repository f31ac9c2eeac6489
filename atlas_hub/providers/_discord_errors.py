"""What Discord's answers mean: their shape, or the error that a status and a `code` stand for.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer

T = TypeVar("T")


def _text_of(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$"), BeforeValidator(_text_of)]
"""Discord's ids are numbers, as text; a number is taken for its text."""

FIELD = "bot_token"
NEEDED = "Discord needs the bot's token: in the Developer Portal, under Bot, choose Reset Token and copy it."

UNAUTHORIZED = "401"
NOT_IN_SERVER = "The bot is not in this Discord server, or may not see it. Check the Guild ID, and invite the bot."
_ABSENT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_BUSY = frozenset({20016, 20022, 20028, 40003})
_BLOCKED = 40333
_PAGE = re.compile(rb"\s*(?:<|error code: )", re.IGNORECASE)
"""How Cloudflare's own refusals begin: a page, or one line for who takes none."""
_SHUT_OUT = re.compile(rb"error code: 1015\b", re.IGNORECASE)
_PASSING_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_NOT_THERE = {
    10003: "it knows no such channel that the bot may see. Check the ID, and that the bot is in that server.",
    10004: "the bot is not in this server. Invite it first.",
    40058: "this is a forum. Choose one of its posts, or a text channel.",
    50001: "the bot may not see this channel. Give its role View Channel there.",
    50007: "this person takes no messages from the bot. Choose a channel.",
    50008: "this channel takes no text. Choose a text channel.",
    50013: "the bot may not write here. Give its role Send Messages in this channel, or in threads where it is one.",
    50024: "this channel takes no text. Choose a text channel.",
    50083: "this thread is archived. Open it again, or choose another channel.",
    50009: "this server wants more verification than the bot has. Ask its moderators.",
    160005: "this thread is locked. Unlock it, or choose another channel.",
    200000: "the server's AutoMod blocks this text. Ask its moderators to let the bot through.",
    240000: "Discord's filter of harmful links blocks this text. Take the link out.",
}
"""Codes of a message that is refused (…/docs/topics/opcodes-and-status-codes#json)."""


def _body(answer: Answer) -> Any:
    try:
        return answer.json()
    except PlatformError:
        return None


def _is_front(answer: Answer, body: Any) -> bool:
    """Whether Cloudflare refused with a page or a code of its own, before Discord saw the token."""
    is_page = body is None and _PAGE.match(answer.body) is not None
    is_coded = isinstance(body, dict) and body.get("code") == _BLOCKED
    return answer.status == HTTPStatus.FORBIDDEN and (is_page or is_coded)


def read_as(shape: TypeAdapter[T], answer: Answer, *, to_channel: bool = False, of_server: bool = False) -> T:
    """The body of a good answer in its shape. Raises a `ProviderError`.

    `to_channel`: the question was a message, `of_server`: about a server; without them, it was about the token, and a
    refusal is the token's.
    """
    body = _body(answer)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        if of_server and answer.status in _ABSENT and isinstance(body, dict) and not _is_front(answer, body):
            raise InsufficientPermissions(NOT_IN_SERVER, field="guild_id", vendor_code=_named(body))
        raise _refusal(body, answer, of_token=not (to_channel or of_server), to_channel=to_channel)
    answer.json()
    try:
        return shape.validate_python(body)
    except ValidationError:
        raise PlatformError("Discord gave an answer that makes no sense. Try again later.") from None


def _code(body: Any) -> int:
    number = body.get("code") if isinstance(body, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def _named(body: Any) -> str | None:
    return str(_code(body)) if _code(body) else None


def _refusal(  # noqa: PLR0911  # one a meaning
    body: Any, answer: Answer, *, of_token: bool, to_channel: bool
) -> ProviderError:
    """What a status and Discord's `code` mean; its `message` is never shown."""
    said = body if isinstance(body, dict) else {}
    code, named = _code(body), _named(body)
    is_shut_out = body is None and _is_front(answer, body) and _SHUT_OUT.search(answer.body) is not None
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or code in _BUSY or is_shut_out:
        return _busy(said, answer)
    if _is_front(answer, body):
        text = "Discord's network turned this server away before it looked at the token. Try again in an hour."
        return PlatformError(text, vendor_code=named)
    if answer.status == HTTPStatus.UNAUTHORIZED or code in {40001, 50014}:
        text = "Discord rejected the token: it is not a bot's current token, most likely because it was reset. "
        text = f"{text}Under Bot, choose Reset Token and paste the new one."
        return InvalidCredentials(text, field=FIELD, vendor_code=UNAUTHORIZED)
    if to_channel and code in _NOT_THERE:
        return InsufficientPermissions(f"Discord did not take it: {_NOT_THERE[code]}", field="to", vendor_code=named)
    if answer.status == HTTPStatus.FORBIDDEN:
        text = "Discord does not allow this to the bot. Check its role's permissions in the server."
        return InsufficientPermissions(text, vendor_code=named)
    told = f"{answer.status}, code {code}" if code else str(answer.status)
    if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status not in _PASSING_STATUS and of_token:
        text = f"Discord refused the token ({told}). {NEEDED}"
        return InvalidCredentials(text, field=FIELD, vendor_code=named)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PlatformError(f"Discord has a fault of its own ({told}). Try again later.", vendor_code=named)
    return PlatformError(f"Discord could not do this ({told}). Try again later.", vendor_code=named)


def _busy(said: Mapping[str, Any], answer: Answer) -> RateLimited:
    """Wait for `retry_after` in the body, else for the header (…/docs/topics/rate-limits#exceeding-a-rate-limit)."""
    told = said.get("retry_after")
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    seconds = retry_after(f"{told:f}" if is_number else answer.headers.get("retry-after"))
    if said:
        return RateLimited(f"Discord is busy. Try again in {seconds} seconds.", retry_after=seconds)
    # Cloudflare's own page (error 1015): this server's address made too many refused calls.
    text = f"Discord's network has shut this server out for a while. Try again in {seconds} seconds."
    return RateLimited(text, retry_after=seconds)
