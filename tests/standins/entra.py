"""Entra's part of the Microsoft stand-in: admin consent, sign-in with PKCE, the token endpoint and its keys.

Wire: https://learn.microsoft.com/entra/identity-platform/v2-admin-consent and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.entra_directory import EntraDirectory, lacks
from tests.standins.entra_tokens import access_token, id_token, published
from tests.standins.oauth import Choice, Code, back, client, consent_page, error_page, form_of
from tests.standins.standin import parameters
from tests.standins.teams_seed import (
    GRAPH,
    SHARED_ID,
    EntraError,
    TeamsApp,
    TeamsPerson,
    TeamsToken,
    stamped,
)

TOKEN_PATH: Final = "*/oauth2/v2.0/token"
"""For the dial: the token endpoint of whichever tenant."""
CONSENT_PATH, AUTHORIZE_PATH = "*/adminconsent", "*/oauth2/v2.0/authorize"
ANY_TENANT = frozenset({"organizations", "common"})
LIFE = 3599
TROUBLE = "Sorry, but we're having trouble signing you in."


class EntraStandin(EntraDirectory):
    """Entra's pages, its token endpoint and its keys."""

    def oauth_routes(self) -> list[Route]:
        """Pages, tokens and keys."""
        both = ["GET", "POST"]
        return [
            Route("/{tenant}/v2.0/adminconsent", self._admin_consent, methods=both),
            Route("/{tenant}/adminconsent", self._admin_consent, methods=both),
            Route("/{tenant}/oauth2/v2.0/authorize", self._sign_in, methods=both),
            Route("/{tenant}/oauth2/v2.0/token", self._mint, methods=["POST"]),
            Route("/{tenant}/discovery/v2.0/keys", self._keys, methods=["GET"]),
        ]

    async def _keys(self, request: Request) -> Response:
        called = request.path_params["tenant"]
        try:
            if called not in ANY_TENANT:
                self.tenant_of(called)
        except EntraError as error:
            return JSONResponse(error.body, status_code=error.status)
        return JSONResponse(published())

    async def _admin_consent(self, request: Request) -> Response:
        asked = dict(request.query_params)
        try:
            app = self._asking(request.path_params["tenant"], asked)
            places = self._places(request.path_params["tenant"], app)
        except EntraError as error:
            return error_page(TROUBLE, error.body["error_description"])
        to, state, scope = asked["redirect_uri"], asked.get("state", ""), asked.get("scope", "")
        if request.method == "GET":
            title = f"{app.name} wants permission for your organization"
            may = scope.split() or [f"{GRAPH}/.default"]
            where = Choice("tenant", "Organization", {place: self.tenants[place].name for place in places})
            said = f"If you accept, {app.name} gets access for everybody in your organization."
            return consent_page(request, title, said, may, [where], {"cancel": "Cancel", "accept": "Accept"})
        chose = await form_of(request)
        if chose.get("answer") != "accept" or chose.get("tenant") not in places:
            return back(to, error="access_denied", error_description=_declined(), state=state)
        if app.consented is not None:
            app.consented.add(chose["tenant"])
        return back(to, admin_consent="True", tenant=chose["tenant"], state=state, scope=scope)

    async def _sign_in(self, request: Request) -> Response:
        asked, called = dict(request.query_params), request.path_params["tenant"]
        try:
            app = self._asking(called, asked)
            places = self._places(called, app)
        except EntraError as error:
            return error_page(TROUBLE, error.body["error_description"])
        to, state = asked["redirect_uri"], asked.get("state", "")
        wrong = _wrong_request(asked)
        if wrong is not None:
            return back(to, error=wrong.body["error"], error_description=wrong.body["error_description"], state=state)
        people = {oid: person for oid, person in self.people.items() if person.tenant in places}
        if request.method == "GET":
            shown = {oid: f"{person.name} ({person.address})" for oid, person in people.items()}
            who, said = Choice("person", "Account", shown), f"{app.name} would like to:"
            buttons = {"cancel": "Cancel", "accept": "Accept"}
            return consent_page(request, f"Sign in to {app.name}", said, asked["scope"].split(), [who], buttons)
        chose = await form_of(request)
        if chose.get("answer") != "accept" or chose.get("person") not in people:
            return back(to, error="access_denied", error_description=_declined(), state=state)
        return back(to, code=self.give_code(asked["client_id"].lower(), asked, chose), state=state)

    def _asking(self, called: str, asked: Mapping[str, str]) -> TeamsApp:
        """The app that asks. Raises `EntraError` for what Entra shows and sends nowhere."""
        app = self.apps.get(asked.get("client_id", "").lower())
        if app is None:
            said = f"Application with identifier '{asked.get('client_id', '')}' was not found in the directory."
            raise EntraError(400, 700016, "unauthorized_client", said)
        if not asked.get("redirect_uri") or not app.may_return_to(asked["redirect_uri"]):
            said = f"The redirect URI '{asked.get('redirect_uri', '')}' specified in the request does not match the "
            raise EntraError(400, 50011, "invalid_request", said + "redirect URIs configured for the application.")
        if called in ANY_TENANT and not app.multi:
            said = "The application is not configured as a multi-tenant application. Usage of the /common endpoint "
            raise EntraError(400, 50194, "invalid_request", said + "is not supported for such applications.")
        return app

    def _places(self, called: str, app: TeamsApp) -> list[str]:
        """The tenants whose people may answer."""
        if called not in ANY_TENANT:
            tenant = self.tenant_of(called)
            if tenant != app.home and not app.multi:
                raise EntraError(400, 700016, "unauthorized_client", "The application was not found in the directory.")
            return [tenant]
        return [tenant for tenant in self.tenants if tenant != SHARED_ID]

    async def _mint(self, request: Request) -> Response:
        called, given = request.path_params["tenant"], await parameters(request, reads_json=False)
        try:
            if given.get("grant_type") == "authorization_code":
                body = self._redeemed(called, *client(request, given), given)
            else:
                body = {"access_token": self.grant(called, given)}
        except EntraError as error:
            return JSONResponse(error.body, status_code=error.status)
        return JSONResponse({"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, **body})

    def _redeemed(self, called: str, app_id: str, secret: str, given: Mapping[str, Any]) -> dict[str, Any]:
        for name in ("code", "redirect_uri"):
            if not given.get(name):
                raise lacks(name)
        if not app_id:
            raise lacks("client_id")
        if not secret:
            said = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise EntraError(401, 7000218, "invalid_client", said)
        app_id = app_id.lower()
        home = self.apps[app_id].home if app_id in self.apps else next(iter(self.tenants))
        self.admit(app_id, secret, home)
        code = self._code(called, app_id, given)
        person = self.people[code.chose["person"]]
        scopes = code.asked["scope"].split()
        claims = {"aud": GRAPH, "appid": app_id, "tid": person.tenant, "oid": person.oid, "jti": token_hex(8)}
        token = access_token(claims)
        self.tokens[token] = TeamsToken(app_id, person.tenant, GRAPH, person.oid)
        body: dict[str, Any] = {"scope": " ".join(scopes), "access_token": token}
        if "openid" in scopes:
            body["id_token"] = id_token(self._claims(code, person), self.forge)
        return body

    def _code(self, called: str, app_id: str, given: Mapping[str, Any]) -> Code:
        code = self.codes.get(str(given["code"]))
        if code is None or code.client_id != app_id:
            raise EntraError(400, 9002313, "invalid_grant", "Invalid request. Request is malformed or invalid.")
        if called not in ANY_TENANT and self.tenant_of(called) != self.people[code.chose["person"]].tenant:
            said = "Provided Authorization Code is intended to use against other tenant, thus rejected."
            raise EntraError(400, 700005, "invalid_grant", said)
        if code.spent:
            said = "OAuth2 Authorization code was already redeemed, please retry with a new valid code."
            raise EntraError(400, 54005, "invalid_grant", said)
        if self.now() >= code.until:
            said = "The provided authorization code or refresh token has expired due to inactivity."
            raise EntraError(400, 70008, "invalid_grant", said)
        if given["redirect_uri"] != code.redirect_uri:
            said = f"The reply address '{given['redirect_uri']}' does not match the reply address "
            said += f"'{code.redirect_uri}' provided when requesting Authorization code."
            raise EntraError(400, 500112, "invalid_grant", said)
        if not code.proves(str(given.get("code_verifier", ""))):
            number = 501481 if given.get("code_verifier") else 50148
            said = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
            raise EntraError(400, number, "invalid_grant", said)
        code.spent = True
        return code

    def _claims(self, code: Code, person: TeamsPerson) -> dict[str, Any]:
        """What an ID token says. The issuer is the real one, wherever the stand-in listens."""
        now = int(self.now())
        claims = {
            "ver": "2.0",
            "iss": f"https://login.microsoftonline.com/{person.tenant}/v2.0",
            "sub": hashlib.sha256(f"{code.client_id}{person.oid}".encode()).hexdigest()[:43],
            "aud": code.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "name": person.name,
            "preferred_username": person.address,
            "oid": person.oid,
            "tid": person.tenant,
        }
        return claims | ({"nonce": code.asked["nonce"]} if code.asked.get("nonce") else {})


def _declined() -> str:
    return stamped(65004, "User declined to consent to access the app.")


def _wrong_request(asked: Mapping[str, str]) -> EntraError | None:
    """What Entra tells the app about its own request, None where that is right."""
    if asked.get("response_type") != "code":
        return EntraError(400, 700054, "unsupported_response_type", "This response_type is not enabled.")
    if not asked.get("scope"):
        return lacks("scope")
    if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
        return EntraError(400, 501491, "invalid_request", "Only the code_challenge_method S256 is supported here.")
    if asked.get("prompt") == "none":
        said = "A silent sign-in request was sent but no user is signed in."
        return EntraError(400, 50058, "login_required", said)
    return None
