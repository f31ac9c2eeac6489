"""A workspace with a Prometheus card, and a caller of its addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
import pytest

from atlas_hub import api as apis
from atlas_hub.hub import Hub
from atlas_hub.services import connections
from atlas_hub.services.access import Actor
from tests.api.conftest import NOW, Client, beneath

USERNAME, PASSWORD = "prom_user", "a-password-of-tests-alone"
PREFIX = "/prometheus/v1.0/groups"


async def stored(hub: Hub, who: Actor, **given: Any) -> str:
    """The id of a connected Prometheus."""
    values = {"username": USERNAME, "password": PASSWORD, "service_discovery": "http", "enabled": True, **given}
    done = await connections.connect(hub, who, "prometheus", "pull", values, source="page")
    return done.view.id


@cache
def _apis() -> Any:
    return apis.in_front_of(apis.build(NOW))(beneath)


@asynccontextmanager
async def scraping(
    pair: tuple[str, str] | None = (USERNAME, PASSWORD), address: str = "192.0.2.7"
) -> AsyncIterator[Client]:
    """A caller from an address that signs in."""
    transport = httpx.ASGITransport(app=_apis(), client=(address, 4711))
    async with Client(transport=transport, base_url="http://hub.test", auth=pair) as client:
        yield client


@pytest.fixture
async def prometheus(any_hub: Hub, owner: Actor) -> AsyncIterator[Client]:
    """The Prometheus of the owner's workspace, on each database."""
    await stored(any_hub, owner)
    async with scraping() as client:
        yield client
