"""The channels in the drawer: listed, searched, synced, one of them the default; with thousands, and when it fails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import NARROW, WIDE, Browsing, drawer
from tests.e2e.people import Place, Role
from tests.e2e.states import with_connection, with_slack
from tests.e2e.test_keyboard import tab_to
from tests.e2e.vendors import Team, Vendors
from tests.standins.dial import Fault
from tests.standins.slack_seed import SlackChannel

pytestmark = pytest.mark.e2e

THOUSANDS = 5000


def section(page: Page) -> Locator:
    """The part of the drawer that is about channels."""
    return drawer(page).locator("[data-channels]")


def rows(page: Page) -> Locator:
    """The channels that are drawn."""
    return section(page).locator("[data-channel-id]")


def row(page: Page, name: str) -> Locator:
    """The row of a channel, by its name as people write it."""
    return rows(page).filter(has=page.locator(".ah-channel-name", has_text=re.compile(f"^{re.escape(name)}$")))


def sync(page: Page, name: str) -> Locator:
    """The box that has a channel synced."""
    return section(page).get_by_role("checkbox", name=f"Sync {name}", exact=True)


def default(page: Page, name: str) -> Locator:
    """What makes a channel the default destination."""
    return section(page).get_by_role("radio", name=f"Default destination: {name}", exact=True)


def press(page: Page, name: str) -> None:
    """Press a button of the section."""
    section(page).get_by_role("button", name=name, exact=True).click()


def count(page: Page) -> Locator:
    """How many there are, as it is said."""
    return section(page).locator("[data-ah-count]")


def crowd(vendors: Vendors, team: Team, number: int) -> None:
    """Give a team so many channels."""
    made = [SlackChannel(f"C{team.id}{each:05d}", f"team-{each:05d}", team.id, size=each) for each in range(number)]
    vendors.slack.channels.extend(made)


def change(vendors: Vendors, team: Team, called: str, **to: object) -> None:
    """Change a channel of a team at Slack."""
    vendors.slack.channels[:] = [
        replace(each, **to) if (each.team_id, each.name) == (team.id, called) else each
        for each in vendors.slack.channels
    ]


@pytest.fixture
def team(place: Place, vendors: Vendors) -> Team:
    """A Slack with four channels: the bot is in #general and in #board, which is private."""
    team = with_slack(place, vendors)
    bot = frozenset({vendors.slack.tokens[team.token].user_id})
    vendors.slack.channels += [
        SlackChannel(f"C1{team.id}", "random", team.id, size=1234),
        SlackChannel(f"C2{team.id}", "board", team.id, bot, is_private=True),
        SlackChannel(f"C3{team.id}", "launch", team.id),
    ]
    return team


@pytest.fixture
def listed(browsing: Browsing, place: Place, team: Team) -> Page:
    """The drawer of Slack with its channels listed."""
    page = browsing.open(place.site, place.person(), "slack")
    press(page, "List the channels")
    expect(rows(page)).to_have_count(4)
    return page


def test_the_list_is_asked_for_and_says_what_is_known(listed, looking, team, place, browsing):
    page = listed
    expect(section(page)).to_contain_text("Slack listed them")
    expect(section(page).locator("[data-ah-listed]")).to_have_text("Listed 4 channels.")
    expect(section(page).get_by_role("group")).to_have_accessible_name("Channels of Acme Corp")
    expect(row(page, "#board").locator("[data-mark=private]")).to_have_text("Private")
    expect(row(page, "#random").locator("[data-mark=members]")).to_have_text("1,234 members")
    invite = row(page, "#random").locator("[data-mark=invite]")
    expect(invite).to_contain_text("The bot is not in it: say /invite @atlas")
    expect(invite.get_by_role("button")).to_have_attribute("data-ah-copy", "/invite @atlas")
    expect(row(page, "#general").locator("[data-mark=invite]")).to_have_count(0)
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels")
    page.reload()  # what was listed is kept
    expect(rows(page)).to_have_count(4)


