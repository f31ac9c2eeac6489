"""How an integration's credentials are kept: what is live as the fields of its form, all else by its wire names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, InvalidCredentials, NotFound, TooManyRequests
from atlas_hub.kit.secret import HIDDEN, Secret, mask
from atlas_hub.kit.stars import starred
from atlas_hub.providers.contract import CheckResult, Form, silent
from atlas_hub.services import asking, pending, saving, truths
from atlas_hub.services import wire_credentials as wire
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import Change
from atlas_hub.services.opening import find_method
from atlas_hub.services.views import State
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

LIVE = "account"


def filled(way: wire.Way, given: Mapping[str, str | bool]) -> dict[str, Any]:
    """What was given, by the names under which it is kept: form fields for what is live, else those of the wire."""
    return wire.form_values(way.provider, way.method, given) if way.kind == LIVE else dict(given)


def merged(hub: Hub, row: Connection, credential: Credential | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored, with what was given laid over it; "" clears. Raises `BadForm`, `VaultLocked`."""
    way = wire.Way(row.provider, row.method, row.kind, "")
    masks = wire.field_masks(row.provider, row.method, row.masks) if row.kind == LIVE else row.masks
    before = dict(row.options) if credential is None else pending.written(hub, row, credential)
    return {**before, **filled(way, wire.given(given, masks))}


async def proof(hub: Hub, row: Connection, values: Mapping[str, Any]) -> CheckResult | None:
    """What the vendor proves of what is live; None for what only its callers can prove. Raises a `ProviderError`."""
    if row.kind != LIVE:
        return None
    _, method = find_method(row.provider, row.method)
    try:
        return await asking.check(method, method.read(values), hub.http, silent, hub=hub)
    except BadForm as error:
        raise InvalidCredentials(error.text) from None


async def write(change: Change, row: Connection, values: Mapping[str, Any], proven: CheckResult | None) -> None:
    """Seal credentials into the row's own credential, as what is used from now on. Raises `VaultLocked`."""
    credential = await stored.credential_of(change.tx, row)
    if credential is None:
        credential = Credential(workspace=row.workspace, provider=row.provider, account_key=f"row:{row.id}", key_id="")
        change.tx.add(credential)
    if row.kind == LIVE:
        secrets = _write_live(change, row, values, proven)
    else:
        public, secrets = wire.split(values)
        row.options, row.masks = dict(public), dict(wire.masks_of(secrets))
        if row.kind == "foreign" and row.purpose in {"mail", "sms"}:
            row.state = State.MISCONFIGURED
            row.reason = f"This is not deliverable by this hub: it does not speak to {row.provider[:40]}."
    vault = change.hub.vault
    credential.current = vault.seal(secrets, bound_to=bound_to(credential, "current"))
    credential.pending, credential.key_id, credential.updated_at = None, vault.active_id, change.at
    await change.tx.flush()
    row.credential_id = credential.id


def _write_live(
    change: Change, row: Connection, values: Mapping[str, Any], proven: CheckResult | None
) -> dict[str, Secret]:
    """The row as any door writes it, and its secrets; incomplete, it is kept and says what is missing."""
    provider, method = find_method(row.provider, row.method)
    row.connected_at, row.checks = change.at, {}
    try:
        form: Form = method.read(values)
    except BadForm as error:
        truths.incomplete(row, error.text, change.at)
        known = method.form.secrets()
        secrets = {name: _secret(value) for name, value in values.items() if name in known and value}
        row.options = {
            name: value for name, value in values.items() if name in method.form.model_fields and name not in known
        }
        row.masks = {name: HIDDEN if "password" in name else mask(secret) for name, secret in secrets.items()}
        row.stars = {name: starred(secret) for name, secret in secrets.items() if "password" not in name}
        row.account_name, row.details = "", []
        return secrets
    row.options, row.masks, row.stars = form.public(), form.masks(), form.stars()
    row.account_name = method.called(form)[: saving.NAME_LENGTH]
    row.details = [[name, value] for name, value in method.facts(form).items()]
    if proven is None:
        truths.unproven(row, provider, "It was stored by the chat API and is being checked.", change.at)
    else:
        truths.accepted(row, provider, proven, change.at)
    return form.given_secrets()


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(str(value))


async def rewrite(change: Change, row: Connection, given: Mapping[str, Any], proven: CheckResult | None) -> bool:
    """Merge what was given into what is stored. True where it waits, as what is used now was proven and it was not."""
    credential = await stored.credential_of(change.tx, row)
    values = merged(change.hub, row, credential, given)
    if row.kind == LIVE and proven is None and credential is not None and pending.is_proven(row):
        _, method = find_method(row.provider, row.method)
        try:
            form = method.read(values)
        except BadForm as error:  # it would take the place of one that works
            raise BadForm({"credentials": error.text}) from None
        await pending.put(change, row, form, method)
        return True
    await write(change, row, values, proven)
    return False


def check_soon(hub: Hub, actor: Actor, row: Connection) -> None:
    """Check what is live and unproven beside the request, where it is whole."""
    if row.kind == LIVE and row.state == State.UNVERIFIED:
        hub.soon(check(hub, actor, row.id))


async def check(hub: Hub, actor: Actor, row_id: str) -> None:
    """Check a connection, unless it was deleted meanwhile or is checked often enough. It never fails."""
    from atlas_hub.services import connections  # it opens rows through what this module writes

    try:
        await connections.check_now(hub, actor, row_id)
    except (NotFound, TooManyRequests):
        return  # deleted meanwhile, or asked often enough
    except Exception:
        log.exception("A connection could not be checked; its card says so.")
