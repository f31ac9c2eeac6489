"""What the hub shows of itself: each API's description, the figures, the doctor's findings and bundle, the pages."""

from __future__ import annotations

import httpx

from tests.leaks.doors import ADMIN
from tests.leaks.journey import Journey

DOCUMENTS = (f"{ADMIN}/openapi.json", "/v1/integrations/openapi.json", "/api/atlas/v1.0/openapi.json",
             "/api/connections/openapi.json")  # fmt: skip
FIGURES = ("/metrics", "/_atlas_hub/metrics", "/healthz", "/readyz")


def shown(journey: Journey, metrics_token: str) -> None:
    """Ask for all of it."""
    with journey.client() as rest:
        for path in DOCUMENTS:
            answer = journey.ask(f"shown, {path}", "GET", path, by=rest)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json()["openapi"].startswith("3."), path
        for path in FIGURES:
            headers = {"Authorization": f"Bearer {metrics_token}"}
            answer = journey.ask(f"shown, {path}", "GET", path, by=rest, headers=headers)
            assert answer.status_code in {200, 503}, (path, answer.text)
            wrong = {"Authorization": f"Bearer {journey.aviary.make(f'a metrics token, {path}')}"}
            journey.ask(f"shown, {path}, wrong", "GET", path, by=rest, headers=wrong)
        rest.headers["Authorization"] = f"Bearer {journey.key}"
        journey.vendors.play("echo 401")
        answer = _ask(journey, rest, "POST", "doctor")
        assert len(answer.json()["findings"]) > len(DOCUMENTS), answer.text
        bundle = _ask(journey, rest, "GET", "doctor/bundle")
        assert "prometheus" in bundle.text, bundle.text
        journey.vendors.play("accept")
        for path in ("activity?limit=200", "activity/export?format=csv", "activity/export?format=jsonl"):
            _ask(journey, rest, "GET", path)


def _ask(journey: Journey, rest: httpx.Client, verb: str, path: str) -> httpx.Response:
    answer = journey.ask(f"shown, {path}", verb, f"{ADMIN}/{path}", by=rest)
    assert answer.status_code == 200, answer.text
    return answer
