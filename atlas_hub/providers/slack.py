"""Messages in Slack channels, the /atlas command, and follow-ups in threads.

1. Open https://api.slack.com/apps and choose Create New App, then From scratch.
2. Under OAuth & Permissions, Scopes, add to the Bot Token Scopes: chat:write, channels:read, groups:read.
3. For the /atlas command and mentions, add commands and app_mentions:read there too.
4. Choose Install to Workspace on the same page, and Allow.
5. Copy the Bot User OAuth Token, which begins with xoxb-, and paste it into the form.
6. Optional: copy the Signing Secret from Basic Information, App Credentials, so that Slack's calls can be verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import (
    AuthExpired,
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
    Revoked,
)

SLACK = Upstream("SLACK", "Slack", "https://slack.com")
FIELD = "bot_token"
NEEDED = "Slack needs the Bot User OAuth Token, which begins with xoxb-."
FEATURES = {
    Feature.SEND: frozenset({"chat:write"}),
    Feature.LIST_CHANNELS: frozenset({"channels:read", "groups:read"}),
    Feature.READ_HISTORY: frozenset({"channels:history", "groups:history"}),
    Feature.SLASH_COMMAND: frozenset({"commands"}),
    Feature.MENTIONS: frozenset({"app_mentions:read"}),
}

_LOOKALIKES = {
    "xoxp-": "a user token (xoxp-)",
    "xapp-": "an app-level token (xapp-)",
    "xoxe": "a token that Slack lets expire after 12 hours, or its refresh token (xoxe)",
    "xoxa-": "a workspace token of an older kind (xoxa-)",
    "xoxc-": "a token out of a browser (xoxc-)",
    "xoxd-": "a cookie out of a browser (xoxd-)",
    "xoxs-": "a token out of a browser (xoxs-)",
    "https://": "an address",
}
_SCOPE = re.compile(r"[a-z0-9_.:-]{1,64}")
_CODE = re.compile(r"[a-z_]{1,64}")
_CHANNEL = re.compile(r"[CDGUW][A-Z0-9]{8,}")
_ENDED = {
    "token_revoked": "it was revoked",
    "token_expired": "it has expired",
    "account_inactive": "the app was removed from the workspace, or the workspace is gone",
}
_DENIED = re.compile(
    "access_denied|accesslimited|ekm_access_denied|enterprise_is_restricted|no_permission|org_login_required|"
    "restricted_action|team_access_not_granted|two_factor_setup_required"
)
_NOT_THERE = {
    "channel_not_found": "it knows no such channel that the bot may see. Check the ID; a private channel shows only "
    "after the bot was invited: write /invite and the bot's @name in the channel.",
    "not_in_channel": "the bot is not in this channel. Invite it: write /invite and the bot's @name in the channel.",
    "is_archived": "this channel is archived. Choose another, or restore it in Slack.",
    "user_not_found": "it knows no such person. Check the ID.",
    "cannot_dm_bot": "a bot cannot write to another bot. Choose a channel or a person.",
    "messages_tab_disabled": "the app takes no direct messages. Turn on the Messages Tab under App Home.",
}


class BotToken(Form):
    """The bot token of an installed Slack app, and what verifies Slack's calls to us."""

    bot_token: Secret = Field(
        title="Bot User OAuth Token",
        description="In your Slack app, under OAuth & Permissions.",
        examples=["xoxb-…"],
    )
    signing_secret: Secret | None = Field(
        default=None,
        title="Signing Secret",
        description="Optional. Without it the /atlas command, mentions and replies of this app stay off.",
        examples=["32 characters, 0 to 9 and a to f"],
    )

    _cleaned = field_validator("bot_token", "signing_secret", mode="before")(pasted)

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: Secret) -> Secret:
        text = value.reveal()
        for start, what in _LOOKALIKES.items():
            if text.startswith(start):
                raise ValueError(f"Looks like {what}. {NEEDED}")
        if not text.startswith("xoxb-"):
            raise ValueError(f"This is not a bot token. {NEEDED}")
        if re.fullmatch(r"xoxb-[A-Za-z0-9-]{1,507}", text) is None:
            raise ValueError("The token has characters that no Slack token has. Copy it again, whole and alone.")
        return value

    @field_validator("signing_secret")
    @classmethod
    def _is_a_signing_secret(cls, value: Secret | None) -> Secret | None:
        if value is not None and re.fullmatch(r"[0-9a-fA-F]{32}", value.reveal()) is None:
            raise ValueError("A signing secret is 32 characters, 0 to 9 and a to f. Copy it from Basic Information.")
        return value


