"""A stand-in for GitHub: people by personal access token, at api.github.com and at an Enterprise server's /api/v3.

Wire: https://docs.github.com/en/rest. A refusal is `message`, `documentation_url` and `status`; scopes, limits, single
sign-on and the end of a token are in headers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

DOCS = "https://docs.github.com/rest"
VERSIONS = ("2022-11-28", "2026-03-10")
LIMIT = 5000
REFUSALS = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    500: "Server Error",
}
IP_LIST = (
    "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list "
    "enabled, and your IP address is not permitted to access this resource."
)
POLICY = (
    "`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal "
    "access token with fine-grained permissions."
)
SSO_NEEDED = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access."
SSO_URL = "https://github.com/orgs/acme/sso?authorization_request=AAFAKE"
NO_AGENT = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"


def fake(kind: str, letter: str) -> str:
    """A token of GitHub's shape that is nobody's. Put together, so that no scanner takes it for live."""
    if kind == "github_pat":
        return f"{kind}_" + (letter + "FAKE") * 4 + "xx" + "_" + (letter + "FAKE") * 11 + "xxxx"
    return f"{kind}_" + (letter + "FAKE") * 7 + "x"


CLASSIC, FINE_GRAINED, ENTERPRISE = fake("ghp", "c"), fake("github_pat", "f"), fake("ghp", "e")
OLD, FOREVER, NO_SCOPES, GONE = "0123456789" * 4, fake("ghp", "n"), fake("ghp", "s"), fake("ghp", "g")
PARTIAL, SSO, WALLED, POLICED = fake("ghp", "p"), fake("ghp", "o"), fake("ghp", "w"), fake("ghp", "y")
SUSPENDED, SPENT = fake("ghp", "u"), fake("ghp", "r")


@dataclass(frozen=True)
class GithubUser:
    """A person. `id` is a number of the server's own."""

    id: int
    login: str

    def wire(self, base: str) -> dict[str, Any]:
        """The user as GitHub writes them of themselves, in short."""
        return {
            "login": self.login,
            "id": self.id,
            "node_id": f"U_{self.id}",
            "url": f"{base}/users/{self.login}",
            "html_url": f"https://github.com/{self.login}",
            "type": "User",
            "site_admin": False,
            "name": self.login.title(),
            "email": None,
            "two_factor_authentication": True,
        }


