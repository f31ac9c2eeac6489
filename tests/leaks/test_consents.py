"""No secret of applications and consents is found in any place: logs, answers, audit log, database, Redis, engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from tests.conftest import KEY
from tests.leaks import places
from tests.leaks.applications import CHAT_MOODS, LIVE, applications
from tests.leaks.canaries import Aviary
from tests.leaks.consenting import ANSWERS, consents, operators_app
from tests.leaks.doors import ADMIN
from tests.leaks.entering import enter
from tests.leaks.journey import Journey
from tests.leaks.parrots import every_vendor
from tests.leaks.site import served

pytestmark = pytest.mark.e2e

PLACES = ("logs", "printed", "answers", "database", "states", "Redis")


@dataclass
class Visited:
    """A hub that applications and consents went through, and what was found in every place."""

    journey: Journey
    audit: bytes = b""
    places: dict[str, places.Places] = field(default_factory=dict)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])]
)
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """The visit: once on SQLite with states on the disk, once on PostgreSQL with Redis and two workers."""
    folder = tmp_path_factory.mktemp(request.param)
    early, stores = Aviary(), {}
    secret = early.make("client secret, the operator's")
    if request.param == "postgres":
        url, redis_url = request.getfixturevalue("leaks_database"), request.getfixturevalue("leaks_redis")
        stores = {"DATABASE_URL": url, "REFLEX_REDIS_URL": redis_url, "GRANIAN_WORKERS": "2"}
    with every_vendor() as vendors:
        env = {**vendors.env, **operators_app(secret), **stores}
        with served(folder, page=False, **env) as site, closing(Journey(site, vendors)) as journey:
            journey.aviary.canaries.update(early.canaries)
            journey.aviary.add("encryption key", KEY.partition(":")[2])
            enter(journey)
            applications(journey)
            consents(journey, secret)
            with journey.client() as rest:
                rest.headers["Authorization"] = f"Bearer {journey.key}"
                exported = [
                    journey.ask("audit log", "GET", f"{ADMIN}/activity/export?format={form}", by=rest)
                    for form in ("csv", "jsonl")
                ]
            found = Visited(journey, b"\n".join(answer.content for answer in exported))
            states, kept = places.states(site.cwd), places.redis(redis_url) if stores else {}
        found.places = {
            "logs": site.said(),
            "printed": {"stdout": site.printed},
            "answers": journey.heard(),
            "database": places.dump(url) if stores else places.sqlite(folder),
            "states": states,
            "Redis": kept,
        }
        yield found


def _may(place: str, name: str, canary: str) -> bool:
    """Where one may be found: in what the browser is sent to the vendor with, and in its own cookies."""
    if place in {"states", "Redis"}:
        # Reflex keeps the headers of a socket with its state; see test_canary of the session. What tells a browser
        # apart for a consent opens nothing by itself: the state of the consent is needed, too.
        return canary.startswith(("session cookie", "consent cookie"))
    if place != "answers":
        return False
    if canary.startswith(("session cookie", "form cookie")):
        return ", sign in" in name
    if canary.startswith("API private key"):
        return name == "key create"
    if canary.startswith("consent cookie"):
        return ", begin, page" in name
    goes = (", begin, page", ", chat, address", ", arrive and go on")
    return canary.startswith(("state, ", "nonce, ")) and any(each in name for each in goes)


@pytest.mark.parametrize("place", PLACES)
def test_no_canary_is_found_where_it_may_not_be(visited: Visited, place: str) -> None:
    leaks = [
        f"{canary} in {name}: …{heard}…"
        for name, content in visited.places[place].items()
        for canary, heard in visited.journey.aviary.search(content).items()
        if not _may(place, name, canary)
    ]
    assert leaks == []


def test_every_place_was_there_to_be_searched(visited: Visited) -> None:
    on_disk = not visited.places["Redis"]
    empty = {place for place, found in visited.places.items() if not any(found.values())}
    assert empty <= ({"Redis", "printed"} if on_disk else {"states", "printed"})
    assert len(visited.journey.aviary.canaries) > 300
    assert b"subscriber's consent" in visited.audit or b"connected" in visited.audit


def test_the_vendors_and_the_browser_knew_the_secrets_so_the_search_would_find_them(visited: Visited) -> None:
    """Each state was in an address that was answered, each code and client secret was told to a vendor."""
    heard = visited.journey.aviary.search(visited.journey.vendors.heard())
    made = visited.journey.aviary.canaries
    assert [name for name in made if name.startswith("code, ") and name not in heard] == []
    assert {"client secret, the operator's", "client secret, slack", "client secret, teams"} <= set(heard)
    told = [f"chat sendgrid, checked, {mood}" for mood in CHAT_MOODS]
    assert [name for name in told if name not in heard] == []
    live = [f"{way} {field}, chat checked, {mood}" for way, _ in LIVE if "host" not in way.example
            for field in way.shapes if field != "secret_access_key" for mood in CHAT_MOODS]  # fmt: skip
    assert len(live) >= 6 * len(CHAT_MOODS)
    assert [name for name in live if name not in heard] == []
    answered = {
        name for content in visited.places["answers"].values() for name in visited.journey.aviary.search(content)
    }
    states = [name for name in made if name.startswith("state, ")]
    assert len(states) >= 4 * len(ANSWERS)
    assert [name for name in states if name not in answered] == []
    given = [name for name in made if name.startswith("given by consent, ")]
    assert len([name for name in given if name in heard]) >= 2


def test_what_consents_gave_is_stored(visited: Visited) -> None:
    with_mask = [
        answer for what, answer in visited.journey.answers if what.startswith("chat, list channel-connections")
    ]
    assert len(with_mask[-1].json()["data"]) >= len(CHAT_MOODS)
    kinds = {what for what, answer in visited.journey.answers if what in {"arrive, accept", "come back, page, accept"}}
    assert kinds == {"arrive, accept", "come back, page, accept"}


def test_no_answer_shows_a_stack_or_may_be_kept(visited: Visited) -> None:
    answers = visited.journey.answers
    assert [what for what, answer in answers if "Traceback" in answer.text or answer.status_code >= 500] == []
    assert [what for what, answer in answers if answer.headers.get("cache-control") != "no-store"] == []
