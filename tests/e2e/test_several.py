"""Several connections of one platform side by side, and credentials replaced in part."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import col, select

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Connection
from tests.e2e.browsing import card, drawer, fill, form, labelled, said, shows, submit
from tests.e2e.people import Place
from tests.e2e.states import with_connection, with_slack
from tests.standins import slack_seed
from tests.standins.mailbox import PASSWORD

pytestmark = pytest.mark.e2e

TOKEN, SECRET = "Bot User OAuth Token", "Signing Secret"
KEEPS = "Leave empty to keep the present one"


def begin(page: Page, name: str, title: str) -> None:
    """Open the form that stays away until it is asked for."""
    drawer(page).get_by_role("button", name=name).click()
    expect(drawer(page).get_by_role("heading", name=title)).to_be_focused()


def other(page: Page, name: str) -> Locator:
    """The line of a connection that is stored beside the default."""
    return drawer(page).locator(".ah-other", has_text=name)


def default(page: Page) -> Locator:
    """What the drawer's head names."""
    return drawer(page).locator("header .ah-account")


def rows(place: Place) -> dict[str, Connection]:
    """What is stored, by account."""

    async def read(hub: Hub) -> dict[str, Any]:
        async with hub.db.reading() as tx:
            found = await tx.execute(select(Connection).where(col(Connection.workspace) == place.id))
            return {each.account_name: each for each in found.scalars()}

    return place.inside.do(read)


@pytest.fixture
def three(browsing, place, vendors) -> Page:
    """The drawer of a Slack with a default, Acme Corp, and two others."""
    with_slack(place, vendors, "Acme Corp")
    with_slack(place, vendors, "Beta Inc", mode="add")
    with_slack(place, vendors, "Gamma Ltd", mode="add")
    page = browsing.open(place.site, place.person(), "slack")
    expect(default(page)).to_have_text("Acme Corp")
    return page


def test_another_is_added_beside_the_default_and_the_same_one_is_refused(browsing, place, vendors):
    first = with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    begin(page, "Add another Slack…", "Add another Slack connection")
    expect(labelled(form(page, "slack"), TOKEN)).not_to_have_attribute("placeholder", KEEPS)
    submit(fill(page, "slack", {TOKEN: vendors.team("Beta Inc").token}))
    expect(said(page)).to_contain_text("this is Beta Inc")
    expect(default(page)).to_have_text("Acme Corp")
    expect(other(page, "Beta Inc")).to_contain_text("Connected")
    expect(drawer(page).get_by_role("form", name="Connect Slack")).to_have_count(0)

    begin(page, "Add another Slack…", "Add another Slack connection")
    submit(fill(page, "slack", {TOKEN: first.token}))
    expect(form(page, "slack").locator(".ah-error:not(:empty)")).to_contain_text("Acme Corp is connected already")
    drawer(page).get_by_role("button", name="Cancel", exact=True).first.click()
    expect(drawer(page).get_by_role("form", name="Connect Slack")).to_have_count(0)
    expect(drawer(page).locator(".ah-other")).to_have_count(1)
    stored = rows(place)
    assert {name: row.primary_scope is not None for name, row in stored.items()} == {
        "Acme Corp": True,
        "Beta Inc": False,
    }


def test_one_of_the_others_becomes_the_default(three, place):
    other(three, "Beta Inc").get_by_role("button", name="Make default").click()
    expect(default(three)).to_have_text("Beta Inc")
    expect(said(three)).to_have_text("Beta Inc is the default now.")
    expect(card(three, "slack")).to_contain_text("Beta Inc")
    expect(other(three, "Acme Corp")).to_be_visible()
    expect(drawer(three).locator(".ah-other")).to_have_count(2)
    assert [name for name, row in rows(place).items() if row.primary_scope] == ["Beta Inc"]


