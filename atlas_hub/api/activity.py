"""The admin API's part for the audit log: a page of events, and all of them as a file."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

from pydantic import Field
from starlette.responses import Response, StreamingResponse

from atlas_hub.api.answers import Answer
from atlas_hub.api.envelope import Call, Verb
from atlas_hub.api.errors import invalid
from atlas_hub.api.openapi import Operation
from atlas_hub.services import activity
from atlas_hub.services.activity import LAST_SEQ, MOST, NAME_PATTERN, RESULTS, TEXT_PATTERN, USUAL, Filters, Format

MEDIA: Final = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/x-ndjson"}

_NUMBER = re.compile("[0-9]{1,10}")


class Event(Answer):
    """Something that happened. `hash` is made of everything else here; `previousHash` is that of the event before."""

    workspace: str
    seq: int = Field(ge=1)
    id: str
    at: str = Field(description='ISO 8601 in UTC; "" where the event cannot be read.')
    kind: str = Field(
        description="What happened; `unreadable` where somebody edited the event so that nobody can tell."
    )
    result: Literal["ok", "failed"]
    actor: str
    provider: str
    subject: str = Field(description="The id or the address of what it happened to.")
    detail: dict[str, Any]
    requestId: str  # noqa: N815  # the wire's name
    previousHash: str  # noqa: N815  # same
    hash: str = Field(description="64 hexadecimal digits, unless somebody edited it.")


class Events(Answer):
    """Events, newest first."""

    events: list[Event]
    next: int | None = Field(description="What to give as `before` for those that are older; null where none are.")


def _parameter(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string", **schema}}


FILTERS: Final = (
    _parameter("kind", "Only events of this kind.", pattern=NAME_PATTERN),
    _parameter("provider", "Only events of this provider.", pattern=NAME_PATTERN),
    _parameter("actor", "Only events by someone whose name contains this.", pattern=TEXT_PATTERN),
    _parameter("result", "Only what went well, or only what failed.", enum=["", *RESULTS]),
    _parameter("subject", "Only what happened to this.", pattern=TEXT_PATTERN),
    _parameter("from", "Not before this moment (ISO 8601), or this day (UTC)."),
    _parameter("to", "Before this moment (ISO 8601), or until the end of this day (UTC)."),
)
PAGING: Final = (
    {
        "name": "before",
        "in": "query",
        "description": "Only events before this seq.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LAST_SEQ},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    },
)
FORMAT: Final = {**_parameter("format", "How it is written.", enum=[*Format]), "required": True}


def routes() -> list[tuple[Operation, Verb]]:
    """What is offered here, each with what does it."""
    listing = Operation(
        path="/activity",
        method="GET",
        id="listActivity",
        summary="What happened in the workspace, newest first",
        answer=Events,
        errors=(400, 404, 422),
        parameters=(*FILTERS, *PAGING),
    )
    export = Operation(
        path="/activity/export",
        method="GET",
        id="exportActivity",
        summary="Everything that happened in the workspace, oldest first, as a file",
        answer=Events,
        media=tuple(MEDIA.values()),
        errors=(400, 404, 422),
        parameters=(FORMAT, *FILTERS),
    )
    return [(listing, list_events), (export, export_events)]


async def list_events(call: Call) -> dict[str, Any]:
    """GET /activity."""
    before, limit = _number(call, "before", LAST_SEQ), _number(call, "limit", MOST)
    page = await activity.listed(call.hub, call.actor, _filters(call), before=before, limit=limit or USUAL)
    events = [activity.wire(event) for event in page.events]
    return {"events": events, "next": events[-1]["seq"] if page.older else None}


async def export_events(call: Call) -> Response:
    """GET /activity/export: streamed, so that it takes no more memory for a long log than for a short one."""
    asked = _one(call, "format")
    if asked not in {*Format}:
        raise invalid([("format", f"This must be one of {', '.join(Format)}.")])
    form = Format(asked)
    pieces = activity.exported(call.hub, call.actor, _filters(call), form)
    name = f"activity-{call.hub.now():%Y-%m-%d}.{form}"
    return StreamingResponse(
        await _begun(pieces),
        media_type=MEDIA[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _begun(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """The same pieces, the first of which are there already: until then an error is still an answer."""
    first = [piece async for piece in _few(pieces)]

    async def all_of_them() -> AsyncIterator[str]:
        for piece in first:
            yield piece
        async for piece in pieces:
            yield piece

    return all_of_them()


async def _few(pieces: AsyncIterator[str], count: int = 2) -> AsyncIterator[str]:
    for _ in range(count):
        try:
            yield await anext(pieces)
        except StopAsyncIteration:
            return


def _filters(call: Call) -> Filters:
    return activity.filters_of({each["name"]: _one(call, each["name"]) for each in FILTERS})


def _one(call: Call, name: str) -> str:
    given = call.request.query_params.getlist(name) or [""]
    if len(given) > 1:
        raise invalid([(name, "This must be given once.")])
    return given[0]


def _number(call: Call, name: str, most: int) -> int | None:
    if name not in call.request.query_params:
        return None
    text = _one(call, name)
    if _NUMBER.fullmatch(text) is None or not 1 <= int(text) <= most:
        raise invalid([(name, f"This must be a whole number from 1 to {most}.")])
    return int(text)
