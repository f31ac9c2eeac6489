"""The engine for durable work on SQLite and PostgreSQL: what it does, how much at once, and what it never keeps."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from atlas_hub import engine
from atlas_hub.engine import Engine, Found, Job, Sweep, queue
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import Conflict
from atlas_hub.kit.ids import new_id
from atlas_hub.services import jobs
from atlas_hub.storage import executors
from atlas_hub.storage.installation import VERSION_TABLE
from atlas_hub.storage.models import HubModel
from tests.conftest import open_hub, test_settings
from tests.leaks import places

CANARY = "canary-6f1d2c9a7b"
NEVER = 10**9
"""Seconds between two ticks of a sweep that comes once."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(engine, "BEAT_SECONDS", 0.5)


async def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for something that the engine brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # threads and tasks that tell nobody
            await asyncio.sleep(0.02)


def running(hub: Hub, *given: Job | Sweep, works: bool = True) -> AbstractAsyncContextManager[Engine]:
    found = [each for each in given if isinstance(each, Job)], [each for each in given if isinstance(each, Sweep)]
    return engine.opened(hub, *found, works=works)


def noting(done: list[str]) -> Callable[[Hub, str], Awaitable[None]]:
    async def work(_: Hub, row_id: str) -> None:
        done.append(row_id)

    return work


async def rows(hub: Hub) -> list[Any]:
    """What is queued, runs or has ended."""

    def read() -> list[Any]:
        place = executors.open_place(hub.settings.database)
        table = f"{executors.SCHEMA}.workflow_status" if hub.db.postgres else "workflow_status"
        with place.connect() as connection:
            found = list(connection.execute(text(f"SELECT workflow_uuid, status, queue_name FROM {table}")).all())  # noqa: S608  # ours
        place.dispose()
        return found

    return await asyncio.to_thread(read)


async def test_a_job_is_done_at_once_and_a_sweep_finds_what_nobody_told(any_hub: Hub):
    done: list[str] = []
    told, found = new_id(), new_id()

    async def find(_: Hub) -> Found:
        return [("note", found)]

    async with running(any_hub, Job(name="note", work=noting(done)), Sweep(name="look", find=find, every=NEVER)) as it:
        await it.started.wait()
        any_hub.later("note", told)
        await until(lambda: len(done) == 2)
    assert sorted(done) == sorted([told, found])


async def test_no_more_than_its_number_run_at_once_and_no_row_twice(any_hub: Hub):
    present: list[str] = []
    most, begun = 0, 0

    async def work(_: Hub, row_id: str) -> None:
        nonlocal most, begun
        assert row_id not in present
        present.append(row_id)
        begun, most = begun + 1, max(most, len(present))
        await asyncio.sleep(0.3)
        present.remove(row_id)

    ids = [new_id() for _ in range(6)]
    async with running(any_hub, Job(name="slow", work=work, at_once=2)) as it:
        await it.started.wait()
        for row_id in ids * 3:
            any_hub.later("slow", row_id)
        await until(lambda: begun == 6 and not present)
        await asyncio.sleep(0.3)
    assert (most, begun) == (2, 6)


@pytest.mark.parametrize("error", [RuntimeError(CANARY), Conflict(CANARY), ValueError(CANARY.encode())])
async def test_what_a_job_raises_is_in_no_table_and_the_row_may_be_queued_again(
    any_hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
):
    begun: list[str] = []

    async def work(_: Hub, row_id: str) -> None:
        begun.append(row_id)
        raise error from KeyError(CANARY)

    row_id = new_id()
    async with running(any_hub, Job(name="fails", work=work)) as it:
        await it.started.wait()
        for times in (1, 2):
            any_hub.later("fails", row_id)
            await until(lambda times=times: len(begun) == times)
            await asyncio.sleep(0.5)
    kept = places.dump(any_hub.settings.database) if any_hub.db.postgres else places.sqlite(tmp_path)
    everything = b"\n".join(kept.values())
    assert row_id.encode() in everything
    assert b"failed" in everything
    assert (error.code if isinstance(error, Conflict) else type(error).__name__).encode() in everything
    assert CANARY.encode() not in everything
    assert not [record for record in caplog.records if record.name == "dbos"]
    assert caplog.text.count("Background work failed: job.fails") == 2


