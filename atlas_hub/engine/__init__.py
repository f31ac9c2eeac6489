"""The engine for durable work: jobs on rows, the sweeps that find such rows, and the life of both in a worker.

The hub's own rows are the truth: a row says that something is to be done with it, a sweep finds it, a job does it and
writes into the row that it is done. What the engine keeps is a queue of row ids, never a secret or a payload; losing it
loses nothing, and a job may be begun twice (docs/decisions/0018).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from atlas_hub.engine.queue import Failed, Queue
from atlas_hub.engine.threads import in_thread
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.kit.errors import HubError
from atlas_hub.kit.ids import is_id

__all__ = ["Engine", "Failed", "Found", "Job", "Sweep", "opened"]

T = TypeVar("T")

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 5.0
"""How often a worker tells that it lives, and looks whether a sweep is due."""
GRACE_SECONDS: Final = 1.0
"""How long work may still run when its worker stops."""
QUESTIONS_AT_ONCE: Final = 3
"""How many of our own the queue's few connections answer at once."""
SWEEPS: Final = "sweeps"
SWEEPS_AT_ONCE: Final = 2
KEEP: Final = timedelta(days=1)
"""How long ended work is kept."""

Found = Sequence[tuple[str, str]]
"""Names of jobs, each with the id of a row."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work on one row: `work(hub, row_id)`, which reads the row first and ends where nothing is to be done.

    It never runs twice at once for one row, but may be begun anew after a crash or a stop at any moment of it. What
    waits for hours writes that into the row and ends: a sweep finds it when it is time. What it raises is logged and
    not tried again until the row is found again. `at_once`: how many of it a worker runs. `seconds`: one may take.
    """

    name: str
    work: Callable[[Hub, str], Awaitable[None]]
    at_once: int = 4
    seconds: float = 300


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What looks for work every so many seconds, on one worker of all: `find(hub)` hands back jobs and rows.

    It may as well do something by itself and hand back nothing. Where it takes longer than `every`, ticks are left out.
    """

    name: str
    find: Callable[[Hub], Awaitable[Found]]
    every: int
    seconds: float = 300


@asynccontextmanager
async def opened(
    hub: Hub, jobs: Sequence[Job], sweeps: Sequence[Sweep], *, works: bool = True
) -> AsyncIterator[Engine]:
    """An engine for the life of this worker; at the end it stops within about two seconds.

    It starts beside the caller, and again where that fails, so that a page is served meanwhile: `Engine.started` tells.
    With `works=False` it does no work and only passes on what `Hub.later` is told. Without a database it does nothing.
    """
    engine = Engine(hub, jobs, sweeps, works=works)
    if not hub.has_database:
        yield engine
        return
    running = asyncio.create_task(engine.run(), name="atlas_hub engine")
    hub.engines.append(engine.later)
    try:
        yield engine
    finally:
        hub.engines.remove(engine.later)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await engine.close()


class Engine:
    """One worker's part of the engine. Made by `opened`."""

    def __init__(self, hub: Hub, jobs: Sequence[Job], sweeps: Sequence[Sweep], *, works: bool) -> None:
        self.started = asyncio.Event()
        self.queue = Queue()
        self._hub = hub
        self._works = works
        cleaning = Sweep(name="ended_work", find=self._clean, every=3600)
        self._jobs = {_job(job.name): job for job in jobs}
        self._sweeps = {_sweep(sweep.name): sweep for sweep in (*sweeps, cleaning)}
        self._room = {name: asyncio.Semaphore(job.at_once) for name, job in self._jobs.items()}
        self._ticks: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._few = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    def later(self, job: str, row_id: str) -> Coroutine[Any, Any, None]:
        """Queue a job for a row, unless it is queued or running; to be awaited. It never fails: a sweep finds the row.

        Raises `ValueError` at once for a job that there is not, and for what is no row's id.
        """
        self._known(job, row_id)
        return self._later(job, row_id)

    async def _later(self, job: str, row_id: str) -> None:
        try:
            await self._thread(self.queue.put, [self._known(job, row_id)])
        except Exception as error:  # noqa: BLE001  # whatever it is, the row is there
            log.warning("The job %s waits for its sweep (%s).", job, type(error).__name__)

    def _known(self, job: str, row_id: str) -> tuple[str, str]:
        if _job(job) not in self._jobs or not is_id(row_id):
            raise ValueError("The engine takes the name of a job and the id of a row, and nothing else.")
        return _job(job), row_id

    async def run(self) -> None:
        """Start, and again where that fails; then beat until cancelled."""
        while not self.started.is_set():
            await self._start()
        answers = True
        while self._works:
            try:
                await self._thread(self.queue.beat)
                await self._tick()
                answers = True
            except Unreachable:
                if answers:
                    log.warning("The database does not answer. Background work goes on when it does.")
                answers = False
            except Exception:
                log.exception("Background work could not be looked after; trying again in a moment.")
            await asyncio.sleep(BEAT_SECONDS)

    async def _start(self) -> None:
        at_once = {name: job.at_once for name, job in self._jobs.items()} | {SWEEPS: SWEEPS_AT_ONCE}
        do = self._do_here if self._works else None
        opening = asyncio.ensure_future(self._thread(self.queue.open, self._hub.settings.database, at_once, do))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.gather(opening, return_exceptions=True)  # a thread is not cancelled, and what it opened stays
            raise
        except Exception:
            log.exception("Background work does not run; trying again in a moment.")
            await self._thread(self.queue.close)
            await asyncio.sleep(BEAT_SECONDS)
        else:
            self.started.set()

    async def _tick(self) -> None:
        """Queue the sweeps whose time has come; all workers do, and one of them has an effect."""
        seconds = self._hub.now().timestamp()
        for name, sweep in self._sweeps.items():
            number = int(seconds // sweep.every)
            if self._ticks.get(name) != number:
                await self._thread(self.queue.put_once, SWEEPS, name, number)
                self._ticks[name] = number

    async def close(self) -> None:
        """Give running work a moment, hand back what is not done, and stop."""
        self._closing = True
        self.queue.stop_taking()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for work in (self.queue.hand_back, self.queue.close):
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await in_thread(work)
            except Exception as error:  # noqa: BLE001  # whatever it is, others take over
                log.warning("The engine is left as it is, and its work to others (%s).", type(error).__name__)

    async def _thread(self, work: Callable[..., T], *given: Any) -> T:
        async with self._few:
            return await in_thread(work, *given)

    async def _do_here(self, name: str, row_id: str) -> None:
        """Do a piece of work on the hub's own loop, where its database and its clients live; called on another."""
        if self._closing:
            raise asyncio.CancelledError  # it stays ours, and is handed back
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._do(name, row_id), self._loop))

    async def _do(self, name: str, row_id: str) -> None:
        task = asyncio.ensure_future(self._work(name, row_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await task

    async def _work(self, name: str, row_id: str) -> None:
        job, sweep = self._jobs.get(name), self._sweeps.get(name)
        try:
            if job is not None:
                async with self._room[name], asyncio.timeout(job.seconds):
                    await job.work(self._hub, row_id)
            elif sweep is not None:
                async with asyncio.timeout(sweep.seconds):
                    found = [self._known(*each) for each in await sweep.find(self._hub)]
                    await self._thread(self.queue.put, found)
            # A sweep of another release is another's, whose queue it shares; it comes again.
        except Exception as error:
            log.exception("Background work failed: %s %s", name, row_id)
            word = error.code if isinstance(error, HubError) else type(error).__name__
        else:
            return
        raise Failed(word)  # outside, so that nothing of what was raised hangs on to it

    async def _clean(self, hub: Hub) -> Found:
        await self._thread(self.queue.clean, hub.now() - KEEP)
        return ()


def _job(name: str) -> str:
    return f"job.{name}"


def _sweep(name: str) -> str:
    return f"sweep.{name}"
