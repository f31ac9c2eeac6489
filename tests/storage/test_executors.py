"""Where durable work is kept: its connections end with it."""

from __future__ import annotations

from sqlalchemy import text

from atlas_hub.storage import executors


def test_a_connection_that_a_thread_still_holds_is_closed_once_it_is_given_back(database_url: str) -> None:
    place = executors.open_place(database_url)
    held, pooled = place.connect(), place.connect()
    pooled.close()
    record = held._dbapi_connection._connection_record  # type: ignore[union-attr]
    executors.close_place(place)
    assert held.execute(text("SELECT 1")).scalar() == 1  # a thread of the engine's ends what it is at
    held.close()
    assert record is not None
    assert record.dbapi_connection is None
