"""How a proven form becomes rows: claim, connection, credential and audit event in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AnotherAccount, BadForm, Conflict, Incomplete
from atlas_hub.kit.ids import new_id
from atlas_hub.providers.contract import UNKEYED, CheckResult, Form, Method, Provider, Purpose, scope_of
from atlas_hub.services import apps, environment, truths
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import Change
from atlas_hub.services.views import Connected, said, view_of
from atlas_hub.storage import connections as stored
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to
from atlas_hub.storage.vault import Vault

LABEL_LENGTH, NAME_LENGTH = 120, 200
"""What the columns take; a vendor may tell longer ones."""
CLAIMING = frozenset({Purpose.CHAT, Purpose.TRACK})


@dataclass(frozen=True, kw_only=True)
class Granted:
    """To which app a consent was given, and when its token ends."""

    app_id: str
    client_id: str
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be saved. `silence` is why the vendor could not be asked, or "" where it proved the form."""

    provider: Provider
    method: Method[Any]
    form: Form
    result: CheckResult
    silence: str
    source: str
    mode: str
    agreed: str = ""  # the account that an admin agreed to, where one was asked
    grant: Granted | None = None
    features: tuple[str, ...] | None = None  # what is switched on from now on; None: as it was

    @property
    def scope(self) -> str:
        return scope_of(self.provider, self.method)


OPTIONS: Final = "options:json"
"""In a sealed slot: the fields that are no secrets, while the row shows those of a form that waits (`pending`)."""


def unseal(
    vault: Vault, row: Connection, credential: Credential, method: Method[Any], lent: Mapping[str, Any] | None = None
) -> Form:
    """The form that is used, with what its OAuth app lends. Raises `VaultLocked`, and `Incomplete` where a field is
    missing or wrong.
    """
    secrets: dict[str, Any] = dict(vault.open(credential.current or b"", bound_to=bound_to(credential, "current")))
    own = secrets.pop(OPTIONS, None)
    options = row.options if own is None else json.loads(own.reveal())
    try:
        form: Form = method.read({**options, **secrets, **(lent or {})})
    except BadForm as error:
        raise Incomplete(error.text) from None
    return form


async def save(change: Change, order: Order) -> Connected:
    """Store a connect. Raises `AnotherAccount` or `Conflict`; may meet `db.Broken` where two race."""
    hub, actor, tx = change.hub, change.actor, change.tx
    present, leaving = await _place(tx, actor, order)
    row = present or _new_row(actor, order)
    before = row.account_name
    if leaving is not None and leaving.primary_scope and not await _make_way(tx, order, leaving):
        leaving = None
    account = order.result.account
    if account is not None and order.method.purpose in CLAIMING:
        mine = await stored.claim(tx, actor.workspace, order.provider.slug, account.app_key, account.key)
        if not mine:
            raise Conflict(
                f"{account.name} is already connected elsewhere in this installation. "
                f"Disconnect it there first, or connect another {order.provider.name} account."
            )
    credential = await _credential(hub, tx, actor, order, row)
    former = row.credential_id
    _write(hub, actor, order, row, credential)
    if present is None:
        tx.add(row)
    elif former not in {None, credential.id}:
        await tx.flush()
        await stored.drop_unused(tx, str(former))
    if order.mode != "add" or await stored.primary_of(tx, actor.workspace, order.scope) is None:
        await promote(tx, row)
    await tx.flush()
    replaced = leaving.account_name or leaving.label if leaving else None
    await change.note(
        "reconnected" if present else "connected",
        provider=order.provider.slug,
        subject=row.id,
        account=row.account_name,
        method=order.method.key,
        source=order.source,
        verified=not order.silence,
        replaced=replaced,
        was=before if before != row.account_name else None,
    )
    view = view_of(
        order.provider,
        row,
        hub.vault,
        key_id=credential.key_id,
        granted=credential.granted,
        expires_at=credential.expires_at,
    )
    warnings = (order.silence,) if order.silence else order.result.warnings
    return Connected(
        view=view,
        account=said(order.result),
        wire=row.wire,
        replaced=replaced,
        verified=not order.silence,
        warnings=warnings,
    )


async def _place(tx: Tx, actor: Actor, order: Order) -> tuple[Connection | None, Connection | None]:
    """The row to update, if any, and the primary that makes way, if any."""
    account = order.result.account
    primary = await stored.primary_of(tx, actor.workspace, order.scope)
    if account is not None:
        same = await stored.same_account(tx, actor.workspace, order.scope, account.app_key, account.key)
    else:  # no account to go by (mail): the primary's own method is the same thing set up anew
        same = primary if primary and (primary.provider, primary.method) == _way(order) else None
    if order.mode == "add" and order.agreed in {"", said(order.result)}:
        if same is not None and account is not None:
            called = f", as {same.label}" if same.label != account.name else ""
            raise Conflict(f"{account.name} is connected already{called}.")
        return None, None
    if same is not None:
        return same, None
    if primary is not None and (order.mode == "ask" or order.agreed not in {"", said(order.result)}):
        raise AnotherAccount(
            order.provider.name, present=primary.account_name or primary.label, proven=said(order.result)
        )
    return None, primary


def _way(order: Order) -> tuple[str, str]:
    return order.provider.slug, order.method.key