def test_channels_are_chosen_and_the_default_is_where_a_test_begins(listed, vendors, team, place):
    page = listed
    sync(page, "#general").check()
    sync(page, "#board").check()
    expect(section(page).locator("[data-ah-unsaved]")).to_have_text("2 changes are not saved.")
    default(page, "#general").check()
    press(page, "Save")
    said = section(page).locator("[data-ah-listed]")
    expect(said).to_have_text("2 channels synced. #general is the default destination.")
    expect(section(page).locator("[data-ah-unsaved]")).to_be_empty()
    expect(count(page)).to_contain_text("2 synced. Default destination: #general.")
    to = drawer(page).get_by_role("form", name="Send a test message by Slack").get_by_label("Channel ID")
    expect(to).to_have_value(team.channel)
    page.reload()
    expect(sync(page, "#general")).to_be_checked()
    expect(default(page, "#general")).to_be_checked()
    expect(sync(page, "#random")).not_to_be_checked()
    sync(page, "#general").uncheck()
    section(page).get_by_role("radio", name="No default destination").check()
    press(page, "Save")
    expect(said).to_have_text("1 channel synced. There is no default destination.")
    expect(to).to_have_value("")


def test_all_public_channels_are_synced_with_one_tick(listed, looking):
    page = listed
    every = section(page).get_by_role("checkbox", name="Sync all public channels")
    every.check()
    expect(sync(page, "#random")).to_be_disabled()
    press(page, "Save")
    expect(section(page).locator("[data-ah-listed]")).to_have_text("Every public channel is synced.")
    expect(sync(page, "#random")).to_be_checked()
    expect(sync(page, "#board")).not_to_be_checked()
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-all")
    every.uncheck()
    expect(sync(page, "#random")).to_be_enabled()
    sync(page, "#random").uncheck()
    press(page, "Save")
    expect(section(page).locator("[data-ah-listed]")).to_have_text("2 channels synced.")


def test_of_thousands_a_hundred_are_drawn_and_what_is_ticked_survives_a_search(browsing, looking, place, team, vendors):
    crowd(vendors, team, THOUSANDS)
    page = browsing.open(place.site, place.person(), "slack")
    press(page, "List the channels")
    expect(rows(page)).to_have_count(100, timeout=30_000)
    expect(count(page)).to_contain_text(f"100 of {THOUSANDS + 4} channels are shown.")
    frames = browsing.frames[page]
    assert sum("team-04999" in frame for frame in frames) == 0
    search = section(page).get_by_role("searchbox", name="Search channels of Slack")
    search.fill("team-0499")
    expect(rows(page)).to_have_count(10)
    sync(page, "#team-04999").check()
    default(page, "#team-04998").check()
    search.fill("general")
    expect(rows(page)).to_have_count(1)
    sync(page, "#general").check()
    search.fill("TEAM-0499")
    expect(rows(page)).to_have_count(10)
    expect(sync(page, "#team-04999")).to_be_checked()
    expect(default(page, "#team-04998")).to_be_checked()
    expect(section(page).locator("[data-ah-unsaved]")).to_have_text("3 changes are not saved.")
    press(page, "Save")
    expect(section(page).locator("[data-ah-listed]")).to_have_text(
        "2 channels synced. #team-04998 is the default destination."
    )
    search.fill("")
    expect(rows(page)).to_have_count(100)
    expect(rows(page).first.locator(".ah-channel-name")).to_have_text("#general")  # what is chosen comes first
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-thousands")
    search.fill("nothing of the kind")
    expect(section(page).locator("[data-none]")).to_have_text("No channel has this in its name.")


def test_what_was_renamed_or_has_vanished_is_marked_and_stays_chosen(listed, looking, vendors, team):
    page = listed
    sync(page, "#general").check()
    sync(page, "#random").check()
    press(page, "Save")
    expect(section(page).locator("[data-ah-listed]")).to_have_text("2 channels synced.")
    change(vendors, team, "general", name="everyone")
    change(vendors, team, "random", is_archived=True)
    press(page, "Refresh")
    expect(row(page, "#everyone").locator("[data-mark=renamed]")).to_have_text("was #general")
    expect(row(page, "#random").locator("[data-mark=missing]")).to_contain_text("Not listed any more")
    expect(sync(page, "#random")).to_be_checked()
    expect(default(page, "#random")).to_have_count(0)
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-marked")


def test_a_busy_or_silent_vendor_is_told_and_the_list_stays(listed, looking, vendors):
    page = listed
    vendors.slack.dial.set(Fault.BUSY_SECONDS)
    press(page, "Refresh")
    wait = section(page).locator("[data-wait]")
    expect(wait).to_contain_text(re.compile(r"Slack asks to wait until \d{1,2}:\d{2}"))
    expect(rows(page)).to_have_count(4)
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-wait")


