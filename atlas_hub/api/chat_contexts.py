"""The chat API's contexts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from atlas_hub.api.chat_fields import Fields
from atlas_hub.api.chat_frame import ChatCall, Page, Route
from atlas_hub.api.chat_paging import cut_of, page_of
from atlas_hub.kit.clock import iso
from atlas_hub.services import contexts
from atlas_hub.services.contexts import ContextView


async def listed(call: ChatCall) -> Page:
    """A page of contexts: all, those with an id, those with a word in type or id. Raises `Refused` 400, 422."""
    query = call.request.query_params
    found = await contexts.listed(
        call.hub, call.actor, cut_of(query), context_id=query.get("id", ""), search=query.get("search", "")
    )
    return page_of(found, told)


async def create(call: ChatCall) -> dict[str, Any]:
    """A new context. Raises `Refused` 422, and what the service raises."""
    fields = Fields(await call.json())
    kind, context_id = fields.text("type", required=True), fields.text("id", required=True)
    values = fields.object("data")
    fields.checked()
    return told(await contexts.create(call.hub, call.actor, kind, context_id, values))


async def retrieve(call: ChatCall) -> dict[str, Any]:
    """One context."""
    return told(await contexts.one(call.hub, call.actor, call.params["type"], call.params["id"]))


async def update(call: ChatCall) -> dict[str, Any]:
    """Its data, replaced whole. Raises `Refused` 422, and what the service raises."""
    fields = Fields(await call.json())
    values = fields.object("data", required=True)
    fields.checked()
    return told(await contexts.update(call.hub, call.actor, call.params["type"], call.params["id"], values))


async def delete(call: ChatCall) -> None:
    """Delete a context."""
    await contexts.delete(call.hub, call.actor, call.params["type"], call.params["id"])


def told(view: ContextView) -> dict[str, Any]:
    """A context on the wire."""
    return {
        "type": view.type,
        "id": view.id,
        "data": view.data,
        "createdAt": iso(view.created_at),
        "updatedAt": iso(view.updated_at),
    }


_ONE: Final = "/v2/contexts/{type}/{id}"
ROUTES: Final = (
    Route("GET", "/v2/contexts", listed),
    Route("POST", "/v2/contexts", create, HTTPStatus.CREATED),
    Route("GET", _ONE, retrieve),
    Route("PATCH", _ONE, update),
    Route("DELETE", _ONE, delete, HTTPStatus.NO_CONTENT),
)
