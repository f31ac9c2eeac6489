"""Serve ASGI apps on loopback from a thread of its own, with nothing between a test and the wire."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import traceback
import weakref
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from urllib.parse import unquote_to_bytes

import h11
from starlette.types import ASGIApp, Message, Scope

HOST = "127.0.0.1"
BODY_LIMIT = 8 * 2**20
Transports = weakref.WeakSet[asyncio.WriteTransport]
Listen = Callable[[Transports], Awaitable[Sequence[asyncio.Server]]]
"""Opens servers; puts the transport of every connection into the set, so that stopping can cut it."""


class ConnectionCutError(Exception):
    """Raised by an app to have its connection reset (TCP RST), whatever was sent so far."""


async def hang() -> None:
    """Wait until the stand-in stops, which cancels this.

    A timer, because the loop holds it: of a task that waits for an event which it alone knows, nobody holds
    anything, and the garbage collector destroys it.
    """
    await asyncio.sleep(86400)


class LoopThread:
    """An event loop in a thread; `stop` cancels whatever still runs in it, hung answers included."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    def start(self, listen: Listen) -> list[int]:
        """Call `listen` inside the loop; return the ports of the servers it opened.

        Raises what `listen` raises, an `OSError` where a fixed port is taken.
        """
        started: Future[list[int]] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main(listen, started)), name=self._name, daemon=True
        )
        self._thread.start()
        return started.result(timeout=10)

    def stop(self) -> None:
        """End the loop and wait for the thread; a second call does nothing."""
        if self._thread is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(timeout=10)
        self._thread = None

    async def _main(self, listen: Listen, started: Future[list[int]]) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        transports: Transports = weakref.WeakSet()
        try:
            servers = await listen(transports)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result([server.sockets[0].getsockname()[1] for server in servers])
        await self._over.wait()
        for server in servers:
            server.close()
        for transport in list(transports):
            transport.abort()


def listen_http(*apps: tuple[ASGIApp, int]) -> Listen:
    """A `Listen` that serves each app on its port of 127.0.0.1; port 0 takes a free one."""

    async def listen(transports: Transports) -> Sequence[asyncio.Server]:
        return [await asyncio.start_server(_connection(app, transports), HOST, port) for app, port in apps]

    return listen


def _connection(
    app: ASGIApp, transports: Transports
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports.add(writer.transport)
        conn = h11.Connection(h11.SERVER)
        try:
            while await _exchange(app, conn, reader, writer):
                conn.start_next_cycle()
        except ConnectionCutError:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        except (h11.ProtocolError, ConnectionError):
            writer.transport.abort()
        except Exception:  # noqa: BLE001 - a bug of a stand-in: show it, cut the connection, serve the others
            traceback.print_exc()
            writer.transport.abort()
        finally:
            writer.close()

    return serve


async def _exchange(
    app: ASGIApp, conn: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """One request and its answer; whether the connection may serve another."""
    read = await _request(conn, reader)
    if read is None:
        return False
    request, body = read
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await hang()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            writer.write(conn.send(h11.Response(status_code=message["status"], headers=message["headers"])) or b"")
            return
        writer.write(conn.send(h11.Data(data=message.get("body", b""))) or b"")
        if not message.get("more_body", False):
            writer.write(conn.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    await app(_scope(request), receive, send)
    return conn.our_state is h11.DONE and conn.their_state is h11.DONE


async def _request(conn: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes] | None:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = conn.next_event()
        if event is h11.NEED_DATA:
            conn.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_LIMIT:
                raise h11.RemoteProtocolError("A stand-in takes no request over 8 MiB.")
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, bytes(body)
        else:
            return None


def _scope(request: h11.Request) -> Scope:
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version.decode(),
        "method": request.method.decode(),
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        "client": (HOST, 0),
        "server": (HOST, 0),
    }
