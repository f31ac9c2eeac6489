"""Messages in Slack channels, the /atlas command, and follow-ups in threads.

1. Open https://api.slack.com/apps?new_app=1 and choose From a manifest; pick the Slack workspace.
2. Paste the app manifest below in place of Slack's, choose Next, then Create. It has the bot and its scopes.
3. Under OAuth & Permissions choose Install to Workspace, and Allow.
4. Copy the Bot User OAuth Token, which begins with xoxb-, and paste it into the form.
5. Optional: copy the Signing Secret from Basic Information, App Credentials, so that Slack's calls can be verified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InvalidCredentials,
)
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._slack_api_token import ApiToken, ByApiToken
from atlas_hub.providers._slack_channels import PRIVATE_SCOPE, listing
from atlas_hub.providers._slack_oauth import SlackConsent
from atlas_hub.providers._slack_wire import NEEDED, SCOPE, ask, nonsense, read
from atlas_hub.providers.contract import (
    UNKEYED,
    Account,
    Category,
    CheckResult,
    Copy,
    Environment,
    Feature,
    Form,
    Listing,
    Message,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
    Revoked,
)

FEATURES = {
    Feature.SEND: frozenset({"chat:write"}),
    Feature.LIST_CHANNELS: frozenset({"channels:read", "groups:read"}),
    Feature.READ_HISTORY: frozenset({"channels:history", "groups:history"}),
    Feature.SLASH_COMMAND: frozenset({"commands"}),
    Feature.MENTIONS: frozenset({"app_mentions:read"}),
}

_LOOKALIKES = {
    start: f"Looks like {what}. {NEEDED}"
    for start, what in {
        "xoxp-": "a user token (xoxp-)",
        "xapp-": "an app-level token (xapp-)",
        "xoxe": "a token that Slack lets expire after 12 hours, or its refresh token (xoxe)",
        "xoxa-": "a workspace token of an older kind (xoxa-)",
        "xoxc-": "a token out of a browser (xoxc-)",
        "xoxd-": "a cookie out of a browser (xoxd-)",
        "xoxs-": "a token out of a browser (xoxs-)",
        "https://": "an address",
    }.items()
}
_CHANNEL = re.compile(r"[CDGUW][A-Z0-9]{8,}")


class BotToken(Form):
    """The bot token of an installed Slack app, and what verifies Slack's calls to us."""

    bot_token: Secret = Field(
        title="Bot User OAuth Token",
        description="In your Slack app, under OAuth & Permissions.",
        examples=["xoxb-…"],
        json_schema_extra={"lookalikes": dict(_LOOKALIKES)},
    )
    signing_secret: Secret | None = Field(
        default=None,
        title="Signing Secret",
        description="Optional. It verifies Slack's calls, which this release does not take yet.",
        examples=["32 characters, 0 to 9 and a to f"],
    )

    _cleaned = field_validator("bot_token", "signing_secret", mode="before")(pasted)

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: Secret) -> Secret:
        text = value.reveal()
        for start, sentence in _LOOKALIKES.items():
            if text.startswith(start):
                raise ValueError(sentence)
        if not text.startswith("xoxb-"):
            raise ValueError(f"This is not a bot token. {NEEDED}")
        if re.fullmatch(r"xoxb-[\x21-\x7e]{1,507}", text) is None:
            raise ValueError("The token has characters that no Slack token has. Copy it again, whole and alone.")
        return value

    @field_validator("signing_secret")
    @classmethod
    def _is_a_signing_secret(cls, value: Secret | None) -> Secret | None:
        if value is not None and re.fullmatch(r"[\x21-\x7e]{1,256}", value.reveal()) is None:
            raise ValueError("A signing secret is 32 characters, 0 to 9 and a to f. Copy it from Basic Information.")
        return value


