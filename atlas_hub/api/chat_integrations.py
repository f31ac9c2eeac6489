"""The chat API's integrations: what a caller may say of one, and what of it is said back. Never a credential."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atlas_hub.api.chat_errors import bad_request, forbidden, invalid, not_found
from atlas_hub.api.chat_frame import ChatCall, Route
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services import integrations
from atlas_hub.services.integration_views import IntegrationView, NoPrimary, StillUsed, Wanted

LIST = "/v1/integrations"
ONE = f"{LIST}/{{integrationId}}"
NAMED = f"{LIST}/{{integrationIdentifier}}"

Text = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
Identifier = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x20\x7f/?#]*$")]
ProviderId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Said(BaseModel):
    """What a body may say. Unknown names are ignored, as the original does."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, extra="ignore")

    name: Text | None = None
    identifier: Identifier | None = None
    environment: str | None = Field(default=None, alias="_environmentId")
    credentials: dict[str, Any] | None = None
    active: bool | None = None
    check: bool | None = None
    conditions: list[dict[str, Any]] | None = None
    configurations: dict[str, Any] | None = None

    def wanted(self) -> Wanted:
        """What is wanted of the integration. The clients send objects that they have emptied: those say nothing."""
        return Wanted(
            name=self.name,
            identifier=self.identifier,
            credentials=self.credentials or None,
            active=self.active,
            check=bool(self.check),
            conditions=self.conditions,
            configurations=self.configurations or None,
        )


class New(Said):
    """What a body that creates one says."""

    providerId: ProviderId  # noqa: N815  # the wire's name
    channel: Literal["in_app", "email", "sms", "chat", "push", "tool"] | None = None
    kind: Literal["delivery", "agent"] = "delivery"


S = TypeVar("S", bound=Said)


def read(kind: type[S], body: Mapping[str, Any]) -> S:
    """A body as what it may say. Raises `Refused` 422 by field, without repeating a value."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        faults: dict[str, str] = {}
        for issue in error.errors(include_input=False, include_url=False, include_context=False):
            name = ".".join(str(part) for part in issue["loc"])
            faults.setdefault(name, f"{name}: {issue['msg'][:1].lower()}{issue['msg'][1:]}")
    raise invalid(faults)


def shown(view: IntegrationView, **more: Any) -> dict[str, Any]:
    """An integration on the wire: no key is null."""
    said: dict[str, Any] = {
        "_id": view.id,
        "_environmentId": view.workspace,
        "_organizationId": view.workspace,
        "name": view.name,
        "identifier": view.identifier,
        "providerId": view.provider_id,
        "channel": view.channel,
        "kind": view.kind,
        "active": view.active,
        "deleted": False,
        "primary": view.primary,
        "conditions": view.conditions,
        "createdAt": iso(view.created_at),
        "updatedAt": iso(view.updated_at),
        **more,
    }
    if view.configurations:
        said["configurations"] = dict(view.configurations)
    return said


async def get_all(call: ChatCall) -> Any:
    """GET: every integration of the workspace."""
    return [shown(view, credentials={}) for view in await integrations.listed(call.hub, call.actor)]


async def get_active(call: ChatCall) -> Any:
    """GET: those that are active."""
    return [shown(view, credentials={}) for view in await integrations.listed(call.hub, call.actor, active=True)]


async def post_one(call: ChatCall) -> Any:
    """POST: store one."""
    body = read(New, await call.json())
    _require_place(call, body)
    channel = body.channel or ("chat" if body.kind == "agent" else None)
    if channel is None:
        raise invalid({"channel": "channel is missing. Say which the integration is for."})
    wanted = body.wanted()
    view = await integrations.create(call.hub, call.actor, body.providerId, channel, wanted, kind=body.kind)
    return shown(view)


async def put_one(call: ChatCall) -> Any:
    """PUT: change what is said of one."""
    body = read(Said, await call.json())
    _require_place(call, body)
    wanted = body.wanted()
    if wanted.says_nothing and not wanted.check:
        raise bad_request("No properties found for update")
    return shown(await integrations.update(call.hub, call.actor, call.params["integrationId"], wanted))


async def delete_one(call: ChatCall) -> Any:
    """DELETE: 200, with those that remain."""
    try:
        left = await integrations.delete(call.hub, call.actor, call.params["integrationId"])
    except StillUsed as error:
        raise bad_request(error.text) from None  # the clients would send it again for an hour after a 409
    return [shown(view, credentials={}) for view in left]


async def post_primary(call: ChatCall) -> Any:
    """POST …/set-primary: make it the primary of its channel."""
    row_id = call.params["integrationId"]
    if not is_id(row_id):
        raise invalid({"integrationId": "integrationId must be a mongodb id"})
    try:
        return shown(await integrations.set_primary(call.hub, call.actor, row_id))
    except NotFound:
        raise not_found(f"Integration with id {row_id} not found") from None
    except NoPrimary as error:
        raise bad_request(error.text) from None


async def post_auto_configure(call: ChatCall) -> Any:
    """POST …/auto-configure: 200 that it cannot be done, which the original says of most providers."""
    row_id = call.params["integrationId"]
    try:
        view = await integrations.one(call.hub, call.actor, row_id)
    except NotFound:
        raise not_found(f"Integration not found, id: {row_id}") from None
    return {"success": False, "message": f"Auto-configuration is not supported for provider {view.provider_id}"}


async def not_offered(call: ChatCall) -> Any:
    """What the original does for bots of its own, which there are none of here. Raises `Refused` 404."""
    raise not_found(f"This is not offered here: {call.request.method} {call.request.url.path}")


def _require_place(call: ChatCall, body: Said) -> None:
    if body.environment is not None and body.environment != call.actor.workspace:
        raise forbidden(
            "API key authentication is scoped to a single environment and cannot target a different `_environmentId`."
        )


ROUTES: Final = (
    Route("GET", LIST, get_all),
    Route("POST", LIST, post_one, status=HTTPStatus.CREATED),
    Route("GET", f"{LIST}/active", get_active),
    Route("PUT", ONE, put_one),
    Route("DELETE", ONE, delete_one),
    Route("POST", f"{ONE}/set-primary", post_primary),
    Route("POST", f"{ONE}/auto-configure", post_auto_configure),
    Route("POST", f"{LIST}/channel-endpoints/link", not_offered),
    Route("POST", f"{NAMED}/mobile-link", not_offered),
    Route("POST", f"{NAMED}/webhook/configure", not_offered),
)