def test_a_vendor_that_does_not_answer_is_told(listed, looking, vendors):
    page = listed
    vendors.slack.dial.set(Fault.UNAVAILABLE)
    press(page, "Refresh")
    expect(section(page).get_by_role("alert")).not_to_be_empty()
    expect(rows(page)).to_have_count(4)
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-failed")


def test_private_channels_that_may_not_be_listed_are_said_to_be_missing(browsing, place, vendors):
    with_slack(place, vendors, scopes=frozenset({"chat:write", "channels:read"}))
    page = browsing.open(place.site, place.person(), "slack")
    press(page, "List the channels")
    expect(section(page).locator("[data-note]")).to_contain_text("Private channels are left out")
    expect(section(page)).to_contain_text("A fuller list needs: groups:read")


def test_a_busy_list_says_so_and_is_asked_for_once(browsing, place, team, vendors):
    page = browsing.open(place.site, place.person(), "slack")
    vendors.slack.gate.clear()
    press(page, "List the channels")
    expect(section(page).get_by_role("button", name="Listing…")).to_have_attribute("aria-disabled", "true")
    vendors.calm()
    expect(rows(page)).to_have_count(4)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_channels_are_chosen_by_keyboard_alone(browsing, place, team, width):
    page = browsing.open(place.site, place.person(), "slack", width=width)
    tab_to(page, section(page).get_by_role("button", name="List the channels"))
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(4)
    tab_to(page, section(page).get_by_role("radio", name="No default destination"))
    page.keyboard.press("ArrowDown")
    tab_to(page, sync(page, "#general"))
    page.keyboard.press("Space")
    tab_to(page, section(page).get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    expect(section(page).locator("[data-ah-listed]")).to_contain_text("is the default destination.")
    expect(section(page).get_by_role("button", name="Save")).to_be_focused()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_a_member_sees_the_list_without_controls(listed, browsing, place, looking):
    sync(listed, "#general").check()
    default(listed, "#random").check()
    press(listed, "Save")
    expect(section(listed).locator("[data-ah-listed]")).to_contain_text("1 channel synced.")
    page = browsing.open(place.site, place.person(Role.MEMBER), "slack")
    expect(rows(page)).to_have_count(4)
    expect(section(page).get_by_role("checkbox")).to_have_count(0)
    expect(section(page).get_by_role("radio")).to_have_count(0)
    expect(section(page).locator("button:not([data-ah-copy])")).to_have_count(0)
    expect(row(page, "#general")).to_contain_text("✓ synced")
    expect(row(page, "#random")).to_contain_text("✓ default destination")
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-member")


def test_a_choice_made_elsewhere_shows_in_the_open_drawer_and_takes_no_tick_away(listed, browsing, place):
    sync(listed, "#board").check()
    other = browsing.open(place.site, place.person(), "slack")
    sync(other, "#general").check()
    default(other, "#random").check()
    press(other, "Save")
    expect(sync(listed, "#general")).to_be_checked()
    expect(default(listed, "#random")).to_be_checked()
    expect(sync(listed, "#board")).to_be_checked()
    press(listed, "Save")
    expect(section(listed).locator("[data-ah-listed]")).to_have_text("2 channels synced.")


@pytest.mark.parametrize("slug", ["telegram", "teams", "whatsapp"])
def test_who_lists_no_channels_says_why(browsing, place, vendors, slug):
    with_connection(place, vendors, slug)
    page = browsing.open(place.site, place.person(), slug)
    expect(section(page).locator("[data-lists-not]")).to_contain_text(re.compile(r"\w{4,}.*\."))
    expect(section(page).get_by_role("button")).to_have_count(0)


def test_another_vendor_lists_its_own_without_an_invitation_by_command(browsing, place, vendors):
    with_connection(place, vendors, "gchat")
    page = browsing.open(place.site, place.person(), "gchat")
    press(page, "List the channels")
    expect(rows(page).first).to_be_visible()
    expect(section(page).locator("[data-mark=invite] code")).to_have_count(0)


def test_a_server_without_channels_says_so(browsing, looking, place, vendors):
    with_connection(place, vendors, "discord")
    page = browsing.open(place.site, place.person(), "discord")
    press(page, "List the channels")
    expect(section(page).locator("[data-none]")).to_contain_text("Discord lists no channel here.")
    section(page).scroll_into_view_if_needed()
    looking.at(page, "channels-none")
