"""Vendors that say back what they were told, in each place where a careless client would believe or repeat it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Self
from urllib.parse import quote, unquote_plus

from starlette.types import Receive, Scope, Send

from tests.leaks.canaries import Aviary
from tests.standins import every_standin
from tests.standins.dial import Fault
from tests.standins.mailbox import Mailbox, MailMode
from tests.standins.serve import HOST, LoopThread, Transports
from tests.standins.standin import Call, Standin, _call_of

Said = tuple[int, dict[str, str], str]


def _error(status: int) -> Callable[[str], Said]:
    return lambda told: (
        status,
        {"content-type": "application/json", "x-told": quote(told)},
        json.dumps({
            "ok": False, "error": told, "code": told, "description": told, "error_code": status,
            "errors": [{"message": told, "field": told}],
        }),
    )  # fmt: skip


ECHOES: dict[str, Callable[[str], Said]] = {
    "echo 500": _error(500),
    "echo 401": _error(401),
    "echo 400": _error(400),
    "echo 200": lambda told: (200, {"content-type": "application/json"}, json.dumps({"ok": False, "error": told})),
    "echo page": lambda told: (200, {"content-type": "text/html"}, f"<h1>{told}</h1>"),
    "echo redirect": lambda told: (302, {"location": f"http://127.0.0.1:9/{quote(told)}"}, told),
    "echo busy": lambda told: (429, {"retry-after": quote(told)}, told),
}
"""What a parrot answers to a secret that it was told."""


class Parrot(Standin):
    """A stand-in that repeats the caller's secret while `echo` names how. `aviary` has what it would know again."""

    echo: str = ""
    aviary: Aviary = Aviary()

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, str] = {}

    def start(self) -> Self:
        """Listen. What comes to one of `places` (path and query) is answered as what came to the one it stands for."""
        super().start()
        app = self._app

        async def as_known(scope: Scope, receive: Receive, send: Send) -> None:
            known = self.places.get(f"{scope['path']}?{scope['query_string'].decode()}")
            if known is not None:
                path, _, query = known.partition("?")
                scope = {**scope, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
            await app(scope, receive, send)

        self._app = as_known
        return self

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.echo or scope["path"].startswith("/__"):
            await super()._answer(scope, receive, send)
            return
        message = await receive()
        call = _call_of(scope, message["body"])
        self.calls.append(call)
        status, headers, text = ECHOES[self.echo](self._heard(call))
        body = text.encode()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def _heard(self, call: Call) -> str:
        """The secret that the caller gave, wherever it stands; else what it signed in with."""
        scheme, _, rest = call.headers.get("authorization", "").partition(" ")
        said = [
            f"{call.path}?{call.query}",
            unquote_plus(call.query),
            *call.headers.values(),
            call.body.decode("utf-8", "replace"),
        ]
        said += call.form().values()
        if scheme == "Basic":
            said.append(base64.b64decode(rest).decode("utf-8", "replace"))
        heard = [each for each in self.aviary.texts if any(each in text for text in said)]
        return max(heard, key=len) if heard else rest or call.form().get("assertion", "") or f"{call.path}?{call.query}"


class MailParrot:
    """A mail server that repeats user and password, plain and as they came, in whatever it refuses."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._thread = LoopThread("mail-parrot")
        self.port = 0

    def start(self) -> None:
        """Listen on a free port."""

        async def listen(_: Transports) -> Sequence[asyncio.Server]:
            return [await asyncio.start_server(self._serve, HOST, 0)]

        (self.port,) = self._thread.start(listen)

    def stop(self) -> None:
        """Stop."""
        self._thread.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 parrot ESMTP\r\n")
        while line := await reader.readline():
            self.heard.append(line)
            words = line.decode("utf-8", "replace").split()
            verb = words[0].upper() if words else ""
            if verb == "EHLO":
                writer.write(b"250-parrot\r\n250 AUTH PLAIN\r\n")
            elif verb == "AUTH":
                told = words[-1]
                try:
                    shown = base64.b64decode(told).decode("utf-8", "replace").replace("\0", " ")
                except binascii.Error:
                    shown = told
                writer.write(f"535-5.7.8 no such {shown}\r\n535 5.7.8 {told}\r\n".encode())
            else:
                writer.write(b"221 bye\r\n")
                break
            await writer.drain()
        writer.close()


@dataclass(frozen=True)
class Vendors:
    """All of them: one of every stand-in that `tests.standins` has, and two mail servers."""

    standins: Mapping[str, Parrot]
    mailbox: Mailbox
    rude: MailParrot
    _last: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """How the hub finds them."""
        return {name: base for each in self.standins.values() for name, base in each.env.items()}

    def listen(self, aviary: Aviary) -> None:
        """Know these canaries again."""
        for each in self.standins.values():
            each.aviary = aviary

    def heard(self) -> bytes:
        """All that they were told, whatever for."""
        calls = [call for each in self.standins.values() for call in each.calls]
        said = [f"{call.path}?{call.query} {call.headers}".encode() + call.body for call in calls]
        return b"\n".join([*said, *self.rude.heard, *[repr(mail).encode() for mail in self.mailbox.messages]])

    def play(self, how: str) -> None:
        """From now on: `accept`, a `Fault`, or one of `ECHOES`."""
        for each in self.standins.values():
            each.echo = how if how in ECHOES else ""
            each.dial.set(Fault.OK)
            if how not in ECHOES and how != "accept":
                each.dial.set(Fault(how))

    def server(self, mood: str) -> Mapping[str, Any]:
        """What to type for a mail server: where vendors repeat what they are told, the one that does too."""
        return {"host": HOST, "port": self.rude.port if mood in ECHOES else self.mailbox.port}

    def know(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Have the vendors accept what stands for a secret of their seeds."""
        names = dict(pairs)
        names |= {self._last[old]: new for old, new in pairs if old in self._last}
        self._last.update(pairs)
        for vendor in (*self.standins.values(), self.mailbox):
            for attribute, known in list(vars(vendor).items()):
                if isinstance(known, dict):
                    for name, facts in list(known.items()):
                        known[names.get(name, name)] = _renamed(facts, names)
                elif isinstance(known, set):
                    known |= {names.get(each, each) for each in known}
                elif isinstance(known, str) and known in names:
                    setattr(vendor, attribute, names[known])
        for parrot in self.standins.values():
            parrot.places |= {new: old for old, new in pairs if old.startswith("/")}

    def at(self, kind: type[Any]) -> str:
        """Where the stand-in of this kind is; "" for what nobody stands in for."""
        found = self.standins.get(f"{kind.__name__}Parrot")
        return "" if found is None else found.base

    def settle(self, patience: float = 10.0) -> None:
        """Wait until nobody has asked anything for a while: what is asked beside a request was asked then."""
        deadline, before = time.monotonic() + patience, -1
        while (count := sum(len(each.calls) for each in self.standins.values())) != before:
            before = count
            if time.monotonic() > deadline:
                return
            time.sleep(0.5)


def _renamed(facts: Any, names: Mapping[str, str]) -> Any:
    """What a stand-in knows of somebody, under new names."""
    if isinstance(facts, str):
        return names.get(facts, facts)
    if isinstance(facts, dict):
        return {**facts, **{names[name]: told for name, told in facts.items() if name in names}}
    if is_dataclass(facts) and not isinstance(facts, type):
        return replace(facts, **{each.name: _renamed(getattr(facts, each.name), names) for each in fields(facts)})
    return facts


@contextmanager
def every_vendor() -> Iterator[Vendors]:
    """All of them, started."""
    with ExitStack() as running:
        mailbox = running.enter_context(Mailbox(MailMode.PLAIN))
        rude = MailParrot()
        rude.start()
        running.callback(rude.stop)
        kinds = [type(f"{kind.__name__}Parrot", (Parrot, kind), {}) for kind in every_standin()]
        yield Vendors({kind.__name__: running.enter_context(kind()) for kind in kinds}, mailbox, rude)
