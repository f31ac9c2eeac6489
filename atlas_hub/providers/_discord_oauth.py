"""Discord's consent: a bot is added to a server (https://discord.com/developers/docs/topics/oauth2)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from atlas_hub.kit import oauth
from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import AuthExpired, InsufficientPermissions, InvalidCredentials, PlatformError, ProviderError
from atlas_hub.kit.form import Form
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._consent import App, AppForm, Ask, Back, Consent, Further, Grant, Person
from atlas_hub.providers._discord_channels import listing
from atlas_hub.providers._discord_errors import Id, read_as
from atlas_hub.providers._discord_wire import DISCORD, PERMISSIONS, PORTAL, ask, post
from atlas_hub.providers.contract import Account, CheckResult, Listing, Message, Method, Purpose, Receipt, Revoked

SCOPES = ("bot", "applications.commands")
_AGAIN = "Connect again from the Integrations page."
_APP = "Check the application's Client ID and Client Secret under OAuth2 in the Developer Portal."
_BY_HAND = "In Discord, under Server Settings, Integrations, remove the bot."
_MUTE = (
    "The hub knows no bot token of this application, so nothing can be sent or checked. Whoever runs the hub sets "
    "DISCORD_BOT_TOKEN, or store the application with its bot token under OAuth apps."
)


class DiscordApp(AppForm):
    """A Discord application, with the token of its bot."""

    api_token: Secret | None = Field(
        default=None,
        title="Bot Token",
        description="Under Bot, Reset Token. Without it nothing can be sent to a server connected by consent.",
    )

    _tidy = field_validator("api_token", mode="before")(pasted)


class Server(Form):
    """A server that the application's bot was added to."""

    application_id: str = Field(title="Application ID")
    guild_id: str = Field(title="Guild ID", pattern=r"^\d{1,20}$")
    guild_name: str = Field(default="", title="Server")
    bot_token: Secret | None = Field(default=None, title="Bot Token")


class _Guild(BaseModel):
    """A server as Discord tells it (…/docs/resources/guild#guild-object)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: Id
    name: str | None = None


class DiscordConsent(Consent):
    """The addition of a bot to a server by somebody who manages it."""

    app: ClassVar[type[AppForm]] = DiscordApp
    variables: ClassVar[Mapping[str, str]] = {
        "client_id": "DISCORD_CLIENT_ID",
        "secret_key": "DISCORD_CLIENT_SECRET",
        "api_token": "DISCORD_BOT_TOKEN",
    }
    from_app: ClassVar[Mapping[str, str]] = {"application_id": "client_id", "bot_token": "api_token"}
    button: ClassVar[str] = "Connect to Discord"
    scopes: ClassVar[tuple[str, ...]] = SCOPES
    by_hand: ClassVar[str] = _BY_HAND

    app_steps: ClassVar[tuple[str, ...]] = (
        "Open https://discord.com/developers/applications and choose the application, or New Application.",
        "Under OAuth2 add both redirect addresses below; copy the Client ID, and the Client Secret by Reset Secret.",
        "Under Bot choose Reset Token, and copy the token: what is sent to servers goes by it.",
    )

    def address(self, app: App, ask: Ask, http: Http) -> str:
        """Discord's page, where a server is chosen."""
        params = {
            "client_id": app.client_id,
            "permissions": str(PERMISSIONS),
            "scope": " ".join(SCOPES),
            "response_type": "code",
            "redirect_uri": ask.redirect_uri,
            "state": ask.state,
            "code_challenge": ask.challenge,
            "code_challenge_method": "S256",
        }
        return oauth.address(http.url(DISCORD, "/oauth2/authorize"), params)

    async def exchange(self, app: App, back: Back, http: Http) -> Grant | Person | Further:
        """The server out of the token's answer; what the query says of a server proves nothing.

        The token itself is about whoever agreed, and is not kept.
        """
        asked = {
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": app.client_secret.reveal(),
            "code": back.params.get("code", ""),
            "redirect_uri": back.redirect_uri,
            "code_verifier": back.verifier.reveal(),
        }
        answer = await http.ask(DISCORD, "POST", "/api/v10/oauth2/token", form=asked)
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise _refused(answer)
        http.judge(DISCORD, answer)
        try:
            guild = _Guild.model_validate(answer.object.get("guild"))
        except ValidationError:
            guild = None
        if guild is None:
            raise PlatformError(f"Discord did not say to which server the bot was added. {_AGAIN}")
        scope = answer.object.get("scope")
        named = shown(guild.name or "")
        form = Server(
            application_id=app.client_id,
            guild_id=guild.id,
            guild_name=named,
            bot_token=app.beside.get("api_token"),
        )
        return Grant(
            form=form,
            granted=frozenset(scope.split()) if isinstance(scope, str) else None,
            workspace={"id": guild.id, "name": named or guild.id},
        )


