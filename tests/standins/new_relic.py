"""A stand-in for New Relic: accounts with their keys in two data centres, the collector and the query API.

Wire: https://docs.newrelic.com/docs/data-apis/ingest-apis/event-api/introduction-event-api/ and
https://docs.newrelic.com/docs/apis/insights-apis/query-insights-event-data-api/. The collector acknowledges what has a
good key and a good shape; only then it looks into the events (`dropped` holds those that it throws away silently).
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

ACCOUNT, EUROPEAN = "1234567", "7654321"
BODY_BYTES = 10**6
ATTRIBUTES, VALUE_LENGTH = 255, 4096
REASONS = {401: "Unauthorized", 403: "Unauthorized", 429: "Too many requests", 500: "Internal server error"}


def fake(start: str, letter: str, length: int = 32, end: str = "") -> str:
    """A key of New Relic's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return start + ("FAKE" + letter * 4) * (length // 8) + end


@dataclass(frozen=True)
class NewRelicAccount:
    """An account and its keys."""

    license_key: str
    write_token: str
    read_token: str


ACME = NewRelicAccount(fake("", "a", 32, "00ffNRAL"), fake("NRII-", "a"), fake("NRIQ-", "a"))
EU = NewRelicAccount(fake("eu01xx", "e", 24, "000000NRAL"), fake("NRII-", "e"), fake("NRIQ-", "e"))


class NewRelicStandin(Standin):
    """New Relic. `accounts`: number → keys; `messages` are the events that were kept, `dropped` those that were not."""

    upstream: ClassVar[str] = "NEW_RELIC"
    also: ClassVar[tuple[str, ...]] = ("NEW_RELIC_INSIGHTS",)
    tries: ClassVar[Mapping[str, str]] = {
        "Acme": "\n".join(
            (
                f"License key: {ACME.license_key}",
                f"Account ID: {ACCOUNT}",
                f"Write token: {ACME.write_token}",
                f"Read token: {ACME.read_token}",
            )
        ),
        "Of the EU, another account": "\n".join(
            (
                f"License key: {EU.license_key}",
                f"Account ID: {EUROPEAN}",
                f"Write token: {EU.write_token}",
                f"Read token: {EU.read_token}",
            )
        ),
    }

    def seed(self) -> None:
        """Put the default accounts in."""
        self.accounts = {ACCOUNT: ACME, EUROPEAN: EU}
        self.messages: list[dict[str, Any]] = []
        self.dropped: list[Any] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """New Relic's body for a status."""
        return {"error": REASONS[status]}

    def routes(self) -> Sequence[Route]:
        """The collector takes POST alone, the query API GET."""
        return [
            Route("/v1/accounts/{account}/events", self._collect, methods=["POST"]),
            Route("/v1/accounts/{account}/query", self._query, methods=["GET"]),
        ]

    async def _collect(self, request: Request) -> Response:
        account = self.accounts.get(request.path_params["account"])
        key = request.headers.get("api-key") or request.headers.get("x-insert-key")
        if account is None or key not in {account.write_token, account.license_key}:
            return self._refuse(403)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "Unsupported media type"}, status_code=415)
        body = await request.body()
        if len(body) > BODY_BYTES:
            return JSONResponse({"error": "Request entity too large"}, status_code=413)
        try:
            said = json.loads(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)
        except (ValueError, OSError, zlib.error):
            return JSONResponse({"error": "Invalid JSON"}, status_code=400)
        for event in said if isinstance(said, list) else [said]:
            (self.messages if is_kept(event) else self.dropped).append(event)
        return JSONResponse({"success": True, "uuid": str(UUID(int=len(self.messages) + len(self.dropped) + 2**64))})

    async def _query(self, request: Request) -> Response:
        account = self.accounts.get(request.path_params["account"])
        if account is None or request.headers.get("x-query-key") != account.read_token:
            return self._refuse(403)
        asked = re.fullmatch(r"SELECT count\(\*\) FROM (\w+)( SINCE .+)?", request.query_params.get("nrql", ""))
        if asked is None:
            return JSONResponse({"error": "NRQL Syntax Error"}, status_code=400)
        count = sum(event["eventType"] == asked[1] for event in self.messages)
        return JSONResponse(
            {
                "results": [{"count": count}],
                "performanceStats": {"inspectedCount": count, "matchCount": count, "wallClockTime": 7},
                "metadata": {"eventTypes": [asked[1]], "eventType": asked[1], "contents": [{"function": "count"}]},
            }
        )

    def _refuse(self, status: int) -> Response:
        return JSONResponse(dict(self.refusal(status, None)), status_code=status)


def is_kept(event: Any) -> bool:
    """Whether the collector keeps an event: a type, and texts and numbers alone, not too many and not too long."""
    if not isinstance(event, dict) or not re.fullmatch(r"[A-Za-z0-9_:]{1,255}", str(event.get("eventType", ""))):
        return False
    values = event.values()
    plain = all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values)
    return plain and len(event) <= ATTRIBUTES and all(len(str(value)) <= VALUE_LENGTH for value in values)
