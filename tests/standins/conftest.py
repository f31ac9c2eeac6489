"""The stand-ins that the tests of this directory ask for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.standin import Standin
from tests.standins.telegram import TelegramStandin


@pytest.fixture(scope="module", params=[SlackStandin, TelegramStandin, SendgridStandin], ids=lambda kind: kind.upstream)
def running(request) -> Iterator[Standin]:
    with request.param() as standin:
        yield standin


@pytest.fixture
def standin(running: Standin) -> Iterator[Standin]:
    yield running
    running.reset()


@pytest.fixture(scope="module")
def slack_running() -> Iterator[SlackStandin]:
    with SlackStandin() as started:
        yield started


@pytest.fixture
def slack(slack_running: SlackStandin) -> Iterator[SlackStandin]:
    yield slack_running
    slack_running.reset()


@pytest.fixture
def bots() -> Iterator[TelegramStandin]:
    with TelegramStandin() as started:
        yield started


@pytest.fixture
def mails() -> Iterator[SendgridStandin]:
    with SendgridStandin() as started:
        yield started


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield client
