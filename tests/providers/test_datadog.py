"""Datadog's own ways: a key for each site, 403 for a wrong key, a waiting time in a header of its own."""

from __future__ import annotations

import httpx
import pytest

from atlas_hub.kit.errors import BadForm, InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS, datadog
from atlas_hub.providers.contract import silent
from tests.providers.conftest import ALERT
from tests.standins.datadog import ATLAS, OTHER_SITE

pytestmark = pytest.mark.entry("datadog", "api_key")

HOSTS = {
    "US": "api.datadoghq.com",
    "US3": "api.us3.datadoghq.com",
    "US5": "api.us5.datadoghq.com",
    "EU": "api.datadoghq.eu",
    "AP1": "api.ap1.datadoghq.com",
    "AP2": "api.ap2.datadoghq.com",
    "US1_FED": "api.ddog-gov.com",
}
(WAY,) = PROVIDERS["datadog"].methods


def answering(answer, asked):
    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return Http({}, Guard(), transport=httpx.MockTransport(take))


@pytest.mark.parametrize("region", HOSTS)
async def test_a_key_goes_to_the_host_of_its_site_and_nowhere_else(region):
    asked: list[httpx.Request] = []
    http = answering(httpx.Response(403, json={"errors": ["Forbidden"]}), asked)
    form = WAY.read({"apiKey": ATLAS, "region": region})
    for ask in (WAY.check(form, http, silent), WAY.alert(form, ALERT, http)):
        with pytest.raises(InvalidCredentials) as caught:
            await ask
        assert form.site in caught.value.text
        assert "another Datadog site" in caught.value.text
        assert caught.value.field == "api_key"
    assert [str(request.url) for request in asked] == [
        f"https://{HOSTS[region]}/api/v1/validate",
        f"https://{HOSTS[region]}/api/v1/events",
    ]
    assert all(request.headers["dd-api-key"] == ATLAS for request in asked)
    await http.close()


def test_every_region_of_the_form_has_a_host():
    assert {region: f"api.{site}" for region, site in datadog.SITES.items()} == HOSTS


@pytest.mark.parametrize("region", ["US1", "us", "EU1", "US1-FED", "datadoghq.com"])
def test_another_region_is_refused(world, region):
    with pytest.raises(BadForm) as caught:
        world.form(region=region)
    assert list(caught.value.fields) == ["region"]


def test_without_a_region_it_is_the_first_site(world):
    assert WAY.read({"apiKey": ATLAS}).region == "US"


async def test_a_check_posts_nothing(world):
    result = await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path, call.headers["dd-api-key"]) == ("GET", "/api/v1/validate", ATLAS)
    assert (result.label, result.unproven, result.warnings) == ("Datadog US5 (us5.datadoghq.com)", "", ())
    assert world.way.facts(world.form()) == {"Site": "US5 (us5.datadoghq.com)"}


async def test_a_key_of_another_site_is_refused(world):
    with pytest.raises(InvalidCredentials, match="of another Datadog site than US5"):
        await world.check(apiKey=OTHER_SITE)


@pytest.mark.parametrize("key", ["1234567890", "x" * 512, ATLAS.upper()])
async def test_of_a_key_of_any_shape_datadog_is_the_judge(world, key):
    world.standin.keys.add(key)
    result = await world.check(apiKey=key)
    assert bool(result.warnings) == (len(key) != 32)
    assert all(key not in warning for warning in result.warnings)


async def test_an_alert_is_an_event_as_datadog_takes_it(world):
    receipt = await world.send()
    (event,) = world.standin.messages
    assert event == {
        "title": "TEST alert from Atlas Hub",
        "text": ALERT.text,
        "alert_type": "info",
        "priority": "low",
        "date_happened": int(ALERT.at.timestamp()),
        "tags": ["test:true", "source:atlas-hub"],
        "aggregation_key": f"test-{ALERT.id}",
        "source_type_name": "my_apps",
    }
    assert receipt.text == f"Datadog accepted it on the site US5 (us5.datadoghq.com) as event {receipt.id}."


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"X-RateLimit-Reset": "17"}, 17), ({"Retry-After": "5"}, 5), ({}, 60)]
)
async def test_the_waiting_time_is_in_a_header_of_its_own(headers, seconds):
    http = answering(httpx.Response(429, json={"errors": ["Too many requests"]}, headers=headers), [])
    with pytest.raises(RateLimited) as caught:
        await WAY.check(WAY.read({"apiKey": ATLAS}), http, silent)
    assert caught.value.retry_after == seconds
    await http.close()


async def test_a_proxys_403_is_not_the_keys_fault():
    http = answering(httpx.Response(403, text="<html>no</html>"), [])
    with pytest.raises(PlatformError, match="in between"):
        await WAY.check(WAY.read({"apiKey": ATLAS}), http, silent)
    await http.close()


async def test_an_alert_that_datadog_cannot_read_is_no_fault_of_the_key():
    http = answering(httpx.Response(400, json={"errors": ["Missing required field"]}), [])
    with pytest.raises(PlatformError) as caught:
        await WAY.alert(WAY.read({"apiKey": ATLAS}), ALERT, http)
    assert not isinstance(caught.value, InsufficientPermissions)
    await http.close()


def test_the_switches_select_nothing_at_datadog(world):
    flags = {name for name in world.way.form.model_fields if name.startswith("send_")}
    assert len(flags) == 4
    assert world.way.form.at_once() == flags
    assert world.way.form.targets() == {"region"}
    assert not any(getattr(world.form(), name) for name in flags)
