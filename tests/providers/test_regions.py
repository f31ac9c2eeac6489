"""Vendors with regions: what stands in for them gets the region's name, where its address asks for it."""

from __future__ import annotations

import httpx
import pytest

from atlas_hub.kit.errors import ProviderError
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import silent
from tests.providers.conftest import ALERT

NEW_RELIC = {"accountId": "1", "writeToken": "NRII-x", "readToken": "NRIQ-x"}


@pytest.mark.parametrize(
    ("slug", "values", "region"),
    [
        ("pagerduty", {"serviceKey": "a" * 32}, "US"),
        ("pagerduty", {"serviceKey": "a" * 32, "region": "EU"}, "EU"),
        ("opsgenie", {"apiKey": "a" * 36, "region": "EU"}, "EU"),
        ("datadog", {"apiKey": "a" * 32, "region": "US3"}, "US3"),
        ("datadog", {"apiKey": "a" * 32, "region": "US1_FED"}, "US1_FED"),
        ("new_relic", {**NEW_RELIC, "licenseKey": "a" * 40}, "US"),
        ("new_relic", {**NEW_RELIC, "licenseKey": "eu01xx" + "a" * 34}, "EU"),
    ],
)
async def test_an_address_that_asks_for_the_region_gets_its_name(slug, values, region):
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(429)

    names = ("PAGERDUTY", "OPSGENIE", "DATADOG", "NEW_RELIC", "NEW_RELIC_INSIGHTS")
    http = Http(dict.fromkeys(names, "http://vendors.example/{region}"), Guard(), transport=httpx.MockTransport(answer))
    way = PROVIDERS[slug].methods[0]
    form = way.read(values)
    for ask in (way.check(form, http, silent), way.alert(form, ALERT, http)):
        with pytest.raises(ProviderError):
            await ask
    await http.close()
    assert len(asked) == 2
    assert all(url.startswith(f"http://vendors.example/{region}/") for url in asked)
