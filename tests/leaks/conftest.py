"""Stores of a canary's own, which are searched whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import missing
from tests.crash.killed import PrivateRedis


@pytest.fixture(scope="module")
def leaks_database(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"atlas_leaks_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield postgres_server.rpartition("/")[0] + "/" + name
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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
