"""Connect, check, rename, make default, disconnect: what an admin does with a connection."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    BadForm,
    Conflict,
    InvalidCredentials,
    ManagedByEnvironment,
    NotFound,
    ProviderError,
)
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import CheckResult, Form, Method, Provider, Report, silent
from atlas_hub.services import (
    asking,
    checking,
    credentials,
    environment,
    letting_go,
    renewing,
    saving,
    storing,
    uses,
)
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.opening import completed, find_method, stands_in
from atlas_hub.services.views import Connected, ConnectionView, Disconnected, view_with
from atlas_hub.storage import connections as stored
from atlas_hub.storage import installation
from atlas_hub.storage.models import Connection

LABEL_LENGTH = 120
OLDEST: Final = "oldest"
"""For `disconnect`: promote the oldest one that is active, where the default goes."""

renew = renewing.renew
Checked = checking.Checked
checked, check_now = checking.checked, checking.check_now


class Mode(StrEnum):
    """What a connect does where its scope has a primary of another account."""

    REPLACE = "replace"
    ADD = "add"
    ASK = "ask"


async def connect(
    hub: Hub,
    actor: Actor,
    slug: str,
    method_key: str,
    values: Mapping[str, Any],
    *,
    source: str,
    mode: Mode = Mode.REPLACE,
    agreed: str = "",
    keep: str = "",
    report: Report = silent,
    save_unverified: bool = False,
    label: str = "",
    needs: frozenset[str] = frozenset(),
) -> Connected:
    """Prove what was typed against the vendor, seal it, store it, tell every open page.

    `values` are the form's fields by either name; `source` is the door: page, admin, groups, connections, chat.
    `agreed` is the account that an admin was asked about and agreed to; where the vendor proves another, they are
    asked again. `keep` is the id of a connection whose stored values stand in for the fields that were left empty.
    `save_unverified` stores it also when the vendor does not answer, where the method allows that. `label` is what it
    is to be called, where somebody said; `needs` are scopes without which it is of no use to who asks.
    Raises `BadForm`, a `ProviderError`, `Conflict` (`AnotherAccount` with `Mode.ASK`), `VaultLocked`, `NotAvailable`.
    Nothing is stored then, and no transaction is open while the vendor thinks.
    """
    require_admin(actor)
    provider, method = find_method(slug, method_key)
    _ = hub.db  # says so where there is none
    hub.vault.require_open()
    full = await completed(hub, actor, keep, method, values) if keep else values
    form = method.read(full)
    begins, kept = await _before(hub, actor, keep)
    if kept is not None and stands_in(method, values, full):
        await uses.count(hub, kept)
    async with storing.tried(hub, actor, provider, begins=begins):
        result, silence = await _prove(method, form, hub, report, save_unverified=save_unverified)
        renewing.require(provider, result, needs)
    order = credentials.Order(
        provider=provider,
        method=method,
        form=_proven(method, form, values, result, kept),
        result=result,
        silence=silence,
        source=source,
        mode=mode.value,
        agreed=agreed,
        label=called(label) if label else "",
    )
    return await storing.store(hub, actor, order, begins=begins)


async def _before(hub: Hub, actor: Actor, keep: str) -> tuple[bool, Connection | None]:
    """What `changing` asks about `begins`, and the connection whose values stand in."""
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
        return begins, await stored.find(tx, actor.workspace, keep) if keep else None


def _proven(
    method: Method[Any], form: Form, values: Mapping[str, Any], result: CheckResult, kept: Connection | None
) -> Form:
    """The form that is stored, once the vendor has told whose it is and what it learned."""
    account = result.account
    if kept and account and (account.app_key, account.key) != (kept.app_key, kept.account_key):
        form = method.read(values)  # what was kept is the other account's
    elif result.learned:
        form = form.model_copy(update=dict(result.learned))
    return form


async def adopt(hub: Hub, actor: Actor, slug: str, report: Report = silent) -> Connected:
    """Take what the environment gives for a provider into the store, where it can be managed.

    The variable may then be removed. Raises what `connect` raises, and `NotFound` where nothing is given here.
    """
    require_admin(actor)
    async with hub.db.reading() as tx:
        row = await stored.from_environment(tx, actor.workspace, slug)
    gift = environment.given(hub, PROVIDERS[slug]) if row is not None and slug in PROVIDERS else None
    if row is None or gift is None:
        raise NotFound("The environment gives nothing here.")
    if gift.form is None:
        raise InvalidCredentials(gift.fault)
    await uses.count(hub, row)
    values = {**gift.form.public(), **gift.form.given_secrets()}
    return await connect(hub, actor, slug, gift.method.key, values, source="page", mode=Mode.ASK, report=report)


async def _prove(
    method: Method[Any], form: Form, hub: Hub, report: Report, *, save_unverified: bool
) -> tuple[CheckResult, str]:
    """What the vendor proved, and why it could not be asked where it was not and that may be stored."""
    try:
        return await asking.check(method, form, hub.http, report, hub=hub), ""
    except ProviderError as error:
        if save_unverified and method.may_save_unverified and error.retryable:
            return CheckResult(account=None, label=method.called(form)), error.text
        raise


async def rename(hub: Hub, actor: Actor, connection_id: str, label: str) -> ConnectionView:
    """Call a connection something else: 1 to 120 characters. Raises `BadForm`, `NotFound`."""
    require_admin(actor)
    label = called(label)
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        before, row.label, row.updated_at = row.label, label, change.at
        await change.note("renamed", provider=row.provider, subject=row.id, was=before, now=label)
        view = view_with(hub.vault, _provider(row), row, await stored.credential_of(change.tx, row))
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return view


def called(label: str) -> str:
    """A name as it is stored. Raises `BadForm`."""
    label = " ".join(label.split())
    if not 1 <= len(label) <= LABEL_LENGTH or not label.isprintable():
        raise BadForm({"label": f"A name has 1 to {LABEL_LENGTH} characters, all of which can be seen."})
    return label


async def make_default(hub: Hub, actor: Actor, connection_id: str) -> ConnectionView:
    """Make a stored connection the primary of its scope. Raises `NotFound`, `Conflict` where it is not active."""
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        own = row.kind == "account" and row.source != environment.SOURCE and not (row.subscriber or row.contexts)
        if not (own and row.active):
            raise Conflict("This connection cannot be the default: it is not an active account of its own.")
        await saving.promote(change.tx, row)
        await change.note("made_default", provider=row.provider, subject=row.id, label=row.label)
        view = view_with(hub.vault, _provider(row), row, await stored.credential_of(change.tx, row))
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return view


async def disconnect(
    hub: Hub, actor: Actor, connection_id: str, *, promote: str | None = None, revoke: bool = False
) -> Disconnected:
    """Delete one connection, with its last holder the credential too, then revoke its grant at the vendor.

    `promote` is the id of the connection that becomes primary instead, or `OLDEST`; `revoke`: whether a
    typed token is revoked, too. What the vendor says is in the answer. Raises `NotFound`, `Conflict`.
    """
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        if row.source == environment.SOURCE:
            raise ManagedByEnvironment(environment.MANAGED)
        others = await stored.others_in(change.tx, actor.workspace, row.scope, row.id)
        heir = next((other for other in others if other.id == promote), None)
        if promote == OLDEST:
            heir = next((other for other in others if other.active and row.primary_scope), None)
        elif promote is not None and heir is None:
            raise NotFound("The connection to make the default instead is not there any more.")
        in_use = await stored.used_elsewhere(change.tx, row) > 0
        gone = await letting_go.let_go(change, row, also_typed=revoke)
        await stored.delete_row(change.tx, row)
        if heir is not None:
            await saving.promote(change.tx, heir)
        await change.note(
            "disconnected", provider=row.provider, subject=row.id, label=row.label, account=row.account_name
        )
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    revoked = await letting_go.revoke(hub, gone) if gone else None
    return Disconnected(
        label=row.label,
        still_in_use=in_use,
        others=len(others),
        promoted=heir.label if heir else None,
        revoked=revoked.dead if revoked else None,
        revocation=revoked.text if revoked else "",
    )


async def _the(change: Change, connection_id: str) -> Connection:
    row = await stored.find(change.tx, change.actor.workspace, connection_id)
    # An app and a subscriber's connection have verbs of their own, which take along what hangs on them.
    if row is None or row.kind == "app" or row.subscriber or row.contexts:
        raise NotFound("There is no such connection.")
    return row


def _provider(row: Connection) -> Provider:
    """The provider whose card shows a row: mail by a provider that the hub does not know stands on the Email card."""
    return PROVIDERS.get(row.provider, PROVIDERS["email"])
