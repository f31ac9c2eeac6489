"""Every query about the stand-alone app's workspaces, users, memberships, sessions and set-up links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlmodel import col

from atlas_hub.accounts.models import Membership, SetUpLink, SignInSession, User, Workspace
from atlas_hub.storage.db import Ask, Tx


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a user is in a workspace."""

    workspace: str
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A live session, its user and what the user is in its workspace."""

    user_id: str
    email: str
    name: str
    workspace: str
    workspace_name: str
    role: str
    seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Whose session it is, whether or not they belong to a workspace."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Astray:
    """A live session in a workspace that its user may not belong to, and the oldest workspace they belong to."""

    user_id: str
    workspace: str
    home: str


# Users


async def user_by_email(tx: Tx, email: str, *, lock: bool = False) -> User | None:
    """The user with this e-mail (lower case)."""
    statement = select(User).where(col(User.email) == email)
    return (await tx.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()


async def user_of(tx: Tx, id_or_email: str) -> User | None:
    """The user with this id or e-mail, locked until the transaction ends."""
    statement = select(User).where((col(User.id) == id_or_email) | (col(User.email) == id_or_email))
    return (await tx.execute(statement.with_for_update())).scalar_one_or_none()


async def has_user(tx: Tx) -> bool:
    """Whether anybody could sign in one day."""
    return bool((await tx.execute(select(exists().where(col(User.id) != "")))).scalar())


async def users(tx: Tx) -> Sequence[User]:
    """Every user, oldest first."""
    return (await tx.execute(select(User).order_by(col(User.id)))).scalars().all()


# Workspaces and memberships


async def workspace(tx: Tx, workspace_id: str) -> Workspace | None:
    """A workspace, or None."""
    return await tx.get(Workspace, workspace_id)


async def workspaces(tx: Tx) -> Sequence[Workspace]:
    """Every workspace, oldest first."""
    return (await tx.execute(select(Workspace).order_by(col(Workspace.id)))).scalars().all()


async def membership(tx: Tx, workspace_id: str, user_id: str) -> Membership | None:
    """What the user is in the workspace, or None."""
    return await tx.get(Membership, (workspace_id, user_id))


async def role_of(tx: Tx, workspace_id: str, user_id: str) -> str | None:
    """The role of a user who can sign in to the workspace, or None."""
    statement = (
        select(col(Membership.role))
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(Membership.workspace) == workspace_id, col(Membership.user_id) == user_id, col(User.disabled).is_(False)
        )
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def seats(tx: Tx, user_id: str) -> list[Seat]:
    """The workspaces a user belongs to, oldest first."""
    return (await _seats(tx, user_id)).get(user_id, [])


async def all_seats(tx: Tx) -> dict[str, list[Seat]]:
    """User id → the workspaces they belong to."""
    return await _seats(tx, None)


async def _seats(tx: Tx, user_id: str | None) -> dict[str, list[Seat]]:
    statement = (
        select(col(Membership.user_id), col(Workspace.id), col(Workspace.name), col(Membership.role))
        .join(Workspace, col(Workspace.id) == col(Membership.workspace))
        .order_by(col(Workspace.id))
    )
    if user_id is not None:
        statement = statement.where(col(Membership.user_id) == user_id)
    found: dict[str, list[Seat]] = {}
    for user, workspace_id, name, role in await tx.execute(statement):
        found.setdefault(user, []).append(Seat(workspace=workspace_id, name=name, role=role))
    return found


async def only_here(tx: Tx, workspace_id: str) -> dict[str, bool]:
    """Id → whether the operator disabled them, of the users who belong to this workspace and to no other."""
    elsewhere = select(col(Membership.user_id)).where(col(Membership.workspace) != workspace_id)
    statement = (
        select(col(User.id), col(User.disabled_by_operator))
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.workspace) == workspace_id, col(User.id).not_in(elsewhere))
    )
    return dict((await tx.execute(statement)).all())


async def lock_members(tx: Tx, workspace_id: str) -> None:
    """Hold the users of a workspace until the transaction ends, in the order of their ids."""
    here = select(col(Membership.user_id)).where(col(Membership.workspace) == workspace_id)
    await tx.execute(select(col(User.id)).where(col(User.id).in_(here)).order_by(col(User.id)).with_for_update())


async def delete_workspace(tx: Tx, workspace_id: str) -> None:
    """Delete the workspace's own row; memberships go with it."""
    await tx.execute(delete(Workspace).where(col(Workspace.id) == workspace_id))


async def delete_users(tx: Tx, user_ids: Iterable[str]) -> None:
    """Delete users; their sessions and memberships go with them."""
    await tx.execute(delete(User).where(col(User.id).in_(list(user_ids))))


# Sessions


