"""What takes alerts or comes to scrape: its cards, tests, the end of services, and a newer key that waits."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text

from atlas_hub.hub import Hub
from tests.e2e.browsing import NAMES, card, drawer, fill, form, labelled, loaded, said, shows, submit
from tests.e2e.people import API, Place, Role
from tests.e2e.states import configured, with_connection, with_slack, word
from tests.standins.dial import Fault

pytestmark = pytest.mark.e2e

WEBHOOK = "Microsoft Teams incoming webhook"


def part(page: Page, key: str) -> Locator:
    """Another part's section on its provider's card."""
    return page.locator(f"[data-part={key}]")


def alert(page: Page, name: str) -> Locator:
    """The form that sends a test alert."""
    return drawer(page).get_by_role("form", name=f"Send a test alert to {name}")


def write(place: Place, statement: str, **told: Any) -> None:
    """Write what no act of the page writes."""

    async def written(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            await tx.execute(text(statement), {"here": place.id, **told})

    place.inside.do(written)


def test_the_groups_of_the_page_have_the_new_cards(browsing, place, looking):
    page = browsing.open(place.site, place.person())
    alerting = page.get_by_role("region", name="Alerting & monitoring")
    names = alerting.locator("[data-card]").evaluate_all("all => all.map((each) => each.dataset.card)")
    assert set(names) == {
        "datadog", "flowdock", "new_relic", "opsgenie", "pagerduty", "prometheus", "victorops",
    }  # fmt: skip
    hooks = page.get_by_role("region", name="Webhooks")
    assert set(hooks.locator("[data-card]").evaluate_all("all => all.map((each) => each.dataset.card)")) == {
        "webhook", "webhooks",
    }  # fmt: skip
    expect(card(page, "webhooks").get_by_role("heading")).to_have_text("Scheduled webhooks")
    expect(card(page, "webhook").get_by_role("heading")).to_have_text("Webhook")
    expect(card(page, "flowdock")).to_contain_text("Service closed")
    expect(card(page, "flowdock").get_by_role("link")).to_have_count(0)
    expect(card(page, "opsgenie")).to_contain_text("The last day of Opsgenie is 5 April 2027. Move to Jira Service")
    looking.at(page, "alerting")


def test_an_address_of_teams_stands_on_the_teams_card_and_lives_by_itself(browsing, looking, place, vendors):
    page = browsing.open(place.site, place.person())
    section = part(page, "teams_alerts")
    expect(section).to_contain_text("Incoming webhook")
    section.get_by_role("link", name=f"Set up {WEBHOOK}").click()
    expect(drawer(page).get_by_role("heading", name=WEBHOOK, level=2)).to_be_visible()
    assert page.url.endswith("/teams_alerts")
    given = vendors.given("teams", "webhook")
    submit(fill(page, "teams_alerts", given.typed))
    expect(section).to_have_attribute("data-mode", "connected")
    expect(said(page)).to_contain_text("Stored as ")
    looking.at(page, "teams-webhook")
    expect(drawer(page).get_by_role("heading", name="Not proven yet")).to_be_visible()
    expect(page.locator("[data-needs]")).to_have_count(0)
    shows(page, "teams", "form")  # the bot is not connected
    word(page, "teams", "Not proven yet")
    submit(alert(page, WEBHOOK), "Send test alert")
    expect(alert(page, WEBHOOK).locator("[data-tested=yes]")).to_be_visible()
    word(page, "teams", "Works with limits")  # it is of no host of Microsoft's
    page.keyboard.press("Escape")
    expect(section.get_by_role("link", name=f"Details {WEBHOOK}")).to_be_focused()
    url = str(next(iter(given.values.values())))
    assert url not in page.content()
    assert not [frame for frame in browsing.frames[page] if url in frame]
    looking.at(page, "teams-parts")


def test_the_badge_of_a_card_is_the_worse_of_its_parts(browsing, looking, place, vendors):
    with_connection(place, vendors, "teams")
    with_connection(place, vendors, "teams", "webhook")
    page = browsing.open(place.site, place.person())
    word(page, "teams", "Not proven yet")
    expect(card(page, "teams")).to_have_attribute("data-state", "ok")
    write(place, "UPDATE atlas_hub_connection SET state = 'reconnect' WHERE workspace = :here AND purpose = 'alerts'")
    page.reload()
    loaded(page)
    word(page, "teams", "Reconnect needed")
    expect(card(page, "teams")).to_have_attribute("data-tone", "broken")
    needs = page.locator("[data-needs]")
    expect(needs).to_have_count(1)
    expect(needs).to_contain_text(WEBHOOK)
    looking.at(page, "teams-worse")
    needs.get_by_role("link").click()
    expect(drawer(page).get_by_role("heading", name=WEBHOOK, level=2)).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("search").get_by_label("Show").select_option("Needs you")
    expect(card(page, "teams")).to_be_visible()
    place.rest.delete(f"{API}/teams").raise_for_status()
    shows(page, "teams", "form")
    word(page, "teams", "Reconnect needed")
    page.get_by_role("search").get_by_label("Show").select_option("Connected")
    expect(card(page, "teams")).to_be_visible()
    expect(page.locator(".ah-counter")).to_contain_text("1 of ")


@pytest.mark.parametrize("slug", ["datadog", "pagerduty", "opsgenie", "new_relic", "victorops", "webhook"])
def test_a_test_alert_says_what_will_be_sent_and_what_came_of_it(browsing, looking, place, vendors, slug):
    given = with_connection(place, vendors, slug)
    page = browsing.open(place.site, place.person(), slug)
    sends = alert(page, NAMES[given.key])
    expect(sends.get_by_role("textbox")).to_have_count(0)
    sends.get_by_text("What will be sent").click()
    expect(sends.locator("blockquote")).to_contain_text("TEST: ")
    vendor = vendors.of(slug)
    before = len(vendor.messages)
    submit(sends, "Send test alert")
    expect(sends.locator("[data-tested=yes]")).to_contain_text("✓ Sent.")
    assert len(vendor.messages) == before + 1
    # PagerDuty takes alerts by keys that nobody has, too.
    expect(card(page, slug)).to_contain_text("not known to have arrived" if slug == "pagerduty" else "✓ delivered")
    sends.scroll_into_view_if_needed()
    if slug == "opsgenie":
        region = drawer(page).get_by_role("row", name="Region")
        expect(region).to_contain_text("US")
        expect(region.get_by_role("button")).to_have_count(0)  # two letters are typed
    looking.at(page, f"alert-{slug}")
    vendor.dial.set(Fault.UNAVAILABLE)
    submit(sends, "Send test alert")
    expect(sends.locator("[data-tested=no]")).to_contain_text("✕ Not sent.")


def test_a_region_is_chosen_from_a_list(browsing, place, vendors):
    page = browsing.open(place.site, place.person(), "datadog")
    region = form(page, "datadog").get_by_role("combobox", name="Site")
    expect(region.locator("option")).to_have_text(["US", "US3", "US5", "EU", "AP1", "AP2", "US1_FED"])
    expect(region).to_have_value("US")
    region.select_option("EU")
    labelled(form(page, "datadog"), "API Key").fill(vendors.datadog_key())
    submit(form(page, "datadog"))
    shows(page, "datadog", "connected")
    drawer(page).get_by_role("button", name="Replace the key…").click()
    expect(form(page, "datadog").get_by_role("combobox", name="Site")).to_have_value("EU")


def test_a_prometheus_gets_a_password_and_its_configuration(browsing, looking, place, vendors):
    page = browsing.open(place.site, place.person(), "prometheus")
    the_form = form(page, "prometheus")
    expect(labelled(the_form, "User name")).to_have_value(f"prom_user_{place.id}")
    expect(the_form.get_by_role("combobox", name="Scheme")).to_have_value(place.site.base.partition(":")[0])
    password = labelled(the_form, "Password")
    copies = the_form.get_by_role("button", name="Copy what was generated")
    expect(copies).to_have_count(0)
    the_form.get_by_role("button", name="Generate", exact=True).click()
    expect(copies).to_be_focused()
    made = password.input_value()
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", made)
    expect(password).to_have_js_property("type", "text")
    looking.at(page, "prometheus-generated")
    the_form.get_by_role("button", name="Generate", exact=True).click()
    again = password.input_value()
    assert again != made
    assert made not in page.content()
    submit(the_form)
    shows(page, "prometheus", "connected")
    assert again not in page.content()
    assert not [frame for frame in browsing.frames[page] if again in frame]
    expect(drawer(page).locator("[data-seen]")).to_have_text("Prometheus was not seen yet.")
    configuration = drawer(page).get_by_role("region", name="Scrape configuration")
    expect(configuration).to_contain_text(f"prom_user_{place.id}")
    expect(configuration).to_contain_text("<the password>")
    expect(drawer(page).locator("[data-untestable]")).to_contain_text("it comes and asks")
    expect(drawer(page).get_by_role("button", name="Send test alert")).to_have_count(0)
    expect(card(page, "prometheus")).to_contain_text("not seen yet")
    looking.at(page, "prometheus")


def test_what_an_api_stored_of_a_closed_service_is_shown_and_let_go(browsing, looking, place, vendors):
    with_connection(place, vendors, "flowdock")
    page = browsing.open(place.site, place.person(), "flowdock")
    word(page, "flowdock", "Service closed")
    expect(drawer(page).get_by_role("heading", name="Service closed")).to_be_visible()
    expect(drawer(page).locator("[data-untestable]")).to_contain_text("Flowdock was closed")
    expect(drawer(page).locator("form.ah-form")).to_have_count(0)
    for name in ("Replace the key…", "Check now", "Send test alert"):
        expect(drawer(page).get_by_role("button", name=name)).to_have_count(0)
    expect(page.locator("[data-needs]")).to_have_count(0)
    looking.at(page, "closed-stored")
    drawer(page).get_by_role("button", name="Disconnect…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, "flowdock", "closed")
    looking.at(page, "closed")


def test_a_member_sees_what_takes_alerts_and_no_buttons(browsing, looking, place, vendors):
    with_connection(place, vendors, "webhook")
    page = browsing.open(place.site, place.person(Role.MEMBER), "webhook")
    expect(drawer(page).get_by_role("button", name="Send test alert")).to_have_count(0)
    expect(drawer(page).get_by_role("heading", name="Not proven yet")).to_be_visible()
    looking.at(page, "alerting-member")


def test_a_newer_token_of_another_account_is_asked_about_and_used(browsing, looking, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person())
    configured(place, "PUT", "SLACK", {"apiToken": vendors.team("Beta Inc").token})
    asks = card(page, "slack").locator("[data-newer=asks]")
    expect(asks).to_be_visible()
    expect(card(page, "slack")).to_contain_text("Beta Inc")
    expect(page.locator("[data-needs=slack]")).to_be_visible()
    looking.at(page, "newer-card")
    asks.get_by_role("link").click()
    question = drawer(page).locator("[data-waits-for=account]")
    expect(question).to_contain_text("Beta Inc's, not Acme Corp's")
    looking.at(page, "newer-asked")
    question.get_by_role("button", name="Use Beta Inc").click()
    expect(said(page)).to_have_text("Beta Inc is used now.")
    expect(drawer(page).locator("header .ah-account")).to_have_text("Beta Inc")
    expect(question).to_have_count(0)
    expect(page.locator("[data-needs]")).to_have_count(0)


def test_a_newer_token_is_forgotten(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    configured(place, "PUT", "SLACK", {"apiToken": vendors.team("Beta Inc").token})
    drawer(page).get_by_role("button", name="Forget the new token").click()
    expect(said(page)).to_contain_text("forgotten")
    expect(drawer(page).locator("[data-waits-for]")).to_have_count(0)
    expect(drawer(page).locator("header .ah-account")).to_have_text("Acme Corp")
    word(page, "slack", "Connected")


def test_a_newer_key_that_was_refused_is_told_and_forgotten(browsing, looking, place, vendors):
    with_connection(place, vendors, "datadog")
    page = browsing.open(place.site, place.person(), "datadog")
    word(page, "datadog", "Connected")
    configured(place, "PUT", "DATADOG", {"apiKey": "f" * 32})
    refused = drawer(page).locator("[data-waits-for=key]")
    expect(refused).to_contain_text("The new key was refused; the old one is still used.")
    looking.at(page, "newer-refused")
    refused.get_by_role("button", name="Forget the new key").click()
    expect(refused).to_have_count(0)
    word(page, "datadog", "Connected")


def test_a_member_is_told_of_a_newer_key_and_not_asked(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(Role.MEMBER), "slack")
    configured(place, "PUT", "SLACK", {"apiToken": vendors.team("Beta Inc").token})
    expect(drawer(page).locator("[data-waits-for]")).to_contain_text("Beta Inc")
    expect(drawer(page).locator("[data-waits-for] button")).to_have_count(0)
    expect(card(page, "slack").locator("[data-newer]")).to_have_count(0)
