"""An integration as a caller wants it and as it may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from atlas_hub.kit.errors import HubError
from atlas_hub.services import wire_credentials as wire
from atlas_hub.storage.models import Connection

WITH_A_PRIMARY: Final = frozenset({"email", "sms"})
"""The channels of which the chat API knows a primary; a card of another has one that is not told there."""


class StillUsed(HubError):
    """A card's own connection depends on the integration."""


class OnlyOne(HubError):
    """There is one of this kind already, and a workspace has at most one."""

    code = "ONLY_ONE"


class NoPrimary(HubError):
    """The channel has no primary."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller wants of an integration; None is *not said*."""

    name: str | None = None
    identifier: str | None = None
    credentials: Mapping[str, Any] | None = None
    active: bool | None = None
    check: bool = False
    conditions: list[Any] | None = None
    configurations: Mapping[str, Any] | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether nothing is wanted."""
        said = (self.name, self.identifier, self.credentials, self.active, self.conditions, self.configurations)
        return all(each is None for each in said)


@dataclass(frozen=True, kw_only=True)
class IntegrationView:
    """An integration as it may be shown: nothing of its credentials."""

    id: str
    workspace: str
    name: str
    identifier: str
    provider_id: str
    channel: str
    kind: str
    active: bool
    primary: bool
    on_page: bool
    conditions: list[Any]
    configurations: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


def view_of(row: Connection) -> IntegrationView:
    """A row as it may be shown."""
    said = row.integration
    channel = str(said.get("channel", "email" if row.scope == "email" else "chat"))
    return IntegrationView(
        id=row.id,
        workspace=row.workspace,
        name=row.label,
        identifier=row.identifier,
        provider_id=wire.wire_of(row.provider, row.method),
        channel=channel,
        kind=str(said.get("kind", "delivery")),
        active=row.active,
        primary=row.primary_scope is not None and channel in WITH_A_PRIMARY,
        on_page=row.on_page,
        conditions=list(said.get("conditions", [])),
        configurations=said.get("configurations", {}),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
