"""What the groups API's tests stand on: a workspace with keys, clients that judge every answer's frame, bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor
from atlas_hub.services.api_keys import NewKey
from atlas_hub.services.wire_types import kinds
from atlas_hub.storage import connections
from atlas_hub.storage.models import Connection
from tests.api.conftest import Vendors
from tests.api.keyed import Client, judging, keys_of
from tests.conftest import actor
from tests.providers.entries import ENTRIES, UNLISTED

PREFIX = "/api/atlas/v1.0"
SECRETS = {
    "PAGER_DUTY": ("serviceKey",),
    "DATADOG": ("apiKey",),
    "NEW_RELIC": ("licenseKey", "writeToken", "readToken"),
    "SLACK": ("apiToken",),
    "OPS_GENIE": ("apiKey",),
    "VICTOR_OPS": ("apiKey",),
    "FLOWDOCK": ("apiToken",),
    "WEBHOOK": ("url", "secret"),
    "MICROSOFT_TEAMS": ("microsoftTeamsWebhookUrl",),
    "PROMETHEUS": ("password",),
}
"""Of each type in the order of §2.3, what is secret: by hand, so that the forms are held against it."""
FLOWDOCK = {"type": "FLOWDOCK", "flowName": "myFlowName", "apiToken": "1234567890", "orgName": "myOrg"}
"""The seed's own example."""


@dataclass(frozen=True)
class Place:
    """A workspace and its keys."""

    owner: Actor
    key: NewKey
    reader: NewKey
    elsewhere: NewKey

    @property
    def group(self) -> str:
        return self.owner.workspace

    @property
    def path(self) -> str:
        """Of all configurations."""
        return f"{PREFIX}/groups/{self.group}/integrations"

    def at(self, kind: str) -> str:
        return f"{self.path}/{kind}"


async def place(hub: Hub) -> Place:
    """A workspace with an admin's key, one that may only read, and one for another API."""
    owner = actor()
    return Place(owner, *await keys_of(hub, owner, "groups", "chat"))


def digest(key: NewKey) -> httpx.DigestAuth:
    return httpx.DigestAuth(key.view.public_key, key.private_key.reveal())


@asynccontextmanager
async def calling(key: NewKey | None) -> AsyncIterator[Client]:
    """A client that signs in with this key."""
    async with judging(as_every_answer, auth=digest(key) if key else None) as client:
        yield client


async def as_every_answer(answer: httpx.Response) -> None:
    """What holds for every answer: an id of ours, nothing kept, and an error that says the same in head and body."""
    await answer.aread()
    assert UUID(answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code == 204:
        assert answer.content == b""
        return
    assert answer.headers["content-type"] == "application/json"
    assert ("x-error-code" in answer.headers) == answer.is_error
    if answer.request.method == "HEAD":
        assert answer.content == b""
    elif answer.is_error:
        said = answer.json()
        assert said["error"] == answer.status_code
        assert said["errorCode"] == answer.headers["x-error-code"]
        assert said["detail"].endswith(".")
        assert list(said) == sorted(said) or "parameters" not in said


def code(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, errorCode and parameters."""
    said = answer.json()
    return answer.status_code, said["errorCode"], said.get("parameters", ["none"])


def body_for(kind: str, vendors: Vendors | None = None) -> dict[str, Any]:
    """A body that is taken, with what its stand-in accepts."""
    known = kinds()[kind]
    entry = next(
        each for each in (*UNLISTED, *ENTRIES) if each.slug == known.provider.slug and each.method == known.method.key
    )
    standin = None if vendors is None else vendors.kinds.get(entry.standin) or vendors.entries.get(entry.id)
    values = entry.values(standin)
    names = {str(info.alias): name for name, info in known.method.form.model_fields.items()}
    return {"type": kind, **{known.wire(names[alias]): value for alias, value in values.items()}}


async def quiet(hub: Hub) -> None:
    """Wait until nothing is done beside requests any more."""
    while hub._tasks:
        await asyncio.gather(*list(hub._tasks), return_exceptions=True)


async def primary(hub: Hub, place: Place, kind: str) -> Connection:
    """The row of a configuration."""
    async with hub.db.reading() as tx:
        row = await connections.primary_of(tx, place.group, kinds()[kind].scope)
    assert row is not None
    return row
