"""How a configuration is written: unproven where nothing was proven, else beside what was, until the vendor accepts it.

What selects nothing at the vendor applies at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from atlas_hub.kit.errors import VaultLocked
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.stars import is_starred
from atlas_hub.providers.contract import Form
from atlas_hub.services import merging, pending, truths
from atlas_hub.services.changing import Change
from atlas_hub.services.configuration_views import CHANNEL, Masked, Missing, secret_shown
from atlas_hub.services.wire_types import Kind
from atlas_hub.storage import configurations as stored
from atlas_hub.storage import connections as rows
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

SOURCE: Final = "groups"
STORED: Final = "It was stored by the groups API and is being checked."

Values = Mapping[str, Secret | str | bool]
"""What was given, by the form's names."""


def form_of(kind: Kind, values: Values) -> Form:
    """The form of a new configuration. Raises `Missing`, `Masked`, `BadForm`."""
    missing = kind.missing(values)
    if missing:
        raise Missing(missing)
    for wire, field in kind.fields.items():
        value = values.get(field.name)
        if isinstance(value, Secret) and is_starred(value):
            raise Masked(wire)
    form: Form = kind.method.read(values)
    return form


async def add(change: Change, kind: Kind, form: Form) -> Connection:
    """A new primary of the type's scope, with a credential of its own. May meet `db.Broken` where two race."""
    row_id, called = new_id(), kind.method.called(form)
    row = Connection(
        id=row_id,
        workspace=change.actor.workspace,
        source=SOURCE,
        provider=kind.provider.slug,
        method=kind.method.key,
        purpose=kind.method.purpose.value,
        scope=kind.scope,
        primary_scope=kind.scope,
        identifier=f"{kind.provider.slug}-{row_id}",
        label=called[: merging.LABEL_LENGTH],
        account_name=called[: merging.LABEL_LENGTH],
        account_key=stored.own_key(row_id),
        created_at=change.at,
        created_by=change.actor.called,
    )
    credential = Credential(
        workspace=row.workspace, provider=row.provider, account_key=row.account_key, key_id=change.hub.vault.active_id
    )
    change.tx.add(credential)
    await change.tx.flush()
    row.credential_id = credential.id
    change.tx.add(row)
    _write(change, kind, row, credential, form)
    await change.tx.flush()
    await change.note(
        "connected",
        provider=row.provider,
        subject=row.id,
        account=row.account_name,
        method=row.method,
        source=SOURCE,
        verified=False,
    )
    return row


def _write(change: Change, kind: Kind, row: Connection, credential: Credential, form: Form) -> None:
    """What is used from now on, unproven as it is."""
    vault = change.hub.vault
    credential.current = vault.seal(form.given_secrets(), bound_to=bound_to(credential, "current"))
    credential.pending, credential.key_id, credential.updated_at = None, vault.active_id, change.at
    row.method = kind.method.key
    row.options, row.masks, row.stars, row.waiting = form.public(), form.masks(), form.stars(), {}
    row.details = [[name, value] for name, value in kind.method.facts(form).items()]
    row.connected_at = row.updated_at = change.at
    row.connected_by = change.actor.called
    row.checks = {}
    truths.unproven(row, kind.provider, STORED, change.at)


async def lay_over(change: Change, kind: Kind, row: Connection, values: Values, cleared: frozenset[str]) -> bool:
    """Change a configuration. True where something waits for the vendor now."""
    used = await rows.credential_of(change.tx, row)
    waiting = await pending.waits_in(change.tx, row)
    last, is_readable = _last(change, kind, row, waiting or used, values)
    full = {**last, **_unmasked(kind, row, values)}
    full = {name: value for name, value in full.items() if name not in cleared and value is not None}
    missing = kind.missing(full)
    if missing:
        raise Missing(missing)
    form: Form = kind.method.read(full)
    changed = _changed(form, last)
    later = changed - form.at_once()
    own = used is not None and used.account_key == stored.own_key(row.id)
    row.updated_at = change.at
    if not is_readable or (own and later and not pending.is_proven(row)):
        await _anew(change, kind, row, used, form)
    elif later:
        await pending.put(change, row, form, kind.method)
        _keep(change, row, used if own else None, form)
    elif changed & form.given_secrets().keys():  # nobody is asked about these
        await _anew(change, kind, row, used, form)
    elif changed:
        _keep(change, row, used if own and waiting is not None else None, form)
        row.options = {**row.options, **_at_once(form)}
        _name(kind, row, form)
    aim(row, values, cleared)
    merging.compare(row)
    if changed:
        await change.note(
            "configuration_changed", provider=row.provider, subject=row.id, label=row.label, fields=len(changed)
        )
    return await pending.waits_in(change.tx, row) is not None


