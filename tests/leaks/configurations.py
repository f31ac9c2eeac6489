"""The doors of the groups API: every type with canaries in its secrets, taken, refused, misshapen and misplaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.leaks.canaries import Aviary
from tests.leaks.doors import fill
from tests.leaks.journey import Journey
from tests.leaks.odd import bodies, kinds, strangers
from tests.leaks.shapes import Way, by

PREFIX = "/api/atlas/v1.0"
TEXTS = (str, str | None)
"""Fields of these are names, which are shown."""


@contextmanager
def tool(journey: Journey, public: str = "", private: str = "") -> Iterator[httpx.Client]:
    """A tool that signs in with Digest; each challenge is kept with the answers."""

    def keep(answer: httpx.Response) -> None:
        if "www-authenticate" in answer.headers:
            answer.read()
            journey.answers.append(("groups, a challenge", answer))

    with journey.client() as client:
        client.auth = httpx.DigestAuth(public or journey.public, private or journey.key)
        client.event_hooks = {"response": [keep]}
        yield client


def place(journey: Journey, kind: str = "") -> str:
    """The address of a type, or of them all."""
    return f"{PREFIX}/groups/{journey.workspace}/integrations" + (f"/{kind}" if kind else "")


def configurations(journey: Journey) -> None:
    """Every type, with vendors in every mood; then what is not taken."""
    with tool(journey) as client:
        for mood in journey.moods:
            journey.vendors.play(mood)
            for way in by("groups"):
                _lives(journey, client, way, mood)
            journey.vendors.settle()  # they are asked beside the requests
            journey.ask("groups, list", "GET", place(journey), by=client)
        journey.vendors.play("accept")
        for way in by("groups"):
            _misshapen(journey, client, way)
        _misplaced(journey, client)
    _strangers(journey)


def _lives(journey: Journey, client: httpx.Client, way: Way, mood: str) -> None:
    """One configuration: made and changed; where vendors accept, also made again, shown, and sent back as shown."""
    path = place(journey, way.method.wire_type or "")

    def send(verb: str, where: str, wants: int, *, what: str = "", query: str = "") -> None:
        given = fill(journey, way, where, mood)
        body = way.configuration(given.values)
        answer = journey.ask(what or f"groups, {where} {way}", verb, f"{path}{query}", by=client, json=body)
        assert answer.status_code == wants, (str(way), mood, answer.text)

    assert journey.ask("groups, gone", "DELETE", path, by=client).status_code in {204, 404}
    send("POST", "groups", 200, what=f"groups, new {way}, {mood}", query="?envelope=true&pretty=true")
    if mood == "accept":
        send("POST", "groups again", 409)
    send("PUT", "groups changed", 200)
    if mood != "accept":
        return
    shown = journey.ask("groups, one", "GET", path, by=client)
    assert shown.status_code == 200, shown.text
    back = shown.json()
    lacks = {name: fill(journey, way, "groups lacks", mood).values[field] for name, field in _unshown(way, back)}
    answer = journey.ask(f"groups, sent back {way}", "PUT", path, by=client, json={**back, **lacks})
    assert answer.status_code == 200, answer.text
    assert journey.ask("groups, one", "HEAD", path, by=client).status_code == 200


def _unshown(way: Way, shown: dict[str, Any]) -> list[tuple[str, str]]:
    """The secrets that an answer leaves out, (name on the wire, name in the form)."""
    fields = way.method.form.model_fields
    names = [(str(fields[field].alias or field), field) for field in way.shapes]
    return [(name, field) for name, field in names if name not in shown]


def _misshapen(journey: Journey, client: httpx.Client, way: Way) -> None:
    """Each secret in each odd shape, and fields that are not there, while the type is configured: nothing is made.

    What is taken for a secret all the same is stored by the PUT, whose answer shows no more of it than its mask.
    """
    path, fields = place(journey, way.method.wire_type or ""), way.method.form.model_fields
    for kind, secret in kinds(journey.aviary, f"groups misshapen {way}").items():
        for verb in ("POST", "PUT"):
            wrong = {field: secret(f"{verb} {field}") for field in way.shapes}
            body = way.configuration({**way.example, **wrong})
            answer = journey.ask(f"groups, {way}, {kind}", verb, path, by=client, json=body)
            assert answer.status_code in ({400, 409} if verb == "POST" else {200, 400}), answer.text
            if verb == "POST":
                continue
            plain = way.configuration(way.example)
            chosen = [name for name, info in fields.items() if name not in way.shapes and info.annotation not in TEXTS]
            named = {str(fields[name].alias or name): secret(f"{verb} in {name}") for name in chosen}
            for number, odd in enumerate(({"extra": secret(f"{verb} unknown")}, {"id": secret(f"{verb} id")}, named,
                                          {"type": secret(f"{verb} type")})):  # fmt: skip
                answer = journey.ask(f"groups, {way}, {kind}, {number}", verb, path, by=client, json={**plain, **odd})
                assert answer.status_code in {200, 400, 409}, answer.text


def _misplaced(journey: Journey, client: httpx.Client) -> None:
    """Secrets where no body is read from, or in what is no body."""
    aviary, path = journey.aviary, place(journey, "DATADOG")
    for verb in ("POST", "PUT", "GET", "DELETE", "PATCH"):
        where = f"groups {verb}"
        for what, more in bodies(aviary, where, "apiKey", kind="DATADOG"):
            if verb in {"GET", "DELETE"} and what == "large":
                continue
            answer = journey.ask(f"groups, {verb}, {what}", verb, path, by=client, **more)
            assert answer.status_code < 500, (verb, what, answer.text)
    token = aviary.telegram
    for what, address in {
        "a group": f"{PREFIX}/groups/{token('a group')}/integrations",
        "a type": place(journey, token("a type")),
        "a path": f"{PREFIX}/{token('a path')}?apiKey={token('beside a path')}",
        "a page": f"{place(journey)}?pageNum={token('a page')}&itemsPerPage={token('items')}",
        "a flag": f"{place(journey)}?pretty={token('pretty')}&envelope={token('envelope')}",
        "a count": f"{place(journey)}?includeCount={token('count')}",
        "a nameless one": f"{place(journey)}?{token('nameless')}",
    }.items():
        assert journey.ask(f"groups, {what}", "GET", address, by=client).status_code < 500
    for what, body in {
        "a secret for a key": {"type": "DATADOG", aviary.make("groups field"): "x"},
        "foreign": {"type": "DATADOG", "serviceKey": aviary.make("groups foreign"), "region": "US"},
        "another type": {"type": "PAGER_DUTY", "apiKey": aviary.make("groups of another type")},
    }.items():
        for verb in ("POST", "PUT"):
            answer = journey.ask(f"groups, {what}", verb, path, by=client, json=body)
            assert answer.status_code == 400, answer.text


def _strangers(journey: Journey) -> None:
    """Who signs in otherwise, or with another's name: a private key for a user, a private key that is nobody's."""
    aviary, body = journey.aviary, {"type": "DATADOG", "region": "US"}
    path = place(journey, "DATADOG")
    with journey.client() as other:
        for verb in ("POST", "GET"):
            for what, more in strangers(aviary, f"groups {verb}"):
                token = aviary.telegram(f"groups {verb}, the body of {what}")
                said = {"json": {**body, "apiKey": token}} if verb == "POST" else {}
                answer = journey.ask(f"groups, {what}", verb, path, by=other, **more, **said)
                assert answer.status_code == 401, answer.text
        right = httpx.BasicAuth(journey.public, journey.key)
        assert journey.ask("groups, Basic with the key", "GET", path, by=other, auth=right).status_code == 401
        bearer = {"Authorization": f"Bearer {journey.key}"}
        assert journey.ask("groups, Bearer with the key", "GET", path, by=other, headers=bearer).status_code == 401
    pairs = {
        "a private key for a user": (aviary.make("groups user", "ahk_{}"), journey.public),
        "the key for a user": (journey.key, journey.public),
        "nobody's private key": (journey.public, aviary.make("groups nobody's", "ahk_{}")),
    }
    for what, (public, private) in pairs.items():
        with tool(journey, public, private) as client:
            secret = {**body, "apiKey": aviary.telegram(f"groups, {what}")}
            answer = journey.ask(f"groups, {what}", "POST", path, by=client, json=secret)
            assert answer.status_code == 401, answer.text


def shown_once(what: str, answer: httpx.Response, aviary: Aviary) -> Iterator[str]:
    """What is wrong with the answer to a POST: each of its secrets is told once, and nobody else's."""
    way, mood = next(
        (way, what.removeprefix(f"groups, new {way}, "))
        for way in by("groups")
        if what.startswith(f"groups, new {way}, ")
    )
    told = json.loads(answer.content)["results"]
    own = [each for each in told if each["type"] == way.method.wire_type]
    names = {f"{way} {field}, groups, {mood}" for field in way.shapes}
    if answer.headers.get("cache-control") != "no-store":
        yield f"{what}: it may be kept"
    if len(own) != 1:
        yield f"{what}: {len(own)} of the type"
    heard = {name.removesuffix(", in the query") for name in aviary.search(answer.content)}
    hidden = {f"{way} {field}, groups, {mood}" for field in way.shapes if str(field) == "password"}
    if heard != names - hidden and heard != names:
        yield f"{what}: tells {sorted(heard)}, not {sorted(names)}"
    for name in names & heard:
        core = aviary.canaries[name].core.encode()
        if answer.content.count(core) != 1:
            yield f"{what}: {name} {answer.content.count(core)} times"
