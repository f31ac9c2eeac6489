"""New Relic's own ways: two hosts, two data centres, a read token that is proven, a write token that is not."""

from __future__ import annotations

import json

import httpx
import pytest

from atlas_hub.kit.errors import InvalidCredentials, PlatformError
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS, new_relic
from atlas_hub.providers.contract import silent
from tests.providers.conftest import ALERT
from tests.standins.dial import Fault
from tests.standins.new_relic import ACCOUNT, ACME, EU, EUROPEAN

pytestmark = pytest.mark.entry("new_relic", "keys")

(WAY,) = PROVIDERS["new_relic"].methods
US_VALUES = {
    "licenseKey": ACME.license_key,
    "accountId": ACCOUNT,
    "writeToken": ACME.write_token,
    "readToken": ACME.read_token,
}
EU_VALUES = {
    "licenseKey": EU.license_key,
    "accountId": EUROPEAN,
    "writeToken": EU.write_token,
    "readToken": EU.read_token,
}


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        (US_VALUES, ["insights-api.newrelic.com", "insights-collector.newrelic.com"]),
        (EU_VALUES, ["insights-api.eu.newrelic.com", "insights-collector.eu01.nr-data.net"]),
    ],
)
async def test_the_licence_key_tells_the_data_centre(values, hosts):
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        good = {"results": [], "success": True, "uuid": "1"}
        return httpx.Response(200, json=good)

    http = Http({}, Guard(), transport=httpx.MockTransport(take))
    form = WAY.read(values)
    await WAY.check(form, http, silent)
    await WAY.alert(form, ALERT, http)
    assert [request.url.host for request in asked] == hosts
    await http.close()


async def test_a_check_reads_by_the_read_token_alone(world):
    result = await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path) == ("GET", f"/v1/accounts/{ACCOUNT}/query")
    assert call.headers["x-query-key"] == ACME.read_token
    said = f"{call.headers} {call.query}"
    assert ACME.write_token not in said
    assert ACME.license_key not in said
    assert world.standin.messages == []
    assert "send a test alert" in result.unproven
    assert (result.label, result.account) == (f"Account {ACCOUNT}", None)
    assert world.way.facts(world.form()) == {"Account ID": ACCOUNT, "Data centre": "US"}


async def test_the_account_of_the_eu_is_another(world):
    result = await world.check(**EU_VALUES)
    assert result.label == f"Account {EUROPEAN}"
    with pytest.raises(InvalidCredentials, match=f"no such key for account {ACCOUNT}"):
        await world.check(readToken=EU.read_token)


@pytest.mark.parametrize(
    ("changed", "field"), [({"readToken": "NRIQ-nobody"}, "read_token"), ({"accountId": "999"}, "read_token")]
)
async def test_a_wrong_read_token_or_account_is_named_by_the_check(world, changed, field):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(**changed)
    assert caught.value.field == field
    assert "account ID" in caught.value.text


async def test_a_wrong_write_token_shows_with_the_first_alert(world):
    assert (await world.check(writeToken="NRII-nobody")).unproven
    with pytest.raises(InvalidCredentials) as caught:
        await world.send(writeToken="NRII-nobody")
    assert caught.value.field == "write_token"
    assert world.standin.messages == []


async def test_an_account_that_is_not_there_is_named(world):
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(404, json={"error": "x"})))
    with pytest.raises(InvalidCredentials) as caught:
        await WAY.check(world.form(), http, silent)
    assert caught.value.field == "account_id"
    await http.close()


@pytest.mark.parametrize(("token", "header"), [(ACME.write_token, "x-insert-key"), (ACME.license_key, "api-key")])
async def test_an_insert_key_and_a_licence_key_have_headers_of_their_own(world, token, header):
    assert (await world.send(writeToken=token)).id
    (call,) = world.standin.calls
    assert call.headers[header] == token
    assert len({"x-insert-key", "api-key"} & call.headers.keys()) == 1


async def test_an_alert_is_an_event_that_new_relic_keeps(world):
    receipt = await world.send()
    assert world.standin.dropped == []
    assert world.standin.messages == [
        {
            "eventType": "AtlasTestAlert",
            "timestamp": int(ALERT.at.timestamp() * 1000),
            "message": ALERT.text,
            "alertId": ALERT.id,
            "groupId": ALERT.group,
            "test": "true",
        }
    ]
    assert receipt.id in receipt.text
    # What was posted is what the check's query counts.
    await world.check()
    assert new_relic.EVENT in world.standin.calls[-1].query


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"accountId": "0fa4e" * 8}, "numbers"),
        ({"writeToken": "1234567890"}, "NRII-"),
        ({"readToken": "1234567890"}, "NRIQ-"),
    ],
)
async def test_what_looks_odd_is_a_warning_and_no_refusal(world, changed, word):
    world.standin.accounts["0fa4e" * 8] = world.standin.accounts[ACCOUNT]
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"results": [{"count": 0}]}))
    (warning,) = (await world.check(**changed)).warnings
    assert word in warning


async def test_a_proxys_403_is_not_the_keys_fault(world):
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(403, text="<html>")))
    with pytest.raises(PlatformError):
        await WAY.check(world.form(), http, silent)
    await http.close()
