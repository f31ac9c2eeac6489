"""Every door a secret can come in by, each with canaries of its own; what comes back out is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx

from tests.e2e.vendors import Given
from tests.leaks.journey import Journey
from tests.leaks.odd import kinds
from tests.leaks.shapes import HERE, VARIABLES, Way, by, typed
from tests.leaks.sockets import Socket, card, event, handshake, idle

ADMIN = "/api/v1/admin/integrations"
SENDER = "alerts@acme.example"
EMAIL = "ana@example.com"
TO = "C0GENERAL"
_CARDS = {
    card: [way for way in by("page") if way.card == card] for card in dict.fromkeys(way.card for way in by("page"))
}
ROUNDS = tuple(
    [ways[number] for ways in _CARDS.values() if number < len(ways)] for number in range(max(map(len, _CARDS.values())))
)
"""Ways that can be gone at once, for each is another card's."""


def fill(journey: Journey, way: Way, where: str, mood: str) -> Given:
    """A way's form with fresh canaries; where the vendors accept, they know them."""
    own = journey.vendors.server(mood) if "host" in way.example else {}
    at = journey.vendors.at(type(way.entry.standin())) if way.entry else ""
    given, pairs = way.fill(journey.aviary, f"{where}, {mood}", at or HERE, **own)
    if mood == "accept":
        journey.vendors.know(pairs)
    return given


def environment(journey: Journey) -> None:
    """What the operator's variables give: shown, checked, sent through, adopted, with vendors in a few moods.

    Before all else, for mail that the workspace has set up itself goes another way.
    """
    with journey.socket() as tab, journey.client() as rest:
        assert tab.loaded()
        rest.headers["Authorization"] = f"Bearer {journey.key}"
        given = sorted({way.slug for way, _ in VARIABLES.values()})
        for mood in ("echo 401", "echo 500", "echo 200", "unauthorized", "accept"):
            journey.vendors.play(mood)
            sent = {slug: ("send_test", {"form_data": {"to": EMAIL if slug == "email" else TO}}) for slug in given}
            for wanted in (dict.fromkeys(given, ("check", {})), sent, dict.fromkeys(given, ("adopt", {}))):
                tab.act_at_once(wanted)
            journey.ask(f"api, status, {mood}", "GET", f"{ADMIN}/status", by=rest)
            journey.ask(f"api, test, {mood}", "POST", f"{ADMIN}/email/test", by=rest, json={"recipientEmail": EMAIL})


def outcomes(journey: Journey) -> None:
    """Every form, through page and API, with vendors in every mood: to connect, and to replace what is stored."""
    with journey.socket() as tab, journey.socket() as watching, journey.client() as rest:
        assert tab.loaded() and watching.loaded()  # noqa: PT018  # both tabs, one fact
        rest.headers["Authorization"] = f"Bearer {journey.key}"
        for mood in journey.moods:
            journey.vendors.play(mood)
            for ways in ROUNDS:
                given = {way.card: typed(fill(journey, way, "page", mood), _mode="replace") for way in ways}
                tab.act_at_once({key: ("connect", payload) for key, payload in given.items()})
            for way in by("api"):
                given = fill(journey, way, "api", mood)
                answer = journey.ask(f"api, {way}, {mood}", "POST", ADMIN + given.path, by=rest, json=given.wire)
                saved = way.slug == "email" and answer.json().get("warning") is not None  # mail may be saved unproven
                assert (answer.status_code == 200) == (mood == "accept" or saved), (way, mood, answer.text)
        _hang(journey, tab, rest)
        journey.vendors.play("accept")
        for ways in ROUNDS:
            _stay(journey, tab, ways)
        journey.ask("api, status", "GET", f"{ADMIN}/status", by=rest)
        journey.ask("api, test", "POST", f"{ADMIN}/email/test", by=rest, json={"recipientEmail": EMAIL})
        journey.ask("api, the document", "GET", f"{ADMIN}/openapi.json", by=rest)
        for path in ("activity?limit=200", "activity/export?format=csv", "activity/export?format=jsonl"):
            assert "connect_failed" in journey.ask(f"api, {path}", "GET", f"{ADMIN}/{path}", by=rest).text


