"""New credentials for a connection, which stays with its account: proven first, then in the old ones' place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import InsufficientPermissions, ManagedByEnvironment, NotFound
from atlas_hub.kit.reading import is_blank
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import CheckResult, Feature, Method, Provider, Purpose, silent
from atlas_hub.services import asking, credentials, environment, saving, storing, uses
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.opening import completed, stands_in
from atlas_hub.services.views import Connected
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection


async def renew(
    hub: Hub,
    actor: Actor,
    connection_id: str,
    values: Mapping[str, Any],
    source: str,
    *,
    needs: frozenset[str] = frozenset(),
) -> Connected:
    """Prove new credentials of the account that a connection has, and use them from now on; empty ones stay.

    The connection keeps its id, name and channels. Refused credentials change nothing. `needs` are scopes without which
    they are of no use to who asks. Raises `BadForm`, a `ProviderError`, `Conflict` where they are another account's,
    `ManagedByEnvironment`, `NotFound`, `VaultLocked`.
    """
    require_admin(actor)
    async with hub.db.reading() as tx:
        row = await stored.find(tx, actor.workspace, connection_id)
    if row is None or row.kind != "account" or row.subscriber or row.contexts or row.provider not in PROVIDERS:
        raise NotFound("There is no such connection.")
    if row.source == environment.SOURCE:
        raise ManagedByEnvironment(environment.MANAGED)
    hub.vault.require_open()
    provider = PROVIDERS[row.provider]
    method = typed(provider, row)
    full = {**_stored(row, method), **await completed(hub, actor, row.id, method, values)}
    form = method.read(full)
    if stands_in(method, values, full):
        await uses.count(hub, row)
    async with storing.tried(hub, actor, provider, begins=False, subject=row.id):
        result = await asking.check(method, form, hub.http, silent, hub=hub)
        require(provider, result, needs)
    order = credentials.Order(
        provider=provider,
        method=method,
        form=form.model_copy(update=dict(result.learned)) if result.learned else form,
        result=result,
        silence="",
        source=source,
        mode=saving.RENEW,
        renews=row.id,
    )
    return await storing.store(hub, actor, order, begins=False)


def typed(provider: Provider, row: Connection) -> Method[Any]:
    """How new credentials are typed: the connection's own way, else the provider's first of that purpose."""
    ways = [method for method in provider.methods if method.purpose == Purpose(row.purpose)]
    return next((method for method in ways if method.key == row.method), ways[0])


def require(provider: Provider, result: CheckResult, needs: frozenset[str]) -> None:
    """Raise `InsufficientPermissions` where the vendor did not grant scopes that are needed."""
    missing = lacking(result.granted, needs)
    if missing:
        raise lacks(provider, missing)


def lacking(granted: Any, needs: frozenset[str]) -> tuple[str, ...]:
    """The scopes that are needed and not granted; none where the vendor does not tell."""
    return () if granted is None else tuple(sorted(needs - frozenset(granted)))


def lacks(provider: Provider, missing: tuple[str, ...]) -> InsufficientPermissions:
    """That scopes are missing: the text names those, `required_scopes` all that listing channels needs."""
    text = f"{provider.name} did not grant {', '.join(missing)}, without which channels cannot be listed. "
    needed = provider.features.get(Feature.LIST_CHANNELS, frozenset())
    return InsufficientPermissions(
        f"{text}Add what is missing at {provider.name}, then try again.",
        required_scopes=tuple(sorted(needed | frozenset(missing))),
    )


def _stored(row: Connection, method: Method[Any]) -> dict[str, Any]:
    """What is no secret and was stored, where it was typed into the same form."""
    if row.method != method.key:
        return {}
    return {name: value for name, value in row.options.items() if not is_blank(value)}
