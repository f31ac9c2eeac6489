"""Keys for alerts in the hub: what nothing proved is said to be unproven, until an alert has arrived."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Receipt
from atlas_hub.services import connections, delivery, status, truths
from atlas_hub.services.access import Actor
from atlas_hub.services.views import ConnectionView, State
from atlas_hub.storage.models import Connection
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins import opsgenie, pagerduty, victorops
from tests.standins.opsgenie import OpsgenieStandin
from tests.standins.pagerduty import PagerDutyStandin
from tests.standins.standin import Standin
from tests.standins.victorops import VictorOpsStandin

KEYS = {
    "pagerduty": ("events_key", {"service_key": pagerduty.LIVE, "region": "EU"}),
    "opsgenie": ("api_key", {"api_key": opsgenie.LIVE}),
    "victorops": ("api_key", {"api_key": victorops.LIVE, "routing_key": victorops.ROUTE}),
}


@pytest.fixture
def pagers() -> Iterator[Mapping[str, Any]]:
    """The three vendors, by slug."""
    with PagerDutyStandin() as first, OpsgenieStandin() as second, VictorOpsStandin() as third:
        yield {"pagerduty": first, "opsgenie": second, "victorops": third}


@pytest.fixture
async def alerting(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pagers: Mapping[str, Standin]
) -> AsyncIterator[Hub]:
    """A hub on each database, the three vendors on loopback."""
    for standin in pagers.values():
        monkeypatch.setenv(f"ATLAS_UPSTREAM_{standin.upstream}", standin.base)
    async with open_hub(settings_for(tmp_path, database_url=database_url)) as hub:
        yield hub


async def connected(hub: Hub, who: Actor, slug: str, **changed: str) -> ConnectionView:
    method, values = KEYS[slug]
    return (await connections.connect(hub, who, slug, method, {**values, **changed}, source="page")).view


@pytest.mark.parametrize("slug", ["pagerduty", "victorops"])
async def test_what_can_only_be_posted_to_is_unproven_and_says_so(alerting: Hub, owner: Actor, slug: str) -> None:
    view = await connected(alerting, owner, slug)
    assert view.state is State.UNVERIFIED
    assert "test alert" in view.reason
    assert view.checks["authenticated"]["status"] == "unknown"


async def test_an_alert_that_pagerduty_took_proves_nothing(alerting: Hub, owner: Actor) -> None:
    view = await connected(alerting, owner, "pagerduty")
    sent = await delivery.send_test(alerting, owner, view.id)
    assert (sent.success, sent.proves) == (True, False)
    after = await connections.check_now(alerting, owner, view.id)
    assert after.state is State.UNVERIFIED
    assert (after.checks["delivered"]["status"], after.checks["delivered"]["proof"]) == ("unknown", sent.text)
    assert after.checks["authenticated"]["status"] == "unknown"


async def test_a_line_in_the_timeline_proves_a_key_of_victorops(
    alerting: Hub, owner: Actor, pagers: Mapping[str, Any]
) -> None:
    view = await connected(alerting, owner, "victorops")
    assert pagers["victorops"].calls == []
    sent = await delivery.send_test(alerting, owner, view.id)
    assert (sent.success, sent.receipt.startswith("test-")) == (True, True)
    after = await connections.check_now(alerting, owner, view.id)
    assert after.state is State.OK
    assert after.checks["authenticated"]["proof"] == sent.text
    assert len(pagers["victorops"].calls) == 1, "to check again asks nobody either"


async def test_a_key_that_victorops_does_not_know_is_found_by_the_first_alert_and_stays_found(
    alerting: Hub, owner: Actor, pagers: Mapping[str, Any]
) -> None:
    view = await connected(alerting, owner, "victorops", api_key=victorops.GONE)
    sent = await delivery.send_test(alerting, owner, view.id)
    assert (sent.success, sent.code) == (False, "INVALID_CREDENTIALS")
    after = (await status.card(alerting, owner.workspace, "victorops")).connection
    assert after is not None
    assert (after.state, after.reason) == (State.RECONNECT, sent.text)
    again = await connections.check_now(alerting, owner, view.id)
    assert (again.state, again.reason) == (State.RECONNECT, sent.text), "a check that asks nobody undid it"
    pagers["victorops"].keys.add(victorops.GONE)
    assert (await delivery.send_test(alerting, owner, view.id)).success
    assert (await connections.check_now(alerting, owner, view.id)).state is State.OK


@pytest.mark.parametrize("key", [opsgenie.LIVE, opsgenie.WRITES])
async def test_opsgenie_proves_a_key_that_may_raise_alone_as_well(
    alerting: Hub, owner: Actor, pagers: Mapping[str, Any], key: str
) -> None:
    view = await connected(alerting, owner, "opsgenie", api_key=key)
    assert (view.state, view.reason) == (State.OK, "")
    assert view.checks["authenticated"]["status"] == "yes"
    assert (await delivery.send_test(alerting, owner, view.id)).success
    assert len(pagers["opsgenie"].closed) == 1


@pytest.mark.parametrize("slug", KEYS)
async def test_no_key_is_in_a_log_line_or_a_view(
    alerting: Hub, owner: Actor, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    view = await connected(alerting, owner, slug)
    sent = await delivery.send_test(alerting, owner, view.id)
    key = next(iter(KEYS[slug][1].values()))
    assert sent.success
    assert key not in f"{caplog.text}{view!r}{sent!r}"


@pytest.mark.parametrize("proves", [True, False])
async def test_a_receipt_that_tells_a_key_proves_what_it_proved(
    alerting: Hub,
    owner: Actor,
    monkeypatch: pytest.MonkeyPatch,
    proves: bool,  # noqa: FBT001  # what a receipt says
) -> None:
    method = PROVIDERS["pagerduty"].method("events_key")
    assert method is not None

    async def alert(*_given: Any) -> Receipt:
        return Receipt(id="x", text=f"It was taken by {pagerduty.LIVE}.", proves=proves)

    monkeypatch.setattr(type(method), "alert", alert)
    sent = await delivery.send_test(alerting, owner, (await connected(alerting, owner, "pagerduty")).id)
    assert (sent.success, sent.receipt, sent.text, sent.proves) == (True, "", "It was accepted.", proves)


def test_what_was_only_stored_is_not_told_as_sent() -> None:
    row = Connection(
        workspace="0" * 24, source="groups", provider="webhook", method="url", purpose="alerts", scope="webhook:alerts",
        identifier="webhook-1", label="Hook", account_key="row:1",
    )  # fmt: skip
    truths.unproven(row, PROVIDERS["webhook"], "It was stored and not checked.", now())
    assert row.checks["delivered"] == {"status": "unknown", "at": None, "proof": "Nothing was sent yet."}
