"""Opsgenie's own ways: keys that may not read, requests that are worked off later, and an end in 2027."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx
import pytest

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, NetworkError, PlatformError
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import opsgenie as provider
from atlas_hub.providers.contract import silent
from atlas_hub.ui import words
from tests.providers.conftest import ALERT
from tests.standins import opsgenie
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("opsgenie", "api_key")
NAME = f"test-{ALERT.id}"


async def test_a_check_reads_one_alert_and_writes_nothing(world):
    await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path, call.query) == ("GET", "/v2/alerts", "limit=1")
    assert call.headers["authorization"] == f"GenieKey {opsgenie.LIVE}"


async def test_a_key_that_reads_is_proven_and_whether_it_raises_is_not_told(world):
    result = await world.check()
    assert (result.account, result.label, result.limits, result.unproven) == (None, "Opsgenie US", (), "")
    assert result.warnings == (provider.MAY_IT_RAISE,)


async def test_a_key_that_may_not_read_is_taken_with_a_limit(world):
    result = await world.check(apiKey=opsgenie.WRITES)
    assert result.warnings == (provider.MAY_NOT_READ,)
    assert result.limits == ()
    assert (result.unproven, result.delivers) == ("", True)


async def test_a_403_of_something_in_between_is_no_word_about_the_key(world):
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(403, text="<html>blocked</html>")))
    with pytest.raises(PlatformError, match="proxy or firewall"):
        await world.way.check(world.form(), http, silent)
    await http.close()


@pytest.mark.parametrize(("region", "other"), [("US", "EU"), ("EU", "US")])
async def test_an_unknown_key_may_be_of_the_other_region(world, region, other):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(apiKey=opsgenie.ELSEWHERE, region=region)
    assert f"knows no such key in its {region} region" in caught.value.text
    assert f"choose {other} if your account is there." in caught.value.text
    assert caught.value.field == "api_key"


async def test_a_misshapen_key_is_refused_by_opsgenie_and_said_before(world):
    with pytest.raises(InvalidCredentials, match="has not the form of one"):
        await world.check(apiKey="1234567890")
    assert next(step for step in world.steps if step.key == "format" and step.ok).detail.startswith("Most keys are 32")


async def test_an_integration_that_is_off_is_explained(world):
    with pytest.raises(InsufficientPermissions, match="is turned off"):
        await world.check(apiKey=opsgenie.OFF)


async def test_a_key_of_key_management_reads_and_cannot_raise(world):
    assert (await world.check(apiKey=opsgenie.MANAGES)).limits == ()
    with pytest.raises(InsufficientPermissions, match="by the key of an API integration alone"):
        await world.send(apiKey=opsgenie.MANAGES)
    assert world.standin.messages == []


async def test_an_alert_has_opsgenies_own_payload_and_is_closed_by_its_alias(world):
    receipt = await world.send()
    create, request, close, ending = world.standin.calls
    assert (create.method, create.path) == ("POST", "/v2/alerts")
    assert create.json() == {
        "message": ALERT.text,
        "alias": NAME,
        "description": f"{ALERT.text}\n\n{ALERT.url}",
        "priority": "P5",
        "tags": ["test"],
        "details": {"test": "true", "sent_by": ALERT.by, "group": ALERT.group},
        "source": "Atlas Hub",
        "entity": ALERT.group,
    }
    assert request.path == f"/v2/alerts/requests/{receipt.id}"
    assert (close.path, close.query) == (f"/v2/alerts/{NAME}/close", "identifierType=alias")
    assert (ending.method, ending.path.rpartition("/")[0]) == ("GET", "/v2/alerts/requests")
    assert ending.path != request.path
    assert world.standin.closed == [NAME]
    assert receipt.text.startswith("Opsgenie raised it as 00000000-face-")
    assert receipt.text.endswith("-1700000000000 (“Created alert”). It is closed again.")


async def test_a_long_text_is_cut_to_what_opsgenie_takes(world):
    await world.way.alert(world.form(), replace(ALERT, text="x" * 400), world.http)
    (alert,) = world.standin.messages
    assert (len(alert["message"]), alert["description"].startswith("x" * 400)) == (130, True)


@pytest.mark.parametrize(("late", "told"), [(1, True), (2, True), (3, False)])
async def test_a_request_that_is_worked_off_later_is_asked_again_and_not_for_ever(world, monkeypatch, late, told):
    monkeypatch.setattr(provider, "PAUSES", (0.0, 0.0, 0.0))
    world.standin.late = late
    receipt = await world.send()
    assert ("Opsgenie raised it as" in receipt.text) == told
    assert ("has not told whether it was raised" in receipt.text) != told
    assert receipt.id in f"{receipt.text}{[call.path for call in world.standin.calls]}"
    assert world.standin.closed == [NAME]


async def test_a_key_that_may_not_read_gets_the_request_for_a_receipt(world):
    receipt = await world.send(apiKey=opsgenie.WRITES)
    assert receipt.text.startswith(f"Opsgenie took the alert as request {receipt.id}; it has not told")
    assert [call.path for call in world.standin.calls].count(f"/v2/alerts/requests/{receipt.id}") == 1


async def test_an_alert_that_is_not_created_after_all_is_a_failure_in_opsgenies_words(world):
    world.standin.refuses = "Integration is in maintenance."
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send()
    assert "did not raise it: Integration is in maintenance. Look at" in caught.value.text


async def test_opsgenies_words_are_not_shown_where_they_tell_the_key(world):
    world.standin.refuses = f"No alert for {opsgenie.LIVE}."
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send()
    assert "did not raise it. Look at" in caught.value.text


async def test_an_alert_that_cannot_be_closed_is_told(world):
    world.standin.dial.set(Fault.SERVER_ERROR, path="*/close")
    assert (await world.send()).text.endswith("It could not be closed: close it there.")


async def test_an_end_that_opsgenie_took_and_did_not_do_is_told(world):
    world.standin.closed.append(NAME)  # so that it answers a close with 202, and its outcome is a failure
    receipt = await world.send()
    assert receipt.text.endswith("It was not closed: close it there.")


async def test_an_end_that_nobody_can_ask_about_is_not_told_as_done(world):
    receipt = await world.send(apiKey=opsgenie.WRITES)
    assert world.standin.closed == [NAME]
    assert receipt.text.endswith("Opsgenie took its end, too; look there whether it is closed.")


async def test_a_fault_while_asking_what_became_of_it_does_not_make_it_a_failure(world):
    world.standin.dial.set(Fault.RESET, path="/v2/alerts/requests/*")
    receipt = await world.send()
    assert "has not told whether it was raised. Opsgenie took its end, too" in receipt.text
    assert [call.path.startswith("/v2/alerts/requests/") for call in world.standin.calls].count(True) == 1


async def test_an_alert_without_an_answer_may_be_open_and_a_check_cannot(world):
    world.standin.dial.set(Fault.RESET)
    with pytest.raises(NetworkError, match="It may have arrived all the same"):
        await world.send()
    with pytest.raises(NetworkError) as caught:
        await world.check()
    assert "all the same" not in caught.value.text


@pytest.mark.parametrize(("region", "host"), [("US", "api.opsgenie.com"), ("EU", "api.eu.opsgenie.com")])
async def test_each_region_has_its_host(world, region, host):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, json={"data": [], "requestId": "x"})

    http = Http({}, Guard(), transport=httpx.MockTransport(answer))
    form = world.form(region=region)
    await world.way.check(form, http, silent)
    await world.way.alert(form, ALERT, http)
    await http.close()
    assert (set(asked), len(asked)) == ({host}, 4)
    assert world.way.facts(form) == {"Region": region}


async def test_its_end_is_known_and_what_to_do_instead():
    life = provider.PROVIDER.lifecycle
    assert (life.ends, life.deprecated, life.closed) == (date(2027, 4, 5), True, False)
    assert words.lifecycle(provider.PROVIDER) == (
        "The last day of Opsgenie is 5 April 2027. Move to Jira Service Management or Compass before then."
    )
