"""Connect, check, rename, make default, disconnect: what an admin does with a connection."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    BadForm,
    Conflict,
    NotFound,
    ProviderError,
    VaultLocked,
)
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import CheckResult, Form, Method, Provider, Report, silent
from atlas_hub.services import saving, truths
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.services.opening import find_method, opened
from atlas_hub.services.views import Connected, ConnectionView, Disconnected, view_of
from atlas_hub.storage import connections as stored
from atlas_hub.storage.db import Broken
from atlas_hub.storage.models import Connection, Credential

CHECKS_A_MINUTE = 10
LABEL_LENGTH = 120
RACES = 3


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
    report: Report = silent,
    save_unverified: bool = False,
) -> Connected:
    """Prove what was typed against the vendor, seal it, store it, tell every open page.

    `values` are the form's fields by either name; `source` is the door: page, admin, groups, connections, chat.
    `agreed` is the account that an admin was asked about and agreed to; where the vendor proves another, they are
    asked again. `save_unverified` stores it also when the vendor does not answer, where the method allows that.
    Raises `BadForm`, a `ProviderError`, `Conflict` (`AnotherAccount` with `Mode.ASK`), `VaultLocked`, `NotAvailable`.
    Nothing is stored then, and no transaction is open while the vendor thinks.
    """
    require_admin(actor)
    provider, method = find_method(slug, method_key)
    _ = hub.db  # says so where there is none
    hub.vault.require_open()
    form = method.read(values)
    result, silence = await _prove(hub, actor, provider, method, form, report, save_unverified=save_unverified)
    order = saving.Order(
        provider=provider,
        method=method,
        form=form,
        result=result,
        silence=silence,
        source=source,
        mode=mode.value,
        agreed=agreed,
    )
    saved = await _store(hub, actor, order)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return saved


async def _prove(
    hub: Hub,
    actor: Actor,
    provider: Provider,
    method: Method[Any],
    form: Form,
    report: Report,
    *,
    save_unverified: bool,
) -> tuple[CheckResult, str]:
    """What the vendor proved, and why it could not be asked where it was not and that may be stored."""
    try:
        return await method.check(form, hub.http, report), ""
    except ProviderError as error:
        if save_unverified and method.may_save_unverified and error.retryable:
            return CheckResult(account=None, label=method.called(form)), error.text
        await _note_refusal(hub, actor, provider, error)
        raise


async def _store(hub: Hub, actor: Actor, order: saving.Order) -> Connected:
    """Save in one transaction; where another workspace or worker was first, look again."""
    for _ in range(RACES):
        try:
            async with changing(hub, actor) as change:
                return await saving.save(change, order)
        except Broken:
            continue
    raise Conflict(f"{order.provider.name} was being connected elsewhere at the same time. Try again.")


async def check_now(hub: Hub, actor: Actor, connection_id: str, report: Report = silent) -> ConnectionView:
    """Ask the vendor whether a stored connection still works, and write down what it said.

    A refusal is an answer: it is stored and shown, not raised. Raises `NotFound`, `TooManyRequests`.
    """
    require_admin(actor)
    await hub.limits.hit(
        "check",
        connection_id,
        times=CHECKS_A_MINUTE,
        seconds=60,
        text="This connection was checked ten times within a minute. Wait a little, then check again.",
    )
    row, provider, method, form, locked = await opened(hub, actor, connection_id)
    outcome: CheckResult | ProviderError | VaultLocked
    try:
        outcome = locked if form is None and locked else await method.check(form, hub.http, report)
    except ProviderError as error:
        outcome = error
    async with changing(hub, actor) as change:
        present = await stored.find(change.tx, actor.workspace, row.id)
        if present is None:
            raise NotFound("This connection was disconnected in the meantime.")
        credential = await stored.credential_of(change.tx, present)
        if isinstance(outcome, CheckResult):
            truths.accepted(present, provider, outcome, change.at)
            await saving.prove(change.tx, present, credential, provider, method, outcome)
        else:
            truths.failed(present, outcome, change.at)
        present.updated_at = change.at
        await change.note(
            "checked",
            provider=provider.slug,
            subject=present.id,
            failed=not isinstance(outcome, CheckResult),
            **({} if isinstance(outcome, CheckResult) else {"code": outcome.code}),
        )
        view = _view(hub, provider, present, credential)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return view


async def rename(hub: Hub, actor: Actor, connection_id: str, label: str) -> ConnectionView:
    """Call a connection something else: 1 to 120 characters. Raises `BadForm`, `NotFound`."""
    require_admin(actor)
    label = " ".join(label.split())
    if not 1 <= len(label) <= LABEL_LENGTH or not label.isprintable():
        raise BadForm({"label": f"A name has 1 to {LABEL_LENGTH} characters, all of which can be seen."})
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        before, row.label, row.updated_at = row.label, label, change.at
        await change.note("renamed", provider=row.provider, subject=row.id, was=before, now=label)
        view = _view(hub, PROVIDERS[row.provider], row, await stored.credential_of(change.tx, row))
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return view


async def make_default(hub: Hub, actor: Actor, connection_id: str) -> ConnectionView:
    """Make a stored connection the primary of its scope. Raises `NotFound`, `Conflict` where it is not active."""
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        if row.kind != "account" or row.subscriber or row.contexts or not row.active:
            raise Conflict("This connection cannot be the default: it is not an active account of its own.")
        await saving.promote(change.tx, row)
        await change.note("made_default", provider=row.provider, subject=row.id, label=row.label)
        view = _view(hub, PROVIDERS[row.provider], row, await stored.credential_of(change.tx, row))
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return view


async def disconnect(hub: Hub, actor: Actor, connection_id: str, *, promote: str | None = None) -> Disconnected:
    """Delete one connection, with its last holder the credential too. Raises `NotFound`, `Conflict`.

    `promote` is the id of the connection that becomes primary instead, where an admin chose one.
    """
    require_admin(actor)
    async with changing(hub, actor) as change:
        row = await _the(change, connection_id)
        if row.source == "environment":
            raise Conflict("This connection comes from the environment. Remove its variable and restart the hub.")
        others = await stored.others_in(change.tx, actor.workspace, row.scope, row.id)
        heir = next((other for other in others if other.id == promote), None)
        if promote is not None and heir is None:
            raise NotFound("The connection to make the default instead is not there any more.")
        in_use = await stored.used_elsewhere(change.tx, row) > 0
        await stored.delete_row(change.tx, row)
        if heir is not None:
            await saving.promote(change.tx, heir)
        await change.note(
            "disconnected", provider=row.provider, subject=row.id, label=row.label, account=row.account_name
        )
    await hub.bus.publish(Changed(actor.workspace, row.provider))
    return Disconnected(label=row.label, still_in_use=in_use, others=len(others), promoted=heir.label if heir else None)


async def primary_id(hub: Hub, actor: Actor, scope: str) -> str:
    """The id of a scope's primary. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        row = await stored.primary_of(tx, actor.workspace, scope)
    if row is None:
        raise NotFound("Nothing is connected here.")
    return row.id


async def _the(change: Change, connection_id: str) -> Connection:
    row = await stored.find(change.tx, change.actor.workspace, connection_id)
    if row is None:
        raise NotFound("There is no such connection.")
    return row


def _view(hub: Hub, provider: Provider, row: Connection, credential: Credential | None) -> ConnectionView:
    return view_of(
        provider,
        row,
        hub.vault,
        key_id=credential.key_id if credential else None,
        granted=credential.granted if credential else None,
        expires_at=credential.expires_at if credential else None,
    )


async def _note_refusal(hub: Hub, actor: Actor, provider: Provider, error: ProviderError) -> None:
    """A refused credential is an event too: someone tried."""
    async with changing(hub, actor) as change:
        await change.note("connect_failed", provider=provider.slug, failed=True, code=error.code)
