"""A stand-in for what a Teams bot meets at Microsoft: Entra (`entra.py`), Graph, the Bot Connector.

Wire: https://learn.microsoft.com/graph/api/organization-list,
https://learn.microsoft.com/graph/api/userteamwork-post-installedapps and
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.entra import EntraStandin
from tests.standins.teams_seed import (
    ACME,
    ALERTS,
    ATLAS,
    BARBARA,
    BETA,
    BLOCKED,
    BOTS,
    CATALOG_ID,
    CONVERSATION,
    DISABLED,
    EXPIRED,
    GENERAL,
    GOOD,
    GOVERNMENT,
    GRACE,
    GRAPH,
    GROUP,
    HUB,
    HUB_SECRET,
    KEN,
    LEFT,
    MUTED,
    NO_BOT,
    OLD,
    ONE_TO_ONE,
    OPERATOR,
    ORPHAN,
    PERSON,
    PLAIN,
    REFUSALS,
    ROSTER,
    SECRET_ID,
    SHARED,
    SHARED_ID,
    SHY,
    SIZE_LIMIT,
    STAMP,
    TRACE,
    WRITES_BLOCKED,
    TeamsApp,
    TeamsPerson,
    TeamsTenant,
    TeamsToken,
    fake,
    guid,
    refused,
    wrong_secret,
)

__all__ = [
    "ACME",
    "ALERTS",
    "ATLAS",
    "BARBARA",
    "BETA",
    "BLOCKED",
    "BOTS",
    "CATALOG_ID",
    "DISABLED",
    "EXPIRED",
    "GENERAL",
    "GOOD",
    "GOVERNMENT",
    "GRACE",
    "GRAPH",
    "GROUP",
    "HUB",
    "HUB_SECRET",
    "KEN",
    "LEFT",
    "MUTED",
    "OLD",
    "ONE_TO_ONE",
    "OPERATOR",
    "ORPHAN",
    "PERSON",
    "PLAIN",
    "SECRET_ID",
    "SHARED",
    "SHARED_ID",
    "SHY",
    "STAMP",
    "TRACE",
    "TeamsApp",
    "TeamsPerson",
    "TeamsStandin",
    "TeamsTenant",
    "TeamsToken",
    "fake",
    "guid",
    "refused",
]

EXTERNAL = re.compile(r"externalId eq '([^']+)'")


class TeamsStandin(EntraStandin):
    """Microsoft. `tenants` and `apps` by GUID, `tokens` that were made, `messages` that were taken.

    `rooms`: conversation → None, or the status and body that a message to it gets. `catalog`: an app's external id →
    its id in every tenant's catalogue; `installed`: whose object id has which of those.
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
        """Put tenants, apps and the conversations of Acme in."""
        self.seed_oauth()
        host = "Invalid bot api host. For GCC tenants, please call https://smba.infra.gcc.teams.microsoft.com."
        self.rooms: dict[str, tuple[int, dict[str, Any]] | None] = {
            **dict.fromkeys((ALERTS, GENERAL, GROUP, PERSON, ONE_TO_ONE)),
            LEFT: (403, refused("BotNotInConversationRoster", ROSTER)),
            MUTED: (403, {"errorCode": 209, "message": WRITES_BLOCKED}),
            BLOCKED: (403, refused("BotDisabledByAdmin", "The tenant admin disabled this bot")),
            GOVERNMENT: (403, refused("InvalidBotApiHost", host)),
        }
        self.catalog = {HUB: CATALOG_ID}
        self.installed: set[tuple[str, str]] = set()
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Entra's words for a 401, the connector's for the rest; the wait is in the headers alone."""
        if status == 401:
            return wrong_secret(ATLAS).body
        return refused(REFUSALS[status], "Not now.")

    def routes(self) -> Sequence[Route]:
        """Entra's, Graph's and the connector's paths."""
        return [
            *self.oauth_routes(),
            Route("/v1.0/organization", self._organization, methods=["GET"]),
            Route("/v1.0/appCatalogs/teamsApps", self._catalogue, methods=["GET"]),
            Route("/v1.0/users/{oid}/teamwork/installedApps", self._install, methods=["POST"]),
            Route("/teams/v3/conversations/{conversation}/activities", self._post, methods=["POST"]),
        ]

    def _made(self, request: Request, audience: str) -> TeamsToken | None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        made = self.tokens.get(text) if scheme.lower() == "bearer" else None
        return made if made is not None and made.audience == audience else None

    def _by_app(self, request: Request) -> TeamsToken | Response:
        """The token of an app that may use Graph in its tenant, or the answer that the caller gets instead."""
        made = self._made(request, GRAPH)
        if made is None:
            return JSONResponse(refused("InvalidAuthenticationToken", "Access token is empty."), status_code=401)
        app = self.apps[made.app]
        if made.person is not None or not app.graph or (app.consented is not None and made.tenant not in app.consented):
            said = "Insufficient privileges to complete the operation."
            return JSONResponse(refused("Authorization_RequestDenied", said), status_code=403)
        return made

    async def _organization(self, request: Request) -> Response:
        made = self._by_app(request)
        if not isinstance(made, TeamsToken):
            return made
        facts = {"id": made.tenant, "displayName": self.tenants[made.tenant].name, "tenantType": "AAD"}
        chosen = request.query_params.get("$select", "id,displayName,tenantType").split(",")
        context = f"{GRAPH}/v1.0/$metadata#organization"
        return JSONResponse({"@odata.context": context, "value": [{name: facts[name] for name in chosen}]})

    async def _catalogue(self, request: Request) -> Response:
        made = self._by_app(request)
        if not isinstance(made, TeamsToken):
            return made
        wanted = EXTERNAL.fullmatch(request.query_params.get("$filter", ""))
        if wanted is None:
            return JSONResponse(refused("BadRequest", "Invalid filter clause."), status_code=400)
        found = [
            {"id": number, "externalId": external, "displayName": "Atlas", "distributionMethod": "organization"}
            for external, number in self.catalog.items()
            if external == wanted[1]
        ]
        return JSONResponse({"@odata.context": f"{GRAPH}/v1.0/$metadata#appCatalogs/teamsApps", "value": found})

    async def _install(self, request: Request) -> Response:
        made = self._by_app(request)
        if not isinstance(made, TeamsToken):
            return made
        person = self.people.get(request.path_params["oid"])
        if person is None or person.tenant != made.tenant:
            return JSONResponse(refused("NotFound", "User not found."), status_code=404)
        try:
            bound = str((await request.json())["teamsApp@odata.bind"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse(refused("BadRequest", "teamsApp@odata.bind is missing."), status_code=400)
        number = bound.removeprefix(f"{GRAPH}/v1.0/appCatalogs/teamsApps/")
        if number not in self.catalog.values():
            return JSONResponse(refused("NotFound", "The Teams app is not in the catalogue."), status_code=404)
        if (person.oid, number) in self.installed:
            return JSONResponse(refused("Conflict", "The app is already installed for the user."), status_code=409)
        self.installed.add((person.oid, number))
        return Response(status_code=201)

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
