"""Mail over SMTP: one checked, pinned connection at a time; the only import of aiosmtplib."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

import aiosmtplib

from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard, Target
from atlas_hub.kit.letter import mail, one_line
from atlas_hub.kit.redact import redact
from atlas_hub.kit.secret import Secret

__all__ = ["SmtpSession", "mail", "refused", "smtp_session"]

TOTAL_SECONDS = 10.0
GOODBYE_SECONDS = 2.0
IMPLICIT_TLS = 465
TEXT_LENGTH = 200

Report = Callable[[str, str, bool | None, str], None]
"""Key, text, whether it went well (None while it runs), detail."""

_AUTH_REFUSED = frozenset({530, 534, 535, 538})
_BUSY = frozenset({421, 450, 451, 452, 454})
_REFUSED = 500


class SmtpSession:
    """A connection to a mail server that let us in."""

    def __init__(self, smtp: aiosmtplib.SMTP, never: tuple[str, ...]) -> None:
        self._smtp = smtp
        self._never = never

    async def check_sender(self, address: str) -> None:
        """Ask whether the server takes mail from `address`, without sending any (MAIL FROM, then RSET).

        Raises `InsufficientPermissions` for `sender_address`, `InvalidCredentials` where sign-in is wanted.
        """
        one_line(sender_address=address)
        try:
            await self._smtp.mail(address)
            await self._smtp.rset()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._error(error) from None

    async def send(self, message: EmailMessage, sender: str, to: str) -> str:
        """Send to one recipient; the server's 250 line comes back, as far as it may be shown.

        Raises `InsufficientPermissions` for `sender_address` or `to`, `BadForm` for line breaks, or any other
        `ProviderError`. After a `NetworkError` the message may have arrived.
        """
        one_line(sender_address=sender, to=to)
        try:
            _, said = await self._smtp.send_message(message, sender=sender, recipients=[to])
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._error(error) from None
        return f"250 {self._safe(said)}".rstrip()

    def _error(self, error: Exception) -> ProviderError:
        """What an SMTP command's failure means."""
        field: str | None = "sender_address"
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            error, field = error.recipients[0], "to"
        if not isinstance(error, aiosmtplib.SMTPResponseException):
            return _no_answer(error)
        code = error.code
        if code in _AUTH_REFUSED or code < _REFUSED:
            return refused(code)
        what = "recipient" if field == "to" else "sender address"
        if isinstance(error, aiosmtplib.SMTPDataError):
            field, what = None, "message"
        said = self._safe(error.message)
        return InsufficientPermissions(
            f"The mail server refused the {what} ({code}). Use one that it accepts."
            + (f" It said: {said.rstrip('.')}." if said else ""),
            field=field,
            vendor_code=str(code),
        )

    def _safe(self, said: str) -> str:
        """The server's words where they may be shown: short, printable, without user name and password."""
        text = " ".join(said.split())
        hidden = any(each.lower() in text.lower() for each in self._never)
        plain = re.fullmatch(rf"[\x20-\x7e]{{1,{TEXT_LENGTH}}}", text)
        return text if plain and not hidden and redact(text) == text else ""


def refused(code: int) -> ProviderError:
    """What a status of the server means where no field of the message is at fault."""
    if code in _AUTH_REFUSED:
        return InvalidCredentials(
            f"The mail server refused the user name or password ({code}). Check both and try again.",
            field="password",
            vendor_code=str(code),
        )
    if code in _BUSY:
        return RateLimited("The mail server is busy. Try again in a minute.")
    return PlatformError(f"The mail server gave an unexpected answer ({code}). Try again later.", vendor_code=str(code))


