"""What of a body nobody read is taken in before the answer goes out.

An HTTP/1.1 server closes a connection on which it answered before the body had come (RFC 9112 §9.3), and a client that
goes on with it is cut off: who sends a body before it signs in (HTTP Digest) would be, at its first request.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.types import Message, Receive, Scope, Send

MOST: Final = 1024 * 1024
"""Bytes. A body that says it is longer, or does not say how long it is, is left, and the connection with it."""
SECONDS: Final = 2.0
"""How long the rest of a body is waited for."""


def first(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The same two, which read the rest of a short body before the answer begins."""
    headers = dict(scope["headers"])
    told = headers.get(b"content-length", b"0")
    short = told.isdigit() and 0 < int(told) <= MOST and b"transfer-encoding" not in headers
    if not short or b"expect" in headers:  # who asks first is told by the answer that nothing is wanted
        return receive, send
    body = _Body(receive)

    async def after_it(message: Message) -> None:
        if message["type"] == "http.response.start":
            await body.drain()
        await send(message)

    return body.receive, after_it


class _Body:
    """A request's body, and whether more of it is to come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def receive(self) -> Message:
        """The next part."""
        message = await self._receive()
        self._more = message["type"] == "http.request" and bool(message.get("more_body", False))
        return message

    async def drain(self) -> None:
        """Read what is left, if it comes soon. It is no longer than was said: the server sees to that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while self._more:
                    await self.receive()
