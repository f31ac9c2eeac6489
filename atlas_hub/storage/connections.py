"""Every query about connections, credentials and claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from atlas_hub.kit.ids import is_id
from atlas_hub.storage import configurations, webhooks
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import AccountClaim, Connection, Credential

CARDS: ColumnElement[bool] = and_(
    col(Connection.kind) == "account", col(Connection.subscriber) == "", col(Connection.contexts) == ""
)
"""What cards, status and the groups API see: accounts without a resource. Worded like the partial index."""
GONE = "gone:"
"""How the account key of a credential begins that nobody uses any more and whose grant is to be revoked."""

FOREIGN_MAIL: ColumnElement[bool] = and_(col(Connection.kind) == "foreign", col(Connection.primary_scope) == "email")
"""Mail goes through a provider that the hub does not know: the Email card says so."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A connection with what is known about its credential, its ciphertext left where it is."""

    row: Connection
    key_id: str | None
    granted: list[Any] | None
    expires_at: datetime | None


async def cards(tx: Tx, workspace: str) -> list[Stored]:
    """Every account of a workspace without a resource, oldest first, and a `FOREIGN_MAIL`: one query."""
    statement = (
        select(Connection, col(Credential.key_id), col(Credential.granted), col(Credential.expires_at))
        .outerjoin(Credential, col(Credential.id) == col(Connection.credential_id))
        .where(col(Connection.workspace) == workspace, or_(CARDS, FOREIGN_MAIL))
        .order_by(col(Connection.id))
    )
    return [
        Stored(row=row, key_id=key_id, granted=granted, expires_at=expires_at)
        for row, key_id, granted, expires_at in await tx.execute(statement)
    ]


async def workspaces(tx: Tx) -> list[str]:
    """The ids of the workspaces in which anything is connected, the oldest first."""
    return list(
        (await tx.execute(select(col(Connection.workspace)).distinct().order_by(col(Connection.workspace)))).scalars()
    )