def _last(
    change: Change, kind: Kind, row: Connection, holder: Credential | None, values: Values
) -> tuple[dict[str, Any], bool]:
    """What was last written, and whether it can be read: what cannot gives way to values that are whole.

    Raises `VaultLocked` where they are not.
    """
    try:
        last = {} if holder is None else pending.written(change.hub, row, holder)
    except VaultLocked:
        if kind.missing(values):
            raise
        return {}, False
    return kind.named(last), holder is not None


def _unmasked(kind: Kind, row: Connection, values: Values) -> dict[str, Secret | str | bool]:
    """The values without those that are what is shown of what is stored. Raises `Masked` for any other mask."""
    stars, masks = (kind.named(told) for told in (row.stars, row.masks))
    told = dict(values)
    for wire, field in kind.fields.items():
        value = values.get(field.name)
        if not isinstance(value, Secret):
            continue
        present = secret_shown(field, stars, masks)
        if present is not None and value == Secret(present):
            del told[field.name]
        elif is_starred(value):
            raise Masked(wire)
    return told


def _changed(form: Form, last: Mapping[str, Any]) -> set[str]:
    """The fields that differ from what was last written."""
    values = {**form.public(), **form.given_secrets()}
    usual = {name: info.get_default() for name, info in type(form).model_fields.items() if not info.is_required()}
    return {name for name in type(form).model_fields if values.get(name) != last.get(name, usual.get(name))}


def _at_once(form: Form) -> dict[str, Any]:
    """The fields that select nothing at the vendor and may be shown."""
    return {name: value for name, value in form.public().items() if name in form.at_once()}


def _keep(change: Change, row: Connection, own: Credential | None, form: Form) -> None:
    """Where something waits, what applies at once goes beside the secrets that are used, too."""
    if own is not None:
        pending.keep(change, row, own, _at_once(form))


async def _anew(change: Change, kind: Kind, row: Connection, used: Credential | None, form: Form) -> None:
    """Write a form over what was proven by nobody, or cannot be opened, into the credential that the row alone has."""
    tx = change.tx
    credential = await stored.own(tx, row)
    if credential is None:
        credential = Credential(
            workspace=row.workspace, provider=row.provider, account_key=stored.own_key(row.id), key_id=""
        )
        tx.add(credential)
    _write(change, kind, row, credential, form)
    await tx.flush()
    if used is None or used.id != credential.id:
        former = (row.workspace, row.provider, row.app_key, row.account_key)
        row.credential_id, row.app_id = credential.id, ""
        row.app_key, row.account_key = credential.app_key, credential.account_key
        await tx.flush()
        await rows.free_claim(tx, *former)
        if used is not None:
            await rows.drop_unused(tx, used.id)
    _name(kind, row, form)


def _name(kind: Kind, row: Connection, form: Form) -> None:
    """What the row says of itself where no vendor does."""
    if not merging.is_nameless(row):
        return
    called = kind.method.called(form)[: merging.LABEL_LENGTH]
    if row.label == row.account_name:  # nobody renamed it
        row.label = called
    row.account_name = called
    row.details = [[name, value] for name, value in kind.method.facts(form).items()]


def aim(row: Connection, values: Values, cleared: frozenset[str] = frozenset()) -> None:
    """A channel that was written is the default destination from now on."""
    if CHANNEL in cleared:
        row.destination = {}
    elif CHANNEL in values and values[CHANNEL] != row.destination.get("name"):
        row.destination = {"id": "", "name": values[CHANNEL]}
