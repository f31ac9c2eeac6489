"""The connections API's own description: OpenAPI 3.1 at `/api/connections/openapi.json`, which needs no key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from atlas_hub.api.answers import Checks
from atlas_hub.api.connections_bodies import CHANGE, CREATE, ChannelsBody, SettingsBody
from atlas_hub.api.described import Api, Described, document, in_path, in_query
from atlas_hub.services.named import PLATFORMS
from atlas_hub.services.views import State

CODES: Final = (
    "INVALID_CREDENTIALS",
    "AUTH_EXPIRED",
    "RATE_LIMITED",
    "INSUFFICIENT_PERMISSIONS",
    "NETWORK_ERROR",
    "PLATFORM_ERROR",
)


class Answer(BaseModel):
    """What every shape has in common: nothing in it that is not named."""

    model_config = ConfigDict(extra="forbid")


class Why(Answer):
    """Why a connection cannot be synced."""

    message: str


class Connection(Answer):
    """A connection in a list. `last_sync` is null until something here syncs; `error` is there with status error."""

    id: str = Field(pattern="^conn_[0-9a-f]{24}$")
    name: str
    platform: Literal[tuple(PLATFORMS)]  # type: ignore[valid-type]  # made of the registry
    status: Literal["connected", "disconnected", "error"]
    created_at: AwareDatetime
    last_sync: AwareDatetime | None
    channel_count: int = Field(description="At the last listing; 0 before the first.")
    source: Literal["page", "admin", "groups", "connections", "chat", "environment"]
    state: State
    checks: Checks | dict[str, Any]
    error: Why | None = None


class Channels(Answer):
    """What is known of the connection's list of channels: what it leaves out and why, and when it may be asked for."""

    listed_at: AwareDatetime | None
    sync_all: bool
    notes: list[str]
    missing_scopes: list[str]
    error: str | None
    retry_at: AwareDatetime | None


class ConnectionDetail(Connection):
    """A connection by itself."""

    settings: SettingsBody
    channels: Channels


class Channel(Answer):
    """A channel. `missing`: it was chosen, and the vendor does not list it any more; `renamed_from`: what a chosen one
    was called when it was chosen.
    """

    id: str
    name: str
    is_private: bool
    member_count: int | None
    sync_enabled: bool
    is_member: bool | None = Field(description="Whether the bot is in it, or may see it; null where not told.")
    missing: bool
    renamed_from: str | None


class Validated(Answer):
    """The connection that was validated."""

    id: str
    status: Literal["connected", "disconnected"]
    validated_at: AwareDatetime | None


class Valid(Answer):
    """The vendor accepted it."""

    valid: Literal[True]
    connection: Validated


class VendorError(Answer):
    """What the vendor said: a sentence, and one of six words. `required_scopes` are all that are needed."""

    code: Literal[CODES]  # type: ignore[valid-type]  # made of the table above
    message: str
    requestId: str | None = None  # noqa: N815  # the wire's name
    required_scopes: list[str] | None = None


class Invalid(Answer):
    """The vendor refused it, or could not be asked."""

    valid: Literal[False]
    error: VendorError


class OwnError(Answer):
    """What was wrong with the request: a word and a sentence; `fields` names each at fault."""

    code: str = Field(pattern="^[a-z_]+$")
    message: str
    requestId: str  # noqa: N815  # the wire's name
    fields: dict[str, str] | None = None
    connection_id: str | None = None


class Failed(Answer):
    """An answer that is not the vendor's."""

    error: OwnError


