"""Every query about the configurations of the groups API, and about what a connection alone has sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlmodel import col

from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import Channel, Connection, Credential

_SHOWN = select(
    col(Connection.provider),
    col(Connection.primary_scope),
    col(Connection.account_key),
    col(Connection.account_name),
    col(Connection.options),
    col(Connection.stars),
    col(Connection.masks),
    col(Connection.destination),
).where(
    col(Connection.workspace) == bindparam("workspace"),
    col(Connection.primary_scope).in_(bindparam("scopes", expanding=True)),
)


async def shown(ask: Ask, workspace: str, scopes: Sequence[str]) -> Sequence[Any]:
    """The primaries of these scopes, as bare columns without a secret: one query."""
    return (await ask.execute(_SHOWN, {"workspace": workspace, "scopes": scopes})).all()


def own_key(row_id: str) -> str:
    """The account key of a credential that one connection alone has."""
    return f"row:{row_id}"


async def own(tx: Tx, row: Connection) -> Credential | None:
    """The credential that a connection alone has, whether it is the one in use or one beside it in which a write waits,
    so that no sibling which shares the used one is touched.
    """
    statement = select(Credential).where(
        col(Credential.workspace) == row.workspace,
        col(Credential.provider) == row.provider,
        col(Credential.account_key) == own_key(row.id),
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def drop_beside(tx: Tx, row: Connection, used: str | None) -> None:
    """Delete what waits beside the credential that a connection uses, or used."""
    await tx.execute(
        delete(Credential).where(
            col(Credential.workspace) == row.workspace,
            col(Credential.provider) == row.provider,
            col(Credential.account_key) == own_key(row.id),
            col(Credential.id) != (used or ""),
        )
    )


async def is_taken(tx: Tx, row: Connection, method: str, app_key: str, account_key: str) -> bool:
    """Whether another connection of the workspace came to an account by that method."""
    statement = select(col(Connection.id)).where(
        col(Connection.workspace) == row.workspace,
        col(Connection.provider) == row.provider,
        col(Connection.kind) == "account",
        col(Connection.subscriber) == "",
        col(Connection.contexts) == "",
        col(Connection.source) != "environment",
        col(Connection.method) == method,
        col(Connection.app_key) == app_key,
        col(Connection.account_key) == account_key,
        col(Connection.id) != row.id,
    )
    return (await tx.execute(statement)).first() is not None


async def forget_channels(tx: Tx, row: Connection) -> None:
    """Delete the channels of an account that a connection is not tied to any more."""
    await tx.execute(delete(Channel).where(col(Channel.connection_id) == row.id))
