"""Microsoft's consent: an administrator of a tenant admits the app, then signs in to prove whose tenant it is.

https://learn.microsoft.com/entra/identity-platform/v2-admin-consent and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote

from atlas_hub.kit import jwt, oauth
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, ProviderError
from atlas_hub.kit.form import Form
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._consent import App, AppForm, Ask, Back, Consent, Further, Grant, Person
from atlas_hub.providers._teams_errors import nonsense, of_sign_in
from atlas_hub.providers._teams_wire import GRAPH, GUID, LOGIN

ANY = "organizations"
"""Whichever tenant of work or school the person belongs to."""
_ISSUER = "https://login.microsoftonline.com/{tenant}/v2.0"
_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of private accounts, which nobody administers."""
_SIGN_IN = "openid profile"
_AGAIN = "Connect again from the Integrations page."
_INSTALL = "Ask a Teams administrator to publish the app in the organisation's catalog, then try again."


class TeamsApp(AppForm):
    """An app registration in Entra, under the words its pages have."""

    tenant_id: str | None = None


class TeamsConsent(Consent):
    """The consent of a tenant's administrator."""

    form: type[Any]
    app: ClassVar[type[AppForm]] = TeamsApp
    variables: ClassVar[Mapping[str, str]] = {"client_id": "TEAMS_APP_ID", "secret_key": "TEAMS_APP_PASSWORD"}
    from_app: ClassVar[Mapping[str, str]] = {"app_id": "client_id", "app_password": "secret_key"}
    button: ClassVar[str] = "Connect to Teams"
    links_people: ClassVar[bool] = True
    scopes: ClassVar[tuple[str, ...]] = ("https://graph.microsoft.com/.default",)
    person_scopes: ClassVar[tuple[str, ...]] = ("openid", "profile", "User.Read")
    by_hand: ClassVar[str] = "In the Entra admin center, under Enterprise applications, open the app and delete it."

    app_steps: ClassVar[tuple[str, ...]] = (
        "Open https://entra.microsoft.com and, under App registrations, choose New registration.",
        "Where other tenants consent, too, choose accounts in any organizational directory.",
        "Under Authentication add the platform Web with both redirect addresses below.",
        "Copy the Application (client) ID from Overview.",
        "Under Certificates & secrets make a client secret, and copy its Value, which is shown once.",
    )

    def address(self, app: App, ask: Ask, http: Http) -> str:
        """Admin consent first; then the sign-in at the tenant that consented, or at anybody's for a person."""
        tenant = ask.memo.get("tenant", "")
        if not tenant and not ask.person:
            params = {
                "client_id": app.client_id,
                "redirect_uri": ask.redirect_uri,
                "scope": " ".join(self.scopes),
                "state": ask.state,
            }
            return oauth.address(http.url(LOGIN, f"/{ANY}/v2.0/adminconsent"), params)
        params = {
            "client_id": app.client_id,
            "response_type": "code",
            "redirect_uri": ask.redirect_uri,
            "scope": " ".join(ask.scopes) if ask.person else _SIGN_IN,
            "state": ask.state,
            "response_mode": "query",
            "nonce": ask.nonce,
            "code_challenge": ask.challenge,
            "code_challenge_method": "S256",
            "prompt": "" if ask.person else "select_account",
        }
        return oauth.address(http.url(LOGIN, f"/{tenant or ANY}/oauth2/v2.0/authorize"), params)

    async def exchange(self, app: App, back: Back, http: Http) -> Grant | Person | Further:
        """The consented tenant, then who signed in there: the ID token's `tid` must be that tenant."""
        tenant = back.memo.get("tenant", "")
        if back.person:
            claims = await _signed_in(app, back, ANY, http)
            person = Person(id=_guid(claims, "oid"), account=_guid(claims, "tid"))
            await _install_for(app, person, http)
            return person
        if not tenant:
            consented = _consented(back.params)
            return Further(memo={"tenant": consented}) if back.proves else self._grant(app, consented)
        claims = await _signed_in(app, back, tenant, http)
        if _guid(claims, "tid") != tenant:
            raise _not_theirs()
        return self._grant(app, tenant, _guid(claims, "oid"))

    def _grant(self, app: App, tenant: str, person: str = "") -> Grant:
        values = {"app_id": app.client_id, "app_password": app.client_secret, "tenant_id": tenant}
        form: Form = self.form.model_validate(values)
        return Grant(form=form, workspace={"id": tenant}, person=person)


