"""A new subscriber's row, for the verbs that may meet one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atlas_hub.services.changing import Change
from atlas_hub.storage.models import Subscriber


async def made(change: Change, subscriber_id: str, profile: Mapping[str, Any]) -> Subscriber:
    """A new subscriber, in a change under way. May meet `db.Broken`."""
    row = Subscriber(
        workspace=change.actor.workspace,
        subscriber_id=subscriber_id,
        profile={name: value for name, value in profile.items() if value is not None},
        created_at=change.at,
        updated_at=change.at,
    )
    change.tx.add(row)
    await change.tx.flush()
    await change.note("subscriber_created", subject=row.id, subscriber=subscriber_id)
    return row
