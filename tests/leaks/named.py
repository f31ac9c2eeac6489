"""The doors of the connections API: every platform with canaries in its credentials, taken, refused and misplaced."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from atlas_hub.api.connections_bodies import wire_name
from tests.leaks.doors import fill
from tests.leaks.journey import Journey
from tests.leaks.odd import bodies, kinds, strangers
from tests.leaks.shapes import Way, by

PREFIX = "/api/connections"
REFUSED = frozenset({400, 403, 409, 502, 503})


def named(journey: Journey) -> None:
    """Every platform, with vendors in every mood; then what is not taken."""
    with journey.client() as client:
        client.headers["Authorization"] = f"Bearer {journey.key}"
        journey.vendors.play("accept")
        for each in journey.ask("named, list", "GET", PREFIX, by=client).json():
            if each.get("source") != "environment":  # what the operator's variables give is not to be deleted here
                gone = journey.ask("named, delete", "DELETE", f"{PREFIX}/{each['id']}", by=client)
                assert gone.status_code == 204, gone.text
        made = {str(way): _made(journey, client, way) for way in by("named")}
        for mood in journey.moods:
            journey.vendors.play(mood)
            for way in by("named"):
                _lives(journey, client, way, made[str(way)], mood)
            journey.ask("named, list", "GET", PREFIX, by=client)
        journey.vendors.play("accept")
        for way in by("named"):
            _misshapen(journey, client, way, made[str(way)])
        _misplaced(journey, client, made["slack bot_token"])
    _strangers(journey)


def _body(way: Way, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """A body of a POST. What a field is called is the seed's to say."""
    return {"platform": way.slug, "name": f"Mine {way.slug}", "credentials": credentials}


def _typed(journey: Journey, way: Way, where: str, mood: str) -> dict[str, Any]:
    """Credentials with canaries, by the names of the API, without what is not said."""
    return _wire(way, fill(journey, way, where, mood).values)


def _wire(way: Way, values: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in values.items() if value is not None}
    return {wire_name(way.slug, name).removeprefix("credentials."): value for name, value in said.items()}


def _made(journey: Journey, client: httpx.Client, way: Way) -> str:
    """The id of a connection, made with credentials that the vendor takes."""
    body = _body(way, _typed(journey, way, "named first", "accept"))
    answer = journey.ask(f"named, new {way}", "POST", PREFIX, by=client, json=body)
    assert answer.status_code == 201, (str(way), answer.text)
    return str(answer.json()["id"])


def _lives(journey: Journey, client: httpx.Client, way: Way, made: str, mood: str) -> None:
    """Another with other credentials, other credentials for this one, then what is asked with those it has."""
    path = f"{PREFIX}/{made}"
    answer = journey.ask(f"named, another {way}", "POST", PREFIX, by=client,
                         json=_body(way, _typed(journey, way, "named", mood)))  # fmt: skip
    assert answer.status_code in REFUSED, (str(way), mood, answer.text)  # 409: the account is connected already
    body = {"credentials": _typed(journey, way, "named changed", mood)}
    answer = journey.ask(f"named, changed {way}", "PUT", path, by=client, json=body)
    assert (answer.status_code == 200) == (mood == "accept"), (str(way), mood, answer.text)
    answer = journey.ask(f"named, validate {way}", "POST", f"{path}/validate", by=client)
    assert answer.status_code == 200, answer.text
    assert answer.json()["valid"] == (mood == "accept"), (str(way), mood, answer.text)
    if way.slug == "discord" and mood not in {
        "accept",
        "busy_seconds",
    }:  # else its next listing is one of five minutes ago
        journey.ask("named, list anew", "GET", f"{path}/channels?refresh=true", by=client)
    for verb, more in (("GET", {}), ("PUT", {"json": {"channel_ids": [], "sync_all": True}})):
        answer = journey.ask(f"named, channels {way}", verb, f"{path}/channels", by=client, **more)
        assert answer.status_code < 500 or answer.status_code in {502, 503}, (str(way), mood, answer.text)
    assert journey.ask(f"named, one {way}", "GET", path, by=client).status_code == 200


