"""Callers of the connections API: workspaces with keys of their own, and a client that judges every answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Connection
from tests.api.conftest import Vendors
from tests.api.keyed import Client, Place, judging, place_for
from tests.standins.discord import DiscordStandin
from tests.standins.gchat import GchatStandin
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

PATH = "/api/connections"
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def place(hub: Hub) -> Place:
    """A workspace with an admin's key, one that may only read, and one for another API."""
    return await place_for(hub, "connections")


@asynccontextmanager
async def calling(key: str | None, **headers: str) -> AsyncIterator[Client]:
    """A client that sends this key."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with judging(as_every_answer, headers) as client:
        yield client


async def as_every_answer(answer: httpx.Response) -> None:
    """What holds for every answer: an id of ours, nothing kept, an error's body that is one, and no secret."""
    await answer.aread()
    assert UUID(answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"
    assert ACME not in answer.text
    if answer.status_code == 204 or answer.request.method == "HEAD":
        assert answer.content == b""
        return
    assert answer.headers["content-type"] == "application/json"
    if answer.is_error:
        said = answer.json()
        error = said["error"]
        assert error["requestId"] == answer.headers["x-request-id"]
        assert error["message"].endswith(".")
        assert (said.get("valid") is False) is error["code"].isupper()
        assert ("fields" in error) is (answer.status_code == 422)
        assert all(text.endswith(".") for text in error.get("fields", {}).values())
        assert (answer.headers.get("www-authenticate") is not None) is (answer.status_code == 401)
        assert error["code"] != "rate_limited" or int(answer.headers["retry-after"]) >= 1


@pytest.fixture
def slack(vendors: Vendors) -> SlackStandin:
    return vendors.slack


@pytest.fixture
def discord(vendors: Vendors) -> DiscordStandin:
    found: DiscordStandin = vendors.kinds[DiscordStandin]
    return found


@pytest.fixture
def google(vendors: Vendors) -> GchatStandin:
    found: GchatStandin = vendors.kinds[GchatStandin]
    return found


@pytest.fixture
async def here(hub: Hub) -> Place:
    """The workspace that calls."""
    return await place(hub)


@pytest.fixture
async def there(hub: Hub) -> Place:
    """Another workspace."""
    return await place(hub)


@pytest.fixture
async def api(here: Place) -> AsyncIterator[Client]:
    """A client with the admin's key of `here`."""
    async with calling(here.key) as client:
        yield client


def body(token: str = ACME, name: str = "Engineering", **more: Any) -> dict[str, Any]:
    """A body that connects Slack."""
    return {"platform": "slack", "name": name, "credentials": {"bot_token": token, **more}}


async def made(api: Client, token: str = ACME, name: str = "Engineering") -> str:
    """The id of a Slack connection made now."""
    answer = await api.post(PATH, json=body(token, name))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def rows(hub: Hub, **where: Any) -> list[Connection]:
    """The connections that are stored, the oldest first."""
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Connection).filter_by(**where).order_by(Connection.id))).scalars())
