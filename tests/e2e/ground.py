"""Serves the hub for the browser tests: built once by its own command, then from that build as often as wanted."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from atlas_hub import hub as hubs
from atlas_hub.hub import Hub
from atlas_hub.settings import Settings, load
from tests.conftest import KEY

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".cache" / "e2e"
"""Where the page is built, apart from the `.web` of `make run`: its packages are fetched once."""
OURS = ("ATLAS_", "SLACK_", "TEAMS_", "DISCORD_", "REFLEX_", "GRANIAN_")
PATIENCE = 60
FIRST_PATIENCE = 900

AGAIN = """
import sys
from reflex.utils import exec
from reflex_base.constants import LogLevel
exec.run_backend_prod("127.0.0.1", int(sys.argv[1]), LogLevel.ERROR, mount_frontend_compiled_app=True)
"""
"""What `reflex run --env prod --single-port` does once the page is built."""

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """A hub that is served. `env` is its own part of the environment, `link` the set-up link that it printed."""

    base: str
    env: Mapping[str, str]
    log: Path
    pid: int
    link: str | None = None

    @property
    def page(self) -> str:
        """The address of the page."""
        return f"{self.base}/admin/integrations"

    @property
    def settings(self) -> Settings:
        """Settings of a hub of the test's own on the same database."""
        return load(
            database_url=self.env["DATABASE_URL"],
            data_dir=Path(self.env["ATLAS_DATA_DIR"]),
            encryption_keys=self.env.get("ATLAS_ENCRYPTION_KEYS"),
            redis_url=self.env.get("REFLEX_REDIS_URL", ""),
            public_url=self.base,
        )

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return children_of(self.pid)


def environment(**more: str) -> dict[str, str]:
    """What a server is started with: nothing of the hub's from whoever runs the tests, then `more`."""
    named = {"DATABASE_URL", "HOST", "PORT"}
    inherited = os.environ.items()  # noqa: TID251  # the servers' processes, not this one's settings
    kept = {name: value for name, value in inherited if not name.startswith(OURS) and name not in named}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
    fixed = {"REFLEX_USE_NPM": "1", "REFLEX_CHECK_LATEST_VERSION": "false", "PYTHONPATH": str(ROOT)}
    return {**kept, "PATH": path, **fixed, **more}


def settings_in(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a hub on a SQLite file in a folder of its own, without limits on how often."""
    folder.mkdir(parents=True, exist_ok=True)
    fixed = {"ATLAS_ENCRYPTION_KEYS": KEY, "ATLAS_RATE_LIMIT_RPM": "0", "ATLAS_OUTBOUND_ALLOW": "127.0.0.0/8"}
    return {"DATABASE_URL": f"sqlite:///{folder / 'atlas.db'}", "ATLAS_DATA_DIR": str(folder), **fixed, **more}


def begin(folder: Path) -> None:
    """Put into a folder what the stand-alone app is built from, so that `atlas-hub serve` can run in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "rxconfig.py", folder)
    shutil.copytree(ROOT / "assets", folder / "assets", dirs_exist_ok=True)


def lay(folder: Path) -> None:
    """Put the page into a folder, ready to be served there: built once, however many processes run tests."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begin(KEPT)
        asked = [sys.executable, "-c", "from atlas_hub.cli import page; raise SystemExit(not page.is_built())"]
        if subprocess.run(asked, env=environment(), cwd=KEPT, check=False).returncode:
            build = [sys.executable, "-m", "atlas_hub", "build"]
            done = subprocess.run(
                build, env=environment(), cwd=KEPT, capture_output=True, text=True, timeout=FIRST_PATIENCE, check=False
            )
            if done.returncode:
                raise RuntimeError(f"The page could not be built: {(done.stdout + done.stderr)[-3000:]}")
    begin(folder)
    shutil.copytree(KEPT / "reflex.lock", folder / "reflex.lock", dirs_exist_ok=True)
    shutil.copytree(KEPT / ".web", folder / ".web", ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)


@contextmanager
def built(folder: Path, **env: str) -> Iterator[Site]:
    """The hub by its own command, `atlas_hub serve`, on the page that is built already."""
    lay(folder)
    port = free_port()
    command = [sys.executable, "-m", "atlas_hub", "serve", "--json"]
    log = folder / "serve.log"
    with started(command, env=environment(PORT=str(port), **env), log=log, cwd=folder, piped=True) as process:
        assert process.stdout is not None
        killer = threading.Timer(PATIENCE, process.kill)
        killer.start()
        line = process.stdout.readline()
        killer.cancel()
        if not line:
            raise RuntimeError(f"The hub did not start: {log.read_text(errors='replace')[-3000:]}")
        told = json.loads(line)
        yield Site(told["url"], env, log, process.pid, told["setUpLink"])


@contextmanager
def served(folder: Path, **env: str) -> Iterator[Site]:
    """One more hub from the build, with settings of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "rxconfig.py", folder)
    web, port = folder / ".web", free_port()
    if not web.exists():
        shutil.copytree(KEPT / ".web", web, ignore=shutil.ignore_patterns("node_modules"))
    move_to(web, port)
    log = folder / "serve.log"
    # Reflex's own variables that are not for us have two underscores.
    fixed = {"PORT": str(port), "__REFLEX_SKIP_COMPILE": "true", "REFLEX_ENV_MODE": "prod"}
    command = [sys.executable, "-c", AGAIN, str(port)]
    with started(command, env=environment(**fixed, **env), log=log, cwd=folder) as process:
        wait(port, process, log)
        yield Site(f"http://localhost:{port}", env, log, process.pid)


def move_to(web: Path, port: int) -> None:
    """The page knows where its server is: one file of the build says so."""
    for path in (web / "build" / "client" / "assets").glob("reflex-env-*.js*"):
        if path.suffix == ".js":
            former = json.loads((web / "env.json").read_text())["PING"].rpartition(":")[2].partition("/")[0]
            path.write_text(path.read_text().replace(f"localhost:{former}", f"localhost:{port}"))
            (web / "env.json").write_text((web / "env.json").read_text().replace(f":{former}/", f":{port}/"))
        else:
            path.unlink()  # the compressed twin


def wait(port: int, process: subprocess.Popen[str], log: Path, *, patience: float = PATIENCE) -> None:
    """Wait until a server answers. Raises `RuntimeError` with the end of its log where it does not."""
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        address = f"http://127.0.0.1:{port}/ping"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:  # our own address
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"The hub did not start: {log.read_text(errors='replace')[-3000:]}")


@contextmanager
def started(
    command: list[str], *, env: Mapping[str, str], log: Path, cwd: Path, piped: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, so that its workers end with it. What it prints goes to `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdout=subprocess.PIPE if piped else out,
            stderr=out,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(8)
        if process.stdout:
            process.stdout.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """The processes that a process started itself; none where this system has no /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


@dataclass
class Inside:
    """A hub of the test's own on a site's database, in a thread with an event loop: Playwright has this thread's."""

    settings: Settings
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: threading.Event = field(default_factory=threading.Event)
    _hub: Hub | None = None

    def __enter__(self) -> Self:
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._live(),), daemon=True)
        self._thread.start()
        assert self._open.wait(PATIENCE), "The test's own hub did not open."
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _live(self) -> None:
        async with hubs.opened(self.settings) as self._hub:
            self._open.set()
            await self._over.wait()

    def do(self, work: Callable[[Hub], Awaitable[T]]) -> T:
        """Do the work with the hub, and wait for what comes of it."""
        assert self._hub is not None

        async def done() -> T:
            assert self._hub is not None
            return await work(self._hub)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(PATIENCE)
