"""Clients that are not ours prove two stand-ins: Datadog's own library, and pymsteams."""

from __future__ import annotations

from collections.abc import Iterator

import pymsteams
import pytest
from datadog import api, initialize

from tests.standins import datadog as seed
from tests.standins.datadog import DatadogStandin
from tests.standins.dial import Fault
from tests.standins.teams_webhook import TeamsWebhookStandin


@pytest.fixture
def site() -> Iterator[DatadogStandin]:
    with DatadogStandin() as started:
        yield started


@pytest.fixture
def channel() -> Iterator[TeamsWebhookStandin]:
    with TeamsWebhookStandin() as started:
        yield started


def begin(site: DatadogStandin, key: str) -> None:
    initialize(api_key=key, app_key="none", api_host=site.base, hostname_from_config=False, mute=False)


def test_datadogs_library_posts_an_event(site):
    begin(site, seed.ATLAS)
    answer = api.Event.create(title="Test", text="Hello", tags=["test:true"], alert_type="info", priority="low")
    assert answer["status"] == "ok"
    assert answer["event"]["id"] > 0
    assert [event["title"] for event in site.messages] == ["Test"]


def test_datadogs_library_reads_a_refusal(site):
    begin(site, seed.OTHER_SITE)
    with pytest.raises(api.exceptions.ApiError) as caught:
        api.Event.create(title="Test", text="Hello")
    assert caught.value.args[0]["errors"] == ["Forbidden"]
    assert site.messages == []


def test_pymsteams_posts_a_card_to_a_connector(channel):
    card = pymsteams.connectorcard(channel.connector)
    card.title("Test").text("Hello")
    assert card.send() is True
    (message,) = channel.messages
    assert message["text"] == "Hello"


@pytest.mark.parametrize("fault", ["removed", "busy"])
def test_pymsteams_reads_a_refusal(channel, fault):
    channel.removed = fault == "removed"
    if fault == "busy":
        channel.dial.set(Fault.BUSY_SECONDS)
    card = pymsteams.connectorcard(channel.connector)
    card.text("Hello")
    with pytest.raises(pymsteams.TeamsWebhookException):
        card.send()
    assert channel.messages == []


def test_who_looks_at_the_status_alone_believes_a_connector_that_refused(channel):
    channel.inside = 429
    card = pymsteams.connectorcard(channel.connector)
    card.text("Hello")
    assert card.send() is True
    assert channel.messages == []
