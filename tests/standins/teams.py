"""A stand-in for what a Teams bot meets at Microsoft: Entra's token endpoint, Graph's organization, the Bot Connector.

Wire: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://learn.microsoft.com/graph/api/organization-list and
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference.
Entra looks for the tenant, then the app, then the secret. A token says for whom, where and for what it was made.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin, parameters

BOTS, GRAPH = "https://api.botframework.com", "https://graph.microsoft.com"
SHARED = "botframework.com"
SHARED_ID = "d6d49420-f39b-4df7-a1dc-d59a935871db"
"""The tenant of Microsoft's own in which every multi-tenant bot is known."""
SIZE_LIMIT = 100_000
CONVERSATION = re.compile(r"19:[^@\s]+@[a-z0-9.]+(;messageid=\d+)?|a:[\w-]+", re.ASCII)
NO_BOT = {"message": "Authorization has been denied for this request."}
REFUSALS = {403: "Forbidden", 429: "Throttled", 500: "ServiceError"}
STAMP = "2026-01-05 09:00:00Z"
TRACE, CORRELATION = "0" * 8 + "-1111-2222-3333-" + "4" * 12, "5" * 8 + "-6666-7777-8888-" + "9" * 12


def guid(digit: str) -> str:
    """A GUID of one digit."""
    return "-".join(digit * length for length in (8, 4, 4, 4, 12))


