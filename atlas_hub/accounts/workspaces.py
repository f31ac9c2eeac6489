"""Workspaces of the stand-alone app: made, listed, renamed, deleted; and the link by which the first one is set up."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from atlas_hub.accounts import passwords, people, sessions, store
from atlas_hub.accounts.models import Membership, User, Workspace
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Forbidden, NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services import letting_go
from atlas_hub.services.access import ADMINS, Actor, Role, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.storage import audit, connections, installation
from atlas_hub.storage.db import Tx
from atlas_hub.storage.purge import purge

LINK_LIFE, NAME_LENGTH = timedelta(hours=24), 120
NOBODY = "-"
"""What stands for the first workspace after it was deleted: what belonged to it belongs to nobody."""


def name_fault(name: str) -> str | None:
    """Why a workspace cannot have this name, as a sentence; None where it can."""
    if not name.strip():
        return "The workspace has no name. Type the name of your company or team."
    if len(name.strip()) > NAME_LENGTH or not name.isprintable():
        return f"The name is too long or has a line break. Use at most {NAME_LENGTH} characters on one line."
    return None


async def create(hub: Hub, name: str, *, by: str = people.COMMAND_LINE) -> Workspace:
    """Make a workspace. Raises `BadForm`."""
    async with hub.db.transaction() as tx:
        return await _create(hub, tx, name, by)


async def listed(hub: Hub) -> list[tuple[Workspace, bool]]:
    """Every workspace, oldest first, and whether it is the first one of the installation."""
    async with hub.db.reading() as tx:
        first = await installation.first_workspace(tx)
        return [(workspace, workspace.id == first) for workspace in await store.workspaces(tx)]


async def of(hub: Hub, user_id: str) -> list[tuple[store.Seat, bool]]:
    """The workspaces that a user belongs to, oldest first, and whether it is the first one of the installation."""
    async with hub.db.reading() as tx:
        first = await installation.first_workspace(tx)
        return [(seat, seat.workspace == first) for seat in await store.seats(tx, user_id)]


async def create_own(hub: Hub, visitor: store.Visitor, session: str, name: str) -> Workspace:
    """Make a workspace with its owner, and make it the active one of the owner's session.

    Who belongs to workspaces must be owner or admin of one. Raises `Forbidden`, `BadForm`.
    """
    async with hub.db.transaction() as tx:
        seats = await store.seats(tx, visitor.id)
        if seats and not any(Role(seat.role) in ADMINS for seat in seats):
            raise Forbidden("Only owners and admins may make a workspace. Ask one of them, or ask for the role.")
        workspace = await _create(hub, tx, name, visitor.email)
        tx.add(Membership(workspace=workspace.id, user_id=visitor.id, role=Role.OWNER.value))
        await store.switch_session(tx, sessions.token_hash(session), workspace.id)
    return workspace


async def rename(hub: Hub, actor: Actor, name: str) -> Workspace:
    """Give the actor's workspace another name. Raises `Forbidden`, `NotFound`, `BadForm`."""
    require_admin(actor)
    if sentence := name_fault(name):
        raise BadForm({"workspace": sentence})
    async with hub.db.reading() as tx:
        await known(tx, actor.workspace)
    async with changing(hub, actor, begins=False) as change:
        workspace = await known(change.tx, actor.workspace)
        await people.as_now(change.tx, actor)
        former, workspace.name = workspace.name, name.strip()
        if former != workspace.name:
            await change.note("workspace_renamed", subject=workspace.id, name=workspace.name, former=former)
    return workspace


def require_owner(actor: Actor) -> None:
    """Raises `Forbidden` for anyone but an owner."""
    if actor.role is not Role.OWNER:
        raise Forbidden(_OWNERS_ALONE)


async def delete_own(hub: Hub, actor: Actor, typed: str) -> None:
    """Delete the actor's workspace with everything in it. The actor stays, and so does their session.

    `typed` must be its name. Raises `Forbidden`, `NotFound`, `BadForm`.
    """
    require_owner(actor)
    if typed.strip() != actor.workspace_name:
        raise BadForm({"workspace": f"This is not the name. Type {actor.workspace_name} to delete the workspace."})
    await delete(hub, actor.workspace, by=actor.name, stays=actor.id)