class _Identity(BaseModel):
    """What auth.test answers (https://docs.slack.dev/reference/methods/auth.test)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    team_id: str = Field(pattern=r"^[TE][A-Z0-9]{2,31}$")
    user_id: str = Field(pattern=r"^[UW][A-Z0-9]{2,31}$")
    team: str = Field(min_length=1)
    user: str = Field(min_length=1)
    url: str | None = None
    bot_id: str | None = None
    enterprise_id: str | None = Field(default=None, pattern=r"^E[A-Z0-9]{2,31}$")
    is_enterprise_install: bool | None = None

    def account(self) -> Account:
        """Raises `PlatformError` for an install on an enterprise that is not named."""
        key = self.team_id
        if self.is_enterprise_install:
            if self.enterprise_id is None:
                raise _nonsense()
            key = f"enterprise:{self.enterprise_id}"
        team = shown(self.team) or self.team_id
        linked = re.fullmatch(r"https://[a-z0-9.-]+\.slack(?:-gov)?\.com/", self.url or "")
        return Account(
            key=key,
            app_key=self.user_id,
            name=team,
            details={"Workspace": team, "Team ID": self.team_id, "Bot": f"@{shown(self.user)}"},
            wire={"teamId": self.team_id, "workspaceName": team},
            url=self.url if linked else None,
        )


class SlackBot(Method[BotToken]):
    """A bot token pasted from an app's page."""

    key, label, form = "bot_token", "Bot token", BotToken
    purpose = Purpose.CHAT
    destination: ClassVar[str] = "Channel ID"
    destination_example: ClassVar[str] = "C0123456789"

    async def check(self, form: BotToken, http: Http, report: Report) -> CheckResult:
        """Ask Slack who this is and what it may (auth.test). Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like a bot token."
        answer = await ladder.reach("Slack", _ask(form, http, "auth.test"))
        with ladder.step("accepted", "Sign in") as rung:
            try:
                who = _Identity.model_validate(_read(answer, http))
            except ValidationError:
                raise _nonsense() from None
            if not who.bot_id:
                raise InvalidCredentials(f"This token belongs to a person, not to a bot. {NEEDED}", field=FIELD)
            account = who.account()
            rung.detail = f"as {account.details['Bot']}"
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
        body = _read(await _ask(form, http, "chat.postMessage", json=said), http)
        ts, channel = str(body.get("ts")), str(body.get("channel"))
        if re.fullmatch(r"\d{1,12}\.\d{6}", ts, re.ASCII) is None or _CHANNEL.fullmatch(channel) is None:
            raise _nonsense()
        at = datetime.fromtimestamp(float(ts), UTC)
        return Receipt(id=ts, text=f"Slack accepted it in {channel} at {at:%H:%M:%S} UTC.")

    async def revoke(self, form: BotToken, http: Http) -> Revoked:
        """Kill the token at Slack (auth.revoke). Raises a `ProviderError`."""
        try:
            body = _read(await _ask(form, http, "auth.revoke"), http)
        except (AuthExpired, InvalidCredentials):
            return Revoked(dead=True, text="Slack did not accept this token any more.")
        if body.get("revoked") is True:
            return Revoked(dead=True, text="Slack revoked the token.")
        return Revoked(dead=False, text="Slack did not revoke the token. Remove the app in Slack.")


async def _ask(form: BotToken, http: Http, name: str, *, json: Mapping[str, Any] | None = None) -> Answer:
    kind = "application/x-www-form-urlencoded" if json is None else "application/json; charset=utf-8"
    headers = {"Authorization": f"Bearer {form.bot_token.reveal()}", "Content-Type": kind}
    return await http.ask(SLACK, "POST", f"/api/{name}", headers=headers, json=json)


def _read(answer: Answer, http: Http) -> Mapping[str, Any]:
    """The body of an answer that says ok. Slack refuses inside a 200, but proxies and limits use the status."""
    http.judge(SLACK, answer, field=FIELD)
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        raise _nonsense()
    if not body["ok"]:
        raise _refusal(body, answer)
    return body


def _scopes(answer: Answer) -> frozenset[str] | None:
    told = answer.headers.get("x-oauth-scopes")
    if told is None:
        return None
    return frozenset(scope for part in told.split(",") if _SCOPE.fullmatch(scope := part.strip()))


def _nonsense() -> PlatformError:
    return PlatformError("Slack gave an answer that makes no sense. Try again later.")


def _refusal(body: Mapping[str, Any], answer: Answer) -> ProviderError:  # noqa: PLR0911  # one for each meaning
    """What Slack's `error` means (each method's page lists its own)."""
    said = body.get("error")
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else None
    if code in {"invalid_auth", "not_authed"}:
        text = "Slack rejected the token: it knows no such token. Copy the Bot User OAuth Token again."
        return InvalidCredentials(text, field=FIELD, vendor_code=code)
    if code == "not_allowed_token_type":
        return InvalidCredentials(f"Slack takes no token of this kind. {NEEDED}", field=FIELD, vendor_code=code)
    if code in _ENDED:
        text = f"Slack rejected the token: {_ENDED[code]}. Reinstall the app in Slack, then paste the new Bot User "
        return AuthExpired(f"{text}OAuth Token.", field=FIELD, vendor_code=code)
    if code in _NOT_THERE:
        text = f"Slack did not take it: {_NOT_THERE[code]}"
        return InsufficientPermissions(text, field="to", vendor_code=code)
    if code == "missing_scope":
        needed = tuple(part for part in str(body.get("needed", "")).split(",") if _SCOPE.fullmatch(part))
        text = (
            f"Slack did not grant {', '.join(needed) or 'a scope that is needed'}. Add it under OAuth & Permissions, "
        )
        return InsufficientPermissions(f"{text}then reinstall the app.", required_scopes=needed, vendor_code=code)
    if code and _DENIED.fullmatch(code):
        text = f"Slack does not allow this here: {code}. Ask an administrator of the Slack workspace."
        return InsufficientPermissions(text, vendor_code=code)
    if code in {"ratelimited", "rate_limited"}:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Slack is busy. Try again in {seconds} seconds.", retry_after=seconds)
    named = f": {code}" if code else ""
    return PlatformError(f"Slack could not do this{named}. Try again later.", vendor_code=code)


PROVIDER = Provider(
    slug="slack",
    name="Slack",
    category=Category.CHAT,
    docs="https://docs.slack.dev/authentication/tokens",
    about=__doc__ or "",
    stops="Messages to Slack channels, the /atlas command and follow-ups in threads stop at once.",
    methods=(SlackBot(),),
    names=Names(admin="slack", admin_path="slack/byot", refused="invalid_token", connections="slack", chat="slack"),
    wire_fields=("teamId", "workspaceName"),
    features=FEATURES,
)
