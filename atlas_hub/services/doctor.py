"""The doctor: what is well, what is not and what to do about it, for the installation and each connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Final

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import is_id
from atlas_hub.services import diagnosis, installed
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.delivery import MAIL_SCOPE
from atlas_hub.services.findings import Finding, Sheet, Tell
from atlas_hub.storage import activity as logs
from atlas_hub.storage import connections as stored
from atlas_hub.storage import installation

log = logging.getLogger(__name__)

RUNS_A_MINUTE: Final = 2
AT_ONCE: Final = 4
"""How many connections are looked at side by side."""
ALL_SECONDS: Final = 60.0
"""How long the connections may take in all."""


def unread(finding: Finding) -> None:
    """A telling that nobody listens to."""


async def run(hub: Hub, actor: Actor, tell: Tell = unread) -> list[Finding]:
    """Look at the actor's workspace and, where the hub is not run for many, at the installation.

    Each finding is told when it is known. Raises `Forbidden`, `NotAvailable` without a database, and
    `TooManyRequests` (2 a minute for each workspace).
    """
    require_admin(actor)
    _ = hub.db
    await hub.limits.hit(
        "doctor",
        actor.workspace,
        times=RUNS_A_MINUTE,
        seconds=60,
        text="The doctor was run twice within a minute. Wait a little, then run it again.",
    )
    return await examine(hub, [actor], tell, installation_too=not hub.settings.saas, serving=True)


async def examine(
    hub: Hub, actors: Sequence[Actor], tell: Tell = unread, *, installation_too: bool = True, serving: bool = False
) -> list[Finding]:
    """Look at the installation and the workspace of each actor. `serving`: whether this process serves the page."""
    found: list[Finding] = []

    def told(finding: Finding) -> None:
        found.append(finding)
        tell(finding)

    look = installed.Look(hub=hub, sheet=installed.sheet(told), serving=serving)
    readable = True
    if installation_too:
        readable = await installed.inward(look, [actor.workspace for actor in actors])
        await installed.outward(look)
    ahead = await _connections(hub, actors, told) if readable else []
    if installation_too:
        installed.clock(look, ahead)
    return found


async def here(hub: Hub, actor: Actor) -> list[Finding]:
    """What can be told of the installation without asking anyone outside; nothing where the hub is run for many."""
    require_admin(actor)
    found: list[Finding] = []
    if not hub.settings.saas:
        look = installed.Look(hub=hub, sheet=installed.sheet(found.append), serving=True)
        await installed.inward(look, [actor.workspace])
    return found


async def _connections(hub: Hub, actors: Sequence[Actor], tell: Tell) -> list[timedelta]:
    """Look at every connection, a few at a time; what is not done in time is skipped and says so."""
    gate = asyncio.Semaphore(AT_ONCE)
    ahead: list[timedelta] = []

    async def turn(work: Awaitable[Sequence[timedelta]]) -> None:
        async with gate:
            ahead.extend(await work)

    tasks: dict[asyncio.Task[None], Sheet | None] = {}
    for actor in actors:
        async with hub.db.reading() as tx:
            rows = await stored.cards(tx, actor.workspace)
            first = await installation.first_workspace(tx)
        for each in rows:
            paper = diagnosis.of_row(each.row, tell)
            tasks[asyncio.create_task(turn(diagnosis.examine(hub, actor, each, paper)))] = paper
        own_mail = any(each.row.primary_scope == MAIL_SCOPE for each in rows)
        if actor.workspace == first and not own_mail and not hub.settings.saas:
            tasks[asyncio.create_task(turn(diagnosis.examine_mail(hub, tell)))] = None
    if not tasks:
        return ahead
    _, late = await asyncio.wait(tasks, timeout=ALL_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task, sheet in tasks.items():
        if sheet is not None:
            _unfinished(task, sheet)
    return ahead


def _unfinished(task: asyncio.Task[None], paper: Sheet) -> None:
    if task.cancelled():
        paper.skipped("authentication", f"The {ALL_SECONDS:g} seconds of this run were over. Run the doctor again.")
    elif error := task.exception():
        log.error("The doctor could not look at a connection.", exc_info=error)
        text = f"This connection could not be looked at ({type(error).__name__})."
        paper.failed("authentication", text, "The hub's log has more about it.")


async def workspaces(hub: Hub) -> list[str]:
    """The ids of the workspaces in which anything is connected, or has happened."""
    async with hub.db.asking() as ask:
        begun = await logs.workspaces(ask)
    async with hub.db.reading() as tx:
        connected = await stored.workspaces(tx)
    named = {each for each in begun if isinstance(each, str) and is_id(each)}  # somebody may have edited a log
    return sorted(named | set(connected))
