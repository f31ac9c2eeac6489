"""No secret that came in by any door is found in any place, but where the decisions allow it."""

from __future__ import annotations

import re

import pytest

from atlas_hub.providers import PROVIDERS
from tests.leaks import doors
from tests.leaks.alerting import ALERTING
from tests.leaks.configurations import shown_once
from tests.leaks.journey import OUTCOMES
from tests.leaks.shapes import VARIABLES, WAYS, by
from tests.leaks.visit import GIVEN, Visited, visit

pytestmark = pytest.mark.e2e

SESSION = ("session cookie", "form cookie")
NEVER_TOLD = {
    "slack bot_token signing_secret", "gchat service_account credentials_json", "email ses secret_access_key",
    "webhook url secret", "new_relic keys license_key", "flowdock api_token api_token", "prometheus pull password",
}  # fmt: skip
"""What no vendor is ever told: kept for later, signed with, or of a service that is never called."""
BY_ALERTS = {
    "webhook url url", "teams webhook microsoft_teams_webhook_url", "victorops api_key api_key",
    "new_relic keys write_token",
}  # fmt: skip
"""What a vendor is told by alerts alone, for no check may post."""


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])]
)
def visited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Visited:
    """The visit: once on SQLite with states on the disk, once on PostgreSQL with Redis and two workers."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        return visit("sqlite", folder)
    stores = (request.getfixturevalue(name) for name in ("leaks_database", "leaks_redis"))
    return visit("postgres", folder, *stores)


ALLOWED = {
    ("printed", "stdout"): {"set-up link"},
    ("frames, answers, outputs", "key create"): {"API private key"},
}
"""Where one may be found, once (decisions §8). A browser's own cookie, and the link that it opened, come back to it."""


def _may(place: str, name: str, canary: str) -> bool:
    if canary in ALLOWED.get((place, name), ()):
        return True
    if place.startswith("frames") and _is_told(name.partition(", ")[2], canary):
        return True
    if place in {"states", "Redis"}:
        return canary in SESSION  # Reflex keeps the headers of a socket with its state; see the test of them below
    if place.startswith("frames") and re.fullmatch(r"answer \d+, (set up.*|sign (in|out).*)", name):
        return canary in {*SESSION, "set-up link"}
    return False


NAMED_BACK = {
    "groups, a group": "telegram bot_token, a group",
    "groups, a type": "telegram bot_token, a type",
    "groups, a path": "telegram bot_token, a path",
    "groups, a secret for a key": "groups field",
    "named, an unknown channel": "telegram bot_token, named channel id",
}
"""Answers that name what was asked for: an address, a field, an id of a channel. These are no places for a secret."""