VALIDITY: Final[Any] = Annotated[Valid | Invalid, Field()]
ERROR: Final[Any] = Annotated[Failed | Invalid, Field()]
ERRORS: Final[Mapping[int, str]] = {
    400: "`bad_request`: not JSON. `unsupported_platform`: not one of this API, or it lists no channels. Or the vendor "
    "refused: `INVALID_CREDENTIALS`, `AUTH_EXPIRED`.",
    401: "`unauthorized`: no key, or one that is not known.",
    403: "`forbidden`: a key for other APIs, or one that may only read. Or `INSUFFICIENT_PERMISSIONS`: the vendor did "
    "not grant what is needed.",
    404: "`not_found`: there is no such connection here.",
    409: "`conflict`: the account is connected already, or the new credentials are another account's. "
    "`managed_by_environment`: the operator's variable decides about it.",
    413: "`payload_too_large`: more than 1 MiB.",
    415: "`unsupported_media_type`: not `application/json`, or compressed.",
    422: "`validation_error`: `fields` names each.",
    429: "`rate_limited`: see `Retry-After`.",
    500: "`internal_error`: the log has more under `requestId`.",
    502: "`NETWORK_ERROR`, `PLATFORM_ERROR`: the vendor did not answer, or made no sense.",
    503: "`RATE_LIMITED`: the vendor asks to wait, see `Retry-After`. `unavailable`: no database. `locked`: the "
    "encryption key is missing.",
}
ALWAYS: Final = (401, 403, 429, 500, 503)
CHANGES: Final = (*ALWAYS, 400, 413, 415, 422, 404, 409, 502)
API: Final = Api(
    title="Atlas Hub connections API",
    about="""\
The chat accounts of a workspace, as sync jobs know them. What is connected here stands on the Integrations page, and
the other way round. Every answer has `X-Request-Id` and `Cache-Control: no-store`. A slash at the end of a path changes
nothing, HEAD is GET without a body, and unknown keys of a body are refused by name. A method that a path does not have
is 405 `method_not_allowed`, with those that it has in the header `Allow`; a path that does not exist is 404.
""",
    errors=ERRORS,
    error=ERROR,
    schemes={"bearer": {"type": "http", "scheme": "bearer", "description": "The private half of a key."}},
)
ONE: Final = in_path("connection_id", "`conn_` and 24 hex; anything else is 404.")
REFRESH: Final = in_query("refresh", "Ask the vendor even if the list is fresh.", {"type": "boolean", "default": False})
OPERATIONS: Final = (
    Described(
        path="/api/connections",
        method="GET",
        id="listConnections",
        summary="Every chat account of the workspace, the oldest first",
        answer=list[Connection],
        errors=ALWAYS,
    ),
    Described(
        path="/api/connections",
        method="POST",
        id="createConnection",
        summary="Prove credentials and store them as a new connection",
        status=201,
        answer=Connection,
        errors=CHANGES,
        body=CREATE,
        example={"platform": "slack", "name": "Engineering", "credentials": {"bot_token": "made-up-example"}},
    ),
    Described(
        path="/api/connections/{connection_id}",
        method="GET",
        id="getConnection",
        summary="One connection with its settings",
        answer=ConnectionDetail,
        errors=(*ALWAYS, 404),
        parameters=(ONE,),
    ),
    Described(
        path="/api/connections/{connection_id}",
        method="PUT",
        id="updateConnection",
        summary="Change name, credentials or settings; refused credentials change nothing",
        answer=ConnectionDetail,
        errors=CHANGES,
        body=CHANGE,
        example={"name": "Platform", "settings": {"sync_interval_minutes": 60}},
        parameters=(ONE,),
    ),
    Described(
        path="/api/connections/{connection_id}",
        method="DELETE",
        id="deleteConnection",
        summary="Disconnect; the oldest active one becomes the default where this one was",
        status=204,
        errors=(*ALWAYS, 404, 409),
        parameters=(ONE,),
    ),
    Described(
        path="/api/connections/{connection_id}/validate",
        method="POST",
        id="validateConnection",
        summary="Ask the vendor; 200 for both outcomes",
        answer=VALIDITY,
        errors=(*ALWAYS, 404),
        parameters=(ONE,),
    ),
    Described(
        path="/api/connections/{connection_id}/channels",
        method="GET",
        id="listChannels",
        summary="The channels, as listed within the last five minutes",
        answer=list[Channel],
        errors=(*ALWAYS, 400, 404, 409, 422, 502),
        parameters=(ONE, REFRESH),
    ),
    Described(
        path="/api/connections/{connection_id}/channels",
        method="PUT",
        id="chooseChannels",
        summary="Which channels to sync: these, or every public one",
        answer=list[Channel],
        errors=CHANGES,
        body=ChannelsBody,
        example={"channel_ids": ["C0123456789"], "sync_all": False},
        parameters=(ONE,),
    ),
)


@cache
def text(server: str) -> bytes:
    """The description as JSON; `server` is where the hub is served, "" for the root."""
    return to_json(document(API, OPERATIONS, server=server or "/"))
