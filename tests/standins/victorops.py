"""A stand-in for the REST endpoint of VictorOps (Splunk On-Call): keys, routes and the timeline.

Wire: https://help.victorops.com/knowledge-base/rest-endpoint-integration-guide/. The key and the routing key are parts
of the path; what has no such route takes the default one, without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

PATH = "/integrations/generic/20131114/alert"
TYPES = ("CRITICAL", "WARNING", "ACKNOWLEDGEMENT", "INFO", "RECOVERY")
DEFAULT_ROUTE = "(default)"
REFUSALS: dict[int, dict[str, Any]] = {
    401: {"result": "failure", "message": "Unauthorized: unknown API key"},
    403: {"message": "Forbidden"},
    429: {"message": "Too many requests"},
    500: {"message": "Internal server error"},
}


def fake(digit: str) -> str:
    """A key of VictorOps' shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "-".join([digit * 8, "face", "4bad", "8bad", digit * 12])


LIVE, GONE = fake("1"), fake("0")
ROUTE = "operations"


class VictorOpsStandin(Standin):
    """VictorOps. `keys` of REST endpoints that are on, `paths` that routing keys lead to.

    `messages` are the alerts as sent, with the `route` that they took; `open` the entities that still page.
    """

    upstream: ClassVar[str] = "VICTOROPS"
    tries: ClassVar[Mapping[str, str]] = {"REST endpoint": LIVE, "REST endpoint that was turned off": GONE}

    def seed(self) -> None:
        """Put one endpoint and one route in."""
        self.keys: set[str] = {LIVE}
        self.paths: set[str] = {ROUTE}
        self.messages: list[dict[str, Any]] = []
        self.open: set[str] = set()

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """VictorOps' body for a status; the wait is in the headers alone."""
        return REFUSALS[status]

    def routes(self) -> Sequence[Route]:
        """The one path, with what is in it still quoted."""
        return [Route(f"{PATH}/{{rest:path}}", self._alert, methods=["POST"])]

    async def _alert(self, request: Request) -> Response:
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        key, _, route = raw.decode("ascii").partition("?")[0].removeprefix(f"{PATH}/").partition("/")
        if unquote(key) not in self.keys:
            return JSONResponse({"result": "failure", "message": "Unknown API key"}, status_code=404)
        try:
            given = await request.json()
        except ValueError:
            given = None
        if not isinstance(given, dict) or str(given.get("message_type", "")).upper() not in TYPES:
            said = {"result": "failure", "message": "The field message_type is missing or has an unknown value"}
            return JSONResponse(said, status_code=400)
        kind = str(given["message_type"]).upper()
        name = str(given.get("entity_id") or f"{len(self.messages):08x}-face-4bad-8bad-{'e' * 12}")
        route = unquote(route) if unquote(route) in self.paths else DEFAULT_ROUTE
        self.messages.append({**given, "entity_id": name, "route": route})
        if kind in {"CRITICAL", "WARNING"}:
            self.open.add(name)
        elif kind == "RECOVERY":
            self.open.discard(name)
        return JSONResponse({"result": "success", "entity_id": name})
