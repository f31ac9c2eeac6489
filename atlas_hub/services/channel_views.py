"""What may leave the hub about channel connections and endpoints. No field here can carry a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.services.chat_words import channel_of, connection_provider, endpoint_provider
from atlas_hub.services.contexts import keys_of

CARD: Final = "hub-"
"""What the identifier of a card's own account begins with; its row's id follows."""
_UNPROVEN: Final = "row:"


@dataclass(frozen=True, kw_only=True)
class ConnectionView:
    """A channel connection. `token` is the access token's mask; "" and None stand for nothing."""

    id: str
    identifier: str
    channel: str | None
    provider_id: str | None
    integration: str | None
    subscriber: str | None
    contexts: list[str]
    workspace_id: str
    workspace_name: str
    bot_user_id: str
    token: str
    has_refresh_token: bool
    expires_at: datetime | str | None
    refresh_expires_at: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class EndpointView:
    """A channel endpoint; what is secret in `endpoint` is masked."""

    id: str
    identifier: str
    channel: str | None
    provider_id: str | None
    integration: str | None
    connection: str | None
    subscriber: str | None
    contexts: list[str]
    type: str
    endpoint: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


def connection_view(row: Any) -> ConnectionView:
    """What is told of a row that `storage.chat` selected."""
    own = bool(row.subscriber or row.contexts)
    return _own(row) if own else _of_a_card(row)


def _own(row: Any) -> ConnectionView:
    place, auth = row.wire.get("workspace", {}), row.wire.get("auth", {})
    return ConnectionView(
        id=row.id,
        identifier=row.identifier,
        channel=channel_of(row.integration_purpose),
        provider_id=connection_provider(row.kind, row.provider),
        integration=row.integration_identifier,
        subscriber=row.subscriber or None,
        contexts=keys_of(row.contexts),
        workspace_id=place.get("id", ""),
        workspace_name=place.get("name", ""),
        bot_user_id=place.get("botUserId", ""),
        token=token_in(row.masks),
        has_refresh_token="refresh_token" in row.masks,
        # A token that waits to be proven has its own end; the column is the end of the one that is used.
        expires_at=auth.get("pendingExpiresAt", row.expires_at),
        refresh_expires_at=auth.get("refreshTokenExpiresAt"),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _of_a_card(row: Any) -> ConnectionView:
    proven = not row.account_key.startswith(_UNPROVEN)
    return ConnectionView(
        id=row.id,
        identifier=f"{CARD}{row.id}",
        channel="chat",
        provider_id=connection_provider(row.kind, row.provider),
        integration=None,
        subscriber=None,
        contexts=[],
        workspace_id=row.account_key if proven else "",
        workspace_name=row.account_name,
        bot_user_id="",
        token=token_in(row.masks),
        has_refresh_token="refresh_token" in row.masks,
        expires_at=row.expires_at,
        refresh_expires_at=None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def token_in(masks: Mapping[str, Any]) -> str:
    """The mask of a connection's token, by whichever name it is sealed; "" where there is none."""
    return str(masks.get("access_token") or masks.get("bot_token") or "")


def endpoint_view(row: Any) -> EndpointView:
    """What is told of a row that `storage.chat` selected."""
    return EndpointView(
        id=row.id,
        identifier=row.identifier,
        channel=channel_of(row.integration_purpose),
        provider_id=endpoint_provider(row),
        integration=row.integration_identifier,
        connection=row.connection_identifier,
        subscriber=row.subscriber or None,
        contexts=keys_of(row.contexts),
        type=row.type,
        endpoint=row.endpoint,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
