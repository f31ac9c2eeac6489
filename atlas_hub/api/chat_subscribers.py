"""The chat API's subscribers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from atlas_hub.api.chat_errors import invalid
from atlas_hub.api.chat_fields import SUBSCRIBER_LENGTH, Fields
from atlas_hub.api.chat_frame import ChatCall, Route
from atlas_hub.kit.clock import iso
from atlas_hub.services import subscribers
from atlas_hub.services.chat_words import Unusable
from atlas_hub.services.endpoint_shapes import LENGTH
from atlas_hub.services.subscribers import ChannelView, SubscriberView

WORDS: Final = ("firstName", "lastName", "email", "phone", "avatar", "locale", "timezone")
"""What may be told of a subscriber in a text each; `data` is an object of the application's own."""
WORD_LENGTH: Final = 500


async def create(call: ChatCall) -> dict[str, Any]:
    """A subscriber, made or told anew. Raises `Refused` 422, and what the service raises."""
    body = await call.json()
    fields = Fields(body)
    subscriber_id = fields.text("subscriberId", required=True, most=SUBSCRIBER_LENGTH)
    profile: dict[str, Any] = {
        name: fields.text(name, most=WORD_LENGTH) or None if body[name] != "" else None
        for name in WORDS
        if name in body
    }
    if "data" in body:
        profile["data"] = fields.object("data") if fields.has("data") else None
    fields.checked()
    fail = call.request.query_params.get("failIfExists", "").lower() in {"true", "1"}
    return told(await subscribers.create(call.hub, call.actor, subscriber_id, profile, fail_if_exists=fail))


async def retrieve(call: ChatCall) -> dict[str, Any]:
    """One subscriber."""
    return told(await subscribers.one(call.hub, call.actor, call.params["subscriberId"]))


async def set_credentials(call: ChatCall) -> dict[str, Any]:
    """The webhook by which a provider reaches a subscriber. Raises `Refused` 400, 422, and what the service raises."""
    fields = Fields(await call.json())
    provider_id = fields.text("providerId", required=True, most=40)
    integration = fields.text("integrationIdentifier") or None
    given = fields.within("credentials", required=True)
    url, channel = given.text("webhookUrl", required=True, most=LENGTH), given.text("channel")
    fields.checked()
    endpoint = {"url": url, "channel": channel or None}
    who = call.params["subscriberId"]
    try:
        view = await subscribers.set_webhook(call.hub, call.actor, who, provider_id, integration, endpoint)
    except Unusable:
        raise invalid({"credentials.webhookUrl": "webhookUrl must be an http or https address"}) from None
    return told(view)


def told(view: SubscriberView) -> dict[str, Any]:
    """A subscriber on the wire."""
    return {
        "_id": view.id,
        "subscriberId": view.subscriber_id,
        "_organizationId": view.workspace,
        "_environmentId": view.workspace,
        **view.profile,
        "channels": [_channel(each) for each in view.channels],
        "deleted": False,
        "createdAt": iso(view.created_at),
        "updatedAt": iso(view.updated_at),
    }


def _channel(view: ChannelView) -> dict[str, Any]:
    credentials = {"webhookUrl": view.webhook, "channel": view.channel}
    return {
        "providerId": view.provider_id,
        "_integrationId": view.integration_id,
        "integrationIdentifier": view.integration,
        "credentials": {name: text for name, text in credentials.items() if text},
    }


ROUTES: Final = (
    Route("POST", "/v2/subscribers", create, HTTPStatus.CREATED),
    Route("GET", "/v2/subscribers/{subscriberId}", retrieve),
    Route("PUT", "/v1/subscribers/{subscriberId}/credentials", set_credentials),
)
