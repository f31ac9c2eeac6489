"""The database: one async engine, `transaction()` for verbs, `reading()` for answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, event
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import TypeDecorator

from atlas_hub.kit.errors import BadForm

Tx = AsyncSession
"""An open transaction. Only this module commits."""

Ask = AsyncConnection
"""A connection for one query."""

Broken = IntegrityError
"""A unique constraint said no: `constraint_of` tells which."""

Unreachable = (OperationalError, InterfaceError, PoolTimeout)
"""The database did not answer, has no connection left, or its disk is full."""

POOL_SIZE = 12
"""All that are opened stay open: one more for a moment would cost more than the query it is for."""
SQLITE_BUSY_MS = 10_000
CONNECT_SECONDS = 10
"""How long PostgreSQL may take to let us in, its part of the handshake included; the address may say another."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in, UTC out, on every database (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # same
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value


def async_url(url: str) -> URL:
    """The URL with the driver the async engine wants: `sqlite+aiosqlite` or `postgresql+psycopg`."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}.get(backend)
    if driver is None:
        raise ValueError(f"DATABASE_URL: {backend} is not supported. Use sqlite or postgresql.")
    return parsed.set(drivername=driver)


def is_there(url: str) -> bool:
    """Whether there is anything to open: False for the SQLite file that opening would make.

    Raises `BadForm` where the URL cannot be read; its text has no part of it.
    """
    try:
        parsed = async_url(url)
    except ArgumentError:
        fault = "DATABASE_URL: this is not the address of a database. Write it like postgresql://user@host/name."
        raise BadForm({"DATABASE_URL": fault}) from None
    except ValueError as error:
        raise BadForm({"DATABASE_URL": str(error)}) from None
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


class Db:
    """The open database of this process. Made inside the event loop that uses it, closed by `close()`."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = make_engine(url, alone=True)
        self.postgres = self._engine.dialect.name == "postgresql"
        together = {"isolation_level": "READ COMMITTED"} if self.postgres else {"begin": "IMMEDIATE"}
        self._writes = async_sessionmaker(self._engine.execution_options(**together), expire_on_commit=False)
        self._reads = async_sessionmaker(self._engine, expire_on_commit=False, autoflush=False)
        self._single = self._engine if self.postgres else self._engine.execution_options(begin="")
        # SQLite reads so anyway, from a transaction's first query on.
        still = {"isolation_level": "REPEATABLE READ"} if self.postgres else {}
        self._still = self._engine.execution_options(**still)

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for tests that count statements. On PostgreSQL each statement on it stands alone."""
        return self._engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One verb's transaction: committed at the end, rolled back on any error.

        On SQLite it takes the write lock at its start, so that a read inside it cannot be overtaken.
        """
        async with self._writes() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A session for queries alone. What is changed in it is not written."""
        async with self._reads() as session:
            yield session

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Ask]:
        """A connection for one query alone: with nothing to begin and nothing to roll back, it costs half."""
        async with self._single.connect() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Ask]:
        """A connection whose queries all see the database as it was at the first of them."""
        async with self._still.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def make_engine(url: str, *, alone: bool = False) -> AsyncEngine:
    """An async engine for the URL, with the hub's SQLite settings (WAL, busy timeout, foreign keys).

    `alone`: on PostgreSQL each statement is its own transaction unless an option says otherwise. Most of what the hub
    asks is one query, and to switch a connection to and fro costs as much of the processor as a query does.
    """
    parsed = async_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.update_query_dict({"connect_timeout": str(CONNECT_SECONDS), **parsed.query})
        each = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True} if alone else {}
        return create_async_engine(
            parsed, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True, hide_parameters=True, **each
        )
    engine = create_async_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_MS / 1000},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes too late for a transaction that reads before it writes.
    connection.isolation_level = None
    # Text that is no UTF-8, which the hub never writes, must not keep the rows beside it from being read.
    connection.driver_connection.text_factory = _text
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


_text = partial(str, encoding="utf-8", errors="surrogateescape")


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "DEFERRED")
    if mode:
        connection.exec_driver_sql(f"BEGIN {mode}")


async def insert_once(tx: Tx | Ask, model: Any, **values: Any) -> bool:
    """Insert a row unless its primary key is there already, also where two insert it at once. True where it was new."""
    dialect = tx.dialect if isinstance(tx, AsyncConnection) else tx.get_bind().dialect
    insert = postgres_insert if dialect.name == "postgresql" else sqlite_insert
    table = model.__table__
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return (await tx.execute(statement)).first() is not None


def constraint_of(error: IntegrityError) -> str:
    """What a broken constraint is called: its name on PostgreSQL, its columns on SQLite, in lower case."""
    diagnostics = getattr(error.orig, "diag", None)
    name = getattr(diagnostics, "constraint_name", None)
    return str(name or error.orig).lower()
