"""A stored connection made ready for use: its provider, its method, its credential opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    Incomplete,
    InvalidCredentials,
    NotAvailable,
    NotFound,
    ProviderError,
    VaultLocked,
)
from atlas_hub.kit.reading import is_blank
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Form, Method, Provider
from atlas_hub.services import apps, environment, refreshing, saving
from atlas_hub.services.access import Actor
from atlas_hub.services.views import State
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection, Credential


def find_method(slug: str, key: str) -> tuple[Provider, Method[Any]]:
    """The provider and its method. Raises `NotFound`."""
    provider = PROVIDERS.get(slug)
    method = provider.method(key) if provider else None
    if provider is None or method is None:
        raise NotFound("There is no such way to connect.")
    return provider, method


async def opened(
    hub: Hub, actor: Actor, connection_id: str
) -> tuple[Connection, Provider, Method[Any], Form | None, ProviderError | VaultLocked | None]:
    """A stored connection ready for use, its credential opened into its form.

    No form and the reason where it is locked, or where it is incomplete or what the environment gives
    cannot be read. Raises `NotFound`, and `NotAvailable` for a provider that the hub does not know.
    """
    row, credential, lends = await _read(hub, actor, connection_id)
    if row is None or (credential is None and row.source != environment.SOURCE):
        raise NotFound("There is no such connection.")
    if row.kind == "foreign":
        raise NotAvailable(row.reason or "This hub does not know the provider of this connection.")
    provider, method = find_method(row.provider, row.method)
    if credential is None:
        gift = environment.given(hub, provider)
        if gift is None:
            raise NotFound("The variables of this connection are not set any more.")
        fault = None if gift.form else InvalidCredentials(gift.fault)
        return row, provider, gift.method, gift.form, fault
    if isinstance(lends, ProviderError | VaultLocked):
        return row, provider, method, None, lends
    try:
        return row, provider, method, saving.unseal(hub.vault, row, credential, method, lends), None
    except (VaultLocked, Incomplete) as error:
        return row, provider, method, None, error


async def _read(
    hub: Hub, actor: Actor, connection_id: str
) -> tuple[Connection | None, Credential | None, dict[str, Any] | ProviderError | VaultLocked]:
    """A connection with its credential, whose token is good for a while, and what its OAuth app lends."""
    for _ in range(2):
        async with hub.db.reading() as tx:
            row = await stored.find(tx, actor.workspace, connection_id)
            credential = await stored.credential_of(tx, row) if row else None
            lends: dict[str, Any] | ProviderError | VaultLocked = {}
            if credential is not None and credential.method and row is not None and row.provider in PROVIDERS:
                try:
                    lends = await apps.lent_for(hub, tx, PROVIDERS[row.provider], credential)
                except (ProviderError, VaultLocked) as error:
                    lends = error
                except BadForm as error:
                    lends = AuthExpired(error.text)
        if credential is None or not refreshing.wants(hub, credential):
            break
        try:
            await refreshing.fresh(hub, credential.id)
        except ProviderError as error:
            still = credential.expires_at is not None and credential.expires_at > hub.now()
            if error.retryable and still:
                break
            if error.retryable and row is not None and row.state == State.RECONNECT:
                return row, credential, AuthExpired(row.reason)  # it was refused for good, and nobody asks just now
            return row, credential, error
    return row, credential, lends


async def completed(
    hub: Hub, actor: Actor, connection_id: str, method: Method[Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """What was typed to replace a connection's credentials, with what is stored for each field that was left empty.

    A stored secret is not sent to another place: where a field that decides it (`Form.targets`) changed, every secret
    must be typed anew. A form that is filled needs nothing that is stored, and none of what follows is raised for it:
    `BadForm` naming those secrets, `NotFound`, `VaultLocked`.
    """
    fields = method.form.model_fields
    filled = not any(is_blank(_typed(values, name, info.alias)) for name, info in fields.items() if info.is_required())
    try:
        row, _, own, form, locked = await opened(hub, actor, connection_id)
    except NotFound:
        if filled:
            return dict(values)
        raise
    if locked is not None and not filled:
        raise locked
    if own.key != method.key or form is None or row.source == environment.SOURCE:
        return dict(values)
    given = {name: value for name, info in fields.items() if not is_blank(value := _typed(values, name, info.alias))}
    kept: dict[str, Any] = {name: getattr(form, name) for name in fields if name not in given}
    wanted = [name for name in method.form.secrets() if kept.get(name) is not None]
    moved = [name for name in method.form.targets() if name in given and _differs(given[name], form, name)]
    if wanted and moved:
        changed = fields[moved[0]].title or moved[0]
        said = f"{changed} changed. Enter this anew: what is stored is not sent to another place."
        raise BadForm(dict.fromkeys(wanted, said))
    return {**{name: value for name, value in kept.items() if value is not None}, **given}


def stands_in(method: Method[Any], values: Mapping[str, Any], full: Mapping[str, Any]) -> bool:
    """Whether a stored secret stands in for one that was left empty, in what `completed` made of what was typed."""
    fields = method.form.model_fields
    return any(name in full and is_blank(_typed(values, name, fields[name].alias)) for name in method.form.secrets())


def _typed(values: Mapping[str, Any], name: str, alias: str | None) -> Any:
    return values.get(name, values.get(alias or name))


def _differs(typed: Any, form: Form, name: str) -> bool:
    return str(typed).strip().lower() != str(getattr(form, name)).lower()
