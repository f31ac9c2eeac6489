"""Search and filter: what they show, how they live in the address, and that they follow what changes."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from atlas_hub.providers import PROVIDERS
from tests.e2e.browsing import NARROW, Browsing, card, drawer, loaded, shows
from tests.e2e.people import API, Place
from tests.e2e.states import with_connection, with_slack, with_telegram

pytestmark = pytest.mark.e2e

EVERYTHING = {*PROVIDERS, "webhooks"}


def search(page: Page):
    return page.get_by_role("searchbox", name="Search integrations")


def narrowed(page: Page):
    return page.get_by_role("search").get_by_label("Show")


def sees(page: Page, *slugs: str) -> None:
    """Exactly these cards are there, and no group without a card."""
    expect(page.locator("[data-card]:visible")).to_have_count(len(slugs))
    shown = page.locator("[data-card]:visible").evaluate_all("all => all.map((each) => each.dataset.card)")
    assert set(shown) == set(slugs)
    empty = "all => all.filter((each) => !each.querySelector('[data-card]:not([hidden])')).length"
    assert page.locator("[data-ah-group]:visible").evaluate_all(empty) == 0
    expect(page.locator("[data-ah-nothing]")).to_be_visible(visible=not slugs)


def at(page: Page, place: Place, rest: str) -> None:
    """The address ends so."""
    expect(page).to_have_url(f"{place.site.page}{rest}")


@pytest.fixture
def page(browsing: Browsing, place: Place, vendors) -> Page:
    """A page with Slack and Telegram connected, Telegram's bot called @needle_bot."""
    with_slack(place, vendors, "Haystack Inc")
    with_connection(place, vendors, "telegram", name=f"needle_{place.id[-6:]}_bot")
    return browsing.open(place.site, place.person())


def test_a_text_finds_names_accounts_and_what_a_card_is_for_and_stays_in_the_address(page, place):
    sees(page, *EVERYTHING)
    at(page, place, "")
    search(page).press_sequentially("needle_")
    sees(page, "telegram")
    at(page, place, "?q=needle_")
    search(page).fill("SLACK")
    sees(page, "slack")
    search(page).fill("haystack inc")
    sees(page, "slack")
    at(page, place, "?q=haystack+inc")
    search(page).fill("not connected google")
    sees(page, "gchat")
    page.reload()
    loaded(page)
    expect(search(page)).to_have_value("not connected google")
    sees(page, "gchat")
    search(page).fill("")
    sees(page, *EVERYTHING)
    at(page, place, "")


def test_a_state_is_chosen_and_stays_in_the_address(page, place):
    narrowed(page).select_option("Connected")
    sees(page, "slack", "telegram")
    at(page, place, "?show=connected")
    page.reload()
    loaded(page)
    expect(narrowed(page)).to_have_value("connected")
    sees(page, "slack", "telegram")
    search(page).fill("needle")
    sees(page, "telegram")
    at(page, place, "?show=connected&q=needle")
    narrowed(page).select_option("Not connected")
    sees(page)
    search(page).fill("")
    sees(page, *(PROVIDERS.keys() - {"slack", "telegram"}), "webhooks")
    narrowed(page).select_option("Needs you")
    sees(page)
    narrowed(page).select_option("All")
    sees(page, *EVERYTHING)
    at(page, place, "")


def test_a_word_of_the_address_that_means_nothing_shows_everything(page, place, browsing):
    page.goto(f"{place.site.page}?show=nonsense&other=1")
    loaded(page)
    sees(page, *EVERYTHING)
    expect(narrowed(page)).to_have_value("")


def test_a_link_to_a_drawer_with_a_search_keeps_it_when_the_drawer_closes_and_back_works(page, place):
    page.goto(f"{place.site.page}/slack?q=haystack&show=connected")
    loaded(page)
    expect(drawer(page).get_by_role("heading", name="Slack", level=2)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    sees(page, "slack")
    expect(search(page)).to_have_value("haystack")
    expect(page).to_have_url(re.compile(r"/integrations\?(q=haystack&show=connected|show=connected&q=haystack)$"))
    card(page, "slack").get_by_role("link", name="Details Slack").click()
    expect(drawer(page)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/integrations/slack\?.*q=haystack"))
    page.go_back()
    expect(drawer(page)).to_have_count(0)
    sees(page, "slack")
    expect(search(page)).to_have_value("haystack")
    page.go_forward()
    expect(drawer(page).get_by_role("heading", name="Slack", level=2)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    page.reload()
    loaded(page)
    sees(page, "slack")


def test_a_search_in_the_address_outlives_a_page_that_comes_late_with_its_drawer_open(page, place):
    def late(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    page.route(re.compile(r"/assets/.*_integrations_.*\.js"), late)
    page.goto(f"{place.site.page}/slack?q=haystack")
    loaded(page)
    expect(drawer(page).get_by_role("heading", name="Slack", level=2)).to_be_visible()
    at(page, place, "/slack?q=haystack")
    sees(page, "slack")


def test_a_slash_leads_to_the_search_and_escape_empties_it(page, place):
    page.keyboard.press("/")
    expect(search(page)).to_be_focused()
    expect(search(page)).to_have_value("")
    page.keyboard.type("tele/gram")
    expect(search(page)).to_have_value("tele/gram")
    sees(page)
    page.keyboard.press("Escape")
    expect(search(page)).to_have_value("")
    expect(search(page)).to_be_focused()
    sees(page, *EVERYTHING)
    card(page, "slack").get_by_role("link").first.click()
    expect(drawer(page)).to_be_visible()
    page.keyboard.press("/")
    expect(search(page)).not_to_be_focused()
    expect(drawer(page)).to_be_visible()


def test_nothing_found_says_so_and_the_way_back_is_a_button(page, place, looking):
    said = page.locator("[data-ah-announce]")
    search(page).fill("no such thing")
    sees(page)
    expect(page.locator("[data-ah-nothing]")).to_contain_text("Nothing here matches")
    expect(said).to_have_text("0 shown")
    looking.at(page, "nothing-found")
    page.get_by_role("button", name="Show all").click()
    sees(page, *EVERYTHING)
    at(page, place, "")
    expect(search(page)).to_be_focused()
    expect(said).to_have_text(f"{len(EVERYTHING)} shown")


def test_what_changes_elsewhere_enters_and_leaves_what_is_shown(page, place, vendors, browsing):
    narrowed(page).select_option("Connected")
    sees(page, "slack", "telegram")
    given = with_connection(place, vendors, "github")
    expect(card(page, "github")).to_be_visible()
    sees(page, "slack", "telegram", "github")
    search(page).fill(given.named)
    sees(page, "github")
    place.rest.delete(f"{API}/github").raise_for_status()
    shows(page, "github", "form")
    sees(page)
    search(page).fill("")
    narrowed(page).select_option("Needs you")
    sees(page)
    with_slack(place, vendors, "Scopeless Inc", scopes=frozenset({"chat:write"}))
    sees(page, "slack")


def test_on_a_phone_it_is_the_same(browsing, place, vendors):
    with_telegram(place, vendors)
    page = browsing.open(place.site, place.person(), width=NARROW)
    expect(search(page)).to_be_in_viewport()
    search(page).fill("telegram")
    sees(page, "telegram")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW
