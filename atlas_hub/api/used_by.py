"""The admin API's part for what depends on a connection."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, Literal

from atlas_hub.api.answers import Answer
from atlas_hub.api.envelope import Call, Verb
from atlas_hub.api.errors import invalid
from atlas_hub.api.openapi import Operation
from atlas_hub.kit.ids import is_id
from atlas_hub.services import dependents


class Dependent(Answer):
    """One thing that works through a connection. `active`: whether it does now, or is switched off."""

    kind: Literal["schedule"]
    id: str
    name: str
    active: bool


class UsedBy(Answer):
    """What depends on a connection, the active first."""

    usedBy: list[Dependent]  # noqa: N815  # the wire's name


CONNECTION: Final = {
    "name": "connection",
    "in": "query",
    "required": True,
    "description": "The id of a connection.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
}


def routes() -> list[tuple[Operation, Verb]]:
    """What is offered here, with what does it."""
    operation = Operation(
        path="/used-by",
        method="GET",
        id="getUsedBy",
        summary="What depends on a connection and stops with it",
        answer=UsedBy,
        errors=(400, 404, 422),
        parameters=(CONNECTION,),
    )
    return [(operation, get_used_by)]


async def get_used_by(call: Call) -> dict[str, Any]:
    """GET /used-by."""
    asked = call.request.query_params.getlist("connection")
    if len(asked) != 1 or not is_id(asked[0]):
        raise invalid([("connection", "This must be the id of a connection, given once.")])
    found = await dependents.used_by(call.hub, call.actor, asked[0])
    return {"usedBy": [asdict(each) for each in found]}
