"""`atlas-hub key …` for API keys, and `atlas-hub keys …` for the encryption keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from atlas_hub.accounts import workspaces
from atlas_hub.accounts.people import command_line
from atlas_hub.cli.output import Said, command, table, with_hub
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import BadForm
from atlas_hub.services import api_keys, rotation
from atlas_hub.services.access import Role
from atlas_hub.services.api_keys import APIS, ROLES, KeyView, NewKey
from atlas_hub.storage.keys import generate_key


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@click.group()
def keys() -> None:
    """Make, inspect and rotate the encryption keys."""


@command(key, "create")
@click.option("--workspace", "workspace_id", required=True, metavar="ID", help="Whose key it is.")
@click.option("--role", required=True, type=click.Choice([role.value for role in ROLES]))
@click.option("--api", "apis", default="", metavar=",".join(APIS), help="What it is for; all where it is not given.")
@click.option("--name", default="", help="What it is called in lists and in the audit log.")
def create_key(*, workspace_id: str, role: str, apis: str, name: str) -> Said:
    """Make an API key. Its private half is shown this once."""
    named = [api.strip() for api in apis.split(",") if api.strip()]
    if apis and not named:
        raise BadForm({"apis": f"--api names no API. Choose from {', '.join(APIS)}."})

    async def make(hub: Hub) -> NewKey:
        async with hub.db.reading() as tx:
            await workspaces.require(tx, workspace_id)
        return await api_keys.create(hub, command_line(workspace_id), role=Role(role), apis=named, name=name)

    made = with_hub(make)
    view, private_key = made.view, made.private_key.reveal()
    return Said(
        value={"id": view.id, "publicKey": view.public_key, "privateKey": private_key, **_key(view)},
        text=f"ID           {view.id}\nPublic key   {view.public_key}\nPrivate key  {private_key}",
        note="The private key is shown this once. Keep it where secrets are kept.",
    )


@command(key, "list")
@click.option("--workspace", "workspace_id", default=None, metavar="ID", help="Only this workspace's.")
def list_keys(*, workspace_id: str | None) -> Said:
    """Show API keys, without their private halves."""

    async def find(hub: Hub) -> list[KeyView]:
        if workspace_id is not None:
            async with hub.db.reading() as tx:
                await workspaces.require(tx, workspace_id)
        return await api_keys.listed(hub, workspace_id)

    found = with_hub(find)
    return Said(
        value=[_key(view) for view in found],
        text=table(
            ("ID", "PUBLIC KEY", "WORKSPACE", "ROLE", "APIS", "NAME", "LAST USED", ""),
            [
                (
                    view.id,
                    view.public_key,
                    view.workspace,
                    view.role.value,
                    ",".join(view.apis),
                    view.name or "-",
                    _at(view.used_at) or "never",
                    "revoked" if view.revoked_at else "",
                )
                for view in found
            ],
            nothing="There is no key yet. Make one with `atlas-hub key create`.",
        ),
    )


@command(key, "revoke")
@click.argument("key_id", metavar="ID")
def revoke_key(*, key_id: str) -> Said:
    """Refuse an API key from now on."""

    async def revoke(hub: Hub) -> KeyView:
        workspace_id = await api_keys.workspace_of(hub, key_id)
        return await api_keys.revoke(hub, command_line(workspace_id), key_id)

    view = with_hub(revoke)
    return Said(value=_key(view), text=f"The key {view.public_key} is refused from now on.")


@command(keys, "generate")
def generate() -> Said:
    """Print a fresh encryption key, the base64 of 32 random bytes. Nothing is stored."""
    fresh = generate_key()
    return Said(
        value={"key": fresh},
        text=fresh,
        note="Put it into ATLAS_ENCRYPTION_KEYS as v1:<key>. To rotate, put v2:<key> before the former one.",
    )


@command(keys, "status")
def status() -> Said:
    """Show which encryption keys there are, and how much each still seals."""
    found = with_hub(rotation.status)
    return Said(
        value=[
            {"keyId": use.key_id, "rows": use.rows, "active": use.active, "configured": use.configured} for use in found
        ],
        text=table(
            ("KEY", "ROWS", ""),
            [(use.key_id, str(use.rows), _word(use)) for use in found],
            nothing="There is no encryption key. Make one with `atlas-hub keys generate`.",
        ),
    )


@command(keys, "rotate")
def rotate() -> Said:
    """Seal everything under the active key, while the hub runs."""
    done = with_hub(lambda hub: rotation.rotate(hub, _progress))
    if done.left:
        names = ", ".join(done.unreadable[:10]) or "rows that somebody holds"
        raise click.ClickException(
            f"{done.changed} of {done.total} rows are under the active key now, and {done.left} still need a former "
            f"one ({names}). Keep the former keys, put back what is missing, and run this again."
        )
    return Said(
        value={"total": done.total, "changed": done.changed, "unreadable": done.unreadable, "left": done.left},
        text=f"{done.changed} rows were sealed anew. Everything is under the active key; the former ones can go.",
    )


def _progress(done: int, total: int) -> None:
    if total:
        click.echo(f"{done} of {total} rows", err=True)


def _word(use: rotation.KeyUse) -> str:
    if not use.configured:
        return "missing: put it back into ATLAS_ENCRYPTION_KEYS"
    if use.active:
        return "active"
    return "still needed" if use.rows else "can be removed"


def _at(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _key(view: KeyView) -> dict[str, Any]:
    return {
        "id": view.id,
        "publicKey": view.public_key,
        "workspace": view.workspace,
        "role": view.role.value,
        "apis": list(view.apis),
        "name": view.name,
        "createdAt": iso(view.created_at),
        "usedAt": _at(view.used_at),
        "revokedAt": _at(view.revoked_at),
    }
