"""Messages in Microsoft Teams channels and chats, and answers to @atlas mentions.

1. Open https://portal.azure.com/#create/Microsoft.AzureBot, choose Single Tenant as Type of App, and create the bot.
2. In the bot, under Settings, Configuration, copy the Microsoft App ID and the App Tenant ID.
3. Beside the App ID choose Manage Password, then New client secret, and copy its Value (not its Secret ID).
4. In the bot, under Settings, Channels, add Microsoft Teams.
5. Paste App ID, Value and Tenant ID into the form and choose Connect.
6. At https://dev.teams.microsoft.com/apps make an app with this bot, and add it to the teams it should write in.
"""

from __future__ import annotations

import base64
import json
import re
from typing import ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted, shown
from atlas_hub.kit.errors import ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._teams_errors import SECRET, nonsense, of_message, of_sign_in
from atlas_hub.providers._teams_oauth import TeamsConsent
from atlas_hub.providers._teams_webhook import TeamsWebhook
from atlas_hub.providers._teams_wire import GRAPH, GUID, LOGIN, conversation
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
    Revoked,
)

BOTS = Upstream("BOTFRAMEWORK", "Microsoft Teams", "https://smba.trafficmanager.net")
SHARED = "botframework.com"
"""Where multi-tenant bots sign in; it and its GUID are Microsoft's own, nobody's tenant."""

_SHARED = {SHARED, "d6d49420-f39b-4df7-a1dc-d59a935871db"}
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_TOLD = {200, 400, 401}
"""The statuses whose body tells of a refusal in OAuth's words; a 200 has come in that way from gateways."""
_UNPROVEN = "No tenant is proven, as no Tenant ID was given. Enter it if Teams does not accept the bot."
_UNNAMED = (
    "Microsoft did not tell the tenant's name, which it tells only to apps with Graph's permission "
    "Organization.Read.All."
)
_SCOPE = "https://api.botframework.com/.default"


class App(Form):
    """The credentials of an Azure Bot's app registration."""

    app_id: str = Field(
        title="App ID",
        description="In your Azure Bot, under Configuration: the Microsoft App ID.",
        examples=["00000000-0000-0000-0000-000000000000"],
    )
    app_password: Secret = Field(
        title="App Password",
        description="The Value of a client secret of the app, under Certificates & secrets. Not its Secret ID.",
        examples=["40 characters, shown once"],
    )
    tenant_id: str | None = Field(
        default=None,
        title="Tenant ID",
        description="Needed for a single-tenant bot, the only kind with a password that Azure makes since August 2025. "
        "Leave it empty for an older, multi-tenant bot.",
        examples=["00000000-0000-0000-0000-000000000000 or contoso.onmicrosoft.com"],
    )

    _cleaned = field_validator("app_id", "app_password", "tenant_id", mode="before")(pasted)

    @field_validator("app_id")
    @classmethod
    def _can_be_an_id(cls, value: str) -> str:
        # Whether there is such an app, Microsoft tells.
        if re.fullmatch(r"[\w.-]{1,100}", value, re.ASCII) is None:
            raise ValueError(
                "This is not an App ID. Copy the Microsoft App ID: five groups of 0 to 9 and a to f, with hyphens."
            )
        return value.lower()

    @field_validator("app_password")
    @classmethod
    def _can_be_a_secret(cls, value: Secret) -> Secret:
        # Old command lines made secrets of any shape, GUIDs among them: a Secret ID is known for one when refused.
        if re.fullmatch(r"[\x21-\x7e]{1,512}", value.reveal()) is None:
            raise ValueError("This is not an App Password. Copy the client secret's Value again, whole and alone.")
        return value

    @field_validator("tenant_id")
    @classmethod
    def _is_a_tenant(cls, value: str | None) -> str | None:
        # It becomes part of a path: nothing else may get there.
        text = (value or "").lower()
        if value is None or text in _SHARED:
            return None
        if GUID.fullmatch(text) is None and _DOMAIN.fullmatch(text) is None:
            raise ValueError("This is not a Tenant ID. Enter the tenant's GUID, or a domain of it with its dot.")
        return text


