"""What the contract suite asks for: every entry, its vendor stood in for. The suite has no exceptions."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from atlas_hub.kit.clock import now
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.ladder import Step
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Alert, Alerts, Message, Sends
from tests.providers.entries import ENTRIES, UNLISTED
from tests.providers.entries.entry import Entry, Trouble
from tests.standins.dial import Fault

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
HURRIED = 1.0
"""Seconds that a hung vendor gets in a test."""

ALERT = Alert(
    id=new_id(),
    group="5d791c84ff7a2522cc4f9aa1",
    text="TEST: nothing needs to be done.",
    by="ana@acme.example",
    url="https://hub.acme.example",
    at=now(),
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
        if isinstance(self.way, Alerts):
            return await self.way.alert(self.form(**changed), ALERT, self.http)
        return await self.way.send(self.form(**changed), self.entry.to if to is None else to, MESSAGE, self.http)

    def says(self, said: Any, path: str | None = None) -> None:
        """Let the vendor answer with this, at a path or everywhere."""
        self.standin.dial.set(Fault.NONSENSE, path=path, body=said if isinstance(said, str) else json.dumps(said))

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
        upstreams = (
            dict.fromkeys((standin.upstream, *standin.also), standin.base) if hasattr(standin, "upstream") else {}
        )
        http = Hurried(upstreams, Guard(LOOPBACK))
        yield World(entry, standin, http, monkeypatch)
        await http.close()


@pytest.fixture
def answered(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give every answer whose path has `path` in it another status and, where they are told, body and headers."""

    def begin(status: int, said: Any = None, headers: Mapping[str, str] | None = None, path: str = "/") -> None:
        ask = world.http.ask

        async def instead(upstream: Any, method: str, asked: str, **named: Any) -> Any:
            answer = await ask(upstream, method, asked, **named)
            if path not in asked:
                return answer
            text = said if isinstance(said, str | bytes) else json.dumps(said)
            body = answer.body if said is None else text.encode() if isinstance(text, str) else text
            return replace(answer, status=status, headers=answer.headers if headers is None else headers, body=body)

        monkeypatch.setattr(world.http, "ask", instead)

    return begin


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    """Every entry."""
    return ENTRIES


def entry_of(slug: str, method: str) -> Entry:
    """The entry of a method, for a provider's own test."""
    return next(entry for entry in (*ENTRIES, *UNLISTED) if (entry.slug, entry.method) == (slug, method))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test of the contract every entry, every trouble of every entry, or every form of the registry."""
    asked = metafunc.fixturenames
    marked = metafunc.definition.get_closest_marker("entry")
    entries = [entry_of(*marked.args)] if marked else [*ENTRIES, *UNLISTED]
    if "trouble" in asked:
        wanted = "in_send" if "send" in metafunc.function.__name__ else "in_check"
        pairs = [(e, t) for e in entries for t in e.troubles if getattr(t, wanted)]
        ids = [f"{entry.id}-{trouble.name}" for entry, trouble in pairs]
        metafunc.parametrize(("entry", "trouble"), pairs, ids=ids)
    elif "entry" in asked:
        if metafunc.definition.get_closest_marker("sends"):
            entries = [e for e in entries if isinstance(e.way, Sends)]
        if metafunc.definition.get_closest_marker("delivers"):
            entries = [
                e for e in entries if isinstance(e.way, Sends | Alerts) and not PROVIDERS[e.slug].lifecycle.closed
            ]
        metafunc.parametrize("entry", entries, ids=[entry.id for entry in entries])
    if "provider" in asked:
        metafunc.parametrize("provider", list(PROVIDERS.values()), ids=list(PROVIDERS))
    if "way" in asked:
        ways = [(p, m) for p in PROVIDERS.values() for m in (*p.methods, *p.unlisted)]
        metafunc.parametrize("way", [m for _, m in ways], ids=[f"{p.slug}-{m.key}" for p, m in ways])


def pytest_configure(config: pytest.Config) -> None:
    """The marker by which a provider's own test takes its entry alone."""
    config.addinivalue_line("markers", "sends: for methods that can deliver a message")
    config.addinivalue_line("markers", "delivers: for methods that can deliver a message or an alert")
    config.addinivalue_line("markers", "entry(slug, method): the one method that `world` is about")
