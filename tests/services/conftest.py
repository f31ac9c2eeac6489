"""A hub whose vendors are stood in for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from atlas_hub.hub import Hub
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.telegram import TelegramStandin


@pytest.fixture
def slack() -> Iterator[SlackStandin]:
    with SlackStandin() as standin:
        yield standin


@pytest.fixture
def telegram() -> Iterator[TelegramStandin]:
    with TelegramStandin() as standin:
        yield standin


@pytest.fixture
def sendgrid() -> Iterator[SendgridStandin]:
    with SendgridStandin() as standin:
        yield standin


@pytest.fixture
async def vendors(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    slack: SlackStandin,
    telegram: TelegramStandin,
    sendgrid: SendgridStandin,
) -> AsyncIterator[Hub]:
    """A hub on each database, its vendors on loopback."""
    for standin in (slack, telegram, sendgrid):
        monkeypatch.setenv(f"ATLAS_UPSTREAM_{standin.upstream}", standin.base)
    async with open_hub(settings_for(tmp_path, database_url=database_url)) as hub:
        yield hub
