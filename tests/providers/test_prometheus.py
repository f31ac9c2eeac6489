"""Prometheus calls the hub: a check asks nobody and proves nothing, and says what is weak."""

from __future__ import annotations

import httpx
import pytest

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import HIDDEN
from atlas_hub.providers.contract import silent
from atlas_hub.providers.prometheus import OFF, SHORT, UNSEEN

pytestmark = pytest.mark.entry("prometheus", "pull")


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked.")


async def test_a_check_asks_nobody_and_proves_nothing(world):
    http = Http({}, Guard(), transport=httpx.MockTransport(nobody))
    result = await world.way.check(world.form(), http, silent)
    await http.close()
    assert (result.account, result.label, result.granted) == (None, "prom_user", None)
    assert (result.unproven, result.limits, result.warnings) == (UNSEEN, (), ())


async def test_a_short_password_and_a_closed_door_are_said(world):
    result = await world.check(password="x" * 15)
    assert (result.limits, result.warnings) == ((SHORT,), (SHORT,))
    result = await world.check(password="x" * 8, enabled=False)
    assert result.limits == (OFF, SHORT)
    assert "Scraping" in world.way.facts(world.form())


def test_nothing_of_the_password_is_ever_shown(world):
    form = world.form()
    assert form.masks() == {"password": HIDDEN}
    assert form.stars() == {}


@pytest.mark.parametrize("password", ["x" * 7, "x" * 513, "seen and\x00unseen", "two lines of\nit"])
def test_a_password_that_cannot_be_used_is_refused(world, password):
    with pytest.raises(BadForm) as caught:
        world.form(password=password)
    assert list(caught.value.fields) == ["password"]
    assert world.form(password="x" * 8)
    assert world.form(password="x" * 512)
    assert world.form(password="mit Umlaut: ä und :")


def test_what_is_not_said_is_named_but_for_the_scheme(world):
    with pytest.raises(BadForm) as caught:
        world.way.read({})
    assert set(caught.value.fields) == {"username", "password", "service_discovery", "enabled"}
    assert world.form(scheme=None).scheme == "https"


def test_every_field_applies_at_once_for_there_is_no_vendor_to_ask(world):
    assert world.way.form.at_once() == frozenset(world.way.form.model_fields)