class DiscordInstall(DiscordConsent, Method[Server]):
    """A server that was connected by consent: what a bot may do there, with the application's own bot token."""

    key, label, form = "oauth", "Consent", Server
    purpose = Purpose.CHAT
    one_refusal = True
    destination: ClassVar[str] = "Channel ID"
    destination_example: ClassVar[str] = "123456789012345678"

    async def check(self, form: Server, http: Http, report: Report) -> CheckResult:
        """Ask whether the bot is still in the server. Raises a `ProviderError`."""
        ladder = Ladder(report)
        if form.bot_token is None:
            account = _account(form, form.guild_name)
            return CheckResult(account=account, label=account.name, limits=(_MUTE,), delivers=False)
        asked = ask(form.bot_token, form.application_id, http, f"/guilds/{form.guild_id}")
        answer = await ladder.reach("Discord", asked)
        with ladder.step("accepted", "Look for the bot in the server") as rung:
            if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                raise AuthExpired(f"The bot is not in the server any more. {_AGAIN}")
            guild = read_as(_GUILD, answer)
            account = _account(form, shown(guild.name or "") or form.guild_name)
            rung.detail = f"in {account.name}"
        return CheckResult(account=account, label=account.name)

    async def send(self, form: Server, to: str, message: Message, http: Http) -> Receipt:
        """Post to a channel or thread of the server. Raises `BadForm` for `to` and `text`, a `ProviderError`."""
        if form.bot_token is None:
            raise InvalidCredentials(_MUTE)
        return await post(form.bot_token, form.application_id, to, message, http)

    async def channels(self, form: Server, http: Http) -> Listing:
        """The channels of the server. Raises a `ProviderError`."""
        if form.bot_token is None:
            raise InsufficientPermissions(_MUTE)
        return await listing(form.bot_token, form.application_id, form.guild_id, http)

    async def revoke(self, form: Server, http: Http) -> Revoked:
        """Let the bot leave the server (…/docs/resources/user#leave-guild). Raises a `ProviderError`."""
        if form.bot_token is None:
            return Revoked(dead=None, text=f"The hub has no bot token to leave the server with. {_BY_HAND}")
        path = f"/users/@me/guilds/{form.guild_id}"
        answer = await ask(form.bot_token, form.application_id, http, path, method="DELETE")
        absent = answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN} and "code" in answer.object
        if answer.status == HTTPStatus.NO_CONTENT or absent:  # anything else is not Discord's word for it
            return Revoked(dead=True, text="The bot left the server.")
        http.judge(DISCORD, answer)
        return Revoked(dead=False, text=f"Discord did not let the bot leave the server. {_BY_HAND}")


_GUILD = TypeAdapter(_Guild)


def _account(form: Server, name: str) -> Account:
    called = name or f"Server {form.guild_id}"
    return Account(
        key=form.guild_id,
        app_key=form.application_id,
        name=called,
        details={"Server": called, "Guild ID": form.guild_id, "Application ID": form.application_id},
        wire={"guildId": form.guild_id, "guildName": name or None, "botUsername": None},
        url=f"{PORTAL}/{form.application_id}",
    )


def _refused(answer: Answer) -> ProviderError:
    said = answer.object.get("error")
    if said in {"invalid_client", "unauthorized_client"}:
        return InvalidCredentials(f"Discord rejected the application. {_APP}", vendor_code=str(said))
    if said == "invalid_grant":
        return InvalidCredentials(f"Discord knows no such code, or it was used before. {_AGAIN}", vendor_code=said)
    return PlatformError(f"Discord did not take the consent. {_AGAIN}")
