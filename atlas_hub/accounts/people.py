"""Users of the stand-alone app: made, listed, disabled, given a new password."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from atlas_hub.accounts import passwords, roster, store
from atlas_hub.accounts.models import Membership, User
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, NotFound
from atlas_hub.services.access import Actor, Role, require_admin
from atlas_hub.storage import audit
from atlas_hub.storage.db import Broken, Tx

COMMAND_LINE = "command line"
_COMMAND_LINE_ID = "command-line"
EMAIL_LENGTH = 200
NAME_LENGTH = 120
ROLES = (Role.OWNER, Role.ADMIN, Role.MEMBER)

_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user and the workspaces they belong to."""

    user: User
    seats: list[store.Seat]


def command_line(workspace: str) -> Actor:
    """Whoever runs the hub, in a workspace: its owner."""
    return Actor(id=_COMMAND_LINE_ID, name=COMMAND_LINE, workspace=workspace, role=Role.OWNER)


def is_command_line(actor: Actor) -> bool:
    """Whether it is whoever runs the hub, who is a member of nothing."""
    return actor.id == _COMMAND_LINE_ID


async def as_now(tx: Tx, actor: Actor) -> Actor:
    """The actor in the role that they have now: between their asking and the workspace's lock they may have lost it.

    Call it with the workspace locked, and decide by what it returns. Raises `Forbidden` for who is no owner or admin.
    """
    if is_command_line(actor):
        return actor
    role = await store.role_of(tx, actor.workspace, actor.id)
    now = replace(actor, role=Role(role or Role.MEMBER))
    require_admin(now)
    return now


def normal_email(email: str) -> str:
    """The e-mail as it is stored and compared."""
    return email.strip().lower()


def email_fault(email: str) -> str | None:
    """Why this is no e-mail address, as a sentence; None where it is one."""
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        return "This is not an e-mail address. Type it like ana@example.com."
    if len(email) > EMAIL_LENGTH:
        return f"The e-mail address is too long: at most {EMAIL_LENGTH} characters."
    return None


def name_fault(name: str) -> str | None:
    """Why nobody can be called this, as a sentence; None where somebody can."""
    if len(name.strip()) > NAME_LENGTH or not name.isprintable():
        return f"The name is too long or has a line break. Use at most {NAME_LENGTH} characters on one line."
    return None


async def exists(hub: Hub) -> bool:
    """Whether there is any user yet."""
    async with hub.db.reading() as tx:
        return await store.has_user(tx)


async def find(hub: Hub, email: str) -> User | None:
    """The user with this e-mail, or None."""
    if not email.isprintable():
        return None  # PostgreSQL takes no NUL, no database a lone surrogate
    async with hub.db.reading() as tx:
        return await store.user_by_email(tx, normal_email(email))


async def create(
    hub: Hub, *, email: str, password: str | None, role: Role, workspace: str, name: str = "", by: str = COMMAND_LINE
) -> tuple[User, bool]:
    """Make a user in a workspace, or give an existing one this role there. The user, and whether they are new.

    `password` is for a new user alone: an existing one keeps theirs. Raises `BadForm`, `NotFound` for an unknown
    workspace, `Conflict` where they have another role there or another made the same user at the same time.
    """
    email = normal_email(email)
    if wrong := {k: v for k, v in {"email": email_fault(email), "name": name_fault(name)}.items() if v}:
        raise BadForm(wrong)
    async with hub.db.reading() as tx:
        await _known_workspace(tx, workspace)
        new = await store.user_by_email(tx, email) is None
    password_hash = await _new_hash(password, email) if new else ""
    try:
        async with hub.db.transaction() as tx:
            user = await store.user_by_email(tx, email, lock=True)
            head = await audit.head_of(tx, workspace)
            await _known_workspace(tx, workspace)
            if user is None:
                user = User(email=email, name=name.strip(), password_hash=password_hash, created_at=hub.now())
                tx.add(user)
                await tx.flush()
            if await _seated(tx, workspace, user, role):
                await audit.append(
                    tx, head, kind="user_created" if new else "user_added", actor=by, at=hub.now(), subject=email,
                    detail={"role": role.value},
                )  # fmt: skip
    except Broken:
        raise Conflict(f"{email} was made by somebody else just now. Try again.") from None
    return user, new


async def listed(hub: Hub) -> list[Person]:
    """Everyone, oldest first."""
    async with hub.db.reading() as tx:
        seats = await store.all_seats(tx)
        return [Person(user=user, seats=seats.get(user.id, [])) for user in await store.users(tx)]


async def set_disabled(hub: Hub, id_or_email: str, *, disabled: bool, by: str = COMMAND_LINE) -> User:
    """Shut a user out, and sign them out everywhere; or let them in again. Raises `NotFound`.

    No workspace lets in whom this shut out; this lets in whomever a workspace shut out. The invitations that somebody
    made are taken back with them.
    """
    async with hub.db.transaction() as tx:
        user = await _known(tx, id_or_email)
        user.disabled = user.disabled_by_operator = disabled
        await store.delete_sessions_of(tx, user.id)
        await _note(hub, tx, user, "user_disabled" if disabled else "user_enabled", by)
        for seat in await store.seats(tx, user.id) if disabled else ():
            await roster.withdraw(tx, seat.workspace, user.email)
    return user


async def reset_password(hub: Hub, id_or_email: str, password: str, *, by: str = COMMAND_LINE) -> User:
    """Give a user a new password, and sign them out everywhere. Raises `NotFound`, `BadForm`."""
    async with hub.db.reading() as tx:
        email = (await _known(tx, id_or_email)).email
    password_hash = await _new_hash(password, email)
    async with hub.db.transaction() as tx:
        user = await _known(tx, id_or_email)
        user.password_hash = password_hash
        await store.delete_sessions_of(tx, user.id)
        await _note(hub, tx, user, "password_reset", by)
    return user


async def _new_hash(password: str | None, email: str) -> str:
    if password is None:
        raise BadForm({"password": "A new user needs a password. Give one with --password-stdin."})
    if sentence := passwords.fault(password, email):
        raise BadForm({"password": sentence})
    return await passwords.hashed(password)


async def _known(tx: Tx, id_or_email: str) -> User:
    user = await store.user_of(tx, normal_email(id_or_email))
    if user is None:
        raise NotFound("There is no user with this id or e-mail. `atlas-hub user list` shows them all.")
    return user


async def _known_workspace(tx: Tx, workspace: str) -> None:
    if await store.workspace(tx, workspace) is None:
        raise NotFound("There is no workspace with this id. `atlas-hub workspace list` shows them all.")


async def _seated(tx: Tx, workspace: str, user: User, role: Role) -> bool:
    """Give a user a place in a workspace; False where they have it. Raises `Conflict` where it is of another role."""
    present = await store.membership(tx, workspace, user.id)
    if present is None:
        tx.add(Membership(workspace=workspace, user_id=user.id, role=role.value))
    elif present.role != role:
        raise Conflict(
            f"{user.email} is {present.role} of this workspace already. `atlas-hub member role` gives another role."
        )
    return present is None


async def _note(hub: Hub, tx: Tx, user: User, kind: str, by: str) -> None:
    """The event goes into the chain of every workspace the user belongs to, in order of id."""
    for workspace in [seat.workspace for seat in await store.seats(tx, user.id)] or [""]:
        head = await audit.head_of(tx, workspace)
        await audit.append(tx, head, kind=kind, actor=by, at=hub.now(), subject=user.email)