class Installation(BotToken):
    """What a consent gives: a bot token, and where the app's tokens rotate the one that renews it."""

    refresh_token: Secret | None = Field(default=None, title="Refresh Token")

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: Secret) -> Secret:
        if re.fullmatch(r"(?:xoxe\.)?xoxb-[\x21-\x7e]{1,1000}", value.reveal()) is None:
            raise ValueError(f"This is not a bot token. {NEEDED}")
        return value

    def masks(self) -> dict[str, str]:
        """What may be shown: the refresh token is of no use to anybody's eyes."""
        return {name: text for name, text in super().masks().items() if name != "refresh_token"}


class _Identity(BaseModel):
    """What auth.test answers (https://docs.slack.dev/reference/methods/auth.test)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    team_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    user_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    team: str | None = None
    user: str | None = None
    url: str | None = None
    enterprise_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    is_enterprise_install: bool | None = None

    def account(self) -> Account:
        """Raises `PlatformError` for an install on an enterprise that is not named."""
        key = self.team_id
        if self.is_enterprise_install:
            if self.enterprise_id is None:
                raise nonsense()
            key = f"enterprise:{self.enterprise_id}"
        team = shown(self.team or "") or self.team_id
        details = {"Workspace": team, "Team ID": self.team_id}
        user = shown(self.user or "")
        if user:
            details["Bot"] = f"@{user}"
        linked = re.fullmatch(r"https://[a-z0-9.-]+\.slack(?:-gov)?\.com/", self.url or "")
        return Account(
            key=key,
            app_key=self.user_id or UNKEYED,
            name=team,
            details=details,
            wire={"teamId": self.team_id, "workspaceName": team},
            url=self.url if linked else None,
        )


class SlackBot(Method[BotToken]):
    """A bot token pasted from an app's page."""

    key, label, form = "bot_token", "Bot token", BotToken
    purpose = Purpose.CHAT
    lists_by = FEATURES[Feature.LIST_CHANNELS] - {PRIVATE_SCOPE}
    wire_names: ClassVar[Mapping[str, str]] = {"bot_token": "apiToken"}
    destination: ClassVar[str] = "Channel ID"
    destination_example: ClassVar[str] = "C0123456789"

    async def check(self, form: BotToken, http: Http, report: Report) -> CheckResult:
        """Ask Slack who this is and what it may (auth.test). Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like a bot token."
        answer = await ladder.reach("Slack", ask(form.bot_token, http, "auth.test"))
        with ladder.step("accepted", "Sign in") as rung:
            try:
                who = _Identity.model_validate(read(answer, http, is_sign_in=True))
            except ValidationError:
                raise nonsense() from None
            account = who.account()
            rung.detail = f"as {account.details.get('Bot', account.name)}"
        granted = _scopes(answer)
        with ladder.step("scopes", "Compare the scopes") as rung:
            missing = sorted(PROVIDER.needed_scopes - granted) if granted is not None else []
            rung.ok = not missing
            rung.detail = f"Missing: {', '.join(missing)}." if missing else "Every scope that is needed is granted."
            if granted is None:
                rung.detail = "Slack did not tell them."
        return CheckResult(account=account, label=account.name, granted=granted)

    async def send(self, form: BotToken, to: str, message: Message, http: Http) -> Receipt:
        """Post plain text to a channel or person (chat.postMessage). Raises `BadForm` for `to`, a `ProviderError`."""
        to = to.strip()
        if _CHANNEL.fullmatch(to) is None:
            raise BadForm(
                {
                    "to": "Enter the channel's ID, such as C0123456789, not its name. In Slack, open the channel, "
                    "click its name at the top, and copy the Channel ID at the end of the About tab."
                }
            )
        # Slack reads <…> and & as links, mentions and entities (docs.slack.dev/messaging/formatting-message-text).
        text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        said = {"channel": to, "text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        body = read(await ask(form.bot_token, http, "chat.postMessage", json=said), http)
        ts, channel = str(body.get("ts")), str(body.get("channel"))
        if re.fullmatch(r"\d{1,12}\.\d{6}", ts, re.ASCII) is None or _CHANNEL.fullmatch(channel) is None:
            raise nonsense()
        at = datetime.fromtimestamp(float(ts), UTC)
        return Receipt(id=ts, text=f"Slack accepted it in {channel} at {at:%H:%M:%S} UTC.")

    async def channels(self, form: BotToken, http: Http) -> Listing:
        """Every channel that is not archived (conversations.list). Raises a `ProviderError`."""
        return await listing(form.bot_token, http)

    async def revoke(self, form: BotToken, http: Http) -> Revoked:
        """Kill the token at Slack (auth.revoke). Raises a `ProviderError`."""
        try:
            body = read(await ask(form.bot_token, http, "auth.revoke"), http)
        except (AuthExpired, InvalidCredentials):
            return Revoked(dead=True, text="Slack did not accept this token any more.")
        if body.get("revoked") is True:
            return Revoked(dead=True, text="Slack revoked the token.")
        return Revoked(dead=False, text="Slack did not revoke the token. Remove the app in Slack.")


class SlackInstall(SlackConsent, SlackBot):
    """An app that was installed by consent."""

    key, label, form = "oauth", "Consent", Installation


class SlackApiToken(ByApiToken, SlackBot):
    """A token as the groups API's clients write it; no form of the page offers it."""

    key, label, form = "api_token", "API token", ApiToken  # type: ignore[assignment]  # it has a `bot_token`, too
    wire_type, wire_names = "SLACK", {}


