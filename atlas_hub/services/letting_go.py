"""Grants that are not used any more: kept apart in the transaction that lets them go, then revoked at the vendor."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import HubError, NotFound, ProviderError
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Consent, Refreshes
from atlas_hub.providers.contract import Form, Method, Provider, Revoked, Revokes
from atlas_hub.services import apps, asking
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import Change, changing
from atlas_hub.storage import connections as stored
from atlas_hub.storage import consents
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential

log = logging.getLogger(__name__)

SECONDS: Final = 5.0
"""How long an admin waits for the vendor."""
ALL_SECONDS: Final = 60.0
"""How long the deletion of a workspace waits for all vendors together."""
PATIENCE: Final = timedelta(days=1)
"""How long the hub goes on trying where nobody waits."""
AGAIN: Final = timedelta(minutes=10)
ACTOR: Final = "hub"
BROUGHT: Final = "brought"
"""In the options of a credential: an application brought the token, nobody consented here."""
OF: Final = "_of"
"""Among the options of a credential that waits: of which app and account it was."""


async def let_go(change: Change, row: Connection, *, also_typed: bool = False) -> str | None:
    """Before a connection is deleted: keep its grant apart where this was the last that used it, over all workspaces.

    Answers the id of the credential that waits for its revocation, None where nothing is to be revoked: a typed token
    is the admin's own, unless `also_typed`.
    """
    credential = await stored.credential_of(change.tx, row)
    if credential is None or credential.current is None or not (also_typed or _is_grant(credential)):
        return None
    if await stored.used_elsewhere(change.tx, row) or await stored.holders(change.tx, credential.id) > 1:
        return None
    if not credential.method:
        credential.method, credential.options = row.method, dict(row.options)
    keep_apart(credential, change.at)
    await change.tx.flush()
    return credential.id


def _is_grant(credential: Credential) -> bool:
    """Whether a token came by consent; one that an application brought is the application's own."""
    return bool(credential.method) and credential.options.get(BROUGHT) is not True


async def let_go_alone(change: Change, credential: Credential) -> str | None:
    """What `let_go` does, of a credential whose connections are deleted already. What is no grant is deleted."""
    tx = change.tx
    keys = (credential.provider, credential.app_key, credential.account_key)
    used = await stored.holders(tx, credential.id) or await stored.tied_to(tx, *keys)
    if used or credential.current is None or not _is_grant(credential):
        await stored.drop_unused(tx, credential.id)
        return None
    keep_apart(credential, change.at)
    await tx.flush()
    return credential.id


def revoke_soon(hub: Hub, *credential_ids: str | None) -> None:
    """Revoke what waits, beside the present request; the engine finds what this worker could not finish."""
    for credential_id in credential_ids:
        if credential_id is not None:
            hub.soon(revoke_later(hub, credential_id))


def keep_apart(credential: Credential, at: datetime) -> None:
    """Mark a credential as one that waits for its revocation: it is in nobody's way any more."""
    credential.options = {**credential.options, OF: [credential.app_key, credential.account_key]}
    credential.account_key = f"{stored.GONE}{credential.id}"
    credential.app_key = "-"
    credential.lease_owner, credential.lease_until = "", None
    credential.updated_at = at


async def revoke(hub: Hub, credential_id: str, *, seconds: float = SECONDS, last: bool = True) -> Revoked | None:
    """Revoke a grant that waits, once over all workers, and delete what was kept of it. It never raises.

    `last`: whether this is the last try; otherwise a vendor that does not answer is asked again later. None where
    somebody else was at it.
    """
    try:
        return await _revoked(hub, credential_id, seconds, last=last)
    except Exception:
        log.exception("A grant that waits for its revocation could not be revoked.")
        return Revoked(dead=None, text="The hub could not ask the vendor; the log says why.")


async def _revoked(hub: Hub, credential_id: str, seconds: float, *, last: bool) -> Revoked | None:
    at = hub.now()
    async with hub.db.transaction() as tx:
        if not await consents.lease(tx, credential_id, ACTOR, at, at + AGAIN):
            return None
        credential = await tx.get(Credential, credential_id)
        if credential is None or not credential.account_key.startswith(stored.GONE):
            return None
        provider = PROVIDERS.get(credential.provider)
        method = provider.method(credential.method) if provider else None
        outcome: Revoked | list[Form] | None = None
        app: App | None = None
        if provider is None or method is None:
            outcome = Revoked(dead=None, text="This hub does not know the provider any more.")
        elif await stored.tied_to(tx, credential.provider, *credential.options.get(OF, ("", ""))):
            # A vendor with one token for an app and account (Slack) would end what is used now.
            outcome = Revoked(dead=None, text="The account was connected again meanwhile, so nothing was revoked.")
        else:
            outcome = await _opened(hub, tx, provider, method, credential)
            app = await _app_of_ended(hub, tx, provider, credential)
        created, workspace = credential.updated_at, credential.workspace
    if provider is not None and method is not None and not isinstance(outcome, Revoked):
        said = await _ask(hub, provider, method, outcome or [], app, seconds)
        if said is None and not last and at - created < PATIENCE:
            return None
        outcome = said or Revoked(dead=None, text=_unknown(provider, method, f"{provider.name} did not answer."))
    await _end(hub, credential_id, workspace, outcome)
    return outcome if isinstance(outcome, Revoked) else None


