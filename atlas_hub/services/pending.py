"""A new key that nobody has proven yet waits beside the one that works, and takes over when the vendor accepts it.

What a row shows (`options`, `masks`) is what was last written; what is used is what was last proven. So while something
waits, the proven form is kept whole in the credential's `current` slot, and the public part of the new one in the row.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, ProviderError, VaultLocked
from atlas_hub.providers.contract import CheckResult, Form, Method, silent
from atlas_hub.services import asking, credentials, saving, truths
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.opening import find_method
from atlas_hub.services.views import State
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

REFUSED: Final = "The new key was refused; the old one is still used."
UNANSWERED: Final = "The new key could not be checked; the old one is still used."


def is_proven(row: Connection) -> bool:
    """Whether the vendor accepted what the row uses now."""
    said = row.checks.get("authenticated")
    return isinstance(said, dict) and said.get("status") == "yes"


def put(change: Change, row: Connection, credential: Credential, form: Form) -> None:
    """Let a form wait beside the proven one. `settle` must follow, once this is committed. Raises `VaultLocked`."""
    vault, current = change.hub.vault, bound_to(credential, "current")
    secrets: dict[str, Any] = dict(vault.open(credential.current or b"", bound_to=current))
    if credentials.OPTIONS not in secrets:
        secrets[credentials.OPTIONS] = json.dumps(row.options)
        credential.current = vault.seal(secrets, bound_to=current)
    credential.pending = vault.seal(form.given_secrets(), bound_to=bound_to(credential, "pending"))
    credential.key_id, credential.updated_at = vault.active_id, change.at
    row.options, row.masks, row.stars = form.public(), form.masks(), form.stars()
    row.waiting, row.updated_at = {}, change.at


def written(hub: Hub, row: Connection, credential: Credential) -> dict[str, Any]:
    """The fields that were last written, proven or not: what the next change builds on. Raises `VaultLocked`."""
    column = "current" if credential.pending is None else "pending"
    sealed = credential.pending or credential.current or b""
    secrets: dict[str, Any] = dict(hub.vault.open(sealed, bound_to=bound_to(credential, column)))
    secrets.pop(credentials.OPTIONS, None)
    return {**row.options, **secrets}


async def settle(hub: Hub, row_id: str) -> None:
    """Ask the vendor about what waits: it takes over, or the old one stays and the row says so. Never raises."""
    try:
        await _settle(hub, row_id)
    except Exception:
        log.exception("What waits at a connection could not be settled; it waits on.")


async def _settle(hub: Hub, row_id: str) -> None:
    async with hub.db.reading() as tx:
        row = await tx.get(Connection, row_id)
        credential = await stored.credential_of(tx, row) if row else None
    if row is None or credential is None or credential.pending is None:
        return
    provider, method = find_method(row.provider, row.method)
    outcome = await _asked(hub, row, credential, method)
    itself = Actor(id="hub", name="hub", display="Atlas Hub", workspace=row.workspace, role=Role.OWNER)
    async with changing(hub, itself, begins=False) as change:
        present = await stored.find(change.tx, row.workspace, row_id)
        now = await stored.credential_of(change.tx, present) if present else None
        if present is None or now is None or now.pending != credential.pending:
            return  # written anew meanwhile: that write is settled by itself
        if isinstance(outcome, CheckResult):
            sealed = hub.vault.rewrap(
                now.pending or b"", bound_to=bound_to(now, "pending"), to=bound_to(now, "current")
            )
            now.current, now.pending, now.key_id = sealed, None, hub.vault.active_id
            present.connected_at = present.updated_at = change.at
            form = credentials.unseal(hub.vault, present, now, method)
            present.details = [[name, value] for name, value in method.facts(form).items()]
            present.account_name = outcome.label[: saving.NAME_LENGTH]
            truths.accepted(present, provider, outcome, change.at)
        else:
            remind(present, now, refused=not outcome.retryable)
        await change.note(
            "new_key_settled",
            provider=row.provider,
            subject=row_id,
            failed=not isinstance(outcome, CheckResult),
            code=None if isinstance(outcome, CheckResult) else outcome.code,
        )
    await hub.bus.publish(Changed(row.workspace, provider.slug))


async def _asked(
    hub: Hub, row: Connection, credential: Credential, method: Method[Any]
) -> CheckResult | ProviderError | VaultLocked | BadForm:
    try:
        form = method.read(written(hub, row, credential))
        return await asking.check(method, form, hub.http, silent, hub=hub)
    except (ProviderError, VaultLocked, BadForm) as error:
        return error


def remind(row: Connection, credential: Credential | None, *, refused: bool = True) -> None:
    """Have the row say that something waits, where something does, however well the old key works."""
    if credential is not None and credential.pending is not None and row.state in {State.OK, State.DEGRADED}:
        row.state, row.reason = State.DEGRADED, REFUSED if refused else UNANSWERED
