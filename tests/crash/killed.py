"""Starts what is to be killed, waits until it is where it should be, and kills it without a word."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import KEY

ROOT = Path(__file__).parents[2]
PATIENCE = 30


def environment(folder: Path, database_url: str, **more: str) -> dict[str, str]:
    """A hub on this database and nothing else of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251  # a child's
    ours = {"DATABASE_URL": database_url, "ATLAS_DATA_DIR": str(folder), "ATLAS_ENCRYPTION_KEYS": KEY}
    return {**kept, **ours, "ATLAS_OUTBOUND_ALLOW": "127.0.0.0/8", "PYTHONPATH": str(ROOT), **more}


@contextmanager
def running(*words: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`python -m WORDS` in a group of its own, killed at the end at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=dict(env),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to it and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def wait_for_line(process: subprocess.Popen[str], line: str) -> None:
    """Wait until it prints a line. Raises where it ends, or takes too long, before."""
    killer = threading.Timer(PATIENCE, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        for said in process.stdout:
            if said.strip() == line:
                return
    finally:
        killer.cancel()
    raise RuntimeError(f"It ended before it said {line!r}.")


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that a thread or another process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class PrivateRedis:
    """A Redis of this test's own, which it may take away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, with nothing in it."""
        words = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port))

    def kill(self) -> None:
        """End at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
