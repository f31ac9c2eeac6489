"""Mail over SMTP, against a real server with TLS, STARTTLS and AUTH."""

from __future__ import annotations

import asyncio
import base64
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from ipaddress import ip_network
from typing import Any

import pytest

from atlas_hub.kit import smtp
from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.smtp import mail, smtp_session
from tests.standins.mailbox import PASSWORD, Mailbox, MailFault, MailMode

CANARY = "canary-7f3e9a"
SENDER = "hub@example.com"
TO = "admin@example.org"


class Names:
    """A name server: loopback at the first question, something else ever after."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return ["127.0.0.1"] if self.asked == 1 else ["127.0.0.9"]


def guarded() -> Guard:
    return Guard([ip_network("127.0.0.0/8")], Names())


def said(error: BaseException) -> str:
    """All that a log could show of it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


@pytest.fixture(params=[MailMode.TLS, MailMode.STARTTLS, MailMode.PLAIN])
def box(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with Mailbox(request.param) as started:
        if request.param is MailMode.TLS:
            monkeypatch.setattr(smtp, "IMPLICIT_TLS", started.port)
        yield started


@pytest.fixture
def starttls() -> Iterator[Mailbox]:
    with Mailbox(MailMode.STARTTLS) as started:
        yield started


def opened(box: Mailbox, **changed: Any) -> Any:
    """A session with the mailbox as an admin would set it up."""
    given: dict[str, Any] = {
        "guard": guarded(),
        "host": "localhost",
        "port": box.port,
        "username": "atlas",
        "password": Secret(PASSWORD),
        "tls": box.mode is not MailMode.PLAIN,
        "context": ssl.create_default_context(cafile=box.ca_pem_path),
    }
    return smtp_session(**{**given, **changed})


async def test_a_mail_is_sent_and_the_servers_receipt_comes_back(box: Mailbox):
    steps: list[tuple[str, str, bool | None, str]] = []
    async with opened(box, report=lambda *step: steps.append(step)) as session:
        await session.check_sender(SENDER)
        receipt = await session.send(mail(SENDER, TO, "Grüße", "Line 1\nLine 2\r\n.\rend"), SENDER, TO)
    assert receipt == "250 2.0.0 Ok: queued as FAKE00000001"
    (taken,) = box.messages
    assert (taken.sender, taken.recipients, taken.user) == (SENDER, (TO,), "atlas")
    message = message_from_bytes(taken.content, policy=policy.default)
    assert message["Subject"] == "Grüße"
    assert message["Message-ID"].endswith("@example.com>")
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert message.get_content().splitlines() == ["Line 1", "Line 2", ".", "end"]
    assert box.calls[0] == ("EHLO", "[127.0.0.1]")
    keys = ["address", "connect", *(["tls"] if box.mode is MailMode.STARTTLS else []), "sign_in"]
    assert [(key, ok) for key, _, ok, _ in steps] == [(key, ok) for key in keys for ok in (None, True)]


async def test_checking_a_sender_sends_nothing(box: Mailbox):
    async with opened(box) as session:
        await session.check_sender(SENDER)
    assert box.messages == []
    assert [verb for verb, _ in box.calls][-3:] == ["MAIL", "RSET", "QUIT"]


async def test_a_refused_password_is_named_once_and_the_next_try_succeeds(box: Mailbox):
    steps: list[tuple[str, str, bool | None, str]] = []
    with pytest.raises(InvalidCredentials) as caught:
        async with opened(box, password=Secret(CANARY), report=lambda *step: steps.append(step)):
            pytest.fail("The session must not open.")
    assert (caught.value.field, caught.value.vendor_code) == ("password", "535")
    assert steps[-1] == ("sign_in", "Sign in", False, caught.value.text)
    assert [verb for verb, _ in box.calls].count("AUTH") == 1  # a second attempt may lock the account
    for shape in (CANARY, base64.b64encode(CANARY.encode()).decode(), "atlas"):
        assert shape not in said(caught.value).replace("atlas_hub", "")
    async with opened(box) as session:
        await session.check_sender(SENDER)


async def test_a_refused_sender_is_named_and_the_session_goes_on(box: Mailbox):
    async with opened(box) as session:
        with pytest.raises(InsufficientPermissions) as caught:
            await session.check_sender("hub@refused.example")
        assert (caught.value.field, caught.value.vendor_code) == ("sender_address", "550")
        assert "Sender address rejected" in caught.value.text
        with pytest.raises(InsufficientPermissions) as caught:
            await session.send(mail(SENDER, TO, "s", "t"), "hub@refused.example", TO)
        assert caught.value.field == "sender_address"
        await session.check_sender(SENDER)
        assert (await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO)).startswith("250 ")