class _Organisation(BaseModel):
    """An entry of the organization list (https://learn.microsoft.com/graph/api/organization-list)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(pattern=f"^(?i:{GUID.pattern})$")
    displayName: str | None = None  # noqa: N815  # Graph's name


class TeamsApp(Method[App]):
    """A bot by its app registration in Microsoft Entra."""

    key, label, form = "app", "App credentials", App
    purpose = Purpose.CHAT
    recommended_because = "A bot that writes in every team it is added to."
    destination: ClassVar[str] = "Conversation or channel ID"
    destination_example: ClassVar[str] = "19:0a1b2c3d4e5f60718293a4b5c6d7e8f9@thread.tacv2"
    lists_not: ClassVar[str] = (
        "Microsoft Teams tells a bot only of the conversations it is written to in, so channels cannot be listed. "
        "Give the conversation ID instead."
    )

    async def check(self, form: App, http: Http, report: Report) -> CheckResult:
        """Get a token for the Bot Framework, then the tenant's name where Graph tells. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like app credentials."
            if GUID.fullmatch(form.app_password.reveal().lower()):
                rung.detail = "The App Password looks like a Secret ID. It is tried all the same."
        answer = await ladder.reach("Microsoft Entra", _mint(form, http, _SCOPE))
        with ladder.step("accepted", "Sign in") as rung:
            token = _token(answer, form, http)
            tenant = _tenant_of(token, form)
            rung.detail = f"as app {form.app_id}"
        with ladder.step("tenant", "Ask for the tenant's name") as rung:
            told = await _organisation(form, http) if form.tenant_id else None
            if told and tenant and told.id.lower() != tenant:
                told = None  # Entra made the token, so its word counts
            tenant = told.id.lower() if told else tenant
            name = (shown(told.displayName or "") or None) if told else None
            warning = "" if name else _UNNAMED if form.tenant_id else _UNPROVEN
            rung.detail = name or warning
        account = _account(form, tenant, name)
        return CheckResult(account=account, label=account.name, warnings=(warning,) if warning else ())

    async def send(self, form: App, to: str, message: Message, http: Http) -> Receipt:
        """Post plain text to a channel, chat or thread. Raises `BadForm` for `to`, a `ProviderError`.

        In a channel this begins a thread (https://learn.microsoft.com/azure/bot-service/rest-api, *Send to
        conversation*).
        """
        to = conversation(to)
        token = _token(await _mint(form, http, _SCOPE), form, http)
        said = {"type": "message", "text": message.text, "textFormat": "plain"}
        # Unescaped, the semicolon before messageid would end the path's segment (and Teams knows no such ID).
        path = f"/teams/v3/conversations/{quote(to, safe='')}/activities"
        answer = await http.ask(BOTS, "POST", path, headers=_bearer(token), json=said)
        error = of_message(answer)
        if error is not None:
            raise error
        http.judge(BOTS, answer)
        if answer.status == 202 and not answer.body:  # noqa: PLR2004  # taken, to be delivered later, without an ID
            return Receipt(id="", text=f"Microsoft Teams accepted it in {to}, without a message ID.")
        body = answer.json()
        number = body.get("id") if isinstance(body, dict) else None
        if not isinstance(number, str) or re.fullmatch(r"[\w:|.;=-]{1,128}", number, re.ASCII) is None:
            raise nonsense("Microsoft Teams")
        return Receipt(id=number, text=f"Microsoft Teams accepted it in {to} as message {number}.")


class TeamsInstall(TeamsConsent, TeamsApp):
    """A tenant whose administrator admitted the app: its credentials are the app's, the tenant the connection's."""

    key, label, form = "oauth", "Consent", App

    async def revoke(self, form: App, http: Http) -> Revoked:  # noqa: ARG002  # the contract's
        """Nothing can be taken back from here: what an administrator admitted, they remove."""
        return Revoked(dead=None, text=f"Microsoft lets only an administrator take the consent back. {self.by_hand}")