@dataclass
class GithubToken:
    """Whose a token is. `scopes` is None for a fine-grained one; `refuses`: message of the 403 that it gets.

    `ends` and `sso` are the headers' texts; `spent`: seconds until its limit begins anew.
    """

    user: GithubUser
    scopes: tuple[str, ...] | None = ("read:user", "repo")
    ends: str | None = "2027-01-31 10:00:00 UTC"
    sso: str | None = None
    refuses: str | None = None
    spent: int | None = None
    enterprise: bool = False
    revoked: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class GithubStandin(Standin):
    """GitHub. `tokens`: token → `GithubToken`; `revocable`: whether the request to revoke does anything at once."""

    upstream: ClassVar[str] = "GITHUB"
    tries: ClassVar[Mapping[str, str]] = {
        "@octocat, classic": CLASSIC,
        "@octocat, fine-grained": FINE_GRAINED,
        "Deleted or expired": GONE,
        "Without a scope": NO_SCOPES,
        "Not authorized for single sign-on": SSO,
        "Behind an IP allow list": WALLED,
    }

    def seed(self) -> None:
        """Put @octocat in with good tokens and bad ones, and @ada of an Enterprise server."""
        octocat = GithubUser(583231, "octocat")
        self.tokens: dict[str, GithubToken] = {
            CLASSIC: GithubToken(octocat),
            FINE_GRAINED: GithubToken(octocat, scopes=None, ends="2027-01-31 10:00:00 +0100"),
            OLD: GithubToken(octocat, ends=None),
            FOREVER: GithubToken(octocat, ends=None),
            NO_SCOPES: GithubToken(octocat, scopes=()),
            GONE: GithubToken(octocat, revoked=True),
            PARTIAL: GithubToken(octocat, sso="partial-results; organizations=21955855,20582480"),
            SSO: GithubToken(octocat, sso=f"required; url={SSO_URL}", refuses=SSO_NEEDED),
            WALLED: GithubToken(octocat, refuses=IP_LIST),
            POLICED: GithubToken(octocat, refuses=POLICY),
            SUSPENDED: GithubToken(octocat, refuses="Sorry. Your account was suspended."),
            SPENT: GithubToken(octocat, refuses="API rate limit exceeded for user ID 583231.", spent=900),
            ENTERPRISE: GithubToken(GithubUser(7, "ada"), scopes=("repo",), ends=None, enterprise=True),
        }
        self.revocable = True
        self.reported: list[str] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """GitHub's body for a status; the wait is in the headers alone."""
        return {"message": REFUSALS[status], "documentation_url": DOCS, "status": str(status)}

    def routes(self) -> Sequence[Route]:
        """Who the token's owner is, and revoking tokens; all else is not there."""
        return [
            Route("/user", self._github_user, methods=["GET"]),
            Route("/api/v3/user", self._enterprise_user, methods=["GET"]),
            Route("/credentials/revoke", self._revoke, methods=["POST"]),
            Route("/{rest:path}", self._nowhere, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
        ]

    async def _nowhere(self, _request: Request) -> Response:
        return _says(404, "Not Found")

    async def _github_user(self, request: Request) -> Response:
        return self._user(request, enterprise=False)

    async def _enterprise_user(self, request: Request) -> Response:
        answer = self._user(request, enterprise=True)
        answer.headers["x-github-enterprise-version"] = "enterprise-server@3.19.0"
        return answer

    def _user(self, request: Request, *, enterprise: bool) -> Response:
        wrong = _misasked(request)
        if wrong is not None:
            return wrong
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return _says(401, "Requires authentication")
        token = self.tokens.get(text.strip()) if scheme.lower() in {"bearer", "token"} else None
        if token is None or token.revoked or token.enterprise != enterprise:
            return _says(401, REFUSALS[401])
        headers = _headers(token)
        if token.refuses is not None:
            return _says(403, token.refuses, headers)
        return JSONResponse(token.user.wire(self.base), headers=headers)

    async def _revoke(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return _says(403, "This endpoint takes no authenticated requests.")
        try:
            given = (await request.json())["credentials"]
        except (ValueError, KeyError, TypeError):
            given = None
        if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
            return _says(422, "Validation failed, or the endpoint has been spammed.")
        self.reported += given
        for each in given:
            if self.revocable and each.startswith(("ghp_", "github_pat_")) and each in self.tokens:
                self.tokens[each].revoked = True
        return JSONResponse({}, status_code=202)


def _says(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


def _misasked(request: Request) -> Response | None:
    """What GitHub says to a request that it never looks into."""
    if not request.headers.get("user-agent"):
        return _says(403, NO_AGENT)
    version = request.headers.get("x-github-api-version", VERSIONS[0])
    if version not in VERSIONS:
        return _says(400, f"{version} is not a supported version of the REST API.")
    return None


def _headers(token: GithubToken) -> dict[str, str]:
    """What GitHub tells of a token beside the answer."""
    # A vendor has a clock of its own.
    reset = int(time.time()) + (token.spent or 3600)  # noqa: TID251 - see above
    headers = {
        "x-github-media-type": "github.v3; format=json",
        "x-ratelimit-limit": str(LIMIT),
        "x-ratelimit-remaining": "0" if token.spent else str(LIMIT - 1),
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-resource": "core",
    }
    if token.scopes is not None:
        headers |= {"x-oauth-scopes": ", ".join(token.scopes), "x-accepted-oauth-scopes": ""}
    if token.ends is not None:
        headers["github-authentication-token-expiration"] = token.ends
    if token.sso is not None:
        headers["x-github-sso"] = token.sso
    return headers | dict(token.headers)