class Gone(NamedTuple):
    """A workspace that was deleted; of its OAuth grants, how many are dead at the vendor and how many may not be."""

    name: str
    rows: int
    revoked: int
    alive: int


async def delete(hub: Hub, workspace_id: str, *, by: str = people.COMMAND_LINE, stays: str = "") -> Gone:
    """Revoke a workspace's OAuth grants at the vendors, then delete it and all of it, in one transaction.

    Raises `NotFound` where there is nothing, and `Forbidden` where the one who `stays` is no owner (any more).

    A host's tenant has no row of its own here: its name is its id. Users who belong to no other workspace go with it,
    except the one who `stays` (an id): their sessions move to another workspace of theirs, or to none. Except, too,
    whom the operator disabled, unless it is the operator who deletes: nobody `stays`.
    """
    if not is_id(workspace_id):
        raise NotFound(_NO_WORKSPACE)
    async with hub.db.reading() as tx:  # before anything is revoked
        if stays and await store.role_of(tx, workspace_id, stays) != Role.OWNER:
            raise Forbidden(_OWNERS_ALONE)
    revoked, alive = await letting_go.let_all_go(hub, workspace_id)
    async with hub.db.transaction() as tx:
        row = await installation.the_row(tx)
        await store.lock_members(tx, workspace_id)  # before the log, as every verb that changes a user does
        began = await audit.has_head(tx, workspace_id)
        await audit.head_of(tx, workspace_id)  # verbs under way end first
        workspace = await store.workspace(tx, workspace_id)
        if stays and await store.role_of(tx, workspace_id, stays) != Role.OWNER:
            raise Forbidden(_OWNERS_ALONE)
        only_here = await store.only_here(tx, workspace_id)
        leaving = [each for each, barred in only_here.items() if not stays or (each != stays and not barred)]
        if stays:
            left = [seat.workspace for seat in await store.seats(tx, stays) if seat.workspace != workspace_id]
            await store.move_sessions(tx, stays, workspace_id, left[0] if left else "")
        count = await purge(tx, workspace_id) - (not began)
        if workspace is None and not count:
            raise NotFound(_NO_WORKSPACE)
        await store.delete_users(tx, leaving)
        await store.delete_workspace(tx, workspace_id)
        if row.first_workspace == workspace_id:
            await _make_first(tx, NOBODY)
        head = await audit.head_of(tx, "")
        await audit.append(
            tx, head, kind="workspace_deleted", actor=by, at=hub.now(), subject=workspace_id, detail={"rows": count}
        )
    rows = count + len(leaving) + bool(workspace)
    return Gone(workspace.name if workspace else workspace_id, rows, revoked, alive)


async def make_first(hub: Hub, workspace_id: str) -> Workspace:
    """Give a workspace what belongs to the first one: environment Slack and `ATLAS_API_KEY`. Raises `NotFound`.

    The installation's own log tells of it, unless it was the first one already.
    """
    async with hub.db.transaction() as tx:
        workspace = await known(tx, workspace_id)
        former = await _make_first(tx, workspace_id)
        if former != workspace_id:
            head = await audit.head_of(tx, "")
            await audit.append(
                tx,
                head,
                kind="first_workspace_changed",
                actor=people.COMMAND_LINE,
                at=hub.now(),
                subject=workspace_id,
                detail={"former": former, "new": workspace_id},
            )
    return workspace


async def known(tx: Tx, workspace_id: str) -> Workspace:
    """The workspace. Raises `NotFound`."""
    workspace = await store.workspace(tx, workspace_id) if is_id(workspace_id) else None
    if workspace is None:
        raise NotFound(_NO_WORKSPACE)
    return workspace


async def require(tx: Tx, workspace_id: str) -> None:
    """Raises `NotFound` unless this is a workspace, or can be a tenant of a host's, which has no row of its own."""
    if is_id(workspace_id) and (
        await audit.has_head(tx, workspace_id) or await installation.may_begin(tx, workspace_id)
    ):
        return
    await known(tx, workspace_id)


