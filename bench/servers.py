"""Servers in processes of their own on loopback: the hub and floors on granian, Reflex apps, the stand-in vendors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
KEY = "v1:digdCaEBHTq3pJ2yPyYJ4IpDw+lzJIrQJQin9y6PYfc="
"""A key for the bench alone."""
OURS = ("ATLAS_", "SLACK_", "TEAMS_", "DISCORD_", "REFLEX_", "GRANIAN_")


def environment(**more: str) -> dict[str, str]:
    """What a server is started with: nothing of the hub's from whoever runs the bench, then `more`."""
    named = {"DATABASE_URL", "HOST", "PORT"}
    inherited = os.environ.items()  # noqa: TID251  # the processes of the bench, not the hub's settings
    kept = {name: value for name, value in inherited if not name.startswith(OURS) and name not in named}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
    return {**kept, "PATH": path, "REFLEX_USE_NPM": "1", "PYTHONUNBUFFERED": "1", **more}


def asked(name: str, default: str) -> str:
    """A setting of the bench's own, such as where PostgreSQL is."""
    return os.environ.get(name, default)  # noqa: TID251  # same


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path = ROOT, piped: bool = False
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
                    if number == signal.SIGINT:
                        continue  # its workers are asked to end too, then made to
            if process.stdout:
                process.stdout.close()


@contextmanager
def granian(target: str, folder: Path, env: Mapping[str, str], *, workers: int = 1) -> Iterator[tuple[int, int]]:
    """A factory of `bench.apps` or another module (`module:factory`) on granian, as Reflex serves in production.

    Its port and its first worker's pid.
    """
    module, _, factory = target.rpartition(":")
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--workers", str(workers)]
    command += [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--log-level",
        "warning",
        f"{module or 'bench.apps'}:{factory}",
    ]
    log = folder / f"{factory}.log"
    with started(command, env=environment(**env), log=log) as process:
        answers(port, process, log)
        yield port, workers_of(process.pid)[0]


@contextmanager
def fanout(folder: Path, workers: int, redis_url: str) -> Iterator[int]:
    """The floor of live changes; its port."""
    with granian("fanout", folder, {"BENCH_REDIS": redis_url}, workers=workers) as (port, _):
        yield port


@contextmanager
def standins(folder: Path) -> Iterator[dict[str, str]]:
    """The stand-in vendors; the environment in which the hub finds them."""
    command = [sys.executable, "-m", "tests.standins"]
    with started(command, env=environment(), log=folder / "standins.log", piped=True) as process:
        yield dict(_settings_in(process.stdout))


def _settings_in(lines: IO[str] | None) -> Iterator[tuple[str, str]]:
    for line in lines or ():
        name, equals, value = line.strip().partition("=")
        if equals and name.startswith("ATLAS_UPSTREAM_"):
            yield name, value
        if name.startswith("SSL_CERT_FILE"):  # the last setting they print
            return


def answers(port: int, process: subprocess.Popen[str], log: Path, *, patience: float = 60) -> None:
    """Wait until a port is listened on. Raises `RuntimeError` with the end of the log where the process ended."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"A server did not start: {log.read_text(errors='replace')[-2000:]}")


def children_of(pid: int) -> list[int]:
    """The processes that a process started itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def workers_of(pid: int) -> list[int]:
    """The workers of a granian: its only children. Empty where this system has no /proc."""
    return children_of(pid) or [pid]


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors so far; 0 where this system has no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
