"""Vendors that say back what they were told, in each place where a careless client would believe or repeat it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from tests.standins.dial import Fault
from tests.standins.mailbox import Mailbox, MailMode
from tests.standins.sendgrid import SendgridAccount, SendgridKey, SendgridStandin
from tests.standins.serve import HOST, LoopThread, Transports
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import SlackToken
from tests.standins.standin import Standin, _call_of
from tests.standins.telegram import TelegramBot, TelegramStandin

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
    """A stand-in that repeats the caller's secret while `echo` names how."""

    echo: str = ""

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.echo or scope["path"].startswith("/__"):
            await super()._answer(scope, receive, send)
            return
        message = await receive()
        call = _call_of(scope, message["body"])
        self.calls.append(call)
        told = call.headers.get("authorization", "").partition(" ")[2]
        told = told or call.path.split("/")[1].removeprefix("bot")
        status, headers, text = ECHOES[self.echo](told)
        body = text.encode()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        raw.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


class SlackParrot(Parrot, SlackStandin):
    """Slack, on occasion a parrot."""


class TelegramParrot(Parrot, TelegramStandin):
    """Telegram, on occasion a parrot."""


class SendgridParrot(Parrot, SendgridStandin):
    """SendGrid, on occasion a parrot."""


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
    """All of them."""

    slack: SlackParrot
    telegram: TelegramParrot
    sendgrid: SendgridParrot
    mailbox: Mailbox
    rude: MailParrot

    @property
    def env(self) -> dict[str, str]:
        """How the hub finds them."""
        return {f"ATLAS_UPSTREAM_{each.upstream}": each.base for each in (self.slack, self.telegram, self.sendgrid)}

    def heard(self) -> bytes:
        """All that they were told, whatever for."""
        calls = [call for each in (self.slack, self.telegram, self.sendgrid) for call in each.calls]
        said = [f"{call.path}?{call.query} {call.headers}".encode() + call.body for call in calls]
        return b"\n".join([*said, *self.rude.heard, *[repr(mail).encode() for mail in self.mailbox.messages]])

    def play(self, how: str) -> None:
        """From now on: `accept`, a `Fault`, or one of `ECHOES`."""
        for each in (self.slack, self.telegram, self.sendgrid):
            each.echo = how if how in ECHOES else ""
            each.dial.set(Fault.OK)
            if how not in ECHOES and how != "accept":
                each.dial.set(Fault(how))

    def know(self, vendor: str, secret: str, *, user: str = "") -> None:
        """Have a vendor accept a secret."""
        match vendor:
            case "slack":
                self.slack.tokens[secret] = SlackToken("T0LEAK", "Leak Inc", "U0LEAK", "leakbot", bot_id="B0LEAK")
            case "telegram":
                number = int(secret.partition(":")[0])
                self.telegram.bots[secret] = TelegramBot(number, "leak_bot", "Leak")
            case "sendgrid":
                self.sendgrid.keys[secret] = SendgridKey(
                    frozenset({"mail.send", "senders.read", "whitelabel.read"}),
                    SendgridAccount({"alerts@acme.example": True}),
                )
            case _:
                self.mailbox.accounts[user] = secret


@contextmanager
def every_vendor() -> Iterator[Vendors]:
    """All of them, started."""
    with ExitStack() as running:
        mailbox = running.enter_context(Mailbox(MailMode.PLAIN))
        rude = MailParrot()
        rude.start()
        running.callback(rude.stop)
        yield Vendors(
            running.enter_context(SlackParrot()),
            running.enter_context(TelegramParrot()),
            running.enter_context(SendgridParrot()),
            mailbox,
            rude,
        )
