"""Every way to connect and every variable with a secret, from the registry, with canaries in the place of secrets.

A canary takes the shape of the secret that the contract suite types: its end is exchanged for fresh digits, in the
first of a few manners that the form takes.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from atlas_hub.api import bodies
from atlas_hub.kit.errors import BadForm
from atlas_hub.providers import PROVIDERS, key_of, parts_of
from atlas_hub.providers.contract import Method, Purpose
from tests.e2e.vendors import Given
from tests.leaks.canaries import ODD, Aviary, fresh
from tests.providers.entries import ENTRIES, UNLISTED
from tests.providers.entries.entry import Entry
from tests.standins import gchat, resend

KEYS = 4
"""How many private keys are made: they take a while."""
HERE = "http://127.0.0.1:9"
"""Where a stand-in is in an example, until it is known where it is."""
LINES = (1, 12, 24)
"""Lines of a private key by which it is known; the first tells only what kind it is."""


@dataclass(frozen=True)
class Fresh:
    """A canary for a form, and what it stands for in the stand-in's seed: (the seed's, ours)."""

    text: str
    stands_for: tuple[str, str]


Shape = Callable[[Aviary, str], Fresh]


def _odd(example: str) -> Shape:
    """Signs that JSON, URLs, HTML and shells write differently."""
    return lambda aviary, name: Fresh(text := aviary.make(name, ODD), (example, text))


def _place(example: str) -> Shape:
    """An address at a stand-in, secret in its path and in its query, that stands for the seed's."""

    def make(aviary: Aviary, name: str) -> Fresh:
        path, token = fresh(), fresh()
        tail = aviary.add(name, f"/canaries/{path}?sig={token}", path)
        aviary.add(f"{name}, in the query", tail, token)
        return Fresh(HERE + tail, (example.removeprefix(HERE), tail))

    return make


def _url(_example: str) -> Shape:
    """An address with a password and a token in it."""

    def make(aviary: Aviary, name: str) -> Fresh:
        password, token = fresh(), fresh()
        text = aviary.add(name, f"http://bird:{password}@127.0.0.1:9/send?token={token}", password)
        aviary.add(f"{name}, in the query", text, token)
        return Fresh(text, (text, text))

    return make


_signers = count()


def _key_file(example: str) -> Shape:
    """A key file with another private key."""

    def make(aviary: Aviary, name: str) -> Fresh:
        signs = f"canary {next(_signers) % KEYS}"
        text = json.dumps({**json.loads(example), "private_key": gchat.pem(gchat.key(signs))}, indent=2)
        lines = json.loads(text)["private_key"].splitlines()
        for number, line in enumerate(LINES):
            aviary.add(f"{name}, line {line}" if number else name, text, lines[line + 1])
        return Fresh(text, ("atlas", signs))

    return make


def _tail(length: int, *, whole: bool, signs: Callable[[int], str] = fresh) -> Callable[[str], Shape]:
    """The example with another end; `whole` takes its hyphens and dots, too."""

    def shape(example: str) -> Shape:
        def make(aviary: Aviary, name: str) -> Fresh:
            digits = iter(signs(length).upper() if example.isupper() else signs(length))
            end = "".join(next(digits) if whole or sign.isalnum() else sign for sign in example[-length:])
            core = max(re.findall(r"[A-Za-z0-9+/_-]+", end), key=len)
            text = aviary.add(name, example[:-length] + end, core)
            return Fresh(text, (example, text))

        return make

    return shape


_MANNERS: tuple[tuple[str, Callable[[str], Shape]], ...] = (
    ("PRIVATE KEY", _key_file),
    (HERE, _place),
    ("://", _url),
    ("-4bad-8bad-", _tail(32, whole=False)),  # who takes any text asks a vendor that wants these hyphens
    ("", _odd),
    *(
        ("", _tail(length, whole=whole, signs=signs))
        for signs in (fresh, secrets.token_hex)
        for whole in (True, False)
        for length in (32, 24, 16)
    ),
)
"""What an example must have in it, and how a canary is made of it then."""


