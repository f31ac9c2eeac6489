"""API keys: made, listed, revoked, and who a caller is who shows one."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, Forbidden, NotFound, Unauthenticated
from atlas_hub.kit.ids import is_id, new_id
from atlas_hub.kit.secret import Secret
from atlas_hub.services.access import Actor, Role, require_admin
from atlas_hub.storage import api_keys as stored
from atlas_hub.storage import audit, installation
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import ApiKey
from atlas_hub.storage.sealed import bound_to

APIS = ("admin", "groups", "connections", "chat")
ROLES = (Role.OWNER, Role.ADMIN, Role.READ_ONLY)
PREFIX = "ahk_"
NAME_LENGTH = 120
USED_EVERY = timedelta(minutes=1)

_PRIVATE_LENGTH = 43
"""Of 62 letters and digits: 256 bits."""
_PUBLIC_LENGTH = 8
_BASE62 = string.ascii_letters + string.digits
_OPERATOR = "ATLAS_API_KEY"


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as it may be shown. `apis` is never empty."""

    id: str
    workspace: str
    name: str
    role: Role
    apis: tuple[str, ...]
    public_key: str
    created_at: datetime
    created_by: str
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that was just made: the only time its private half can be read."""

    view: KeyView
    private_key: Secret


async def create(
    hub: Hub, actor: Actor, *, role: Role, apis: Sequence[str] = (), name: str = "", once: str = ""
) -> NewKey:
    """Make a key in the actor's workspace for the named APIs, or for all. It can do no more than its maker.

    `once`: the id it gets, so that a form which is sent twice makes one. Raises `Forbidden`, `BadForm`, `VaultLocked`,
    `NotFound` where the workspace was deleted, and `Conflict` where that id exists.
    """
    require_admin(actor)
    if role is Role.OWNER and actor.role is not Role.OWNER:
        raise Forbidden("Only an owner may make a key with the role owner. Choose admin, or ask an owner.")
    _require_form(role, apis, name)
    private_key = Secret(PREFIX + "".join(secrets.choice(_BASE62) for _ in range(_PRIVATE_LENGTH)))
    async with hub.db.transaction() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
        head = await audit.head_of(tx, actor.workspace, begins=begins)
        if is_id(once) and await stored.find(tx, actor.workspace, once) is not None:
            raise Conflict("This form was sent before. The key was made then, and is shown once. See the list.")
        row = ApiKey(
            id=once if is_id(once) else new_id(),
            workspace=actor.workspace,
            name=name.strip(),
            role=role.value,
            apis=[api for api in APIS if api in apis],
            public_key=await _free_public_key(tx),
            lookup=hub.vault.fingerprint(private_key),
            sealed=b"",
            key_id=hub.vault.active_id,
            created_at=hub.now(),
            created_by=actor.name,
        )
        row.sealed = hub.vault.seal({"private_key": private_key}, bound_to=bound_to(row, "sealed"))
        tx.add(row)
        await audit.append(
            tx,
            head,
            kind="key_created",
            actor=actor.name,
            at=row.created_at,
            subject=row.id,
            detail={"name": row.name, "role": row.role, "apis": list(_view(row).apis)},
        )
        return NewKey(view=_view(row), private_key=private_key)


async def listed(hub: Hub, workspace: str | None) -> list[KeyView]:
    """The keys of a workspace, or of the whole installation (the command line's), revoked ones included."""
    async with hub.db.reading() as tx:
        return [_view(row) for row in await stored.listed(tx, workspace)]


async def revoke(hub: Hub, actor: Actor, key_id: str) -> KeyView:
    """Refuse a key from now on. Revoking it again changes nothing. Raises `Forbidden`, `NotFound`."""
    require_admin(actor)
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, actor.workspace)
        row = await stored.find(tx, actor.workspace, key_id) if is_id(key_id) else None
        if row is None:
            raise NotFound("There is no key with this id. `atlas-hub key list` shows them all.")
        if row.role == Role.OWNER and actor.role is not Role.OWNER:
            raise Forbidden("Only an owner may revoke a key with the role owner. Ask one of them.")
        if row.revoked_at is None:
            row.revoked_at = hub.now()
            await audit.append(
                tx,
                head,
                kind="key_revoked",
                actor=actor.name,
                at=row.revoked_at,
                subject=row.id,
                detail={"name": row.name},
            )
        return _view(row)