async def test_without_sign_in_a_server_that_wants_it_is_a_refusal(box: Mailbox):
    async with opened(box, username=None, password=None) as session:
        with pytest.raises(InvalidCredentials) as caught:
            await session.check_sender(SENDER)
    assert (caught.value.field, caught.value.vendor_code) == ("password", "530")


async def test_an_authority_nobody_added_is_not_trusted(starttls: Mailbox):
    with pytest.raises(NetworkError, match="certificate could not be verified") as caught:
        async with opened(starttls, context=None):
            pytest.fail("The session must not open.")
    assert caught.value.field == "host"
    assert not any(verb == "AUTH" for verb, _ in starttls.calls)


async def test_an_authority_is_added_by_the_environment(box: Mailbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", box.ca_pem_path)
    async with opened(box, context=None) as session:
        await session.check_sender(SENDER)


async def test_the_certificate_must_be_for_the_name_that_was_typed(monkeypatch: pytest.MonkeyPatch):
    for mode in (MailMode.TLS, MailMode.STARTTLS):
        with Mailbox(mode) as box:
            if mode is MailMode.TLS:
                monkeypatch.setattr(smtp, "IMPLICIT_TLS", box.port)
            with pytest.raises(NetworkError, match="certificate could not be verified"):
                async with opened(box, host="mail.example"):
                    pytest.fail("The session must not open.")
            assert not any(verb == "AUTH" for verb, _ in box.calls)


async def test_the_checked_address_is_connected_to_and_nobody_asks_twice(starttls: Mailbox):
    names = Names()
    async with opened(starttls, guard=Guard([ip_network("127.0.0.0/8")], names)) as session:
        await session.check_sender(SENDER)
    assert names.asked == 1


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [("127.0.0.1", 587, "host"), ("localhost", 25, "host"), ("8.8.8.8", 22, "port"), ("mail\r\nx", 25, "host")],
)
async def test_the_guard_is_asked_first(host: str, port: int, field: str):
    with pytest.raises(BadForm) as caught:
        async with smtp_session(Guard(), host, port, None, None, tls=True):
            pytest.fail("The session must not open.")
    assert list(caught.value.fields) == [field]


@pytest.mark.parametrize("fault", [MailFault.HANG_CONNECT, MailFault.HANG_EHLO, MailFault.HANG_AUTH])
async def test_a_server_that_hangs_is_given_up_in_time(starttls: Mailbox, fault: MailFault):
    starttls.dial.set(fault, 1)
    with pytest.raises(NetworkError, match=r"within 0\.3 seconds"):
        async with opened(starttls, timeout=0.3):
            pytest.fail("The session must not open.")
    async with opened(starttls) as session:
        await session.check_sender(SENDER)


async def test_the_time_limit_is_for_what_is_done_inside_too(starttls: Mailbox):
    with pytest.raises(NetworkError, match="did not answer"):
        async with opened(starttls, timeout=0.5):
            await asyncio.sleep(5)


