"""The Activity page in a real browser: filters in the address, pages, files, and who may read it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from atlas_hub.hub import Hub
from atlas_hub.services.access import Role
from atlas_hub.storage import audit
from tests.e2e.browsing import NARROW, Browsing, loaded
from tests.e2e.looking import WIDEST, Looking
from tests.e2e.people import Place

pytestmark = pytest.mark.e2e


def noted(place: Place, times: int = 1, **more: Any) -> None:
    async def note(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            head = await audit.head_of(tx, place.id)
            for _ in range(times):
                told = {"kind": "checked", "actor": "ana@example.com", "at": hub.now(), "provider": "slack"} | more
                await audit.append(tx, head, **told)

    place.inside.do(note)


def opened(browsing: Browsing, place: Place, query: str = "", *, role: Role = Role.OWNER, **more: Any) -> Page:
    page = browsing.tab(browsing.context(place.site, place.person(role), **more))
    page.goto(f"{place.site.page}/activity{query}")
    loaded(page)
    return page


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="What happened, newest first").locator("tbody").get_by_role("row")


def filters(page: Page) -> Locator:
    return page.get_by_role("search", name="Filter the activity")


def show(page: Page) -> None:
    filters(page).get_by_role("button", name="Show", exact=True).click()


def test_the_navigation_leads_there_and_back_and_says_where_one_is(browsing: Browsing, place: Place, vendors):
    page = browsing.open(place.site, place.person())
    main = page.get_by_role("navigation", name="Main")
    expect(main.locator("[aria-current=page]")).to_have_text("Integrations")
    main.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Activity", level=1)).to_be_visible()
    expect(main.locator("[aria-current=page]")).to_have_text("Activity")
    expect(page).to_have_url(f"{place.site.page}/activity")
    expect(rows(page).filter(has_text="Added a new user")).to_be_visible()
    main.get_by_role("link", name="Integrations").click()
    expect(page.get_by_role("heading", name="Integrations", level=1)).to_be_visible()
    expect(main.locator("[aria-current=page]")).to_have_text("Integrations")
    expect(page.locator("[data-banner=unknown]")).to_have_count(0)
    page.goto(f"{place.site.page}/slack")
    expect(main.locator("[aria-current=page]")).to_have_text("Integrations")


def test_filters_narrow_live_in_the_address_and_are_taken_back(browsing: Browsing, place: Place, vendors):
    noted(place, 3)
    noted(place, kind="disconnected", provider="telegram", actor="bo@example.com", detail={"label": "Alerts <b>"})
    noted(place, kind="checked", result="failed", detail={"code": "AUTH_EXPIRED"})
    page = opened(browsing, place)
    every = rows(page).count()
    filters(page).get_by_label("What").select_option("Disconnected")
    show(page)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(re.compile("bo@example.com.*Disconnected.*Telegram Alerts <b>", re.DOTALL))
    expect(page).to_have_url(f"{place.site.page}/activity?kind=disconnected")
    page.reload()
    loaded(page)
    expect(rows(page)).to_have_count(1)
    expect(filters(page).get_by_label("What")).to_have_value("disconnected")
    filters(page).get_by_label("What").select_option("Everything")
    filters(page).get_by_label("Person").fill("ANA@")
    filters(page).get_by_label("Result").select_option("Failed")
    filters(page).get_by_label("Provider").select_option("Slack")
    show(page)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("reason: auth expired")
    assert urlsplit(page.url).query == "provider=slack&actor=ANA%40&result=failed"
    page.go_back()
    expect(rows(page)).to_contain_text("Disconnected")
    expect(filters(page).get_by_label("Person")).to_have_value("")
    filters(page).get_by_role("link", name="Show everything").click()
    expect(rows(page)).to_have_count(every)
    filters(page).get_by_label("Person").fill("nobody at all")
    page.keyboard.press("Enter")
    expect(page.locator("[data-nothing]")).to_be_visible()


def test_older_and_newer_lead_through_all_of_it(browsing: Browsing, place: Place, vendors):
    noted(place, 60)
    page = opened(browsing, place, "?kind=checked")
    paging = page.get_by_role("navigation", name="Pages of the activity")
    expect(rows(page)).to_have_count(50)
    expect(paging.get_by_role("link", name="Newer")).to_have_count(0)
    paging.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_text("10 events.")).to_have_role("status")
    assert page.evaluate("scrollY") == 0
    expect(page).to_have_url(re.compile(r"kind=checked&before=\d+$"))
    expect(paging.get_by_role("link", name="Older")).to_have_count(0)
    paging.get_by_role("link", name="Newer").click()
    expect(rows(page)).to_have_count(50)
    expect(paging.get_by_role("link", name="Newer")).to_have_count(0)


def test_the_files_have_what_the_filters_choose(browsing: Browsing, place: Place, vendors):
    noted(place, 55)
    noted(place, actor="=1+1", kind="renamed")
    page = opened(browsing, place, "?kind=checked")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export as CSV").click()
    assert re.fullmatch(r"activity-\d{4}-\d\d-\d\d\.csv", waiting.value.suggested_filename)
    found = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    assert len(found) == 55
    assert {row["kind"] for row in found} == {"checked"}
    page.goto(f"{place.site.page}/activity?kind=renamed")
    loaded(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export as JSON lines").click()
    (line,) = waiting.value.path().read_text().splitlines()
    assert json.loads(line)["actor"] == "=1+1"


def test_a_member_is_told_who_may_read_it(browsing: Browsing, place: Place, vendors):
    noted(place, detail={"label": "Nobody shall read this"})
    page = opened(browsing, place, role=Role.MEMBER)
    expect(page.locator("[data-refused]")).to_contain_text("Only owners and admins")
    expect(page.get_by_role("table")).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("Export"))).to_have_count(0)
    assert not [frame for frame in browsing.frames[page] if "Nobody shall read this" in frame]


def test_it_looks_right_wide_and_narrow_light_and_dark(browsing: Browsing, place: Place, vendors, looking: Looking):
    noted(place, 3, detail={"label": "A rather long name of a workspace at a vendor", "code": "PLATFORM_ERROR"})
    noted(place, result="failed", actor="a-very-long-address-of-somebody-with-a-long-name@subdomain.example.com")
    page = opened(browsing, place)
    expect(rows(page).first).to_be_visible()
    looking.at(page, "activity")
    looking.at(opened(browsing, place, "?actor=nobody"), "activity-nothing")
    looking.at(opened(browsing, place, role=Role.MEMBER), "activity-member")
    narrow = opened(browsing, place, width=NARROW)
    expect(rows(narrow).first).to_be_visible()
    assert narrow.evaluate(WIDEST) <= NARROW
