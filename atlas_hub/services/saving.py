"""How a proven form becomes rows: claim, connection, credential and audit event in one transaction."""

from __future__ import annotations

from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AlreadyConnected, AnotherAccount, Conflict, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.providers.contract import CheckResult, Method, Purpose
from atlas_hub.services import apps, credentials, environment, letting_go, merging, truths
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import Change
from atlas_hub.services.views import Connected, said, view_with
from atlas_hub.storage import configurations
from atlas_hub.storage import connections as stored
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential

LABEL_LENGTH, NAME_LENGTH = merging.LABEL_LENGTH, merging.NAME_LENGTH
RENEW = "renew"
"""The mode in which a connection gets new credentials of the account that it has."""
INSTEAD = "Change that connection, or disconnect it first."


async def save(change: Change, order: credentials.Order) -> Connected:
    """Store a connect. Raises `AnotherAccount` or `Conflict`; may meet `db.Broken` where two race."""
    hub, actor, tx = change.hub, change.actor, change.tx
    present, leaving = await _place(tx, actor, order)
    row = present or _new_row(actor, order)
    before = row.account_name
    gone: str | None = None
    if leaving is not None and leaving.primary_scope:
        stays, gone = await _make_way(change, order, leaving)
        leaving = None if stays else leaving
    await _claim(tx, actor, order)
    credential = await credentials.written(hub, tx, actor.workspace, order, row)
    await _put(change, order, row, credential, fresh=present is None)
    stays = order.mode in {"add", RENEW} or (present is not None and present.id == order.renews)
    if not stays or (order.mode != RENEW and await stored.primary_of(tx, actor.workspace, order.scope) is None):
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
    return Connected(
        view=view_with(hub.vault, order.provider, row, credential),
        account=said(order.result),
        wire=row.wire,
        replaced=replaced,
        verified=not order.silence,
        warnings=(order.silence,) if order.silence else order.result.warnings,
        gone=gone,
    )


async def _claim(tx: Tx, actor: Actor, order: credentials.Order) -> None:
    """Claim the account for the workspace. Raises `Conflict` where another one has it."""
    account = order.result.account
    if account is None or order.method.purpose not in merging.CLAIMING:
        return
    if not await stored.claim(tx, actor.workspace, order.provider.slug, account.app_key, account.key):
        raise Conflict(
            f"{account.name} is already connected elsewhere in this installation. "
            f"Disconnect it there first, or connect another {order.provider.name} account."
        )


async def _place(tx: Tx, actor: Actor, order: credentials.Order) -> tuple[Connection | None, Connection | None]:
    """The row to update, if any, and the primary that makes way, if any."""
    account = order.result.account
    primary = await stored.primary_of(tx, actor.workspace, order.scope)
    if account is not None:
        same = await stored.same_account(tx, actor.workspace, order.scope, account.app_key, account.key)
    else:  # no account to go by (mail): the primary's own method is the same thing set up anew
        same = primary if primary and (primary.provider, primary.method) == _way(order) else None
    if order.mode == RENEW:
        return await _renewed(tx, actor, order, same), None
    if order.mode == "add" and order.agreed in {"", said(order.result)}:
        if same is not None and account is not None:
            called = f", as {same.label}" if same.label != account.name else ""
            text = f"{account.name} is connected already{called}. {INSTEAD}"
            raise AlreadyConnected(text, connection=same.id)
        return None, None
    if same is not None:
        return same, None
    if primary is not None and (order.mode == "ask" or order.agreed not in {"", said(order.result)}):
        raise AnotherAccount(
            order.provider.name, present=primary.account_name or primary.label, proven=said(order.result)
        )
    return None, primary


async def _renewed(tx: Tx, actor: Actor, order: credentials.Order, same: Connection | None) -> Connection:
    """The row whose credentials are replaced, which stays with its account: what hangs on it was chosen there."""
    row, account = await stored.find(tx, actor.workspace, order.renews), order.result.account
    if row is None:
        raise NotFound("This connection was disconnected in the meantime.")
    told = said(order.result)
    if same is not None and same.id != row.id:
        raise AlreadyConnected(f"{told} is connected already, as {same.label}. {INSTEAD}", connection=same.id)
    known = account is not None and not merging.is_nameless(row)
    if account is not None and known and (account.app_key, account.key) != (row.app_key, row.account_key):
        raise Conflict(
            f"{order.provider.name} says this is {told}, but the connection is {row.account_name}. "
            "Connect the other account beside it."
        )
    return row