def _consented(params: Mapping[str, str]) -> str:
    """The tenant whose administrator agreed. Raises a `ProviderError`."""
    if params.get("admin_consent", "").lower() != "true":
        raise InsufficientPermissions(f"Admin consent was not granted. An administrator must agree. {_AGAIN}")
    tenant = params.get("tenant", "").lower()
    if GUID.fullmatch(tenant) is None or tenant == _CONSUMERS:
        raise PlatformError(f"Microsoft did not say which tenant agreed. {_AGAIN}")
    return tenant


async def _signed_in(app: App, back: Back, tenant: str, http: Http) -> dict[str, Any]:
    """The claims of the ID token that a code is good for, verified. Raises a `ProviderError`."""
    asked = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret.reveal(),
        "code": back.params.get("code", ""),
        "redirect_uri": back.redirect_uri,
        "code_verifier": back.verifier.reveal(),
    }
    answer = await http.ask(LOGIN, "POST", f"/{tenant}/oauth2/v2.0/token", form=asked)
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        raise _refused(answer)
    http.judge(LOGIN, answer)
    token, told = answer.object.get("id_token"), _tid(answer.object.get("id_token"))
    if not isinstance(token, str) or told is None:
        raise nonsense("Microsoft Entra")
    keys = await http.json(LOGIN, "GET", f"/{told}/discovery/v2.0/keys")
    must_be = {"iss": _ISSUER.format(tenant=told), "aud": app.client_id, "nonce": back.nonce, "tid": told}
    try:
        return jwt.claims_of(Secret(token), keys, must_be=must_be, now=back.at)
    except ValueError:
        pass
    raise _not_theirs()


def _tid(token: Any) -> str | None:
    """Of which tenant an ID token says that it is: what says so is verified afterwards."""
    try:
        tid = str(jwt.unverified(Secret(str(token))).get("tid", "")).lower()
    except ValueError:
        return None
    return tid if GUID.fullmatch(tid) else None


def _refused(answer: Answer) -> ProviderError:
    error = of_sign_in(answer, at_tenant=True, is_guid=False)
    if error is not None and error.vendor_code and error.vendor_code.startswith("AADSTS7000"):
        return error
    return InvalidCredentials(f"Microsoft did not take the sign-in: it was used before or took too long. {_AGAIN}")


def _not_theirs() -> PlatformError:
    return PlatformError(f"Microsoft's answer does not prove who agreed, or for which tenant. {_AGAIN}")


def _guid(claims: Mapping[str, Any], name: str) -> str:
    text = str(claims.get(name, "")).lower()
    if GUID.fullmatch(text) is None:
        raise _not_theirs()
    return text


async def _install_for(app: App, person: Person, http: Http) -> None:
    """Have the bot in the person's chats, where it may write only then. Raises a `ProviderError`.

    https://learn.microsoft.com/graph/api/userteamwork-post-installedapps; a 409 says that it is there already.
    """
    asked = {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_secret": app.client_secret.reveal(),
        "scope": "https://graph.microsoft.com/.default",
    }
    answer = await http.ask(LOGIN, "POST", f"/{person.account}/oauth2/v2.0/token", form=asked)
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        raise _refused(answer)
    http.judge(LOGIN, answer)
    headers = {"Authorization": f"Bearer {answer.object.get('access_token', '')}"}
    wanted = quote(f"externalId eq '{app.client_id}'")
    found = await http.ask(GRAPH, "GET", f"/v1.0/appCatalogs/teamsApps?$filter={wanted}", headers=headers)
    apps = found.object.get("value") if found.status == HTTPStatus.OK else None
    number = apps[0].get("id") if isinstance(apps, list) and apps and isinstance(apps[0], dict) else None
    if not isinstance(number, str) or re.fullmatch(r"[\w-]{1,100}", number, re.ASCII) is None:
        raise InsufficientPermissions(f"The Teams app is not in the organisation's catalog. {_INSTALL}")
    bind = f"{GRAPH.base}/v1.0/appCatalogs/teamsApps/{number}"
    path = f"/v1.0/users/{person.id}/teamwork/installedApps"
    done = await http.ask(GRAPH, "POST", path, headers=headers, json={"teamsApp@odata.bind": bind})
    if done.status not in {HTTPStatus.CREATED, HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.CONFLICT}:
        raise InsufficientPermissions(f"Teams did not let the app into this person's chats. {_INSTALL}")
