"""Reading the audit log: its queries follow the unique index of workspace and seq, and hold one batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.storage import activity, audit
from atlas_hub.storage.activity import Filters

INDEX = {False: "sqlite_autoindex_atlas_hub_audit_event_", True: "uq_atlas_hub_audit_event_workspace_seq"}


async def noted(hub: Hub, workspace: str, times: int) -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace)
        for _ in range(times):
            await audit.append(tx, head, kind="checked", actor="ana", at=hub.now())


@contextmanager
def asked(hub: Hub) -> Iterator[list[tuple[str, Any]]]:
    """The statements that read events, as the driver gets them."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, said: Any, *_: Any) -> None:
        if "FROM atlas_hub_audit_event" in sql:
            seen.append((sql, said))

    event.listen(hub.db.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(hub.db.engine.sync_engine, "before_cursor_execute", note)


async def plan(hub: Hub, sql: str, said: Any) -> str:
    """How the database would find the rows, were there many."""
    async with hub.db.engine.connect() as connection:
        if hub.db.postgres:
            for way in ("seqscan", "bitmapscan"):
                await connection.execute(text(f"SET LOCAL enable_{way} = off"))
        explain = "EXPLAIN " if hub.db.postgres else "EXPLAIN QUERY PLAN "
        return "\n".join(str(row) for row in await connection.exec_driver_sql(explain + sql, said))


async def test_pages_and_walks_follow_the_index_and_sort_nothing(any_hub: Hub) -> None:
    workspace = new_id()
    await noted(any_hub, workspace, 5)
    filters = Filters(kind="checked", actor="a")
    with asked(any_hub) as seen:
        async with any_hub.db.reading() as tx:
            await activity.page(tx, workspace, filters, limit=2)
            await activity.page(tx, workspace, filters, before=4, limit=2)
            await activity.page(tx, workspace, filters, after=2, limit=2)
        _ = [batch async for batch in activity.batches(any_hub.db, workspace, filters)]
    assert len(seen) == 5
    for sql, said in seen:
        found = await plan(any_hub, sql, said)
        assert INDEX[any_hub.db.postgres] in found
        assert "Sort" not in found
        assert "TEMP B-TREE" not in found


async def test_a_walk_sees_every_event_once_in_batches(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "BATCH", 3)
    workspace = new_id()
    await noted(any_hub, workspace, 7)
    await noted(any_hub, new_id(), 2)
    found = [batch async for batch in activity.batches(any_hub.db, workspace, Filters())]
    assert [[each["seq"] for each in batch] for batch in found] == [[1, 2, 3], [4, 5, 6], [7]]
