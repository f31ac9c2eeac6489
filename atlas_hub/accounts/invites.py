"""Invitations: a one-time link by which somebody joins a workspace in a role. Only its hash is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from atlas_hub.accounts import passwords, people, roster, sessions, store
from atlas_hub.accounts.members import require_may_give
from atlas_hub.accounts.models import Invite, Membership, User
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, Forbidden, NotFound
from atlas_hub.kit.ids import is_id, new_id
from atlas_hub.services.access import Actor, Role, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.storage import audit
from atlas_hub.storage.db import Broken, Tx

LIFE = timedelta(days=7)
OVER = "This invitation is not valid: it was used, taken back, replaced by a newer one, or is older than a week."
ONCE = (
    "This form was sent before. The invitation was made then, and its link is shown once. Invite again for a new one."
)


@dataclass(frozen=True, kw_only=True)
class NewInvite:
    """An invitation that was just made: the only time its link can be read."""

    invite: Invite
    link: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What a valid link opens. Whether the e-mail has an account it does not say: whoever invites could then ask."""

    workspace: str
    workspace_name: str
    email: str
    role: Role


async def create(hub: Hub, actor: Actor, *, email: str, role: Role, once: str = "") -> NewInvite:
    """Invite an e-mail into the actor's workspace. A former invitation for it is void.

    `once`: the id it gets, so that a form which is sent twice makes one. Raises `Forbidden`, `BadForm`, `NotFound`
    where the workspace was deleted, and `Conflict` where that id exists.
    """
    require_admin(actor)
    email = people.normal_email(email)
    faults = {
        "email": people.email_fault(email),
        "role": None if role in people.ROLES else "A member is owner, admin or member. Choose one of them.",
    }
    if wrong := {name: sentence for name, sentence in faults.items() if sentence}:
        raise BadForm(wrong)
    token = sessions.new_token()
    try:
        async with changing(hub, actor, begins=False) as change:
            now = await people.as_now(change.tx, actor)
            require_may_give(now, role)
            await _make_room(change.tx, now, email, once)
            invite = Invite(
                id=once if is_id(once) else new_id(),
                workspace=actor.workspace,
                email=email,
                role=role.value,
                token_hash=sessions.token_hash(token),
                invited_by=actor.name,
                created_at=change.at,
                expires_at=change.at + LIFE,
            )
            change.tx.add(invite)
            await change.note("member_invited", subject=email, role=role.value)
            await change.tx.flush()
    except Broken:
        raise Conflict(ONCE) from None
    return NewInvite(invite=invite, link=f"{hub.settings.address}/join/{token}")


async def revoke(hub: Hub, actor: Actor, invite_id: str) -> str:
    """Take an invitation back; its e-mail. Raises `Forbidden`, `NotFound`."""
    require_admin(actor)
    async with changing(hub, actor) as change:
        invite = await _found(change.tx, actor, invite_id)
        require_may_give(await people.as_now(change.tx, actor), invite.role)
        await change.tx.delete(invite)
        await change.note("invitation_revoked", subject=invite.email, role=invite.role)
    return invite.email


async def find(hub: Hub, actor: Actor, invite_id: str) -> Invite:
    """An invitation into the actor's workspace. Raises `Forbidden`, `NotFound`."""
    require_admin(actor)
    async with hub.db.reading() as tx:
        return await _found(tx, actor, invite_id)


async def opened(hub: Hub, token: str) -> Invitation | None:
    """What a link opens; None where it is unknown, used, revoked, replaced or too old."""
    async with hub.db.reading() as tx:
        invite = await _valid(hub, tx, token)
        workspace = await store.workspace(tx, invite.workspace) if invite else None
        if invite is None or workspace is None:
            return None
        return Invitation(
            workspace=workspace.id,
            workspace_name=workspace.name,
            email=invite.email,
            role=Role(invite.role),
        )


