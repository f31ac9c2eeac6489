"""A stand-in for PagerDuty's Events API v2: integration keys, the events they took and what is open.

Wire: https://developer.pagerduty.com/docs/send-alert-event. A 202 is about the form of an event alone: one with a
well-formed key that nobody has is taken, too, and vanishes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
EVENT_BYTES = 512 * 1024
SUMMARY_LENGTH, DEDUP_LENGTH = 1024, 255
REFUSALS: dict[int, dict[str, Any]] = {
    401: {"error": {"message": "Unauthorized", "code": 2006}},
    403: {"error": {"message": "Access Denied", "code": 2010}},
    429: {
        "status": "throttle exceeded",
        "message": "Requests for this service are arriving too quickly. Please retry later.",
        "errors": ["Enhance Your Calm."],
    },
    500: {"status": "error", "message": "Internal Server Error"},
}


def fake(letter: str) -> str:
    """A key of PagerDuty's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return ("R0" + letter + "FAKE" + "integrationkey" * 3)[:32]


LIVE, OTHER, GONE = fake("1"), fake("2"), fake("0")
REST = "u+" + "FAKE" + "restapikey" + "0123"
"""A key of the REST API, which is shorter."""


class PagerDutyStandin(Standin):
    """PagerDuty. `keys`: integration key → service; `messages` are the triggers that reached a service.

    `open` is what is not resolved: (key, dedup key); `events` is everything that was taken.
    """

    upstream: ClassVar[str] = "PAGERDUTY"
    tries: ClassVar[Mapping[str, str]] = {
        "Service Acme": LIVE,
        "Service Beta": OTHER,
        "Well-formed key that no service has": GONE,
        "REST API key, which cannot raise alerts": REST,
    }

    def seed(self) -> None:
        """Put the default services in."""
        self.keys: dict[str, str] = {LIVE: "Acme", OTHER: "Beta"}
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.open: set[tuple[str, str]] = set()

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """PagerDuty's body for a status; the wait is in the headers alone."""
        return REFUSALS[status]

    def routes(self) -> Sequence[Route]:
        """The one path of the API."""
        return [Route("/v2/enqueue", self._enqueue, methods=["POST"])]

    async def _enqueue(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > EVENT_BYTES:
            return JSONResponse({"status": "invalid event", "message": "Event is too large"}, status_code=413)
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        errors = list(_complaints(event)) if isinstance(event, dict) else ["Event is not a JSON object"]
        if errors:
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return JSONResponse(said, status_code=400)
        key, name = event["routing_key"], event.get("dedup_key") or f"{len(self.events):032x}"
        self.events.append(event)
        if key in self.keys:
            if event["event_action"] == "trigger":
                self.messages.append({**event, "dedup_key": name})
                self.open.add((key, name))
            elif event["event_action"] == "resolve":
                self.open.discard((key, name))
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": name}, status_code=202)


def _complaints(event: Mapping[str, Any]) -> Sequence[str]:
    key, action, name = event.get("routing_key"), event.get("event_action"), event.get("dedup_key")
    said = []
    if not isinstance(key, str) or not key:
        said.append("'routing_key' is missing or blank")
    else:
        said += [] if len(key) == 32 else ["Length of 'routing_key' is incorrect (should be 32 characters)"]
        said += (
            [] if re.fullmatch(r"[A-Za-z0-9]*", key) else ["'routing_key' cannot contain non-alphanumeric characters."]
        )
    if action not in ACTIONS:
        said.append("'event_action' is missing or has an unknown value")
    if name is not None and (not isinstance(name, str) or len(name) > DEDUP_LENGTH):
        said.append("'dedup_key' is invalid (should be a string of at most 255 characters)")
    if action in {"acknowledge", "resolve"} and not name:
        said.append("'dedup_key' is missing or blank")
    return [*said, *_payload(event.get("payload"))] if action == "trigger" else said


def _payload(payload: Any) -> Sequence[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    said = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source", "severity")
        if not isinstance(payload.get(name), str) or not payload[name]
    ]
    if len(str(payload.get("summary", ""))) > SUMMARY_LENGTH:
        said.append("'payload.summary' is too long (maximum is 1024 characters)")
    if payload.get("severity") not in SEVERITIES:
        said.append("'payload.severity' is invalid (must be one of the following: critical, warning, error or info)")
    return said
