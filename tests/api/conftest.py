"""The admin API in front of an app, a hub with its vendors on loopback, and callers of every kind."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from atlas_hub import api as apis
from atlas_hub.api import callers
from atlas_hub.api.activity import MEDIA
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Forbidden, NotAvailable, Unauthenticated
from atlas_hub.providers.contract import Form
from atlas_hub.services import refused
from atlas_hub.services.access import Actor, Role
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for
from tests.providers.entries import ENTRIES
from tests.providers.entries.entry import Entry
from tests.standins import every_standin
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
    """Every vendor, stood in: `kinds` by the stand-in's class, `entries` by the entry of the contract suite."""

    kinds: Mapping[Any, Any]
    entries: Mapping[str, Any]

    def of(self, entry: Entry) -> Any:
        return self.entries[entry.id]

    @property
    def slack(self) -> SlackStandin:
        return self.kinds[SlackStandin]

    @property
    def telegram(self) -> TelegramStandin:
        return self.kinds[TelegramStandin]

    @property
    def sendgrid(self) -> SendgridStandin:
        return self.kinds[SendgridStandin]

    def reset(self) -> None:
        for standin in self.kinds.values():
            standin.reset()
        for entry in ENTRIES:
            entry.mend(self.of(entry))


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    """An owner, a member, a read-only key, the owner of another workspace, someone without one."""
    owner = replace(actor(), workspace_name="Widgets of Ana")  # a name that no vendor uses
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


@pytest.fixture(scope="session")
def standins() -> Iterator[Vendors]:
    """The vendors on loopback, for all tests: to start them for each would cost more than the tests do."""
    with ExitStack() as running:
        kinds = {kind: running.enter_context(kind()) for kind in every_standin()}
        entries: dict[str, Any] = {}
        for entry in ENTRIES:
            if entry.standin not in kinds:
                kinds[entry.standin] = running.enter_context(entry.standin())
            entries[entry.id] = kinds[entry.standin]
        yield Vendors(kinds, entries)


@pytest.fixture
def vendors(standins: Vendors, monkeypatch: pytest.MonkeyPatch) -> Vendors:
    """The vendors as they are at first, and the variables by which a hub finds them; no mail from the environment."""
    standins.reset()
    for name in ("ATLAS_SMTP_URL", "ATLAS_EMAIL_FROM", "RESEND_API_KEY", "WHATSAPP_GRAPH_VERSION"):
        monkeypatch.delenv(name, raising=False)
    for standin in standins.kinds.values():
        for name, value in getattr(standin, "env", {}).items():
            monkeypatch.setenv(name, value)
    for entry in ENTRIES:
        for name, value in entry.variables(standins.of(entry)).items():
            monkeypatch.setenv(name, value)
    return standins


async def forgive(hub: Hub, form: Form) -> None:
    """Let secrets be sent again that a vendor refused: a test asks with the same ones in many troubles."""
    for secret in form.given_secrets().values():
        known = hub.vault.fingerprint(secret).partition(":")[2]
        await hub.limits.forget(refused.WHAT, known, times=1, seconds=refused.SECONDS)


async def beneath(scope: Any, receive: Any, send: Any) -> None:
    """The app that the APIs stand before."""
    await PlainTextResponse("the app beneath")(scope, receive, send)


class Now:
    """The people of the test that runs now."""

    people: People | None = None

    async def actor_of_request(self, request: Request) -> Actor | None:
        assert self.people is not None
        return await self.people.actor_of_request(request)


NOW = Now()


@cache
def the_apis() -> Any:
    """The APIs in front of an app, built once: that takes longer than most tests."""
    return apis.in_front_of(apis.build(NOW))(beneath)


@asynccontextmanager
async def asking(people: People, key: str | None = "owner", **headers: str) -> AsyncIterator[Client]:
    """A client of the API that sends `key`."""
    NOW.people = people
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with Client(
        transport=httpx.ASGITransport(app=the_apis()),
        base_url=f"http://hub.test{PREFIX}",
        headers=headers,
        event_hooks={"response": [_as_every_answer]},
    ) as client:
        yield client


async def _as_every_answer(answer: httpx.Response) -> None:
    """What holds for every answer of the API: an id of ours, which an error's body repeats, and nothing kept."""
    await answer.aread()
    if not answer.url.path.startswith(f"{PREFIX}/"):
        return
    assert UUID(answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"
    file = answer.is_success and answer.url.path.endswith("/export")
    assert answer.headers["content-type"] in (MEDIA.values() if file else {"application/json"})
    if answer.is_error and answer.content:
        said = answer.json()
        assert said["requestId"] == answer.headers["x-request-id"]
        assert said["error"]
        assert said["message"].endswith(".")
        wait = said.get("retryAfterSeconds")
        assert answer.headers.get("retry-after") == (None if wait is None else str(wait))
        assert all(detail["message"].endswith(".") for detail in said.get("details", ()))


@pytest.fixture
def rpm() -> int:
    """How many changes a minute an actor may ask for."""
    return 0


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables in it, to be copied: migrating is most of what opening a hub costs."""
    folder = tmp_path_factory.mktemp("migrated")

    async def make() -> None:
        async with open_hub(settings_for(folder)):
            pass

    asyncio.run(make())
    return folder / "atlas.db"


@pytest.fixture
async def hub(tmp_path: Path, migrated: Path, vendors: Vendors, rpm: int) -> AsyncIterator[Hub]:
    """A hub on SQLite."""
    shutil.copy(migrated, tmp_path / "atlas.db")
    async with open_hub(settings_for(tmp_path, rate_limit_rpm=rpm)) as the_hub:
        yield the_hub


@pytest.fixture
async def each_hub(database_url: str, tmp_path: Path, vendors: Vendors) -> AsyncIterator[Hub]:
    """A hub on SQLite, and once more on PostgreSQL."""
    async with open_hub(settings_for(tmp_path, database_url=database_url, rate_limit_rpm=0)) as the_hub:
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
