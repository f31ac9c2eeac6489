"""The hub as it is served in production, as talkative as it can be made, with everything it says kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import KEY
from tests.e2e import ground


@dataclass(frozen=True)
class Site:
    """A hub that is served. `printed` is its standard output, `folder` where its logs and its data are."""

    port: int
    folder: Path
    cwd: Path
    env: Mapping[str, str]
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://localhost:{self.port}"

    @property
    def printed(self) -> bytes:
        """What it wrote to standard output."""
        return (self.folder / "stdout").read_bytes()

    def said(self) -> dict[str, bytes]:
        """What it wrote to standard error and to the log file."""
        return {name: (self.folder / name).read_bytes() for name in ("stderr", "reflex.log")}

    def command(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        """Run `atlas-hub` on its database."""
        command = [sys.executable, "-m", "atlas_hub", *words]
        return subprocess.run(
            command, env=dict(self.env), cwd=self.cwd, input=stdin.encode(), capture_output=True, timeout=60, check=True
        )

    def stop(self) -> None:
        """End it and its workers."""
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)


def environment(port: int, folder: Path, **more: str) -> dict[str, str]:
    """What it is started with: nothing of the hub's from whoever runs the tests; every log there is, in full."""
    ours = {
        "PORT": str(port),
        "ATLAS_PUBLIC_URL": f"http://localhost:{port}",
        "ATLAS_DATA_DIR": str(folder),
        "ATLAS_RATE_LIMIT_RPM": "0",
        "ATLAS_API_RATE_LIMIT_RPM": "0",
        "ATLAS_OUTBOUND_ALLOW": "127.0.0.0/8",
        "ATLAS_ENCRYPTION_KEYS": KEY,
        "REFLEX_LOGLEVEL": "debug",
        "REFLEX_LOG_FILE": str(folder / "reflex.log"),
        "REFLEX_ENABLE_FULL_LOGGING": "1",
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return ground.environment(**{**ours, **more})


@contextmanager
def served(folder: Path, *, page: bool, **env: str) -> Iterator[Site]:
    """A hub. With `page` by its own command; without it the server alone."""
    cwd = folder / "served"
    ground.lay(cwd)
    port = ground.free_port()
    (folder / "reflex.log").touch()
    whole = environment(port, folder, **env)
    command = [sys.executable, "-m", "atlas_hub", "serve", "--json"]
    if not page:
        command = [sys.executable, "-m", "reflex", "run", "--env", "prod", "--backend-only"]
        command += ["--backend-host", "127.0.0.1", "--backend-port", str(port)]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(command, env=whole, cwd=cwd, stdout=out, stderr=err, start_new_session=True)
    site = Site(port, folder, cwd, whole, process)
    try:
        _wait(site, ground.FIRST_PATIENCE if page else ground.PATIENCE, link=page)
        yield site
    finally:
        site.stop()


def _wait(site: Site, patience: int, *, link: bool) -> None:
    deadline = time.monotonic() + patience
    while site.process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{site.base}/ping", timeout=5) as answer:  # noqa: S310  # our own address
            if answer.status == 200 and (not link or site.printed.endswith(b"\n")):
                return
        threading.Event().wait(0.2)
    tail = (site.folder / "stderr").read_text(errors="replace")[-3000:]
    raise RuntimeError(f"The hub did not start: {tail}")


def link_of(site: Site) -> str:
    """The set-up link that it printed."""
    return str(json.loads(site.printed)["setUpLink"])
