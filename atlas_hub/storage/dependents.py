"""What depends on a connection, in whichever table it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, case, or_, select
from sqlmodel import col

from atlas_hub.storage.db import Ask
from atlas_hub.storage.models import Connection, Schedule


@dataclass(frozen=True, kw_only=True)
class Dependent:
    """One thing that stops working when a connection goes. `kind`: `schedule`. `active`: whether it works now."""

    kind: str
    id: str
    name: str
    active: bool


async def dependents(
    ask: Ask, workspace: str, defaults: Mapping[str, str], *, provider: str | None = None, connection: str | None = None
) -> dict[str, list[Dependent]]:
    """Connection id → what depends on it, the active first, then by name: one query.

    Of a provider's connections, or of the one named. `defaults`: channel → the scope whose primary serves a schedule
    that names no connection of its own.
    """
    scope = case(*((col(Schedule.channel) == channel, served) for channel, served in defaults.items()), else_="")
    statement = (
        select(col(Connection.id), col(Schedule.id), col(Schedule.name), col(Schedule.enabled))
        .outerjoin(
            Schedule,
            and_(
                col(Schedule.workspace) == col(Connection.workspace),
                or_(
                    col(Schedule.connection_id) == col(Connection.id),
                    and_(col(Schedule.connection_id).is_(None), col(Connection.primary_scope) == scope),
                ),
            ),
        )
        .where(col(Connection.workspace) == workspace)
        .order_by(col(Schedule.enabled).desc(), col(Schedule.name), col(Schedule.id))
    )
    if provider is not None:
        statement = statement.where(col(Connection.provider) == provider)
    if connection is not None:
        statement = statement.where(col(Connection.id) == connection)
    found: dict[str, list[Dependent]] = {}
    for row, schedule, name, enabled in await ask.execute(statement):
        all_of = found.setdefault(row, [])
        if schedule is not None:
            all_of.append(Dependent(kind="schedule", id=schedule, name=name, active=enabled))
    return found
