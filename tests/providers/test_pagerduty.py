"""PagerDuty's own ways: a 202 that proves nothing, a check that opens nothing, an alert that is ended at once."""

from __future__ import annotations

import json

import httpx
import pytest

from atlas_hub.kit.errors import InvalidCredentials, NetworkError, PlatformError
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import pagerduty as provider
from atlas_hub.providers.contract import silent
from tests.providers.conftest import ALERT
from tests.standins import pagerduty
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("pagerduty", "events_key")


async def test_a_check_opens_nothing(world):
    await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path) == ("POST", "/v2/enqueue")
    event = call.json()
    assert event.keys() == {"routing_key", "event_action", "dedup_key"}
    assert (event["routing_key"], event["event_action"]) == (pagerduty.LIVE, "resolve")
    assert (world.standin.messages, world.standin.open) == ([], set())


async def test_no_two_checks_end_the_same_alert(world):
    await world.check()
    await world.check()
    first, second = world.standin.events
    assert first["dedup_key"] != second["dedup_key"]


@pytest.mark.parametrize("key", [pagerduty.LIVE, pagerduty.GONE])
async def test_a_check_proves_nothing_and_says_so_even_of_a_key_that_exists(world, key):
    result = await world.check(serviceKey=key)
    assert result.unproven == provider.UNPROVEN
    assert "whether the key exists shows with the first alert" in result.unproven
    assert (result.account, result.label, result.limits, result.warnings) == (None, "PagerDuty US", (), ())


async def test_a_key_of_the_rest_api_is_explained_and_looks_wrong_before(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(serviceKey=pagerduty.REST)
    assert "a REST API key is another kind" in caught.value.text
    assert caught.value.field == "service_key"
    assert next(step for step in world.steps if step.key == "format" and step.ok).detail.startswith("Most keys are 32")


async def test_an_odd_key_that_is_taken_is_a_warning(world):
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"status": "success", "message": "Event processed"}))
    (warning,) = (await world.check(serviceKey="1234567890")).warnings
    assert warning == "Most keys are 32 letters and digits; this is not. Check that it is whole."


async def test_an_alert_has_pagerdutys_own_payload_and_is_ended_under_the_same_key(world):
    receipt = await world.send()
    trigger, resolve = (call.json() for call in world.standin.calls)
    assert trigger == {
        "routing_key": pagerduty.LIVE,
        "event_action": "trigger",
        "dedup_key": f"test-{ALERT.id}",
        "payload": {
            "summary": ALERT.text,
            "source": ALERT.group,
            "severity": "info",
            "timestamp": trigger["payload"]["timestamp"],
            "component": "Atlas Hub",
            "group": ALERT.group,
            "class": "test",
            "custom_details": {"test": True, "sent_by": ALERT.by},
        },
        "client": "Atlas Hub",
        "client_url": ALERT.url,
        "links": [{"href": ALERT.url, "text": "Atlas Hub"}],
        "images": [],
    }
    assert trigger["payload"]["timestamp"].startswith(f"{ALERT.at:%Y-%m-%dT%H:%M:%S}")
    assert resolve == {
        "routing_key": pagerduty.LIVE,
        "event_action": "resolve",
        "dedup_key": f"test-{ALERT.id}",
    }
    assert world.standin.open == set()
    assert receipt.id == f"test-{ALERT.id}"
    assert receipt.text.startswith(f"PagerDuty took the alert as test-{ALERT.id} (“Event processed”), and its end.")


async def test_an_alert_whose_end_is_not_taken_is_told(world):
    world.standin.dial.set(Fault.SERVER_ERROR)
    world.standin.dial.set(Fault.OK, path="/v2/enqueue", times=1)
    receipt = await world.send()
    assert receipt.text.endswith("but not its end: resolve it there.")
    assert len(world.standin.open) == 1


async def test_a_400_about_something_else_than_the_key_does_not_blame_the_key(world):
    said = {"status": "invalid event", "errors": ["'payload.severity' is invalid"]}
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(400, json=said)))
    with pytest.raises(PlatformError, match="could not read the alert"):
        await world.way.alert(world.form(), ALERT, http)
    await http.close()


@pytest.mark.parametrize("body", ["<html>400 Bad Request</html>", "", "[]"])
async def test_a_400_that_is_not_pagerdutys_says_nothing_about_the_key(world, body):
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(400, text=body)))
    for ask in (world.way.check(world.form(), http, silent), world.way.alert(world.form(), ALERT, http)):
        with pytest.raises(PlatformError, match="unexpected answer"):
            await ask
    await http.close()


async def test_an_alert_without_an_answer_may_be_open_and_a_check_cannot(world):
    world.standin.dial.set(Fault.RESET)
    with pytest.raises(NetworkError, match="It may have arrived all the same"):
        await world.send()
    with pytest.raises(NetworkError) as caught:
        await world.check()
    assert "all the same" not in caught.value.text


@pytest.mark.parametrize(("region", "host"), [("US", "events.pagerduty.com"), ("EU", "events.eu.pagerduty.com")])
async def test_each_region_has_its_host(world, region, host):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(202, json={"status": "success"})

    http = Http({}, Guard(), transport=httpx.MockTransport(answer))
    form = world.form(region=region)
    assert (await world.way.check(form, http, silent)).label == f"PagerDuty {region}"
    await world.way.alert(form, ALERT, http)
    await http.close()
    assert set(asked) == {host}
    assert world.way.facts(form) == {"Region": region}


async def test_without_a_region_it_is_the_us(world):
    assert world.way.read({"serviceKey": pagerduty.LIVE}).region == "US"
