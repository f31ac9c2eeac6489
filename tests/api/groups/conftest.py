"""Callers of the groups API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from atlas_hub.hub import Hub
from tests.api.groups.ground import Client, Place, calling, place


@pytest.fixture
async def here(hub: Hub) -> Place:
    """The workspace that calls."""
    return await place(hub)


@pytest.fixture
async def there(hub: Hub) -> Place:
    """Another workspace."""
    return await place(hub)


@pytest.fixture
async def groups(here: Place) -> AsyncIterator[Client]:
    """A client with the admin's key of `here`."""
    async with calling(here.key) as client:
        yield client