async def _make_way(tx: Tx, order: Order, leaving: Connection) -> bool:
    """Take the former primary out. Mail that came by another API stays stored, not primary (decisions §6 *Mail*)."""
    if order.method.purpose is Purpose.MAIL and leaving.source not in {"page", "admin"}:
        leaving.primary_scope = None
        await tx.flush()
        return False
    await stored.delete_row(tx, leaving)
    await tx.flush()
    return True


def _new_row(actor: Actor, order: Order) -> Connection:
    connection_id = new_id()
    return Connection(
        id=connection_id,
        workspace=actor.workspace,
        source=order.source,
        provider=order.provider.slug,
        method=order.method.key,
        purpose=order.method.purpose.value,
        scope=order.scope,
        identifier=f"{order.provider.slug}-{connection_id}",
        label=order.result.label[:LABEL_LENGTH],
        account_key=f"row:{connection_id}",
        created_by=actor.called,
    )


async def _credential(hub: Hub, tx: Tx, actor: Actor, order: Order, row: Connection) -> Credential:
    account = order.result.account
    app_key, account_key = (account.app_key, account.key) if account else (UNKEYED, f"row:{row.id}")
    credential = await stored.credential_for(tx, actor.workspace, order.provider.slug, app_key, account_key)
    if credential is None:
        credential = Credential(
            workspace=actor.workspace,
            provider=order.provider.slug,
            app_key=app_key,
            account_key=account_key,
            key_id=hub.vault.active_id,
        )
        tx.add(credential)
    secrets = apps.kept_secrets(order.method, order.form)
    credential.current = hub.vault.seal(secrets, bound_to=bound_to(credential, "current"))
    credential.pending = credential.previous = None
    credential.key_id = hub.vault.active_id
    _grant(credential, order)
    _tell(credential, order.result)
    await tx.flush()
    return credential


def _grant(credential: Credential, order: Order) -> None:
    """Note to whom a consent was given; a token that was pasted over one is nobody's grant."""
    grant = order.grant
    credential.method = order.method.key if grant else ""
    credential.app_id, credential.client_id = (grant.app_id, grant.client_id) if grant else ("", "")
    credential.options = apps.kept_options(order.method, order.form) if grant else {}
    credential.expires_at = grant.ends if grant else None
    credential.lease_owner, credential.lease_until = "", None


def _tell(credential: Credential, result: CheckResult) -> None:
    if result.granted is not None or not credential.method:
        credential.granted = None if result.granted is None else sorted(result.granted)
    if not credential.method:  # else the token's answer told it, and a check does not
        credential.expires_at = result.expires_at


def _write(hub: Hub, actor: Actor, order: Order, row: Connection, credential: Credential) -> None:
    row.method = order.method.key
    row.credential_id = credential.id
    row.options = apps.kept_options(order.method, order.form)
    row.masks = apps.kept_masks(order.method, order.form)
    row.app_id = order.grant.app_id if order.grant else ""
    if order.features is not None:
        row.features = list(order.features)
    row.connected_at = row.updated_at = hub.now()
    row.connected_by = actor.called
    if row.label == row.account_name:  # nobody renamed it
        row.label = order.result.label[:LABEL_LENGTH]
    _name(row, order.result)
    row.checks = {}  # what was delivered was delivered by the former credentials
    if order.result.account is None:
        row.details = [[name, value] for name, value in order.method.facts(order.form).items()]
    if order.silence:
        truths.unproven(row, order.provider, order.silence, row.updated_at)
    else:
        truths.accepted(row, order.provider, order.result, row.updated_at)


def _name(row: Connection, result: CheckResult) -> None:
    account = result.account
    if account is None:
        row.account_name = result.label[:NAME_LENGTH]
        return
    row.app_key, row.account_key = account.app_key, account.key
    row.account_name = account.name[:NAME_LENGTH]
    row.details = [[name, value] for name, value in account.details.items()]
    row.wire = dict(account.wire)


async def prove(
    tx: Tx,
    row: Connection,
    credential: Credential | None,
    provider: Provider,
    method: Method[Any],
    result: CheckResult,
) -> None:
    """Write what a later check proved: names that changed at the vendor, scopes, expiry, a claim not yet made."""
    if credential is not None:
        _tell(credential, result)
    account = result.account
    given = row.source == environment.SOURCE  # its variable may have been set to another account's token
    if account is None or (not given and (account.app_key, account.key) != (row.app_key, row.account_key)):
        return
    moved = (row.app_key, row.account_key) != (account.app_key, account.key)
    former = (row.workspace, row.provider, row.app_key, row.account_key)
    _name(row, result)
    await tx.flush()
    if moved:
        await stored.free_claim(tx, *former)
    if method.purpose in CLAIMING and not (row.subscriber or row.contexts):
        await stored.claim(tx, row.workspace, provider.slug, account.app_key, account.key)


async def promote(tx: Tx, row: Connection) -> None:
    """Make a row the primary of its scope, in the place of whichever is."""
    if row.primary_scope == row.scope:
        return
    former = await stored.primary_of(tx, row.workspace, row.scope)
    if former is not None:
        former.primary_scope = None
        await tx.flush()  # the unique constraint must see the old one gone
    row.primary_scope = row.scope
