"""Flowdock is closed: kept, shown, never called."""

from __future__ import annotations

import httpx
import pytest

from atlas_hub.kit.errors import BadForm, InsufficientPermissions
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from tests.providers.conftest import ALERT

pytestmark = pytest.mark.entry("flowdock", "api_token")


@pytest.fixture
async def asked():
    """Every request that anybody makes."""
    return []


@pytest.fixture
async def http(asked):
    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    made = Http({}, Guard(), transport=httpx.MockTransport(take))
    await made.ask_url("a receiver", "POST", "https://1.1.1.1/")
    assert len(asked) == 1  # it would be seen
    asked.clear()
    yield made
    await made.close()


async def test_a_check_asks_nobody_and_says_why(world, http, asked):
    steps = []
    result = await world.way.check(world.form(), http, steps.append)
    assert asked == []
    assert "discontinued on 15 August 2023" in result.unproven
    assert (result.label, result.account) == ("acme/alerts", None)
    assert world.way.facts(world.form()) == {"Organisation": "acme", "Flow": "alerts"}
    assert steps[-1].detail == result.unproven


async def test_an_alert_is_refused_and_posted_to_nobody(world, http, asked):
    with pytest.raises(InsufficientPermissions, match="discontinued") as caught:
        await world.way.alert(world.form(), ALERT, http)
    assert not caught.value.retryable
    assert asked == []


def test_the_card_says_that_it_is_closed():
    life = PROVIDERS["flowdock"].lifecycle
    assert life.closed
    assert life.instead.endswith(".")


@pytest.mark.parametrize("nothing", ["\u200b", '""', "\u202e "])
def test_a_token_of_which_nothing_is_left_is_none(world, nothing):
    with pytest.raises(BadForm) as caught:
        world.form(apiToken=nothing)
    assert list(caught.value.fields) == ["api_token"]


def test_names_apply_at_once_and_the_token_does_not(world):
    assert world.way.form.at_once() == {"flow_name", "org_name"}


def test_a_short_token_is_kept(world):
    assert world.form(apiToken="1234567890").stars() == {"api_token": "******7890"}


@pytest.mark.parametrize("name", ["", " ", "x" * 513, "a\nb"])
def test_a_name_is_a_line(world, name):
    with pytest.raises(BadForm):
        world.form(flowName=name)
