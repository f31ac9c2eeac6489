"""The doctor's button and page: findings come while it runs, the worst first; who may, and what is downloaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from atlas_hub.services.access import Role
from tests.e2e.browsing import NARROW, Browsing, connect, loaded
from tests.e2e.looking import Looking
from tests.e2e.people import Place
from tests.e2e.vendors import Vendors
from tests.standins.dial import Fault

pytestmark = pytest.mark.e2e


def run(page: Page) -> None:
    page.get_by_role("button", name="Run doctor").click()
    page.wait_for_url("**/admin/integrations/doctor")
    expect(page.locator(".atlas-hub[data-finished=yes]")).to_be_visible(timeout=30_000)


def test_an_admin_runs_it_from_the_integrations_page_and_downloads_the_bundle(
    browsing: Browsing, place: Place, vendors: Vendors, looking: Looking
) -> None:
    token = vendors.team().token
    page = browsing.open(place.site, place.person(Role.ADMIN))
    connect(page, "slack", {"Bot User OAuth Token": token})
    page.keyboard.press("Escape")
    vendors.slack.dial.set(Fault.UNAUTHORIZED)
    run(page)
    expect(page.get_by_role("heading", name="Doctor", level=1)).to_be_visible()
    subjects = page.locator("[data-subject]")
    expect(subjects.nth(0)).to_have_attribute("data-subject", "Installation")
    slack = page.locator("[data-subject^=Slack]")
    expect(slack.locator("li").first).to_have_attribute("data-tone", "broken")
    expect(slack.locator("li").first.locator(".ah-fix")).to_be_visible()
    for step in ("Database", "Tables", "Encryption keys", "Reachable", "Websocket"):
        expect(page.locator(f"[data-subject=Installation] [data-step='{step}']")).to_have_attribute("data-tone", "good")
    looking.at(page, "doctor")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the bundle").click()
    told = json.loads(Path(downloading.value.path()).read_text())
    assert [each["provider"] for each in told["connections"]] == ["slack"]
    assert token not in page.content()
    assert not [frame for frame in browsing.frames[page] if token in frame]
    vendors.slack.dial.set(Fault.OK)
    page.get_by_role("button", name="Run again").click()
    expect(slack.locator("[data-step=Credentials]")).to_have_attribute("data-tone", "good", timeout=30_000)
    expect(page.locator(".ah-doctor-said")).not_to_contain_text("1 step failed")
    page.get_by_role("link", name="Integrations").last.click()
    expect(page.locator("[data-card=slack]")).to_be_visible()


def test_findings_come_while_it_still_looks(browsing: Browsing, place: Place, vendors: Vendors) -> None:
    token = vendors.team().token
    page = browsing.open(place.site, place.person())
    connect(page, "slack", {"Bot User OAuth Token": token})
    page.keyboard.press("Escape")
    vendors.slack.dial.set(Fault.HANG)
    page.get_by_role("button", name="Run doctor").click()
    busy = page.locator(".atlas-hub[aria-busy=true]")
    expect(busy.locator("[data-step=Database]")).to_be_visible()
    expect(busy.get_by_role("button", name="Looking…")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("[data-subject^=Slack] [data-step=Credentials]")).to_have_attribute(
        "data-tone", "broken", timeout=30_000
    )


def test_a_member_is_told_calmly_and_finds_no_button(browsing: Browsing, place: Place) -> None:
    person = place.person(Role.MEMBER)
    page = browsing.open(place.site, person)
    expect(page.get_by_role("button", name="Run doctor")).to_have_count(0)
    narrow = browsing.tab(browsing.context(place.site, person, width=NARROW))
    narrow.goto(f"{place.site.page}/doctor")
    loaded(narrow)
    expect(narrow.get_by_text("Only owners and admins of this workspace may do that.")).to_be_visible()
    expect(narrow.get_by_role("button", name="Run doctor")).to_have_count(0)
