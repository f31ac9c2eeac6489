"""The shapes of the admin API's answers, for its description: what is sent is written without passing through them."""

# ruff: noqa: N815  # the wire's names

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from atlas_hub.providers import PROVIDERS
from atlas_hub.services.status import PLATFORMS
from atlas_hub.services.views import State
from atlas_hub.settings import DeployMode


class Answer(BaseModel):
    """What every shape has in common: nothing in it that is not named."""

    model_config = ConfigDict(extra="forbid")


class Proof(Answer):
    """One thing that is known, since when, and why."""

    status: Literal["yes", "no", "unknown"]
    at: str | None = Field(description="ISO 8601 in UTC; null where nothing was learned yet.")
    proof: str


class Checks(Answer):
    """The four things that may be known; a key is missing until something was learned."""

    configured: Proof = Field(default=...)
    authenticated: Proof | None = None
    authorized: Proof | None = None
    delivered: Proof | None = None


class Scopes(Answer):
    """What the vendor granted, measured against the features that are on."""

    granted: list[str] | None = Field(description="Null where the vendor does not tell.")
    missing: list[str]
    extra: list[str] = Field(description="Granted, and needed by no feature that is on.")


class ConnectionSummary(Answer):
    """The connection that was made or updated."""

    id: str = Field(pattern="^[0-9a-f]{24}$")
    label: str
    state: State
    checks: Checks


class Connected(Answer):
    """What became of a connect."""

    message: str
    replaced: str | None = Field(description="The account that made way, where one did.")
    warnings: list[str]
    connection: ConnectionSummary
    scopes: Scopes


class Disconnected(Answer):
    """What became of a disconnect."""

    message: str
    othersStored: int = Field(
        ge=0, description="How many others of the kind are still stored; none is the default now."
    )
    stillInUse: bool = Field(description="Whether another connection is tied to the same account.")
    revoked: bool | None = Field(
        description="Whether the consent's grant is dead at the vendor; null where there was none, or it is not known."
    )
    revocation: str = Field(description="What the vendor said to that, and where to do it by hand; else empty.")


class TestSent(Answer):
    """What the vendor said to a test message: its receipt, or its reason and one of the six words."""

    __test__ = False  # not a test, whatever its name begins with

    message: str
    success: bool
    receipt: str | None = None
    code: str | None = None


class Detail(Answer):
    """A field by its name on the wire, empty for the whole body, and what is wrong with it."""

    field: str
    message: str


class ErrorAnswer(Answer):
    """Every error. `code` where the vendor is the reason."""

    error: str
    message: str
    requestId: str
    code: (
        Literal[
            "INVALID_CREDENTIALS",
            "AUTH_EXPIRED",
            "INSUFFICIENT_PERMISSIONS",
            "RATE_LIMITED",
            "NETWORK_ERROR",
            "PLATFORM_ERROR",
        ]
        | None
    ) = None
    details: list[Detail] | None = None
    retryAfterSeconds: int | None = Field(default=None, ge=1)


class Platform(Answer):
    """One platform of the status answer; `state`, `checks`, `source` and `scopes` where it is connected.

    `source`: by which door it came; `environment` where the operator's variables connect it.
    """

    connected: bool
    installedAt: AwareDatetime | None
    configurable: bool
    state: State | None = None
    checks: Checks | None = None
    scopes: Scopes | None = None
    source: Literal["page", "admin", "groups", "connections", "chat", "environment"] | None = None


class Webhooks(Answer):
    """The webhook tasks that are active."""

    activeCount: int = Field(ge=0)
    configurable: bool


def _platform(name: str) -> type[BaseModel]:
    fields: dict[str, Any] = dict.fromkeys(PLATFORMS[name], str | None)
    if name == "slack":
        fields |= {"oauthConfigured": bool, "envConfigured": bool}
    oauth = any(provider.oauth_env for provider in PROVIDERS.values() if provider.names.admin == name)
    about = "`configurable`: whether " + ("an OAuth app is there." if oauth else "it can be connected here.")
    return create_model(f"{name.capitalize()}Status", __base__=Platform, __doc__=about, **fields)


_STATUS_FIELDS: dict[str, Any] = {
    **{name: _platform(name) for name in PLATFORMS},
    "webhooks": Webhooks,
    "deliveryChannels": list[Literal["email", "slack", "webhook"]],
    "deployMode": DeployMode,
    "hasInternalDB": bool,
}
STATUS = create_model(
    "IntegrationsStatus", __base__=Answer, __doc__="How every platform is. No vendor is asked.", **_STATUS_FIELDS
)
"""The answer to GET /status."""
