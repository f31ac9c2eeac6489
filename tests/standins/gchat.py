"""A stand-in for Google: the token address for service accounts, and the Google Chat API.

Wire: https://developers.google.com/identity/protocols/oauth2/service-account and
https://developers.google.com/workspace/chat/api/reference/rest. Assertions are verified for real: signature,
audience, times and scope. A refusal of the token address is `{"error": code, "error_description": …}`, one of the
API `{"error": {code, message, status, details}}`; an empty list of spaces is left out of the answer.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/chat.bot"
SKEW = 300
BAD_SIGNATURE = "Invalid JWT Signature."
BAD_AUDIENCE = "Invalid JWT: Failed audience check."
BAD_TIME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
NO_ACCOUNT = "Invalid grant: account not found"
BAD_SCOPE = "Invalid OAuth scope or ID token audience provided."
NO_APP = (
    "Google Chat app not found. To create a Chat app, you must turn on the Chat API and configure the app "
    "in the Google Cloud console."
)
SIGN_IN_REFUSALS = {
    401: ("invalid_client", "The OAuth client was not found."),
    403: ("access_denied", "Account restricted"),
    429: ("rate_limit_exceeded", "Too many requests"),
    500: ("internal_failure", "Internal error"),
}
API_REFUSALS = {
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    429: ("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Message writes'"),
    500: ("INTERNAL", "Internal error encountered."),
}


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The RSA key of that name, made when it is first asked for."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private_key: Any) -> str:
    """A private key as Google writes it into a key file."""
    return str(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def key_file(name: str = "atlas", project: str = "acme-atlas", *, signs: str = "atlas", **changed: Any) -> str:
    """A key file as Google Cloud makes it, with the key `signs`."""
    email = f"{name}@{project}.iam.gserviceaccount.com"
    said = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "0123456789abcdef" * 2 + "01234567",
        "private_key": pem(key(signs)),
        "client_email": email,
        "client_id": "123456789012345678901",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": AUDIENCE,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }
    return json.dumps(said | changed, indent=2)


class _Tries(Mapping[str, str]):
    """The seed's key files, each made when it is read: keys take a while."""

    made: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "a Chat app in three spaces": {},
        "a Chat app in no space": {"project": "acme-empty"},
        "key deleted": {"signs": "deleted"},
        "account disabled": {"name": "disabled"},
        "account deleted": {"name": "gone"},
        "Google Chat API not enabled": {"project": "acme-no-api"},
        "Chat app not configured": {"project": "acme-no-app"},
    }

    def __getitem__(self, words: str) -> str:
        return json.dumps(json.loads(key_file(**self.made[words])))

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


@dataclass
class GoogleAccount:
    """A service account. `signs` names the key that it has at Google."""

    project: str
    signs: str = "atlas"
    disabled: bool = False