def _way(order: credentials.Order) -> tuple[str, str]:
    return order.provider.slug, order.method.key


async def _make_way(change: Change, order: credentials.Order, leaving: Connection) -> tuple[bool, str | None]:
    """Take the former primary out; whether it stays stored, and the id of a grant that is to be revoked.

    Mail that came by another API stays, not primary (decisions §6 *Mail*).
    """
    tx = change.tx
    if order.method.purpose is Purpose.MAIL and leaving.source not in {"page", "admin"}:
        leaving.primary_scope = None
        await tx.flush()
        return True, None
    gone = await letting_go.let_go(change, leaving)
    await stored.delete_row(tx, leaving)
    await tx.flush()
    return False, gone


def _new_row(actor: Actor, order: credentials.Order) -> Connection:
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
        label=(order.label or order.result.label)[:LABEL_LENGTH],
        account_key=f"row:{connection_id}",
        created_by=actor.called,
    )


async def _put(
    change: Change, order: credentials.Order, row: Connection, credential: Credential, *, fresh: bool
) -> None:
    """Write the row; what it was sealed in before goes where nothing else uses it."""
    tx, former = change.tx, row.credential_id
    _write(change.hub, change.actor, order, row, credential)
    if fresh:
        tx.add(row)
    elif former not in {None, credential.id}:
        await tx.flush()
        await stored.drop_unused(tx, str(former))
    await configurations.drop_beside(tx, row, credential.id)


def _write(hub: Hub, actor: Actor, order: credentials.Order, row: Connection, credential: Credential) -> None:
    row.method = order.method.key
    row.credential_id = credential.id
    row.options = apps.kept_options(order.method, order.form)
    row.masks, row.stars = apps.kept_masks(order.method, order.form), apps.kept_stars(order.method, order.form)
    row.waiting = {}
    row.app_id = order.grant.app_id if order.grant else ""
    if order.features is not None:
        row.features = list(order.features)
    row.connected_at = row.updated_at = hub.now()
    row.connected_by = actor.called
    if row.label == row.account_name:  # nobody renamed it
        row.label = order.result.label[:LABEL_LENGTH]
    merging.name(row, order.result)
    row.checks = {}  # what was delivered was delivered by the former credentials
    truths.forget_fault(row)
    if order.result.account is None:
        row.details = [[name, value] for name, value in order.method.facts(order.form).items()]
    if order.silence:
        truths.unproven(row, order.provider, order.silence, row.updated_at)
    else:
        truths.accepted(row, order.provider, order.result, row.updated_at)


async def prove(
    change: Change,
    row: Connection,
    credential: Credential | None,
    method: Method[Any],
    result: CheckResult,
) -> None:
    """Write what a later check proved: names that changed at the vendor, scopes, expiry, a claim not yet made."""
    tx = change.tx
    if credential is not None:
        credentials.tell(credential, result)
    account = result.account
    if credential is not None and merging.is_nameless(row):
        await merging.identify(change, row, credential, method, result)
        return
    given = row.source == environment.SOURCE  # its variable may have been set to another account's token
    if account is None or (not given and (account.app_key, account.key) != (row.app_key, row.account_key)):
        return
    moved = (row.app_key, row.account_key) != (account.app_key, account.key)
    former = (row.workspace, row.provider, row.app_key, row.account_key)
    merging.name(row, result)
    await tx.flush()
    if moved:
        await stored.free_claim(tx, *former)
    await merging.claim(change, row, method)


async def promote(tx: Tx, row: Connection) -> None:
    """Make a row the primary of its scope, in the place of whichever is."""
    if row.primary_scope == row.scope:
        return
    former = await stored.primary_of(tx, row.workspace, row.scope)
    if former is not None:
        former.primary_scope = None
        await tx.flush()  # the unique constraint must see the old one gone
    row.primary_scope = row.scope
