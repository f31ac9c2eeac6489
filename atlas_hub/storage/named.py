"""The query of the connections API: a workspace's own chat accounts, as bare columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlmodel import col

from atlas_hub.storage.connections import CARDS
from atlas_hub.storage.db import Ask
from atlas_hub.storage.models import Connection, Credential

_ALL: Final = (
    select(
        col(Connection.id),
        col(Connection.label),
        col(Connection.provider),
        col(Connection.method),
        col(Connection.source),
        col(Connection.state),
        col(Connection.reason),
        col(Connection.checks),
        col(Connection.settings),
        col(Connection.listing),
        col(Connection.sync_all),
        col(Connection.channel_count),
        col(Connection.created_at),
        col(Credential.key_id),
        col(Credential.granted),
    )
    .outerjoin(Credential, col(Credential.id) == col(Connection.credential_id))
    .where(col(Connection.workspace) == bindparam("workspace"), CARDS, col(Connection.purpose) == "chat")
    .order_by(col(Connection.id))
)
_ONE: Final = _ALL.where(col(Connection.id) == bindparam("id"))


async def of(ask: Ask, workspace: str) -> Sequence[Any]:
    """Every chat account of a workspace that is no subscriber's, oldest first: one query."""
    return (await ask.execute(_ALL, {"workspace": workspace})).all()


async def one(ask: Ask, workspace: str, connection_id: str) -> Any | None:
    """One of them. The id has the shape of one."""
    return (await ask.execute(_ONE, {"workspace": workspace, "id": connection_id})).one_or_none()