def _stay(journey: Journey, tab: Socket, ways: Sequence[Way]) -> None:
    """Ways that are connected for good, and what can be done with them: replaced at last, with nothing typed, too."""

    def connect(where: str, mood: str, **more: str) -> list[str]:
        journey.vendors.play(mood)
        given = {way.card: typed(fill(journey, way, where, mood), **more) for way in ways}
        return tab.act_at_once({key: ("connect", payload) for key, payload in given.items()})

    frames = "".join(connect("the one that stays", "accept", _mode="replace"))
    assert frames.count("accepted it") >= len(ways), (ways, frames)
    tab.act_at_once({way.card: ("check", {}) for way in ways})
    journey.pardon()
    tab.act_at_once({way.card: ("send_test", {"form_data": {"to": way.entry.to if way.entry else ""}}) for way in ways})
    tab.act_at_once({way.card: ("rename", {"form_data": {"label": f"Mine {way.card}"}}) for way in ways})
    for way in ways:
        tab.raise_event(f"{card(way.card)}.begin", {"form": "replace"})
    connect("replaced", "echo 401")
    connect("replaced", "accept")
    empty = {way.card: {**way.example, **dict.fromkeys(way.shapes, "")} for way in ways}
    given = {way.card: Given(way.slug, way.method, empty[way.card]) for way in ways}
    tab.act_at_once({key: ("connect", typed(each)) for key, each in given.items()})


def _hang(journey: Journey, tab: Socket, rest: httpx.Client) -> None:
    """Vendors that never answer: all of them at the same time, for each takes its ten seconds."""
    journey.vendors.play("hang")
    before = len(tab.frames)
    asked = [way for way in by("api") if "host" not in way.example]
    wires = [(way, fill(journey, way, "api", "hang")) for way in asked]

    def ask(way: Way, given: Given) -> int:
        return journey.ask(f"api, {way}, hang", "POST", ADMIN + given.path, by=rest, json=given.wire).status_code

    with ThreadPoolExecutor(len(asked)) as pool:
        answers = pool.map(lambda pair: ask(*pair), wires)
        # A card does one thing at a time: of several ways the first.
        for way in {way.slug: way for way in reversed(asked)}.values():
            tab.raise_event(f"{card(way.slug)}.connect", typed(fill(journey, way, "page", "hang")))
        told = dict(zip(map(str, asked), answers, strict=True))
    assert told == {str(way): 200 if way.slug == "email" else 502 for way in asked}
    for slug in {way.slug for way in asked}:
        assert tab.until(lambda frames, slug=slug: any(idle(frame, slug) for frame in frames[before:])), slug
    journey.vendors.play("accept")


