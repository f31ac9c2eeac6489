"""Who is who at the Microsoft stand-in's Entra: tenants, people, apps, and tokens for apps by themselves.

Wire: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
Entra looks for the tenant, then the app, then the secret. A token says for whom, where and for what it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

from tests.standins.entra_tokens import access_token
from tests.standins.oauth import OAuthStandin
from tests.standins.teams_seed import (
    APPS,
    BOTS,
    GRAPH,
    HUB,
    HUB_SECRET,
    PEOPLE,
    TENANTS,
    EntraError,
    TeamsApp,
    TeamsPerson,
    TeamsTenant,
    TeamsToken,
    wrong_secret,
)


class EntraDirectory(OAuthStandin):
    """Entra's directory. `tenants` and `apps` by GUID, `people` by object id, `tokens` that were made.

    `forge`: what is wrong with the next ID tokens, of `entra_tokens.FORGERIES`.
    """

    def seed_oauth(self) -> None:
        """Put tenants, people and apps in; no tenant has consented to anything."""
        super().seed_oauth()
        self.tenants: dict[str, TeamsTenant] = {key: make() for key, make in TENANTS.items()}
        self.apps: dict[str, TeamsApp] = {key: make() for key, make in APPS.items()}
        self.people: dict[str, TeamsPerson] = dict(PEOPLE)
        self.tokens: dict[str, TeamsToken] = {}
        self.forge: set[str] = set()

    @property
    def app_env(self) -> dict[str, str]:
        """The app of the seed that every tenant may have once its admin has agreed."""
        return {"TEAMS_APP_ID": HUB, "TEAMS_APP_PASSWORD": HUB_SECRET}

    def secrets(self) -> set[str]:
        """Client secrets and access tokens."""
        return {secret for app in self.apps.values() for secret in app.secrets} | set(self.tokens)

    def acts(self) -> Mapping[str, Callable[[], None]]:
        """End what was consented to."""
        return {"Revoke admin consent": self.revoke_consent, "Expire access tokens": self.tokens.clear}

    def revoke_consent(self) -> None:
        """Remove the apps from every tenant that had agreed to them; their tokens end."""
        for app in self.apps.values():
            if app.consented is not None:
                app.consented.clear()
        self.tokens.clear()

    def grant(self, called: str, given: Mapping[str, Any]) -> str:
        """A token for an app by itself. Raises `EntraError`."""
        for name in ("grant_type", "client_id", "client_secret", "scope"):
            if not given.get(name):
                raise lacks(name)
        if given["grant_type"] != "client_credentials":
            raise EntraError(400, 70003, "unsupported_grant_type", "The grant type is not supported.")
        tenant = self.tenant_of(called)
        app_id = str(given["client_id"]).lower()
        self.admit(app_id, str(given["client_secret"]), tenant)
        audience = str(given["scope"]).removesuffix("/.default")
        if audience not in (BOTS, GRAPH):
            said = f"The resource principal named {audience} was not found in the tenant."
            raise EntraError(400, 500011, "invalid_resource", said)
        made = TeamsToken(app_id, tenant, audience)
        token = access_token({"aud": audience, "appid": app_id, "tid": tenant, "jti": token_hex(8)})
        self.tokens[token] = made
        return token

    def tenant_of(self, called: str) -> str:
        """The GUID of a tenant by GUID or domain. Raises `EntraError` where there is none."""
        called = called.lower()
        for tenant, facts in self.tenants.items():
            if called == tenant or called in facts.domains:
                return tenant
        if re.fullmatch(r"[\w-]+", called) and not re.fullmatch(r"[0-9a-f-]{36}", called):
            said = f"Specified tenant identifier '{called}' is neither a valid DNS name, nor a valid external domain."
            raise EntraError(400, 900023, "invalid_request", said)
        said = f"Tenant '{called}' not found. Check to make sure you have the correct tenant ID."
        raise EntraError(400, 90002, "invalid_request", said)

    def admit(self, app_id: str, secret: str, tenant: str) -> None:
        """Raises `EntraError` unless the app proves itself in the tenant."""
        app = self.apps.get(app_id)
        if app is None or not app.lives_in(tenant):
            said = f"Application with identifier '{app_id}' was not found in the directory '"
            said += f"{self.tenants[tenant].name}'. You may have sent your authentication request to the wrong tenant."
            raise EntraError(400, 700016, "unauthorized_client", said)
        if secret not in app.secrets:
            raise wrong_secret(app_id)
        if not app.secrets[secret]:
            said = f"The provided client secret keys for app '{app_id}' are expired."
            raise EntraError(401, 7000222, "invalid_client", said)
        if app.disabled:
            said = f"Application '{app_id}' is disabled."
            raise EntraError(400, 7000112, "unauthorized_client", said)
        if app.orphan:
            said = f"The client application {app_id} is missing service principal in the tenant {tenant}."
            raise EntraError(401, 7000229, "invalid_client", said)


def lacks(name: str) -> EntraError:
    """The refusal of a request without that parameter."""
    return EntraError(
        400, 900144, "invalid_request", f"The request body must contain the following parameter: '{name}'."
    )
