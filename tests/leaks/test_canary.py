"""No secret that came in by any door is found in any place, but where the decisions allow it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from atlas_hub.providers import PROVIDERS
from tests.conftest import KEY
from tests.leaks import doors, places
from tests.leaks.canaries import Aviary
from tests.leaks.entering import enter
from tests.leaks.journey import Journey
from tests.leaks.parrots import Vendors, every_vendor
from tests.leaks.shapes import VARIABLES, WAYS
from tests.leaks.site import served

pytestmark = pytest.mark.e2e

SESSION = ("session cookie", "form cookie")
GIVEN = {
    "sqlite": ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ATLAS_SMTP_URL"),
    "postgres": ("SLACK_BOT_TOKEN", "RESEND_API_KEY"),  # which nobody asks for where the other is set
}
"""The variables that each visit's hub is started with."""
NEVER_TOLD = {"slack bot_token signing_secret", "gchat service_account credentials_json", "email ses secret_access_key"}
"""What no vendor is ever told: kept for later, or signed with."""


@dataclass
class Visited:
    """A hub that was visited by every door and stopped, and what was found in every place."""

    journey: Journey
    given: tuple[str, ...]
    stranger: str
    told: dict[str, int]
    places: dict[str, places.Places] = field(default_factory=dict)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])]
)
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """The visit: once on SQLite with states on the disk, once on PostgreSQL with Redis and two workers."""
    folder = tmp_path_factory.mktemp(request.param)
    with every_vendor() as vendors:
        operators, early = uuid.uuid4().hex, Aviary()
        given = {name: _variable(vendors, early, name) for name in GIVEN[request.param]}
        env = {**vendors.env, **given, "ATLAS_API_KEY": operators}
        if request.param == "postgres":
            url = request.getfixturevalue("leaks_database")
            redis_url = request.getfixturevalue("leaks_redis")
            env |= {"DATABASE_URL": url, "REFLEX_REDIS_URL": redis_url, "GRANIAN_WORKERS": "2"}
        with served(folder, page=request.param == "sqlite", **env) as site, closing(Journey(site, vendors)) as journey:
            if request.param == "postgres":  # vendors are the same here: a few moods will do
                journey.moods = ("accept", "unauthorized", "echo 500", "echo 200")
            journey.aviary.canaries.update(early.canaries)
            journey.aviary.add("ATLAS_API_KEY", operators)
            journey.aviary.add("encryption key", KEY.partition(":")[2])
            enter(journey)
            doors.environment(journey)
            doors.signing_in(journey)
            doors.misshapen(journey)
            doors.strange_events(journey)
            doors.outcomes(journey)
            _operator(journey, operators)
            visited_tab = doors.tab_left_open(journey)
            origins = doors.from_elsewhere(journey)
            kept = {"Cookie": journey.cookie}
            journey.ask("sign out", "POST", "/sign-out", headers={"Origin": site.base})
            journey.web.cookies.clear()
            journey.ask("with the cookie, signed out", "GET", f"{doors.ADMIN}/status", headers=kept)
            states = places.states(site.cwd)
            remembered = places.redis(redis_url) if request.param == "postgres" else {}
            stranger = doors.with_a_tab_of_another(journey, visited_tab)
        found = Visited(journey, given=tuple(given), stranger=stranger, told=origins)
        found.places = {
            "logs": site.said(),
            "frames, answers, outputs": journey.heard(),
            "states": states,
            "Redis": remembered,
            "database": places.dump(url) if request.param == "postgres" else places.sqlite(folder),
            "build": places.build(site.cwd),
            "printed": {"stdout": site.printed},
        }
        yield found


def _variable(vendors: Vendors, aviary: Aviary, name: str) -> str:
    """A canary for a variable of the environment, which its vendor accepts."""
    way, field = VARIABLES[name]
    fresh = way.shapes[field](aviary, name)
    vendors.know([fresh.stands_for])
    return fresh.text


