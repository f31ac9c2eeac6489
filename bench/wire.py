"""Open tabs without a browser, in a process of their own: websockets that say what the page's script says.

One job a line on stdin, one answer a line on stdout. Tabs stay open until stdin ends.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.load import Target

QUIET = 0.4
"""Seconds without a frame after which a change has reached everyone."""
PATIENCE = 4.0
SPACE = "/_event"


@dataclass
class Tab:
    """One open page. `frames` are those that tell of a change: when each came, and its bytes."""

    token: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    mark: bytes
    ready_at: bytes
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    frames: list[tuple[float, int]] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Send a text frame (RFC 6455 §5.2), masked with zeros, which a client may choose."""
        body = text.encode()
        size = bytes((0x80 | len(body),)) if len(body) < 126 else b"\xfe" + struct.pack(">H", len(body))
        self.writer.write(b"\x81" + size + bytes(4) + body)

    async def _frame(self) -> bytes | None:
        """The payload of the next frame; None where the server closes."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
        body = await self.reader.readexactly(size)
        return None if first & 0x0F == 8 else body

    async def hear(self, boot: Sequence[str]) -> None:
        """Answer what the socket's protocol asks, and note frames, until the server closes."""
        while (body := await self._frame()) is not None:
            if body.startswith(b"0{") and boot:  # the transport is open
                self.say(boot[0])
            elif body == b"2":  # a heartbeat
                self.say("3")
            if not self.ready.is_set():
                if self.ready_at in body:
                    for text in boot[1:]:
                        self.say(text)
                    self.ready.set()
            elif self.mark in body:
                self.frames.append((time.perf_counter(), len(body)))


def boot(path: str, *then: str) -> list[str]:
    """What a page says first: join, with the event that fills it; once that is done the events `then` by name.

    The page's own script also tells hashes of what it was built with, so that less is sent. Leaving them out is
    allowed, and the first answer alone is larger by it.
    """
    where = {"pathname": path, "asPath": path}
    first = {"name": "reflex___state____state.hydrate_and_load", "payload": {}, "router_data": where}
    events = [["event", {"name": name, "payload": {}, "router_data": where}] for name in then]
    said = [f"40{SPACE},{json.dumps({'event': first})}"]
    return said + [f"42{SPACE},{json.dumps(event, separators=(',', ':'))}" for event in events]


async def _open(told: Mapping[str, Any], cookie: str) -> Tab:
    reader, writer = await asyncio.open_connection("127.0.0.1", told["port"])
    token = str(uuid.uuid4())
    path = told["path"].replace("TOKEN", token)
    key = base64.b64encode(uuid.uuid4().bytes).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{told['port']}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Origin: http://127.0.0.1:{told['port']}", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"The server did not open a websocket: {head!r}")
    return Tab(token, reader, writer, told["mark"].encode(), told["ready"].encode())


class _Tabs:
    def __init__(self) -> None:
        self.tabs: list[Tab] = []
        self._hearing: list[asyncio.Task[None]] = []

    async def open(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Open tabs, ten at a time, until each is filled."""
        for start in range(0, told["count"], 10):
            numbers = range(start, min(start + 10, told["count"]))
            some = [await _open(told, told["cookies"][number % len(told["cookies"])]) for number in numbers]
            self._hearing += [asyncio.create_task(tab.hear(told["boot"])) for tab in some]
            if told["boot"]:
                await asyncio.wait_for(asyncio.gather(*[tab.ready.wait() for tab in some]), 60)
            else:
                for tab in some:
                    tab.ready.set()
            self.tabs += some
        return {"tokens": [tab.token for tab in self.tabs]}

    async def change(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Make one change by HTTP; milliseconds from its answer to the last frame of each tab, and its bytes."""
        for tab in self.tabs:
            tab.frames.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", told["port"])
        writer.write(base64.b64decode(told["request"]))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(size)
        answered = time.perf_counter()
        writer.close()
        if not head.startswith(b"http/1.1 2"):
            raise RuntimeError(f"The change was refused: {body!r}")
        while time.perf_counter() - answered < PATIENCE:
            await asyncio.sleep(0.05)
            last = max((tab.frames[-1][0] for tab in self.tabs if tab.frames), default=answered)
            if all(tab.frames for tab in self.tabs) and time.perf_counter() - last > QUIET:
                break
        reached = [tab for tab in self.tabs if tab.frames]
        return {
            "lags": [max(0.0, (tab.frames[-1][0] - answered) * 1000) for tab in reached],
            "bytes": [sum(size for _, size in tab.frames) for tab in reached],
            "missed": len(self.tabs) - len(reached),
        }


async def _serve() -> None:
    tabs, loop = _Tabs(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(line)
        said = await (tabs.open(told) if told["do"] == "open" else tabs.change(told))
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def opening(
    port: int,
    count: int,
    *,
    path: str,
    cookies: Sequence[str] = ("",),
    say: Sequence[str] = (),
    mark: str = "",
    ready: str = "",
) -> dict[str, Any]:
    """The job that opens tabs: `ready` is what the last frame of a page's filling holds, `mark` what a change's."""
    told = {"do": "open", "port": port, "count": count, "path": path, "cookies": list(cookies)}
    return {**told, "boot": list(say), "mark": mark, "ready": ready}


def changing(target: Target) -> dict[str, Any]:
    """The job that makes a change."""
    return {"do": "change", "port": target.port, "request": base64.b64encode(target.raw()).decode()}


if __name__ == "__main__":
    asyncio.run(_serve())
