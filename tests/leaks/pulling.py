"""The doors of a Prometheus: the stored pair, wrong ones, and secrets in every wrong place."""

from __future__ import annotations

from tests.leaks.configurations import tool
from tests.leaks.journey import Journey
from tests.leaks.odd import strangers
from tests.leaks.shapes import WAYS

PREFIX = "/prometheus/v1.0/groups"
TRIES = 10
USERNAME = "prom_canary"


def pulling(journey: Journey) -> None:
    """Store a pair, sign in with it, then with others until the hub has had enough."""
    way = next(each for each in WAYS if each.slug == "prometheus")
    given, _ = way.fill(journey.aviary, "pulling", username=USERNAME)
    password = given.values["password"]
    path = f"/api/atlas/v1.0/groups/{journey.workspace}/integrations/PROMETHEUS"
    with tool(journey) as client:
        answer = journey.ask("groups, Prometheus", "PUT", path, by=client, json=way.configuration(given.values))
        assert answer.status_code == 200, answer.text
    base, make = f"{PREFIX}/{journey.workspace}", journey.aviary.make
    with journey.client() as prometheus:
        for what in ("discovery?targetScheme=PUBLIC", "metrics", "discovery", "metrics"):
            answer = journey.ask(f"pulling, {what}", "GET", f"{base}/{what}", by=prometheus, auth=(USERNAME, password))
            assert answer.status_code == 200, answer.text
        for number, what in enumerate(("discovery", "metrics") * 8):
            pair = (USERNAME if number % 3 else make(f"pulling user {number}"), make(f"pulling password {number}"))
            query = {"password": make(f"pulling query {number}")}
            answer = journey.ask(
                f"pulling, wrong {number}", "GET", f"{base}/{what}", by=prometheus, auth=pair, params=query
            )
            assert answer.status_code in {401, 429}, answer.text
        for what, more in strangers(journey.aviary, "pulling"):
            answer = journey.ask(f"pulling, {what}", "GET", f"{base}/metrics", by=prometheus, **more)
            assert answer.status_code in {401, 429}, answer.text
        elsewhere = f"{PREFIX}/{journey.aviary.telegram('pulling group')}/metrics"
        answer = journey.ask(
            "pulling, elsewhere", "GET", elsewhere, by=prometheus, auth=(USERNAME, make("pulling, elsewhere"))
        )
        assert answer.status_code in {401, 404, 429}, answer.text
        journey.ask("pulling, posted", "POST", f"{base}/metrics", by=prometheus, content=make("pulling body"))
