"""What the groups API may show of a configuration, and why it refuses one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.kit.errors import Conflict, HubError, NotFound
from atlas_hub.kit.stars import starred_whole
from atlas_hub.services.merging import TEAM
from atlas_hub.services.wire_types import Field, Kind

CHANNEL: Final = "channel_name"
"""The fields whose value a connection may know without anybody having written it: its destination, its account."""


class AlreadyConfigured(Conflict):
    """The type has a configuration."""


class NotConfigured(NotFound):
    """The type has none."""


class Missing(HubError):
    """Required fields are not there, by their wire names."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(f"These fields are required: {', '.join(fields)}.")
        self.fields = fields


class Masked(HubError):
    """A secret is a mask, and not the present one of its field, which is told by its wire name."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has asterisks, as what is shown of a stored secret has. Send the secret itself.")
        self.field = field


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A type with its fields as they may be shown, by their wire names and in their order."""

    type: str
    values: Mapping[str, Any]


def shown(kind: Kind, row: Any) -> Configuration:
    stars, masks = (kind.named(told) for told in (row.stars, row.masks))
    values: dict[str, Any] = {}
    for wire, field in kind.fields.items():
        value = secret_shown(field, stars, masks) if field.secret else _public_shown(field, row)
        if value is not None:
            values[wire] = value
    return Configuration(type=kind.type, values=values)


def secret_shown(field: Field, stars: Mapping[str, str], masks: Mapping[str, str]) -> str | None:
    if not field.shown:
        return None
    # What an older release stored has no stars, and of one that is hidden whole only that it is there is known.
    return stars.get(field.name) or (starred_whole() if field.name in masks else None)


def _public_shown(field: Field, row: Any) -> Any:
    if field.name == CHANNEL:
        return row.destination.get("name") or row.options.get(CHANNEL) or ""
    if field.name == TEAM and not row.options.get(TEAM):
        return None if row.account_key.startswith("row:") else row.account_name
    value = row.options.get(field.name)
    # A switch that may be left out is shown once it is on: the original's oldest clients know none of them.
    return None if field.flag and not field.required and value is False else value
