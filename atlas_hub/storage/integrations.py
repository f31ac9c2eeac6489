"""Every query about integrations: the chat API's rows that stand for a provider, not for a subscriber's account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlmodel import col

from atlas_hub.kit.ids import is_id
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import ChannelEndpoint, Connection, Credential

LIVE_SCOPES: Final = ("email", "opsgenie:alerts", "pagerduty:alerts")
"""The scopes of the accounts that are integrations: mail, and the alerts that the chat API has names for."""

INTEGRATIONS: ColumnElement[bool] = and_(
    col(Connection.subscriber) == "",
    col(Connection.contexts) == "",
    col(Connection.app_id) == "",
    or_(
        col(Connection.kind).in_(("app", "foreign")),
        and_(
            col(Connection.kind) == "account",
            col(Connection.scope).in_(LIVE_SCOPES),
            col(Connection.source) != "environment",
        ),
    ),
)
"""Apps, what the hub does not know, mail and alerts; never a subscriber's account."""


async def listed(tx: Tx, workspace: str, *, active: bool = False) -> list[Connection]:
    """The integrations of a workspace, the oldest first: one query."""
    statement = select(Connection).where(col(Connection.workspace) == workspace, INTEGRATIONS)
    if active:
        statement = statement.where(col(Connection.active))
    return list((await tx.execute(statement.order_by(col(Connection.id)))).scalars())


async def find(tx: Tx, workspace: str, row_id: str) -> Connection | None:
    """One of them, locked until the transaction ends."""
    if not is_id(row_id):
        return None
    statement = (
        select(Connection)
        .where(col(Connection.workspace) == workspace, col(Connection.id) == row_id, INTEGRATIONS)
        .with_for_update()
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def named(tx: Tx, workspace: str, identifier: str) -> Connection | None:
    """The integration that is called so."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace, col(Connection.identifier) == identifier, INTEGRATIONS
    )
    return (await tx.execute(statement)).scalars().first()


async def leave_page(tx: Tx, workspace: str, provider: str) -> None:
    """Have no stored app of a provider be the one that the page's button takes."""
    await tx.execute(
        update(Connection)
        .where(col(Connection.workspace) == workspace, col(Connection.provider) == provider, col(Connection.on_page))
        .values(on_page=False)
    )


async def dependents(tx: Tx, row: Connection) -> Sequence[Connection]:
    """The connections that came by an integration, those of subscribers and those of the cards."""
    statement = select(Connection).where(col(Connection.workspace) == row.workspace, col(Connection.app_id) == row.id)
    return (await tx.execute(statement)).scalars().all()


async def remove(tx: Tx, row: Connection, dependent: Sequence[Connection]) -> list[Credential]:
    """Delete an integration with its endpoints and the connections that came by it; the credentials they used."""
    wanted = {each.credential_id for each in (row, *dependent) if each.credential_id is not None}
    await tx.execute(
        delete(ChannelEndpoint).where(
            col(ChannelEndpoint.workspace) == row.workspace, col(ChannelEndpoint.app_id) == row.id
        )
    )
    for each in (*dependent, row):
        await tx.delete(each)
    await tx.flush()
    statement = select(Credential).where(col(Credential.id).in_(sorted(wanted)))
    return list((await tx.execute(statement)).scalars())
