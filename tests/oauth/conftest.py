"""A hub on each database, whose vendors have consent pages."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from atlas_hub import api as apis
from atlas_hub import hub as hubs
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for
from tests.oauth.ground import ADDRESS, ROUTE, Clock, Ground, Sessions, Vendors
from tests.standins import slack_seed
from tests.standins.discord import DiscordStandin
from tests.standins.slack import SlackStandin
from tests.standins.teams import TeamsStandin


@pytest.fixture(scope="session")
def _standins() -> Iterator[Vendors]:
    with ExitStack() as running:
        yield Vendors(*(running.enter_context(kind()) for kind in (SlackStandin, TeamsStandin, DiscordStandin)))


@pytest.fixture
def vendors(_standins: Vendors, monkeypatch: pytest.MonkeyPatch) -> Vendors:
    """The vendors as they are at first; a hub finds them, and the operator's apps."""
    _standins.reset()
    for standin in (_standins.slack, _standins.teams, _standins.discord):
        for name, value in {**standin.env, **standin.app_env}.items():
            monkeypatch.setenv(name, value)
    return _standins


@pytest.fixture
def rotating(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's app of Slack is one whose tokens end."""
    monkeypatch.setenv("SLACK_CLIENT_ID", slack_seed.ROTATING_APP)
    monkeypatch.setenv("SLACK_CLIENT_SECRET", slack_seed.ROTATING_SECRET)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables in it, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")

    async def make() -> None:
        async with open_hub(settings_for(folder)):
            pass

    asyncio.run(make())
    return folder / "atlas.db"


async def _beneath(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("the app beneath")(scope, receive, send)


@asynccontextmanager
async def _standing(vendors: Vendors, folder: Path, route: str | None, **settings: Any) -> AsyncIterator[Ground]:
    clock, sessions, owner = Clock(), Sessions(), actor()
    sessions.people["owner"] = owner
    given = settings_for(folder, **{"public_url": ADDRESS, **settings})
    async with hubs.opened(given, clock=clock) as hub:
        app = apis.in_front_of(apis.build(sessions, route))(_beneath)
        yield Ground(hub, vendors, sessions, app, clock, owner)


@pytest.fixture
def public_url() -> str:
    """ATLAS_PUBLIC_URL."""
    return ADDRESS


@pytest.fixture
def route() -> str | None:
    """Where the page is; None for a panel of a host's."""
    return ROUTE


@pytest.fixture
async def ground(
    vendors: Vendors, tmp_path: Path, migrated: Path, public_url: str, route: str | None
) -> AsyncIterator[Ground]:
    """On SQLite."""
    shutil.copy(migrated, tmp_path / "atlas.db")
    async with _standing(vendors, tmp_path, route, public_url=public_url) as made:
        yield made


@pytest.fixture
async def each_ground(vendors: Vendors, tmp_path: Path, database_url: str) -> AsyncIterator[Ground]:
    """On SQLite, and once more on PostgreSQL."""
    async with _standing(vendors, tmp_path, ROUTE, database_url=database_url) as made:
        yield made
