"""A road to a stand-in: TLS in front of it, a `Date` put into its answers, or a wall at its end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime

import trustme


def certified(authority: trustme.CA, *names: str, ends: datetime | None = None) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=ends).configure_cert(context)
    return context


@asynccontextmanager
async def road(base: str, *, context: ssl.SSLContext | None = None, date: datetime | None = None) -> AsyncIterator[str]:
    """The address of a relay to `base`: behind TLS with a context, and telling `date` where one is given."""
    port = int(base.rpartition(":")[2])

    relays: set[asyncio.Task[None] | None] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.add(asyncio.current_task())
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError, asyncio.CancelledError):  # whoever asked went away, or the road ends
            await asyncio.gather(_copy(reader, ahead), _answer(behind, writer, date))
        for each in (writer, ahead):
            each.transport.abort()
            with suppress(OSError):
                await each.wait_closed()

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    try:
        yield f"{'https' if context else 'http'}://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in relays - {None}:
            task.cancel()
        await asyncio.gather(*relays - {None}, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, date: datetime | None) -> None:
    while part := await reader.read(65536):
        if date is not None and part.startswith(b"HTTP/1.1"):
            line, _, rest = part.partition(b"\r\n")
            part = line + f"\r\nDate: {format_datetime(date.astimezone(UTC), usegmt=True)}\r\n".encode() + rest
        writer.write(part)
    writer.close()
