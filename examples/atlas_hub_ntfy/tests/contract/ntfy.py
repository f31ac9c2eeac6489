"""What Atlas Hub's contract suite knows of ntfy: to be put into a clone at `tests/providers/entries/ntfy.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from atlas_hub import PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins.standin import Standin

GOOD = "tk_" + "FAKEgood" * 3


class NtfyStandin(Standin):
    """ntfy with one person, whose token is `GOOD`."""

    upstream: ClassVar[str] = "NTFY"

    def seed(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        return {"code": status * 100 + 1, "http": status, "error": "refused"}

    def routes(self) -> Sequence[Route]:
        return [Route("/v1/account", self._account), Route("/", self._publish, methods=["POST"])]

    async def _account(self, request: Request) -> Response:
        good = request.headers.get("authorization") == f"Bearer {GOOD}"
        return JSONResponse({"username": "ana"} if good else self.refusal(401, None), 200 if good else 401)

    async def _publish(self, request: Request) -> Response:
        self.messages.append(await request.json())
        return JSONResponse({"id": "hwQ2YpKdmg", "event": "message", **self.messages[-1]})


ENTRIES = (
    Entry(
        slug="ntfy",
        method="access_token",
        vendor="ntfy",
        standin=NtfyStandin,
        values=lambda _standin: {"accessToken": GOOD},
        steps=("format", "reached", "accepted"),
        to="acme_alerts",
        account=("ntfy.sh/ana", "-"),
        tokens=("accessToken",),
        misshapen={"accessToken": "tk_can ary", "server": "https://canary.example/x/canary"},
        troubles=(
            *HTTP_TROUBLES,
            inside({"username": 7}, PlatformError, in_send=False),
            inside({"id": "../7"}, PlatformError, in_check=False),
        ),
    ),
)
