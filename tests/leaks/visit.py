"""One visit of a hub by every door, and what was found in every place afterwards."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import KEY
from tests.leaks import doors, places
from tests.leaks.alerting import alerts
from tests.leaks.canaries import Aviary
from tests.leaks.configurations import configurations
from tests.leaks.entering import enter
from tests.leaks.journey import Journey
from tests.leaks.named import named
from tests.leaks.parrots import Vendors, every_vendor
from tests.leaks.pulling import pulling
from tests.leaks.shapes import VARIABLES
from tests.leaks.shown import shown
from tests.leaks.site import Site, served

GIVEN = {
    "sqlite": ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ATLAS_SMTP_URL"),
    "postgres": ("SLACK_BOT_TOKEN", "RESEND_API_KEY"),  # which nobody asks for where the other is set
}
"""The variables that each visit's hub is started with."""
FEW = ("accept", "unauthorized", "echo 500", "echo 200")
"""Moods of the second visit: vendors are the same there."""


@dataclass
class Visited:
    """A hub that was visited by every door and stopped, and what was found in every place."""

    journey: Journey
    given: tuple[str, ...]
    stranger: str = ""
    tab: str = ""
    told: dict[str, int] = field(default_factory=dict)
    places: dict[str, places.Places] = field(default_factory=dict)


@dataclass
class Secrets:
    """What the operator has."""

    key: str
    figures: str


def visit(kind: str, folder: Path, database: str = "", redis: str = "") -> Visited:
    """The visit: on SQLite with states on the disk, or on PostgreSQL with Redis and two workers."""
    with every_vendor() as vendors:
        operators, early = Secrets(uuid.uuid4().hex, uuid.uuid4().hex), Aviary()
        given = {name: _variable(vendors, early, name) for name in GIVEN[kind]}
        env = {**vendors.env, **given, "ATLAS_API_KEY": operators.key, "ATLAS_METRICS_TOKEN": operators.figures}
        if database:
            env |= {"DATABASE_URL": database, "REFLEX_REDIS_URL": redis, "GRANIAN_WORKERS": "2"}
        with served(folder, page=not database, **env) as site, closing(Journey(site, vendors)) as journey:
            journey.redis, journey.moods = redis, FEW if redis else journey.moods
            journey.aviary.canaries.update(early.canaries)
            found = Visited(journey, given=tuple(given))
            _go(found, site, operators)
            states, remembered = places.states(site.cwd), places.redis(redis) if redis else {}
            found.stranger = doors.with_a_tab_of_another(journey, found.tab)
        found.places = {
            "logs": site.said(),
            "frames, answers, outputs": journey.heard(),
            "states": states,
            "Redis": remembered,
            "database": places.dump(database) if database else places.sqlite(folder),
            "build": places.build(site.cwd),
            "printed": {"stdout": site.printed},
        }
        return found


def _go(found: Visited, site: Site, operators: Secrets) -> None:
    """Through every door, and out."""
    journey = found.journey
    journey.aviary.add("ATLAS_API_KEY", operators.key)
    journey.aviary.add("ATLAS_METRICS_TOKEN", operators.figures)
    journey.aviary.add("encryption key", KEY.partition(":")[2])
    enter(journey)
    doors.environment(journey)
    doors.signing_in(journey)
    doors.misshapen(journey)
    doors.strange_events(journey)
    doors.outcomes(journey)
    if journey.redis:
        alerts(journey)
    configurations(journey)
    pulling(journey)
    named(journey)
    shown(journey, operators.figures)
    _operator(journey, operators.key)
    found.tab = doors.tab_left_open(journey)
    found.told = doors.from_elsewhere(journey)
    kept = {"Cookie": journey.cookie}
    journey.ask("sign out", "POST", "/sign-out", headers={"Origin": site.base})
    journey.web.cookies.clear()
    journey.ask("with the cookie, signed out", "GET", f"{doors.ADMIN}/status", headers=kept)


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
