"""More than one account of a vendor: both are named and kept or replaced as asked; a default can be chosen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import card, drawer, form, open_drawer, said, shows, submit
from tests.e2e.people import API
from tests.e2e.states import asked_which_account, with_slack, without_default, word

pytestmark = pytest.mark.e2e

QUESTION = "This is another account"


def test_another_account_is_asked_about_by_both_names_and_may_be_kept_beside(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    asked_which_account(page, vendors, "Beta Inc")
    question = drawer(page).get_by_role("group", name=QUESTION)
    expect(question).to_be_focused()
    expect(question).to_contain_text("You gave a key of Beta Inc, but Acme Corp is connected.")
    assert place.status()["slack"]["workspaceName"] == "Acme Corp"
    question.get_by_label("Keep both; Acme Corp stays the default").check()
    submit(form(page, "slack"))
    expect(said(page)).to_contain_text("Beta Inc")
    expect(drawer(page).get_by_text("Also stored")).to_be_visible()
    expect(card(page, "slack")).to_contain_text("Acme Corp")
    drawer(page).get_by_role("button", name=re.compile("^Make default ?: Beta Inc$")).click()
    expect(card(page, "slack")).to_contain_text("Beta Inc")
    assert place.status()["slack"]["workspaceName"] == "Beta Inc"


def test_another_account_may_take_the_place(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    asked_which_account(page, vendors, "Beta Inc")
    drawer(page).get_by_label("Replace Acme Corp by Beta Inc").check()
    submit(form(page, "slack"))
    expect(said(page)).to_contain_text("It replaces Acme Corp.")
    expect(card(page, "slack")).to_contain_text("Beta Inc")
    expect(drawer(page).get_by_text("Also stored")).to_have_count(0)


def test_a_question_that_is_not_answered_changes_nothing(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    other = asked_which_account(page, vendors)
    submit(form(page, "slack"))
    page.wait_for_timeout(300)
    assert place.status()["slack"]["workspaceName"] == "Acme Corp"
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    open_drawer(page, "slack", "Details")
    expect(drawer(page).get_by_role("group", name=QUESTION)).to_have_count(0)
    assert other.token not in page.content()


def test_a_card_without_a_default_offers_what_is_stored(browsing, place, vendors):
    without_default(place, vendors)
    page = browsing.open(place.site, place.person())
    shows(page, "slack", "no_default")
    expect(card(page, "slack")).to_contain_text("No default. 1 other Slack connection is stored.")
    card(page, "slack").get_by_role("button", name=re.compile("^Make default ?: Beta Inc$")).click()
    shows(page, "slack", "connected")
    expect(card(page, "slack")).to_contain_text("Beta Inc")


def test_disconnecting_the_default_may_name_its_heir(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    with_slack(place, vendors, "Beta Inc", mode="add")
    page = browsing.open(place.site, place.person(), "slack")
    drawer(page).get_by_role("button", name="Disconnect…", exact=True).click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_label("Beta Inc becomes the default").check()
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    expect(said(page)).to_contain_text("Beta Inc is the default now.")
    word(page, "slack", "Connected")
    place.rest.delete(f"{API}/slack").raise_for_status()
    shows(page, "slack", "form")
