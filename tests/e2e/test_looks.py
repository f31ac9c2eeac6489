"""Every state of the page, by axe's rules, in light and dark, on a desk and on a phone; its screenshots are kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from atlas_hub.providers import PARTS, PROVIDERS
from tests.e2e.browsing import card, drawer, fill, open_drawer, said, shows, submit
from tests.e2e.ground import free_port
from tests.e2e.people import Role
from tests.e2e.states import (
    asked_which_account,
    begin,
    check_now,
    sealed_under_a_lost_key,
    with_connection,
    with_slack,
    with_telegram,
    without_default,
    word,
)
from tests.standins import slack_seed
from tests.standins.dial import Fault

pytestmark = pytest.mark.e2e


def test_an_empty_workspace_looks_right(browsing, looking, place):
    page = browsing.open(place.site, place.person())
    looking.at(page, "empty")


@pytest.mark.parametrize("key", PARTS)
def test_the_forms_look_right(browsing, looking, place, key):
    page = browsing.open(place.site, place.person(), key)
    looking.at(page, f"form-{key}")
    for method in PARTS[key].methods[1:]:
        drawer(page).locator("summary", has_text=method.label).first.click()
        looking.at(page, f"form-{key}-{method.key}")


def test_what_a_field_says_of_what_was_pasted_looks_right(browsing, looking, place, vendors):
    page = browsing.open(place.site, place.person(), "slack")
    fill(page, "slack", {"Bot User OAuth Token": slack_seed.USER})
    note = drawer(page).locator("[data-ah-note]:not(:empty)")
    expect(note).to_have_count(1)
    looking.at(page, "lookalike")
    page.keyboard.press("Escape")
    open_drawer(page, "gchat")
    text = str(vendors.given("gchat").values["credentials_json"])
    file = {"name": "acme-atlas.json", "mimeType": "application/json", "buffer": text.encode()}
    drawer(page).locator("[data-ah-file]").set_input_files(file)
    expect(note).to_contain_text("acme-atlas.json")
    looking.at(page, "file-chosen")


def test_every_platform_connected_looks_right(browsing, looking, place, vendors):
    for slug in PROVIDERS:
        with_connection(place, vendors, slug)
    page = browsing.open(place.site, place.person())
    for slug in PROVIDERS:
        shows(page, slug, "connected")
    looking.at(page, "every-platform")
    for slug in [each for each in PROVIDERS if each != "slack"]:  # Slack's is looked at below
        open_drawer(page, slug, "Details")
        looking.at(page, f"connected-{slug}")
        page.keyboard.press("Escape")
        expect(drawer(page)).to_have_count(0)


def test_what_search_finds_looks_right(browsing, looking, place, vendors):
    with_slack(place, vendors)
    page = browsing.open(place.site, place.person())
    page.locator("[data-ah-search]").fill("tele")
    expect(card(page, "slack")).to_be_hidden()
    expect(card(page, "telegram")).to_be_visible()
    looking.at(page, "search")
    page.locator("[data-ah-search]").fill("nothing of the kind")
    expect(page.locator("[data-ah-nothing]")).to_be_visible()
    looking.at(page, "search-nothing")


def test_replacing_and_adding_look_right(browsing, looking, place, vendors):
    with_slack(place, vendors)
    page = browsing.open(place.site, place.person(), "slack")
    begin(page, "Replace the key…")
    looking.at(page, "replace")
    drawer(page).get_by_role("button", name="Cancel").click()
    begin(page, "Add another Slack…")
    looking.at(page, "add-another")
    submit(fill(page, "slack", {"Bot User OAuth Token": vendors.team("Beta Inc").token}))
    stored = drawer(page).get_by_role("button", name="Disconnect… Beta Inc")
    expect(stored).to_be_visible()
    stored.scroll_into_view_if_needed()
    looking.at(page, "also-stored")
    stored.click()
    looking.at(page, "also-stored-disconnect")


def test_a_refusal_looks_right(browsing, looking, place, vendors):
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", {**vendors.smtp, "Password": "wrong"}, "SMTP")
    submit(the_form)
    expect(the_form.locator("[aria-invalid=true]")).to_have_count(1)
    looking.at(page, "field-refused")
    submit(fill(page, "email", {**vendors.smtp, "Port": str(free_port())}, "SMTP"))
    save = the_form.get_by_role("button", name="Save anyway")
    expect(save).to_be_visible()
    looking.at(page, "vendor-silent")
    save.click()
    word(page, "email", "Not proven yet")
    looking.at(page, "not-proven")


def test_what_is_connected_looks_right(browsing, looking, place, vendors):
    team = with_slack(place, vendors)
    with_telegram(place, vendors)
    page = browsing.open(place.site, place.person(), "slack")
    looking.at(page, "connected-drawer")
    send = drawer(page).get_by_role("form", name="Send a test message by Slack")
    send.get_by_label("Channel ID").fill(team.channel)
    submit(send, "Send test")
    expect(send.locator("[data-tested=yes]")).to_be_visible()
    send.scroll_into_view_if_needed()
    looking.at(page, "test-sent")
    drawer(page).get_by_role("button", name="Disconnect…").click()
    looking.at(page, "disconnect-dialog")
    page.keyboard.press("Escape")
    asked_which_account(page, vendors)
    looking.at(page, "another-account")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    looking.at(page, "connected")


def test_what_is_connected_just_now_looks_right(browsing, looking, place, vendors):
    page = browsing.open(place.site, place.person(), "telegram")
    vendors.telegram.gate.clear()
    submit(fill(page, "telegram", {"Bot Token": vendors.bot().token}))
    expect(drawer(page).locator(".ah-ladder li[data-ok=running]")).to_be_visible()
    looking.at(page, "checking")
    vendors.calm()
    expect(said(page)).to_contain_text("accepted it")
    looking.at(page, "just-connected")


def test_what_needs_somebody_looks_right(browsing, looking, place, vendors, inside):
    team = with_slack(place, vendors)
    with_telegram(place, vendors)
    page = browsing.open(place.site, place.person(), "telegram")
    vendors.telegram.dial.set(Fault.UNAVAILABLE)
    check_now(page, times=3)
    word(page, "telegram", "No answer")
    looking.at(page, "unreachable-drawer")
    page.keyboard.press("Escape")
    vendors.slack.tokens[team.token].state = "revoked"
    open_drawer(page, "slack", "Details")
    check_now(page)
    word(page, "slack", "Reconnect needed")
    looking.at(page, "reconnect-drawer")
    page.keyboard.press("Escape")
    looking.at(page, "needs-you")
    sealed_under_a_lost_key(inside, place)
    page.reload()
    word(page, "slack", "Locked")
    looking.at(page, "locked")


def test_a_card_without_a_default_looks_right(browsing, looking, place, vendors):
    without_default(place, vendors)
    page = browsing.open(place.site, place.person())
    shows(page, "slack", "no_default")
    looking.at(page, "no-default")
    open_drawer(page, "slack", "Details")
    looking.at(page, "no-default-drawer")


def test_what_a_member_sees_looks_right(browsing, looking, place, vendors):
    with_slack(place, vendors)
    page = browsing.open(place.site, place.person(Role.MEMBER), "slack")
    looking.at(page, "member-drawer")
    page.keyboard.press("Escape")
    looking.at(page, "member")
    page.goto(f"{place.site.page}/nonsense")
    expect(page.locator("[data-banner=unknown]")).to_be_visible()
    looking.at(page, "unknown-integration")
