"""The settings in a browser: people, keys and workspaces, by form posts alone, and how each page looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.people import PASSWORD, Role

pytestmark = pytest.mark.e2e


def settings(browsing, place, person, tab: str = "members") -> Page:
    page = browsing.tab(browsing.context(place.site, person))
    page.goto(f"{place.site.base}/settings/{tab}")
    return page


def test_the_page_leads_owners_to_the_settings_and_members_not(browsing, place):
    page = browsing.open(place.site, place.person())
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings").click()
    expect(page).to_have_url(f"{place.site.base}/settings/members")
    expect(page.get_by_role("heading", name="Members", level=1)).to_be_visible()
    page.get_by_role("link", name="Integrations").click()
    expect(page).to_have_url(place.site.page)
    other = browsing.open(place.site, place.person(Role.MEMBER))
    expect(other.get_by_role("link", name="Integrations")).to_be_visible()
    expect(other.get_by_role("link", name="Settings")).to_have_count(0)


def test_somebody_is_invited_joins_is_changed_and_removed(browsing, looking, place):
    page = settings(browsing, place, place.person())
    page.get_by_label("E-mail").fill("Mo@Example.com")
    page.get_by_label("Role").select_option("admin")
    page.get_by_role("button", name="Make an invitation link").click()
    link = page.get_by_label("Invitation link").input_value()
    assert re.fullmatch(rf"{re.escape(place.site.base)}/join/[\w-]{{43}}", link)
    looking.at(page, "settings-invited")

    guest = browsing.tab(browsing.context(place.site))
    guest.goto(link)
    looking.at(guest, "join")
    guest.get_by_label("Your name").fill("Mo")
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest).to_have_url(place.site.page)

    page.goto(f"{place.site.base}/settings/members")
    expect(page.get_by_text("Nobody is invited")).to_be_visible()
    looking.at(page, "settings-members")
    page.get_by_role("link", name="Change mo@example.com").click()
    looking.at(page, "settings-member")
    page.get_by_label("Role").select_option("member")
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_role("status")).to_have_text("The role was changed.")
    page.get_by_role("link", name="Change mo@example.com").click()
    page.get_by_role("link", name="Remove…").click()
    looking.at(page, "settings-sure")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("removed")
    expect(page.get_by_text("mo@example.com")).to_have_count(0)
    guest.goto(place.site.page)
    expect(guest).to_have_url(re.compile("/sign-in"))


def test_a_key_is_made_by_keyboard_shown_once_and_revoked(browsing, looking, place):
    page = settings(browsing, place, place.person(), "keys")
    page.get_by_label("Name").focus()
    page.keyboard.type("automation")
    page.keyboard.press("Enter")
    private = page.get_by_label("Private key").input_value()
    assert private.startswith("ahk_")
    looking.at(page, "settings-new-key")
    browsing.expects("409")
    page.reload()  # sends the form once more
    expect(page.get_by_role("heading", level=1)).to_have_text("That cannot be done")
    assert private not in page.content()
    page.goto(f"{place.site.base}/settings/keys")
    expect(page.get_by_role("row").filter(has_text="automation")).to_have_count(1)
    assert private not in page.content()
    looking.at(page, "settings-keys")
    page.get_by_role("row").filter(has_text="automation").get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row").filter(has_text="automation")).to_contain_text("revoked")


def test_a_workspace_is_created_renamed_switched_and_deleted(browsing, looking, place):
    page = settings(browsing, place, place.person(), "workspaces")
    page.locator("input#workspace").fill("Second <b>")
    page.get_by_role("button", name="Create a workspace").click()
    expect(page.get_by_role("row").filter(has_text="Second <b>")).to_contain_text("active now")
    page.locator("input#name").fill("Second")
    page.get_by_role("button", name="Rename").click()
    looking.at(page, "settings-workspaces")
    page.get_by_role("link", name="Delete this workspace…").click()
    page.get_by_label("Name of the workspace").fill("Secnd")
    browsing.expects("422")
    page.get_by_role("button", name="Delete for good").click()
    looking.at(page, "settings-delete")
    page.get_by_label("Name of the workspace").fill("Second")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("row").filter(has_text=place.name)).to_contain_text("active now")
    page.get_by_role("link", name="Delete this workspace…").click()
    page.get_by_label("Name of the workspace").fill(place.name)
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No workspace")
    looking.at(page, "settings-nowhere")
    page.get_by_label("Name").fill("Anew")
    page.get_by_role("button", name="Create a workspace").click()
    expect(page.get_by_role("row").filter(has_text="Anew")).to_contain_text("owner")


def test_a_page_that_is_not_for_a_role_says_so(browsing, looking, place):
    browsing.expects("403")
    page = settings(browsing, place, place.person(Role.MEMBER))
    expect(page.get_by_role("heading", level=1)).to_have_text("Not for your role")
    looking.at(page, "settings-forbidden")
