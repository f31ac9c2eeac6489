"""A hub with a clock that is set by hand, people in it, and a browser before its sign-in pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from atlas_hub import hub as hubs
from atlas_hub.accounts import passwords, people, workspaces
from atlas_hub.accounts.routes import transformer
from atlas_hub.hub import Hub
from atlas_hub.services.access import Role
from atlas_hub.settings import Settings, load

KEY = "v1:vGKjwU/sJ349xrUEv3xjSMLkIfisxCAy3t2wqWBw8Hg="
PASSWORD = "four unrelated words"
EMAIL = "ana@example.com"


class Clock:
    """The time, which stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, **time: float) -> None:
        self.moment += timedelta(**time)


class Browser:
    """An httpx client that fills forms in as a browser does."""

    def __init__(self, client: httpx.AsyncClient) -> None:  # noqa: TID251  # this one asks our own app
        self.client = client

    async def get(self, path: str, **more) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, fields: dict[str, str], **more) -> httpx.Response:
        return await self.client.post(path, data=fields, **more)

    async def fill(self, path: str, fields: dict[str, str], **more) -> httpx.Response:
        """Open the page of a form and post it with its hidden fields."""
        hidden = await self.opened(path)
        return await self.post(path.partition("?")[0], {**hidden, **fields}, **more)

    async def opened(self, path: str) -> dict[str, str]:
        """Open the page of a form; its hidden fields."""
        shown = await self.get(path)
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **more) -> httpx.Response:
        return await self.fill("/sign-in", {"email": email, "password": password}, **more)

    def token(self) -> str | None:
        return self.client.cookies.get("atlas_session") or self.client.cookies.get("__Host-atlas_session")


async def _page(request):
    return PlainTextResponse("the page")


def the_app():
    """The app as it is served: the sign-in pages before everything else."""
    return transformer(Starlette(routes=[Route("/admin/integrations", _page)]))


def browser_of(base: str = "http://localhost:3000", address: str = "203.0.113.7") -> Browser:
    transport = httpx.ASGITransport(app=the_app(), client=(address, 1234))
    return Browser(httpx.AsyncClient(transport=transport, base_url=base))  # noqa: TID251  # this one asks our own app


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with the least work, so that tests wait for nothing."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings_in(folder: Path, **more: object) -> Settings:
    return load(data_dir=folder, encryption_keys=KEY, **more)


@pytest.fixture
async def hub(tmp_path: Path, clock: Clock) -> AsyncIterator[Hub]:
    async with hubs.opened(settings_in(tmp_path), clock=clock) as the_hub:
        yield the_hub


@asynccontextmanager
async def hub_with(folder: Path, clock: Clock, **settings: object) -> AsyncIterator[Hub]:
    async with hubs.opened(settings_in(folder, **settings), clock=clock) as the_hub:
        yield the_hub


@pytest.fixture
async def browser(hub: Hub) -> AsyncIterator[Browser]:
    the_browser = browser_of()
    async with the_browser.client:
        yield the_browser


@pytest.fixture
async def acme(hub: Hub) -> str:
    """The id of a workspace with an owner, `EMAIL`."""
    return await make_acme(hub)


async def make_acme(hub: Hub) -> str:
    workspace = await workspaces.create(hub, "Acme")
    await people.create(hub, email=EMAIL, password=PASSWORD, role=Role.OWNER, workspace=workspace.id)
    return workspace.id
