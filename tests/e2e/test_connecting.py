"""Each way to connect, from the card to the disconnect dialog and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from atlas_hub.providers import PROVIDERS
from tests.e2e.browsing import (
    NAMES,
    Browsing,
    card,
    drawer,
    fill,
    form,
    open_drawer,
    said,
    shows,
    submit,
)
from tests.e2e.people import Place
from tests.e2e.vendors import Vendors

pytestmark = pytest.mark.e2e

WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => document.querySelectorAll('dialog[open] form .ah-ladder li').forEach((rung) => {
    const told = rung.dataset.ok + ' ' + rung.textContent;
    if (!window.seen.includes(told)) window.seen.push(told);
  })).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
}"""
"""Keeps every rung that the ladder has shown: a fast vendor's are gone before anyone could look."""


@dataclass(frozen=True)
class Way:
    """One way to connect: what is typed, who the vendor says it is, where a test message goes."""

    slug: str
    typed: dict[str, str]
    account: str
    to: str
    details: tuple[str, ...]
    method: str = ""


def way_of(name: str, vendors: Vendors) -> Way:
    """A way with an account of the test's own."""
    if name == "slack":
        team = vendors.team()
        return Way("slack", {"Bot User OAuth Token": team.token}, team.name, team.channel, (team.id, "@atlas"))
    if name == "telegram":
        bot = vendors.bot()
        return Way("telegram", {"Bot Token": bot.token}, bot.name, "4242", (bot.name, str(bot.id)))
    if name == "smtp":
        return Way("email", vendors.smtp, "atlas@acme.example", "grace@example.com", (), "SMTP")
    return Way("email", vendors.sendgrid_form, "alerts@acme.example", "grace@example.com", (), "SendGrid")


@pytest.fixture(params=["slack", "telegram", "smtp", "sendgrid"])
def way(request, vendors) -> Way:
    return way_of(request.param, vendors)


def connected(browsing: Browsing, place: Place, way: Way) -> Page:
    page = browsing.open(place.site, place.person(), way.slug)
    submit(fill(page, way.slug, way.typed, way.method))
    shows(page, way.slug, "connected")
    expect(said(page)).to_contain_text(way.account)
    return page


def test_connecting_shows_the_check_as_it_climbs_and_who_it_is(browsing, place, way):
    page = browsing.open(place.site, place.person())
    expect(card(page, way.slug)).to_contain_text("Not connected")
    open_drawer(page, way.slug)
    assert page.url == f"{place.site.page}/{way.slug}"
    page.evaluate(WATCH)
    submit(fill(page, way.slug, way.typed, way.method))
    expect(said(page)).to_contain_text(way.account)
    seen = page.evaluate("window.seen")
    assert [rung for rung in seen if rung.startswith("running")], seen
    assert len([rung for rung in seen if rung.startswith("yes")]) >= 2, seen
    for detail in way.details:
        expect(drawer(page).locator(".ah-table")).to_contain_text(detail)
    known = drawer(page).locator(".ah-known li[data-truth=authenticated]")
    expect(known).to_have_attribute("data-ok", "yes")
    expect(card(page, way.slug)).to_contain_text(way.account)
    for secret in (text for label, text in way.typed.items() if label not in {"Sender Address", "Username", "Host"}):
        if len(secret) > 8:
            assert secret not in page.content()
            assert not [frame for frame in browsing.frames[page] if secret in frame]
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    assert page.url == place.site.page
    page.reload()
    shows(page, way.slug, "connected")
    expect(card(page, way.slug)).to_contain_text(way.account)
    expect(page.locator(".ah-counter")).to_have_text(f"1 of {len(PROVIDERS)} connected")


