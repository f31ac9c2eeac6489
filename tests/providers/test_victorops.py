"""VictorOps' own ways: a key within the path, a check that asks nobody, a route that may be missing."""

from __future__ import annotations

import logging

import httpx
import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import victorops as provider
from tests.providers.conftest import ALERT
from tests.standins import victorops
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("victorops", "api_key")


async def test_a_check_asks_nobody_and_says_that_nothing_is_proven(world):
    result = await world.check()
    assert world.standin.calls == []
    assert result.unproven == provider.UNPROVEN
    assert "cannot be checked without posting" in result.unproven
    assert (result.account, result.label, result.warnings, result.limits) == (None, "VictorOps operations", (), ())


async def test_a_check_works_where_the_vendor_does_not(world):
    world.standin.dial.set(Fault.HANG)
    assert (await world.check()).unproven


async def test_an_odd_key_is_a_warning(world):
    (warning,) = (await world.check(apiKey="1234567890")).warnings
    assert warning == "Most keys are 32 digits in five groups; this is not. Check that it is whole."


async def test_an_alert_is_a_line_in_the_timeline_that_pages_nobody(world):
    receipt = await world.send()
    (call,) = world.standin.calls
    assert call.path == f"/integrations/generic/20131114/alert/{victorops.LIVE}/operations"
    assert call.json() == {
        "message_type": "INFO",
        "entity_id": f"test-{ALERT.id}",
        "entity_display_name": "TEST from Atlas Hub",
        "state_message": f"{ALERT.text}\n\n{ALERT.url}",
        "monitoring_tool": "Atlas Hub",
        "timestamp": int(ALERT.at.timestamp()),
    }
    assert world.standin.open == set()
    assert world.standin.messages[0]["route"] == victorops.ROUTE
    assert receipt.id == f"test-{ALERT.id}"
    assert receipt.text == f"VictorOps took it as test-{ALERT.id}: look for it in the timeline there."


@pytest.mark.parametrize("route", [None, "", "   ", "no-such-route"])
async def test_without_a_known_route_it_takes_the_default_one(world, route):
    await world.send(routingKey=route)
    assert world.standin.messages[0]["route"] == victorops.DEFAULT_ROUTE


@pytest.mark.parametrize("odd", ["a/b", "a b", "?x=1", "#", "50%", "ä", "../x", "a\\b"])
async def test_a_route_stays_one_part_of_the_path(world, odd):
    world.standin.paths.add(odd)
    await world.send(routingKey=odd)
    assert world.standin.messages[0]["route"] == odd


@pytest.mark.parametrize("odd", ["a/b", "?x=1", "#", "50%", "../../x", "a\\b"])
async def test_a_key_stays_one_part_of_the_path(world, odd):
    world.standin.keys.add(odd)
    await world.send(apiKey=odd)
    assert world.standin.messages[0]["route"] == victorops.ROUTE


@pytest.mark.parametrize(("field", "name"), [("apiKey", "api_key"), ("routingKey", "routing_key")])
@pytest.mark.parametrize("step", [".", ".."])
async def test_a_step_upward_is_refused(world, field, name, step):
    with pytest.raises(BadForm) as caught:
        world.form(**{field: step})
    assert list(caught.value.fields) == [name]


async def test_an_unknown_key_is_explained(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.send(apiKey=victorops.GONE)
    assert "knows no such key, or the REST endpoint is turned off" in caught.value.text
    assert caught.value.field == "api_key"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "", PlatformError),
        (503, "The key service is down", PlatformError),
        (429, "Too many alerts for this key", RateLimited),
        (200, "Unknown key", InvalidCredentials),
        (400, "", InvalidCredentials),
        (401, "Unauthorized", InvalidCredentials),
        (400, "message_type is missing", InsufficientPermissions),
    ],
)
async def test_a_failure_is_the_keys_only_where_victorops_is_well(world, status, message, kind):
    said = {"result": "failure", "message": message}
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(status, json=said)))
    with pytest.raises(kind) as caught:
        await world.way.alert(world.form(), ALERT, http)
    assert type(caught.value) is kind
    await http.close()


async def test_a_vendors_word_that_ends_in_half_a_key_is_not_shown(world):
    said = {"result": "success", "entity_id": "x" * 100 + victorops.LIVE}
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(200, json=said)))
    receipt = await world.way.alert(world.form(), ALERT, http)
    assert receipt.id == f"test-{ALERT.id}"
    assert victorops.LIVE[:12] not in f"{receipt!r}"
    await http.close()


async def test_a_route_may_be_as_long_as_the_form_says(world):
    world.standin.paths.add("r" * 128)
    await world.send(routingKey="r" * 128)
    assert world.standin.messages[0]["route"] == "r" * 128
    with pytest.raises(BadForm):
        world.form(routingKey="r" * 129)


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "http"])
async def test_the_whole_url_is_not_taken_for_the_key_in_it(world, scheme):
    pasted = f"{scheme}://alert.victorops.com{victorops.PATH}/{victorops.LIVE}/$routing_key"
    with pytest.raises(BadForm) as caught:
        world.form(apiKey=pasted)
    assert "between /alert/ and the routing key" in caught.value.fields["api_key"]
    assert caught.value.fields["api_key"] == world.way.form.said_of("api_key")["lookalikes"]["https://"]


async def test_the_key_in_the_path_is_in_no_log_line_and_no_error(world, caplog):
    caplog.set_level(logging.DEBUG)
    await world.send()
    for fault in (Fault.RESET, Fault.SERVER_ERROR, Fault.REDIRECT):
        world.standin.dial.set(fault)
        with pytest.raises(Exception, match="VictorOps") as caught:
            await world.send()
        seen = [caught.value]
        while seen[-1] is not None:
            assert victorops.LIVE not in f"{seen[-1]!r}{vars(seen[-1])}"
            seen.append(seen[-1].__cause__ or seen[-1].__context__)
    assert victorops.LIVE not in caplog.text


async def test_the_real_address_is_one_for_all(world):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"result": "success"})

    http = Http({}, Guard(), transport=httpx.MockTransport(answer))
    receipt = await world.way.alert(world.form(), ALERT, http)
    await http.close()
    assert asked == [
        f"https://alert.victorops.com/integrations/generic/20131114/alert/{victorops.LIVE}/{victorops.ROUTE}"
    ]
    assert receipt.id == f"test-{ALERT.id}"


async def test_the_route_is_what_a_card_shows_and_needs_no_proof(world):
    form = world.form()
    assert world.way.facts(form) == {"Routing key": "operations"}
    assert world.way.facts(world.form(routingKey=None)) == {}
    assert world.way.called(world.form(routingKey=None)) == "VictorOps"
    assert type(form).at_once() == {"routing_key"}
