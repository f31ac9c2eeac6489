"""Every request and websocket of this process: counted, and at SIGTERM brought to an end without losing one."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas_hub.kit import logs, metrics
from atlas_hub.settings import load

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 20.0
"""How long requests that run may take at the end."""
COME_BACK: Final = 1012
"""RFC 6455's *service restart*: a page connects anew."""


class _Socket:
    """One websocket, which the server will not close while the app waits for a message: that wait is ended first."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._waiting: asyncio.Future[Message] | None = None
        self._over = False
        self._told = asyncio.Event()

    async def receive(self) -> Message:
        if self._over:
            return await self._gone()
        self._waiting = asyncio.ensure_future(self._receive())
        try:
            return await self._waiting
        except asyncio.CancelledError:
            if not self._over:
                raise
            return await self._gone()

    async def _gone(self) -> Message:
        await self._told.wait()  # an app that ends sooner would have the server close without a reason
        return {"type": "websocket.disconnect", "code": COME_BACK}

    async def send(self, message: Message) -> None:
        if not self._over:
            await self._send(message)

    async def end(self) -> None:
        """Send the page away."""
        self._over = True
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.sleep(0)
        with suppress(Exception):  # it may have gone by itself
            async with asyncio.timeout(1):
                await self._send({"type": "websocket.close", "code": COME_BACK})
        self._told.set()


class Traffic:
    """What runs in this process now."""

    def __init__(self) -> None:
        self.stopping = False
        self.requests = 0
        self._sockets: set[_Socket] = set()
        self._ending: asyncio.Task[None] | None = None

    async def through(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or a websocket through to the app."""
        if scope["type"] == "http":
            self.requests += 1
            try:
                await app(scope, receive, send)
            finally:
                self.requests -= 1
        elif scope["type"] == "websocket" and self.stopping:
            await receive()
            await send({"type": "websocket.close", "code": COME_BACK})
        elif scope["type"] == "websocket":
            await self._socket(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _socket(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        socket = _Socket(receive, send)
        self._sockets.add(socket)
        metrics.tab(1)
        try:
            await app(scope, socket.receive, socket.send)
        finally:
            self._sockets.discard(socket)
            metrics.tab(-1)

    def stop(self) -> None:
        """Begin the end: not ready from now on, websockets sent away, and the server stopped once requests are done."""
        if not self.stopping:
            self.stopping = True
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        log.info("Stopping: %s requests run, %s pages are open.", self.requests, len(self._sockets))
        await asyncio.gather(*(socket.end() for socket in list(self._sockets)))
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.requests:  # noqa: ASYNC110  # once in a process's life, against an event at each request
                    await asyncio.sleep(0.05)
        if self.requests:
            log.warning("%s requests did not end within %g seconds.", self.requests, GRACE_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)  # the server's own way to stop


TRAFFIC: Final = Traffic()
"""This process's."""


@asynccontextmanager
async def graceful() -> AsyncIterator[None]:
    """For the stand-alone app's lifespan: SIGTERM ends this worker gracefully. SIGINT stays the server's."""
    logs.install(load().log_format)  # a worker that was not forked has no log yet
    with suppress(RuntimeError, ValueError, NotImplementedError):  # not in a thread, not on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, TRAFFIC.stop)
    yield
