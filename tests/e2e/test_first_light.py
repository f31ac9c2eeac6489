"""The first hour with a hub: the printed link, the set-up form, the page, signing out and in again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from atlas_hub.providers import PROVIDERS
from tests.conftest import missing
from tests.e2e.browsing import Browsing, card, connect, drawer, loaded, open_drawer
from tests.e2e.ground import Site
from tests.standins import emulate

pytestmark = pytest.mark.e2e

SIGN_IN = re.compile(r"/sign-in(\?next=/admin/integrations(/telegram)?)?$")
EMAIL, PASSWORD = "ana@example.com", "correct horse battery staple"
KEPT: dict[str, str] = {}
"""Whether the hub of this file is set up: its tests are one story, told in order."""


@pytest.fixture
def owned(fresh: Site, browsing: Browsing) -> Site:
    """The hub, set up: by the test of it, or here where that was not run."""
    if not KEPT:
        set_up(browsing, fresh)
    return fresh


def set_up(browsing, fresh):
    page = browsing.tab(browsing.context(fresh))
    assert fresh.link is not None
    page.goto(fresh.link)
    page.get_by_label("Workspace").fill("Acme")
    page.get_by_label("Your name").fill("Ana Ruiz")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    loaded(page)
    KEPT["done"] = "yes"
    return page


def sign_in(page, email=EMAIL, password=PASSWORD):
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_printed_link_makes_the_first_owner_and_leads_to_the_page(browsing, looking, fresh):
    visitor = browsing.tab(browsing.context(fresh))
    visitor.goto(fresh.page)
    visitor.wait_for_url(SIGN_IN)
    expect(visitor.get_by_text("Nobody can sign in yet")).to_be_visible()
    looking.at(visitor, "sign-in-nobody-yet")
    browsing.expects("status of 422")
    page = browsing.tab(browsing.context(fresh))
    page.goto(fresh.link)
    looking.at(page, "set-up")
    page.get_by_label("Workspace").fill("Acme")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    field = page.get_by_label("Password")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.get_by_label("Workspace")).to_have_value("Acme")
    looking.at(page, "set-up-refused")
    page = set_up(browsing, fresh)
    assert page.url == fresh.page
    expect(page.get_by_role("banner")).to_contain_text("Acme")
    for slug, provider in PROVIDERS.items():
        expect(card(page, slug)).to_contain_text("Service closed" if provider.lifecycle.closed else "Not connected")


def test_the_link_works_once(browsing, looking, owned):
    browsing.expects("status of 410")
    page = browsing.tab(browsing.context(owned))
    page.goto(owned.link)
    expect(page.get_by_text("This set-up link is not valid")).to_be_visible()
    looking.at(page, "set-up-link-used")
    page.get_by_role("link").first.click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_wrong_password_is_refused_and_the_next_try_signs_in_where_one_wanted_to_go(browsing, looking, owned):
    browsing.expects("status of 401")
    page = browsing.tab(browsing.context(owned))
    page.goto(f"{owned.page}/telegram")
    page.wait_for_url(SIGN_IN)
    sign_in(page, password="wrong horse battery staple")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    expect(page.get_by_label("Password")).to_have_value("")
    looking.at(page, "sign-in-refused")
    sign_in(page)
    page.wait_for_url(f"{owned.page}/telegram")
    expect(drawer(page).get_by_role("heading", name="Telegram", level=2)).to_be_visible()


def test_signing_out_takes_the_page_away_until_one_signs_in_again(browsing, owned):
    page = browsing.tab(browsing.context(owned))
    page.goto(owned.page)
    page.wait_for_url(SIGN_IN)
    sign_in(page)
    loaded(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(SIGN_IN)
    page.go_back()
    page.wait_for_url(SIGN_IN)
    sign_in(page)
    loaded(page)


def test_a_slack_that_somebody_else_wrote_connects_too(browsing, owned, emulated):
    if emulated is None:
        missing("emulate")
    page = browsing.tab(browsing.context(owned))
    page.goto(owned.page)
    page.wait_for_url(SIGN_IN)
    sign_in(page)
    loaded(page)
    connect(page, "slack", {"Bot User OAuth Token": emulate.TOKEN})
    expect(card(page, "slack")).to_contain_text("Emulated Inc")
    expect(drawer(page).locator(".ah-table")).to_contain_text(emulate.TEAM_ID)
    page.keyboard.press("Escape")


def test_who_does_too_much_in_a_minute_is_told_to_wait(browsing, owned):
    page = browsing.tab(browsing.context(owned))
    page.goto(owned.page)
    page.wait_for_url(SIGN_IN)
    sign_in(page)
    loaded(page)
    open_drawer(page, "telegram")
    the_form = drawer(page).get_by_role("form", name="Connect Telegram")
    notice = page.locator("[data-banner=notice]")
    for _ in range(140):
        the_form.evaluate("form => form.requestSubmit()")
        if notice.is_visible():
            break
    expect(notice).to_contain_text("Wait a little")