def _misshapen(journey: Journey, client: httpx.Client, way: Way, made: str) -> None:
    """Each secret in each odd shape, under other names, beside its place, and as what is no secret."""
    for kind, secret in kinds(journey.aviary, f"named misshapen {way}").items():
        for verb, path in (("POST", PREFIX), ("PUT", f"{PREFIX}/{made}")):
            name = lambda what, verb=verb, secret=secret: secret(f"{verb} {what}")  # noqa: E731  # a shape
            shaped = {field: name(field) for field in way.shapes}
            wrong: list[dict[str, Any]] = [
                _body(way, _wire(way, {**way.example, **shaped})),
                _body(way, {**shaped, "token": name("token"), "botToken": name("botToken")}),
                {**_body(way, {}), **{field: name(f"{field} outside") for field in way.shapes}},
                {**_body(way, {}), "credentials": name("credentials")},
                {**_body(way, {}), "credentials": [name("in a list")]},
                {**_body(way, shaped), "settings": {"sync_interval_minutes": name("interval"), "x": name("setting")}},
                {**_body(way, shaped), "platform": name("platform"), "extra": name("extra")},
            ]
            if kind == "key":
                del wrong[3]  # the name of a field, which is said back where there is none of it
            for number, body in enumerate(wrong):
                said = {key: value for key, value in body.items() if verb == "POST" or key != "platform"}
                answer = journey.ask(f"named, {way}, {kind}, {number}", verb, path, by=client, json=said)
                assert answer.is_client_error or answer.status_code in {200, 502, 503}, answer.text


def _misplaced(journey: Journey, client: httpx.Client, made: str) -> None:
    """Secrets where no body is read from, or in what is no body, or in an address."""
    aviary, path = journey.aviary, f"{PREFIX}/{made}"
    for verb, where in (("POST", PREFIX), ("PUT", path), ("PUT", f"{path}/channels"), ("POST", f"{path}/validate")):
        for what, more in bodies(aviary, f"named {verb} {where.removeprefix(path)}", "bot_token"):
            answer = journey.ask(f"named, {verb}, {what}", verb, where, by=client, **more)
            assert answer.status_code < 500, (verb, where, what, answer.text)
    token = aviary.telegram
    for what, (verb, address) in {
        "an id": ("GET", f"{PREFIX}/{token('named id')}"),
        "an id of ours": ("GET", f"{PREFIX}/conn_{token('named id of ours')}"),
        "validate": ("POST", f"{PREFIX}/{token('named validate')}/validate"),
        "a path": ("GET", f"{path}/{token('named path')}?bot_token={token('named beside a path')}"),
        "a list": ("GET", f"{PREFIX}?token={token('named list')}&{token('named nameless')}"),
        "channels": ("GET", f"{path}/channels?refresh={token('named refresh')}"),
        "DELETE": ("DELETE", f"{PREFIX}/{token('named delete')}"),
        "PATCH": ("PATCH", f"{path}?bot_token={token('named patch')}"),
    }.items():
        assert journey.ask(f"named, {what}", verb, address, by=client).status_code < 500, what
    for what, channels in {
        "an object": {"channel_ids": [{"x": token("named channel object")}]},
        "a text": {"channel_ids": token("named channel text")},
        "a word": {"channel_ids": [], "sync_all": token("named sync_all")},
        "more": {"channel_ids": [], "sync_all": False, "bot_token": token("named channels bot_token")},
    }.items():
        answer = journey.ask(f"named, channels, {what}", "PUT", f"{path}/channels", by=client, json=channels)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    body = {"channel_ids": [token("named channel id")]}  # an unknown id is named, which is what ids are for
    answer = journey.ask("named, an unknown channel", "PUT", f"{path}/channels", by=client, json=body)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text


def _strangers(journey: Journey) -> None:
    """Who signs in otherwise."""
    with journey.client() as other:
        for verb in ("POST", "GET"):
            for what, more in strangers(journey.aviary, f"named {verb}"):
                token = journey.aviary.telegram(f"named {verb}, the body of {what}")
                body = {"json": {"platform": "telegram", "name": "x", "credentials": {"bot_token": token}}}
                answer = journey.ask(
                    f"named, {what}", verb, PREFIX, by=other, **more, **(body if verb == "POST" else {})
                )
                assert answer.status_code == 401, answer.text
        digest = httpx.DigestAuth(journey.public, journey.key)
        assert journey.ask("named, Digest", "GET", PREFIX, by=other, auth=digest).status_code == 401
