"""What the cards need beside the connections: consents, OAuth apps on the page, subscribers, webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, literal, or_, select
from sqlmodel import col

from atlas_hub.storage import webhooks
from atlas_hub.storage.db import Tx, UtcDateTime
from atlas_hub.storage.models import Connection, OAuthAttempt

_ONE = select(literal(1).label("one")).subquery()
_AROUND = (
    select(
        webhooks.ACTIVE.label("hooks"),
        col(OAuthAttempt.provider),
        col(OAuthAttempt.created_at),
        col(OAuthAttempt.used_at),
        col(OAuthAttempt.outcome),
        col(OAuthAttempt.expires_at),
    )
    .select_from(_ONE)
    .outerjoin(
        OAuthAttempt,
        and_(
            col(OAuthAttempt.workspace) == bindparam("workspace"),
            col(OAuthAttempt.session) != "",  # begun on the page, not by the chat API
            col(OAuthAttempt.created_at) > bindparam("since", type_=UtcDateTime),
        ),
    )
    .order_by(col(OAuthAttempt.created_at))
)
_REMEMBERED = timedelta(days=1)
"""How long a card says what became of a consent, unless somebody dismisses it."""


async def around(tx: Tx, workspace: str, at: datetime) -> tuple[int, dict[str, Any]]:
    """How many enabled schedules deliver by webhook, and of each provider the last consent that an admin began, with
    `used_at`, `outcome` and `expires_at`: one query.
    """
    found = (await tx.execute(_AROUND, {"workspace": workspace, "since": at - _REMEMBERED})).all()
    return found[0].hooks, {row.provider: row for row in found if row.provider is not None}


_SUBSCRIBED = (
    select(col(Connection.provider), func.count())
    .where(
        col(Connection.workspace) == bindparam("workspace"),
        or_(col(Connection.subscriber) != "", col(Connection.contexts) != ""),
    )
    .group_by(col(Connection.provider))
)


async def subscribed(tx: Tx, workspace: str) -> dict[str, int]:
    """How many connections of subscribers there are, by provider: one query."""
    return {row[0]: row[1] for row in await tx.execute(_SUBSCRIBED, {"workspace": workspace})}


async def apps_on_page(tx: Tx, workspace: str) -> dict[str, Connection]:
    """The stored OAuth apps that the page's buttons take, by provider: one query."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace, col(Connection.on_page), col(Connection.active)
    )
    return {row.provider: row for row in (await tx.execute(statement)).scalars()}
