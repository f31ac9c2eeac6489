"""What the contract suite knows of each way to connect: an entry for each method. The suite has no exceptions."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from atlas_hub.kit.errors import (
    AuthExpired,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Step
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Message, Method
from tests.standins import sendgrid, slack_seed, telegram
from tests.standins.dial import BUSY_FOR, NONSENSE, Fault
from tests.standins.mailbox import PASSWORD, Mailbox, MailFault, MailMode
from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.telegram import TelegramStandin

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
HURRIED = 0.4
"""Seconds that a hung vendor gets in a test."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that goes wrong at the vendor: what `begin` does to the stand-in, and what it must become here.

    `waits`: the least and most `retry_after`. `slow`: the time limit is shortened for it. `steps`: how many steps
    of a check end well before it; None where it does not matter.
    """

    name: str
    begin: Callable[[Any], None]
    error: type[ProviderError]
    waits: tuple[int, int] | None = None
    slow: bool = False
    in_check: bool = True
    in_send: bool = True


def turned(fault: Fault, error: type[ProviderError], **facts: Any) -> Trouble:
    """A trouble of the HTTP stand-ins' dial."""
    body = facts.pop("body", None)
    name = f"{fault}-{body[:40]}" if body else str(fault)
    return Trouble(name=name, begin=lambda standin: standin.dial.set(fault, body=body), error=error, **facts)


def inside(said: Mapping[str, Any], error: type[ProviderError], **facts: Any) -> Trouble:
    """A 200 with an error inside, in the vendor's words."""
    return turned(Fault.NONSENSE, error, body=json.dumps(said), **facts)


HTTP_TROUBLES = (
    turned(Fault.UNAUTHORIZED, InvalidCredentials),
    turned(Fault.FORBIDDEN, InsufficientPermissions),
    turned(Fault.BUSY_SECONDS, RateLimited, waits=(BUSY_FOR, BUSY_FOR)),
    turned(Fault.BUSY_DATE, RateLimited, waits=(1, BUSY_FOR + 1)),
    turned(Fault.BUSY_BARE, RateLimited, waits=(60, 60)),
    turned(Fault.SERVER_ERROR, PlatformError),
    turned(Fault.UNAVAILABLE, PlatformError),
    turned(Fault.HTML, PlatformError),
    turned(Fault.EMPTY, PlatformError),
    turned(Fault.HANG, NetworkError, slow=True),
    turned(Fault.REDIRECT, PlatformError),
    turned(Fault.HUGE, PlatformError),
    turned(Fault.RESET, NetworkError),
    *(turned(Fault.NONSENSE, PlatformError, body=body) for body in NONSENSE),
)


def hung(fault: MailFault) -> Trouble:
    """A mail server that falls silent."""
    return Trouble(name=fault, begin=lambda box: box.dial.set(fault), error=NetworkError, slow=True)