async def _mint(form: App, http: Http, scope: str) -> Answer:
    """Ask for a token (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)."""
    said = {
        "grant_type": "client_credentials",
        "client_id": form.app_id,
        "client_secret": form.app_password.reveal(),
        "scope": scope,
    }
    return await http.ask(LOGIN, "POST", f"/{form.tenant_id or SHARED}/oauth2/v2.0/token", form=said)


def _token(answer: Answer, form: App, http: Http) -> Secret:
    """The token of an answer. Raises a `ProviderError` where there is none."""
    if answer.status in _TOLD:
        is_guid = GUID.fullmatch(form.app_password.reveal().lower()) is not None
        error = of_sign_in(answer, at_tenant=form.tenant_id is not None, is_guid=is_guid)
        if error is not None:
            raise error
    http.judge(LOGIN, answer, field=SECRET)
    body = answer.json()
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or re.fullmatch(r"[\x21-\x7e]{1,16384}", token) is None:
        raise nonsense("Microsoft Entra")
    return Secret(token)


def _bearer(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _tenant_of(token: Secret, form: App) -> str | None:
    """The GUID of the tenant that made the token; None where none was given, or a domain whose GUID is not told.

    The claim `tid` is read without its signature: Entra itself has just said it.
    """
    if form.tenant_id is None:
        return None
    try:
        part = token.reveal().split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        tid = str(told["tid"]).lower()
    except (ValueError, LookupError, TypeError, RecursionError):
        tid = ""
    typed = form.tenant_id if GUID.fullmatch(form.tenant_id) else None
    if GUID.fullmatch(tid) is None:
        return typed
    if typed and tid != typed:
        raise nonsense("Microsoft Entra")
    return tid


async def _organisation(form: App, http: Http) -> _Organisation | None:
    """The tenant as Graph tells it, None where it does not: Entra has accepted the bot, and this is about a name."""
    try:
        token = _token(await _mint(form, http, "https://graph.microsoft.com/.default"), form, http)
        answer = await http.ask(GRAPH, "GET", "/v1.0/organization?$select=id,displayName", headers=_bearer(token))
        http.judge(GRAPH, answer)
        return _Organisation.model_validate(answer.json()["value"][0])
    except (ProviderError, ValidationError, LookupError, TypeError):
        return None


def _account(form: App, tenant: str | None, name: str | None) -> Account:
    rows = {"Tenant": name, "Tenant ID": tenant, "App ID": form.app_id}
    called = name or (f"Tenant {form.tenant_id}" if tenant else f"App {form.app_id}")
    return Account(
        key=tenant or form.app_id,
        app_key=form.app_id,
        name=called[:SHOWN_LENGTH],
        details={title: text for title, text in rows.items() if text},
        wire={"tenantId": tenant, "tenantName": name, "appId": form.app_id},
        url=f"https://portal.azure.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/{form.app_id}",
    )


PROVIDER = Provider(
    slug="teams",
    name="Microsoft Teams",
    category=Category.CHAT,
    docs="https://learn.microsoft.com/en-us/azure/bot-service/abs-quickstart",
    about=__doc__ or "",
    stops="Messages to Teams and answers to @atlas mentions stop until the bot is connected again.",
    methods=(TeamsApp(), TeamsWebhook()),
    names=Names(
        admin="teams", admin_path="teams/byot", refused="invalid_credentials", connections="teams", chat="msteams"
    ),
    wire_fields=("tenantId", "tenantName"),
    answer_fields=("appId",),
    limits=(
        "Whether the app is a bot with the Teams channel, and where it is installed, shows when a message is sent.",
        "Microsoft does not tell when a client secret ends; it lasts 24 months at most.",
        "A message has 80 KB at most. An app may send 50 in a second, and 1,800 in an hour to one conversation.",
        "Tenants of Microsoft's clouds for governments and for China are not reached.",
        "The hub writes messages only; mentions of the bot are not answered yet.",
    ),
    features={Feature.SEND: frozenset(), Feature.MENTIONS: frozenset()},
    oauth=TeamsInstall(),
)
