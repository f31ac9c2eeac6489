"""Several workers do each thing once, and what a killed or stopped one had begun is done by another."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest

from atlas_hub.kit.ids import new_id
from atlas_hub.storage.executors import file_beside
from tests.conftest import open_hub, test_settings
from tests.crash.killed import environment, kill, running, wait_for_line, wait_until

CHILD = "tests.crash.engine_child"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where the workers write what they do."""
    path = tmp_path / "notes"
    path.touch()
    return path


def worker(name: str, how: str, notes: Path, database_url: str, *rows: str) -> AbstractContextManager[Popen[str]]:
    return running(CHILD, name, str(notes), how, *rows, env=environment(notes.parent, database_url))


def lines(notes: Path) -> list[str]:
    return notes.read_text().splitlines()


@pytest.mark.parametrize("other", ["there", "started afterwards"])
def test_work_of_a_killed_worker_is_done_by_another_and_not_before(notes: Path, database_url: str, other: str):
    row = new_id()
    with worker("a", "hold", notes, database_url, row) as a:
        wait_for_line(a, "working")
        if other == "there":
            with worker("b", "do", notes, database_url, row) as b:
                wait_for_line(b, "started")
                signal_free_wait()
                assert [line for line in lines(notes) if row in line] == [f"a begins {row}"]
                kill(a)
                wait_until(lambda: f"b ends {row}" in lines(notes))
        else:
            kill(a)
    if other != "there":
        with worker("b", "do", notes, database_url) as b:
            wait_for_line(b, "started")
            wait_until(lambda: f"b ends {row}" in lines(notes))
    assert lines(notes).count(f"b begins {row}") == 1


def signal_free_wait() -> None:
    """Longer than a worker may be silent, so that a living one would be taken over by now if it were wrong."""
    asyncio.run(asyncio.sleep(6))


def test_a_worker_that_is_stopped_hands_back_what_it_has_not_done(notes: Path, database_url: str):
    row = new_id()
    with worker("a", "hold", notes, database_url, row) as a:
        wait_for_line(a, "working")
        os.kill(a.pid, signal.SIGTERM)
        assert a.wait(10) == 0
    with worker("b", "do", notes, database_url):
        wait_until(lambda: f"b ends {row}" in lines(notes))


def test_two_workers_do_each_row_once_at_a_time_and_a_sweep_once(notes: Path, database_url: str):
    rows = [new_id() for _ in range(40)]
    with (
        worker("a", "do", notes, database_url, *rows) as a,
        worker("b", "do", notes, database_url, *rows) as b,
    ):
        for child in (a, b):
            wait_for_line(child, "started")
        wait_until(lambda: all(any(line.endswith(f"ends {row}") for line in lines(notes)) for row in rows))
        asyncio.run(asyncio.sleep(2))
    said = lines(notes)
    for row in rows:
        own = [line.split()[1] for line in said if line.endswith(row)]
        assert own == ["begins", "ends"] * (len(own) // 2)
    assert len([line for line in said if line.endswith("sweeps")]) == 1


async def test_the_file_of_the_engine_may_be_lost(notes: Path):
    url = f"sqlite:///{notes.parent / 'atlas.db'}"
    async with open_hub(test_settings(notes.parent, database_url=url)):
        pass
    row = new_id()
    file = file_beside(str(notes.parent / "atlas.db"))
    for name in ("a", "b"):
        with worker(name, "do", notes, url, row) as process:
            await asyncio.to_thread(wait_until, lambda name=name: f"{name} ends {row}" in lines(notes))
            kill(process)
        file.unlink()


@pytest.mark.postgres
def test_a_database_that_goes_away_and_comes_back_ends_no_worker(notes: Path, postgres_url: str, postgres_server: str):
    name, row = postgres_url.rpartition("/")[2], new_id()
    with (
        psycopg.connect(postgres_server, autocommit=True) as server,
        worker("a", "do", notes, postgres_url) as a,
    ):
        wait_for_line(a, "started")
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        asyncio.run(asyncio.sleep(4))
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        with worker("b", "hold", notes, postgres_url, row) as b:
            wait_for_line(b, "started")
            kill(b)
        wait_until(lambda: f"a ends {row}" in lines(notes))
        assert a.poll() is None
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        os.kill(a.pid, signal.SIGTERM)
        assert a.wait(10) == 0
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
