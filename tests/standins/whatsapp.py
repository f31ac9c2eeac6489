"""A stand-in for WhatsApp's Cloud API on Meta's Graph: numbers, tokens with scopes and an end, messages.

Wire: https://developers.facebook.com/docs/whatsapp/cloud-api/reference. Errors are `{"error": {"message", "type",
"code", "error_subcode", "fbtrace_id"}}`. A version that Meta has retired is answered by the oldest that lives.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

DAY = 86_400
SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging", "public_profile")
REFUSALS = {
    401: ("Invalid OAuth access token - Cannot parse access token", 190),
    403: ("(#10) Application does not have permission for this action", 10),
    429: ("(#130429) Rate limit hit", 130429),
    500: ("An unknown error has occurred.", 1),
}


def fake(letter: str) -> str:
    """A token of Meta's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "EA" + "A" + (letter + "FAKEaccess0token") * 5 + "ZD"


PERMANENT, TEMPORARY, EXPIRED = fake("p"), fake("t"), fake("x")
CHANGED, REVOKED, NARROW, STRANGE, SHY = fake("c"), fake("r"), fake("n"), fake("s"), fake("h")
NUMBER, UNKNOWN, ACCOUNT = "106540352242922", "999999999999999", "102290129340398"
PHONE = "+1 555-012-3456"
GRACE, NO_WHATSAPP, NOT_LISTED, SILENT = "+15550000001", "+15550000002", "+15550000003", "+15550000004"


@dataclass
class WhatsappToken:
    """A token. `ended`: the subcode of the 190 that it gets. `ends_in`: seconds; None never. `sees` the number."""

    kind: str = "SYSTEM_USER"
    scopes: tuple[str, ...] = SCOPES
    ends_in: int | None = None
    data_ends_in: int | None = None
    ended: int | None = None
    sees: bool = True
    may_debug: bool = True
    is_valid: bool = True

    def wire(self) -> dict[str, Any]:
        """What debug_token says of it."""
        # A vendor has a clock of its own.
        at = int(time.time())  # noqa: TID251
        return {
            "app_id": "670843887433847",
            "type": self.kind,
            "application": "Acme",
            "data_access_expires_at": at + self.data_ends_in if self.data_ends_in else 0,
            "expires_at": at + self.ends_in if self.ends_in else 0,
            "is_valid": self.is_valid,
            "issued_at": at - DAY,
            "scopes": list(self.scopes),
            "granular_scopes": [{"scope": scope, "target_ids": [ACCOUNT]} for scope in self.scopes],
            "user_id": "122100000000000001",
        }


class WhatsappError(Exception):
    """A refusal: status, message, code and subcode."""

    def __init__(self, status: int, message: str, code: int, subcode: int | None = None, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code}
        if subcode is not None:
            error["error_subcode"] = subcode
        if details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": details}
        self.body = {"error": {**error, "fbtrace_id": "AFakeTraceId"}}


