"""`atlas-hub worker` says that it works, and ends in order when it is told to."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from atlas_hub.cli import main
from tests.crash.killed import environment, running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_works_until_a_signal_and_exits_0(tmp_path: Path, database_url: str, number: signal.Signals) -> None:
    with running("atlas_hub", "worker", "--json", env=environment(tmp_path, database_url)) as process:
        assert process.stdout is not None
        assert set(json.loads(process.stdout.readline())) == {"worker"}
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "none", "ATLAS_DATA_DIR": str(tmp_path)}
    result = CliRunner().invoke(main, ["worker", "--json"], env=given)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "needs a database" in result.stderr