async def mint_setup_link(hub: Hub) -> str | None:
    """A one-time link that makes the first owner, good for 24 hours; None where somebody can sign in already.

    Each link makes the former ones invalid. Only its hash is stored.
    """
    if not hub.has_database:
        return None
    token = sessions.new_token()
    async with hub.db.transaction() as tx:
        await installation.the_row(tx)
        if await store.has_user(tx):
            await store.delete_links(tx)
            return None
        await store.replace_link(tx, sessions.token_hash(token), hub.now() + LINK_LIFE)
    return f"{hub.settings.address}/set-up/{token}"


async def waiting_for(hub: Hub, token: str) -> str | None:
    """For a valid set-up link: the name of the workspace that waits for an owner, "" where none was made yet.

    None where the link is unknown, used or too old, or somebody can sign in already.
    """
    async with hub.db.reading() as tx:
        if not await _opens(hub, tx, token):
            return None
        waiting = await store.workspaces(tx)
        return waiting[0].name if waiting else ""


async def set_up(hub: Hub, token: str, *, workspace: str, name: str, email: str, password: str) -> str:
    """Make workspace and owner, sign the owner in, use the link up. The session's token.

    Where the command line made a workspace, the oldest is taken and `workspace` is not read. Of two at the same time
    one wins. Raises `BadForm` by field, `NotFound` where the link is not valid (any more).
    """
    waiting = await waiting_for(hub, token)
    if waiting is None:
        raise NotFound(LINK_OVER)
    email = people.normal_email(email)
    faults = {
        "workspace": None if waiting else name_fault(workspace),
        "name": people.name_fault(name),
        "email": people.email_fault(email),
        "password": passwords.fault(password, email),
    }
    if wrong := {field: sentence for field, sentence in faults.items() if sentence}:
        raise BadForm(wrong)
    password_hash = await passwords.hashed(password)
    async with hub.db.transaction() as tx:
        await installation.the_row(tx)  # one at a time
        if not await _opens(hub, tx, token):
            raise NotFound(LINK_OVER)
        made = await store.workspaces(tx)
        home = made[0] if made else await _create(hub, tx, workspace, email)
        owner = User(email=email, name=name.strip(), password_hash=password_hash, created_at=hub.now())
        tx.add(owner)
        await tx.flush()
        tx.add(Membership(workspace=home.id, user_id=owner.id, role=Role.OWNER.value))
        await store.delete_links(tx)
        head = await audit.head_of(tx, home.id)
        await audit.append(tx, head, kind="set_up", actor=email, at=hub.now(), subject=email)
        return await sessions.begin(hub, tx, owner.id, home.id)


LINK_OVER = "This set-up link is not valid: it was used, replaced by a newer one, or is older than a day."
_OWNERS_ALONE = "Only an owner may delete this workspace. Ask one of them."
_NO_WORKSPACE = "There is no workspace with this id. `atlas-hub workspace list` shows them all."


async def _opens(hub: Hub, tx: Tx, token: str) -> bool:
    return (
        sessions.is_token(token)
        and await store.link_is_valid(tx, sessions.token_hash(token), hub.now())
        and not await store.has_user(tx)
    )


async def _create(hub: Hub, tx: Tx, name: str, by: str) -> Workspace:
    if sentence := name_fault(name):
        raise BadForm({"workspace": sentence})
    workspace = Workspace(name=name.strip(), created_at=hub.now())
    row = await installation.the_row(tx)
    tx.add(workspace)
    await tx.flush()
    if not row.first_workspace:
        await _make_first(tx, workspace.id)
    head = await audit.head_of(tx, workspace.id)
    await audit.append(
        tx,
        head,
        kind="workspace_created",
        actor=by,
        at=hub.now(),
        subject=workspace.id,
        detail={"name": workspace.name},
    )
    return workspace


async def _make_first(tx: Tx, workspace_id: str) -> str:
    """The id of the one that was first before, `NOBODY` where it was deleted."""
    row = await installation.the_row(tx)
    former, row.first_workspace = row.first_workspace, workspace_id
    for given in await connections.all_from_environment(tx):
        if given.workspace != workspace_id:
            await connections.delete_row(tx, given)  # the page of the new first workspace makes its own
    await tx.flush()
    return former
