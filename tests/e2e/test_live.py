"""A change shows in every open tab within a second: same browser, other person, REST, one worker or two."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Browsing, card, drawer, fill, loaded, open_drawer, shows, submit
from tests.e2e.ground import Inside, Site
from tests.e2e.people import API, Place, Role, sign_out_everywhere

pytestmark = pytest.mark.e2e

SECOND = 1.0
BUTTONS = ("Connect", "Check", "Send test", "Disconnect…", "Rename", "Make default", "Reconnect", "Replace",
           "Add another", "Adopt", "Connect your own", "Save anyway", "Cancel")  # fmt: skip
"""What begins the name of each button that changes something."""


@pytest.fixture(params=["one worker", pytest.param("two workers", marks=[pytest.mark.postgres, pytest.mark.redis])])
def ground(request: pytest.FixtureRequest) -> tuple[Site, Inside]:
    if request.param == "one worker":
        return request.getfixturevalue("site"), request.getfixturevalue("inside")
    return request.getfixturevalue("cluster"), request.getfixturevalue("cluster_inside")


@pytest.fixture
def here(found, ground) -> Place:
    """A workspace on this ground."""
    return found(*ground)


def workers_in_use(site: Site) -> int:
    """How many workers hold a browser's connection."""
    port = int(site.base.rpartition(":")[2])
    held = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].partition(":")[2], 16) == port and words[3] == "01":
            held.add(f"socket:[{words[9]}]")
    in_use = 0
    for worker in site.workers:
        files = (file for file in Path(f"/proc/{worker}/fd").iterdir() if file.is_symlink())
        in_use += bool(held & {str(file.readlink()) for file in files})
    return in_use


def pages_on_all_workers(browsing: Browsing, here: Place, first: Page) -> list[Page]:
    """More pages of the workspace, each in a browser of its own, until every worker has one to serve."""
    person, wanted = here.person(), len(here.site.workers)
    pages = [browsing.open(here.site, person)]
    while workers_in_use(here.site) < wanted:
        assert len(pages) < 12, "Every page was served by the same worker."
        pages.append(browsing.open(here.site, person))
    return [first, *pages]


def test_what_one_tab_does_the_others_show_within_a_second(browsing, here, vendors):
    owner = here.person()
    context = browsing.context(here.site, owner)
    first = browsing.load(browsing.tab(context), here.site)
    second = browsing.load(browsing.tab(context), here.site)
    pages = [second, *pages_on_all_workers(browsing, here, first)[1:]]
    bot = vendors.bot()
    open_drawer(first, "telegram")
    submit(fill(first, "telegram", {"Bot Token": bot.token}))
    for page in pages:
        shows(page, "telegram", "connected", seconds=SECOND)
        expect(card(page, "telegram")).to_contain_text(bot.name)
    drawer(first).get_by_role("button", name="Disconnect…").click()
    first.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    for page in pages:
        shows(page, "telegram", "form", seconds=SECOND)


def test_what_comes_by_rest_every_page_shows_within_a_second(browsing, here, vendors):
    pages = pages_on_all_workers(browsing, here, browsing.open(here.site, here.person()))
    team = vendors.team("Beta Inc")
    here.rest.post(f"{API}/slack/byot", json={"botToken": team.token}).raise_for_status()
    for page in pages:
        shows(page, "slack", "connected", seconds=SECOND)
        expect(card(page, "slack")).to_contain_text("Beta Inc")
    here.rest.delete(f"{API}/slack").raise_for_status()
    for page in pages:
        shows(page, "slack", "form", seconds=SECOND)


