"""What a workspace's own Prometheus is told of: every query is over one workspace, by an index that begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, func, literal, or_, select, union_all
from sqlmodel import col

from atlas_hub.storage.connections import CARDS
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import Channel, Connection, Credential, CredentialUse, Delivery


async def pair(tx: Tx, workspace: str, scope: str) -> tuple[Connection, Credential] | None:
    """The active primary of a scope with its credential: one query."""
    statement = (
        select(Connection, Credential)
        .join(Credential, col(Credential.id) == col(Connection.credential_id))
        .where(
            col(Connection.workspace) == workspace,
            col(Connection.primary_scope) == scope,
            col(Connection.kind) == "account",
            col(Connection.active),
        )
    )
    found = (await tx.execute(statement)).one_or_none()
    return None if found is None else (found[0], found[1])


async def accounts(ask: Ask, workspace: str) -> Sequence[Row[Any]]:
    """What cards show of each account, as bare columns, the oldest first: one query.

    `used` is the last minute in which its secrets were used, `synced` how many of its channels are to be synced: those
    that were chosen, and the public ones where all of them are.
    """
    used = select(func.max(col(CredentialUse.minute))).where(
        col(CredentialUse.connection_id) == col(Connection.id), col(CredentialUse.workspace) == workspace
    )
    chosen = select(func.count()).where(
        col(Channel.connection_id) == col(Connection.id),
        or_(col(Channel.sync), and_(col(Connection.sync_all), ~col(Channel.private))),
        ~col(Channel.missing),
    )
    statement = (
        select(
            col(Connection.id),
            col(Connection.provider),
            col(Connection.method),
            col(Connection.label),
            col(Connection.state),
            col(Connection.checks),
            col(Connection.listing),
            col(Connection.channel_count),
            col(Credential.key_id),
            col(Credential.expires_at),
            used.scalar_subquery().label("used"),
            chosen.scalar_subquery().label("synced"),
        )
        .outerjoin(Credential, col(Credential.id) == col(Connection.credential_id))
        .where(col(Connection.workspace) == workspace, CARDS)
        .order_by(col(Connection.id))
    )
    return (await ask.execute(statement)).all()


async def counts(ask: Ask, workspace: str) -> Sequence[Row[Any]]:
    """How many deliveries there are by provider and state, and how many connections of subscribers by provider.

    One query: rows of `kind`, `provider`, `state` and `number`.
    """
    deliveries: Any = (
        select(
            literal("delivery").label("kind"),
            col(Delivery.provider).label("provider"),
            col(Delivery.state).label("state"),
            func.count().label("number"),
        )
        .where(col(Delivery.workspace) == workspace)
        .group_by(col(Delivery.provider), col(Delivery.state))
    )
    subscribers: Any = (
        select(
            literal("subscriber").label("kind"),
            col(Connection.provider).label("provider"),
            literal("").label("state"),
            func.count().label("number"),
        )
        .where(
            and_(
                col(Connection.workspace) == workspace,
                or_(col(Connection.subscriber) != "", col(Connection.contexts) != ""),
            )
        )
        .group_by(col(Connection.provider))
    )
    found = await ask.execute(union_all(deliveries, subscribers).order_by("kind", "provider", "state"))
    return found.all()
