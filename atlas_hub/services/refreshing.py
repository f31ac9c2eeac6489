"""Tokens that end are had anew before they do: once, however many workers and connections want it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso, parse
from atlas_hub.kit.errors import AuthExpired, HubError, NetworkError, NotFound, ProviderError, VaultLocked
from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Grant, Refreshes
from atlas_hub.providers.contract import Form, Method, Provider, silent
from atlas_hub.services import apps, asking, truths
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import changing
from atlas_hub.storage import consents
from atlas_hub.storage.models import Credential
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

AHEAD: Final = timedelta(minutes=30)
"""How long before its end a token is had anew in the background."""
NOW: Final = timedelta(minutes=1)
"""How long before its end a token is had anew by whoever wants to use it."""
LEASE: Final = timedelta(seconds=45)
AGAIN: Final = timedelta(minutes=1)
"""How long nobody asks again after a passing fault."""
RARELY: Final = timedelta(hours=1)
"""How long nobody asks again after a refusal for good, until an admin reconnects."""
WAIT_SECONDS: Final = 20.0
ACTOR: Final = "hub"
PENDING_ENDS: Final = "_pending_ends"
"""Among a credential's options, while a new token waits to be proven: when it ends."""


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A credential that is ours for a while, and what it takes to have its token anew."""

    owner: str
    provider: Provider
    method: Method[Any]
    app: App
    old: Form
    pending: Form | None
    workspace: str


def wants(hub: Hub, credential: Credential) -> bool:
    """Whether a token must be had anew before it is used."""
    return bool(credential.method) and credential.expires_at is not None and credential.expires_at <= hub.now() + NOW


async def those_that_end(hub: Hub, limit: int = 100) -> list[str]:
    """The ids of the credentials whose token ends soon and which nobody renews at the moment."""
    async with hub.db.reading() as tx:
        return await consents.ending(tx, hub.now() + AHEAD, hub.now(), limit)


async def renew(hub: Hub, credential_id: str) -> None:
    """The engine's work: have a token anew where nobody does at the moment. It never raises for the vendor's sake."""
    try:
        await _renew(hub, credential_id)
    except ProviderError as error:
        log.info("A token could not be had anew: %s", error.code)


async def fresh(hub: Hub, credential_id: str) -> None:
    """Have a token anew, or wait while somebody else does.

    Raises `ProviderError`: a permanent one where an admin must reconnect, another where the vendor could not be asked
    and the token has ended.
    """
    give_up = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        if await _renew(hub, credential_id):
            return
        await asyncio.sleep(0.1)
        async with hub.db.reading() as tx:
            credential = await tx.get(Credential, credential_id)
        if credential is None:
            raise NotFound("This connection was disconnected in the meantime.")
        if not wants(hub, credential):
            return
        if not credential.lease_owner or asyncio.get_running_loop().time() > give_up:
            raise NetworkError("The token has ended, and the vendor did not give a new one just now. Try again soon.")


async def _renew(hub: Hub, credential_id: str) -> bool:
    """True where it was our turn and the token is fresh now, False where somebody else has the lease."""
    turn = await _take(hub, credential_id)
    if not isinstance(turn, _Turn):
        return turn
    try:
        form = turn.pending
        if form is None:
            grant = await _asked(hub, turn)
            if grant is None:
                return await _rest(hub, credential_id, turn)
            form = grant.form
            if not await _keep(hub, credential_id, turn, grant):
                return False
        await asking.check(turn.method, form, hub.http, silent, hub=hub)
    except ProviderError as error:
        await _failed(hub, credential_id, turn, error)
        raise
    return await _take_over(hub, credential_id, turn)


async def _take(hub: Hub, credential_id: str) -> _Turn | bool:
    """Our turn; True where nothing is to be done, False where somebody else is at it."""
    at, owner = hub.now(), new_id()
    async with hub.db.transaction() as tx:
        if not await consents.lease(tx, credential_id, owner, at, at + LEASE):
            return False
        credential = await consents.held(tx, credential_id, owner)
        provider = PROVIDERS.get(credential.provider) if credential else None
        method = provider.method(credential.method) if provider and credential else None
        ends = credential.expires_at if credential else None
        if credential is None or provider is None or method is None or ends is None or ends > at + AHEAD:
            if credential is not None:
                credential.lease_owner, credential.lease_until = "", None
            return True  # it was renewed while we came, or it never ends
        try:
            app = await apps.by_id(hub, tx, credential.workspace, provider, credential.app_id, credential.client_id)
            old = await apps.form_of(hub, tx, provider, method, credential)
            waits = credential.pending is not None
            pending = await apps.form_of(hub, tx, provider, method, credential, "pending") if waits else None
        except (HubError, ValueError) as error:
            credential.lease_owner, credential.lease_until = "", at + RARELY
            fault: HubError = error if isinstance(error, HubError) else AuthExpired("What is stored makes no sense.")
            await _tell(tx, credential, fault, at)
            workspace = credential.workspace
        else:
            return _Turn(
                owner=owner,
                provider=provider,
                method=method,
                app=app,
                old=old,
                pending=pending,
                workspace=credential.workspace,
            )
    await hub.bus.publish(Changed(workspace, provider.slug))
    raise fault if isinstance(fault, ProviderError) else AuthExpired(fault.text)


async def _asked(hub: Hub, turn: _Turn) -> Grant | None:
    if not isinstance(turn.method, Refreshes):
        return None
    return await turn.method.refresh(turn.app, turn.old, hub.http)


async def _keep(hub: Hub, credential_id: str, turn: _Turn, grant: Grant) -> bool:
    """Store the new pair before it is used: the old one stays until the new one is proven."""
    async with hub.db.transaction() as tx:
        credential = await consents.held(tx, credential_id, turn.owner)
        if credential is None:
            return False
        secrets = apps.kept_secrets(turn.method, grant.form)
        credential.pending = hub.vault.seal(secrets, bound_to=bound_to(credential, "pending"))
        ends = None if grant.lasts is None else iso(hub.now() + timedelta(seconds=grant.lasts))
        credential.options = {**credential.options, PENDING_ENDS: ends}
        return True


async def _take_over(hub: Hub, credential_id: str, turn: _Turn) -> bool:
    """The new pair was accepted: it is the one from now on, for every connection that shares it."""
    itself = Actor(id=ACTOR, name=ACTOR, workspace=turn.workspace, role=Role.OWNER)
    async with changing(hub, itself, begins=False) as change:
        credential = await consents.held(change.tx, credential_id, turn.owner)
        if credential is None or credential.pending is None:
            return False
        opened = hub.vault.open(credential.pending, bound_to=bound_to(credential, "pending"))
        credential.current = hub.vault.seal(opened, bound_to=bound_to(credential, "current"))
        credential.pending = credential.previous = None
        credential.key_id = hub.vault.active_id
        options = dict(credential.options)
        ends = options.pop(PENDING_ENDS, None)
        credential.options = options
        credential.expires_at = parse(ends) if ends else None
        credential.lease_owner, credential.lease_until = "", None
        credential.updated_at = change.at
        form = turn.method.form.model_validate({**options, **opened, **_lent(turn)})
        masks, stars = apps.kept_masks(turn.method, form), apps.kept_stars(turn.method, form)
        for row in await consents.holders_of(change.tx, credential_id):
            row.masks, row.stars = masks, stars
        await change.note("token_renewed", provider=turn.provider.slug, subject=credential_id)
    await hub.bus.publish(Changed(turn.workspace, turn.provider.slug))
    return True


def _lent(turn: _Turn) -> dict[str, Any]:
    return apps.lent(apps.consent_of(turn.provider), turn.app)


async def _rest(hub: Hub, credential_id: str, turn: _Turn) -> bool:
    """This token cannot be had anew: leave it alone until it ends."""
    async with hub.db.transaction() as tx:
        credential = await consents.held(tx, credential_id, turn.owner)
        if credential is not None:
            credential.lease_owner, credential.lease_until = "", hub.now() + RARELY
    return True


async def _failed(hub: Hub, credential_id: str, turn: _Turn, error: ProviderError) -> None:
    """A permanent refusal asks for an admin; a passing fault leaves everything as it is, to be tried again."""
    itself = Actor(id=ACTOR, name=ACTOR, workspace=turn.workspace, role=Role.OWNER)
    try:
        async with changing(hub, itself, begins=False) as change:
            credential = await consents.held(change.tx, credential_id, turn.owner)
            if credential is None:
                return
            credential.lease_owner, credential.lease_until = "", change.at + AGAIN
            if not error.permanent:
                return
            credential.lease_until = change.at + RARELY
            if credential.pending is not None:
                credential.pending = None  # refused: the old one is asked with once more
                if turn.pending is not None:
                    credential.lease_until = None
                    return
            await _tell(change.tx, credential, error, change.at)
            await change.note(
                "token_not_renewed", provider=turn.provider.slug, subject=credential_id, failed=True, code=error.code
            )
    except NotFound:
        return
    await hub.bus.publish(Changed(turn.workspace, turn.provider.slug))


async def _tell(tx: Any, credential: Credential, error: HubError, at: Any) -> None:
    told = error if isinstance(error, ProviderError | VaultLocked) else AuthExpired(error.text)
    for row in await consents.holders_of(tx, credential.id):
        truths.failed(row, told, at)
        row.updated_at = at
