"""A new key that nobody has proven yet waits beside the one that works, and takes over when the vendor accepts it.

What a row shows (`options`, `masks`, `stars`) is what was last written; what is used is what was last proven. So while
something waits, the proven form is kept whole in the `current` slot, and the public part of the new one in the row.
What waits is in the credential that the row alone has: a credential that it shares stays as it is.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound, ProviderError, VaultLocked
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import CheckResult, Form, Method, Provider, silent
from atlas_hub.services import asking, credentials, letting_go, merging, truths, uses
from atlas_hub.services.access import Actor, Role, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.opening import find_method
from atlas_hub.services.views import ConnectionView, State, view_with
from atlas_hub.storage import configurations, connections
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

REFUSED: Final = "The new key was refused; the old one is still used."
UNANSWERED: Final = "The new key could not be checked; the old one is still used."
METHOD: Final = "method:key"
"""In a sealed slot that waits: the method that its form is of."""
NOTHING: Final = "Nothing waits at this connection any more."


def is_proven(row: Connection) -> bool:
    """Whether the vendor accepted what the row uses now."""
    said = row.checks.get("authenticated")
    return isinstance(said, dict) and said.get("status") == "yes"


async def waits_in(tx: Tx, row: Connection) -> Credential | None:
    """The credential in which something of a row waits; None where nothing does."""
    own = await configurations.own(tx, row)
    return own if own is not None and own.pending is not None else None


async def put(change: Change, row: Connection, form: Form, method: Method[Any]) -> None:
    """Let a form wait beside the proven one. `settle` must follow, once this is committed. Raises `VaultLocked`."""
    vault, tx = change.hub.vault, change.tx
    used = await connections.credential_of(tx, row)
    own = await configurations.own(tx, row)
    if own is None:
        own = Credential(
            workspace=row.workspace,
            provider=row.provider,
            account_key=configurations.own_key(row.id),
            key_id=vault.active_id,
        )
        tx.add(own)
    elif used is not None and used.id == own.id:
        keep(change, row, own, {})
    waiting: dict[str, Any] = {**form.given_secrets(), METHOD: method.key}
    own.pending = vault.seal(waiting, bound_to=bound_to(own, "pending"))
    own.key_id, own.updated_at = vault.active_id, change.at
    _show(row, form)
    row.waiting, row.updated_at = {}, change.at


def keep(change: Change, row: Connection, own: Credential, at_once: dict[str, Any]) -> None:
    """Keep the public part of what is used beside its secrets, `at_once` laid over it: it applies while others wait."""
    vault, current = change.hub.vault, bound_to(own, "current")
    secrets: dict[str, Any] = dict(vault.open(own.current or b"", bound_to=current))
    kept = credentials.kept_beside(secrets)
    if kept is None and at_once:
        return  # the row shows what is used, so that nothing is kept beside it
    secrets[credentials.OPTIONS] = json.dumps(row.options if kept is None else {**kept, **at_once})
    own.current = vault.seal(secrets, bound_to=current)


def _show(row: Connection, form: Form) -> None:
    row.options, row.masks, row.stars = form.public(), form.masks(), form.stars()


def written(hub: Hub, row: Connection, credential: Credential) -> dict[str, Any]:
    """The fields that were last written, proven or not, where the credential is the one that has them.

    What the next change builds on. Raises `VaultLocked`.
    """
    column = "current" if credential.pending is None else "pending"
    return {**row.options, **_secrets(hub, credential, column)}


def _secrets(hub: Hub, credential: Credential, column: str) -> dict[str, Any]:
    secrets: dict[str, Any] = dict(hub.vault.open(getattr(credential, column), bound_to=bound_to(credential, column)))
    return {name: secret for name, secret in secrets.items() if name not in {credentials.OPTIONS, METHOD}}


def _method(hub: Hub, row: Connection, credential: Credential) -> tuple[Provider, Method[Any]]:
    """What the form that waits is of: the row's own method, or the one by which it was written."""
    told = hub.vault.open(credential.pending or b"", bound_to=bound_to(credential, "pending")).get(METHOD)
    provider, own = find_method(row.provider, row.method)
    ways = (*provider.methods, *provider.unlisted)
    return provider, next((method for method in ways if told == Secret(method.key)), own)


async def settle(hub: Hub, row_id: str) -> None:
    """Ask the vendor about what waits: it takes over, or the old one stays and the row says so. Never raises.

    Of another account than the present one, which works, it waits on, and the row asks (`take`, `drop`).
    """
    try:
        await _settle(hub, row_id)
    except Exception:
        log.exception("What waits at a connection could not be settled; it waits on.")


Outcome = CheckResult | ProviderError | VaultLocked | BadForm