MAIL_TROUBLES = (
    hung(MailFault.HANG_CONNECT),
    hung(MailFault.HANG_EHLO),
    hung(MailFault.HANG_AUTH),
    Trouble(
        name="wrong_password",
        begin=lambda box: box.accounts.update(atlas="another"),
        error=InvalidCredentials,
    ),
    Trouble(
        name="unavailable",
        begin=lambda box: box.dial.set(MailFault.UNAVAILABLE),
        error=RateLimited,
        waits=(60, 60),
    ),
    Trouble(
        name="greylisted",
        begin=lambda box: box.dial.set(MailFault.GREYLIST),
        error=RateLimited,
        waits=(60, 60),
        in_check=False,
    ),
    Trouble(
        name="sender_refused",
        begin=lambda box: box.refused_domains.add("acme.example"),
        error=InsufficientPermissions,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The facts of one method for the suite.

    `values`: what an admin types, from the stand-in, by API name. `vendor`: the words that its errors use for the
    vendor. `steps`: the keys of a check that goes well. `tokens`: the secrets that are cleaned of what sticks to
    them. `misshapen`: field → a value that the form refuses. `seconds`: where the time limit is, if not in `Http`.
    """

    slug: str
    method: str
    vendor: str
    standin: Callable[[], Any]
    values: Callable[[Any], dict[str, Any]]
    steps: tuple[str, ...]
    to: str
    troubles: tuple[Trouble, ...]
    account: tuple[str, str] | None
    tokens: tuple[str, ...] = ()
    misshapen: Mapping[str, Any] = field(default_factory=dict)
    wrong_to: tuple[str, ...] = ("", "two words", "a\r\nb")
    mend: Callable[[Any], None] = lambda standin: standin.reset()
    variables: Callable[[Any], dict[str, str]] = lambda _standin: {}
    seconds: str | None = None

    @property
    def id(self) -> str:
        return f"{self.slug}-{self.method}"

    @property
    def way(self) -> Method[Any]:
        method = PROVIDERS[self.slug].method(self.method)
        assert method is not None
        return method


def mended(box: Mailbox) -> None:
    """A mailbox as it was."""
    box.reset()
    box.accounts["atlas"] = PASSWORD
    box.refused_domains.discard("acme.example")


ENTRIES = (
    Entry(
        slug="slack",
        method="bot_token",
        vendor="Slack",
        standin=SlackStandin,
        values=lambda _standin: {"botToken": slack_seed.ACME, "signingSecret": "0123456789abcdef" * 2},
        steps=("format", "reached", "accepted", "scopes"),
        to="C0GENERAL",
        account=("T0ACME", "U0ATLAS"),
        tokens=("botToken", "signingSecret"),
        misshapen={"botToken": "xoxp-1-2-canary", "signingSecret": "canary"},
        wrong_to=("", "#general", "general", "c0123456789", "C0123456789/../x"),
        troubles=(
            *HTTP_TROUBLES,
            turned(Fault.OK_ERROR, PlatformError),
            inside({"ok": False, "error": "token_revoked"}, AuthExpired),
            inside({"ok": False, "error": "invalid_auth"}, InvalidCredentials),
            inside({"ok": False, "error": "ratelimited"}, RateLimited, waits=(60, 60)),
            inside({"ok": False, "error": "missing_scope", "needed": "x"}, InsufficientPermissions),
            inside({"ok": False, "error": "https://evil.example/xoxb-1"}, PlatformError),
            inside({"ok": False}, PlatformError),
            inside({"ok": True}, PlatformError),
        ),
    ),
    Entry(
        slug="telegram",
        method="bot_token",
        vendor="Telegram",
        standin=TelegramStandin,
        values=lambda _standin: {"botToken": telegram.ATLAS},
        steps=("format", "reached", "accepted"),
        to="@acme_alerts",
        account=("123456789", "-"),
        tokens=("botToken",),
        misshapen={"botToken": "123456789:../../canary"},
        wrong_to=("", "acme", "https://t.me/acme", "12 34", "@a"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"ok": False, "error_code": 401, "description": "Unauthorized"}, InvalidCredentials),
            inside({"ok": False, "error_code": 404, "description": "Not Found"}, InvalidCredentials),
            inside({"ok": False, "error_code": 409, "description": "Conflict"}, PlatformError),
            inside({"ok": False, "error_code": True}, PlatformError),
            inside({"ok": True, "result": {"id": 1, "is_bot": "yes"}}, PlatformError),
        ),
    ),
    Entry(
        slug="email",
        method="smtp",
        vendor="mail server",
        standin=lambda: Mailbox(MailMode.STARTTLS),
        values=lambda box: {
            "senderAddress": "alerts@acme.example",
            "host": box.host,
            "port": box.port,
            "username": "atlas",
            "password": PASSWORD,
            "tls": True,
        },
        steps=("address", "connect", "tls", "sign_in", "sender"),
        to="ana@acme.example",
        account=None,
        misshapen={"senderAddress": "canary", "host": "https://canary/", "port": "canary", "tls": "canary"},
        wrong_to=("", "ana", "ana@a.example, b@b.example", "Ana <ana@a.example>", "ana@a.example\r\nBcc: x@y.example"),
        troubles=MAIL_TROUBLES,
        mend=mended,
        variables=lambda box: {"SSL_CERT_FILE": box.ca_pem_path},
        seconds="atlas_hub.providers.email.SECONDS",
    ),
    Entry(
        slug="email",
        method="sendgrid",
        vendor="SendGrid",
        standin=SendgridStandin,
        values=lambda _standin: {"senderAddress": "alerts@acme.example", "apiKey": sendgrid.FULL_ACCESS},
        steps=("format", "reached", "accepted", "scopes", "sender"),
        to="ana@acme.example",
        account=None,
        tokens=("apiKey",),
        misshapen={"senderAddress": "canary@", "apiKey": "SG.can ary"},
        wrong_to=("", "ana", "a@b@c.example"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"errors": [{"message": "no", "field": None}]}, PlatformError),
            inside({"scopes": "mail.send"}, PlatformError),
        ),
        seconds="atlas_hub.providers._sendgrid.SECONDS",
    ),
)

MESSAGE = Message(subject="A test", text="Nothing needs to be done.")


class Hurried(Http):
    """An `Http` whose patience a test may shorten."""

    patience = 10.0

    async def ask(self, *given: Any, timeout: float = 10.0, **named: Any) -> Any:  # noqa: ASYNC109  # as Http has it
        return await super().ask(*given, timeout=min(timeout, self.patience), **named)


@dataclass
class World:
    """One method, its vendor stood in for, and what the check has reported."""

    entry: Entry
    standin: Any
    http: Hurried
    monkeypatch: pytest.MonkeyPatch
    steps: list[Step] = field(default_factory=list)

    @property
    def way(self) -> Any:
        return self.entry.way

    @property
    def values(self) -> dict[str, Any]:
        return self.entry.values(self.standin)

    def form(self, **changed: Any) -> Any:
        return self.way.read({**self.values, **changed})

    def secrets(self) -> list[str]:
        return [secret.reveal() for secret in self.form().given_secrets().values()]

    async def check(self, **changed: Any) -> Any:
        self.steps.clear()
        return await self.way.check(self.form(**changed), self.http, self.steps.append)

    async def send(self, to: str | None = None, **changed: Any) -> Any:
        return await self.way.send(self.form(**changed), self.entry.to if to is None else to, MESSAGE, self.http)

    def hurry(self) -> None:
        self.http.patience = HURRIED
        if self.entry.seconds:
            self.monkeypatch.setattr(self.entry.seconds, HURRIED)

    def begin(self, trouble: Trouble) -> None:
        if trouble.slow:
            self.hurry()
        trouble.begin(self.standin)

    def mend(self) -> None:
        self.entry.mend(self.standin)
        self.http.patience = 10.0
        if self.entry.seconds:
            self.monkeypatch.setattr(self.entry.seconds, 10.0)


@pytest.fixture
async def world(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The entry's method against its stand-in."""
    with entry.standin() as standin:
        for name, value in entry.variables(standin).items():
            monkeypatch.setenv(name, value)
        upstreams = {standin.upstream: standin.base} if hasattr(standin, "upstream") else {}
        http = Hurried(upstreams, Guard(LOOPBACK))
        yield World(entry, standin, http, monkeypatch)
        await http.close()


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    """Every entry."""
    return ENTRIES


def entry_of(slug: str, method: str) -> Entry:
    """The entry of a method, for a provider's own test."""
    return next(entry for entry in ENTRIES if (entry.slug, entry.method) == (slug, method))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test of the contract every entry, every trouble of every entry, or every form of the registry."""
    asked = metafunc.fixturenames
    marked = metafunc.definition.get_closest_marker("entry")
    entries = [entry_of(*marked.args)] if marked else list(ENTRIES)
    if "trouble" in asked:
        wanted = "in_send" if "send" in metafunc.function.__name__ else "in_check"
        pairs = [(e, t) for e in entries for t in e.troubles if getattr(t, wanted)]
        ids = [f"{entry.id}-{trouble.name}" for entry, trouble in pairs]
        metafunc.parametrize(("entry", "trouble"), pairs, ids=ids)
    elif "entry" in asked:
        metafunc.parametrize("entry", entries, ids=[entry.id for entry in entries])
    if "provider" in asked:
        metafunc.parametrize("provider", list(PROVIDERS.values()), ids=list(PROVIDERS))
    if "way" in asked:
        ways = [(p, m) for p in PROVIDERS.values() for m in p.methods]
        metafunc.parametrize("way", [m for _, m in ways], ids=[f"{p.slug}-{m.key}" for p, m in ways])


def pytest_configure(config: pytest.Config) -> None:
    """The marker by which a provider's own test takes its entry alone."""
    config.addinivalue_line("markers", "entry(slug, method): the one method that `world` is about")