def test_one_of_the_others_is_checked_and_disconnected_by_itself(three, place, vendors):
    beta = next(
        token for token in vendors.slack.tokens.values() if token.team_id == rows(place)["Beta Inc"].account_key
    )
    other(three, "Beta Inc").get_by_role("button", name="Check").click()
    expect(said(three)).to_contain_text("Beta Inc: connected.")
    beta.state = "revoked"
    other(three, "Beta Inc").get_by_role("button", name="Check").click()
    expect(said(three)).to_contain_text("Beta Inc: reconnect needed.")
    expect(other(three, "Beta Inc")).to_contain_text("Reconnect needed")
    expect(card(three, "slack")).to_have_attribute("data-word", "Connected")
    expect(three.locator("[data-needs]")).to_have_count(0)

    opener = other(three, "Beta Inc").get_by_role("button", name="Disconnect…")
    dialog = three.get_by_role("alertdialog")
    opener.click()
    expect(dialog).to_contain_text("Disconnect Beta Inc?")
    expect(dialog).to_contain_text("The default Slack connection stays.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    three.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(drawer(three)).to_be_visible()
    assert rows(place).keys() == {"Acme Corp", "Beta Inc", "Gamma Ltd"}
    opener.click()
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    expect(said(three)).to_have_text("Beta Inc is disconnected.")
    expect(other(three, "Beta Inc")).to_have_count(0)
    expect(default(three)).to_have_text("Acme Corp")
    assert rows(place).keys() == {"Acme Corp", "Gamma Ltd"}


def test_who_follows_the_default_is_chosen_as_it_is_disconnected(three, place):
    drawer(three).get_by_role("button", name="Disconnect…", exact=True).click()
    dialog = three.get_by_role("alertdialog")
    expect(dialog.get_by_role("radio", name="Nothing; Slack has no default then")).to_be_checked()
    dialog.get_by_role("radio", name="Gamma Ltd becomes the default").check()
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    expect(said(three)).to_have_text("Acme Corp is disconnected. Gamma Ltd is the default now.")
    expect(default(three)).to_have_text("Gamma Ltd")
    assert rows(place).keys() == {"Beta Inc", "Gamma Ltd"}


def test_a_new_password_alone_leaves_the_other_settings(browsing, place, vendors):
    with_connection(place, vendors, "email", "smtp")
    before = next(iter(rows(place).values()))
    page = browsing.open(place.site, place.person(), "email")
    begin(page, "Replace the key…", "Replace the key")
    the_form = form(page, "email", "SMTP")
    for label, value in {"Host": vendors.mailbox.host, "Port": str(vendors.mailbox.port), "Username": "atlas"}.items():
        expect(labelled(the_form, label)).to_have_value(value)
    password = labelled(the_form, "Password")
    expect(password).to_have_value("")
    expect(password).to_have_attribute("placeholder", KEEPS)
    vendors.mailbox.accounts["atlas"] = "an-entirely-new-one"
    try:
        submit(the_form)  # what is kept is the old one, which the server takes no more
        expect(labelled(form(page, "email", "SMTP"), "Password")).to_have_attribute("aria-invalid", "true")
        password.fill("an-entirely-new-one")
        submit(form(page, "email", "SMTP"))
        expect(said(page)).to_contain_text("accepted it")
        after = next(iter(rows(place).values()))
        assert (after.id, after.options, after.connected_at > before.connected_at) == (before.id, before.options, True)
        drawer(page).get_by_role("button", name="Check now").click()
        expect(said(page)).to_contain_text("Checked: connected.")
    finally:
        vendors.mailbox.accounts["atlas"] = PASSWORD


def test_a_second_secret_is_added_while_the_first_is_kept(browsing, place, vendors):
    team = with_slack(place, vendors, "Acme Corp")
    page = browsing.open(place.site, place.person(), "slack")
    begin(page, "Replace the key…", "Replace the key")
    asked = len(vendors.slack.calls)
    submit(fill(page, "slack", {SECRET: "0123456789abcdef" * 2}))
    expect(said(page)).to_contain_text("this is Acme Corp")
    assert vendors.slack.calls[asked].headers["authorization"] == f"Bearer {team.token}"
    expect(drawer(page).locator(".ah-table tr", has_text=SECRET)).to_be_visible()
    assert set(rows(place)["Acme Corp"].masks) == {"bot_token", "signing_secret"}


def test_a_host_that_changes_asks_for_the_password_and_nothing_is_sent_there(browsing, place, vendors):
    with_connection(place, vendors, "email", "smtp")
    page = browsing.open(place.site, place.person(), "email")
    begin(page, "Replace the key…", "Replace the key")
    asked = len(vendors.mailbox.calls)
    the_form = fill(page, "email", {"Host": "localhost"}, "SMTP")
    submit(the_form)
    password = labelled(the_form, "Password")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(the_form.locator(".ah-error", has_text="Host changed. Enter this anew")).to_be_visible()
    expect(labelled(the_form, "Host")).to_have_value("localhost")
    assert len(vendors.mailbox.calls) == asked
    password.fill(PASSWORD)
    submit(the_form)
    expect(said(page)).to_contain_text("accepted it")
    assert next(iter(rows(place).values())).options["host"] == "localhost"


def test_a_refused_replacement_changes_nothing_and_cancel_takes_it_away(browsing, place, vendors):
    with_slack(place, vendors, "Acme Corp")
    before = rows(place)["Acme Corp"]
    page = browsing.open(place.site, place.person(), "slack")
    begin(page, "Replace the key…", "Replace the key")
    submit(fill(page, "slack", {TOKEN: slack_seed.REVOKED}))
    expect(labelled(form(page, "slack"), TOKEN)).to_have_attribute("aria-invalid", "true")
    shows(page, "slack", "connected")
    expect(card(page, "slack")).to_have_attribute("data-word", "Connected")
    drawer(page).get_by_role("button", name="Cancel", exact=True).first.click()
    expect(drawer(page).get_by_role("form", name="Connect Slack")).to_have_count(0)
    expect(drawer(page).locator(".ah-error:visible:not(:empty)")).to_have_count(0)
    drawer(page).get_by_role("button", name="Check now").click()
    expect(said(page)).to_contain_text("Checked: connected.")
    after = rows(place)["Acme Corp"]
    assert (after.id, after.credential_id, after.masks) == (before.id, before.credential_id, before.masks)