@dataclass(frozen=True)
class Way:
    """One way to connect, or what the environment gives. `example`: a form that is taken, by the form's names."""

    slug: str
    method: Method[Any]
    example: Mapping[str, Any]
    entry: Entry | None = None

    def __str__(self) -> str:
        return f"{self.slug} {self.method.key}"

    @property
    def card(self) -> str:
        """Which card of the page it stands on."""
        part = next(part for part in parts_of(self.slug) if part.methods[0].purpose is self.method.purpose)
        return key_of(part)

    @property
    def doors(self) -> frozenset[str]:
        """By which doors it is entered: `page`, `api` (the admin API), `groups`, `named` (the connections API)."""
        provider = PROVIDERS[self.slug]
        offered = {
            "page": self.method in provider.methods,
            "api": bool(provider.names.admin) and self.method in bodies.ways(provider),
            "groups": self.method.wire_type is not None,
            "named": bool(provider.names.connections)
            and self.method in provider.methods
            and self.method.purpose is Purpose.CHAT,
        }
        return frozenset(door for door, is_open in offered.items() if is_open)

    def configuration(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The body that the groups API takes for a form."""
        fields = self.method.form.model_fields
        said = {str(fields[name].alias or name): value for name, value in values.items()}
        return {"type": self.method.wire_type, **said}

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """A shape for every secret field of the form."""
        return {field: self._shape(field) for field in sorted(self.method.form.secrets())}

    def _shape(self, field: str) -> Shape:
        example = str(self.example[field])
        for sign, manner in _MANNERS:
            if sign in example and self._takes(field, manner(example)):
                return manner(example)
        raise AssertionError(f"No canary has the shape of {self}, {field}.")

    def _takes(self, field: str, shape: Shape) -> bool:
        try:
            self.method.read({**self.example, field: shape(Aviary(), "a try").text})
        except BadForm:
            return False
        return True

    def fill(self, aviary: Aviary, where: str, at: str = HERE, **own: Any) -> tuple[Given, list[tuple[str, str]]]:
        """The form with fresh canaries, `<way> <field>, <where>`, and what these stand for.

        `at` is where its stand-in is, `own` other values.
        """
        made = {field: shape(aviary, f"{self} {field}, {where}") for field, shape in self.shapes.items()}
        texts = {field: fresh.text.replace(HERE, at) for field, fresh in made.items()}
        given = Given(self.slug, self.method, {**self.example, **own, **texts})
        return given, [fresh.stands_for for fresh in made.values()]


def typed(given: Given, **more: str) -> dict[str, Any]:
    """What the page's script sends for a form."""
    said = {name: "on" if value is True else value for name, value in given.values.items() if value is not False}
    return {"form_data": {"_method": given.way.key, **more, **{name: str(value) for name, value in said.items()}}}


def _ways() -> Iterator[Way]:
    for slug, provider in PROVIDERS.items():
        entries = {each.method: each for each in (*ENTRIES, *UNLISTED) if each.slug == slug}
        for method in (*provider.methods, *(each for each in provider.unlisted if each.key in entries)):
            entry = entries[method.key]
            names = {str(info.alias or name): name for name, info in method.form.model_fields.items()}
            standin = entry.standin()
            standin.base = HERE
            example = {names[name]: value for name, value in entry.values(standin).items()}
            # Until a mailbox is started it has no port; and its TLS is not what is asked here.
            example |= {"port": 25, "tls": False} if "port" in example else {}
            yield Way(slug, method, example, entry)


WAYS = tuple(_ways())
"""Every method of every provider, those that no form offers and an API stores included."""


def by(door: str) -> tuple[Way, ...]:
    """The ways that are entered by a door."""
    return tuple(way for way in WAYS if door in way.doors)


OF_OPERATORS = {"resend": {"api_key": resend.FULL_ACCESS}, "bridge": {"bridge_url": "https://bridge.example/send"}}
"""Examples for what the environment alone can give."""


def _variables() -> Iterator[tuple[str, Way, str]]:
    for slug, provider in PROVIDERS.items():
        for gift in provider.environment:
            known = next((way.example for way in WAYS if (way.slug, way.method.key) == (slug, gift.method.key)), None)
            example = {"sender_address": "atlas@acme.example", **(known or OF_OPERATORS[gift.method.key])}
            fields = gift.method.form.model_fields
            way = Way(slug, gift.method, {name: value for name, value in example.items() if name in fields})
            yield from ((gift.variables[field], way, field) for field in way.shapes if field in gift.variables)


VARIABLES: Mapping[str, tuple[Way, str]] = {name: (way, field) for name, way, field in _variables()}
"""Every variable that may carry a secret of a vendor: the way and the field that it fills."""
