"""A tab without a browser: a websocket that says what the page's script says, and whatever else a test wants said."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from simple_websocket import Client, ConnectionClosed

SPACE = "/_event"
ROUTE = "/admin/integrations"
LOAD = "reflex___state____state.hydrate_and_load"


def card(slug: str) -> str:
    """The full name of a card's state, as the compiled page knows it."""
    return f"reflex___state____state.atlas_hub___ui___cards____{slug}_card"


class Socket:
    """One websocket. `frames` is all that ever came from the server, as it came.

    `token` "" joins without a tab's token. `boot` is what the CONNECT packet carries: the page's is the load event.
    """

    def __init__(
        self,
        port: int,
        *,
        cookie: str = "",
        token: str | None = None,
        boot: Any = LOAD,
        origin: str = "",
        host: str = "localhost",
    ) -> None:
        self.frames: list[str] = []
        self.token = str(uuid.uuid4()) if token is None else token
        self._told = threading.Condition()
        self.closed = False
        headers = {"Origin": origin or f"http://localhost:{port}"}
        if cookie:
            headers["Cookie"] = cookie
        query = f"&token={self.token}" if self.token else ""
        self._socket = Client(f"ws://{host}:{port}{SPACE}/?EIO=4&transport=websocket{query}", headers=headers)
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        self.until(lambda frames: any(frame.startswith("0{") for frame in frames))
        auth = {"event": event(boot)} if isinstance(boot, str) else boot
        self.say(f"40{SPACE},{json.dumps(auth)}")
        self.until(lambda frames: any(frame.startswith((f"40{SPACE}", f"44{SPACE}")) for frame in frames), 2)

    def _hear(self) -> None:
        with suppress(ConnectionClosed, OSError):
            while True:
                frame = self._socket.receive()
                if frame == "2":
                    self._socket.send("3")
                with self._told:
                    self.frames.append(frame if isinstance(frame, str) else (frame or b"").decode("utf-8", "replace"))
                    self._told.notify_all()
        with self._told:
            self.closed = True
            self._told.notify_all()

    def say(self, text: str) -> None:
        """Send a raw packet; a socket that the server closed is said nothing."""
        with suppress(ConnectionClosed, OSError):
            self._socket.send(text)

    def emit(self, name: str, data: Any) -> None:
        """Send a socket.io event."""
        self.say(f"42{SPACE},{json.dumps([name, data])}")

    def raise_event(self, name: str, payload: Any, **more: Any) -> None:
        """Raise a page event by its full name, as any websocket client may."""
        self.emit("event", {**event(name), "payload": payload, **more})

    def until(self, holds: Callable[[list[str]], bool], patience: float = 20.0) -> bool:
        """Wait until the frames so far satisfy `holds`, the server closed, or `patience` seconds are over."""
        deadline = time.monotonic() + patience
        with self._told:
            while not holds(self.frames):
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    return holds(self.frames)
                self._told.wait(left)
        return True

    def loaded(self) -> bool:
        """Whether the page filled, within the time."""
        return self.until(lambda frames: any('"loaded_rx_state_":true' in frame.replace(" ", "") for frame in frames))

    def act(self, slug: str, verb: str, payload: Any, patience: float = 60.0) -> list[str]:
        """Raise an event of a card; the frames until the card is idle again."""
        return self.act_at_once({slug: (verb, payload)}, patience)

    def act_at_once(self, wanted: Mapping[str, tuple[str, Any]], patience: float = 60.0) -> list[str]:
        """Raise an event of each of several cards; the frames until all of them are idle again."""
        before = len(self.frames)
        for slug, (verb, payload) in wanted.items():
            self.raise_event(f"{card(slug)}.{verb}", payload)
        for slug, (verb, _) in wanted.items():
            done = self.until(lambda frames, slug=slug: any(idle(frame, slug) for frame in frames[before:]), patience)
            assert done, (slug, verb)
        return self.frames[before:]

    def close(self) -> None:
        """Hang up."""
        with suppress(ConnectionClosed, OSError):
            self._socket.close()
        self._hearing.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def handshake(port: int, *, origin: str, cookie: str) -> int:
    """Ask for a websocket as a page of an origin would; the status, 101 where it is opened."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": origin, "Cookie": cookie}
    headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"{SPACE}/?EIO=4&transport=websocket&token={uuid.uuid4()}", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def idle(frame: str, slug: str) -> bool:
    """Whether a frame says that a card is done with what it did."""
    if not frame.startswith(f"42{SPACE},"):
        return False
    told = json.loads(frame.partition(",")[2])[1]
    return isinstance(told, dict) and told.get("delta", {}).get(card(slug), {}).get("busy_rx_state_") == ""


def event(name: str) -> dict[str, Any]:
    """An event as the page's script writes it."""
    return {"name": name, "payload": {}, "router_data": {"pathname": ROUTE, "asPath": ROUTE, "query": {}}}
