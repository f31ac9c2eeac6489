"""A card at work: busy for the length of a verb, its ladder filling in the tab that acts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from atlas_hub.hub import hub
from atlas_hub.providers import key_of
from atlas_hub.providers.contract import Report, Step
from atlas_hub.services import status
from atlas_hub.services.access import Actor
from atlas_hub.ui.showing import FRESH, put, show

T = TypeVar("T")
Work = Callable[[Report], Awaitable[T]]

OWN: Final = ("ladder", "errors", "present", "proven", "silent", "said", "tested", "receipt", "tried")
"""The vars that are one tab's own: what came of the last thing it did."""

at_work: set[tuple[str, str]] = set()
"""Tabs of this process and the card in each that is at work, so that a crashed worker leaves no card busy for ever."""


@asynccontextmanager
async def working(card: Any, actor: Actor, verb: str) -> AsyncIterator[bool]:
    """Mark the card busy for the length of a verb, whatever becomes of it; yields False where it is busy already.

    At the end the card shows what is stored, so that the tab that acted does not wait for the bell.
    """
    place = (card.router.session.client_token, key_of(card.provider))
    if place in at_work:
        yield False
        return
    at_work.add(place)
    try:
        await tell(card, **{name: FRESH[name] for name in OWN}, busy=verb)
        yield True
        view = await status.card(hub(), actor.workspace, key_of(card.provider))
        async with card:
            show(card, view.seen_by(actor), hub().now())
    finally:
        at_work.discard(place)
        await tell(card, busy="")


async def climb(card: Any, work: Work[T]) -> T:
    """Do the work while its ladder fills in the tab. Raises what the work raises."""
    rungs: dict[str, list[str]] = {}
    news = asyncio.Event()

    def report(step: Step) -> None:
        said = {None: "running", True: "yes", False: "no"}[step.ok]
        rungs[step.key] = [step.text, said, step.detail]
        news.set()

    async def listen() -> None:
        await news.wait()

    task = asyncio.ensure_future(work(report))
    try:
        while not task.done():
            listening = asyncio.create_task(listen())
            await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
            if news.is_set():
                news.clear()
                await tell(card, ladder=list(rungs.values()))
        return task.result()
    finally:
        task.cancel()


async def tell(card: Any, **told: Any) -> None:
    async with card:
        put(card, told)
