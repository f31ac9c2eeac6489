"""Callers of the APIs that know nobody but by a key: workspaces with keys of their own, and clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from atlas_hub import api as apis
from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.api_keys import NewKey
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


async def keys_of(hub: Hub, owner: Actor, api: str, other: str) -> list[NewKey]:
    """An admin's key for an API, one that may only read there, and one for another API."""
    wanted = ((Role.ADMIN, api), (Role.READ_ONLY, api), (Role.OWNER, other))
    return [await api_keys.create(hub, owner, role=role, apis=[each]) for role, each in wanted]


async def place_for(hub: Hub, api: str) -> Place:
    """A workspace with the keys of an API."""
    owner = actor()
    return Place(owner, *(each.private_key.reveal() for each in await keys_of(hub, owner, api, "admin")))


class NobodyIsSignedIn:
    """A host in which nobody is signed in."""

    @staticmethod
    async def actor_of_request(_request: object) -> None:
        return None


async def beneath(scope: dict[str, Any], receive: object, send: object) -> None:
    raise AssertionError(f"{scope['path']} went to the app beneath")


THE_APIS = apis.in_front_of(apis.build(NobodyIsSignedIn()))(beneath)


@asynccontextmanager
async def judging(
    judge: Callable[[httpx.Response], Awaitable[None]],
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
) -> AsyncIterator[Client]:
    """A client of the APIs each of whose answers is judged."""
    async with Client(
        transport=httpx.ASGITransport(app=THE_APIS),
        base_url="http://hub.test",
        headers=headers,
        auth=auth,
        event_hooks={"response": [judge]},
    ) as client:
        yield client
