"""The admin API in front of an app, a hub with its vendors on loopback, and callers of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from atlas_hub import api as apis
from atlas_hub.api import callers
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Forbidden, NotAvailable, Unauthenticated
from atlas_hub.services.access import Actor, Role
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.telegram import TelegramStandin

PREFIX = "/api/v1/admin/integrations"
Client = httpx.AsyncClient  # noqa: TID251  # the tests are callers of the hub, not the hub


@dataclass
class People:
    """Who is behind which key (`Authorization`) and which cookie (`who`)."""

    keys: dict[str, Actor] = field(default_factory=dict)
    cookies: dict[str, Actor] = field(default_factory=dict)
    broken: Exception | None = None

    async def actor_of_key(self, hub: Hub, private_key: str, api: str) -> Actor:
        assert api == "admin"
        if self.broken is not None:
            raise self.broken
        if private_key == "key-without-a-database" and not hub.has_database:
            raise NotAvailable("There is no database.")
        if private_key == "key-for-groups":
            raise Forbidden("This key was made for other APIs.")
        if private_key not in self.keys:
            raise Unauthenticated("This key is not known.")
        return self.keys[private_key]

    async def actor_of_request(self, request: Request) -> Actor | None:
        if self.broken is not None:
            raise self.broken
        return self.cookies.get(request.cookies.get("who", ""))


@dataclass
class Vendors:
    """The vendors, stood in."""

    slack: SlackStandin
    telegram: TelegramStandin
    sendgrid: SendgridStandin


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    """An owner, a member, a read-only key, the owner of another workspace, someone without one."""
    owner = actor()
    found = People()
    found.keys = {
        "owner": owner,
        "admin": actor(Role.ADMIN, owner.workspace, "adam@example.com"),
        "member": actor(Role.MEMBER, owner.workspace, "mo@example.com"),
        "reader": actor(Role.READ_ONLY, owner.workspace, "a key"),
        "other": actor(name="olga@example.org"),
        "nowhere": Actor(id="nowhere", name="ATLAS_API_KEY", workspace="", role=Role.OWNER),
    }
    found.cookies = {"owner": owner, "member": found.keys["member"]}
    monkeypatch.setattr(callers, "actor_of_key", found.actor_of_key)
    return found


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendors]:
    """Slack, Telegram and SendGrid on loopback."""
    with SlackStandin() as slack, TelegramStandin() as telegram, SendgridStandin() as sendgrid:
        for standin in (slack, telegram, sendgrid):
            monkeypatch.setenv(f"ATLAS_UPSTREAM_{standin.upstream}", standin.base)
        yield Vendors(slack, telegram, sendgrid)


async def beneath(scope: Any, receive: Any, send: Any) -> None:
    """The app that the APIs stand before."""
    await PlainTextResponse("the app beneath")(scope, receive, send)


@asynccontextmanager
async def asking(people: People, key: str | None = "owner", **headers: str) -> AsyncIterator[Client]:
    """A client of the API that sends `key`."""
    app = apis.in_front_of(apis.build(people))(beneath)
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with Client(
        transport=httpx.ASGITransport(app=app), base_url=f"http://hub.test{PREFIX}", headers=headers
    ) as client:
        yield client


@pytest.fixture
def rpm() -> int:
    """How many changes a minute an actor may ask for."""
    return 0


@pytest.fixture
async def hub(tmp_path: Path, vendors: Vendors, rpm: int) -> AsyncIterator[Hub]:
    """A hub on SQLite."""
    async with open_hub(settings_for(tmp_path, rate_limit_rpm=rpm)) as the_hub:
        yield the_hub


@pytest.fixture
async def hub_without_database(tmp_path: Path, vendors: Vendors, rpm: int) -> AsyncIterator[Hub]:
    """A hub where DATABASE_URL is `none`."""
    async with open_hub(settings_for(tmp_path, database_url="none", rate_limit_rpm=rpm)) as the_hub:
        yield the_hub


@pytest.fixture
async def client(hub: Hub, people: People) -> AsyncIterator[Client]:
    """The owner's client."""
    async with asking(people) as the_client:
        yield the_client
