"""A process made to be killed: it opens the hub, begins what it was told, and stays at a moment of it.

    python -m tests.crash.child connect MOMENT WORKSPACE TOKEN
    python -m tests.crash.child rotate MOMENT

It prints the moment's name when it is there, and stays there.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from atlas_hub.hub import Hub, opened
from atlas_hub.services import connections, rotation, saving
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.connections import Mode
from atlas_hub.settings import load
from atlas_hub.storage import sealed

BATCH = 3


def owner(workspace: str) -> Actor:
    """Who connects."""
    return Actor(id="0" * 24, name="ana@example.com", workspace=workspace, role=Role.OWNER)


async def stay(moment: str) -> None:
    """Say where we are, and wait for the end."""
    sys.stdout.write(f"{moment}\n")
    sys.stdout.flush()
    await asyncio.sleep(600)


async def connect(hub: Hub, moment: str, workspace: str, token: str) -> None:
    """Connect Slack up to a moment: `asked`, `answered`, `written` or `committed`."""
    save, publish = saving.save, hub.bus.publish

    async def stopping(*given: Any) -> Any:
        if moment == "answered":
            await stay(moment)
        saved = await save(*given)
        await given[0].tx.flush()
        if moment == "written":
            await stay(moment)
        return saved

    async def unheard(changed: Any) -> None:
        await stay("committed")
        await publish(changed)

    saving.save = stopping  # type: ignore[assignment]  # the same, with a stop
    if moment == "committed":
        hub.bus.publish = unheard  # type: ignore[method-assign]  # this one is made to stop
    if moment == "asked":
        sys.stdout.write("asking\n")
        sys.stdout.flush()
    await connections.connect(
        hub, owner(workspace), "slack", "bot_token", {"bot_token": token}, source="admin", mode=Mode.REPLACE
    )


async def rotate(hub: Hub, moment: str) -> None:
    """Rotate up to a moment: `between` two batches, or `within` one."""
    rotation.BATCH = BATCH  # type: ignore[misc]  # few rows, several batches
    renew, renewed = sealed.renew, 0

    def stopping(*given: Any) -> Any:
        nonlocal renewed
        renewed += 1
        if moment == "within" and renewed == BATCH + 2:
            sys.stdout.write("within\n")
            sys.stdout.flush()
            sys.stdin.read()
        return renew(*given)

    def told(done: int, _total: int) -> None:
        if moment == "between" and done >= BATCH:
            sys.stdout.write("between\n")
            sys.stdout.flush()
            sys.stdin.read()

    sealed.renew = stopping  # type: ignore[assignment]  # the same, with a stop
    await rotation.rotate(hub, told)


async def main(what: str, moment: str, *more: str) -> None:
    """Do what the arguments say."""
    async with opened(load()) as hub:
        await (connect(hub, moment, *more) if what == "connect" else rotate(hub, moment))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
