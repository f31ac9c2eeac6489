"""`atlas-hub worker`: background work in a process of its own, beside web processes that have `ATLAS_WORKER=off`."""

from __future__ import annotations

import asyncio
import json
import signal

import click

from atlas_hub import engine
from atlas_hub.cli.output import guarded, with_hub
from atlas_hub.hub import Hub
from atlas_hub.services import jobs


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value when it works.")
def worker(*, as_json: bool) -> None:
    """Do background work until stopped. Any number of them may run."""
    guarded(lambda: with_hub(lambda hub: _work(hub, as_json=as_json)))


async def _work(hub: Hub, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with engine.opened(hub, jobs.JOBS, jobs.SWEEPS) as running:
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, running.started)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if running.started.is_set():
            said = {"worker": running.queue.executor_id}
            click.echo(json.dumps(said) if as_json else "Background work is done here, until this is stopped.")
        await stop.wait()
        for wait in waits:
            wait.cancel()
