"""Every query about who belongs to a workspace and who is invited to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlmodel import col

from atlas_hub.accounts.models import Invite, Membership, SignInSession, User
from atlas_hub.storage.db import Tx


@dataclass(frozen=True, kw_only=True)
class Member:
    """Someone who belongs to a workspace. `seen_at` is of the sessions that are active there, None without one."""

    id: str
    email: str
    name: str
    role: str
    disabled: bool
    disabled_by_operator: bool
    seen_at: datetime | None


async def members(tx: Tx, workspace_id: str) -> list[Member]:
    """Everyone who belongs to the workspace, by e-mail."""
    seen = (
        select(func.max(col(SignInSession.seen_at)))
        .where(col(SignInSession.user_id) == col(User.id), col(SignInSession.workspace) == workspace_id)
        .correlate(User)
        .scalar_subquery()
    )
    statement = (
        select(
            col(User.id),
            col(User.email),
            col(User.name),
            col(Membership.role),
            col(User.disabled),
            col(User.disabled_by_operator),
            seen,
        )
        .join(Membership, col(Membership.user_id) == col(User.id))
        .where(col(Membership.workspace) == workspace_id)
        .order_by(col(User.email))
    )
    return [
        Member(
            id=id_,
            email=email,
            name=name,
            role=role,
            disabled=disabled,
            disabled_by_operator=by_operator,
            seen_at=seen_at,
        )
        for id_, email, name, role, disabled, by_operator, seen_at in await tx.execute(statement)
    ]


async def other_owners(tx: Tx, workspace_id: str, user_id: str) -> int:
    """How many owners of the workspace, but for this user, can sign in."""
    statement = (
        select(func.count())
        .select_from(Membership)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(Membership.workspace) == workspace_id,
            col(Membership.role) == "owner",
            col(Membership.user_id) != user_id,
            col(User.disabled).is_(False),
        )
    )
    return int((await tx.execute(statement)).scalar_one())


async def invites(tx: Tx, workspace_id: str) -> Sequence[Invite]:
    """The invitations of a workspace that nobody has followed, by e-mail."""
    statement = select(Invite).where(col(Invite.workspace) == workspace_id).order_by(col(Invite.email))
    return (await tx.execute(statement)).scalars().all()


async def invite_for(tx: Tx, workspace_id: str, email: str) -> Invite | None:
    """The invitation of an e-mail into a workspace, or None."""
    statement = select(Invite).where(col(Invite.workspace) == workspace_id, col(Invite.email) == email)
    return (await tx.execute(statement)).scalar_one_or_none()


async def invite_by_token(tx: Tx, token_hash: str) -> Invite | None:
    """The invitation that a link belongs to, or None."""
    return (await tx.execute(select(Invite).where(col(Invite.token_hash) == token_hash))).scalar_one_or_none()


async def withdraw(tx: Tx, workspace_id: str, email: str) -> int:
    """Take back the invitations into a workspace that somebody made; how many. Hold the workspace's audit head."""
    statement = delete(Invite).where(col(Invite.workspace) == workspace_id, col(Invite.invited_by) == email)
    return max(0, getattr(await tx.execute(statement), "rowcount", 0))
