"""A stand-in for Opsgenie's Alert API: keys and what they may, alerts, and requests that are worked off later.

Wire: https://docs.opsgenie.com/docs/alert-api. A 202 says that a request will be processed; what became of it is
asked by its id, which is 404 until then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

LENGTHS = {"message": 130, "alias": 512, "description": 15_000, "source": 100, "entity": 512}
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
NOT_AN_INTEGRATION = "To perform this action, use an API key from an API integration."
DISABLED = "Integration is disabled. Enable it to use this API key."
REFUSALS: dict[int, dict[str, Any]] = {
    401: {"message": "Could not authenticate"},
    403: {"message": "You are not authorized to access this resource.", "code": 40302},
    429: {"message": "You are making too many requests!"},
    500: {"message": "Internal Server Error"},
}


def fake(digit: str) -> str:
    """A key of Opsgenie's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "-".join([digit * 8, "face", "4bad", "8bad", digit * 12])


LIVE, WRITES, MANAGES, OFF = (fake(digit) for digit in "1bc0")
ELSEWHERE = fake("e")
"""A key of the other region, which this one does not know."""


@dataclass(frozen=True)
class OpsgenieKey:
    """What a key may. `manages`: it is from API key management, which may read alerts and raise none."""

    reads: bool = True
    manages: bool = False
    enabled: bool = True


class OpsgenieError(Exception):
    """A refusal: status, message and, where it has one, code."""

    def __init__(self, status: int, message: str, code: int | None = None, errors: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message}
        self.body |= {"code": code} if code else {}
        self.body |= {"errors": errors} if errors else {}


