"""The chat API's channel connections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from atlas_hub.api.chat_errors import bad_request
from atlas_hub.api.chat_fields import SUBSCRIBER_LENGTH, TOKEN_LENGTH, Fields
from atlas_hub.api.chat_frame import ChatCall, Page, Route
from atlas_hub.api.chat_paging import cut_of, page_of, wanted_of
from atlas_hub.kit.clock import iso
from atlas_hub.kit.secret import HIDDEN, Secret
from atlas_hub.services import channel_connections
from atlas_hub.services.channel_connections import NewConnection, Place
from atlas_hub.services.channel_tokens import Auth
from atlas_hub.services.channel_views import ConnectionView
from atlas_hub.services.chat_words import Unusable, kind_of

MODES: Final = ("subscriber", "shared")


async def listed(call: ChatCall) -> Page:
    """A page of connections. Raises `Refused` 400, 422."""
    query = call.request.query_params
    wanted = wanted_of(query, kind_of, channel_connections.CARDS)
    return page_of(await channel_connections.listed(call.hub, call.actor, wanted, cut_of(query)), told)


async def create(call: ChatCall) -> dict[str, Any]:
    """A new connection. Raises `Refused` 400, 422, and what the service raises."""
    new = new_connection(await call.json())
    try:
        return told(await channel_connections.create(call.hub, call.actor, new))
    except Unusable as error:
        raise bad_request(error.text) from None


async def retrieve(call: ChatCall) -> dict[str, Any]:
    """One connection."""
    return told(await channel_connections.one(call.hub, call.actor, call.params["identifier"]))


async def update(call: ChatCall) -> dict[str, Any]:
    """Workspace and auth, both replaced whole. Raises `Refused` 400, 422, and what the service raises."""
    fields = Fields(await call.json())
    place, auth = place_of(fields), auth_of(fields)
    fields.checked()
    try:
        return told(await channel_connections.update(call.hub, call.actor, call.params["identifier"], place, auth))
    except Unusable as error:
        raise bad_request(error.text) from None


async def delete(call: ChatCall) -> None:
    """Delete a connection and the endpoints that name it."""
    await channel_connections.delete(call.hub, call.actor, call.params["identifier"])


def new_connection(body: Mapping[str, Any]) -> NewConnection:
    """What is to be made, by the rules of `connectionMode`. Raises `Refused` 400, 422."""
    fields = Fields(body)
    integration = fields.text("integrationIdentifier", required=True)
    place, auth = place_of(fields), auth_of(fields)
    identifier = fields.identifier("identifier")
    subscriber = fields.text("subscriberId", most=SUBSCRIBER_LENGTH)
    mode = fields.one_of("connectionMode", MODES)
    fields.checked()
    context = body.get("context")
    if mode == "shared" and context is None:
        raise bad_request('context is required when connectionMode is "shared"')
    if mode == "subscriber" and not subscriber:
        raise bad_request('subscriberId is required when connectionMode is "subscriber"')
    if not subscriber and context is None:
        raise bad_request("Either subscriberId or context must be provided")
    return NewConnection(
        integration=integration,
        place=place,
        auth=auth,
        identifier=identifier,
        subscriber="" if mode == "shared" else subscriber,
        context=context,
    )


def place_of(fields: Fields) -> Place:
    """The `workspace` of a body."""
    given = fields.within("workspace", required=True)
    return Place(id=given.text("id", required=True), name=given.text("name"), bot_user_id=given.text("botUserId"))


def auth_of(fields: Fields) -> Auth:
    """The `auth` of a body."""
    given = fields.within("auth", required=True)
    token = given.text("accessToken", required=True, most=TOKEN_LENGTH)
    refresh = given.text("refreshToken", most=TOKEN_LENGTH)
    if HIDDEN in refresh:
        given.fault("refreshToken", "refreshToken is a mask, not the token")
    return Auth(
        access_token=Secret(token),
        refresh_token=Secret(refresh) if refresh else None,
        expires_at=given.moment("expiresAt"),
        refresh_expires_at=given.moment("refreshTokenExpiresAt"),
        masked=HIDDEN in token,
    )


def told(view: ConnectionView) -> dict[str, Any]:
    """A connection on the wire: what the clients want is always there, what they cannot read as null is left out."""
    workspace = {"id": view.workspace_id, "name": view.workspace_name, "botUserId": view.bot_user_id}
    end = iso(view.expires_at) if isinstance(view.expires_at, datetime) else view.expires_at
    auth = {"expiresAt": end, "refreshTokenExpiresAt": view.refresh_expires_at}
    return {
        "identifier": view.identifier,
        "channel": view.channel,
        "providerId": view.provider_id,
        "integrationIdentifier": view.integration,
        "subscriberId": view.subscriber,
        "contextKeys": view.contexts,
        "workspace": {name: text for name, text in workspace.items() if text or name == "id"},
        "auth": {
            "accessToken": view.token,
            "hasRefreshToken": view.has_refresh_token,
            **{name: moment for name, moment in auth.items() if moment},
        },
        "createdAt": iso(view.created_at),
        "updatedAt": iso(view.updated_at),
    }


_ONE: Final = "/v1/channel-connections/{identifier}"
ROUTES: Final = (
    Route("GET", "/v1/channel-connections", listed),
    Route("POST", "/v1/channel-connections", create, HTTPStatus.CREATED),
    Route("GET", _ONE, retrieve),
    Route("PATCH", _ONE, update),
    Route("DELETE", _ONE, delete, HTTPStatus.NO_CONTENT),
)