async def _opened(
    hub: Hub, tx: Tx, provider: Provider, method: Method[Any], credential: Credential
) -> Revoked | list[Form]:
    """What is stored, a pair that was to be the next one last."""
    try:
        slots = ("current", "pending") if credential.pending else ("current",)
        return [await apps.form_of(hub, tx, provider, method, credential, slot) for slot in slots]
    except (HubError, ValueError):
        return Revoked(dead=None, text=_unknown(provider, method, "What was stored of it could not be opened."))


async def _app_of_ended(hub: Hub, tx: Tx, provider: Provider, credential: Credential) -> App | None:
    """The app of a grant whose token has ended, while what it is had anew with may live on."""
    if credential.expires_at is None or credential.expires_at > hub.now():
        return None
    try:
        return await apps.by_id(hub, tx, credential.workspace, provider, credential.app_id, credential.client_id)
    except HubError:
        return None


async def _alive(method: Method[Any], form: Form, app: App | None, http: Http) -> Form:
    """The form with a token that can be revoked: a vendor does not look at one that has ended."""
    if app is None or not isinstance(method, Refreshes):
        return form
    try:
        grant = await method.refresh(app, form, http)
    except ProviderError as error:
        if error.retryable:
            raise
        return form
    return form if grant is None else grant.form


async def _ask(
    hub: Hub, provider: Provider, method: Method[Any], forms: list[Form], app: App | None, seconds: float
) -> Revoked | None:
    """What the vendor said last; None where it did not answer."""
    if not isinstance(method, Revokes):
        return Revoked(dead=None, text=_unknown(provider, method, f"{provider.name} lets no one revoke from here."))
    try:
        async with asyncio.timeout(seconds):
            for form in forms[:-1]:
                await asking.revoke(method, form, hub.http, hub=hub)
            return await asking.revoke(method, await _alive(method, forms[-1], app, hub.http), hub.http, hub=hub)
    except TimeoutError:
        return None
    except ProviderError as error:
        if error.retryable:
            return None
        return Revoked(dead=False, text=_unknown(provider, method, error.text))


def _unknown(provider: Provider, method: Method[Any], why: str) -> str:
    by_hand = method.by_hand if isinstance(method, Consent) else f"Revoke it at {provider.name} by hand."
    return f"{why} {by_hand}"


async def _end(hub: Hub, credential_id: str, workspace: str, outcome: Revoked | list[Form] | None) -> None:
    """Delete what was kept and note what became of it; where the workspace is gone, so is its log."""
    told = outcome if isinstance(outcome, Revoked) else None
    itself = Actor(id=ACTOR, name=ACTOR, workspace=workspace, role=Role.OWNER)
    try:
        async with changing(hub, itself, begins=False) as change:
            credential = await change.tx.get(Credential, credential_id)
            if credential is None:
                return
            slug = credential.provider
            await change.tx.delete(credential)
            dead = told is not None and told.dead is True
            await change.note("grant_revoked", provider=slug, subject=credential_id, failed=not dead,
                              outcome=told.text if told else None)  # fmt: skip
    except NotFound:
        return


async def those_that_wait(hub: Hub, limit: int = 100) -> list[str]:
    """The ids of the grants that wait for their revocation and which nobody is at."""
    async with hub.db.reading() as tx:
        return await consents.gone(tx, hub.now(), limit)


async def revoke_later(hub: Hub, credential_id: str) -> None:
    """The engine's work: one try, with more to come for a day where the vendor does not answer."""
    await revoke(hub, credential_id, seconds=10.0, last=False)


async def let_all_go(hub: Hub, workspace: str, *, seconds: float = ALL_SECONDS) -> tuple[int, int]:
    """Before a workspace is deleted: revoke every grant of it that nothing elsewhere is tied to.

    How many are dead at the vendor, and how many are not or may not be; it takes `seconds` at most and never raises.
    """
    try:
        async with hub.db.transaction() as tx:
            at, waiting = hub.now(), []
            for credential in await consents.grants_of(tx, workspace):
                if credential.account_key.startswith(stored.GONE):
                    waiting.append(credential.id)
                elif _is_grant(credential) and not await consents.tied_elsewhere(tx, credential):
                    keep_apart(credential, at)
                    waiting.append(credential.id)
    except Exception:
        log.exception("The grants of a workspace that is deleted could not be looked up.")
        return 0, 0
    tasks = [asyncio.ensure_future(revoke(hub, each, seconds=SECONDS)) for each in waiting]
    done, late = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set())
    for task in late:
        task.cancel()
    outcomes = [task.result() for task in done]
    dead = sum(1 for outcome in outcomes if outcome is not None and outcome.dead is True)
    return dead, len(waiting) - dead