class OpsgenieStandin(Standin):
    """Opsgenie. `keys`: key → `OpsgenieKey`; `messages` are the alerts that were created, `closed` the ended aliases.

    `late`: how often a request is asked about in vain; `refuses`: why alerts are not created after all.
    """

    upstream: ClassVar[str] = "OPSGENIE"
    tries: ClassVar[Mapping[str, str]] = {
        "API integration": LIVE,
        "May raise alerts and not read them": WRITES,
        "From API key management, which raises none": MANAGES,
        "Integration that is turned off": OFF,
        "Key of the other region": ELSEWHERE,
    }

    def seed(self) -> None:
        """Put the default keys in."""
        self.keys: dict[str, OpsgenieKey] = {
            LIVE: OpsgenieKey(),
            WRITES: OpsgenieKey(reads=False),
            MANAGES: OpsgenieKey(manages=True),
            OFF: OpsgenieKey(enabled=False),
        }
        self.messages: list[dict[str, Any]] = []
        self.closed: list[str] = []
        self.late = 0
        self.refuses = ""
        self._outcomes: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, int] = {}

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Opsgenie's body for a status; the wait is in the headers alone."""
        return self._signed(REFUSALS[status])

    def routes(self) -> Sequence[Route]:
        """The paths that raise, end and look at alerts."""
        return [
            Route("/v2/alerts", self._answered(self._list), methods=["GET"]),
            Route("/v2/alerts", self._answered(self._create), methods=["POST"]),
            Route("/v2/alerts/requests/{number}", self._answered(self._request), methods=["GET"]),
            Route("/v2/alerts/{alias}/close", self._answered(self._close), methods=["POST"]),
        ]

    def _signed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "took": 0.012, "requestId": f"{len(self.calls):08x}-face-4bad-8bad-{'a' * 12}"}

    def _answered(
        self, act: Callable[[OpsgenieKey, Request, Any], tuple[int, Mapping[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                given = await _json(request) if request.method == "POST" else None
                status, body = act(self._key(request.headers.get("authorization", "")), request, given)
                return JSONResponse(self._signed(body), status_code=status)
            except OpsgenieError as error:
                return JSONResponse(self._signed(error.body), status_code=error.status)

        return endpoint

    def _key(self, header: str) -> OpsgenieKey:
        kind, _, key = header.partition(" ")
        if kind != "GenieKey" or len(key) != 36 or key.count("-") != 4:
            raise OpsgenieError(422, "Key format is not valid!")
        if key not in self.keys:
            raise OpsgenieError(401, "Could not authenticate")
        if not self.keys[key].enabled:
            raise OpsgenieError(403, DISABLED, 40302)
        return self.keys[key]

    def _list(self, key: OpsgenieKey, request: Request, _given: Any) -> tuple[int, Mapping[str, Any]]:
        _may_read(key)
        limit = int(request.query_params.get("limit", "20"))
        return 200, {"data": [{"alias": each["alias"], "message": each["message"]} for each in self.messages[:limit]]}

    def _create(self, key: OpsgenieKey, _request: Request, given: Any) -> tuple[int, Mapping[str, Any]]:
        if key.manages:
            raise OpsgenieError(403, NOT_AN_INTEGRATION, 40301)
        errors = _complaints(given)
        if errors:
            raise OpsgenieError(422, "Request body is not processable. Please check the errors.", errors=errors)
        number = f"{len(self.messages):08x}-face-4bad-8bad-{'d' * 12}-1700000000000"
        if self.refuses:
            return self._taken("Create", status=self.refuses)
        self.messages.append({"alias": number, **given})
        return self._taken("Create", status="Created alert", alert=number, alias=self.messages[-1]["alias"])

    def _close(self, key: OpsgenieKey, request: Request, _given: Any) -> tuple[int, Mapping[str, Any]]:
        if key.manages:
            raise OpsgenieError(403, NOT_AN_INTEGRATION, 40301)
        alias = request.path_params["alias"]
        if request.query_params.get("identifierType") != "alias":
            raise OpsgenieError(422, "Identifier type is not valid. This stand-in knows alias.")
        if alias not in {each["alias"] for each in self.messages} - set(self.closed):
            return self._taken("Close", status="Alert does not exist")
        self.closed.append(alias)
        return self._taken("Close", status="Closed alert", alert=alias, alias=alias)

    def _taken(self, action: str, *, status: str, alert: str = "", alias: str = "") -> tuple[int, Mapping[str, Any]]:
        body = {"result": "Request will be processed"}
        self._outcomes[self._signed(body)["requestId"]] = {
            "success": bool(alert),
            "isSuccess": bool(alert),
            "action": action,
            "processedAt": "2026-01-31T10:00:00.000Z",
            "status": status,
            "alertId": alert,
            "alias": alias,
        }
        return 202, body

    def _request(self, key: OpsgenieKey, request: Request, _given: Any) -> tuple[int, Mapping[str, Any]]:
        _may_read(key)
        number = request.path_params["number"]
        self._asked[number] = self._asked.get(number, 0) + 1
        if number not in self._outcomes or self._asked[number] <= self.late:
            raise OpsgenieError(404, "Request not found. It might not be processed, yet.")
        return 200, {"data": self._outcomes[number]}


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise OpsgenieError(400, "Could not parse request body.") from None


def _may_read(key: OpsgenieKey) -> None:
    if not key.reads:
        raise OpsgenieError(403, "You are not authorized to access this resource.", 40302)


def _complaints(given: Any) -> dict[str, str]:
    """What Opsgenie says to an alert that lacks something, or has too much of it."""
    if not isinstance(given, dict) or not str(given.get("message") or "").strip():
        return {"message": "Message can not be empty."}
    said = {
        name: f"{name.title()} can not be longer than {length} characters."
        for name, length in LENGTHS.items()
        if len(str(given.get(name, ""))) > length
    }
    if given.get("priority", "P3") not in PRIORITIES:
        said["priority"] = "Priority should be one of [P1, P2, P3, P4, P5]."
    details = given.get("details", {})
    if not isinstance(details, dict) or not all(isinstance(each, str) for each in details.values()):
        said["details"] = "Details should be a map of strings."
    return said