async def join(hub: Hub, token: str, *, name: str, password: str) -> str:
    """Make the account of somebody who is invited, and sign them in; the session's token. The link is used up.

    Raises `BadForm`, `NotFound` where the link is not valid (any more), `Conflict` where the e-mail has an account.
    """
    invitation = await opened(hub, token)
    if invitation is None:
        raise NotFound(OVER)
    email = invitation.email
    faults = {"name": people.name_fault(name), "password": passwords.fault(password, email)}
    if wrong := {field: sentence for field, sentence in faults.items() if sentence}:
        raise BadForm(wrong)
    password_hash = await passwords.hashed(password)
    try:
        async with hub.db.transaction() as tx:
            head = await audit.head_of(tx, invitation.workspace, begins=False)
            invite = await _valid(hub, tx, token)
            if invite is None:
                raise NotFound(OVER)
            user = User(email=email, name=name.strip(), password_hash=password_hash, created_at=hub.now())
            tx.add(user)
            await tx.flush()
            tx.add(Membership(workspace=invite.workspace, user_id=user.id, role=invite.role))
            await tx.delete(invite)
            await audit.append(
                tx, head, kind="member_joined", actor=email, at=hub.now(), subject=email, detail={"role": invite.role}
            )
            return await sessions.begin(hub, tx, user.id, invite.workspace)
    except Broken:
        raise Conflict(f"{email} has an account already. Sign in with it to join.") from None


async def accept(hub: Hub, token: str, visitor: store.Visitor, session: str) -> None:
    """Let somebody with an account join, and make the workspace their session's active one. The link is used up.

    Raises `NotFound` where the link is not valid (any more), `Forbidden` where it is for another e-mail.
    """
    invitation = await opened(hub, token)
    if invitation is None:
        raise NotFound(OVER)
    if invitation.email != visitor.email:
        raise Forbidden(f"This invitation is for {invitation.email}, and you are signed in as {visitor.email}.")
    async with hub.db.transaction() as tx:
        user = await store.user_of(tx, visitor.id)
        head = await audit.head_of(tx, invitation.workspace, begins=False)
        invite = await _valid(hub, tx, token)
        if invite is None or user is None:
            raise NotFound(OVER)
        if await store.membership(tx, invite.workspace, user.id) is None:  # the command line may have been quicker
            tx.add(Membership(workspace=invite.workspace, user_id=user.id, role=invite.role))
        await tx.delete(invite)
        await store.switch_session(tx, sessions.token_hash(session), invite.workspace)
        await audit.append(
            tx, head, kind="member_joined", actor=user.email, at=hub.now(), subject=user.email,
            detail={"role": invite.role},
        )  # fmt: skip


async def _valid(hub: Hub, tx: Tx, token: str) -> Invite | None:
    if not sessions.is_token(token):
        return None
    invite = await roster.invite_by_token(tx, sessions.token_hash(token))
    return invite if invite is not None and invite.expires_at > hub.now() else None


async def _found(tx: Tx, actor: Actor, invite_id: str) -> Invite:
    invite = await tx.get(Invite, invite_id) if is_id(invite_id) else None
    if invite is None or invite.workspace != actor.workspace:
        raise NotFound("There is no such invitation. It may have been followed or taken back in the meantime.")
    return invite


async def _make_room(tx: Tx, actor: Actor, email: str, once: str) -> None:
    """Raises `BadForm` for a member, `Conflict` for a form sent twice; takes a former invitation away."""
    user = await store.user_by_email(tx, email)
    if user is not None and await store.membership(tx, actor.workspace, user.id) is not None:
        raise BadForm({"email": f"{email} belongs to this workspace already. Change their role in the list instead."})
    former = await roster.invite_for(tx, actor.workspace, email)
    if former is None:
        return
    if former.id == once:
        raise Conflict(ONCE)
    require_may_give(actor, former.role)
    await tx.delete(former)
    await tx.flush()
