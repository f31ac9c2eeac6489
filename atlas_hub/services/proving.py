"""Prove a channel connection's token at the vendor, beside the request that brought it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import parse
from atlas_hub.kit.errors import BadForm, InvalidCredentials, NotFound, ProviderError, VaultLocked
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Account, CheckResult, Method, Provider, silent
from atlas_hub.services import asking, truths, uses
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.channel_tokens import ACCESS, PENDING_END, REFRESH, token_of
from atlas_hub.services.views import State
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

FIELD: Final = "bot_token"
"""The field of a method's form that an access token fills: a method without it is not asked."""
OLD_ONE_USED: Final = "The new token was refused; the old one is still used. "


@dataclass(frozen=True)
class _Asked:
    """Which token of a row is proven, and by what."""

    row: Connection
    provider: Provider
    method: Method[Any]
    slot: str
    envelope: bytes
    token: Secret


def asks(provider: Provider) -> bool:
    """Whether a vendor can be asked about the tokens of subscribers."""
    method = provider.method("oauth")
    return method is not None and FIELD in method.form.model_fields


async def prove(hub: Hub, workspace: str, row_id: str) -> None:
    """Ask the vendor about a channel connection's newest token, and write down what it said. It never fails.

    Where the provider has no method that knows, the connection stays unverified. A token that waited beside a proven
    one takes its place once it is accepted. A proven token is kept once for all the workspace's connections of that app
    and account.
    """
    try:
        asked = await _asked(hub, workspace, row_id)
        if asked is not None:
            await _prove(hub, asked)
    except (NotFound, VaultLocked):
        return  # it has gone, or its card says that it is locked
    except Exception:
        log.exception("Connection %s could not be checked; it stays as it is.", row_id)


async def _asked(hub: Hub, workspace: str, row_id: str) -> _Asked | None:
    async with hub.db.reading() as tx:
        row = await stored.find(tx, workspace, row_id)
        credential = await stored.credential_of(tx, row) if row else None
    provider = PROVIDERS.get(row.provider) if row and row.kind == "account" else None
    method = provider.method(row.method) if provider and row else None
    if row is None or credential is None or provider is None or method is None:
        return None
    slot = "pending" if credential.pending else "current"
    envelope = getattr(credential, slot)
    if envelope is None or FIELD not in method.form.model_fields:
        return None
    token = token_of(hub.vault.open(envelope, bound_to=bound_to(credential, slot)))
    return _Asked(row, provider, method, slot, envelope, token)


async def _prove(hub: Hub, asked: _Asked) -> None:
    workspace = asked.row.workspace
    outcome = await _outcome(hub, asked)
    actor = Actor(id=uses.ACTOR, name=uses.ACTOR, workspace=workspace, role=Role.OWNER)
    async with changing(hub, actor, begins=False) as change:
        row = await stored.find(change.tx, workspace, asked.row.id)
        credential = await stored.credential_of(change.tx, row) if row else None
        if row is None or credential is None or getattr(credential, asked.slot) != asked.envelope:
            return  # gone, or written anew meanwhile, which is proven by itself
        if isinstance(outcome, CheckResult):
            await _accepted(change, asked, row, credential, outcome)
        else:
            _refused(asked, row, outcome, change)
        await change.note(
            "checked",
            provider=row.provider,
            subject=row.id,
            label=row.identifier,
            failed=not isinstance(outcome, CheckResult),
            code=None if isinstance(outcome, CheckResult) else outcome.code,
        )
    await hub.bus.publish(Changed(workspace, asked.row.provider))


async def _outcome(hub: Hub, asked: _Asked) -> CheckResult | ProviderError:
    try:
        form = asked.method.read({FIELD: asked.token})
        await uses.count(hub, asked.row)
        return await asking.check(asked.method, form, hub.http, silent, hub=hub)
    except BadForm as error:
        return InvalidCredentials(error.text)
    except ProviderError as error:
        return error


def _refused(asked: _Asked, row: Connection, error: ProviderError, change: Change) -> None:
    if asked.slot == "current":
        truths.failed(row, error, change.at)
    elif error.permanent:
        row.state, row.reason = State.DEGRADED, (OLD_ONE_USED + error.text)[: truths.REASON_LENGTH]


async def _accepted(
    change: Change, asked: _Asked, row: Connection, credential: Credential, result: CheckResult
) -> None:
    vault = change.hub.vault
    if asked.slot == "pending":
        place = bound_to(credential, "pending")
        credential.current = vault.rewrap(asked.envelope, bound_to=place, to=bound_to(credential, "current"))
        credential.pending, credential.key_id = None, vault.active_id
        auth = dict(row.wire.get("auth", {}))
        end = auth.pop(PENDING_END, None)
        credential.expires_at = parse(end) if end else None
        row.wire = {**row.wire, "auth": auth}
    credential.granted = None if result.granted is None else sorted(result.granted)
    truths.accepted(row, asked.provider, result, change.at)
    if result.account is not None:
        _name(row, asked.provider, result.account)
        await change.tx.flush()
        await _share(change, row, credential, result.account)


def _name(row: Connection, provider: Provider, account: Account) -> None:
    row.app_key, row.account_key = account.app_key, account.key
    row.account_name = account.name[:200]
    row.details = [[name, value] for name, value in account.details.items()]
    told = row.wire.get("workspace", {}).get("id", "")
    if told not in {account.key, account.key.rpartition(":")[2], *account.wire.values()}:
        row.state = State.DEGRADED
        said = f"{provider.name} says that this token is {account.name}'s, not that of the workspace {told}."
        row.reason = said[: truths.REASON_LENGTH]


async def _share(change: Change, row: Connection, credential: Credential, account: Account) -> None:
    """Keep a proven token once: the row's credential becomes that of the account, or gives way to it."""
    tx, keys = change.tx, (account.app_key, account.key)
    if (credential.app_key, credential.account_key) == keys:
        return
    present = await stored.credential_for(tx, row.workspace, row.provider, *keys)
    if present is None:
        if await stored.holders(tx, credential.id) <= 1:
            credential.app_key, credential.account_key = keys
            await tx.flush()
        return
    _take_over(change.hub, present, credential)
    row.credential_id = present.id
    await tx.flush()
    await stored.drop_unused(tx, credential.id)


def _take_over(hub: Hub, present: Credential, newer: Credential) -> None:
    """Put the token that was proven just now into the account's credential, under the name it has there."""
    vault = hub.vault
    place = bound_to(present, "current")
    values = vault.open(present.current, bound_to=place) if present.current else {}
    given = vault.open(newer.current or b"", bound_to=bound_to(newer, "current"))
    token, refresh = token_of(given), given.get(REFRESH)
    name = FIELD if FIELD in values else ACCESS
    if values.get(name) == token and (refresh is None or values.get(REFRESH) == refresh):
        return
    kept = {known: secret for known, secret in values.items() if known != REFRESH}
    refreshed = {REFRESH: refresh} if refresh else {}
    present.current = vault.seal({**kept, name: token, **refreshed}, bound_to=place)
    present.key_id = vault.active_id
    present.granted, present.expires_at = newer.granted, newer.expires_at
    present.client_id, present.app_id, present.method = newer.client_id, newer.app_id, newer.method
    present.options = dict(newer.options)