_LIVE = (
    col(SignInSession.token_hash) == bindparam("token_hash"),
    col(SignInSession.expires_at) > bindparam("at"),
    col(SignInSession.seen_at) > bindparam("seen_after"),
    col(User.disabled).is_(False),
)
_SIGNED = (
    select(
        col(User.id), col(User.email), col(User.name), col(Workspace.id), col(Workspace.name), col(Membership.role),
        col(SignInSession.seen_at),
    )
    .select_from(SignInSession)
    .join(User, col(User.id) == col(SignInSession.user_id))
    .join(
        Membership,
        (col(Membership.user_id) == col(User.id)) & (col(Membership.workspace) == col(SignInSession.workspace)),
    )
    .join(Workspace, col(Workspace.id) == col(SignInSession.workspace))
    .where(*_LIVE)
)  # fmt: skip


async def signed(ask: Ask, token_hash: str, *, at: datetime, seen_after: datetime) -> Signed | None:
    """The live session of a token: one query. A disabled user or a membership that is gone makes it nobody's."""
    row = (await ask.execute(_SIGNED, {"token_hash": token_hash, "at": at, "seen_after": seen_after})).one_or_none()
    if row is None:
        return None
    user_id, email, name, workspace_id, workspace_name, role, seen_at = row
    return Signed(
        user_id=user_id,
        email=email,
        name=name,
        workspace=workspace_id,
        workspace_name=workspace_name,
        role=role,
        seen_at=seen_at,
    )


_VISITOR = (
    select(col(User.id), col(User.email), col(User.name))
    .select_from(SignInSession)
    .join(User, col(User.id) == col(SignInSession.user_id))
    .where(*_LIVE)
)


async def visitor(ask: Ask, token_hash: str, *, at: datetime, seen_after: datetime) -> Visitor | None:
    """Whose live session a token is: one query. A disabled user's is nobody's."""
    row = (await ask.execute(_VISITOR, {"token_hash": token_hash, "at": at, "seen_after": seen_after})).one_or_none()
    return None if row is None else Visitor(id=row[0], email=row[1], name=row[2])


_ASTRAY = (
    select(
        col(SignInSession.user_id),
        col(SignInSession.workspace),
        select(func.min(col(Membership.workspace)))
        .where(col(Membership.user_id) == col(SignInSession.user_id))
        .correlate(SignInSession)
        .scalar_subquery(),
    )
    .join(User, col(User.id) == col(SignInSession.user_id))
    .where(*_LIVE)
)


async def astray(ask: Ask, token_hash: str, *, at: datetime, seen_after: datetime) -> Astray | None:
    """For a live session that `signed` finds nobody in: where it is and could be. None where nowhere, or not live."""
    row = (await ask.execute(_ASTRAY, {"token_hash": token_hash, "at": at, "seen_after": seen_after})).one_or_none()
    return None if row is None or row[2] is None else Astray(user_id=row[0], workspace=row[1], home=row[2])


async def note_seen(tx: Tx, token_hash: str, at: datetime) -> None:
    """The session was used."""
    statement = update(SignInSession).where(col(SignInSession.token_hash) == token_hash).values(seen_at=at)
    await tx.execute(statement)


async def switch_session(tx: Tx, token_hash: str, workspace_id: str) -> None:
    """Make another workspace the session's active one."""
    statement = update(SignInSession).where(col(SignInSession.token_hash) == token_hash)
    await tx.execute(statement.values(workspace=workspace_id))


async def move_sessions(tx: Tx, user_id: str, workspace_id: str, to: str) -> None:
    """Make another workspace, or none (""), the active one of a user's sessions that are in this one."""
    statement = update(SignInSession).where(
        col(SignInSession.user_id) == user_id, col(SignInSession.workspace) == workspace_id
    )
    await tx.execute(statement.values(workspace=to))


async def delete_session(tx: Tx, token_hash: str) -> None:
    """Sign one browser out."""
    await tx.execute(delete(SignInSession).where(col(SignInSession.token_hash) == token_hash))


async def delete_sessions_of(tx: Tx, user_id: str, workspace_id: str | None = None) -> None:
    """Sign every browser of a user out, or those that are in one workspace."""
    statement = delete(SignInSession).where(col(SignInSession.user_id) == user_id)
    if workspace_id is not None:
        statement = statement.where(col(SignInSession.workspace) == workspace_id)
    await tx.execute(statement)


async def delete_ended_sessions(tx: Tx, *, at: datetime, seen_before: datetime) -> None:
    """Forget sessions past one of their limits."""
    ended = (col(SignInSession.expires_at) <= at) | (col(SignInSession.seen_at) <= seen_before)
    await tx.execute(delete(SignInSession).where(ended))


# The set-up link


async def replace_link(tx: Tx, token_hash: str, expires_at: datetime) -> None:
    """Make this the only valid set-up link."""
    await delete_links(tx)
    tx.add(SetUpLink(token_hash=token_hash, expires_at=expires_at))


async def link_is_valid(tx: Tx, token_hash: str, at: datetime) -> bool:
    """Whether the link was minted last and its time is not over."""
    link = await tx.get(SetUpLink, token_hash)
    return link is not None and link.expires_at > at


async def delete_links(tx: Tx) -> None:
    """No set-up link is valid any more."""
    await tx.execute(delete(SetUpLink))
