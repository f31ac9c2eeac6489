"""`atlas-hub workspace …` and `atlas-hub user …`."""

from __future__ import annotations

import sys
from typing import Any

import click

from atlas_hub.accounts import people, workspaces
from atlas_hub.accounts.models import User, Workspace
from atlas_hub.cli.output import Said, command, read_password, table, with_hub
from atlas_hub.kit.clock import iso
from atlas_hub.services.access import Role


@click.group()
def workspace() -> None:
    """Make, list, rename and delete workspaces."""


@click.group()
def user() -> None:
    """Make users, shut them out, give them new passwords."""


@command(workspace, "create")
@click.option("--name", required=True, help="What it is called: your company or team.")
def create_workspace(*, name: str) -> Said:
    """Make a workspace."""
    made = with_hub(lambda hub: workspaces.create(hub, name))
    return Said(value={"id": made.id, "name": made.name}, text=f"Workspace {made.name} has the id {made.id}.")


@command(workspace, "list")
def list_workspaces() -> Said:
    """Show every workspace."""
    found = with_hub(workspaces.listed)
    return Said(
        value=[_workspace(row, first=first) for row, first in found],
        text=table(
            ("ID", "NAME", "MADE", ""),
            [(row.id, row.name, iso(row.created_at), "first" if first else "") for row, first in found],
            nothing="There is no workspace yet. Make one with `atlas-hub workspace create --name …`.",
        ),
    )


@command(workspace, "rename")
@click.argument("workspace_id", metavar="ID")
@click.option("--name", required=True, help="What it is called from now on.")
def rename_workspace(*, workspace_id: str, name: str) -> Said:
    """Give a workspace another name."""
    row = with_hub(lambda hub: workspaces.rename(hub, people.command_line(workspace_id), name))
    return Said(value={"id": row.id, "name": row.name}, text=f"The workspace {row.id} is called {row.name} now.")


@command(workspace, "delete")
@click.argument("workspace_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete_workspace(*, workspace_id: str, yes: bool) -> Said:
    """Delete a workspace and everything in it, for good."""
    if not yes:
        _ask(f"Delete the workspace {workspace_id} and everything in it?")
    gone = with_hub(lambda hub: workspaces.delete(hub, workspace_id))
    grants = {"revoked": gone.revoked, "notRevoked": gone.alive}
    said = f"The workspace {gone.name} is gone, with everything that was in it ({gone.rows} rows)."
    if gone.revoked or gone.alive:
        said += f" Grants revoked at the vendors: {gone.revoked}."
    if gone.alive:
        said += f" Not revoked: {gone.alive}. Remove the app there by hand; the log says where it failed."
    return Said(
        value={"id": workspace_id, "name": gone.name, "deleted": True, "rows": gone.rows, "grants": grants}, text=said
    )


@command(workspace, "make-first")
@click.argument("workspace_id", metavar="ID")
def make_first(*, workspace_id: str) -> Said:
    """Give a workspace what belongs to the first one: the environment's Slack and ATLAS_API_KEY."""
    row = with_hub(lambda hub: workspaces.make_first(hub, workspace_id))
    return Said(value=_workspace(row, first=True), text=f"The workspace {row.name} is the first one now.")


@command(user, "create")
@click.option("--email", required=True, help="What they sign in with.")
@click.option("--name", default="", help="What they are called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--role", required=True, type=click.Choice([role.value for role in people.ROLES]))
@click.option("--workspace", "workspace_id", required=True, metavar="ID", help="Where they belong.")
def create_user(*, email: str, name: str, password_stdin: bool, role: str, workspace_id: str) -> Said:
    """Make a user in a workspace, or give an existing one a role there."""
    given = read_password(from_stdin=True) if password_stdin else None
    if given is None and not with_hub(lambda hub: people.find(hub, email)):
        given = read_password(from_stdin=False)
    row, new = with_hub(
        lambda hub: people.create(hub, email=email, name=name, password=given, role=Role(role), workspace=workspace_id)
    )
    note = "" if new or not password_stdin else f"{row.email} was known already and keeps the password they have."
    return Said(
        value={"id": row.id, "email": row.email, "role": role, "workspace": workspace_id, "created": new},
        text=f"{row.email} is {role} of {workspace_id}.",
        note=note,
    )


@command(user, "list")
def list_users() -> Said:
    """Show every user and where they belong."""
    found = with_hub(people.listed)
    return Said(
        value=[_person(person) for person in found],
        text=table(
            ("ID", "E-MAIL", "BELONGS TO", ""),
            [
                (
                    person.user.id,
                    person.user.email,
                    ", ".join(f"{seat.name} ({seat.role})" for seat in person.seats) or "-",
                    "disabled" if person.user.disabled else "",
                )
                for person in found
            ],
            nothing="There is no user yet. Open the set-up link, or run `atlas-hub user create`.",
        ),
    )


@command(user, "disable")
@click.argument("who", metavar="ID_OR_EMAIL")
def disable_user(*, who: str) -> Said:
    """Shut a user out, and sign them out everywhere."""
    row = with_hub(lambda hub: people.set_disabled(hub, who, disabled=True))
    return Said(value=_user(row), text=f"{row.email} cannot sign in any more, and is signed out everywhere.")


@command(user, "enable")
@click.argument("who", metavar="ID_OR_EMAIL")
def enable_user(*, who: str) -> Said:
    """Let a disabled user in again."""
    row = with_hub(lambda hub: people.set_disabled(hub, who, disabled=False))
    return Said(value=_user(row), text=f"{row.email} can sign in again.")


@command(user, "reset-password")
@click.argument("who", metavar="ID_OR_EMAIL")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def reset_password(*, who: str, password_stdin: bool) -> Said:
    """Give a user a new password, and sign them out everywhere."""
    password = read_password(from_stdin=password_stdin)
    row = with_hub(lambda hub: people.reset_password(hub, who, password))
    return Said(value=_user(row), text=f"{row.email} has a new password, and is signed out everywhere.")


def _ask(question: str) -> None:
    context = click.get_current_context()
    if context.params.get("as_json") or not sys.stdin.isatty():
        raise click.UsageError("Say --yes to delete it: it cannot be brought back.")
    click.confirm(question, abort=True, err=True)


def _workspace(row: Workspace, *, first: bool) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "createdAt": iso(row.created_at), "first": first}


def _user(row: User) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "disabled": row.disabled,
        "createdAt": iso(row.created_at),
    }


def _person(person: people.Person) -> dict[str, Any]:
    seats = [{"workspace": seat.workspace, "name": seat.name, "role": seat.role} for seat in person.seats]
    return {**_user(person.user), "memberships": seats}