async def test_an_unavailable_server_is_busy_and_the_next_try_succeeds(starttls: Mailbox):
    starttls.dial.set(MailFault.UNAVAILABLE, 1)
    with pytest.raises(RateLimited):
        async with opened(starttls):
            pytest.fail("The session must not open.")
    async with opened(starttls) as session:
        await session.check_sender(SENDER)


async def test_a_greylisted_recipient_is_busy_and_the_next_try_succeeds(starttls: Mailbox):
    starttls.dial.set(MailFault.GREYLIST, 1)
    async with opened(starttls) as session:
        with pytest.raises(RateLimited):
            await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO)
        await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO)


async def test_tls_is_not_given_up_where_the_server_does_not_offer_it():
    with Mailbox(MailMode.PLAIN) as box:
        with pytest.raises(PlatformError, match="STARTTLS") as caught:
            async with opened(box, tls=True):
                pytest.fail("The session must not open.")
        assert caught.value.field == "port"
        assert not any(verb == "AUTH" for verb, _ in box.calls)


async def test_tls_against_a_plain_server_is_a_network_error(monkeypatch: pytest.MonkeyPatch):
    with Mailbox(MailMode.PLAIN) as box:
        monkeypatch.setattr(smtp, "IMPLICIT_TLS", box.port)
        with pytest.raises(NetworkError, match="does not speak TLS"):
            async with opened(box, tls=True):
                pytest.fail("The session must not open.")


async def test_a_server_that_is_not_there_is_a_network_error(starttls: Mailbox):
    async with scripted() as port:
        pass
    with pytest.raises(NetworkError, match="could not be reached") as caught:
        async with opened(starttls, port=port):
            pytest.fail("The session must not open.")
    assert caught.value.field == "host"


@pytest.mark.parametrize("text", ["a\r\nRCPT TO:<x@y>", "a\nb", "a\rb", "a\x00b", "a\u2028b"])
async def test_line_breaks_are_refused_wherever_they_could_smuggle(starttls: Mailbox, text: str):
    with pytest.raises(BadForm):
        mail(text, TO, "s", "t")
    with pytest.raises(BadForm):
        mail(SENDER, text, "s", "t")
    with pytest.raises(BadForm) as caught:
        mail(SENDER, TO, text, "t")
    assert list(caught.value.fields) == ["subject"]
    for changed in ({"username": text}, {"password": Secret(text)}):
        with pytest.raises(BadForm) as caught:
            async with opened(starttls, **changed):
                pytest.fail("The session must not open.")
        assert list(caught.value.fields) == list(changed)
    assert starttls.calls == []
    async with opened(starttls) as session:
        with pytest.raises(BadForm):
            await session.check_sender(text)
        with pytest.raises(BadForm):
            await session.send(mail(SENDER, TO, "s", "t"), SENDER, text)
        await session.check_sender(SENDER)


@asynccontextmanager
async def scripted(**answers: str) -> AsyncIterator[int]:
    """A server that says what it is told to, by verb; an empty answer is silence."""
    known = {"EHLO": "250-x\r\n250 AUTH LOGIN", "AUTH": "334 VXNlcm5hbWU6", "MAIL": "250 ok", "RSET": "250 ok",
             "RCPT": "250 ok", "DATA": "354 go", ".": "250 ok", "QUIT": "221 bye", **answers}  # fmt: skip
    tasks: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            writer.write(b"220 x\r\n")
            in_data = False
            while raw := await reader.readline():
                line = raw.decode().strip()
                if in_data and line != ".":
                    continue
                verb = line.split(" ")[0]
                in_data = verb == "DATA" and known[verb].startswith("354")
                answer = known.get(verb, known.get("ELSE", "334 UGFzc3dvcmQ6"))
                writer.write(f"{answer}\r\n".encode() if answer else b"")
        writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
    for task in tasks:
        assert task
        task.cancel()
        await task


def talk(port: int, **changed: Any) -> Any:
    given: dict[str, Any] = {"username": None, "password": None, "tls": False}
    return smtp_session(guarded(), "mail.example", port, **{**given, **changed})


