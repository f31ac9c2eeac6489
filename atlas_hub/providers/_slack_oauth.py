"""Slack's consent: an app is installed into a team (https://docs.slack.dev/authentication/installing-with-oauth)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit import oauth
from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import AuthExpired, InvalidCredentials, PlatformError
from atlas_hub.kit.form import Form
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._consent import App, AppForm, Ask, Back, Consent, Further, Grant, Person, Refreshes
from atlas_hub.providers._slack_wire import CODE, SCOPE, SLACK, nonsense, read

USUAL_SCOPES = ("chat:write", "chat:write.public", "channels:read", "groups:read", "users:read", "users:read.email")
_ID = r"^[A-Za-z0-9_-]{1,64}$"
_AGAIN = "Connect again from the Integrations page."
_APP = "Check the app's Client ID and Client Secret under Basic Information."
_REFUSED = {
    "invalid_code": f"Slack knows no such code, or it was used before. {_AGAIN}",
    "code_already_used": f"This code was used before. {_AGAIN}",
    "bad_redirect_uri": "Slack expects another redirect address. Add the one shown here under OAuth & Permissions.",
    "bad_client_secret": f"Slack rejected the app's Client Secret. {_APP}",
    "invalid_client_id": f"Slack knows no app with this Client ID. {_APP}",
    "invalid_client": f"Slack rejected the app. {_APP}",
    "oauth_authorization_url_mismatch": f"Slack began this consent in another way. {_AGAIN}",
}
_ENDED = {
    "invalid_refresh_token": "Slack does not take the refresh token any more",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "account_inactive": "the app was removed from the team, or the team is gone",
    "invalid_grant": "Slack does not take the refresh token any more",
}


class SlackApp(AppForm):
    """An OAuth app of Slack's."""

    signing_secret: Secret | None = Field(
        default=None,
        title="Signing Secret",
        description="Optional, under Basic Information. It verifies Slack's calls.",
    )

    _tidy = field_validator("signing_secret", mode="before")(pasted)


class _Team(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(pattern=_ID)
    name: str | None = None


class _Person(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(pattern=_ID)


class _Hook(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(pattern=r"^https?://[^\s]{4,500}$")


class _Told(BaseModel):
    """What oauth.v2.access answers (https://docs.slack.dev/reference/methods/oauth.v2.access)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str | None = Field(default=None, pattern=r"^(?:xoxe\.)?xox[bp]-[\x21-\x7e]{1,1000}$")
    refresh_token: str | None = Field(default=None, pattern=r"^xoxe-[\x21-\x7e]{1,1000}$")
    expires_in: int | None = Field(default=None, ge=1, le=10**8)
    scope: str | None = None
    bot_user_id: str | None = Field(default=None, pattern=_ID)
    team: _Team | None = None
    enterprise: _Team | None = None
    is_enterprise_install: bool | None = None
    authed_user: _Person | None = None
    incoming_webhook: _Hook | None = None

    @property
    def account(self) -> _Team:
        """The team, or the organisation that an app was installed for. Raises `PlatformError` for none."""
        found = self.enterprise if self.team is None or self.is_enterprise_install else self.team
        if found is None:
            raise nonsense()
        return found


class SlackConsent(Consent, Refreshes):
    """The installation of an app by somebody who may."""

    form: type[Any]
    app: ClassVar[type[AppForm]] = SlackApp
    variables: ClassVar[Mapping[str, str]] = {
        "client_id": "SLACK_CLIENT_ID",
        "secret_key": "SLACK_CLIENT_SECRET",
        "signing_secret": "SLACK_SIGNING_SECRET",
    }
    button: ClassVar[str] = "Connect to Slack"
    # Slack takes a challenge only from apps that chose so, for good, and then no client secret from them
    # (docs.slack.dev/authentication/using-pkce); apps that admins have already did not.
    pkce: ClassVar[bool] = False
    between: ClassVar[str] = ","
    links_people: ClassVar[bool] = True
    scopes: ClassVar[tuple[str, ...]] = USUAL_SCOPES
    person_scopes: ClassVar[tuple[str, ...]] = ("identity.basic",)
    by_hand: ClassVar[str] = "In Slack, under Tools & settings, Manage apps, remove the app."

    app_steps: ClassVar[tuple[str, ...]] = (
        "Open https://api.slack.com/apps and choose the app, or Create New App.",
        "Under OAuth & Permissions add both redirect addresses below, and the scopes as Bot Token Scopes.",
        "Where other Slack workspaces install it, too: under Manage Distribution, activate public distribution.",
        "Copy Client ID, Client Secret and Signing Secret from Basic Information, App Credentials.",
    )

    def address(self, app: App, ask: Ask, http: Http) -> str:
        """Slack's page, where a team is chosen and the scopes are agreed to."""
        named = "user_scope" if ask.person else "scope"
        params = {
            "state": ask.state,
            "client_id": app.client_id,
            "redirect_uri": ask.redirect_uri,
            named: ",".join(ask.scopes),
        }
        return oauth.address(http.url(SLACK, "/oauth/v2/authorize"), params)

    async def exchange(self, app: App, back: Back, http: Http) -> Grant | Person | Further:
        """The code for a token."""
        told = await _access(app, {"code": back.params.get("code", ""), "redirect_uri": back.redirect_uri}, http)
        if back.person:
            if told.authed_user is None:
                raise nonsense()
            return Person(id=told.authed_user.id, account=told.account.id if told.team or told.enterprise else "")
        return self._grant(told)

    async def refresh(self, app: App, form: Any, http: Http) -> Grant | None:
        """A new pair for a refresh token (https://docs.slack.dev/authentication/using-token-rotation)."""
        if form.refresh_token is None:
            return None
        asked = {"grant_type": "refresh_token", "refresh_token": form.refresh_token.reveal()}
        return self._grant(await _access(app, asked, http))

    def _grant(self, told: _Told) -> Grant:
        if told.access_token is None or told.bot_user_id is None or "xoxp-" in told.access_token:
            raise PlatformError("Slack gave no bot token: the app may have no bot, or no scope for it was asked.")
        account = told.account
        scopes = None
        if told.scope is not None:
            scopes = frozenset(scope for part in told.scope.split(",") if SCOPE.fullmatch(scope := part.strip()))
        form: Form = self.form.model_validate(
            {"bot_token": Secret(told.access_token)}
            | ({"refresh_token": Secret(told.refresh_token)} if told.refresh_token else {})
        )
        return Grant(
            form=form,
            granted=scopes,
            lasts=told.expires_in if told.refresh_token else None,
            workspace={
                "id": account.id,
                "name": shown(account.name or "") or account.id,
                "botUserId": told.bot_user_id,
            },
            person=told.authed_user.id if told.authed_user else "",
            webhook=Secret(told.incoming_webhook.url) if told.incoming_webhook else None,
        )


async def _access(app: App, asked: Mapping[str, str], http: Http) -> _Told:
    form = {**asked, "client_id": app.client_id, "client_secret": app.client_secret.reveal()}
    answer = await http.ask(SLACK, "POST", "/api/oauth.v2.access", form=form)
    said = answer.object.get("error") if answer.object.get("ok") is False else None
    code = said if isinstance(said, str) and CODE.fullmatch(said) else None
    if code in _REFUSED:
        raise InvalidCredentials(_REFUSED[code], vendor_code=code)
    if code in _ENDED:
        raise AuthExpired(f"Slack ended the access: {_ENDED[code]}. {_AGAIN}", vendor_code=code)
    body = read(answer, http)
    try:
        return _Told.model_validate(body)
    except ValidationError:
        pass  # pydantic's error knows the token
    raise nonsense()
