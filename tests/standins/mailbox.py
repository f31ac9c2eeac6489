"""A real SMTP server on loopback: implicit TLS, STARTTLS or plain, AUTH, refusals, and a dial for hanging.

RFC 5321 and 4954; the texts of 451 and 550 are Postfix's. The certificate is signed by a CA of its own, made
anew each time: a client trusts it by `ca_pem_path` (`SSL_CERT_FILE`), or proves that it refuses it.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.serve import HOST, LoopThread, Transports, hang, listen_http

OK = "250 OK"
PASSWORD = "not-a-" + "real-password"


class MailMode(StrEnum):
    """How the connection is protected: at once (465), after STARTTLS (587), or never."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


class MailFault(StrEnum):
    """What goes wrong."""

    OK = "ok"
    HANG_CONNECT = "hang_connect"
    HANG_EHLO = "hang_ehlo"
    HANG_AUTH = "hang_auth"
    GREYLIST = "greylist"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Mail:
    """One mail that was taken; `content` is the whole text with its headers."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    user: str | None


@dataclass
class MailDial:
    """Which fault the next session meets; `times` counts down, None is for ever."""

    _fault: MailFault = MailFault.OK
    _times: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, fault: MailFault, times: int | None = None) -> None:
        """Meet the next `times` sessions (GREYLIST: recipients) with `fault`, all of them where None."""
        with self._lock:
            self._fault, self._times = fault, times

    def meets(self, fault: MailFault) -> bool:
        """Whether `fault` is on now; counts it."""
        with self._lock:
            if self._fault is not fault or self._times == 0:
                return False
            if self._times is not None:
                self._times -= 1
            return True


class Mailbox:
    """An SMTP server. `accounts`: user → password; `refused_domains`: senders there are 550.

    `messages` are the mails taken, `calls` the commands so far as (verb, argument), without credentials.
    `control` is the HTTP base for another process: POST /__dial and /__reset, GET /__calls and /__messages.
    """

    def __init__(self, mode: MailMode = MailMode.STARTTLS, port: int = 0) -> None:
        self.mode = mode
        self.host, self.port = HOST, port
        self.control = ""
        self.dial = MailDial()
        self.messages: list[Mail] = []
        self.calls: list[tuple[str, str]] = []
        self.accounts: dict[str, str] = {"atlas": PASSWORD}
        self.refused_domains: set[str] = {"refused.example"}
        self._ca = trustme.CA()
        self._thread = LoopThread(f"mailbox-{mode}")
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    @property
    def ca_pem_path(self) -> str:
        """The file with the CA's certificate; it exists from start to stop."""
        if self._directory is None:
            raise RuntimeError("The mailbox is not started, so it has no CA file. Start it first.")
        return str(Path(self._directory.name) / "ca.pem")

    def start(self) -> Self:
        """Listen. Raises an `OSError` where the fixed port is taken."""
        self._directory = tempfile.TemporaryDirectory(prefix="mailbox-")
        self._ca.cert_pem.write_to_path(self.ca_pem_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("localhost", HOST).configure_cert(context)
        self.port, control = self._thread.start(lambda transports: self._listen(context, transports))
        self.control = f"http://{HOST}:{control}"
        return self

    def stop(self) -> None:
        """Stop listening, end hung sessions, delete the CA file."""
        self._thread.stop()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def reset(self) -> None:
        """Forget mails, calls and faults, for a mailbox that outlives a test."""
        self.messages.clear()
        self.calls.clear()
        self.dial.set(MailFault.OK)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _listen(self, context: ssl.SSLContext, transports: Transports) -> Sequence[asyncio.Server]:
        loop = asyncio.get_running_loop()
        implicit = context if self.mode is MailMode.TLS else None
        opened = await loop.create_server(lambda: _Smtp(self, context, loop, transports), HOST, self.port, ssl=implicit)
        return [opened, *await listen_http((_control(self), 0))(transports)]

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        user, password = given.login.decode(), given.password.decode()
        known = user in self.accounts and self.accounts[user] == password
        return AuthResult(success=known, handled=False, auth_data=user)

    # The names of the hooks are aiosmtpd's.

    async def handle_MAIL(  # noqa: N802 - see above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.rpartition("@")[2].lower() in self.refused_domains:
            return f"550 5.7.1 <{address}>: Sender address rejected: not owned by user"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return OK

    async def handle_RCPT(  # noqa: N802 - see above
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.dial.meets(MailFault.GREYLIST):
            return f"451 4.7.1 <{address}>: Recipient address rejected: Greylisted, please try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return OK

    async def handle_DATA(  # noqa: N802 - see above
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = cast("bytes", envelope.content)
        sender, recipients = str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos))
        self.messages.append(Mail(sender, recipients, content, cast("str | None", session.auth_data)))
        return f"250 2.0.0 Ok: queued as FAKE{len(self.messages):08d}"


def _control(mailbox: Mailbox) -> Starlette:
    """The mailbox by HTTP, for another process."""

    async def turn(request: Request) -> Response:
        try:
            given = await request.json()
            times = given.get("times")
            mailbox.dial.set(MailFault(given["fault"]), None if times is None else int(times))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            return JSONResponse({"error": f"{error}", "faults": [*MailFault]}, status_code=400)
        return Response(status_code=204)

    async def clear(_request: Request) -> Response:
        mailbox.reset()
        return Response(status_code=204)

    async def calls(_request: Request) -> Response:
        return JSONResponse({"calls": mailbox.calls})

    async def messages(_request: Request) -> Response:
        shown = [{**asdict(mail), "content": mail.content.decode("utf-8", "replace")} for mail in mailbox.messages]
        return JSONResponse({"messages": shown})

    return Starlette(
        routes=[
            Route("/__dial", turn, methods=["POST"]),
            Route("/__reset", clear, methods=["POST"]),
            Route("/__calls", calls, methods=["GET"]),
            Route("/__messages", messages, methods=["GET"]),
        ]
    )


class _Smtp(SMTP):
    """One session."""

    def __init__(
        self,
        mailbox: Mailbox,
        context: ssl.SSLContext,
        loop: asyncio.AbstractEventLoop,
        transports: Transports,
    ) -> None:
        starttls = mailbox.mode is MailMode.STARTTLS
        super().__init__(
            mailbox,
            hostname="mail.standin.example",
            ident="ESMTP stand-in",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            authenticator=mailbox._authenticate,
            loop=loop,
        )
        # As an argument this warns where aiosmtpd sees no TLS, and it does not see implicit TLS.
        self._auth_required = True
        self._mailbox = mailbox
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.add(cast("asyncio.WriteTransport", transport))
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        if self._mailbox.dial.meets(MailFault.HANG_CONNECT):
            await hang()
        if self._mailbox.dial.meets(MailFault.UNAVAILABLE):
            await self.push("421 4.3.2 Service not available, closing transmission channel")
            self._writer.close()
            return
        await super()._handle_client()

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        if command not in ("EHLO", "HELO", "AUTH"):
            self._mailbox.calls.append((command, str(args[0]) if args else ""))
        return await super()._call_handler_hook(command, *args)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._mailbox.calls.append(("EHLO", hostname))
        if self._mailbox.dial.meets(MailFault.HANG_EHLO):
            await hang()
        await super().smtp_EHLO(hostname)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._mailbox.calls.append(("AUTH", (arg or "").partition(" ")[0]))
        if self._mailbox.dial.meets(MailFault.HANG_AUTH):
            await hang()
        await super().smtp_AUTH(arg)
