"""The shapes of the chat API's bodies and answers, for its description alone: what reads bodies is in each file.

A shape of a body allows all that is taken; what is refused beyond it (a text that cannot be seen) is 422 all the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from atlas_hub.api.chat_fields import IDENTIFIER_LENGTH, SUBSCRIBER_LENGTH, TEXT_LENGTH, TOKEN_LENGTH
from atlas_hub.services.chat_words import CHANNELS
from atlas_hub.services.endpoint_shapes import LENGTH, SHAPES

Word = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]
Identifier = Annotated[str, Field(min_length=1, max_length=IDENTIFIER_LENGTH)]
SubscriberId = Annotated[str, Field(min_length=1, max_length=SUBSCRIBER_LENGTH)]
Token = Annotated[str, Field(min_length=1, max_length=TOKEN_LENGTH)]
Scopes = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)]
Context = Annotated[dict[str, Any], Field(min_length=1, max_length=5)]
"""Type → id, or type → `{id, data}`."""
Mode = Literal["subscriber", "shared"]
Channel = Annotated[str, Field(json_schema_extra={"enum": list(CHANNELS)})]
EndpointType = Annotated[str, Field(json_schema_extra={"enum": list(SHAPES)})]
Told = Annotated[str, Field(max_length=500)] | None


class Shape(BaseModel):
    """By the names of the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


# Bodies


class WorkspaceBody(Shape):
    """The account at the vendor."""

    id: Word
    name: Word | None = None
    bot_user_id: Word | None = None


class AuthBody(Shape):
    """Its tokens."""

    access_token: Token
    refresh_token: Token | None = None
    expires_at: str | None = None
    refresh_token_expires_at: str | None = None


class ConnectionChanged(Shape):
    """PATCH of a channel connection: both replaced whole."""

    workspace: WorkspaceBody
    auth: AuthBody


class ConnectionBody(ConnectionChanged):
    """POST of a channel connection."""

    integration_identifier: Word
    identifier: Identifier | None = None
    subscriber_id: SubscriberId | None = None
    connection_mode: Mode | None = None
    context: Context | None = None


class EndpointChanged(Shape):
    """PATCH of a channel endpoint: merged into what is stored."""

    endpoint: dict[str, Any]


class EndpointBody(EndpointChanged):
    """POST of a channel endpoint."""

    subscriber_id: SubscriberId
    integration_identifier: Word
    type: EndpointType
    identifier: Identifier | None = None
    connection_identifier: Word | None = None
    context: Context | None = None
    create_subscriber_if_missing: bool | None = None


class ConsentBody(Shape):
    """What an address of a consent is asked for with."""

    integration_identifier: Word
    subscriber_id: SubscriberId | None = None
    connection_identifier: Identifier | None = None
    connection_mode: Mode | None = None
    context: Context | None = None
    context_hash: Word | None = None
    scope: Scopes | None = None
    user_scope: Scopes | None = None
    auto_link_user: bool | None = None


class ChatConsentBody(ConsentBody):
    """The same for either mode."""

    mode: Literal["connect", "link_user"] | None = None


class LinkBody(ConsentBody):
    """The same to learn who a subscriber is."""

    subscriber_id: SubscriberId


class SubscriberBody(Shape):
    """POST of a subscriber. What is null or empty is forgotten."""

    subscriber_id: SubscriberId
    first_name: Told = None
    last_name: Told = None
    email: Told = None
    phone: Told = None
    avatar: Told = None
    locale: Told = None
    timezone: Told = None
    data: dict[str, Any] | None = None


class WebhookBody(Shape):
    """By which webhook a provider reaches a subscriber."""

    webhook_url: Annotated[str, Field(min_length=1, max_length=LENGTH)]
    channel: Word | None = None


class CredentialsBody(Shape):
    """PUT of a subscriber's credentials."""

    provider_id: Annotated[str, Field(min_length=1, max_length=40)]
    integration_identifier: Word | None = None
    credentials: WebhookBody


class ContextChanged(Shape):
    """PATCH of a context: its data, replaced whole."""

    data: dict[str, Any]


class ContextBody(Shape):
    """POST of a context."""

    type: Word
    id: Word
    data: dict[str, Any] | None = None


# Answers


class ErrorAnswer(Shape):
    """An error. `errors` comes with 422, `errorId` with 500."""

    status_code: int
    timestamp: str
    path: str
    message: str | list[str]
    error: str
    errors: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    error_id: str = ""


class Integration(Shape):
    """An integration. Its credentials are never told: `{}` in lists, else left out."""

    id: str = Field(alias="_id")
    environment_id: str = Field(alias="_environmentId")
    organization_id: str = Field(alias="_organizationId")
    name: str
    identifier: str
    provider_id: str
    channel: Channel
    kind: Literal["delivery", "agent"]
    active: bool
    deleted: Literal[False]
    primary: bool
    conditions: list[dict[str, Any]]
    credentials: Annotated[dict[str, Any], Field(max_length=0)] = Field(default_factory=dict)
    configurations: dict[str, Any] = Field(default_factory=dict)
    created_at: str
    updated_at: str


class AutoConfigured(Shape):
    """What came of configuring it at the vendor."""

    success: Literal[False]
    message: str


class Workspace(Shape):
    """The account at the vendor."""

    id: str
    name: str = ""
    bot_user_id: str = ""


class Auth(Shape):
    """Its tokens, masked."""

    access_token: str
    has_refresh_token: bool
    expires_at: str = ""
    refresh_token_expires_at: str = ""


class Granted(Shape):
    """Scopes: `granted` is null where the vendor does not tell."""

    granted: list[str] | None
    missing: list[str]
    extra: list[str]


class Tied(Shape):
    """What connections and endpoints both have."""

    identifier: str
    channel: Channel | None
    provider_id: str | None
    integration_identifier: str | None
    subscriber_id: str | None
    context_keys: list[str]
    created_at: str
    updated_at: str


class Connection(Tied):
    """A channel connection."""

    workspace: Workspace
    auth: Auth
    state: str
    checks: dict[str, dict[str, str | None]]
    scopes: Granted


class Endpoint(Tied):
    """A channel endpoint. What is secret in `endpoint` is masked."""

    connection_identifier: str | None
    type: EndpointType
    endpoint: dict[str, Any]


class SubscriberChannel(Shape):
    """How a provider reaches a subscriber."""

    provider_id: str
    integration_id: str = Field(alias="_integrationId")
    integration_identifier: str
    credentials: dict[str, str]


class Subscriber(Shape):
    """A subscriber, with what the application told of it."""

    id: str = Field(alias="_id")
    subscriber_id: str
    organization_id: str = Field(alias="_organizationId")
    environment_id: str = Field(alias="_environmentId")
    channels: list[SubscriberChannel]
    deleted: Literal[False]
    created_at: str
    updated_at: str


class ContextAnswer(Shape):
    """A context."""

    type: str
    id: str
    data: dict[str, Any]
    created_at: str
    updated_at: str


class Address(Shape):
    """Where to send the subscriber's browser."""

    url: str