async def test_only_names_of_jobs_and_ids_of_rows_are_taken(hub: Hub):
    async with running(hub, Job(name="note", work=noting([]))):
        for job, row_id in (("other", new_id()), ("note", CANARY), ("note", "")):
            with pytest.raises(ValueError, match="nothing else"):
                hub.later(job, row_id)


async def test_what_ended_is_deleted_after_its_time_and_what_waits_is_not(
    any_hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queue, "BATCH", 2)
    done: list[str] = []
    held = asyncio.Event()

    async def hold(_: Hub, __: str) -> None:
        await held.wait()

    async with running(any_hub, Job(name="note", work=noting(done)), Job(name="hold", work=hold)) as it:
        await it.started.wait()
        any_hub.later("hold", new_id())
        for _ in range(5):
            any_hub.later("note", new_id())
        await until(lambda: len(done) == 5)
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(it.queue.clean, now() - timedelta(hours=1)) == 0
        assert await asyncio.to_thread(it.queue.clean, now() + timedelta(hours=1)) == 6  # and the sweep that cleans
        assert [(status, name) for _, status, name in await rows(any_hub)] == [("PENDING", "job.hold")]
        held.set()


async def test_a_stop_does_not_wait_for_what_runs_and_the_next_does_it(any_hub: Hub):
    begun: list[str] = []

    async def long(_: Hub, row_id: str) -> None:
        begun.append(row_id)
        await asyncio.sleep(600)

    row_id = new_id()
    async with running(any_hub, Job(name="it", work=long)) as it:
        await it.started.wait()
        any_hub.later("it", row_id)
        await until(lambda: begun)
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 10  # of the ten minutes that the job takes
    done: list[str] = []
    async with running(any_hub, Job(name="it", work=noting(done))):
        await until(lambda: done)
    assert done == [row_id]


async def test_a_process_that_does_no_work_passes_on_what_is_to_be_done(any_hub: Hub):
    done: list[str] = []
    job = Job(name="note", work=noting(done))
    async with running(any_hub, job) as it:
        await it.started.wait()
    row_id = new_id()
    async with running(any_hub, job, works=False) as it:
        await it.started.wait()
        any_hub.later("note", row_id)
        await until(lambda: not any_hub._tasks)
        await asyncio.sleep(0.5)
        assert not done
    async with running(any_hub, job):
        await until(lambda: done)
    assert done == [row_id]


async def test_a_nudge_that_cannot_be_passed_on_is_only_logged(hub: Hub, caplog: pytest.LogCaptureFixture):
    async with running(hub, Job(name="note", work=noting([])), works=False) as it:  # nobody has made the tables
        await it.started.wait()
        hub.later("note", new_id())
        await until(lambda: not hub._tasks)
    assert "The job note waits for its sweep" in caplog.text


async def test_without_a_database_nothing_starts(tmp_path: Path):
    async with open_hub(test_settings(tmp_path, database_url="none")) as hub, running(hub, *jobs.SWEEPS) as it:
        hub.later("anything", new_id())
        await asyncio.sleep(0.2)
        assert not it.started.is_set()
    assert not places.sqlite(tmp_path)


async def test_a_process_that_uses_dbos_itself_is_told_so_and_serves_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(queue, "_is_taken", lambda: True)
    async with running(hub) as it:
        await until(lambda: "ATLAS_WORKER=off" in caplog.text)
        assert not it.started.is_set()
        monkeypatch.undo()
        monkeypatch.setattr(engine, "BEAT_SECONDS", 0.5)
        await until(it.started.is_set)


async def test_migrations_do_not_see_its_tables(any_hub: Hub):
    async with running(any_hub, *jobs.SWEEPS) as it:
        await it.started.wait()
        async with any_hub.db.engine.connect() as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(
                    MigrationContext.configure(sync, opts={"version_table": VERSION_TABLE}), HubModel.metadata
                )
            )
    assert not [each for each in differences if "executor" in str(each) or "workflow" in str(each)]


def test_to_import_the_hub_is_not_to_import_the_engine() -> None:
    told = "import sys, json, atlas_hub.plugin, atlas_hub.services.jobs, atlas_hub.cli.worker, atlas_hub.ui.page\n"
    told += "import threading; print(json.dumps(['dbos' in sys.modules, threading.active_count()]))"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == [False, 1]


def test_every_kind_of_work_has_a_name_of_its_own() -> None:
    for kind in (jobs.JOBS, jobs.SWEEPS):
        names = [each.name for each in kind]
        assert len(set(names)) == len(names)