def _operator(journey: Journey, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with journey.client() as client:
        answer = journey.ask("operator, status", "GET", f"{doors.ADMIN}/status", by=client, headers=headers)
        assert answer.status_code == 200
        journey.ask("operator, disconnect", "DELETE", f"{doors.ADMIN}/telegram", by=client, headers=headers)


ALLOWED = {
    ("printed", "stdout"): {"set-up link"},
    ("frames, answers, outputs", "key create"): {"API private key"},
}
"""Where one may be found, once (decisions §8). A browser's own cookie, and the link that it opened, come back to it."""


def _may(place: str, name: str, canary: str) -> bool:
    if canary in ALLOWED.get((place, name), ()):
        return True
    if place in {"states", "Redis"}:
        return canary in SESSION  # Reflex keeps the headers of a socket with its state; see the test of them below
    if place.startswith("frames") and re.fullmatch(r"answer \d+, (set up.*|sign (in|out).*)", name):
        return canary in {*SESSION, "set-up link"}
    return False


@pytest.mark.parametrize(
    "place", ["logs", "frames, answers, outputs", "states", "Redis", "database", "build", "printed"]
)
def test_no_canary_is_found_where_it_may_not_be(visited: Visited, place: str):
    leaks = [
        f"{canary} in {name}: …{heard}…"
        for name, content in visited.places[place].items()
        for canary, heard in visited.journey.aviary.search(content).items()
        if not _may(place, name, canary)
    ]
    assert leaks == []


def test_every_place_was_there_to_be_searched(visited: Visited):
    on_disk = not visited.places["Redis"]
    empty = {place for place, found in visited.places.items() if not any(found.values())}
    assert empty <= ({"Redis"} if on_disk else {"states", "printed"})
    assert len(visited.places["build"]) > 20
    assert len(visited.journey.aviary.canaries) > 150


def test_the_vendors_were_told_the_secrets_so_the_search_would_find_them(visited: Visited):
    heard = visited.journey.aviary.search(visited.journey.vendors.heard())
    fields = [(way, f"{way} {field}") for way in WAYS for field in way.shapes if f"{way} {field}" not in NEVER_TOLD]
    doors_and_moods = [(door, mood) for door in ("api", "page") for mood in visited.journey.moods]
    assert [
        f"{field}, {door}, {mood}"
        for way, field in fields
        for door, mood in doors_and_moods
        if f"{field}, {door}, {mood}" not in heard and ("host" not in way.example or mood.startswith("echo"))
    ] == []
    asked = [field for way, field in fields if "host" not in way.example]
    assert [field for field in asked if f"{field}, api, hang" not in heard] == []
    assert [field for field in asked if f"{field}, replaced, accept" not in heard] == []
    (mail,) = set(visited.given) - {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"}
    assert {"SLACK_BOT_TOKEN", mail} <= set(heard)


def test_what_was_connected_is_stored_and_shown_with_no_more_than_its_mask(visited: Visited):
    said = [answer for what, answer in visited.journey.answers if what == "api, status"][-1].json()
    connected = {name for name, each in said.items() if isinstance(each, dict) and each.get("connected")}
    assert connected >= set(PROVIDERS)
    frames = visited.places["frames, answers, outputs"]
    tails = {
        canary.text[-4:]
        for canary in visited.journey.aviary.canaries.values()
        if canary.name.endswith("the one that stays, accept")
        and canary.text[-4:].isalnum()
        and "password" not in canary.name
    }
    assert len(tails) >= len(WAYS) - 3
    assert all(any(tail.encode() in content for content in frames.values()) for tail in tails)


def test_a_state_holds_the_session_id_and_of_the_cookies_nothing_else(visited: Visited):
    kept = [*visited.places["states"].values(), *visited.places["Redis"].values()]
    found = {
        cookie for content in kept for cookie in re.findall(rb"atlas_[a-z]+=[^\"'\\;\x00-\x20\x80-\xff]*", content)
    }
    sessions = {canary.text for canary in visited.journey.aviary.canaries.values() if canary.name == "session cookie"}
    assert found
    assert found <= {f"atlas_session={text}".encode() for text in sessions}


def test_the_session_in_a_state_opens_nothing_after_signing_out(visited: Visited):
    what = [answer.status_code for what, answer in visited.journey.answers if what == "with the cookie, signed out"]
    assert what == [401]


def test_the_set_up_link_is_printed_once_and_its_page_is_never_stored(visited: Visited):
    link = next((each.text for each in visited.journey.aviary.canaries.values() if each.name == "set-up link"), None)
    if link is None:
        assert b"set-up" not in visited.places["printed"]["stdout"]
        return
    assert visited.places["printed"]["stdout"].count(link.encode()) == 1
    shown = [answer for what, answer in visited.journey.answers if what.startswith("set up")]
    assert [answer.status_code for answer in shown] == [200, 422, 200, 303, 410]
    assert all(answer.headers["cache-control"] == "no-store" for answer in shown)


def test_a_private_key_is_shown_once_by_key_create(visited: Visited):
    key = visited.journey.key.encode()
    found = {name: content.count(key) for name, content in visited.journey.heard().items() if key in content}
    assert found == {"key create": 1}


def test_no_answer_of_ours_may_be_kept_by_anyone(visited: Visited):
    own = [
        (what, answer)
        for what, answer in visited.journey.answers
        if what.startswith(("api", "operator", "sign", "set up"))
    ]
    assert len(own) > 90
    assert [what for what, answer in own if answer.headers.get("cache-control") != "no-store"] == []


def test_no_answer_shows_a_stack(visited: Visited):
    assert [
        what for what, answer in visited.journey.answers if "Traceback" in answer.text or 'File "' in answer.text
    ] == []
    assert [what for what, answer in visited.journey.answers if answer.status_code == 500] == []


def test_a_page_of_another_origin_opens_no_socket(visited: Visited):
    assert visited.told == {visited.journey.site.base: 101, **dict.fromkeys(doors.ELSEWHERE, 403)}


def test_who_knows_the_token_of_a_tab_and_is_not_signed_in_is_shown_nothing(visited: Visited):
    assert "/sign-in" in visited.stranger  # it was let in as far as anyone is
    assert "acme-atlas" not in visited.stranger
    assert any("acme-atlas" in "".join(socket.frames) for socket in visited.journey.sockets)


def test_every_secret_field_of_every_form_was_sent(visited: Visited):
    secret = {
        f"{provider.slug} {method.key} {name}"
        for provider in PROVIDERS.values()
        for method in provider.methods
        for name in method.form.secrets()
    }
    sent = {name.partition(", ") for name in visited.journey.aviary.canaries}
    for where in ("api, accept", "api, unauthorized", "page, accept", "page, echo 200", "replaced, echo 401"):
        assert {field for field, _, rest in sent if rest == where} == secret, where


def test_every_variable_that_may_carry_a_vendors_secret_is_given_to_one_of_the_hubs():
    secret = {
        name
        for provider in PROVIDERS.values()
        for gift in provider.environment
        for field, name in gift.variables.items()
        if field in gift.method.form.secrets()
    }
    assert secret == set(VARIABLES)
    assert secret == {name for names in GIVEN.values() for name in names}