def misshapen(journey: Journey) -> None:
    """Secrets in the wrong shape, under the wrong name, in the wrong place: by the API."""
    aviary, key = journey.aviary, journey.key
    odd = kinds(aviary, "misshapen")
    with journey.client() as rest:
        rest.headers["Authorization"] = f"Bearer {key}"
        for kind, secret in odd.items():
            for way in by("api"):
                wrong = {field: secret(f"{way} {field}") for field in way.shapes}
                given = Given(way.slug, way.method, {**way.example, **wrong})
                journey.ask(f"api, {way}, {kind}", "POST", ADMIN + given.path, by=rest, json=given.wire)
            extra = {"botToken": secret("telegram"), "extra": secret("telegram extra")}
            journey.ask(f"api, one field more, {kind}", "POST", f"{ADMIN}/telegram", by=rest, json=extra)
            own = {"provider": secret("choice"), "senderAddress": SENDER, "config": {"apiKey": secret("key")}}
            journey.ask(f"api, choice, {kind}", "POST", f"{ADMIN}/email", by=rest, json=own)
            journey.ask(f"api, bare, {kind}", "POST", f"{ADMIN}/telegram", by=rest, json=secret("bare"))
        token = aviary.telegram
        as_json = {"Content-Type": "application/json"}
        raw: list[tuple[str, str, str, dict[str, Any]]] = [
            ("broken JSON", "POST", "/telegram", {"content": f'{{"botToken": "{token("broken")}"', "headers": as_json}),
            ("no JSON", "POST", "/telegram", {"content": token("no JSON"), "headers": as_json}),
            ("no type", "POST", "/telegram", {"content": json.dumps({"botToken": token("no type")})}),
            ("a form", "POST", "/telegram", {"data": {"botToken": token("form")}}),
            ("multipart", "POST", "/telegram", {"files": {"botToken": token("multipart").encode()}}),
            ("large", "POST", "/telegram", {"json": {"botToken": token("large") * 2000}}),
            ("query", "POST", f"/telegram?mode={token('mode')}&botToken={token('query')}", {"json": {}}),
            ("wrong path", "POST", f"/nowhere/{token('path')}", {"json": {"botToken": token("wrong path")}}),
            ("wrong verb", "PUT", "/telegram", {"json": {"botToken": token("wrong verb")}}),
            ("DELETE with a body", "DELETE", "/slack", {"json": {"botToken": token("delete")}}),
            ("headers", "GET", "/status", {"headers": {"X-Request-Id": token("request id"), "X-Api-Key": token("h")}}),
            ("recipient", "POST", "/email/test", {"json": {"recipientEmail": token("recipient")}}),
        ]
        for what, method, path, more in raw:
            journey.ask(f"api, {what}", method, ADMIN + path, by=rest, **more)
    for what, header in {
        "an unknown key": "Bearer {}", "no key": "{}", "Basic": "Basic {}", "ApiKey": "ApiKey {}", "two": "Bearer {} x",
    }.items():  # fmt: skip
        secret = aviary.make(f"authorization, {what}", "ahk_{}")
        headers = {"Authorization": header.format(secret)}
        journey.ask(f"api, {what}", "POST", f"{ADMIN}/telegram", headers=headers, json={"botToken": token(what)})


def strange_events(journey: Journey) -> None:
    """What no page sends, but any websocket client can: each leak of Reflex that was ever seen, and their like.

    Names of events and arguments are no secrets: the log names those that it does not know, so that a page of a former
    version can be told from a fault.
    """
    token, connect = journey.aviary.make, f"{card('telegram')}.connect"
    typed = lambda name: {"form_data": {"_method": "bot_token", "bot_token": token(name)}}  # noqa: E731  # a shape
    with journey.socket() as tab:
        assert tab.loaded()
        for payload in (
            {"form_data": token("a text for a form")},
            {"form_data": [token("a list for a form")]},
            {"form_data": {token("a key of a form"): token("its value")}},
            {"form_data": {"_method": token("the name of a method"), "bot_token": token("its secret")}},
            {"form_data": {"_method": "bot_token", "bot_token": [token("a list in a form")]}},
            {**typed("beside an actor"), "actor": {"role": "owner", "token": token("an actor")}},
            {"unknown": token("an unknown argument")},
            {"self": token("self")},
            token("a text for a payload"),
            [token("a list for a payload")],
        ):
            tab.raise_event(connect, payload)
        for name in (
            "reflex___state____state.nothing_of_the_kind",
            f"{card('nowhere')}.connect",
            f"{card('telegram')}.setvar",
            f"{card('telegram')}.set_said",
        ):
            tab.raise_event(name, typed(f"to {name}"))
            tab.raise_event(name, {"x": [token(f"in a list to {name}")]})
        tab.raise_event(f"{card('telegram')}.make_default", {"connection_id": {"x": token("an id")}})
        tab.emit("event", {**event(connect), "payload": typed("a bad address"), "router_data": {"asPath": None}})
        tab.emit("event", {**event(connect), "payload": typed("no router"), "router_data": token("router")})
        tab.emit("event", {"name": 5, "payload": {"bot_token": token("a number for a name")}})
        tab.emit(token("an unknown socket event"), {"x": token("its data")})
        tab.emit("event", json.dumps({**event(connect), "payload": typed("an event as a text")}))
        tab.emit("event", token("a text that is no event"))
        tab.emit("event", [token("a list for an event")])
        tab.say(f"42/_event,not JSON {token('no JSON')}")
        tab.say(f"45{token('a garbled packet')}")
        tab.until(lambda _: False, 1.5)
    for more in ({"token": ""}, {"token": "", "cookie": ""}, {"cookie": ""}):
        with journey.socket(**more) as tab:
            tab.raise_event(connect, typed(f"a socket with {more}"))
            tab.raise_event(connect, {"x": [token(f"unnamed, a socket with {more}")]})
            tab.until(lambda _: False, 1)
    for boot in (token("a text to begin with"), [token("a list to begin with")],
                 {"event": token("a text for the first event")}, {"event": {**event("x"), "payload": token("first")}},
                 {"event": {**event("x"), "payload": typed("the first event")}}):  # fmt: skip
        with journey.socket(boot={"event": boot} if isinstance(boot, str) else boot) as tab:
            tab.until(lambda _: False, 0.5)
    with journey.socket() as tab, suppress(OSError):
        tab.raise_event(connect, {"form_data": {"bot_token": token("five megabytes") + "x" * 5_000_000}})
        tab.until(lambda _: False, 1)


