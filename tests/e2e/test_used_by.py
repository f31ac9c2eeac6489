"""Used by: what depends on a connection is named in its drawer, and before it is disconnected or gets a new key."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Schedule
from tests.e2e.browsing import drawer
from tests.e2e.people import Place
from tests.e2e.states import begin, with_slack

pytestmark = pytest.mark.e2e


def schedules(place: Place, *names: str) -> None:
    """Schedules that send through the default Slack."""

    async def write(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            tx.add_all([Schedule(workspace=place.id, name=name, channel="slack", cron="0 9 * * 1") for name in names])

    place.inside.do(write)


def names(within: Locator) -> list[str]:
    """What is named there."""
    return within.locator("[data-used-by]:visible li").all_inner_texts()


def test_what_uses_a_connection_is_named_wherever_it_may_stop(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    schedules(place, *[f"Report {number}" for number in range(10)])
    page = browsing.open(place.site, place.person(), "slack")
    expect(drawer(page).get_by_role("heading", name="Used by")).to_be_visible()
    named = [f"Report {number}" for number in range(8)]
    assert names(drawer(page)) == [*named, "and 2 more"]
    drawer(page).get_by_role("button", name="Disconnect…").last.click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("These use it, and stop until another connection serves them")
    assert names(dialog) == [*named, "and 2 more"]
    dialog.get_by_role("button", name="Cancel").click()
    begin(page, "Replace the key…")
    expect(drawer(page)).to_contain_text("These use it, and go on with the new key")


def test_where_nothing_uses_it_nothing_is_said(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    expect(drawer(page).get_by_role("button", name="Check now")).to_be_visible()
    expect(page.locator("[data-used-by]")).to_have_count(0)
    expect(drawer(page).get_by_role("heading", name="Used by")).to_have_count(0)
