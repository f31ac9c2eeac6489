"""The vendors of the browser tests: stand-ins that can be made to wait, with accounts of each test's own."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from atlas_hub.api.bodies import CHOICE, NESTED, Body
from atlas_hub.providers import PARTS, PROVIDERS
from atlas_hub.providers.contract import Method, Purpose
from tests.providers.entries import ENTRIES
from tests.standins import (
    datadog,
    discord,
    every_standin,
    gchat,
    github,
    linear,
    sendgrid,
    ses,
    slack_seed,
    teams,
    telegram,
    whatsapp,
)
from tests.standins.dial import Fault
from tests.standins.discord import DiscordBot
from tests.standins.gchat import ChatProject, GoogleAccount
from tests.standins.github import GithubToken, GithubUser
from tests.standins.linear import LinearPerson
from tests.standins.mailbox import Mailbox, MailFault, MailMode
from tests.standins.slack_seed import SlackChannel, SlackToken
from tests.standins.standin import Standin
from tests.standins.teams import TeamsApp, TeamsTenant
from tests.standins.telegram import TelegramBot, TelegramChat
from tests.standins.whatsapp import WhatsappStandin, WhatsappToken


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


class ManyNumbers(WhatsappStandin):
    """WhatsApp with a number for each test. `numbers`: id → as the Graph tells it."""

    def seed(self) -> None:
        """The default number and tokens."""
        super().seed()
        self.numbers: dict[str, dict[str, Any]] = {self.number["id"]: self.number}

    def _sees(self, token: WhatsappToken, asked: str) -> None:
        self.number = self.numbers.get(asked, self.number)  # nothing else is asked before this one is answered
        super()._sees(token, asked)


def name_of(kind: type[Standin]) -> str:
    """What a vendor is called here: `teams` for `TeamsStandin`."""
    return kind.__name__.removesuffix("Standin").lower()


def waiting(kind: type[Standin]) -> Waits:
    """A stand-in of this kind that can be made to wait."""
    base = ManyNumbers if kind is WhatsappStandin else kind
    made: Waits = type(kind.__name__.removesuffix("Standin"), (Waits, base), {})()
    return made


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
class Given:
    """What an admin gives to connect by one method: an account of the test's own, as the vendor knows it.

    `values` by the form's names, `to` is where a test message may go. `named` is how the page calls the account.
    """

    slug: str
    way: Method[Any]
    values: Mapping[str, Any]
    to: str = ""
    named: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def typed(self) -> dict[str, str]:
        """What to type, by the labels of the form; boxes to tick are left as they are."""
        fields = self.way.form.model_fields
        return {
            str(fields[name].title): str(value) for name, value in self.values.items() if not isinstance(value, bool)
        }

    @property
    def label(self) -> str:
        """The method's label where the provider has several, for `browsing.fill`."""
        return self.way.label if len(PARTS[self.key].methods) > 1 else ""

    @property
    def key(self) -> str:
        """What the part is called that has the way."""
        return next(key for key, part in PARTS.items() if part.slug == self.slug and self.way in part.methods)

    @property
    def path(self) -> str:
        """Where the admin API takes it."""
        names = PROVIDERS[self.slug].names
        return f"/{names.admin_path or names.admin or self.slug}"

    @property
    def wire(self) -> dict[str, Any]:
        """The body that the admin API takes."""
        body = Body(PROVIDERS[self.slug])
        said: dict[str, Any] = {CHOICE: self.way.key, NESTED: {}} if body.nested else {}
        for name, value in self.values.items():
            path = body.wire_name(self.way, name)
            inside = said[NESTED] if path.startswith(f"{NESTED}.") else said
            inside[path.removeprefix(f"{NESTED}.")] = value
        return said


