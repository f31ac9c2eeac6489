"""Callers of the chat API: workspaces with keys of their own, and a client that judges every answer's frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from atlas_hub.hub import Hub
from tests.api.chat import typescript
from tests.api.keyed import Client, Place, judging, place_for
from tests.api.operated_server import served
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for


async def place(hub: Hub) -> Place:
    """A workspace with an admin's key, one that may only read, and one for another API."""
    return await place_for(hub, "chat")


@pytest.fixture(autouse=True)
def vendors_are_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What proves tokens in the background is refused at once, instead of looking for a vendor on the internet."""
    for name in ("SLACK", "MICROSOFT_LOGIN", "MICROSOFT_GRAPH", "DISCORD", "TELEGRAM", "SENDGRID", "POSTMARK"):
        monkeypatch.setenv(f"ATLAS_UPSTREAM_{name}", "http://127.0.0.1:9")


@asynccontextmanager
async def calling(key: str | None, **headers: str) -> AsyncIterator[Client]:
    """A client of the chat API that sends this key."""
    if key is not None:
        headers["Authorization"] = f"ApiKey {key}"
    async with judging(as_every_answer, headers) as client:
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


OUR_SLACK = {
    "name": "Our Slack",
    "identifier": "our-slack",
    "providerId": "slack",
    "channel": "chat",
    "active": True,
    "credentials": {"clientId": "1.2", "secretKey": "slack-client-secret-0001", "redirectUrl": "https://app.example/"},
}


@pytest.fixture(scope="package")
def typescripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[typescript.Client]]:
    """TypeScript clients on a live server: of a workspace in use, and those of `strangers`."""
    folder = tmp_path_factory.mktemp("typescript")
    with typescript.running() as node:
        keys = asyncio.run(_keys(folder))
        with served(folder) as server:
            clients = [typescript.Client(node, server.base, key) for key in keys]
            clients[0]("integrations.create", OUR_SLACK)
            clients[0]("subscribers.create", {"subscriberId": "sub1"})
            yield clients
            assert str(OUR_SLACK["credentials"]["secretKey"]) not in server.log.read_text()


async def _keys(folder: Path) -> list[str]:
    async with open_hub(settings_for(folder)) as hub:
        here, there, own = [await place(hub) for _ in range(3)]
    return [here.key, there.key, here.reader, here.elsewhere, "nobodys", own.key]


@pytest.fixture
def novu(typescripts: list[typescript.Client]) -> typescript.Client:
    """A TypeScript client of a workspace with an integration, `our-slack`, and a subscriber, `sub1`."""
    return typescripts[0]


@pytest.fixture
def strangers(typescripts: list[typescript.Client]) -> list[typescript.Client]:
    """Of another workspace; of `novu`'s, but one that may only read, one for another API, one of nobody; of a third."""
    return typescripts[1:]