@pytest.mark.parametrize("name", ["slack", "telegram", "sendgrid"])
def test_the_ladder_stands_where_the_vendor_keeps_us_waiting(browsing, place, vendors, name):
    way = way_of(name, vendors)
    page = browsing.open(place.site, place.person(), way.slug)
    vendor: Any = getattr(vendors, name)
    vendor.gate.clear()
    the_form = fill(page, way.slug, way.typed, way.method)
    submit(the_form)
    rungs = the_form.locator(".ah-ladder li")
    expect(rungs.first).to_have_attribute("data-ok", "yes")
    expect(rungs.last).to_have_attribute("data-ok", "running")
    expect(the_form.get_by_role("button", name="Checking…")).to_have_attribute("aria-disabled", "true")
    before = len(vendor.calls)
    the_form.get_by_role("button", name="Checking…").click(force=True)  # a second press does nothing
    vendor.gate.set()
    expect(said(page)).to_contain_text(way.account)
    assert len({call.path for call in vendor.calls[before:]}) == len(vendor.calls) - before


def test_a_test_message_arrives_and_its_receipt_is_shown(browsing, place, vendors, way):
    page = connected(browsing, place, way)
    send = drawer(page).get_by_role("form", name=f"Send a test message by {NAMES[way.slug]}")
    send.get_by_role("button", name="Send test").click()
    field = send.get_by_role("textbox")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    before = len(vendors.mailbox.messages)
    field.fill(way.to)
    submit(send, "Send test")
    expect(send.locator("[data-tested=yes]")).to_contain_text("Sent")
    receipt = send.locator("[data-tested=yes]").inner_text()
    if way.method == "SMTP":
        (mail,) = vendors.mailbox.messages[before:]
        assert (mail.sender, mail.recipients, mail.user) == ("atlas@acme.example", ("grace@example.com",), "atlas")
        assert b"This is a test message" in mail.content
        assert "queued as FAKE" in receipt
    else:
        name = {"slack": "slack", "telegram": "telegram", "email": "sendgrid"}[way.slug]
        message = getattr(vendors, name).messages[-1]
        assert "This is a test message" in str(message)
        assert any(str(message[key]) in receipt for key in ("ts", "message_id", "id") if key in message), receipt
    delivered = drawer(page).locator(".ah-known li[data-truth=delivered]")
    expect(delivered).to_have_attribute("data-ok", "yes")


def test_check_now_asks_the_vendor_again(browsing, place, vendors, way):
    page = connected(browsing, place, way)
    vendor: Any = {"slack": vendors.slack, "telegram": vendors.telegram, "email": vendors.sendgrid}[way.slug]
    asked = vendors.mailbox.calls if way.method == "SMTP" else vendor.calls
    before = len(asked)
    drawer(page).get_by_role("button", name="Check now").click()
    expect(said(page)).to_contain_text("Checked:")
    assert len(asked) > before


def test_a_connection_is_renamed(browsing, place, way):
    page = connected(browsing, place, way)
    drawer(page).get_by_text("Rename…").click()
    rename = drawer(page).get_by_role("form", name="Rename the")
    rename.get_by_label("Name").fill("")
    submit(rename, "Rename")
    expect(rename.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    rename.get_by_label("Name").fill("The one for alerts")
    submit(rename, "Rename")
    expect(said(page)).to_have_text("It is called The one for alerts now.")
    page.reload()
    expect(card(page, way.slug)).to_contain_text("The one for alerts")


def test_disconnecting_asks_first_and_the_card_offers_to_connect_again(browsing, place, way):
    page = connected(browsing, place, way)
    opener = drawer(page).get_by_role("button", name="Disconnect…")
    dialog = page.get_by_role("alertdialog")
    opener.click()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    opener.click()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(drawer(page)).to_be_visible()
    shows(page, way.slug, "connected")
    opener.click()
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, way.slug, "form")
    expect(form(page, way.slug, way.method)).to_be_visible()
    page.keyboard.press("Escape")
    expect(card(page, way.slug).get_by_role("link", name="Connect")).to_be_visible()
    submit(fill_again(page, way))
    shows(page, way.slug, "connected")


def fill_again(page: Page, way: Way):
    open_drawer(page, way.slug)
    return fill(page, way.slug, way.typed, way.method)
