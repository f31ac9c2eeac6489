"""The vendors of the browser tests: stand-ins that can be made to wait, with accounts of each test's own."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.standins import sendgrid, slack_seed, telegram
from tests.standins.dial import Fault
from tests.standins.mailbox import Mailbox, MailFault, MailMode
from tests.standins.sendgrid import SendgridStandin
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import SlackChannel, SlackToken
from tests.standins.standin import Standin
from tests.standins.telegram import TelegramBot, TelegramChat, TelegramStandin


class Waits(Standin):
    """A stand-in that answers only while its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        super().__init__()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        while not self.gate.is_set():  # noqa: ASYNC110  # a test's thread opens it
            await asyncio.sleep(0.01)
        await super()._answer(scope, receive, send)


class Slack(Waits, SlackStandin):
    """Slack that can be made to wait."""


class Telegram(Waits, TelegramStandin):
    """Telegram that can be made to wait."""


class Sendgrid(Waits, SendgridStandin):
    """SendGrid that can be made to wait."""


@dataclass(frozen=True)
class Team:
    """A Slack team with one bot: an installation takes each team once, so every test has its own."""

    token: str
    name: str
    id: str
    channel: str


@dataclass(frozen=True)
class Bot:
    """A Telegram bot, for the same reason."""

    token: str
    name: str
    id: int


@dataclass(frozen=True)
class Vendors:
    """Every vendor there is."""

    slack: Slack
    telegram: Telegram
    sendgrid: Sendgrid
    mailbox: Mailbox

    @property
    def env(self) -> dict[str, str]:
        """Where a hub finds them."""
        bases = {f"ATLAS_UPSTREAM_{each.upstream}": each.base for each in (self.slack, self.telegram, self.sendgrid)}
        return {**bases, "SSL_CERT_FILE": self.mailbox.ca_pem_path}

    def calm(self) -> None:
        """Answer everything again, at once."""
        for vendor in (self.slack, self.telegram, self.sendgrid):
            vendor.gate.set()
            vendor.dial.set(Fault.OK)
        self.mailbox.dial.set(MailFault.OK)

    def team(self, name: str = "Acme Corp", **other: Any) -> Team:
        """A new team with a bot in it."""
        mark = secrets.token_hex(4).upper()
        token, team_id, channel = slack_seed.fake("xoxb", mark), f"T0{mark}", f"C0{mark}"
        user = f"U0{mark}"
        other = {"scopes": slack_seed.BOT_SCOPES | {"commands", "app_mentions:read"}, **other}
        self.slack.tokens[token] = SlackToken(team_id, name, user, "atlas", f"B0{mark}", **other)
        self.slack.channels.append(SlackChannel(channel, "general", team_id, frozenset({user})))
        return Team(token, name, team_id, channel)

    def bot(self, name: str = "") -> Bot:
        """A new bot, which the chat 4242 knows."""
        number = 10**8 + secrets.randbelow(9 * 10**8)
        name = name or f"acme_{number}_bot"
        token = telegram._cut(telegram.fake(number, "a"))
        chats = [TelegramChat(4242, "private", "Grace", "grace")]
        self.telegram.bots[token] = TelegramBot(number, name, "Acme", chats=chats)
        return Bot(token, f"@{name}", number)

    @property
    def smtp(self) -> dict[str, str]:
        """What to type for the mailbox, by the labels of the form."""
        return {
            "Sender Address": "atlas@acme.example",
            "Host": self.mailbox.host,
            "Port": str(self.mailbox.port),
            "Username": "atlas",
            "Password": self.mailbox.accounts["atlas"],
        }

    @property
    def sendgrid_form(self) -> dict[str, str]:
        """What to type for SendGrid, by the labels of the form."""
        return {"Sender Address": "alerts@acme.example", "API Key": sendgrid.FULL_ACCESS}


@contextmanager
def every_vendor() -> Iterator[Vendors]:
    """The vendors, started."""
    with ExitStack() as running:
        yield Vendors(
            running.enter_context(Slack()),
            running.enter_context(Telegram()),
            running.enter_context(Sendgrid()),
            running.enter_context(Mailbox(MailMode.STARTTLS)),
        )
