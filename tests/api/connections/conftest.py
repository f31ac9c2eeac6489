"""Callers of the connections API: workspaces with keys of their own, and a client that judges every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from atlas_hub import api as apis
from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from tests.api.conftest import Vendors
from tests.conftest import actor
from tests.standins.discord import DiscordStandin
from tests.standins.gchat import GchatStandin
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

Client = httpx.AsyncClient  # noqa: TID251  # the tests are callers of the hub, not the hub
PATH = "/api/connections"


@dataclass(frozen=True)
class Place:
    """A workspace, and the keys that call for it."""

    owner: Actor
    key: str
    reader: str
    elsewhere: str


async def place(hub: Hub) -> Place:
    """A workspace with an admin's key, one that may only read, and one for another API."""
    owner = actor()
    made = [
        await api_keys.create(hub, owner, role=role, apis=[api])
        for role, api in ((Role.ADMIN, "connections"), (Role.READ_ONLY, "connections"), (Role.OWNER, "admin"))
    ]
    return Place(owner, *(each.private_key.reveal() for each in made))


class NobodyIsSignedIn:
    """A host in which nobody is signed in."""

    @staticmethod
    async def actor_of_request(_request: object) -> None:
        return None


async def beneath(scope: dict[str, Any], receive: object, send: object) -> None:
    raise AssertionError(f"{scope['path']} went to the app beneath")


THE_APIS = apis.in_front_of(apis.build(NobodyIsSignedIn()))(beneath)


@asynccontextmanager
async def calling(key: str | None, **headers: str) -> AsyncIterator[Client]:
    """A client that sends this key."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with Client(
        transport=httpx.ASGITransport(app=THE_APIS),
        base_url="http://hub.test",
        headers=headers,
        event_hooks={"response": [as_every_answer]},
    ) as client:
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
