"""Every state that a connection and a card can have: its word, who has to act, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Lifecycle
from atlas_hub.services.status import Mode, mode_of
from atlas_hub.storage.models import OAuthAttempt
from atlas_hub.ui import card as cards
from atlas_hub.ui import drawer as drawers
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.page import Page as PageState
from tests.e2e import people
from tests.e2e.browsing import Browsing, card, drawer, loaded, shows
from tests.e2e.ground import Inside, Site
from tests.e2e.people import API, Place, Role
from tests.e2e.states import check_now, with_connection
from tests.e2e.vendors import Vendors
from tests.standins.dial import Fault
from tests.standins.mailbox import MailFault

pytestmark = pytest.mark.e2e

ROUTE = "/admin/integrations"

STATES = {
    "discord": ("ok", "Connected", "good"),
    "github": ("expiring", "Expires soon", "attention"),
    "slack": ("degraded", "Works with limits", "attention"),
    "email": ("unverified", "Not proven yet", "attention"),
    "telegram": ("unreachable", "No answer", "attention"),
    "teams": ("reconnect", "Reconnect needed", "broken"),
    "whatsapp": ("misconfigured", "Fix settings", "broken"),
    "gchat": ("locked", "Locked", "broken"),
    "linear": ("paused", "Paused", "off"),
}
"""A workspace where each platform is in a state of its own: the state, its word, its meaning."""

NEEDY = {"github", "slack", "email", "teams", "whatsapp", "gchat"}
"""Where an admin has something to do. Nobody but the vendor can make a silent one answer; a pause was wanted."""

MODES = {
    "slack": ("connected", "Uninstalled", "broken"),
    "telegram": ("no_default", "No default", "attention"),
    "discord": ("connecting", "Waiting for consent", "attention"),
    "teams": ("form", "Not connected", "off"),
}
"""Another workspace: the mode of a card, its word, its meaning."""


def alone(states: dict[str, Any], *names: str) -> list[Any]:
    """A test for each platform, but for those that another test looks at."""
    return [pytest.param(slug, id=told[0]) for slug, told in states.items() if slug not in names]


def written(place: Place, slug: str, state: str, reason: str) -> None:
    """A state that no act of the page brings about."""

    async def write(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            asked = "UPDATE atlas_hub_connection SET state = :s, reason = :r WHERE workspace = :w AND provider = :p"
            await tx.execute(text(asked), {"s": state, "r": reason, "w": place.id, "p": slug})

    place.inside.do(write)


def locked(place: Place, slug: str) -> None:
    """Seal what is stored with a key that is not configured."""

    async def lock(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            asked = "UPDATE atlas_hub_credential SET key_id = 'v9' WHERE workspace = :w AND provider = :p"
            await tx.execute(text(asked), {"w": place.id, "p": slug})

    place.inside.do(lock)


def consenting(place: Place, slug: str) -> None:
    """An admin is at the vendor's page of consent."""

    async def attempt(hub: Hub) -> None:
        ends = hub.now() + timedelta(minutes=10)
        async with hub.db.transaction() as tx:
            tx.add(
                OAuthAttempt(state_hash=place.id, workspace=place.id, provider=slug, session="a-tab", expires_at=ends)
            )

    place.inside.do(attempt)


@pytest.fixture(scope="module")
def tabs(chromium: Browser) -> Iterator[Browsing]:
    """One browser for all of it."""
    opened = Browsing(chromium)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def states(site: Site, inside: Inside, all_vendors: Vendors, tabs: Browsing) -> Iterator[Place]:
    """A workspace with a platform in every state."""
    place, vendors = people.found(site, inside, "Every State"), all_vendors
    page = tabs.open(site, place.person())

    def checked(slug: str, times: int = 1) -> None:
        tabs.load(page, site, slug)
        check_now(page, times)

    soon = place.inside.do(now) + timedelta(days=3)
    with_connection(place, vendors, "discord")
    with_connection(place, vendors, "github", ends=f"{soon:%Y-%m-%d %H:%M:%S} UTC")
    with_connection(place, vendors, "slack", scopes=frozenset({"chat:write"}))
    with_connection(place, vendors, "linear")
    with_connection(place, vendors, "gchat")
    vendors.mailbox.dial.set(MailFault.UNAVAILABLE)
    with_connection(place, vendors, "email", "smtp")
    with_connection(place, vendors, "telegram")
    vendors.telegram.dial.set(Fault.UNAVAILABLE)
    checked("telegram", times=3)
    given = with_connection(place, vendors, "teams")
    vendors.teams.apps[given.values["app_id"]].secrets[given.values["app_password"]] = False
    checked("teams")
    with_connection(place, vendors, "whatsapp")
    vendors.whatsapp.dial.set(Fault.FORBIDDEN)
    checked("whatsapp")
    vendors.calm()
    written(place, "linear", "paused", "An admin paused it.")
    locked(place, "gchat")
    page.close()
    yield place
    place.rest.close()


async def now(hub: Hub) -> Any:
    return hub.now()


@pytest.fixture(scope="module")
def modes(site: Site, inside: Inside, all_vendors: Vendors) -> Iterator[Place]:
    """A workspace with the other things that a card can show."""
    place = people.found(site, inside, "Every Mode")
    with_connection(place, all_vendors, "slack")
    written(place, "slack", "uninstalled", "Slack says that the app was uninstalled. Install it again, then connect.")
    with_connection(place, all_vendors, "telegram")
    with_connection(place, all_vendors, "telegram", adds=True)
    place.rest.delete(f"{API}/telegram").raise_for_status()
    consenting(place, "discord")
    yield place
    place.rest.close()


