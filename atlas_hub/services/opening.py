"""A stored connection made ready for use: its provider, its method, its credential opened."""

from __future__ import annotations

from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound, VaultLocked
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Form, Method, Provider
from atlas_hub.services import saving
from atlas_hub.services.access import Actor
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection


def find_method(slug: str, key: str) -> tuple[Provider, Method[Any]]:
    """The provider and its method. Raises `NotFound`."""
    provider = PROVIDERS.get(slug)
    method = provider.method(key) if provider else None
    if provider is None or method is None:
        raise NotFound("There is no such way to connect.")
    return provider, method


async def opened(
    hub: Hub, actor: Actor, connection_id: str
) -> tuple[Connection, Provider, Method[Any], Form | None, VaultLocked | None]:
    """A stored connection ready for use, its credential opened into its form; no form and the reason where locked."""
    async with hub.db.reading() as tx:
        row = await stored.find(tx, actor.workspace, connection_id)
        credential = await stored.credential_of(tx, row) if row else None
    if row is None or credential is None:
        raise NotFound("There is no such connection.")
    provider, method = find_method(row.provider, row.method)
    try:
        return row, provider, method, saving.unseal(hub.vault, row, credential, method), None
    except VaultLocked as error:
        return row, provider, method, None, error