async def from_environment(tx: Tx, workspace: str, provider: str) -> Connection | None:
    """The row of what the environment gives for a provider."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace,
        col(Connection.provider) == provider,
        col(Connection.source) == "environment",
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def all_from_environment(tx: Tx) -> list[Connection]:
    """Every row of what the environment gives, of the one workspace that has some, or had."""
    return list((await tx.execute(select(Connection).where(col(Connection.source) == "environment"))).scalars())


_ONE = select(literal(1).label("one")).subquery()
WITH_APPS = ("discord", "slack", "teams")
"""The providers whose OAuth apps a workspace may store."""


def _apps() -> list[Any]:
    """Whether a stored app is used on the page, a column for each provider that has apps."""
    own = aliased(Connection)
    return [
        exists()
        .where(
            col(own.workspace) == bindparam("workspace"), col(own.provider) == slug, col(own.on_page), col(own.active)
        )
        .label(f"app_{slug}")
        for slug in WITH_APPS
    ]


_STATUSES = (
    select(
        col(Connection.provider),
        col(Connection.method),
        col(Connection.primary_scope),
        col(Connection.state),
        col(Connection.wire),
        col(Connection.options),
        col(Connection.checks),
        col(Connection.connected_at),
        col(Connection.source),
        col(Connection.features),
        col(Credential.key_id),
        col(Credential.granted),
        webhooks.ACTIVE.label("hooks"),
        *_apps(),
    )
    .select_from(_ONE)  # a row even where nothing is stored, for the number of webhooks
    .outerjoin(
        Connection,
        and_(
            col(Connection.workspace) == bindparam("workspace"),
            # An app or a row with a resource is never primary.
            or_(col(Connection.primary_scope).is_not(None), and_(CARDS, col(Connection.source) == "environment")),
        ),
    )
    .outerjoin(Credential, col(Credential.id) == col(Connection.credential_id))
)


async def statuses(ask: Ask, workspace: str) -> tuple[Sequence[Any], int, frozenset[str]]:
    """What the status answer needs of the primaries, as bare columns, how many schedules deliver by webhook, and the
    providers of which a stored app is used on the page.

    One query, no objects made.
    """
    found = (await ask.execute(_STATUSES, {"workspace": workspace})).all()
    apps = frozenset(slug for slug in WITH_APPS if getattr(found[0], f"app_{slug}"))
    return [row for row in found if row.provider is not None], found[0].hooks, apps


async def find(tx: Tx, workspace: str, connection_id: str) -> Connection | None:
    """A connection of this workspace, locked until the transaction ends."""
    if not is_id(connection_id):
        return None  # a NUL in it, from a page event, would be an error of the database
    statement = (
        select(Connection)
        .where(col(Connection.workspace) == workspace, col(Connection.id) == connection_id)
        .with_for_update()
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def primary_of(tx: Tx, workspace: str, scope: str) -> Connection | None:
    """The primary of a scope."""
    statement = select(Connection).where(col(Connection.workspace) == workspace, col(Connection.primary_scope) == scope)
    return (await tx.execute(statement)).scalar_one_or_none()


async def same_account(tx: Tx, workspace: str, scope: str, app_key: str, account_key: str) -> Connection | None:
    """The stored connection of a scope that is tied to this account, by whichever method."""
    statement = (
        select(Connection)
        .where(
            col(Connection.workspace) == workspace,
            CARDS,
            col(Connection.scope) == scope,
            col(Connection.app_key) == app_key,
            col(Connection.account_key) == account_key,
            col(Connection.source) != "environment",
        )
        .order_by(col(Connection.id))
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def others_in(tx: Tx, workspace: str, scope: str, but: str) -> list[Connection]:
    """The other stored connections of a scope, oldest first."""
    statement = (
        select(Connection)
        .where(
            col(Connection.workspace) == workspace,
            CARDS,
            col(Connection.scope) == scope,
            col(Connection.id) != but,
            col(Connection.source) != "environment",
        )
        .order_by(col(Connection.id))
    )
    return list((await tx.execute(statement)).scalars())


async def credential_of(tx: Tx, connection: Connection) -> Credential | None:
    """The credential a connection uses, ciphertext and all."""
    if connection.credential_id is None:
        return None
    return await tx.get(Credential, connection.credential_id)


async def credential_for(tx: Tx, workspace: str, provider: str, app_key: str, account_key: str) -> Credential | None:
    """The workspace's credential of an account."""
    statement = select(Credential).where(
        col(Credential.workspace) == workspace,
        col(Credential.provider) == provider,
        col(Credential.app_key) == app_key,
        col(Credential.account_key) == account_key,
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def holders(tx: Tx, credential_id: str) -> int:
    """How many connections use a credential."""
    statement = select(func.count()).where(col(Connection.credential_id) == credential_id)
    return (await tx.execute(statement)).scalar_one()


async def claim(tx: Tx, workspace: str, provider: str, app_key: str, account_key: str) -> bool:
    """Claim an account for a workspace. False where another workspace has it.

    Two workspaces that race meet at the primary key: the second gets `db.Broken` at its flush.
    """
    present = await tx.get(AccountClaim, (provider, app_key, account_key))
    if present is not None:
        return present.workspace == workspace
    tx.add(AccountClaim(provider=provider, app_key=app_key, account_key=account_key, workspace=workspace))
    await tx.flush()
    return True


async def drop_unused(tx: Tx, credential_id: str) -> None:
    """Delete a credential that no connection uses any more, unless it waits for its revocation."""
    if await holders(tx, credential_id) == 0:
        waits = col(Credential.account_key).startswith(GONE)
        await tx.execute(delete(Credential).where(col(Credential.id) == credential_id, ~waits))


async def delete_row(tx: Tx, connection: Connection) -> bool:
    """Delete a connection; what waits, and with its last holder credential and claim. True where they went."""
    credential_id = connection.credential_id
    await tx.delete(connection)
    await tx.flush()
    if credential_id is not None:
        await drop_unused(tx, credential_id)
    await configurations.drop_beside(tx, connection, None)
    return await free_claim(tx, connection.workspace, connection.provider, connection.app_key, connection.account_key)


async def free_claim(tx: Tx, workspace: str, provider: str, app_key: str, account_key: str) -> bool:
    """Give up the claim of an account that no connection of the workspace is tied to any more. True where it went."""
    remaining = select(func.count()).where(
        col(Connection.workspace) == workspace,
        col(Connection.provider) == provider,
        col(Connection.app_key) == app_key,
        col(Connection.account_key) == account_key,
        CARDS,
    )
    if (await tx.execute(remaining)).scalar_one():
        return False
    await tx.execute(
        delete(AccountClaim).where(
            col(AccountClaim.workspace) == workspace,
            col(AccountClaim.provider) == provider,
            col(AccountClaim.app_key) == app_key,
            col(AccountClaim.account_key) == account_key,
        )
    )
    return True


async def tied_to(tx: Tx, provider: str, app_key: str, account_key: str) -> int:
    """How many connections of the whole installation are tied to an account."""
    statement = (
        select(func.count())
        .select_from(Connection)
        .where(
            col(Connection.provider) == provider,
            col(Connection.app_key) == app_key,
            col(Connection.account_key) == account_key,
        )
    )
    return (await tx.execute(statement)).scalar_one()


async def used_elsewhere(tx: Tx, connection: Connection) -> int:
    """How many connections of the whole installation are tied to the same account."""
    statement = (
        select(func.count())
        .select_from(Connection)
        .where(
            col(Connection.provider) == connection.provider,
            col(Connection.app_key) == connection.app_key,
            col(Connection.account_key) == connection.account_key,
            col(Connection.id) != connection.id,
        )
    )
    return (await tx.execute(statement)).scalar_one()
