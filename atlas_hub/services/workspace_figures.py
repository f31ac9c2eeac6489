"""What the metrics of one workspace are: its connections, deliveries and channels, and nothing of another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import parse
from atlas_hub.kit.metrics import Gauges
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import ListsChannels
from atlas_hub.services.views import State, Truth
from atlas_hub.storage import scraping as queries


async def gauges(hub: Hub, workspace: str) -> Gauges:
    """Every figure by its name and labels: two queries. No label is what somebody typed but a connection's own."""
    async with hub.db.asking() as ask:
        accounts = await queries.accounts(ask, workspace)
    async with hub.db.asking() as ask:
        counts = await queries.counts(ask, workspace)
    return {f"workspace_{name}": told for name, told in (_of(hub, accounts) | _counted(counts)).items()}


def _of(hub: Hub, accounts: Sequence[Any]) -> dict[str, Any]:
    states = Counter((row.provider, _state(hub, row)) for row in accounts)
    each = [({"connection": row.id, "provider": row.provider}, row) for row in accounts]
    listing = [(who, row) for who, row in each if _lists(row)]
    checked = [(who, at.timestamp()) for who, row in each if (at := told_at(row.checks, Truth.AUTHENTICATED))]
    return {
        "connections": (
            "Connections of the workspace, by provider and state.",
            [({"provider": provider, "state": state}, number) for (provider, state), number in sorted(states.items())],
        ),
        "connection_info": ("What a connection is called.", [({**who, "label": row.label}, 1) for who, row in each]),
        "connection_checked_timestamp_seconds": ("When it was last learned whether it is accepted.", checked),
        "connection_expires_timestamp_seconds": (
            "When its credential ends, where it does.",
            [(who, row.expires_at.timestamp()) for who, row in each if row.expires_at is not None],
        ),
        "connection_used_timestamp_seconds": (
            "The minute in which its secrets were last used, as long as that is kept.",
            [(who, row.used.timestamp()) for who, row in each if row.used is not None],
        ),
        "connection_channels": (
            "Channels at the last listing, where there was one.",
            [(who, row.channel_count) for who, row in listing if row.listing.get("at")],
        ),
        "connection_synced_channels": (
            "Channels that are synced, where the vendor lists any.",
            [(who, row.synced) for who, row in listing],
        ),
    }


def _counted(counts: Sequence[Any]) -> dict[str, Any]:
    deliveries = [row for row in counts if row.kind == "delivery"]
    return {
        "deliveries": (
            "Deliveries that are stored, by provider and state.",
            [({"provider": row.provider, "state": row.state}, row.number) for row in deliveries],
        ),
        "subscriber_connections": (
            "Connections of subscribers, by provider.",
            [({"provider": row.provider}, row.number) for row in counts if row.kind == "subscriber"],
        ),
    }


def _lists(row: Any) -> bool:
    """Whether a connection has channels at all: a 0 of one that has none would be taken for a fault."""
    provider = PROVIDERS.get(row.provider)
    return provider is not None and isinstance(provider.method(row.method), ListsChannels)


def _state(hub: Hub, row: Any) -> str:
    locked = row.key_id is not None and not hub.vault.knows(row.key_id)
    return State.LOCKED.value if locked else str(row.state)


def told_at(checks: Mapping[str, Any], truth: Truth) -> datetime | None:
    """When a truth was last told."""
    at = checks.get(truth.value, {}).get("at")
    return parse(at) if at else None
