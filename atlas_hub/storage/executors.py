"""Where the engine for durable work keeps its tables, and who of its workers is alive.

Not among the hub's tables: on PostgreSQL a schema of their own in the same database, on SQLite a file beside the
hub's. What is here is synchronous, as the engine is, and called from threads alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.pool import ConnectionPoolEntry

from atlas_hub.storage.db import CONNECT_SECONDS, SQLITE_BUSY_MS

Place = Engine
"""Where durable work is kept, opened."""

SCHEMA: Final = "atlas_hub_engine"
POOL_SIZE: Final = 4
"""One is held by the engine's own clock; the others take turns."""
_LOCK: Final = 0x61746C6174  # for PostgreSQL's advisory lock: of workers that start at once, one makes the table
_CLOCK: Final = {
    "postgresql": "extract(epoch from clock_timestamp())",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
"""The database's own, as those of several machines differ."""


def file_beside(database: str) -> Path:
    """The engine's SQLite file beside the hub's: `atlas.engine.db` beside `atlas.db`."""
    hub = Path(database)
    return hub.with_name(f"{hub.stem}.engine.db")


def open_place(url: str) -> Place:
    """An engine on the place where durable work is kept, made where it is not there. Raises `Unreachable`."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        parsed = parsed.update_query_dict({"connect_timeout": str(CONNECT_SECONDS), **parsed.query})
        place = create_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True, hide_parameters=True)
    else:
        beside = str(file_beside(parsed.database or ""))
        parsed = parsed.set(drivername="sqlite", database=beside)
        place = create_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, hide_parameters=True)
        event.listen(place, "connect", _prepare_sqlite)
    try:
        _make(place)
    except BaseException:
        close_place(place)
        raise
    return place


def close_place(place: Place) -> None:
    """Close every connection: those in the pool now, and those that a thread still holds once it gives them back."""
    event.listen(place, "checkin", _close)
    place.dispose()


def _close(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.close()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # A transaction that will write must hold the lock from its start, or two of them refuse each other.
    connection.isolation_level = "IMMEDIATE"
    for pragma in (f"busy_timeout={SQLITE_BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _make(place: Place) -> None:
    with place.begin() as connection:
        if place.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            # Asked first, as IF NOT EXISTS wants the right to create also where there is nothing to create.
            there = connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": SCHEMA})
            if there.scalar() is None:
                connection.execute(text(f'CREATE SCHEMA "{SCHEMA}"'))
            if connection.execute(text("SELECT to_regclass(:name)"), {"name": _table(place)}).scalar() is not None:
                return
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS {_table(place)} "
                "(executor_id VARCHAR(64) PRIMARY KEY, seen_at DOUBLE PRECISION NOT NULL)"
            )
        )


def _table(place: Place) -> str:
    return f"{SCHEMA}.atlas_executor" if place.dialect.name == "postgresql" else "atlas_executor"


def beat(place: Place, executor_id: str) -> None:
    """Note that a worker is alive now. Raises `Unreachable`."""
    statement = (
        f"INSERT INTO {_table(place)} (executor_id, seen_at) VALUES (:id, {_CLOCK[place.dialect.name]}) "  # noqa: S608  # names of ours
        "ON CONFLICT (executor_id) DO UPDATE SET seen_at = excluded.seen_at"
    )
    with place.begin() as connection:
        connection.execute(text(statement), {"id": executor_id})


def alive(place: Place, seconds: float) -> set[str]:
    """The workers that were seen within some seconds. Raises `Unreachable`."""
    statement = f"SELECT executor_id FROM {_table(place)} WHERE seen_at > {_CLOCK[place.dialect.name]} - :seconds"  # noqa: S608  # same
    with place.connect() as connection:
        return set(connection.execute(text(statement), {"seconds": seconds}).scalars())


def forget(place: Place, *, executor_id: str = "", seconds: float = 0) -> None:
    """Delete a worker that ends, or all that were not seen for some seconds. Raises `Unreachable`."""
    old = f"executor_id = :id OR (:seconds > 0 AND seen_at < {_CLOCK[place.dialect.name]} - :seconds)"
    with place.begin() as connection:
        connection.execute(
            text(f"DELETE FROM {_table(place)} WHERE {old}"),  # noqa: S608  # same
            {"id": executor_id, "seconds": seconds},
        )
