"""A stand-in for an operator's mail bridge: takes every mail that is posted to it, at any path.

Wire: ours. JSON with from, to, subject and html; any 2xx is a yes, and an `id` in the answer is the receipt's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

USER, PASSWORD = "atlas", "fake:bridge/pass@word"


class BridgeStandin(Standin):
    """A mail bridge. `messages` that it took: the JSON as sent. `locked`: it wants USER and PASSWORD.

    `answer` is what it says to a mail, and with which status.
    """

    upstream: ClassVar[str] = "MAIL_BRIDGE"

    def seed(self) -> None:
        """An open bridge that tells an id."""
        self.messages: list[dict[str, Any]] = []
        self.locked = False
        self.answer: tuple[int, Any] = (202, {"id": "bridge-1"})

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """A bridge's body for a status."""
        return {"error": f"refused with {status}"}

    def routes(self) -> Sequence[Route]:
        """Every path."""
        return [Route("/{path:path}", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.locked and request.headers.get("authorization") != f"Basic {pair}":
            return JSONResponse({"error": "unauthorized"}, status_code=401)
        try:
            given = await request.json()
        except ValueError:
            return JSONResponse({"error": "no JSON"}, status_code=400)
        if not isinstance(given, dict) or set(given) != {"from", "to", "subject", "html"}:
            return JSONResponse({"error": "from, to, subject and html are needed"}, status_code=422)
        self.messages.append(given)
        status, said = self.answer
        return JSONResponse(said, status_code=status)
