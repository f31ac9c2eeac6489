"""Connecting by consent in a browser: the way to each vendor and back, and everything that may become of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from atlas_hub.accounts import workspaces
from atlas_hub.hub import Hub
from atlas_hub.storage import consents as stored
from tests.e2e.browsing import NAMES, Browsing, card, drawer, loaded, said, shows
from tests.e2e.ground import Inside, Site, served, settings_in
from tests.e2e.people import Place, Role
from tests.e2e.vendors import Vendors

pytestmark = pytest.mark.e2e

WAYS = {
    "slack": ("Connect to Slack", "Allow", "Cancel", "Acme Corp"),
    "teams": ("Connect to Teams", "Accept", "Cancel", ""),
    "discord": ("Connect to Discord", "Authorize", "Cancel", ""),
}
"""Of each provider: the card's button, the vendor's two, and the account that its page has chosen."""


@pytest.fixture(scope="module")
def consenting(fresh: Site, folder: Path, all_vendors: Vendors) -> Iterator[Site]:  # its build
    """A hub whose operator gave every vendor's app."""
    apps: dict[str, str] = {}
    for vendor in (all_vendors.slack, all_vendors.teams, all_vendors.discord):
        apps |= vendor.app_env
    env = settings_in(folder / "consenting", **all_vendors.env, **apps)
    with served(folder / "consenting", **env) as started:
        yield started


@pytest.fixture(scope="module")
def consenting_inside(consenting: Site) -> Iterator[Inside]:
    """A hub of the tests' own on the same database."""
    with Inside(consenting.settings) as opened:
        yield opened


@pytest.fixture
def here(found, consenting: Site, consenting_inside: Inside, vendors: Vendors) -> Iterator[Place]:
    """A workspace there, deleted afterwards, and the vendors as they were: the next one may have their accounts."""
    made = found(consenting, consenting_inside)
    yield made
    consenting_inside.do(lambda hub: workspaces.delete(hub, made.id))
    for vendor in (vendors.slack, vendors.teams, vendors.discord):
        vendor.seed_oauth()


def go(page: Page, slug: str) -> None:
    """Press the card's button, and be at the vendor."""
    card(page, slug).get_by_role("button", name=WAYS[slug][0]).click()
    expect(page.get_by_role("button", name=WAYS[slug][1])).to_be_visible()


def agree(page: Page, slug: str, team: str = "") -> None:
    """Agree on each of the vendor's pages, and be back."""
    for _ in range(2):
        if team:
            page.get_by_label("Workspace").select_option(label=team)
        page.get_by_role("button", name=WAYS[slug][1]).click()
        page.wait_for_load_state()
        if "/admin/integrations" in page.url:
            break
    loaded(page)


def connected(browsing: Browsing, here: Place, slug: str = "slack", team: str = "Acme Corp") -> Page:
    page = browsing.open(here.site, here.person())
    go(page, slug)
    agree(page, slug, team if slug == "slack" else "")
    shows(page, slug, "connected")
    return page


@pytest.mark.parametrize("slug", WAYS)
def test_a_consent_connects_and_says_who_it_is(browsing, here, looking, slug):
    page = browsing.open(here.site, here.person())
    expect(card(page, slug)).to_have_attribute("data-mode", "form")
    looking.at(page, f"consent-offered-{slug}") if slug == "slack" else None
    go(page, slug)
    agree(page, slug, WAYS[slug][3])
    shows(page, slug, "connected")
    expect(drawer(page).locator("[data-came=done]")).to_contain_text("This is ")
    account = drawer(page).locator(".ah-drawer-head .ah-account").inner_text()
    expect(drawer(page).locator("[data-came=done]")).to_contain_text(account)
    looking.at(page, f"consent-connected-{slug}")


@pytest.mark.parametrize("slug", WAYS)
def test_a_refusal_stands_on_the_card_until_it_is_dismissed(browsing, here, looking, slug):
    browsing.expects("400")
    page = browsing.open(here.site, here.person())
    go(page, slug)
    page.get_by_role("button", name=WAYS[slug][2]).click()
    expect(page.get_by_role("alert")).to_contain_text("not allowed")
    page.get_by_role("link", name="Back to the Integrations page").click()
    loaded(page)
    alert = drawer(page).locator("[data-came=failed]")
    expect(alert).to_contain_text(f"It was not allowed at {NAMES[slug]}")
    if slug == "slack":
        looking.at(page, "consent-denied")
    alert.get_by_role("button", name="Dismiss").click()
    expect(page.locator("[data-came=failed]")).to_have_count(0)


