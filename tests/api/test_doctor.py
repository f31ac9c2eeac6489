"""The doctor by the admin API: what it answers, who may, how often, and the bundle as a file."""

from __future__ import annotations

from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.services import bundle
from tests.api.conftest import Client, People, Vendors, asking
from tests.standins.dial import Fault
from tests.standins.slack_seed import ACME


async def connected(client: Client) -> None:
    assert (await client.post("/slack/byot", json={"botToken": ACME})).status_code == 200


async def test_it_says_what_is_wrong_and_what_to_do(client: Client, vendors: Vendors) -> None:
    await connected(client)
    vendors.slack.dial.set(Fault.UNAUTHORIZED)
    answer = await client.post("/doctor")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    (refused,) = [each for each in told["findings"] if each["status"] == "failed" and each["area"] == "connection"]
    assert (refused["step"], refused["code"]) == ("authentication", "INVALID_CREDENTIALS")
    assert refused["fix"]
    assert sum(told["summary"].values()) == len(told["findings"])
    assert {each["step"] for each in told["findings"]} <= set(bundle.STEPS)
    assert ACME not in answer.text


async def test_a_third_run_within_a_minute_is_told_when_to_come_back(client: Client, vendors: Vendors) -> None:
    for _ in range(2):
        assert (await client.post("/doctor")).status_code == 200
    answer = await client.post("/doctor")
    assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_the_bundle_is_a_file_that_nobody_keeps_and_no_vendor_is_asked(
    client: Client, people: People, vendors: Vendors, hub: Hub
) -> None:
    await connected(client)
    before = len(vendors.slack.calls)
    answer = await client.get("/doctor/bundle")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="atlas-hub-doctor.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert len(vendors.slack.calls) == before
    made = bundle.Bundle.model_validate_json(answer.content)
    assert [each.provider for each in made.connections] == ["slack"]
    for hidden in (ACME, "Acme Corp", "T0ACME", "ana@example.com", people.keys["owner"].workspace):
        assert hidden not in answer.text
    async with asking(people, "other") as foreign:
        made = bundle.Bundle.model_validate_json((await foreign.get("/doctor/bundle")).content)
        assert made.connections == []