def test_a_member_follows_and_has_nothing_to_press(browsing, here, vendors):
    member = browsing.open(here.site, here.person(Role.MEMBER))
    bot = vendors.bot()
    here.rest.post(f"{API}/telegram", json={"botToken": bot.token}).raise_for_status()
    shows(member, "telegram", "connected", seconds=SECOND)
    open_drawer(member, "telegram", "Details")
    expect(drawer(member).locator(".ah-table")).to_contain_text(bot.name)
    for name in BUTTONS:
        expect(member.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
    expect(drawer(member).get_by_role("textbox")).to_have_count(0)
    member.keyboard.press("Escape")
    open_drawer(member, "slack", "Details")
    expect(drawer(member)).to_contain_text("An owner or admin of this workspace can connect Slack.")
    expect(drawer(member).get_by_role("textbox")).to_have_count(0)


def test_another_workspace_hears_nothing_of_it(browsing, here, found, vendors):
    elsewhere = found(here.site, here.inside, "Elsewhere")
    stranger = browsing.open(elsewhere.site, elsewhere.person())
    member = browsing.open(here.site, here.person(Role.MEMBER))
    heard = len(browsing.frames[stranger])
    team = vendors.team("Very Private Ltd")
    here.rest.post(f"{API}/slack/byot", json={"botToken": team.token}).raise_for_status()
    shows(member, "slack", "connected", seconds=SECOND)
    stranger.wait_for_timeout(500)
    shows(stranger, "slack", "form")
    assert any("Very Private" in frame for frame in browsing.frames[member])
    said = [frame for frame in browsing.frames[stranger][heard:] if frame not in {"2", "3"}]
    assert said == []


def test_who_was_signed_out_elsewhere_hears_nothing_more_and_is_sent_to_sign_in(browsing, here, vendors):
    owner = here.person()
    page = browsing.open(here.site, owner)
    open_drawer(page, "telegram")
    fill(page, "telegram", {"Bot Token": vendors.bot().token})
    sign_out_everywhere(here.inside, owner)
    heard = len(browsing.frames[page])
    here.rest.post(f"{API}/slack/byot", json={"botToken": vendors.team("Gone Ltd").token}).raise_for_status()
    page.wait_for_timeout(700)
    assert not [frame for frame in browsing.frames[page][heard:] if "Gone Ltd" in frame]
    submit(drawer(page).get_by_role("form", name="Connect Telegram"))
    page.wait_for_url(re.compile(r"/sign-in\?next=/admin/integrations/telegram$"))
    assert here.status()["telegram"]["connected"] is False


def two_workspaces(browsing: Browsing, here: Place, other: Place, slug: str = "") -> tuple[Page, Page]:
    """Two tabs of one who belongs to both: the first was loaded for `here`, the second has switched to `other`."""
    owner = here.person()
    other.join(owner)
    context = browsing.context(here.site, owner)
    first = browsing.load(browsing.tab(context), here.site, slug)
    second = browsing.load(browsing.tab(context), here.site)
    second.get_by_label("Workspace").select_option(other.name)
    with second.expect_navigation():
        second.get_by_role("button", name="Switch", exact=True).click()
    loaded(second)
    says_workspace(second, other.name)
    return first, second


def says_workspace(page: Page, name: str) -> None:
    expect(page.get_by_label("Workspace").locator("option:checked")).to_have_text(name)


def test_an_action_in_a_page_of_another_workspace_is_refused_and_the_page_loads_again(browsing, here, found, vendors):
    other = found(here.site, here.inside, "Beta Works")
    first, second = two_workspaces(browsing, here, other, "telegram")
    submit(fill(first, "telegram", {"Bot Token": vendors.bot().token}))
    says_workspace(first, "Beta Works")
    loaded(first)
    shows(first, "telegram", "form")
    assert here.status()["telegram"]["connected"] is False
    assert other.status()["telegram"]["connected"] is False
    submit(fill(first, "telegram", {"Bot Token": vendors.bot().token}))
    shows(second, "telegram", "connected")
    assert other.status()["telegram"]["connected"] is True
    assert here.status()["telegram"]["connected"] is False


def test_a_page_that_moves_on_after_a_switch_elsewhere_says_which_workspace_it_shows(browsing, here, found, vendors):
    other = found(here.site, here.inside, "Beta Works")
    other.rest.post(f"{API}/slack/byot", json={"botToken": vendors.team("Beta Team").token}).raise_for_status()
    first, _ = two_workspaces(browsing, here, other)
    says_workspace(first, here.name)
    open_drawer(first, "telegram")
    says_workspace(first, "Beta Works")
    expect(card(first, "slack")).to_contain_text("Beta Team")
