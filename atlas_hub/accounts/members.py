"""Members of a workspace: listed, given another role, removed, disabled and enabled, signed out everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from atlas_hub.accounts import people, roster, store
from atlas_hub.accounts.models import Invite, Membership, User
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, Forbidden, NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services.access import ADMINS, Actor, Role, require_admin
from atlas_hub.services.changing import Change
from atlas_hub.storage import audit

OWNERS_ALONE = "Only an owner may change, remove or sign out an owner, or make one. Ask one of them."
LAST_OWNER = (
    "{email} is the last owner who can sign in, and a workspace needs one. Make somebody else an owner first, "
    "then try again."
)
BY_OPERATOR = "Disabled by whoever runs the hub. Only they can let {email} in again: ask them."
NOT_HERE = "There is no such member in this workspace. They may have been removed in the meantime."


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Who belongs to a workspace, and the invitations that nobody has followed yet, expired ones included."""

    members: list[roster.Member]
    invites: list[Invite]


@dataclass(frozen=True)
class _Seated:
    """A member who is being changed, their place in the workspace, and the change."""

    change: Change
    user: User
    seat: Membership

    async def require_another_owner(self) -> None:
        """Raises `Conflict` where this is the last owner who can sign in."""
        if self.seat.role != Role.OWNER or self.user.disabled:
            return
        if not await roster.other_owners(self.change.tx, self.change.actor.workspace, self.user.id):
            raise Conflict(LAST_OWNER.format(email=self.user.email))

    async def withdraw(self) -> int | None:
        """Take back the invitations that they made here; how many, None where there were none."""
        return await roster.withdraw(self.change.tx, self.change.actor.workspace, self.user.email) or None

    async def require_only_here(self, what: str) -> None:
        """Raises `Conflict` where they belong to other workspaces too, which this one does not decide for."""
        if len(await store.seats(self.change.tx, self.user.id)) > 1:
            raise Conflict(
                f"{self.user.email} belongs to other workspaces too, so this one alone cannot {what} them. "
                "Remove them from this workspace instead, or ask whoever runs the hub."
            )


async def listed(hub: Hub, actor: Actor) -> Roster:
    """Who belongs to the actor's workspace, and who is invited. Raises `Forbidden`."""
    require_admin(actor)
    async with hub.db.reading() as tx:
        return Roster(
            members=await roster.members(tx, actor.workspace), invites=list(await roster.invites(tx, actor.workspace))
        )


async def member(hub: Hub, actor: Actor, user_id: str) -> roster.Member:
    """A member of the actor's workspace, by id. Raises `Forbidden`, `NotFound`."""
    found = next((each for each in (await listed(hub, actor)).members if each.id == user_id), None)
    if found is None:
        raise NotFound(NOT_HERE)
    return found


async def find(hub: Hub, actor: Actor, id_or_email: str) -> roster.Member:
    """A member of the actor's workspace, by id or e-mail. Raises `Forbidden`, `NotFound`."""
    wanted = people.normal_email(id_or_email)
    everyone = (await listed(hub, actor)).members
    found = next((each for each in everyone if wanted in {each.id, each.email}), None)
    if found is None:
        raise NotFound(NOT_HERE)
    return found


async def change_role(hub: Hub, actor: Actor, user_id: str, role: Role) -> None:
    """Give a member another role. Raises `Forbidden`, `NotFound`, `BadForm`, `Conflict` for the last owner."""
    if role not in people.ROLES:
        raise BadForm({"role": "A member is owner, admin or member. Choose one of them."})
    async with _changing(hub, actor, user_id) as seated:
        require_may_give(seated.change.actor, role)
        if role is not Role.OWNER:
            await seated.require_another_owner()
        former, seated.seat.role = seated.seat.role, role.value
        if former != role:
            taken = None if role in ADMINS else await seated.withdraw()
            await seated.change.note(
                "member_role_changed", subject=seated.user.email, role=role.value, former=former, invitations=taken
            )


async def remove(hub: Hub, actor: Actor, user_id: str) -> str:
    """Take a member out of the workspace, and sign them out of it; their e-mail.

    The account goes with its last workspace, but stays where the operator disabled it, as does that. Raises
    `Forbidden`, `NotFound`, `Conflict` for the last owner.
    """
    async with _changing(hub, actor, user_id) as seated:
        await seated.require_another_owner()
        tx, user = seated.change.tx, seated.user
        only_here = len(await store.seats(tx, user.id)) == 1
        taken = await seated.withdraw()
        await store.delete_sessions_of(tx, user.id, actor.workspace)
        await tx.delete(seated.seat)
        await tx.flush()
        # Invited again they would be somebody new, whom nobody disabled.
        if only_here and (people.is_command_line(actor) or not user.disabled_by_operator):
            await store.delete_users(tx, [user.id])
        await seated.change.note("member_removed", subject=user.email, role=seated.seat.role, invitations=taken)
    return user.email


async def set_disabled(hub: Hub, actor: Actor, user_id: str, *, disabled: bool) -> None:
    """Shut a member out, and sign them out everywhere; or let them in again.

    Raises `Forbidden`, `NotFound`, `Conflict` for the last owner, for oneself, for who belongs elsewhere too, and for
    letting in whom the operator disabled.
    """
    async with _changing(hub, actor, user_id) as seated:
        if disabled and user_id == actor.id:
            raise Conflict("You cannot disable yourself. Another owner or admin can do it.")
        if not disabled:
            require_may_enable(seated.user)
        await seated.require_only_here("disable" if disabled else "enable")
        if disabled:
            await seated.require_another_owner()
            await store.delete_sessions_of(seated.change.tx, user_id)
        taken = await seated.withdraw() if disabled else None
        seated.user.disabled = disabled
        kind = "user_disabled" if disabled else "user_enabled"
        await seated.change.note(kind, subject=seated.user.email, invitations=taken)


async def sign_out(hub: Hub, actor: Actor, user_id: str) -> None:
    """End every session of a member; of who belongs elsewhere too, those that are in this workspace.

    Raises `Forbidden`, `NotFound`.
    """
    async with _changing(hub, actor, user_id) as seated:
        tx = seated.change.tx
        only_here = len(await store.seats(tx, user_id)) == 1
        await store.delete_sessions_of(tx, user_id, None if only_here else actor.workspace)
        await seated.change.note("signed_out_everywhere", subject=seated.user.email)


def require_may_give(actor: Actor, role: Role | str) -> None:
    """Raises `Forbidden` where the actor is no owner and the role is."""
    if role == Role.OWNER and actor.role is not Role.OWNER:
        raise Forbidden(OWNERS_ALONE)


def require_may_enable(member: roster.Member | User) -> None:
    """Raises `Conflict` where the operator disabled them, whom no workspace lets in again."""
    if member.disabled_by_operator:
        raise Conflict(BY_OPERATOR.format(email=member.email))


@asynccontextmanager
async def _changing(hub: Hub, actor: Actor, user_id: str) -> AsyncIterator[_Seated]:
    """Change a member of the actor's workspace: the user locked first, as signing in does it, then the workspace."""
    require_admin(actor)
    if not is_id(user_id):
        raise NotFound(NOT_HERE)
    async with hub.db.transaction() as tx:
        user = await store.user_of(tx, user_id)
        head = await audit.head_of(tx, actor.workspace)
        actor = await people.as_now(tx, actor)
        seat = await store.membership(tx, actor.workspace, user_id)
        if user is None or seat is None:
            raise NotFound(NOT_HERE)
        require_may_give(actor, seat.role)
        yield _Seated(Change(hub, actor, tx, hub.now(), head), user, seat)
