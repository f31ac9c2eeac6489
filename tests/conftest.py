"""What every test may ask for: a hub on a real database, people, and vendors stood in for."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from atlas_hub import hub as hubs
from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Actor, Role
from atlas_hub.settings import Settings, load
from atlas_hub.storage import installation
from atlas_hub.storage.db import Db

POSTGRES = os.environ.get("ATLAS_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("ATLAS_TEST_REDIS", "redis://127.0.0.1:6379/9")
MUST_HAVE = os.environ.get("CI") == "true"
"""On CI a missing service fails; on a developer's machine its tests skip, and say so."""


def missing(what: str) -> None:
    """Skip here, fail on CI."""
    if MUST_HAVE:
        pytest.fail(f"{what} is not there, and on CI it must be.")
    pytest.skip(f"{what} is not there.")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's and the vendors' variables of whoever runs the tests change nothing."""
    for name in list(os.environ):
        if name.startswith(("ATLAS_UPSTREAM_", "ATLAS_DEPLOY", "SLACK_", "TEAMS_", "DISCORD_")) or name in {
            "DATABASE_URL",
            "ATLAS_API_KEY",
            "ATLAS_SMTP_URL",
            "ATLAS_EMAIL_FROM",
            "RESEND_API_KEY",
            "WHATSAPP_GRAPH_VERSION",
            "ATLAS_ENCRYPTION_KEYS",
            "ATLAS_PUBLIC_URL",
            "REFLEX_REDIS_URL",
            "ATLAS_RATE_LIMIT_RPM",
            "ATLAS_OUTBOUND_ALLOW",
            "ATLAS_TRUSTED_PROXIES",
            "ATLAS_METRICS_TOKEN",
            "ATLAS_LOG_FORMAT",
            "ATLAS_WORKER",
            "GRANIAN_WORKERS",
            "HOST",
            "PORT",
        }:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a PostgreSQL where databases may be made."""
    try:
        with psycopg.connect(POSTGRES, connect_timeout=3):
            return POSTGRES
    except psycopg.OperationalError:
        missing("PostgreSQL")
        raise


@contextmanager
def database_on(server: str, kind: str, template: str = "template1") -> Iterator[str]:
    """The URL of a database that a PostgreSQL has for `kind` alone: a copy of `template`, dropped afterwards."""
    name = f"atlas_{kind}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.rpartition("/")[0] + "/" + name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped afterwards."""
    with database_on(postgres_server, "test") as url:
        yield url


def migrated(url: str) -> None:
    """Bring a database to the newest tables; each test begins with a copy of one, which is quicker."""

    async def migrate() -> None:
        db = Db(url)
        try:
            await installation.migrate(db)
        finally:
            await db.close()

    with ThreadPoolExecutor(1) as thread:  # whoever asks may run an event loop
        thread.submit(asyncio.run, migrate()).result()


@cache
def migrated_file() -> Path:
    """A SQLite file with the newest tables and nothing in them."""
    folder = Path(tempfile.mkdtemp(prefix="atlas_test_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrated(f"sqlite:///{folder / 'atlas.db'}")
    return folder / "atlas.db"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """The name of a PostgreSQL database with the newest tables and nothing in them."""
    with database_on(postgres_server, "test_template") as url:
        migrated(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def migrated_postgres_url(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """A PostgreSQL database of the test's own, migrated, dropped afterwards."""
    with database_on(postgres_server, "test", migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind: ask for this where the engine could matter."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'atlas.db'}"
    return request.getfixturevalue("migrated_postgres_url")


@pytest.fixture
def redis_url() -> str:
    """A Redis to use."""
    try:
        with Redis.from_url(REDIS, socket_connect_timeout=2) as redis:
            redis.ping()
    except RedisError:
        missing("Redis")
    return REDIS


KEY = "v1:digdCaEBHTq3pJ2yPyYJ4IpDw+lzJIrQJQin9y6PYfc="
"""A fixed key of 32 bytes, for tests alone."""


def test_settings(tmp_path: Path, **overrides: object) -> Settings:
    """Settings of a hub in a folder of its own."""
    given = {"data_dir": tmp_path, "encryption_keys": KEY, "outbound_allow": "127.0.0.0/8", **overrides}
    return load(**given)


test_settings.__test__ = False  # type: ignore[attr-defined]  # a maker of settings, not a test


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings on a SQLite file of the test's own."""
    return test_settings(tmp_path)


@asynccontextmanager
async def open_hub(settings: Settings) -> AsyncIterator[Hub]:
    """A hub, migrated and open; where its SQLite file is not there yet, it begins with a copy of one that is ready."""
    file = Path(settings.database.removeprefix("sqlite:///")) if settings.has_database else None
    if settings.database.startswith("sqlite:///") and file is not None and not file.exists() and file.parent.is_dir():
        shutil.copyfile(migrated_file(), file)
    async with hubs.opened(settings) as hub:
        yield hub


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    """A hub on SQLite."""
    async with open_hub(settings) as the_hub:
        yield the_hub


@pytest.fixture
async def any_hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub on SQLite, and once more on PostgreSQL."""
    async with open_hub(test_settings(tmp_path, database_url=database_url)) as the_hub:
        yield the_hub


def actor(role: Role = Role.OWNER, workspace: str | None = None, name: str = "ana@example.com") -> Actor:
    """Someone in a workspace of their own, unless one is given."""
    return Actor(id=new_id(), name=name, workspace=workspace or new_id(), workspace_name="Acme", role=role)


@pytest.fixture
def owner() -> Actor:
    """The owner of a workspace."""
    return actor()


@pytest.fixture
def member(owner: Actor) -> Actor:
    """A member of the owner's workspace."""
    return actor(Role.MEMBER, owner.workspace, "mo@example.com")


@pytest.fixture
def other_owner() -> Actor:
    """The owner of another workspace."""
    return actor(name="olga@example.org")
