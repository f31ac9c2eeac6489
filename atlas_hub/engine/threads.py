"""A thread for what is not asynchronous, which nobody has to wait for when the process ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *given: Any) -> T:
    """Do work in a thread of its own, and hand back or raise what it does.

    Where the caller is cancelled it goes on by itself. `asyncio.to_thread` has threads that a process joins at its end,
    however long a database lets them wait.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work(*given)
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            _tell(_fail, error)
        else:
            _tell(_settle, result)

    def _tell(how: Callable[[Any], None], what: Any) -> None:
        with suppress(RuntimeError):  # the loop has been closed, and nobody waits
            loop.call_soon_threadsafe(how, what)

    def _settle(result: T) -> None:
        if not done.done():
            done.set_result(result)

    def _fail(error: BaseException) -> None:
        if not done.done():
            done.set_exception(error)

    threading.Thread(target=run, name=f"atlas_hub {work.__name__}", daemon=True).start()
    return await done