async def workspace_of(hub: Hub, key_id: str) -> str:
    """The workspace of a key, for the command line, which belongs to none. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        row = await stored.find(tx, None, key_id)
    if row is None:
        raise NotFound("There is no key with this id. `atlas-hub key list` shows them all.")
    return row.workspace


async def actor_of_key(hub: Hub, private_key: str, api: str) -> Actor:
    """Who calls an API with this private key: one query.

    Raises `Unauthenticated` for an unknown or revoked key, `Forbidden` for one that is not for this API, `VaultLocked`
    where keys cannot be looked up, `NotAvailable` without a database. `ATLAS_API_KEY` is the owner of the first
    workspace, on the admin API alone; without a database its workspace is "".
    """
    operators = hub.settings.api_key
    if operators is not None and Secret(private_key) == operators:
        return await _operator(hub, api)
    if not hub.has_database and api == "admin":
        raise Unauthenticated(_UNKNOWN)
    async with hub.db.asking() as ask:
        row = await stored.by_lookup(ask, hub.vault.fingerprints(private_key))
    return await actor_of_row(hub, row, api)


_UNKNOWN = "The API key is unknown or was revoked. Make one with `atlas-hub key create`."


async def _operator(hub: Hub, api: str) -> Actor:
    if api != "admin":
        raise Forbidden(f"{_OPERATOR} is for the admin API alone. Make a key for this one with `atlas-hub key create`.")
    workspace = ""
    if hub.has_database:
        async with hub.db.reading() as tx:
            workspace = await installation.first_workspace(tx)
        if not is_id(workspace):
            raise Unauthenticated(
                f"{_OPERATOR} belongs to the first workspace, and there is none. Set the hub up, or choose one with "
                "`atlas-hub workspace make-first`."
            )
    return Actor(id="operator", name=_OPERATOR, workspace=workspace, role=Role.OWNER)


async def actor_of_row(hub: Hub, row: Any, api: str) -> Actor:
    """Who calls an API with the key of this row, whose use is noted. Raises `Unauthenticated` for None, `Forbidden`."""
    if row is None:
        raise Unauthenticated(_UNKNOWN)
    if row.apis and api not in row.apis:
        raise Forbidden(
            f"This API key is not made for the {api} API. Make one that is, with `atlas-hub key create --api {api}`."
        )
    at = hub.now()
    if row.used_at is None or at - row.used_at >= USED_EVERY:
        async with hub.db.transaction() as tx:
            await stored.note_used(tx, row.id, at)
    return Actor(id=row.id, name=f"API key {row.name or row.public_key}", workspace=row.workspace, role=Role(row.role))


def _view(row: ApiKey) -> KeyView:
    return KeyView(
        id=row.id,
        workspace=row.workspace,
        name=row.name,
        role=Role(row.role),
        apis=tuple(row.apis) or APIS,
        public_key=row.public_key,
        created_at=row.created_at,
        created_by=row.created_by,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )


def _require_form(role: Role, apis: Sequence[str], name: str) -> None:
    faults = {}
    if role not in ROLES:
        faults["role"] = "A key is owner, admin or read_only. Choose one of them."
    if unknown := [api for api in apis if api not in APIS]:
        faults["apis"] = f"There is no API called {unknown[0]}. Choose from {', '.join(APIS)}."
    if len(name.strip()) > NAME_LENGTH or not name.isprintable():
        faults["name"] = f"The name is too long or has a line break. Use at most {NAME_LENGTH} characters on one line."
    if faults:
        raise BadForm(faults)


async def _free_public_key(tx: Tx) -> str:
    drawn = _draw_public_key()
    while await stored.public_key_is_taken(tx, drawn):
        drawn = _draw_public_key()
    return drawn


def _draw_public_key() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_PUBLIC_LENGTH))
