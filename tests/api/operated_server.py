"""Granian with the workers of `operated`, in a process of its own, and the JSON lines that it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.crash.killed import ROOT, environment, free_port

ADMIN = "/api/v1/admin/integrations"
PATIENCE = 120


@dataclass(frozen=True)
class Server:
    """A server that answers. `log` has what it wrote."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log that are JSON."""
        found = []
        for line in self.log.read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found


@contextmanager
def served(folder: Path, *, workers: int = 1, database: str = "", port: int = 0, **env: str) -> Iterator[Server]:
    """A server until the test is over; SIGKILL at the end at the latest."""
    port, log = port or free_port(), folder / "server.log"
    given = environment(folder, database or f"sqlite:///{folder / 'atlas.db'}", ATLAS_LOG_FORMAT="json", **env)
    words = ["granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port)]
    words += ["--workers", str(workers), "--workers-kill-timeout", "30", "--log-level", "warning"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "tests.api.operated:app"],
            env=given,
            cwd=ROOT,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    server = Server(port, process, log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _is_ready(server):
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _is_ready(server: Server) -> bool:
    if server.process.poll() is not None:
        raise RuntimeError(server.log.read_text()[-3000:])
    with suppress(httpx.TransportError):
        return httpx.get(f"{server.base}/readyz", trust_env=False).status_code == 200  # noqa: TID251  # a probe
    return False
