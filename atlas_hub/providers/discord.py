"""Bot commands and conversations in Discord servers.

1. Open https://discord.com/developers/applications and choose New Application.
2. Copy the Application ID and the Public Key from General Information.
3. Under Bot, choose Reset Token and copy the token; Discord shows it once.
4. Paste the three into the form and choose Connect.
5. Under Installation, copy the Install Link, open it, and add the bot to your server.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, TypeAdapter

from atlas_hub.kit.cleaning import SHOWN_LENGTH, shown
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, ProviderError
from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.providers._discord_channels import listing
from atlas_hub.providers._discord_errors import FIELD, NEEDED, T, read_as
from atlas_hub.providers._discord_form import BotToken
from atlas_hub.providers._discord_oauth import DiscordInstall
from atlas_hub.providers._discord_wire import DISCORD, PERMISSIONS, PORTAL, Said, ask, post
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Copy,
    Feature,
    Listing,
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
_SEVERAL = (
    "The bot is in several Discord servers. Enter the Guild ID of the one whose channels are meant, then connect again."
)


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
_SERVER = TypeAdapter(_Guild)


class DiscordBot(Method[BotToken]):
    """A bot by its token, with the application that it belongs to."""

    key, label, form = "bot_token", "Bot token", BotToken
    purpose = Purpose.CHAT
    one_refusal = True
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
        application = await _compared(form, http, ladder)
        warnings: list[str] = []
        if application is None:
            warnings.append("Discord did not tell the application, so its ID and key could not be compared.")
        learned = _learned(form, application)
        form = form.model_copy(update=learned)
        with ladder.step("servers", "Look for servers") as rung:
            guilds = await _servers_of(form, http)
            if guilds is None:
                rung.ok, rung.detail = False, "Discord did not tell them."
                warnings.append("Discord did not tell in which servers the bot is.")
            else:
                rung.ok, rung.detail = bool(guilds), _servers(guilds)
        account = _account(form, name, username, guilds)
        return CheckResult(
            account=account,
            label=account.name,
            warnings=tuple(warnings),
            limits=(_invitation(form, http),) if guilds == [] else (),
            learned=learned,
        )

    async def send(self, form: BotToken, to: str, message: Message, http: Http) -> Receipt:
        """Post to a channel or thread, mentioning nobody. Raises `BadForm` for `to` and `text`, a `ProviderError`."""
        return await post(form.bot_token, form.application_id, to, message, http)

    async def channels(self, form: BotToken, http: Http) -> Listing:
        """The channels of the connection's server, or of the only one that the bot is in. Raises a `ProviderError`."""
        guild_id = form.guild_id
        if guild_id is None:
            path = f"/users/@me/guilds?limit={GUILD_LIMIT}"
            guilds = read_as(_GUILDS, await ask(form.bot_token, form.application_id, http, path))
            if len(guilds) != 1:
                raise InsufficientPermissions(_SEVERAL if guilds else _invitation(form, http), field="guild_id")
            guild_id = guilds[0].id
        return await listing(form.bot_token, form.application_id, guild_id, http)


def _learned(form: BotToken, told: _Application | None) -> dict[str, str]:
    """What was left empty and Discord told."""
    if told is None:
        return {}
    said = {"application_id": told.id, "public_key": told.verify_key}
    return {name: value for name, value in said.items() if not getattr(form, name)}


async def _servers_of(form: BotToken, http: Http) -> list[_Guild] | None:
    """The server that was given, which must be one of the bot's; else all, None where Discord does not tell them."""
    if form.guild_id is None:
        return await _learn(form, http, f"/users/@me/guilds?limit={GUILD_LIMIT}", _GUILDS)
    answer = await ask(form.bot_token, form.application_id, http, f"/guilds/{form.guild_id}")
    return [read_as(_SERVER, answer, of_server=True)]


async def _compared(form: BotToken, http: Http, ladder: Ladder) -> _Application | None:
    """The application that Discord tells, which is the one that was typed; None where it tells none."""
    with ladder.step("application", "Compare the application") as rung:
        application = await _learn(form, http, "/applications/@me", _APPLICATION)
        if application is not None:
            _compare(form, application)
            rung.detail = "Application ID and Public Key belong to this token."
        elif form.application_id:
            rung.ok, rung.detail = False, "Discord did not tell it."
        else:
            raise PlatformError("Discord did not tell the application. Try again, or enter the Application ID.")
    return application


def _compare(form: BotToken, told: _Application) -> None:
    """Raise where the token is another application's."""
    if form.application_id and told.id != form.application_id:
        text = "Discord says this token belongs to another application. Copy the Application ID from the page of the "
        raise InvalidCredentials(f"{text}application that the bot belongs to.", field="application_id")
    if form.public_key and told.verify_key != form.public_key:
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
        key=form.guild_id or form.application_id,
        app_key=form.application_id,
        name=_servers([only]) if only and form.guild_id else name,
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
