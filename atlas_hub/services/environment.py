"""Credentials that the operator gave in environment variables: what is there, and the row of an account among them.

An account (Slack) is connected so in the first workspace of a self-hosted hub: a row of source `environment`, without a
credential and never primary, which counts while its scope has no primary (decisions §6). Mail has no account and no
row: it is what mail goes through while a workspace has set up none of its own.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from atlas_hub.hub import Hub
from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import BadForm, TooManyRequests
from atlas_hub.kit.ids import is_id, new_id
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Environment, Form, Method, Provider, Purpose, scope_of
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import changing
from atlas_hub.storage import audit, installation
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection

log = logging.getLogger(__name__)

SOURCE: Final = "environment"
_MAILBOX = re.compile(r"[^<>]*<([^<>]+)>")
"""A name before the address (RFC 5322 §3.4): an operator may write one, the address is what is used."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the operator gave. `form` is None where it cannot be read, and `fault` says why."""

    provider: Provider
    method: Method[Any]
    variables: tuple[str, ...]
    form: Form | None
    fault: str = ""


def given(hub: Hub, provider: Provider) -> Given | None:
    """What the environment gives for a provider, the first way of those that are complete; None where nothing is."""
    for way in provider.environment:
        account = not is_mail(way.method)
        if account and hub.settings.saas:
            continue
        found = _read(hub, provider, way)
        if found is not None:
            return found
    return None


def is_mail(method: Method[Any]) -> bool:
    """Whether a method is a way to send mail, which needs no account and no row."""
    return method.purpose is Purpose.MAIL


def _read(hub: Hub, provider: Provider, way: Environment) -> Given | None:
    told = {
        field: Secret(pasted(secret.reveal()))
        for field, name in way.variables.items()
        if (secret := hub.settings.env(name)) is not None
    }
    required = {name for name, info in way.method.form.model_fields.items() if info.is_required()}
    if required - way.defaults - told.keys():
        return None
    names = tuple(name for field, name in way.variables.items() if field in told)
    secrets = way.method.form.secrets()
    values: dict[str, Any] = {field: text if field in secrets else text.reveal() for field, text in told.items()}
    if found := _MAILBOX.fullmatch(str(values.get("sender_address", ""))):
        values["sender_address"] = found[1]
    if "sender_address" in required - told.keys():
        values["sender_address"] = f"no-reply@{urlsplit(hub.settings.address).hostname}"
    try:
        form = way.method.read(values)
    except BadForm as error:
        said = " ".join(f"{way.variables.get(field, field)}: {text}" for field, text in error.fields.items())
        return Given(provider=provider, method=way.method, variables=names, form=None, fault=said)
    return Given(provider=provider, method=way.method, variables=names, form=form)


MANAGED: Final = "This connection comes from the environment. Remove its variable and restart the hub."


def accounts(hub: Hub) -> list[Given]:
    """The accounts that the environment gives, at most one for each provider."""
    found = (given(hub, provider) for provider in PROVIDERS.values() if provider.environment)
    return [each for each in found if each is not None and not is_mail(each.method)]


def mail(hub: Hub) -> Given | None:
    """What mail goes through where a workspace has no way of its own."""
    for provider in PROVIDERS.values():
        if provider.environment and (found := given(hub, provider)) is not None and is_mail(found.method):
            return found
    return None


async def settle(hub: Hub, workspace: str, present: frozenset[str]) -> bool:
    """Make the rows that are missing in the first workspace; `present` are the providers that have one already.

    True where there are new ones, which are proven at once beside the request. Asks the database only where something
    is missing. Raises `NotFound` where the workspace is deleted meanwhile.
    """
    made = await _make(hub, workspace, present)
    for row_id in made or ():
        hub.soon(_prove(hub, workspace, row_id))
    return made is not None


async def _make(hub: Hub, workspace: str, present: frozenset[str]) -> list[str] | None:
    """The ids of the rows made, which another worker may have made first; None where none was missing."""
    missing = [each for each in accounts(hub) if each.provider.slug not in present]
    if not missing or not hub.has_database or not is_id(workspace):
        return None
    async with hub.db.reading() as tx:
        if await installation.first_workspace(tx) != workspace:
            return None
        begins = not await audit.has_head(tx, workspace)
    made: list[str] = []
    async with changing(hub, _itself(workspace), begins=begins) as change:
        if await installation.first_workspace(change.tx) != workspace:
            return None
        for each in missing:
            if await stored.from_environment(change.tx, workspace, each.provider.slug) is None:
                row = _row(each, workspace)
                row.updated_at = row.connected_at = change.at
                change.tx.add(row)
                await change.note("environment_found", provider=each.provider.slug, subject=row.id)
                made.append(row.id)
    return made


async def begin(hub: Hub) -> None:
    """At the start of a worker: the rows as the variables are now, and each account proven."""
    if not hub.has_database:
        return
    async with hub.db.reading() as tx:
        workspace = await installation.first_workspace(tx)
        begins = not await audit.has_head(tx, workspace)
    if not is_id(workspace):
        return  # there is none yet, or the first one was deleted
    await _make(hub, workspace, frozenset())
    for row_id in await _renew(hub, workspace, begins=begins):
        await _prove(hub, workspace, row_id)


async def _renew(hub: Hub, workspace: str, *, begins: bool) -> list[str]:
    """Delete the rows whose variables are gone; the ids of the others."""
    here = {each.provider.slug: each for each in accounts(hub)}
    kept: list[str] = []
    async with changing(hub, _itself(workspace), begins=begins) as change:
        for row in await stored.all_from_environment(change.tx):
            found = here.get(row.provider)
            if found is None or row.workspace != workspace:
                await stored.delete_row(change.tx, row)
                await change.note("environment_gone", provider=row.provider, subject=row.id)
                continue
            row.masks = _masks(found)
            kept.append(row.id)
    return kept


async def _prove(hub: Hub, workspace: str, row_id: str) -> None:
    from atlas_hub.services import connections  # it opens rows through this module

    try:
        await connections.check_now(hub, _itself(workspace), row_id)
    except TooManyRequests:
        return  # many workers start at once, and some of them have asked
    except Exception:
        log.exception("What the environment gives could not be checked; its card says so.")


def _itself(workspace: str) -> Actor:
    return Actor(id=SOURCE, name=SOURCE, display="the environment", workspace=workspace, role=Role.OWNER)


def _masks(found: Given) -> dict[str, Any]:
    return {} if found.form is None else found.form.masks()


def _row(found: Given, workspace: str) -> Connection:
    provider = found.provider
    return Connection(
        id=new_id(),
        workspace=workspace,
        source=SOURCE,
        provider=provider.slug,
        method=found.method.key,
        purpose=found.method.purpose.value,
        scope=scope_of(provider, found.method),
        identifier=f"{provider.slug}-{SOURCE}",
        label=f"{provider.name} of the environment",
        account_key=SOURCE,
        masks=_masks(found),
        created_by=SOURCE,
        connected_by="the operator",
    )
