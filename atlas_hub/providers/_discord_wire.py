"""How Discord is asked with a bot's token, and how a message is posted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.http import TOTAL_SECONDS, Answer, Http, Upstream
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._discord_errors import Id, read_as
from atlas_hub.providers.contract import Message, Receipt

DISCORD = Upstream("DISCORD", "Discord", "https://discord.com")
PORTAL = "https://discord.com/developers/applications"
TEXT_LIMIT = 2000
PERMISSIONS = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 38
"""View channels, send messages, embed links, send in threads (…/docs/topics/permissions)."""

_SUPPRESS_EMBEDS = 1 << 2
_SNOWFLAKE = re.compile(r"\d{17,20}", re.ASCII)


class Said(BaseModel):
    """What has an id."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: Id


_MESSAGE = TypeAdapter(Said)


async def ask(
    token: Secret,
    application: str,
    http: Http,
    path: str,
    *,
    method: str = "GET",
    said: Mapping[str, Any] | None = None,
    seconds: float = TOTAL_SECONDS,
) -> Answer:
    """Discord's answer to a bot. Raises a `ProviderError`."""
    # Discord may shut out whoever does not call himself so (…/docs/reference#user-agent).
    agent = f"DiscordBot ({PORTAL}/{application}, 1)" if application else f"DiscordBot ({PORTAL}, 1)"
    headers = {"Authorization": f"Bot {token.reveal()}", "User-Agent": agent}
    return await http.ask(DISCORD, method, f"/api/v10{path}", headers=headers, json=said, timeout=seconds)


async def post(token: Secret, application: str, to: str, message: Message, http: Http) -> Receipt:
    """Post to a channel or thread, mentioning nobody. Raises `BadForm` for `to` and `text`, a `ProviderError`.

    https://discord.com/developers/docs/resources/message#create-message
    """
    to = to.strip()
    if _SNOWFLAKE.fullmatch(to) is None:
        raise BadForm(
            {
                "to": "Enter the channel's ID, 17 to 20 digits, not its name. In Discord, turn on Developer Mode "
                "under Settings, Advanced; then right-click the channel and choose Copy Channel ID."
            }
        )
    if len(message.text) > TEXT_LIMIT:
        raise BadForm({"text": "Discord takes at most 2,000 characters in a message. Shorten it."})
    said = {"content": message.text, "allowed_mentions": {"parse": []}, "flags": _SUPPRESS_EMBEDS}
    answer = await ask(token, application, http, f"/channels/{to}/messages", method="POST", said=said)
    posted = read_as(_MESSAGE, answer, to_channel=True)
    return Receipt(id=posted.id, text=f"Discord accepted it in channel {to} as message {posted.id}.")