@dataclass(frozen=True)
class Vendors:
    """Every vendor there is: `vendors.slack`, `vendors.teams` and so on by name, and the mailbox."""

    standins: Mapping[str, Waits]
    mailbox: Mailbox

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["standins"][name]
        except KeyError:
            raise AttributeError(f"There is no stand-in {name!r}.") from None

    @property
    def env(self) -> dict[str, str]:
        """Where a hub finds them."""
        bases = {name: base for each in self.standins.values() for name, base in each.env.items()}
        return {**bases, "SSL_CERT_FILE": self.mailbox.ca_pem_path}

    def calm(self) -> None:
        """Answer everything again, at once."""
        for vendor in self.standins.values():
            vendor.gate.set()
            vendor.dial.set(Fault.OK)
        self.mailbox.dial.set(MailFault.OK)

    def of(self, slug: str, method: str = "") -> Any:
        """The stand-in that a method of a provider asks; the mailbox for SMTP, None where nobody is asked."""
        key = method or PROVIDERS[slug].methods[0].key
        kind = next(type(each.standin()) for each in ENTRIES if (each.slug, each.method) == (slug, key))
        return self.mailbox if kind is Mailbox else self.standins.get(name_of(kind))

    def given(self, slug: str, method: str = "", **more: Any) -> Given:
        """An account of the test's own at a provider, by any way there is. `more`: what differs, as its maker takes it.

        Where an account can be taken by one workspace alone it is new; else it is the contract suite's.
        """
        way = PROVIDERS[slug].method(method or PROVIDERS[slug].methods[0].key)
        assert way is not None
        makers: Mapping[str, Callable[..., Given]] = {
            "slack": self._slack,
            "telegram": self._telegram,
            "discord": self._discord,
            "teams": self._teams,
            "gchat": self._gchat,
            "github": self._github,
            "linear": self._linear,
            "whatsapp": self._whatsapp,
        }
        if slug in makers and way.purpose is not Purpose.ALERTS:
            return makers[slug](way, **more)
        entry = next(each for each in ENTRIES if (each.slug, each.method) == (slug, way.key))
        names = {str(info.alias or name): name for name, info in way.form.model_fields.items()}
        values = {names[name]: value for name, value in entry.values(self.of(slug, way.key)).items()}
        return Given(slug, way, {**values, **more}, entry.to, str(values.get("sender_address", "")))

    def _slack(self, way: Method[Any], **more: Any) -> Given:
        team = self.team(**more)
        return Given("slack", way, {"bot_token": team.token}, team.channel, team.name, {"Team": team.id})

    def _telegram(self, way: Method[Any], **more: Any) -> Given:
        bot = self.bot(**more)
        return Given("telegram", way, {"bot_token": bot.token}, "4242", bot.name)

    def _discord(self, way: Method[Any], guilds: int = 1, **more: Any) -> Given:
        number = f"1{secrets.randbelow(10**17):017}"
        name = f"atlas-{number[-6:]}"
        token = discord.fake(number, "a")
        servers = [discord.guild(f"3{secrets.randbelow(10**17):017}", f"Server {each + 1}") for each in range(guilds)]
        channels: dict[str, Any] = {discord.ACME_ALERTS: None, discord.READ_ONLY: (403, "Missing Permissions", 50013)}
        self.discord.bots[token] = DiscordBot(number, name, discord.ATLAS_KEY, servers, channels, **more)
        values = {"bot_token": token, "application_id": number, "public_key": discord.ATLAS_KEY}
        return Given("discord", way, values, discord.ACME_ALERTS, name)

    def _teams(self, way: Method[Any], name: str = "Acme Corp", *, graph: bool = True, **more: Any) -> Given:
        tenant, app, password = str(uuid.uuid4()), str(uuid.uuid4()), teams.fake(secrets.choice("abcdefgh"))
        self.teams.tenants[tenant] = TeamsTenant(name)
        self.teams.apps[app] = TeamsApp(tenant, {password: True, teams.EXPIRED: False}, graph=graph, **more)
        values = {"app_id": app, "app_password": password, "tenant_id": tenant}
        return Given("teams", way, values, teams.ALERTS, name, {"tenant": tenant})

    def _gchat(self, way: Method[Any], **more: Any) -> Given:
        project = f"acme-{secrets.token_hex(4)}"
        space = "spaces/AAAAalerts1"
        self.gchat.projects[project] = ChatProject(secrets.randbelow(10**12), **{"spaces": {space: "Alerts"}, **more})
        text = gchat.key_file(project=project)
        self.gchat.accounts[f"atlas@{project}.iam.gserviceaccount.com"] = GoogleAccount(project)
        return Given("gchat", way, {"credentials_json": text}, space, project)

    def _github(self, way: Method[Any], kind: str = "ghp", **more: Any) -> Given:
        number = 10**6 + secrets.randbelow(10**8)
        token = re.sub("FAKE", lambda _: secrets.token_hex(2), github.fake(kind, "x"))
        user = GithubUser(number, f"octo{number}")
        self.github.tokens[token] = GithubToken(user, **more)
        return Given("github", way, {"access_token": token}, "", f"@{user.login}")

    def _linear(self, way: Method[Any], name: str = "Ada Lovelace", **more: Any) -> Given:
        key = linear.fake("api", secrets.token_hex(3))
        self.linear.keys[key] = LinearPerson(str(uuid.uuid4()), name, "ada@acme.example", **more)
        return Given("linear", way, {"api_key": key}, "", name)

    def _whatsapp(self, way: Method[Any], **more: Any) -> Given:
        number = f"1{secrets.randbelow(10**14):014}"
        token = whatsapp.fake(secrets.token_hex(4))
        phone = f"+1 555-{number[-7:-4]}-{number[-4:]}"
        told = {"id": number, "display_phone_number": phone, "verified_name": "Acme Corp", "quality_rating": "GREEN"}
        self.whatsapp.numbers[number] = told
        self.whatsapp.tokens[token] = WhatsappToken(**more)
        return Given("whatsapp", way, {"phone_number_id": number, "access_token": token}, whatsapp.GRACE, phone)

    def datadog_key(self) -> str:
        """A key that Datadog knows on any site."""
        return datadog.ATLAS

    def team(self, name: str = "Acme Corp", **other: Any) -> Team:
        """A new Slack team with a bot in it."""
        mark = secrets.token_hex(4).upper()
        token, team_id, channel = slack_seed.fake("xoxb", mark), f"T0{mark}", f"C0{mark}"
        user = f"U0{mark}"
        other = {"scopes": slack_seed.EVERY_SCOPE, **other}
        self.slack.tokens[token] = SlackToken(team_id, name, user, "atlas", f"B0{mark}", **other)
        self.slack.channels.append(SlackChannel(channel, "general", team_id, frozenset({user})))
        return Team(token, name, team_id, channel)

    def bot(self, name: str = "") -> Bot:
        """A new Telegram bot, which the chat 4242 knows."""
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

    @property
    def ses_form(self) -> dict[str, str]:
        """What to type for Amazon SES, by the labels of the form."""
        return {
            "Sender Address": "alerts@acme.example",
            "AWS Region": ses.REGION,
            "Access Key ID": ses.FULL[0],
            "Secret Access Key": ses.FULL[1],
        }


@contextmanager
def every_vendor() -> Iterator[Vendors]:
    """The vendors, started: one of every stand-in that `tests.standins` has."""
    with ExitStack() as running:
        started = {name_of(kind): running.enter_context(waiting(kind)) for kind in every_standin()}
        yield Vendors(started, running.enter_context(Mailbox(MailMode.STARTTLS)))