@dataclass
class ChatProject:
    """A Google Cloud project. `enabled`: the Chat API; `configured`: the Chat app; `spaces`: name → display name;
    `open`: those that anybody in the organization may find.
    """

    number: int
    enabled: bool = True
    configured: bool = True
    spaces: dict[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


class GoogleError(Exception):
    """A refusal: status and body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def sign_in_error(code: str, description: str) -> Mapping[str, Any]:
    return {"error": code, "error_description": description}


def api_error(code: int, status: str, message: str, *details: Mapping[str, Any]) -> Mapping[str, Any]:
    said = {"code": code, "message": message, "status": status}
    return {"error": said | ({"details": list(details)} if details else {})}


class GchatStandin(Standin):
    """Google. `accounts`: address → `GoogleAccount`; `projects`: id → `ChatProject`; `messages` that it took.

    `ahead`: how many seconds Google's clock is ahead of ours. `tokens`: access token → project. `page`: how many spaces
    a page has at most.
    """

    upstream: ClassVar[str] = "GOOGLE_OAUTH"
    also: ClassVar[tuple[str, ...]] = ("GOOGLE_CHAT",)
    tries: ClassVar[Mapping[str, str]] = _Tries()

    def seed(self) -> None:
        """Put the default accounts in: acme-atlas works, the others each lack something."""
        spaces = {"spaces/AAAAalerts1": "Alerts", "spaces/AAAAteam002": "Team", "spaces/AAAAgrace03": ""}
        self.projects: dict[str, ChatProject] = {
            "acme-atlas": ChatProject(111111111111, spaces=spaces),
            "acme-empty": ChatProject(222222222222),
            "acme-no-api": ChatProject(333333333333, enabled=False),
            "acme-no-app": ChatProject(444444444444, configured=False),
        }
        self.accounts: dict[str, GoogleAccount] = {
            f"atlas@{project}.iam.gserviceaccount.com": GoogleAccount(project) for project in self.projects
        }
        self.accounts["disabled@acme-atlas.iam.gserviceaccount.com"] = GoogleAccount("acme-atlas", disabled=True)
        self.tokens: dict[str, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.ahead = 0
        self.page = 1000

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Google's body for a status, in the words of the address that was asked."""
        if self.calls and self.calls[-1].path == "/token":
            return sign_in_error(*SIGN_IN_REFUSALS[status])
        return api_error(status, *API_REFUSALS[status])

    def routes(self) -> Sequence[Route]:
        """The token address, the list of spaces, and writing in one."""
        return [
            Route("/token", self._asked(self._mint), methods=["POST"]),
            Route("/v1/spaces", self._asked(self._list), methods=["GET"]),
            Route("/v1/spaces/{space}/messages", self._asked(self._create), methods=["POST"]),
        ]

    def _asked(self, act: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            try:
                return JSONResponse(await act(request))
            except GoogleError as error:
                return JSONResponse(error.body, status_code=error.status)

        return endpoint

    async def _mint(self, request: Request) -> Mapping[str, Any]:
        async with request.form() as given:
            grant, assertion = str(given.get("grant_type")), str(given.get("assertion"))
        if grant != GRANT:
            raise GoogleError(400, sign_in_error("unsupported_grant_type", f"Invalid grant_type: {grant}"))
        account, claims = self._verified(assertion)
        self._check_times(claims)
        if claims.get("aud") != AUDIENCE:
            raise GoogleError(400, sign_in_error("invalid_grant", BAD_AUDIENCE))
        if claims.get("scope") != SCOPE:
            raise GoogleError(400, sign_in_error("invalid_scope", BAD_SCOPE))
        self.claims.append(claims)
        token = f"ya29.c.FAKE-{len(self.tokens)}-" + "x" * 40
        self.tokens[token] = account.project
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def _verified(self, assertion: str) -> tuple[GoogleAccount, dict[str, Any]]:
        """Whose assertion it is, by its `iss`, and its claims, where the account's key signed it."""
        for email, account in self.accounts.items():
            public = RSAKey.import_key(key(account.signs).public_key())
            try:
                claims = jwt.decode(assertion, public, algorithms=["RS256"]).claims
            except (JoseError, ValueError):
                continue
            if claims.get("iss") != email:
                continue
            if account.disabled:
                raise GoogleError(401, sign_in_error("disabled_client", "The OAuth client was disabled."))
            return account, dict(claims)
        known = _said(assertion).get("iss") in self.accounts
        raise GoogleError(400, sign_in_error("invalid_grant", BAD_SIGNATURE if known else NO_ACCOUNT))

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        here = time.time() + self.ahead  # noqa: TID251 - a vendor has a clock of its own
        iat, exp = claims.get("iat"), claims.get("exp")
        if not isinstance(iat, int) or not isinstance(exp, int):
            raise GoogleError(400, sign_in_error("invalid_grant", BAD_TIME))
        if not (exp - iat <= 3600 and iat <= here + SKEW and exp > here):
            raise GoogleError(400, sign_in_error("invalid_grant", BAD_TIME))

    def _project(self, request: Request) -> ChatProject:
        """The project of the access token. Raises `GoogleError` where it may not use Google Chat."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        name = self.tokens.get(token) if scheme == "Bearer" else None
        if name is None:
            raise GoogleError(401, api_error(401, *API_REFUSALS[401]))
        project = self.projects[name]
        if not project.enabled:
            raise GoogleError(403, _disabled(project.number))
        if not project.configured:
            raise GoogleError(404, api_error(404, "NOT_FOUND", NO_APP))
        return project

    async def _list(self, request: Request) -> Mapping[str, Any]:
        project = self._project(request)
        size = min(int(request.query_params.get("pageSize") or 100), self.page, 1000)
        token = request.query_params.get("pageToken", "")
        if token and not token.startswith("from+/="):
            raise GoogleError(400, api_error(400, "INVALID_ARGUMENT", "Invalid page token."))
        first = int(token.removeprefix("from+/=") or 0)
        spaces = [
            {"name": name, "spaceType": "SPACE" if title else "DIRECT_MESSAGE"}
            | ({"displayName": title} if title else {})
            | ({"accessSettings": {"accessState": "DISCOVERABLE"}} if name in project.open else {})
            | ({"membershipCount": {"joinedDirectHumanUserCount": 7}} if title else {})
            for name, title in project.spaces.items()
        ]
        some = spaces[first : first + size]
        more = {"nextPageToken": f"from+/={first + size}"} if len(spaces) > first + size else {}
        return ({"spaces": some} if some else {}) | more

    async def _create(self, request: Request) -> Mapping[str, Any]:
        project = self._project(request)
        space = f"spaces/{request.path_params['space']}"
        if space not in project.spaces:
            raise GoogleError(404, api_error(404, "NOT_FOUND", "Resource not found in Google Chat."))
        given = json.loads(await request.body())
        if not isinstance(given, dict) or not str(given.get("text", "")).strip():
            raise GoogleError(400, api_error(400, "INVALID_ARGUMENT", "Message cannot be empty."))
        number = f"m{len(self.messages) + 1:04}"
        message = {"name": f"{space}/messages/{number}.{number}", "text": given["text"], "space": {"name": space}}
        self.messages.append(message)
        return message


def _said(assertion: str) -> Mapping[str, Any]:
    """The claims of an assertion that nobody's key signed."""
    try:
        body = assertion.split(".")[1]
        said = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, IndexError):
        return {}
    return said if isinstance(said, dict) else {}


def _disabled(number: int) -> Mapping[str, Any]:
    message = (
        f"Google Chat API has not been used in project {number} before or it is disabled. Enable it by visiting "
        f"https://console.developers.google.com/apis/api/chat.googleapis.com/overview?project={number} then retry."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": "chat.googleapis.com", "consumer": f"projects/{number}"},
    }
    return api_error(403, "PERMISSION_DENIED", message, info)