def fake(letter: str) -> str:
    """A client secret of Entra's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return letter * 3 + "8Q" + "~" + (letter + "Fake.") * 5 + letter * 4


ACME, BETA = guid("a"), guid("b")
ATLAS, SHY, OLD, PLAIN, DISABLED, ORPHAN = (guid(digit) for digit in "123456")
GOOD, EXPIRED = fake("g"), fake("x")
SECRET_ID = guid("e")
ALERTS, GENERAL = "19:a1e27500000000000000000000000000@thread.tacv2", "19:General_Acme-1@thread.tacv2"
GROUP, PERSON, ONE_TO_ONE = "19:meeting_Acme@thread.v2", "a:1AcmePerson_-x", f"19:{ACME}_{ATLAS}@unq.gbl.spaces"
LEFT, MUTED, BLOCKED, GOVERNMENT = (f"19:{name}@thread.tacv2" for name in ("left", "muted", "blocked", "government"))
ROSTER = "The bot is not part of the conversation roster."
WRITES_BLOCKED = json.dumps({"subCode": "MessageWritesBlocked", "details": "Thread is blocked from message writes."})


@dataclass
class TeamsTenant:
    """A tenant: its name, and the domains by which it can be called."""

    name: str
    domains: tuple[str, ...] = ()


@dataclass
class TeamsApp:
    """An app registration. `secrets`: value → whether it still counts; `multi`: any tenant may have it.

    `bot`: an Azure Bot uses it; `graph`: it may read the organization; `disabled` and `orphan` (without a service
    principal) in its tenant.
    """

    home: str
    secrets: dict[str, bool] = field(default_factory=lambda: {GOOD: True, EXPIRED: False})
    multi: bool = False
    bot: bool = True
    graph: bool = False
    disabled: bool = False
    orphan: bool = False


@dataclass(frozen=True)
class TeamsToken:
    """What a token was made for."""

    app: str
    tenant: str
    audience: str


class EntraError(Exception):
    """A refusal of Entra: HTTP status, AADSTS number, OAuth's word and the sentence."""

    def __init__(self, status: int, number: int, error: str, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.body = {
            "error": error,
            "error_description": (
                f"AADSTS{number}: {said} Trace ID: {TRACE} Correlation ID: {CORRELATION} Timestamp: {STAMP}"
            ),
            "error_codes": [number],
            "timestamp": STAMP,
            "trace_id": TRACE,
            "correlation_id": CORRELATION,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        }


def refused(code: str, said: str) -> dict[str, Any]:
    """A refusal as the connector and Graph write it."""
    return {"error": {"code": code, "message": said}}


class TeamsStandin(Standin):
    """Microsoft. `tenants` and `apps` by GUID, `tokens` that were made, `messages` that were taken.

    `rooms`: conversation → None, or the status and body that a message to it gets.
    """

    upstream: ClassVar[str] = "MICROSOFT_LOGIN"
    also: ClassVar[tuple[str, ...]] = ("MICROSOFT_GRAPH", "BOTFRAMEWORK")
    tries: ClassVar[Mapping[str, str]] = {
        "Acme Corp": f"App ID {ATLAS}\nApp Password {GOOD}\nTenant ID {ACME}",
        "a tenant whose name is not told": f"App ID {SHY}\nApp Password {GOOD}\nTenant ID acme.onmicrosoft.com",
        "multi-tenant bot": f"App ID {OLD}\nApp Password {GOOD}",
        "expired": f"App ID {ATLAS}\nApp Password {EXPIRED}\nTenant ID {ACME}",
        "Secret ID for a password": f"App ID {ATLAS}\nApp Password {SECRET_ID}\nTenant ID {ACME}",
        "channel": ALERTS,
        "channel without the app": LEFT,
    }

    def seed(self) -> None:
        """Put two tenants, six apps and the conversations of Acme in."""
        self.tenants = {
            ACME: TeamsTenant("Acme Corp", ("acme.onmicrosoft.com", "acme.example")),
            BETA: TeamsTenant("Beta Inc", ("beta.onmicrosoft.com",)),
            SHARED_ID: TeamsTenant("Bot Framework", (SHARED,)),
        }
        self.apps = {
            ATLAS: TeamsApp(ACME, graph=True),
            SHY: TeamsApp(ACME),
            OLD: TeamsApp(ACME, multi=True),
            PLAIN: TeamsApp(ACME, bot=False),
            DISABLED: TeamsApp(ACME, disabled=True),
            ORPHAN: TeamsApp(ACME, orphan=True),
        }
        host = "Invalid bot api host. For GCC tenants, please call https://smba.infra.gcc.teams.microsoft.com."
        self.rooms: dict[str, tuple[int, dict[str, Any]] | None] = {
            **dict.fromkeys((ALERTS, GENERAL, GROUP, PERSON, ONE_TO_ONE)),
            LEFT: (403, refused("BotNotInConversationRoster", ROSTER)),
            MUTED: (403, {"errorCode": 209, "message": WRITES_BLOCKED}),
            BLOCKED: (403, refused("BotDisabledByAdmin", "The tenant admin disabled this bot")),
            GOVERNMENT: (403, refused("InvalidBotApiHost", host)),
        }
        self.tokens: dict[str, TeamsToken] = {}
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Entra's words for a 401, the connector's for the rest; the wait is in the headers alone."""
        if status == 401:
            return _wrong_secret(ATLAS).body
        return refused(REFUSALS[status], "Not now.")

    def routes(self) -> Sequence[Route]:
        """Entra's, Graph's and the connector's paths."""
        return [
            Route("/{tenant}/oauth2/v2.0/token", self._mint, methods=["POST"]),
            Route("/v1.0/organization", self._organization, methods=["GET"]),
            Route("/teams/v3/conversations/{conversation}/activities", self._post, methods=["POST"]),
        ]

    async def _mint(self, request: Request) -> Response:
        try:
            token = self._grant(request.path_params["tenant"], await parameters(request, reads_json=False))
        except EntraError as error:
            return JSONResponse(error.body, status_code=error.status)
        return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token})

    def _grant(self, called: str, given: Mapping[str, Any]) -> str:
        for name in ("grant_type", "client_id", "client_secret", "scope"):
            if not given.get(name):
                said = f"The request body must contain the following parameter: '{name}'."
                raise EntraError(400, 900144, "invalid_request", said)
        if given["grant_type"] != "client_credentials":
            raise EntraError(400, 70003, "unsupported_grant_type", "The grant type is not supported.")
        tenant = self._tenant(called)
        app_id = str(given["client_id"]).lower()
        self._admit(app_id, str(given["client_secret"]), tenant)
        audience = str(given["scope"]).removesuffix("/.default")
        if audience not in (BOTS, GRAPH):
            said = f"The resource principal named {audience} was not found in the tenant."
            raise EntraError(400, 500011, "invalid_resource", said)
        made = TeamsToken(app_id, tenant, audience)
        token = _jwt({"aud": audience, "appid": app_id, "tid": tenant, "jti": len(self.tokens)})
        self.tokens[token] = made
        return token

    def _tenant(self, called: str) -> str:
        called = called.lower()
        for tenant, facts in self.tenants.items():
            if called == tenant or called in facts.domains:
                return tenant
        if re.fullmatch(r"[\w-]+", called) and not re.fullmatch(r"[0-9a-f-]{36}", called):
            said = f"Specified tenant identifier '{called}' is neither a valid DNS name, nor a valid external domain."
            raise EntraError(400, 900023, "invalid_request", said)
        said = f"Tenant '{called}' not found. Check to make sure you have the correct tenant ID."
        raise EntraError(400, 90002, "invalid_request", said)

    def _admit(self, app_id: str, secret: str, tenant: str) -> None:
        app = self.apps.get(app_id)
        if app is None or (tenant != app.home and not app.multi):
            said = f"Application with identifier '{app_id}' was not found in the directory '"
            said += f"{self.tenants[tenant].name}'. You may have sent your authentication request to the wrong tenant."
            raise EntraError(400, 700016, "unauthorized_client", said)
        if secret not in app.secrets:
            raise _wrong_secret(app_id)
        if not app.secrets[secret]:
            said = f"The provided client secret keys for app '{app_id}' are expired."
            raise EntraError(401, 7000222, "invalid_client", said)
        if app.disabled:
            said = f"Application '{app_id}' is disabled."
            raise EntraError(400, 7000112, "unauthorized_client", said)
        if app.orphan:
            said = f"The client application {app_id} is missing service principal in the tenant {tenant}."
            raise EntraError(401, 7000229, "invalid_client", said)

    def _made(self, request: Request, audience: str) -> TeamsToken | None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        made = self.tokens.get(text) if scheme.lower() == "bearer" else None
        return made if made is not None and made.audience == audience else None

    async def _organization(self, request: Request) -> Response:
        made = self._made(request, GRAPH)
        if made is None:
            return JSONResponse(refused("InvalidAuthenticationToken", "Access token is empty."), status_code=401)
        if not self.apps[made.app].graph:
            said = "Insufficient privileges to complete the operation."
            return JSONResponse(refused("Authorization_RequestDenied", said), status_code=403)
        facts = {"id": made.tenant, "displayName": self.tenants[made.tenant].name, "tenantType": "AAD"}
        chosen = request.query_params.get("$select", "id,displayName,tenantType").split(",")
        context = f"{GRAPH}/v1.0/$metadata#organization"
        return JSONResponse({"@odata.context": context, "value": [{name: facts[name] for name in chosen}]})

    async def _post(self, request: Request) -> Response:
        made = self._made(request, BOTS)
        app = self.apps[made.app] if made else None
        if made is None or app is None or (not app.multi and made.tenant != app.home):
            return JSONResponse(NO_BOT, status_code=401)
        if not app.bot:
            return JSONResponse(refused("BotNotRegistered", "No registration found for this bot."), status_code=401)
        status, body = self._deliver(made.app, request.path_params["conversation"], await request.body())
        return JSONResponse(body, status_code=status)

    def _deliver(self, app_id: str, conversation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if CONVERSATION.fullmatch(conversation) is None:
            return 400, refused("BadSyntax", "Bad format of conversation ID")
        room = conversation.partition(";")[0]
        if room not in self.rooms:
            return 404, refused("ConversationNotFound", "Conversation not found.")
        refusal = self.rooms[room]
        if refusal is not None:
            return refusal
        try:
            activity = json.loads(body)
        except ValueError:
            activity = None
        if not isinstance(activity, dict) or activity.get("type") != "message" or not activity.get("text"):
            return 400, refused("BadSyntax", "Activity must include a type and a text.")
        if 2 * len(str(activity["text"])) > SIZE_LIMIT:
            return 413, refused("MessageSizeTooBig", "Message size too large.")
        number = str(1767600000000 + len(self.messages))
        self.messages.append({**activity, "id": number, "conversation": conversation, "app": app_id})
        return 201, {"id": number}


def _wrong_secret(app_id: str) -> EntraError:
    said = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
    said += f"not the client secret ID, for a secret added to app '{app_id}'."
    return EntraError(401, 7000215, "invalid_client", said)


def _jwt(claims: Mapping[str, Any]) -> str:
    """Three parts as of a token; nobody has signed it."""
    parts = (json.dumps({"typ": "JWT", "alg": "RS256"}), json.dumps(claims), "nobody signed this")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