def _scopes(answer: Answer) -> frozenset[str] | None:
    told = answer.headers.get("x-oauth-scopes")
    if told is None:
        return None
    return frozenset(scope for part in told.split(",") if SCOPE.fullmatch(scope := part.strip()))


_BOT = SlackBot()
_BOTSCOPES = sorted(frozenset().union(*(each for key, each in FEATURES.items() if key is not Feature.READ_HISTORY)))
_MANIFEST = {
    "display_information": {"name": "Atlas", "description": "Messages and commands of Atlas Hub"},
    "features": {"bot_user": {"display_name": "atlas", "always_online": True}},
    "oauth_config": {
        "redirect_urls": ["{address}/oauth/callback/slack", "{address}/v1/integrations/chat/oauth/callback"],
        "scopes": {"bot": _BOTSCOPES},
    },
    "settings": {"org_deploy_enabled": False, "socket_mode_enabled": False, "token_rotation_enabled": False},
}
"""An app as it is needed (https://docs.slack.dev/reference/app-manifest)."""

PROVIDER = Provider(
    slug="slack",
    name="Slack",
    category=Category.CHAT,
    docs="https://docs.slack.dev/authentication/tokens",
    about=__doc__ or "",
    stops="Messages to Slack channels, the /atlas command and follow-ups in threads stop at once.",
    methods=(_BOT,),
    names=Names(admin="slack", admin_path="slack/byot", refused="invalid_token", connections="slack", chat="slack"),
    wire_fields=("teamId", "workspaceName"),
    features=FEATURES,
    limits=(
        "About one message a second goes to a channel; Slack asks to wait when there are more.",
        "A channel takes messages only after the bot was invited there, with /invite and its @name.",
        "The hub writes messages only; the /atlas command, mentions and threads are not answered yet.",
    ),
    copies=(
        Copy(title="Bot token scopes", text=",".join(_BOTSCOPES), about="For OAuth & Permissions, Scopes."),
        Copy(
            title="App manifest",
            text=json.dumps(_MANIFEST, indent=2),
            about="For Create New App, From a manifest: the bot, every scope and the redirect addresses, in one paste. "
            "Slack wants https in those: where this hub has none, leave redirect_urls out.",
        ),
    ),
    oauth=SlackInstall(),
    environment=(
        Environment(method=_BOT, variables={"bot_token": "SLACK_BOT_TOKEN", "signing_secret": "SLACK_SIGNING_SECRET"}),
    ),
    unlisted=(SlackApiToken(),),
)
