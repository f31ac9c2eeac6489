"""A page that was built ahead, as in the container: served at once without npm, and stopped gracefully."""

from __future__ import annotations

import json
import signal
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from simple_websocket import Client, ConnectionClosed

from tests.e2e.ground import FIRST_PATIENCE, environment, free_port, lay, settings_in, started

pytestmark = pytest.mark.e2e


def reason_of_the_end(page: Client) -> int:
    """Why the server closed a websocket."""
    try:
        while page.receive(timeout=30) is not None:
            pass
    except ConnectionClosed as closed:
        return int(closed.reason)
    raise AssertionError("The websocket stayed open.")


def test_a_built_page_is_served_without_building_and_ends_with_0(tmp_path: Path) -> None:
    lay(tmp_path)
    port, log = free_port(), tmp_path / "serve.log"
    env = environment(PORT=str(port), ATLAS_LOG_FORMAT="json", **settings_in(tmp_path / "hub"))
    command = [sys.executable, "-m", "atlas_hub", "serve", "--json"]
    with started(command, env=env, log=log, cwd=tmp_path, piped=True) as process:
        killer = threading.Timer(FIRST_PATIENCE, process.kill)
        killer.start()
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert "Building" not in log.read_text()
        assert not (tmp_path / ".web" / "node_modules").exists()
        for path in ("/healthz", "/readyz", "/admin/integrations"):
            with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=30) as answer:  # our own address
                assert answer.status == 200
        origin = {"Origin": told["url"]}
        page = Client(f"ws://localhost:{port}/_event/?EIO=4&transport=websocket&token=t", headers=origin)
        assert str(page.receive(timeout=30)).startswith("0{")
        process.send_signal(signal.SIGTERM)
        assert reason_of_the_end(page) == 1012
        assert process.wait(60) == 0
        killer.cancel()
    assert "Stopping:" in log.read_text()
