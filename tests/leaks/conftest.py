"""Stores of a canary's own, which are searched whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from atlas_hub.hub import Hub
from tests.conftest import database_on, missing, open_hub, test_settings
from tests.crash.killed import PrivateRedis
from tests.standins.slack import SlackStandin


@pytest.fixture(scope="module")
def leaks_database(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with database_on(postgres_server, "leaks") as url:
        yield url


@pytest.fixture(scope="module")
def leaks_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that nobody else writes to, for it is searched whole."""
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
    except FileNotFoundError:
        missing("redis-server")
    yield server.url
    server.kill()


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackStandin]:
    """Slack on loopback."""
    with SlackStandin() as standin:
        monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", standin.base)
        yield standin


@pytest.fixture
async def hub(slack: SlackStandin, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub whose Slack is the stand-in."""
    async with open_hub(test_settings(tmp_path, rate_limit_rpm=0)) as opened:
        yield opened
