"""Callers of the chat API: workspaces with keys of their own, and a client that judges every answer's frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from atlas_hub import api as apis
from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from tests.conftest import actor

Client = httpx.AsyncClient  # noqa: TID251  # the tests are callers of the hub, not the hub


@dataclass(frozen=True)
class Place:
    """A workspace, and the keys that call for it."""

    owner: Actor
    key: str
    reader: str
    elsewhere: str

    @property
    def workspace(self) -> str:
        return self.owner.workspace


async def place(hub: Hub) -> Place:
    """A workspace with an admin's key, one that may only read, and one for another API."""
    owner = actor()
    made = [
        await api_keys.create(hub, owner, role=role, apis=[api])
        for role, api in ((Role.ADMIN, "chat"), (Role.READ_ONLY, "chat"), (Role.OWNER, "admin"))
    ]
    return Place(owner, *(each.private_key.reveal() for each in made))


async def nobody(_request: object) -> None:
    """A host in which nobody is signed in."""


class NobodyIsSignedIn:
    actor_of_request = staticmethod(nobody)


async def beneath(scope: dict, receive: object, send: object) -> None:
    raise AssertionError(f"{scope['path']} went to the app beneath")


THE_APIS = apis.in_front_of(apis.build(NobodyIsSignedIn()))(beneath)


@asynccontextmanager
async def calling(key: str | None, **headers: str) -> AsyncIterator[Client]:
    """A client of the chat API that sends this key."""
    if key is not None:
        headers["Authorization"] = f"ApiKey {key}"
    async with Client(
        transport=httpx.ASGITransport(app=THE_APIS),
        base_url="http://hub.test",
        headers=headers,
        event_hooks={"response": [as_every_answer]},
    ) as client:
        yield client


async def as_every_answer(answer: httpx.Response) -> None:
    """What holds for every answer: an id of ours, nothing kept, and an error's body that the clients can read."""
    await answer.aread()
    assert UUID(answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code == 204:
        assert answer.content == b""
        return
    assert answer.headers["content-type"] == "application/json"
    if answer.request.method == "HEAD":
        assert answer.content == b""
    elif answer.is_error:
        said = answer.json()
        assert said["statusCode"] == answer.status_code
        assert said["timestamp"].endswith("Z")
        assert said["path"].startswith(answer.request.url.path)
        assert said["message"]
        assert said["error"]
        assert None not in said.values()
        assert ("errors" in said) == (answer.status_code == 422)
        assert ("errorId" in said) == (answer.status_code == 500)
        assert all(fault["messages"] for fault in said.get("errors", {}).values())


@pytest.fixture
async def here(hub: Hub) -> Place:
    """The workspace that calls."""
    return await place(hub)


@pytest.fixture
async def there(hub: Hub) -> Place:
    """Another workspace."""
    return await place(hub)


@pytest.fixture
async def chat(here: Place) -> AsyncIterator[Client]:
    """A client with the admin's key of `here`."""
    async with calling(here.key) as client:
        yield client
