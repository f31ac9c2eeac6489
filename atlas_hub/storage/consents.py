"""Consents under way and what became of them, and the apps they are given to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import col

from atlas_hub.storage.connections import GONE
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential, OAuthAttempt


async def take(tx: Tx, hashes: Sequence[str], at: datetime) -> OAuthAttempt | None:
    """The consent of a state, used up from now on, by whoever is first. None where there is none, or it was used."""
    statement = (
        update(OAuthAttempt)
        .where(col(OAuthAttempt.state_hash).in_(hashes), col(OAuthAttempt.used_at).is_(None))
        .values(used_at=at)
        .returning(col(OAuthAttempt.state_hash))
    )
    found = (await tx.execute(statement)).scalar_one_or_none()
    return None if found is None else await tx.get(OAuthAttempt, found, populate_existing=True)


async def of_state(tx: Tx, hashes: Sequence[str]) -> OAuthAttempt | None:
    """The consent of a state, used or not."""
    statement = select(OAuthAttempt).where(col(OAuthAttempt.state_hash).in_(hashes))
    return (await tx.execute(statement)).scalar_one_or_none()


async def latest(tx: Tx, workspace: str, provider: str) -> OAuthAttempt | None:
    """The last consent that was begun on the page, locked until the transaction ends."""
    statement = (
        select(OAuthAttempt)
        .where(
            col(OAuthAttempt.workspace) == workspace,
            col(OAuthAttempt.provider) == provider,
            col(OAuthAttempt.session) != "",
        )
        .order_by(col(OAuthAttempt.created_at).desc())
        .limit(1)
        .with_for_update()
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def forget_former(tx: Tx, workspace: str, provider: str, at: datetime) -> None:
    """Forget what was sealed for former consents of the page that are over, a question about one included."""
    over = col(OAuthAttempt.used_at).is_not(None) | (col(OAuthAttempt.expires_at) <= at)
    statement = (
        update(OAuthAttempt)
        .where(
            col(OAuthAttempt.workspace) == workspace,
            col(OAuthAttempt.provider) == provider,
            col(OAuthAttempt.session) != "",
            over,
        )
        .values(sealed=None)
    )
    await tx.execute(statement)


async def app_on_page(tx: Tx, workspace: str, provider: str) -> Connection | None:
    """The stored app of a provider that the page's button takes."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace,
        col(Connection.provider) == provider,
        col(Connection.on_page),
        col(Connection.active),
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def app(tx: Tx, workspace: str, app_id: str) -> Connection | None:
    """A stored app by its id."""
    row = await tx.get(Connection, app_id)
    return row if row is not None and row.workspace == workspace and row.kind == "app" else None


async def holders_of(tx: Tx, credential_id: str) -> list[Connection]:
    """The connections that use a credential, locked until the transaction ends."""
    statement = select(Connection).where(col(Connection.credential_id) == credential_id).with_for_update()
    return list((await tx.execute(statement)).scalars())


async def lease(tx: Tx, credential_id: str, owner: str, at: datetime, until: datetime) -> bool:
    """Take a credential for oneself until then. False where somebody has it."""
    free = col(Credential.lease_until).is_(None) | (col(Credential.lease_until) <= at)
    statement = (
        update(Credential)
        .where(col(Credential.id) == credential_id, free)
        .values(lease_owner=owner, lease_until=until)
        .returning(col(Credential.id))
    )
    return (await tx.execute(statement)).scalar_one_or_none() is not None


async def held(tx: Tx, credential_id: str, owner: str) -> Credential | None:
    """A credential that one has leased, locked; None where the lease went to somebody else meanwhile."""
    statement = (
        select(Credential)
        .where(col(Credential.id) == credential_id, col(Credential.lease_owner) == owner)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def ending(tx: Tx, before: datetime, at: datetime, limit: int) -> list[str]:
    """The credentials whose token ends before then and which nobody renews at the moment."""
    free = col(Credential.lease_until).is_(None) | (col(Credential.lease_until) <= at)
    statement = (
        select(col(Credential.id))
        .where(
            col(Credential.method) != "",
            col(Credential.expires_at) < before,
            ~col(Credential.account_key).startswith(GONE),
            free,
        )
        .order_by(col(Credential.expires_at))
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())


async def gone(tx: Tx, at: datetime, limit: int) -> list[str]:
    """The credentials that wait for their revocation and which nobody revokes at the moment."""
    free = col(Credential.lease_until).is_(None) | (col(Credential.lease_until) <= at)
    statement = (
        select(col(Credential.id))
        .where(col(Credential.account_key).startswith(GONE), free)
        .order_by(col(Credential.updated_at))
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())


async def grants_of(tx: Tx, workspace: str) -> list[Credential]:
    """Every credential of a workspace that came by OAuth, locked until the transaction ends."""
    statement = (
        select(Credential)
        .where(col(Credential.workspace) == workspace, col(Credential.method) != "")
        .order_by(col(Credential.id))
        .with_for_update()
    )
    return list((await tx.execute(statement)).scalars())


async def tied_elsewhere(tx: Tx, credential: Credential) -> bool:
    """Whether a connection of another workspace is tied to the same account."""
    statement = (
        select(col(Connection.id))
        .where(
            col(Connection.workspace) != credential.workspace,
            col(Connection.provider) == credential.provider,
            col(Connection.app_key) == credential.app_key,
            col(Connection.account_key) == credential.account_key,
        )
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none() is not None


async def unproven(tx: Tx, reasons: Sequence[str], providers: Sequence[str], limit: int) -> list[Connection]:
    """The connections that no vendor has answered about yet: those that say so by one of these `reasons`, a new key
    that waits or one that was just stored, and the subscribers' ones of these providers.
    """
    waits = col(Connection.state).in_(("degraded", "unverified")) & col(Connection.reason).in_(reasons)
    subscribed = (
        ((col(Connection.subscriber) != "") | (col(Connection.contexts) != ""))
        & col(Connection.state).in_(("unverified", "unreachable"))
        & col(Connection.provider).in_(providers)
    )
    statement = (
        select(Connection)
        .where(col(Connection.kind) == "account", waits | subscribed)
        .order_by(col(Connection.updated_at))
        .limit(limit)
    )
    return list((await tx.execute(statement)).scalars())