@pytest.mark.parametrize(
    ("choice", "account"), [("Replace", "Beta Inc"), ("Keep both", "Acme Corp"), ("Neither", "Acme Corp")]
)
def test_another_account_is_asked_about(browsing, here, looking, choice, account):
    page = connected(browsing, here)
    drawer(page).get_by_role("button", name="Agree at Slack again").click()
    agree(page, "slack", "Beta Inc")
    asked = drawer(page).get_by_role("form", name="Which account is meant")
    expect(asked).to_contain_text("Beta Inc")
    if choice == "Replace":
        looking.at(page, "consent-asks")
    asked.get_by_label(re.compile(f"^{choice}")).check()
    asked.get_by_role("button", name="Answer").click()
    expect(asked).to_have_count(0)
    expect(drawer(page).locator(".ah-drawer-head .ah-account")).to_have_text(account)
    if choice == "Keep both":
        expect(drawer(page).locator(".ah-other")).to_contain_text("Beta Inc")


def test_waiting_is_shown_can_be_ended_and_ends_by_itself(browsing, here, looking):
    owner = here.person()
    context = browsing.context(here.site, owner)
    page = browsing.load(browsing.tab(context), here.site)
    other = browsing.load(browsing.tab(context), here.site)
    go(page, "slack")
    shows(other, "slack", "connecting")
    expect(card(other, "slack")).to_contain_text("10 minutes left")
    looking.at(other, "consent-waiting")
    card(other, "slack").get_by_role("button", name="Stop waiting").click()
    shows(other, "slack", "form")
    go(other, "slack")

    async def run_out(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            row = await stored.latest(tx, here.id, "slack")
            assert row is not None
            row.expires_at = hub.now() - timedelta(seconds=1)

    here.inside.do(run_out)
    browsing.expects("400")
    other.get_by_role("button", name="Allow").click()
    expect(other.get_by_role("alert")).to_contain_text("The time for agreeing was over")
    browsing.load(page, here.site)
    expect(card(page, "slack").locator("[data-came=failed]")).to_contain_text("The time for agreeing was over")


def test_of_two_tabs_that_agree_one_connects(browsing, here):
    browsing.expects("400")
    context = browsing.context(here.site, here.person())
    first, second = (browsing.load(browsing.tab(context), here.site) for _ in range(2))
    go(first, "slack")
    card(second, "slack").get_by_role("button", name="Start again").click()
    expect(second.get_by_role("button", name="Allow")).to_be_visible()
    agree(second, "slack", "Acme Corp")
    shows(second, "slack", "connected")
    first.get_by_label("Workspace").select_option(label="Acme Corp")
    first.get_by_role("button", name="Allow").click()
    loaded(first)
    for page in (first, second):
        shows(page, "slack", "connected")
        expect(card(page, "slack")).to_contain_text("Acme Corp")


def test_reconnecting_keeps_the_label(browsing, here, vendors):
    page = connected(browsing, here)
    drawer(page).locator("summary", has_text="Rename…").click()
    naming = drawer(page).get_by_role("form", name="Rename the Slack connection")
    naming.get_by_label("Name").fill("Our Slack")
    naming.get_by_role("button", name="Rename").click()
    expect(said(page)).to_contain_text("Our Slack")
    vendors.slack.end_tokens("revoked")
    drawer(page).get_by_role("button", name="Check now").click()
    expect(card(page, "slack")).to_have_attribute("data-state", "reconnect")
    browsing.load(page, here.site)
    card(page, "slack").get_by_role("button", name="Reconnect").click()
    agree(page, "slack", "Acme Corp")
    expect(card(page, "slack")).to_have_attribute("data-state", "ok")
    expect(card(page, "slack")).to_contain_text("Our Slack")


def test_a_feature_is_switched_on_through_the_vendor(browsing, here, looking):
    page = connected(browsing, here)
    history = drawer(page).locator("[data-feature=read_history]")
    expect(history).to_have_attribute("data-on", "no")
    looking.at(page, "scopes")
    more = "Turn on · asks Slack for 2 more scopes: channels:history, groups:history"
    history.get_by_role("button", name=more).click()
    agree(page, "slack", "Acme Corp")
    expect(history).to_have_attribute("data-on", "yes")
    expect(history.locator("[data-scope='channels:history']")).to_contain_text("granted")
    history.get_by_role("button", name="Turn off").click()
    expect(history).to_have_attribute("data-on", "no")


def test_disconnecting_says_that_the_grant_is_revoked(browsing, here, looking):
    page = connected(browsing, here)
    drawer(page).get_by_role("button", name="Disconnect…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("The grant at Slack is revoked, too.")
    looking.at(page, "consent-disconnect")
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    expect(said(page)).to_contain_text("✓ Revoked. Slack revoked the token.")
    shows(page, "slack", "form")


def test_a_member_sees_no_way_to_agree(browsing, here):
    page = browsing.open(here.site, here.person(Role.MEMBER), "slack")
    expect(page.locator(".ah-begin")).to_have_count(0)