def signing_in(journey: Journey) -> None:
    """The plain forms: right, wrong, malformed, in the query."""
    aviary = journey.aviary
    with journey.client() as other:
        for number in range(2):
            fields = {"email": f"nobody{number}@example.com", "password": aviary.password(f"sign-in, wrong {number}")}
            journey.fill("sign in, wrong", "/sign-in", fields, by=other)
        journey.fill("sign in, wrong", "/sign-in", {"email": EMAIL, "password": aviary.password("wrong")}, by=other)
        secret = aviary.password
        for what, more in {
            "without the form's token": {"data": {"email": EMAIL, "password": secret("no form token")}},
            "as JSON": {"json": {"email": EMAIL, "password": secret("as JSON")}},
            "too large": {"data": {"email": EMAIL, "password": secret("too large") * 2000}},
            "too many fields": {"data": {f"password{each}": secret(f"field {each}") for each in range(20)}},
            "from elsewhere": {
                "data": {"password": secret("elsewhere")},
                "headers": {"Origin": "https://evil.example"},
            },
            "in the query": {"params": {"password": secret("query")}, "data": {}},
        }.items():
            journey.ask(f"sign in, {what}", "POST", "/sign-in", by=other, **more)
        journey.ask("a link of nobody's", "GET", f"/set-up/{aviary.make('no set-up link', '{}abcdefghijk')}", by=other)
        journey.ask("an unknown address", "GET", f"/nowhere?token={aviary.make('unknown address')}", by=other)


ELSEWHERE = ("https://evil.example", "null", "http://localhost:1", "http://localhost.evil.example")


def from_elsewhere(journey: Journey) -> dict[str, int]:
    """Pages of our own and of other origins that ask for a socket with the browser's cookies: what each is told."""
    port = journey.site.port
    return {origin: handshake(port, origin=origin, cookie=journey.cookie) for origin in (journey.site.base, *ELSEWHERE)}


def tab_left_open(journey: Journey) -> str:
    """Fill a page and close the tab; its token, which the tab's address of the socket tells."""
    with journey.socket() as tab:
        assert tab.loaded()
        return tab.token


def with_a_tab_of_another(journey: Journey, token: str) -> str:
    """What a socket is told that nobody signed in with, but that names the token of another's tab."""
    with Socket(journey.site.port, token=token) as tab:
        tab.until(lambda frames: any("/sign-in" in frame for frame in frames))
        return "\n".join(tab.frames)
