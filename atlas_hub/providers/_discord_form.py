"""What an admin types to connect a Discord bot by its token."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.form import Form
from atlas_hub.kit.redact import shapes
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._discord_errors import NEEDED

_LOOKALIKES = {
    "https://discord.com/api/webhooks/": f"Looks like the address of a webhook. {NEEDED}",
    "https://": f"Looks like an address. {NEEDED}",
    "mfa.": f"Looks like the token of a person's account. {NEEDED}",
}
# A token's first part is a number in Base64, hence the three letters. No log line shall show one.
shapes(re.compile(r"(?<![\w-])[MNO][\w-]{22,30}\.[\w-]{5,8}\.[\w-]{25,}", re.ASCII))


class BotToken(Form):
    """What an application's pages in the Developer Portal show."""

    bot_token: Secret = Field(
        title="Bot Token",
        description="In the Discord Developer Portal, under Bot, Reset Token.",
        examples=["three parts with dots between them, about 70 characters"],
        json_schema_extra={"lookalikes": {**_LOOKALIKES}},
    )
    application_id: str = Field(
        default="",
        title="Application ID",
        description="In the Discord Developer Portal, under General Information.",
        examples=["17 to 20 digits"],
    )
    public_key: str = Field(
        default="",
        title="Public Key",
        description="Under General Information, too. With it Discord's calls are verified.",
        examples=["64 characters, 0 to 9 and a to f"],
    )
    guild_id: str | None = Field(
        default=None,
        title="Guild ID",
        description="Optional: the server that the connection is about, where the bot is in several.",
        examples=["17 to 20 digits"],
    )

    @field_validator("bot_token", "application_id", "public_key", "guild_id", mode="before")
    @classmethod
    def _cleaned(cls, value: Any) -> Any:
        text = pasted(value)
        if not isinstance(text, str):
            return text
        return pasted(re.sub(r"^(?:authorization\s*:\s*)?bot\s+", "", text, count=1, flags=re.IGNORECASE))

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: Secret) -> Secret:
        text = value.reveal()
        for start, sentence in _LOOKALIKES.items():
            if text.startswith(start):
                raise ValueError(sentence)
        if re.fullmatch(r"[\x21-\x7e]{1,512}", text) is None:
            raise ValueError(f"This is not a bot token. {NEEDED}")
        return value

    @field_validator("application_id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        # Whether it is the bot's own, Discord tells. It becomes part of a header and of a link.
        if re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII) is None:
            raise ValueError("An Application ID is 17 to 20 digits. Copy it from General Information.")
        return value

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if re.fullmatch(r"[\x21-\x7e]{1,256}", value) is None:
            raise ValueError("A Public Key is 64 characters, 0 to 9 and a to f. Copy it from General Information.")
        return value.lower()

    @field_validator("guild_id")
    @classmethod
    def _is_a_server(cls, value: str | None) -> str | None:
        if value is not None and re.fullmatch(r"\d{1,20}", value, re.ASCII) is None:
            raise ValueError("A Guild ID is 17 to 20 digits. Right-click the server, then choose Copy Server ID.")
        return value