def _is_told(answer: str, canary: str) -> bool:
    """Whether an answer may tell a canary: the groups API's POST its own, once (see the test of it)."""
    if answer.startswith("groups, new "):
        way, mood = answer.removeprefix("groups, new ").split(", ", 1)
        return canary.startswith(f"{way} ") and canary.removesuffix(", in the query").endswith(f", groups, {mood}")
    return NAMED_BACK.get(answer) == canary


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
    heard = set(visited.journey.aviary.search(visited.journey.vendors.heard()))
    moods = visited.journey.moods
    told = [(way, f"{way} {field}") for way in WAYS for field in way.shapes]
    told = [(way, field) for way, field in told if field not in NEVER_TOLD | BY_ALERTS]
    assert [
        f"{field}, {door}, {mood}"
        for way, field in told
        for door in ("api", "page", "named", "named changed")
        for mood in moods
        if door.partition(" ")[0] in way.doors
        and f"{field}, {door}, {mood}" not in heard
        and ("host" not in way.example or mood.startswith("echo"))
    ] == []
    assert [  # what is written while the check of the first is on its way is checked in its place
        f"{field}, {mood}"
        for way, field in told
        for mood in moods
        if "groups" in way.doors and not {f"{field}, groups, {mood}", f"{field}, groups changed, {mood}"} & heard
    ] == []
    asked = [(way, field) for way, field in told if "host" not in way.example]
    assert [field for way, field in asked if "api" in way.doors and f"{field}, api, hang" not in heard] == []
    assert [field for way, field in asked if "page" in way.doors and f"{field}, replaced, accept" not in heard] == []
    (mail,) = set(visited.given) - {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"}
    assert {"SLACK_BOT_TOKEN", mail} <= heard


def test_test_alerts_told_their_secrets_in_every_mood(visited: Visited):
    if not visited.journey.redis:
        pytest.skip("Five test messages a minute are too few for this; the other visit's hub counts in a Redis.")
    heard = visited.journey.aviary.search(visited.journey.vendors.heard())
    assert [field for field in BY_ALERTS if f"{field}, replaced, accept" not in heard] == []
    frames = {mood: "".join(
        content.decode() for name, content in visited.journey.outputs.items() if name.startswith(f"alerts, {mood}, ")
    ) for mood in OUTCOMES}  # fmt: skip
    closed = sum(PROVIDERS[way.slug].lifecycle.closed for way in ALERTING)
    assert frames["accept"].count('"tested_rx_state_":"yes"') == len(ALERTING) - closed
    refused = {mood: told.count('"tested_rx_state_":"no"') for mood, told in frames.items() if mood != "accept"}
    assert min(refused.values()) >= 1, refused
    assert "Five test messages" not in "".join(frames.values())


def test_the_groups_api_tells_a_new_secret_once_in_one_answer_and_nowhere_else(visited: Visited):
    posts = {
        f"answer {number}, {what}": (what, answer)
        for number, (what, answer) in enumerate(visited.journey.answers)
        if what.startswith("groups, new ")
    }
    assert len(posts) == len(by("groups")) * len(visited.journey.moods)
    aviary = visited.journey.aviary
    assert [each for what, answer in posts.values() for each in shown_once(what, answer, aviary)] == []
    found: dict[str, list[str]] = {}
    for place in visited.places.values():
        for name, content in place.items():
            for canary in aviary.search(content):
                if re.search(r", groups, [a-z0-9_ ]+(, in the query)?$", canary):
                    found.setdefault(canary, []).append(name)
    assert [(canary, where) for canary, where in found.items() if len(where) != 1 or where[0] not in posts] == []
    secret = [way for way in by("groups") if "password" not in way.shapes]  # a password is not told at all
    assert len(found) >= sum(len(way.shapes) for way in secret) * len(visited.journey.moods)


def test_what_was_connected_is_stored_and_shown_with_no_more_than_its_mask(visited: Visited):
    said = [answer for what, answer in visited.journey.answers if what == "api, status"][-1].json()
    connected = {name for name, each in said.items() if isinstance(each, dict) and each.get("connected")}
    assert connected >= {provider.names.admin for provider in PROVIDERS.values() if provider.names.admin}
    frames = b"".join(visited.places["frames, answers, outputs"].values())
    masked = [
        f"{way} {field}, the one that stays, accept"
        for way in by("page")
        for field in way.shapes
        if "shows" not in way.method.form.said_of(field) and "password" not in field
        if not PROVIDERS[way.slug].lifecycle.closed
    ]
    tails = {name: visited.journey.aviary.canaries[name].text[-4:] for name in masked}
    assert len(masked) >= len(by("page")) - 4
    assert [name for name, tail in tails.items() if tail.isalnum() and tail.encode() not in frames] == []


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
        if what.startswith(("api", "operator", "sign", "set up", "groups", "named", "pulling", "shown"))
    ]
    assert len(own) > 900
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


WHERE = {
    "page": ("page, accept", "page, echo 200", "replaced, echo 401", "replaced, accept"),
    "api": ("api, accept", "api, unauthorized"),
    "groups": ("groups, accept", "groups again, accept", "groups changed, unauthorized", "groups changed, echo 200"),
    "named": ("named first, accept", "named, unauthorized", "named changed, accept", "named changed, echo 500"),
}
"""Where each secret must have been sent, by door: a few of all."""


def test_every_secret_field_of_every_form_was_sent_by_every_door_that_takes_it(visited: Visited):
    secret = [(way, f"{way} {field}") for way in WAYS for field in way.method.form.secrets()]
    sent = visited.journey.aviary.canaries.keys()
    assert [
        f"{field}, {where}"
        for way, field in secret
        for door in way.doors
        for where in WHERE[door]
        if f"{field}, {where}" not in sent
    ] == []


def test_every_form_there_is_has_a_door_of_these_or_is_the_chat_apis_alone():
    ways = {(way.slug, way.method.key) for way in WAYS if way.doors}
    every = {
        (slug, each.key) for slug, provider in PROVIDERS.items() for each in (*provider.methods, *provider.unlisted)
    }
    assert every - ways == {("email", "resend")}  # see test_consents, and the variable of it


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
