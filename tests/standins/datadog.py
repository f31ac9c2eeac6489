"""A stand-in for Datadog: API keys of seven sites, one of which it is, and the events that were posted.

Wire: https://docs.datadoghq.com/api/latest/authentication/#validate-api-key and …/events/#post-an-event. A key of
another site is as unknown here as a wrong one: a client chooses the site by the host, and every host leads here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

REASONS = {401: "Unauthorized", 403: "Forbidden", 429: "Too many requests", 500: "Internal Server Error"}
TITLE_LIMIT, TEXT_LIMIT, KEY_LIMIT = 500, 4000, 100
OLDEST = 18 * 3600
TYPES = {"error", "warning", "info", "success", "user_update", "recommendation", "snapshot"}


def fake(letter: str) -> str:
    """An API key of Datadog's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return ("0fa4e" + letter) * 5 + "00"


ATLAS, OTHER_SITE = fake("a"), fake("e")


class DatadogStandin(Standin):
    """Datadog. `keys` that are good on this site; `messages` are the events that were posted."""

    upstream: ClassVar[str] = "DATADOG"
    tries: ClassVar[Mapping[str, str]] = {"API key of this site": ATLAS, "API key of another site": OTHER_SITE}

    def seed(self) -> None:
        """Put the default key in."""
        self.keys = {ATLAS}
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Datadog's body for a status: a list of errors."""
        return {"errors": [REASONS[status]]}

    def routes(self) -> Sequence[Route]:
        """Validation and events."""
        return [
            Route("/api/v1/validate", self._validate, methods=["GET"]),
            Route("/api/v1/events", self._post, methods=["POST"]),
        ]

    def _is_known(self, request: Request) -> bool:
        # The v1 API also reads the key from the query, as old clients send it.
        key = request.headers.get("dd-api-key") or request.query_params.get("api_key")
        return key in self.keys

    async def _validate(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refuse(403)
        return JSONResponse({"valid": True})

    async def _post(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refuse(403)
        try:
            said = await request.json()
        except ValueError:
            said = None
        wrong = _wrong(said)
        if wrong:
            return JSONResponse({"errors": [wrong]}, status_code=400)
        self.messages.append(said)
        number = 7000000000000000000 + len(self.messages)
        event = {
            "id": number,
            "id_str": str(number),
            "title": said["title"],
            "text": said["text"],
            "date_happened": said.get("date_happened", int(_now())),
            "handle": None,
            "priority": said.get("priority"),
            "related_event_id": None,
            "tags": said.get("tags"),
            "url": f"https://app.datadoghq.com/event/event?id={number}",
        }
        return JSONResponse({"status": "ok", "event": event}, status_code=202)

    def _refuse(self, status: int) -> Response:
        return JSONResponse(dict(self.refusal(status, None)), status_code=status)


def _wrong(said: Any) -> str:
    """What is wrong with an event, "" where nothing is."""
    if not isinstance(said, dict):
        return "Payload is not in the expected format"
    at = said.get("date_happened", int(_now()))
    texts = {name: said.get(name) for name in ("title", "text")}
    faults = {
        "Missing required field": not all(isinstance(text, str) and text for text in texts.values()),
        "title is longer than 500 characters": len(str(texts["title"])) > TITLE_LIMIT,
        "text is longer than 4000 characters": len(str(texts["text"])) > TEXT_LIMIT,
        "aggregation_key is longer than 100 characters": len(str(said.get("aggregation_key", ""))) > KEY_LIMIT,
        "Invalid alert_type": said.get("alert_type", "info") not in TYPES,
        "Invalid priority": said.get("priority") not in {"normal", "low", None},
        "date_happened must be an integer": not isinstance(at, int) or isinstance(at, bool),
        "date_happened is older than 18 hours": isinstance(at, int) and _now() - at > OLDEST,
    }
    return next((fault for fault, holds in faults.items() if holds), "")


def _now() -> float:
    return time.time()  # noqa: TID251 - a vendor has a clock of its own
