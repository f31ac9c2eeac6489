"""A token that somebody stored unproven turns out to be an account's: the row is named, the token kept once, claimed.

No sibling is changed by it: where another connection holds the same account with the same token, they share its
credential from then on; where its token is another one, each keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import CheckResult, Method, Provider, Purpose
from atlas_hub.services import credentials, letting_go, truths
from atlas_hub.services.changing import Change
from atlas_hub.services.views import State
from atlas_hub.services.wire_types import named
from atlas_hub.storage import configurations as stored
from atlas_hub.storage import connections
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

CLAIMING: Final = frozenset({Purpose.CHAT, Purpose.TRACK})
ELSEWHERE: Final = (
    "It sends, but receives nothing: this account is connected elsewhere in this installation too, and what comes "
    "from it goes there. Disconnect it there, then check."
)
TEAM: Final = "team_name"
WRITTEN: Final = "Team name as written"
LABEL_LENGTH, NAME_LENGTH = 120, 200
"""What the columns take; a vendor may tell longer ones."""


def name(row: Connection, result: CheckResult) -> None:
    """Write who the vendor says it is, keys included."""
    account = result.account
    if account is None:
        row.account_name = result.label[:NAME_LENGTH]
        return
    row.app_key, row.account_key = account.app_key, account.key
    row.account_name = account.name[:NAME_LENGTH]
    row.details = [[label, value] for label, value in account.details.items()]
    row.wire = dict(account.wire)
    compare(row)


def compare(row: Connection) -> None:
    """Have the details say where the team's name that somebody wrote is not the one that the vendor told."""
    kept = [each for each in row.details if each[0] != WRITTEN]
    written = str(row.options.get(TEAM) or "")
    differs = written and not is_nameless(row) and written.casefold() != row.account_name.casefold()
    row.details = [*kept, [WRITTEN, f"{written}, which is not its name"]] if differs else kept


def is_nameless(row: Connection) -> bool:
    """Whether no vendor has said yet whose account it is."""
    return row.account_key == stored.own_key(row.id)


async def claim(change: Change, row: Connection, method: Method[Any]) -> None:
    """Claim the account, once `name` and `truths.accepted` were written; a row without its claim says so."""
    if method.purpose not in CLAIMING or row.subscriber or row.contexts:
        return
    mine = await connections.claim(change.tx, row.workspace, row.provider, row.app_key, row.account_key)
    if not mine and row.state == State.OK:
        row.state, row.reason = State.DEGRADED, ELSEWHERE


async def identify(
    change: Change, row: Connection, credential: Credential, method: Method[Any], result: CheckResult
) -> None:
    """Name a row whose account nobody knew, and keep its token once. Raises `db.Broken` where two race for a claim."""
    account = result.account
    if account is None:
        name(row, result)
        return
    if row.label == row.account_name:  # nobody renamed it
        row.label = result.label[:LABEL_LENGTH]
    if await stored.is_taken(change.tx, row, method.key, account.app_key, account.key):
        # The same account by the same way stands beside it: this one is known by its own id.
        row.account_name, row.wire = account.name[:NAME_LENGTH], dict(account.wire)
        row.details = [[label, value] for label, value in account.details.items()]
        return
    name(row, result)
    await change.tx.flush()
    await share(change, row, credential)
    await claim(change, row, method)


async def share(change: Change, row: Connection, own: Credential) -> None:
    """Keep a proven token once: the row's own credential becomes the account's, or gives way to one with that token."""
    tx = change.tx
    present = await connections.credential_for(tx, row.workspace, row.provider, row.app_key, row.account_key)
    if present is None and own.pending is None:  # what waits is looked for where the row alone has it
        own.app_key, own.account_key = row.app_key, row.account_key
        await tx.flush()
    elif present is not None and present.id != own.id and _same(change, PROVIDERS[row.provider], present, own):
        row.credential_id = present.id
        await tx.flush()
        await stored.drop_beside(tx, row, present.id)


def _same(change: Change, provider: Provider, one: Credential, other: Credential) -> bool:
    """Whether two credentials hold one token, whatever each calls it."""
    method = next(each for each in (*provider.methods, *provider.unlisted))
    sides = [named(provider, method, _opened(change, each)) for each in (one, other)]
    names = [field for field in sides[0] if field in sides[1] and field in method.form.secrets()]
    return bool(names) and all(sides[0][field] == sides[1][field] for field in names)


def _opened(change: Change, credential: Credential) -> Mapping[str, Secret]:
    return change.hub.vault.open(credential.current or b"", bound_to=bound_to(credential, "current"))


async def take_over(
    change: Change, row: Connection, own: Credential, provider: Provider, method: Method[Any], result: CheckResult
) -> str | None:
    """A token that waited in the row's own credential is the one that is used from now on, its `current` being sealed.

    The id of a former grant that is to be revoked: where the account is another one now, and nobody else is tied to
    the former. Raises `db.Broken` where two race for a claim.
    """
    tx, account = change.tx, result.account
    used = await connections.credential_of(tx, row)
    former = (row.workspace, row.provider, row.app_key, row.account_key)
    moved = account is not None and not is_nameless(row) and former[2:] != (account.app_key, account.key)
    gone: str | None = None
    if used is not None and used.id != own.id:
        if moved:
            gone = await letting_go.let_go(change, row)
        row.credential_id = own.id
        await tx.flush()
        own = await _settled(change, row, used, own, stays=not moved)
    if account is None or not await stored.is_taken(tx, row, method.key, account.app_key, account.key):
        row.method = method.key
    row.app_id, row.checks = "", {}  # what was delivered was delivered by the former credentials
    row.connected_at = row.updated_at = change.at
    if row.label == row.account_name:
        row.label = result.label[:LABEL_LENGTH]
    credentials.tell(own, result)
    name(row, result)
    truths.accepted(row, provider, result, change.at)
    await tx.flush()
    if account is None:
        return gone
    if moved:
        await _leave(change, row, former)
    if own.account_key == stored.own_key(row.id):
        await share(change, row, own)
    await claim(change, row, method)
    return gone


async def _settled(change: Change, row: Connection, used: Credential, own: Credential, *, stays: bool) -> Credential:
    """Where the new token is kept: in the account's credential, if nobody else uses that; the grant ends with it."""
    tx, vault = change.tx, change.hub.vault
    if not stays:
        await connections.drop_unused(tx, used.id)
        return own
    if await connections.holders(tx, used.id) > 0:
        return own  # siblings go on with theirs
    used.current = vault.rewrap(own.current or b"", bound_to=bound_to(own, "current"), to=bound_to(used, "current"))
    used.pending = used.previous = None
    used.key_id, used.updated_at = vault.active_id, change.at
    used.method, used.app_id, used.client_id, used.options = "", "", "", {}
    used.expires_at, used.lease_owner, used.lease_until = None, "", None
    row.credential_id = used.id
    await tx.flush()
    await stored.drop_beside(tx, row, used.id)
    return used


async def _leave(change: Change, row: Connection, former: tuple[str, str, str, str]) -> None:
    """Another account's channels and destination mean nothing here."""
    await connections.free_claim(change.tx, *former)
    await stored.forget_channels(change.tx, row)
    row.listing, row.channel_count, row.sync_all = {}, 0, False
    row.destination = {"id": "", "name": row.destination["name"]} if row.destination.get("name") else {}
