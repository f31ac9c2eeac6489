"""The chat API's channel endpoints."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from atlas_hub.api.chat_errors import bad_request
from atlas_hub.api.chat_fields import SUBSCRIBER_LENGTH, Fields
from atlas_hub.api.chat_frame import ChatCall, Page, Route
from atlas_hub.api.chat_paging import cut_of, page_of, wanted_of
from atlas_hub.kit.clock import iso
from atlas_hub.services import channel_endpoints
from atlas_hub.services.channel_endpoints import NewEndpoint
from atlas_hub.services.channel_views import EndpointView
from atlas_hub.services.chat_words import Unusable, integration_kind_of
from atlas_hub.services.endpoint_shapes import SHAPES


async def listed(call: ChatCall) -> Page:
    """A page of endpoints. Raises `Refused` 400, 422."""
    query = call.request.query_params
    return page_of(
        await channel_endpoints.listed(call.hub, call.actor, wanted_of(query, integration_kind_of), cut_of(query)), told
    )


async def create(call: ChatCall) -> dict[str, Any]:
    """A new endpoint. Raises `Refused` 400, 422, and what the service raises."""
    body = await call.json()
    fields = Fields(body)
    new = NewEndpoint(
        subscriber=fields.text("subscriberId", required=True, most=SUBSCRIBER_LENGTH),
        integration=fields.text("integrationIdentifier", required=True),
        type=fields.one_of("type", SHAPES, required=True),
        endpoint=fields.object("endpoint", required=True),
        identifier=fields.identifier("identifier"),
        connection=fields.text("connectionIdentifier"),
        context=body.get("context"),
        may_make_subscriber=fields.flag("createSubscriberIfMissing"),
    )
    fields.checked()
    try:
        return told(await channel_endpoints.create(call.hub, call.actor, new))
    except Unusable as error:
        raise bad_request(error.text) from None


async def retrieve(call: ChatCall) -> dict[str, Any]:
    """One endpoint."""
    return told(await channel_endpoints.one(call.hub, call.actor, call.params["identifier"]))


async def update(call: ChatCall) -> dict[str, Any]:
    """Fields of `endpoint`, merged into what is stored. Raises `Refused` 400, 422, and what the service raises."""
    fields = Fields(await call.json())
    endpoint = fields.object("endpoint", required=True)
    fields.checked()
    try:
        return told(await channel_endpoints.update(call.hub, call.actor, call.params["identifier"], endpoint))
    except Unusable as error:
        raise bad_request(error.text) from None


async def delete(call: ChatCall) -> None:
    """Delete an endpoint."""
    await channel_endpoints.delete(call.hub, call.actor, call.params["identifier"])


def told(view: EndpointView) -> dict[str, Any]:
    """An endpoint on the wire."""
    return {
        "identifier": view.identifier,
        "channel": view.channel,
        "providerId": view.provider_id,
        "integrationIdentifier": view.integration,
        "connectionIdentifier": view.connection,
        "subscriberId": view.subscriber,
        "contextKeys": view.contexts,
        "type": view.type,
        "endpoint": view.endpoint,
        "createdAt": iso(view.created_at),
        "updatedAt": iso(view.updated_at),
    }


_ONE: Final = "/v1/channel-endpoints/{identifier}"
ROUTES: Final = (
    Route("GET", "/v1/channel-endpoints", listed),
    Route("POST", "/v1/channel-endpoints", create, HTTPStatus.CREATED),
    Route("GET", _ONE, retrieve),
    Route("PATCH", _ONE, update),
    Route("DELETE", _ONE, delete, HTTPStatus.NO_CONTENT),
)