@asynccontextmanager
async def smtp_session(
    guard: Guard,
    host: str,
    port: int,
    username: str | None,
    password: Secret | None,
    tls: bool,  # noqa: FBT001  # a form's checkbox, passed by name
    timeout: float = TOTAL_SECONDS,  # noqa: ASYNC109  # for all of the block
    report: Report = lambda key, text, ok, detail: None,  # noqa: ARG005  # nobody reads
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[SmtpSession]:
    """Connect, secure and sign in; `timeout` seconds for everything until the block ends.

    `tls`: from the first byte on port 465, else by STARTTLS, which the server must offer. Without it everything
    is readable on the way, and the caller warns. `username` None: no sign-in. `context` replaces the system's
    certificate authorities. Raises `BadForm` (`host`, `port`, what has a line break), `InvalidCredentials`
    (`password`, or `username` where the server has no sign-in), `NetworkError` (no answer, certificate),
    `RateLimited`, `PlatformError` (`port` where there is no STARTTLS).
    """
    hidden = (username or "", password.reveal() if password else "")
    one_line(username=hidden[0], password=hidden[1])
    smtp: aiosmtplib.SMTP | None = None
    try:
        async with asyncio.timeout(timeout):
            step = _Ladder(report)
            with step("address", "Find the mail server"):
                target = await guard.host(host, port)
            with step("connect", "Connect"):
                smtp = await _connect(
                    target, context or ssl.create_default_context(), implicit=tls and port == IMPLICIT_TLS
                )
            if tls and port != IMPLICIT_TLS:
                with step("tls", "Secure the connection"):
                    await _starttls(smtp)
            if username is not None:
                with step("sign_in", "Sign in"):
                    await _sign_in(smtp, *hidden, secure=tls)
            yield SmtpSession(smtp, _never(*hidden))
        # The work is done: a server that is slow to say goodbye does not undo it.
        with suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await smtp.quit()
    except TimeoutError:
        raise NetworkError(f"The mail server did not answer within {timeout:g} seconds. Try again.") from None
    finally:
        if smtp is not None:
            await _hang_up(smtp)


class _Ladder:
    """Reports a step as it begins and as it ends."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._step = ("", "")

    def __call__(self, key: str, text: str) -> _Ladder:
        self._step = (key, text)
        return self

    def __enter__(self) -> None:
        self._report(*self._step, None, "")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        detail = getattr(error, "text", "It took too long.") if error else ""
        self._report(*self._step, error is None, detail)


async def _connect(target: Target, context: ssl.SSLContext, *, implicit: bool) -> aiosmtplib.SMTP:
    """A greeted connection to the checked address; a certificate is verified for the name."""
    raw = socket.socket(socket.AF_INET6 if ":" in target.address else socket.AF_INET, socket.SOCK_STREAM)
    raw.setblocking(False)  # noqa: FBT003  # the standard library's own signature
    try:
        await asyncio.get_running_loop().sock_connect(raw, (target.address, target.port))
    except BaseException as error:
        raw.close()
        if isinstance(error, OSError):
            raise _no_answer(error) from None
        raise
    here = raw.getsockname()[0]
    smtp = aiosmtplib.SMTP(
        hostname=target.host,
        sock=raw,
        # Who we are, as an address literal (RFC 5321 §4.1.3): our host name is nobody's business.
        local_hostname=f"[IPv6:{here}]" if ":" in here else f"[{here}]",
        use_tls=implicit,
        start_tls=False,
        tls_context=context,
        timeout=None,
    )
    try:
        await smtp.connect(timeout=None)
        await smtp.ehlo()
    except BaseException as error:
        await _hang_up(smtp)
        if isinstance(error, aiosmtplib.SMTPException | OSError):
            raise _no_answer(error) from None
        raise
    return smtp


async def _hang_up(smtp: aiosmtplib.SMTP) -> None:
    """Drop the connection now: closing TLS politely would wait for a server that may be hanging."""
    smtp.close()
    if smtp.sock is None:
        return
    with suppress(OSError):
        smtp.sock.shutdown(socket.SHUT_RDWR)
    # The event loop owns the socket: it sees the end of it, and closes it within its next rounds.
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            while smtp.sock.fileno() >= 0:  # noqa: ASYNC110  # nobody sets an event when a socket is closed
                await asyncio.sleep(0.001)


async def _starttls(smtp: aiosmtplib.SMTP) -> None:
    if not smtp.supports_extension("starttls"):
        raise PlatformError(
            "The mail server does not offer STARTTLS on this port. Use port 465, or another server.",
            field="port",
        )
    try:
        await smtp.starttls()
        await smtp.ehlo()
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _no_answer(error) from None


async def _sign_in(smtp: aiosmtplib.SMTP, username: str, password: str, *, secure: bool) -> None:
    """One attempt with one mechanism: a second with the same password may lock the account."""
    ways = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}
    order = list(ways) if secure else ["cram-md5", "plain", "login"]
    way = next((each for each in order if each in smtp.server_auth_methods), None)
    if way is None:
        raise InvalidCredentials(
            "The mail server does not offer sign-in on this connection. Turn on TLS.",
            field="username",
        )
    try:
        await ways[way](username, password)
    except aiosmtplib.SMTPResponseException as error:
        # 501 and the like after AUTH are refusals of what was sent, too.
        raise refused(535 if error.code >= _REFUSED and error.code not in _AUTH_REFUSED else error.code) from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise _no_answer(error) from None


def _no_answer(error: BaseException) -> ProviderError:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return refused(error.code)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NetworkError(
                "The mail server's certificate could not be verified. Check the host name.",
                field="host",
            )
        if isinstance(cause, ssl.SSLError):
            return NetworkError("The mail server does not speak TLS on this port. Check the port.", field="port")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPNotSupported | ValueError):
        return PlatformError("The mail server cannot take this address. Use an address in plain ASCII.")
    return NetworkError("The mail server could not be reached. Check host and port, and try again.", field="host")


def _never(username: str, password: str) -> tuple[str, ...]:
    """What a server's words must not contain: user name, password, and what AUTH makes of them."""
    parts = (username, password, f"\0{username}\0{password}")
    coded = tuple(base64.b64encode(part.encode()).decode() for part in parts)
    return tuple(part for part in (username, password, *coded) if part)
