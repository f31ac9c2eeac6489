"""A worker of the engine in a process of its own, made to be killed.

    python -m tests.crash.engine_child NAME NOTES hold|do ROW…

It queues the rows, says `working` at the first it begins, and writes `NAME begins ROW` and `NAME ends ROW` into the
file NOTES; with `hold` it never ends one. It ends in order at SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from atlas_hub import engine
from atlas_hub.engine import Found, Job, Sweep, queue
from atlas_hub.hub import Hub, opened
from atlas_hub.settings import load


def note(notes: Path, line: str) -> None:
    """Add a line, whole, whoever else adds one."""
    there = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(there, f"{line}\n".encode())
    os.close(there)


def say(line: str) -> None:
    """Tell who started this."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(name: str, notes: Path, how: str, *rows: str) -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def work(_: Hub, row_id: str) -> None:
        note(notes, f"{name} begins {row_id}")
        if how == "hold":
            say("working")
        await asyncio.sleep(600 if how == "hold" else 0.05)
        note(notes, f"{name} ends {row_id}")

    async def find(_: Hub) -> Found:
        note(notes, f"{name} sweeps")
        return ()

    sweep = Sweep(name="once", find=find, every=10**9)
    async with opened(load()) as hub, engine.opened(hub, [Job(name="work", work=work)], [sweep]) as running:
        await running.started.wait()
        for row in rows:
            hub.later("work", row)
        await asyncio.gather(*hub._tasks)
        say("started")
        await stop.wait()


if __name__ == "__main__":
    engine.BEAT_SECONDS = 0.5  # type: ignore[misc]  # a minute is too long for a test
    queue.SILENT_SECONDS, queue.SUSPECT_SECONDS = 3.0, 2.0  # type: ignore[misc]  # same
    queue.POLL_SECONDS = 0.2  # type: ignore[misc]  # same
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