class WhatsappStandin(Standin):
    """WhatsApp. `tokens`: token → `WhatsappToken`; `number` as the Graph tells it; `messages` that were taken.

    `refuses`: recipient → the error that a message to it gets. `oldest`: the oldest version that Meta still serves.
    """

    upstream: ClassVar[str] = "META_GRAPH"
    tries: ClassVar[Mapping[str, str]] = {
        "WhatsApp, permanent token": f"{NUMBER}, token {PERMANENT}",
        "WhatsApp, temporary token": f"{NUMBER}, token {TEMPORARY}",
        "WhatsApp, expired token": f"{NUMBER}, token {EXPIRED}",
        "WhatsApp, token that may not send": f"{NUMBER}, token {NARROW}",
        "WhatsApp, recipient": GRACE,
    }

    def seed(self) -> None:
        """Put the default number and tokens in."""
        self.oldest = 18
        self.number: dict[str, Any] = {
            "id": NUMBER,
            "display_phone_number": PHONE,
            "verified_name": "Acme Corp",
            "quality_rating": "GREEN",
        }
        self.tokens: dict[str, WhatsappToken] = {
            PERMANENT: WhatsappToken(),
            TEMPORARY: WhatsappToken(kind="USER", ends_in=DAY - 3600, data_ends_in=90 * DAY),
            EXPIRED: WhatsappToken(kind="USER", ended=463),
            CHANGED: WhatsappToken(kind="USER", ended=460),
            REVOKED: WhatsappToken(ended=467),
            NARROW: WhatsappToken(scopes=("public_profile",)),
            STRANGE: WhatsappToken(sees=False),
            SHY: WhatsappToken(may_debug=False),
        }
        self.refuses: dict[str, WhatsappError] = {
            NO_WHATSAPP: WhatsappError(400, "(#131026) Message undeliverable", 131026),
            NOT_LISTED: WhatsappError(400, "(#131030) Recipient phone number not in allowed list", 131030),
            SILENT: WhatsappError(400, "(#131047) Re-engagement message", 131047),
        }
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Meta's body for a status; it never names the seconds."""
        message, code = REFUSALS[status]
        return WhatsappError(status, message, code).body

    def routes(self) -> Sequence[Route]:
        """The paths of any version."""
        return [
            Route("/{version}/debug_token", self._debug, methods=["GET"]),
            Route("/{version}/{number}", self._number, methods=["GET"]),
            Route("/{version}/{number}/messages", self._message, methods=["POST"]),
            Route("/{rest:path}", self._nowhere, methods=["GET", "POST"]),
        ]

    async def _nowhere(self, request: Request) -> Response:
        return self._refuse(request, WhatsappError(400, "Unknown path components", 2500))

    def _asks(self, request: Request) -> WhatsappToken:
        """The token that asks. Raises `WhatsappError`."""
        if not re.fullmatch(r"v\d{1,2}\.0", request.path_params["version"]):
            raise WhatsappError(400, "Unknown path components: /" + request.path_params["version"], 2500)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.tokens.get(token)
        if kind != "Bearer" or known is None:
            raise WhatsappError(401, "Invalid OAuth access token - Cannot parse access token", 190)
        if known.ended:
            raise WhatsappError(401, "Error validating access token", 190, known.ended)
        return known

    def _sees(self, token: WhatsappToken, asked: str) -> None:
        """Raise where the token does not see a number of that id."""
        if asked == ACCOUNT:
            text = "(#100) Tried accessing nonexisting field (display_phone_number) on node type "
            raise WhatsappError(400, f"{text}(WhatsAppBusinessAccount)", 100)
        if asked != self.number["id"] or not token.sees:
            text = f"Unsupported get request. Object with ID '{asked}' does not exist, cannot be loaded due to missing "
            raise WhatsappError(400, f"{text}permissions, or does not support this operation", 100, 33)

    async def _number(self, request: Request) -> Response:
        asked = request.path_params["number"]
        try:
            token = self._asks(request)
            self._sees(token, asked)
        except WhatsappError as error:
            return self._refuse(request, error)
        wanted = {"id", *request.query_params.get("fields", ",".join(self.number)).split(",")}
        return self._tell(request, {name: value for name, value in self.number.items() if name in wanted})

    async def _debug(self, request: Request) -> Response:
        try:
            _looks(self._asks(request))
        except WhatsappError as error:
            return self._refuse(request, error)
        known = self.tokens.get(request.query_params.get("input_token", ""))
        invalid = {"error": {"code": 190, "message": "Invalid OAuth access token."}, "is_valid": False, "scopes": []}
        return self._tell(request, {"data": known.wire() if known else invalid})

    async def _message(self, request: Request) -> Response:
        said = await request.json()
        try:
            token = self._asks(request)
            self._sees(token, request.path_params["number"])
            self._takes(token, said)
        except WhatsappError as error:
            return self._refuse(request, error)
        self.messages.append(said)
        number = f"wamid.HBgLFAKE{len(self.messages):04}A="
        contact = {"input": said["to"], "wa_id": said["to"].lstrip("+")}
        return self._tell(
            request, {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": number}]}
        )

    def _takes(self, token: WhatsappToken, said: Mapping[str, Any]) -> None:
        """Raise where a message is not taken."""
        if "whatsapp_business_messaging" not in token.scopes:
            raise WhatsappError(403, "(#200) You do not have the necessary permissions to send messages", 200)
        if said.get("messaging_product") != "whatsapp":
            raise WhatsappError(400, "(#100) The parameter messaging_product is required.", 100)
        body = said.get("text", {}).get("body", "")
        if not body or len(body) > 4096:
            raise WhatsappError(400, "(#100) Invalid parameter", 100, details="Param text['body'] is too long")
        if said["to"] in self.refuses:
            raise self.refuses[said["to"]]

    def _headers(self, request: Request) -> dict[str, str]:
        asked = re.match(r"/v(\d+)\.", request.url.path)
        return {"facebook-api-version": f"v{max(self.oldest, int(asked[1]) if asked else 0)}.0"}

    def _tell(self, request: Request, body: Any) -> Response:
        return JSONResponse(body, headers=self._headers(request))

    def _refuse(self, request: Request, error: WhatsappError) -> Response:
        return JSONResponse(error.body, status_code=error.status, headers=self._headers(request))


def _looks(token: WhatsappToken) -> None:
    """Raise where the token may not ask about tokens."""
    if not token.may_debug:
        text = "(#100) You must provide an app access token, or a user access token that is an owner or "
        raise WhatsappError(400, f"{text}developer of the app", 100)