SECRETS = [
    CANARY,
    CANARY.upper(),
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"\0atlas-user\0{CANARY}".encode()).decode(),
    "atlas-user",
    "xoxb-" + "123456789012-abcdefghijkl",
    "\x1b[31mred",
    "ünïcode",
    "x" * 300,
]


@pytest.mark.parametrize("text", SECRETS)
async def test_a_servers_words_are_not_repeated_where_they_could_leak(text: str):
    answers = {"MAIL": f"550 no {text}", "AUTH": "235 ok"}
    async with (
        scripted(**answers, EHLO="250-x\r\n250 AUTH PLAIN") as port,
        talk(port, username="atlas-user", password=Secret(CANARY)) as session,
    ):
        with pytest.raises(InsufficientPermissions) as caught:
            await session.check_sender(SENDER)
    assert text not in said(caught.value)
    assert "It said" not in caught.value.text


async def test_a_receipt_that_echoes_a_secret_is_only_its_number():
    async with (
        scripted(**{".": f"250 thanks {CANARY}"}, EHLO="250-x\r\n250 AUTH PLAIN", AUTH="235 ok") as port,
        talk(port, username="u-1", password=Secret(CANARY)) as session,
    ):
        assert await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO) == "250"


@pytest.mark.parametrize("code", [530, 534, 535, 538])
async def test_every_refusal_of_auth_is_a_refused_password(code: int):
    async with scripted(AUTH=f"{code} 5.7.8 no {CANARY}") as port:
        with pytest.raises(InvalidCredentials) as caught:
            async with talk(port, username="u", password=Secret(CANARY)):
                pytest.fail("The session must not open.")
    assert (caught.value.field, caught.value.vendor_code) == ("password", str(code))
    assert CANARY not in said(caught.value)


@pytest.mark.parametrize(
    ("verb", "answer", "kind", "field"),
    [
        ("MAIL", "550 no", InsufficientPermissions, "sender_address"),
        ("MAIL", "553 no", InsufficientPermissions, "sender_address"),
        ("MAIL", "501 no", InsufficientPermissions, "sender_address"),
        ("MAIL", "530 sign in", InvalidCredentials, "password"),
        ("MAIL", "452 full", RateLimited, None),
        ("RCPT", "550 unknown", InsufficientPermissions, "to"),
        ("RCPT", "450 later", RateLimited, None),
        ("DATA", "554 no", InsufficientPermissions, None),
        (".", "554 spam", InsufficientPermissions, None),
        (".", "451 later", RateLimited, None),
        (".", "nonsense", PlatformError, None),
    ],
)
async def test_what_a_refusal_means_depends_on_the_command(verb: str, answer: str, kind: type[Exception], field: str):
    async with scripted(**{verb: answer}) as port:
        with pytest.raises(kind) as caught:
            async with talk(port) as session:
                await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO)
        assert type(caught.value) is kind
        assert getattr(caught.value, "field", None) == field
    async with scripted() as port, talk(port) as session:
        assert await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO) == "250 ok"


async def test_a_server_without_sign_in_says_so_at_the_user_name():
    async with scripted(EHLO="250 x") as port:
        with pytest.raises(InvalidCredentials) as caught:
            async with talk(port, username="u", password=Secret("p")):
                pytest.fail("The session must not open.")
    assert caught.value.field == "username"


async def test_a_server_slow_to_say_goodbye_undoes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smtp, "GOODBYE_SECONDS", 0.05)
    async with scripted(QUIT="") as port, talk(port) as session:
        assert await session.send(mail(SENDER, TO, "s", "t"), SENDER, TO) == "250 ok"


async def test_an_address_the_server_cannot_take_is_said_so():
    async with scripted() as port, talk(port) as session:
        with pytest.raises(PlatformError, match="plain ASCII"):
            await session.check_sender("jürgen@example.com")
        await session.check_sender(SENDER)