async def _settle(hub: Hub, row_id: str, actor: Actor | None = None) -> tuple[Outcome, ConnectionView] | None:
    """Settle what waits; where `actor` has agreed to another account, that too. None where nothing waits any more."""
    async with hub.db.reading() as tx:
        row = await tx.get(Connection, row_id)
        waiting = await waits_in(tx, row) if row else None
    if row is None or waiting is None or (actor is not None and row.workspace != actor.workspace):
        return None
    provider, method = _method(hub, row, waiting)
    outcome = await _asked(hub, row, waiting, method)
    itself = actor or Actor(id="hub", name="hub", display="Atlas Hub", workspace=row.workspace, role=Role.OWNER)
    gone: str | None = None
    async with changing(hub, itself, begins=False) as change:
        present = await connections.find(change.tx, row.workspace, row_id)
        own = await waits_in(change.tx, present) if present else None
        if present is None or own is None or own.pending != waiting.pending:
            return None  # written anew meanwhile: that write is settled by itself
        if not isinstance(outcome, CheckResult):
            remind(present, waits=True, refused=not getattr(outcome, "retryable", False))
        elif actor is None and _asks(present, outcome):
            _ask(present, provider, outcome)
        else:
            gone = await _take(change, present, own, provider, method, outcome)
        used = await connections.credential_of(change.tx, present)
        view = view_with(hub.vault, provider, present, used)
        await change.note(
            "new_key_settled",
            provider=row.provider,
            subject=row_id,
            failed=not isinstance(outcome, CheckResult),
            code=None if isinstance(outcome, CheckResult) else outcome.code,
        )
    letting_go.revoke_soon(hub, gone)
    await hub.bus.publish(Changed(row.workspace, provider.slug))
    return outcome, view


def _asks(row: Connection, result: CheckResult) -> bool:
    """Whether an admin must say which account it shall be: the present one works, and this is another."""
    account = result.account
    known = account is not None and not merging.is_nameless(row)
    return known and is_proven(row) and (account.app_key, account.key) != (row.app_key, row.account_key)  # type: ignore[union-attr]


def _ask(row: Connection, provider: Provider, result: CheckResult) -> None:
    proven = result.account.name if result.account else result.label
    text = (
        f"The new key is {proven}'s, not {row.account_name}'s, which is still used. Use {proven} from now on, or "
        f"forget the new key and stay with {row.account_name}."
    )
    row.waiting = {"account": proven[: merging.NAME_LENGTH], "text": f"{provider.name}: {text}"}
    remind(row, waits=True)


async def _take(
    change: Change, row: Connection, own: Credential, provider: Provider, method: Method[Any], result: CheckResult
) -> str | None:
    """What waited is used from now on. The id of a grant that is to be revoked."""
    hub = change.hub
    secrets = _secrets(hub, own, "pending")
    own.current = hub.vault.seal(secrets, bound_to=bound_to(own, "current"))
    own.pending, own.key_id, own.updated_at = None, hub.vault.active_id, change.at
    row.waiting = {}
    form = method.read({**row.options, **secrets})
    _show(row, form)
    if result.account is None:
        row.details = [[name, value] for name, value in method.facts(form).items()]
    return await merging.take_over(change, row, own, provider, method, result)


async def _asked(hub: Hub, row: Connection, credential: Credential, method: Method[Any]) -> Outcome:
    try:
        form = method.read(written(hub, row, credential))
        await uses.count(hub, row)
        return await asking.check(method, form, hub.http, silent, hub=hub, row=row)
    except (ProviderError, VaultLocked, BadForm) as error:
        return error


def remind(row: Connection, *, waits: bool, refused: bool = True) -> None:
    """Have the row say that something waits, where something does, however well the old key works."""
    if waits and row.state in {State.OK, State.DEGRADED}:
        said = row.waiting.get("text") or (REFUSED if refused else UNANSWERED)
        row.state, row.reason = State.DEGRADED, said[: truths.REASON_LENGTH]


async def take(hub: Hub, actor: Actor, row_id: str) -> ConnectionView:
    """Use what waits, of whichever account, once the vendor accepts it again; the former account is let go.

    Raises `NotFound` where nothing waits, a `ProviderError` or `VaultLocked` where it cannot be used; it waits on then.
    """
    require_admin(actor)
    done = await _settle(hub, row_id, actor)
    if done is None:
        raise NotFound(NOTHING)
    outcome, view = done
    if not isinstance(outcome, CheckResult):
        raise outcome
    return view


async def drop(hub: Hub, actor: Actor, row_id: str) -> ConnectionView:
    """Forget what waits: the row shows what is used again. Raises `NotFound` where nothing waits, `VaultLocked`."""
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await connections.find(change.tx, actor.workspace, row_id)
        own = await waits_in(change.tx, row) if row else None
        used = await connections.credential_of(change.tx, row) if row else None
        if row is None or own is None or used is None:
            raise NotFound(NOTHING)
        provider, method = find_method(row.provider, row.method)
        _, theirs = _method(hub, row, own)
        stay = {name: value for name, value in row.options.items() if name in theirs.form.at_once()}
        form = credentials.unseal(hub.vault, row, used, method)
        _show(row, form)
        row.options = {**row.options, **stay}
        own.pending, row.waiting, row.updated_at = None, {}, change.at
        if used.id == own.id:
            own.current = hub.vault.seal(form.given_secrets(), bound_to=bound_to(own, "current"))
        await change.tx.flush()
        await configurations.drop_beside(change.tx, row, used.id)
        if row.state == State.DEGRADED:
            row.state, row.reason = State.OK, ""  # a check says what else there is
        await change.note("new_key_dropped", provider=row.provider, subject=row.id, label=row.label)
        view = view_with(hub.vault, provider, row, used)
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return view
