"""`atlas-hub member …`: who belongs to a workspace, and who is invited."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from atlas_hub.accounts import invites, members, people, workspaces
from atlas_hub.accounts.members import Roster
from atlas_hub.accounts.models import Invite
from atlas_hub.accounts.roster import Member
from atlas_hub.cli.output import Said, command, table, with_hub
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.services.access import Actor, Role

T = TypeVar("T")
WORKSPACE = click.option("--workspace", "workspace_id", required=True, metavar="ID", help="In which workspace.")
WHO = click.argument("who", metavar="ID_OR_EMAIL")
ROLE = click.Choice([role.value for role in people.ROLES])


@click.group()
def member() -> None:
    """List, invite, change and remove the members of a workspace."""


@command(member, "list")
@WORKSPACE
def list_members(*, workspace_id: str) -> Said:
    """Show who belongs to a workspace, and who is invited."""
    found: Roster = _in_workspace(workspace_id, members.listed)
    rows = [
        (
            each.id,
            each.email,
            each.role,
            iso(each.seen_at) if each.seen_at else "-",
            "disabled" if each.disabled else "",
        )
        for each in found.members
    ]
    rows += [("-", each.email, each.role, "-", f"invited until {iso(each.expires_at)}") for each in found.invites]
    return Said(
        value={
            "members": [_member(each) for each in found.members],
            "invitations": [_invite(each) for each in found.invites],
        },
        text=table(
            ("ID", "E-MAIL", "ROLE", "LAST SEEN", ""),
            rows,
            nothing="Nobody belongs to this workspace. Invite somebody with `atlas-hub member invite`.",
        ),
    )


@command(member, "invite")
@WORKSPACE
@click.option("--email", required=True, help="Whom.")
@click.option("--role", required=True, type=ROLE)
def invite_member(*, workspace_id: str, email: str, role: str) -> Said:
    """Make a one-time link by which somebody joins. A former one for the same address is void."""
    new = _in_workspace(workspace_id, lambda hub, actor: invites.create(hub, actor, email=email, role=Role(role)))
    return Said(
        value={**_invite(new.invite), "link": new.link},
        text=new.link,
        note=f"Pass the link on to {new.invite.email}. It is shown this once, works once, and for seven days.",
    )


@command(member, "role")
@WORKSPACE
@WHO
@click.argument("role", type=ROLE)
def change_role(*, workspace_id: str, who: str, role: str) -> Said:
    """Give a member another role."""

    async def change(hub: Hub, actor: Actor) -> Member:
        found = await members.find(hub, actor, who)
        await members.change_role(hub, actor, found.id, Role(role))
        return await members.find(hub, actor, found.id)

    found = _in_workspace(workspace_id, change)
    return Said(value=_member(found), text=f"{found.email} is {found.role} now.")


@command(member, "remove")
@WORKSPACE
@WHO
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_member(*, workspace_id: str, who: str, yes: bool) -> Said:
    """Take a member out of a workspace. Their account goes with their last workspace."""
    if not yes:
        _ask(f"Remove {who} from the workspace {workspace_id}?")

    async def remove(hub: Hub, actor: Actor) -> Member:
        found = await members.find(hub, actor, who)
        await members.remove(hub, actor, found.id)
        return found

    found = _in_workspace(workspace_id, remove)
    return Said(
        value={"id": found.id, "email": found.email, "removed": True}, text=f"{found.email} is no member any more."
    )


@command(member, "sign-out")
@WORKSPACE
@WHO
def sign_out_member(*, workspace_id: str, who: str) -> Said:
    """Sign a member out everywhere."""

    async def sign_out(hub: Hub, actor: Actor) -> Member:
        found = await members.find(hub, actor, who)
        await members.sign_out(hub, actor, found.id)
        return found

    found = _in_workspace(workspace_id, sign_out)
    return Said(
        value={"id": found.id, "email": found.email, "signedOut": True}, text=f"{found.email} is signed out everywhere."
    )


def _in_workspace(workspace_id: str, work: Callable[[Hub, Actor], Awaitable[T]]) -> T:
    async def done(hub: Hub) -> T:
        async with hub.db.reading() as tx:
            await workspaces.known(tx, workspace_id)
        return await work(hub, people.command_line(workspace_id))

    return with_hub(done)


def _ask(question: str) -> None:
    context = click.get_current_context()
    if context.params.get("as_json") or not sys.stdin.isatty():
        raise click.UsageError("Say --yes to remove them: it cannot be undone, only begun anew.")
    click.confirm(question, abort=True, err=True)


def _member(each: Member) -> dict[str, Any]:
    return {
        "id": each.id,
        "email": each.email,
        "name": each.name,
        "role": each.role,
        "disabled": each.disabled,
        "seenAt": iso(each.seen_at) if each.seen_at else None,
    }


def _invite(each: Invite) -> dict[str, Any]:
    return {"id": each.id, "email": each.email, "role": each.role, "expiresAt": iso(each.expires_at)}