@pytest.fixture(scope="module")
def owner_of_states(tabs: Browsing, states: Place) -> Page:
    return tabs.open(states.site, states.person())


@pytest.fixture(scope="module")
def owner_of_modes(tabs: Browsing, modes: Place) -> Page:
    return tabs.open(modes.site, modes.person())


@pytest.fixture(autouse=True)
def no_complaints(tabs: Browsing) -> Iterator[None]:
    yield
    faults, tabs.faults = tabs.faults, []
    assert faults == []


def needs(page: Page) -> set[str]:
    """The platforms under *Needs you*."""
    return set(page.locator("[data-needs]").evaluate_all("all => all.map((each) => each.dataset.needs)"))


def here(page: Page, place: Place, slug: str = "") -> None:
    """The page of a place, or a drawer of it."""
    page.goto(f"{place.site.page}/{slug}" if slug else place.site.page)
    loaded(page)


def test_each_state_has_its_word_and_what_needs_an_admin_is_told_first(owner_of_states, states, looking):
    page = owner_of_states
    here(page, states)
    for slug, (state, word, tone) in STATES.items():
        shows(page, slug, "connected")
        expect(card(page, slug)).to_have_attribute("data-state", state)
        expect(card(page, slug)).to_have_attribute("data-tone", tone)
        expect(card(page, slug).locator(".ah-badge").first).to_contain_text(word)
        if state != "ok":
            expect(card(page, slug).locator(".ah-reason")).not_to_be_empty()
    assert needs(page) == NEEDY
    for slug in NEEDY:
        expect(page.locator(f"[data-needs={slug}]")).to_contain_text(STATES[slug][1])
    expect(page.get_by_role("heading", name=f"Needs you · {len(NEEDY)}")).to_be_visible()
    looking.at(page, "states")


def test_what_else_a_card_shows_has_its_word_too(owner_of_modes, modes, looking):
    page = owner_of_modes
    here(page, modes)
    for slug, (mode, word, tone) in MODES.items():
        shows(page, slug, mode)
        expect(card(page, slug)).to_have_attribute("data-tone", tone)
        expect(card(page, slug).locator(".ah-badge").first).to_contain_text(word)
    expect(card(page, "discord")).to_contain_text(
        re.compile(r"An admin was sent to Discord to agree: \d+ minutes left\.")
    )
    assert needs(page) == {"slack", "telegram"}
    expect(page.locator("[data-channel=slack]")).to_contain_text("not working")
    looking.at(page, "modes")


def test_a_member_is_told_the_states_and_asked_for_nothing(tabs, states):
    page = tabs.open(states.site, states.person(Role.MEMBER))
    for slug, (_, word, _) in STATES.items():
        expect(card(page, slug)).to_have_attribute("data-word", word)
    assert needs(page) == set()
    page.close()


@pytest.mark.parametrize("slug", alone(STATES, "discord", "telegram", "teams"))
def test_the_drawer_of_a_state_says_what_to_do(owner_of_states, states, looking, slug):
    page, (state, word, tone) = owner_of_states, STATES[slug]
    here(page, states, slug)
    expect(drawer(page).locator("header .ah-badge")).to_contain_text(word)
    expect(drawer(page).get_by_role("heading", name="What needs doing")).to_be_visible()
    forms = drawer(page).locator("form.ah-form:visible")
    expect(forms).to_have_count(1 if tone == "broken" else 0)
    expect(drawer(page).get_by_role("heading", name="Reconnect")).to_have_count(1 if tone == "broken" else 0)
    expect(drawer(page).get_by_role("button", name="Disconnect…")).to_be_visible()
    looking.at(page, f"drawer-{state}")


@pytest.mark.parametrize("slug", alone(MODES, "telegram", "teams"))
def test_the_drawer_of_another_mode_has_its_form(owner_of_modes, modes, looking, slug):
    page = owner_of_modes
    here(page, modes, slug)
    expect(drawer(page).locator("header .ah-badge")).to_contain_text(MODES[slug][1])
    expect(drawer(page).locator("form.ah-form:visible")).to_have_count(1)
    if MODES[slug][0] == "connecting":
        expect(drawer(page)).to_contain_text("An admin was sent to Discord to agree: ")
    looking.at(page, f"drawer-{slug}-{MODES[slug][0]}")


@pytest.mark.parametrize("slug", list(PROVIDERS))
def test_a_service_that_was_closed_says_so_and_offers_nothing(slug):
    """No provider of the registry is closed, so this one is looked at as it is compiled."""
    assert mode_of(closed=True) is Mode.CLOSED
    gone = replace(PROVIDERS[slug], lifecycle=Lifecycle(closed=True, instead="Use something else."))
    said = f"{gone.name} was closed. Nothing is sent there any more. Use something else."
    markup = str(cards.card(gone, CARDS[slug], ROUTE, PageState).render())
    assert said in markup
    assert said not in str(cards.card(PROVIDERS[slug], CARDS[slug], ROUTE, PageState).render())
    inside = str(drawers.drawer(gone, CARDS[slug], ROUTE, PageState).render())
    assert said in inside
