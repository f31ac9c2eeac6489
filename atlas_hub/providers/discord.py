"""Bot commands and conversations in Discord servers.

1. Open https://discord.com/developers/applications and choose New Application.
2. Copy the Application ID and the Public Key from General Information.
3. Under Bot, choose Reset Token and copy the token; Discord shows it once.
4. Paste the three into the form and choose Connect.
5. Under Installation, copy the Install Link, open it, and add the bot to your server.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field, TypeAdapter, field_validator

from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted, shown
from atlas_hub.kit.errors import InvalidCredentials, ProviderError
from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.redact import shapes
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._discord_errors import FIELD, NEEDED, T, read_as
from atlas_hub.providers._discord_oauth import DiscordInstall
from atlas_hub.providers._discord_wire import DISCORD, PERMISSIONS, PORTAL, Said, ask, post
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Copy,
    Feature,
    Form,
    Message,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

GUILD_LIMIT = 200
"""The longest page of servers (https://discord.com/developers/docs/resources/user#get-current-user-guilds)."""
BESIDE_SECONDS = 5.0
"""How long a question may take whose answer is not needed."""

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
        title="Application ID",
        description="In the Discord Developer Portal, under General Information.",
        examples=["17 to 20 digits"],
    )
    public_key: str = Field(
        title="Public Key",
        description="Under General Information, too. With it Discord's calls are verified.",
        examples=["64 characters, 0 to 9 and a to f"],
    )

    @field_validator("bot_token", "application_id", "public_key", mode="before")
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


class _Bot(Said):
    """What /users/@me answers (…/docs/resources/user#user-object); a person's `bot` is false."""

    username: str | None = None
    bot: bool = True


class _Application(Said):
    """What /applications/@me answers (…/docs/resources/application#application-object)."""

    verify_key: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Guild(Said):
    """A server as /users/@me/guilds lists it."""

    name: str


_BOT, _APPLICATION, _GUILDS = TypeAdapter(_Bot), TypeAdapter(_Application), TypeAdapter(list[_Guild])


class DiscordBot(Method[BotToken]):
    """A bot by its token, with the application that it belongs to."""

    key, label, form = "bot_token", "Bot token", BotToken
    purpose = Purpose.CHAT
    destination: ClassVar[str] = "Channel ID"
    destination_example: ClassVar[str] = "123456789012345678"

    async def check(self, form: BotToken, http: Http, report: Report) -> CheckResult:
        """Ask Discord who this is, of which application, and in which servers. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "All three look right."
        answer = await ladder.reach("Discord", ask(form.bot_token, form.application_id, http, "/users/@me"))
        with ladder.step("accepted", "Sign in") as rung:
            bot = read_as(_BOT, answer)
            if not bot.bot:
                raise InvalidCredentials(f"This token belongs to a person, not to a bot. {NEEDED}", field=FIELD)
            # With the @ before it, it is still short enough for a label.
            username = shown(bot.username or "", SHOWN_LENGTH - 1)
            name = f"@{username}" if username else bot.id
            rung.detail = f"as {name}"
        warnings: list[str] = []
        with ladder.step("application", "Compare the application") as rung:
            application = await _learn(form, http, "/applications/@me", _APPLICATION)
            if application is None:
                rung.ok, rung.detail = False, "Discord did not tell it."
                warnings.append("Discord did not tell the application, so its ID and key could not be compared.")
            else:
                _compare(form, application)
                rung.detail = "Application ID and Public Key belong to this token."
        with ladder.step("servers", "Look for servers") as rung:
            guilds = await _learn(form, http, f"/users/@me/guilds?limit={GUILD_LIMIT}", _GUILDS)
            if guilds is None:
                rung.ok, rung.detail = False, "Discord did not tell them."
                warnings.append("Discord did not tell in which servers the bot is.")
            else:
                rung.ok, rung.detail = bool(guilds), _servers(guilds)
        return CheckResult(
            account=_account(form, name, username, guilds),
            label=name,
            warnings=tuple(warnings),
            limits=(_invitation(form, http),) if guilds == [] else (),
        )

    async def send(self, form: BotToken, to: str, message: Message, http: Http) -> Receipt:
        """Post to a channel or thread, mentioning nobody. Raises `BadForm` for `to` and `text`, a `ProviderError`."""
        return await post(form.bot_token, form.application_id, to, message, http)


def _compare(form: BotToken, told: _Application) -> None:
    """Raise where the token is another application's."""
    if told.id != form.application_id:
        text = "Discord says this token belongs to another application. Copy the Application ID from the page of the "
        raise InvalidCredentials(f"{text}application that the bot belongs to.", field="application_id")
    if told.verify_key != form.public_key:
        text = "Discord has another Public Key for this application. Copy it again from General Information."
        raise InvalidCredentials(text, field="public_key")


