"""The page renders whatever is wrong behind it, and says what."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import card, drawer, loaded, open_drawer, shows, submit
from tests.e2e.ground import Inside, served, settings_in
from tests.e2e.people import found as found_place
from tests.e2e.states import check_now, sealed_under_a_lost_key, with_slack, with_telegram, word
from tests.standins.dial import Fault

pytestmark = pytest.mark.e2e


def test_the_page_renders_while_every_vendor_hangs(browsing, place, vendors):
    with_slack(place, vendors)
    with_telegram(place, vendors)
    for vendor in (vendors.slack, vendors.telegram, vendors.sendgrid):
        vendor.gate.clear()
    asked = len(vendors.slack.calls) + len(vendors.telegram.calls)
    page = browsing.open(place.site, place.person())
    shows(page, "slack", "connected")
    open_drawer(page, "telegram", "Details")
    vendors.calm()
    assert len(vendors.slack.calls) + len(vendors.telegram.calls) == asked


def test_a_connection_that_cannot_be_opened_is_locked_and_the_others_are_not(browsing, place, vendors, inside):
    with_slack(place, vendors)
    sealed_under_a_lost_key(inside, place)
    token = with_telegram(place, vendors)
    page = browsing.open(place.site, place.person())
    word(page, "slack", "Locked")
    word(page, "telegram", "Connected")
    expect(page.locator("[data-needs=slack]")).to_contain_text("Locked")
    open_drawer(page, "slack", "Details")
    expect(drawer(page).locator(".ah-reason").first).to_contain_text("v9")
    assert token not in page.content()


def test_a_refused_token_needs_the_admin_and_a_silent_vendor_does_not(browsing, place, vendors):
    team = with_slack(place, vendors)
    with_telegram(place, vendors)
    page = browsing.open(place.site, place.person(), "telegram")
    vendors.telegram.dial.set(Fault.UNAVAILABLE)
    check_now(page, times=3)
    word(page, "telegram", "No answer")
    vendors.calm()
    page.keyboard.press("Escape")
    vendors.slack.tokens[team.token].state = "revoked"
    open_drawer(page, "slack", "Details")
    check_now(page)
    word(page, "slack", "Reconnect needed")
    expect(drawer(page)).to_contain_text("Slack rejected the token: it was revoked")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Needs you · 1")).to_be_visible()
    page.locator("[data-needs=slack]").get_by_role("link").click()
    vendors.slack.tokens[team.token].state = "active"
    the_form = drawer(page).get_by_role("form", name="Connect Slack")
    the_form.get_by_label("Bot User OAuth Token", exact=True).fill(team.token)
    submit(the_form)
    word(page, "slack", "Connected")
    expect(page.locator("[data-needs=slack]")).to_have_count(0)


def test_a_hub_whose_key_is_gone_shows_the_page_and_says_why(browsing, looking, fresh, folder: Path, all_vendors):
    assert fresh.link is not None  # the build that is served here
    env = settings_in(folder / "keyless", **all_vendors.env)
    del env["ATLAS_ENCRYPTION_KEYS"]
    with served(folder / "keyless", **env) as site, Inside(site.settings) as inside:
        place = found_place(site, inside)
        person = place.person()
        with_telegram(place, all_vendors)
        place.rest.close()
    (folder / "keyless" / "encryption.key").unlink()
    with served(folder / "keyless", **env) as site:
        page = browsing.open(site, person)
        expect(page.locator("[data-banner=locked]")).to_contain_text("The vault is locked.")
        word(page, "telegram", "Locked")
        looking.at(page, "vault-locked")
        open_drawer(page, "slack")
        expect(drawer(page).get_by_role("textbox")).to_have_count(0)
        looking.at(page, "vault-locked-drawer")
        page.close()


@pytest.mark.postgres
@pytest.mark.redis
def test_a_database_that_is_gone_for_a_moment_is_told_and_retried(
    browsing, looking, found, cluster, cluster_inside, postgres_server, postgres_database, vendors
):
    place = found(cluster, cluster_inside)
    with_telegram(place, vendors)
    page = browsing.open(cluster, place.person())
    name = postgres_database.rpartition("/")[2]
    with psycopg.connect(postgres_server, autocommit=True) as server:
        try:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            page.reload()
            banner = page.locator("[data-banner=trouble]")
            expect(banner).to_contain_text("Retry in a moment", timeout=20_000)
            looking.at(page, "database-gone")
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    banner.get_by_role("button", name="Retry").click()
    loaded(page)
    shows(page, "telegram", "connected")
    expect(banner).to_have_count(0)
    expect(card(page, "telegram")).to_contain_text("accepted")