def _servers(guilds: list[_Guild]) -> str:
    names = [shown(guild.name) or guild.id for guild in guilds]
    if len(names) <= 2:  # noqa: PLR2004  # as many as are named
        return " and ".join(names) or "None yet"
    # A full page may not be all of them.
    least = "at least " if len(names) == GUILD_LIMIT else ""
    return f"{names[0]}, {names[1]} and {least}{len(names) - 2} more"


def _account(form: BotToken, name: str, username: str, guilds: list[_Guild] | None) -> Account:
    only = guilds[0] if guilds and len(guilds) == 1 else None
    details = {} if guilds is None else {"Server": _servers(guilds)}
    if only:
        details["Guild ID"] = only.id
    return Account(
        key=form.application_id,
        app_key=form.application_id,
        name=name,
        details={**details, "Bot": name, "Application ID": form.application_id},
        wire={
            "guildId": only.id if only else None,
            "guildName": _servers([only]) if only else None,
            "botUsername": username or None,
        },
        url=f"{PORTAL}/{form.application_id}",
    )


def _invitation(form: BotToken, http: Http) -> str:
    asked = f"client_id={form.application_id}&scope=bot%20applications.commands&permissions={PERMISSIONS}"
    link = http.url(DISCORD, f"/oauth2/authorize?{asked}")
    return f"The bot is in no server yet, so nothing can be delivered. Open {link} to add it, then check again."


async def _learn(form: BotToken, http: Http, path: str, shape: TypeAdapter[T]) -> T | None:
    """What Discord tells beside the sign-in, None where it does not: the token was taken before."""
    try:
        return read_as(shape, await ask(form.bot_token, form.application_id, http, path, seconds=BESIDE_SECONDS))
    except ProviderError:
        return None


PROVIDER = Provider(
    slug="discord",
    name="Discord",
    category=Category.CHAT,
    docs="https://discord.com/developers/docs/quick-start/getting-started",
    about=__doc__ or "",
    stops="The bot stops writing and answering in the Discord server at once, until it is connected again.",
    methods=(DiscordBot(),),
    names=Names(
        admin="discord", admin_path="discord/byot", refused="invalid_token", connections="discord", chat="discord"
    ),
    wire_fields=("guildId", "guildName"),
    answer_fields=("botUsername",),
    limits=(
        "A message holds at most 2,000 characters; a longer one is refused before it is sent.",
        "Messages mention nobody and show no link previews.",
        "The hub writes messages only; commands and mentions are not answered yet.",
    ),
    features={
        Feature.SEND: frozenset(),
        Feature.LIST_CHANNELS: frozenset(),
        Feature.SLASH_COMMAND: frozenset(),
        Feature.MENTIONS: frozenset(),
    },
    copies=(
        Copy(
            title="Install link",
            text="https://discord.com/oauth2/authorize?client_id={client_id}&scope=bot%20applications.commands"
            f"&permissions={PERMISSIONS}",
            about="Opens Discord's page that adds the bot to a server.",
        ),
    ),
    oauth=DiscordInstall(),
)
