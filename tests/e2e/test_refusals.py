"""What is refused is said at its field, and nothing else that was typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import Browsing, card, drawer, fill, form, labelled, shows, submit
from tests.e2e.people import Place
from tests.standins import sendgrid, slack_seed, telegram
from tests.standins.dial import Fault
from tests.standins.mailbox import MailFault

pytestmark = pytest.mark.e2e

TOKEN, BOT = "Bot User OAuth Token", "Bot Token"


def refused(page: Page, field: Locator, text: str) -> None:
    """The field says so itself: in words that belong to it, in the browser's tree, with the focus on it."""
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_css("border-top-width", "2px")
    told = [page.locator(f"#{place}") for place in (field.get_attribute("aria-describedby") or "").split()]
    assert any(text in each.inner_text() for each in told), [each.inner_text() for each in told]


@pytest.mark.parametrize(
    ("slug", "label", "wrong", "text"),
    [
        ("slack", TOKEN, "", "Bot User OAuth Token"),
        ("slack", TOKEN, slack_seed.REVOKED, "it was revoked"),
        ("slack", TOKEN, slack_seed.USER, "user token (xoxp-)"),
        ("slack", TOKEN, slack_seed.fake("xoxb", "Q"), "it knows no such token"),
        ("telegram", BOT, "", "Bot Token"),
        ("telegram", BOT, "12345/short", "This is not a bot token"),
        ("telegram", BOT, telegram.REVOKED, "the token was replaced"),
    ],
)
def test_a_wrong_token_is_refused_at_its_field_and_the_right_one_connects(
    browsing: Browsing, place: Place, vendors, *, slug, label, wrong, text
):
    page = browsing.open(place.site, place.person(), slug)
    the_form = fill(page, slug, {label: wrong})
    submit(the_form)
    field = labelled(the_form, label)
    refused(page, field, text)
    expect(field).to_have_value("")
    shows(page, slug, "form")
    right = vendors.team().token if slug == "slack" else vendors.bot().token
    submit(fill(page, slug, {label: right}))
    shows(page, slug, "connected")
    assert not wrong or wrong not in page.content()


def test_a_wrong_second_secret_leaves_the_first_alone(browsing, place, vendors):
    page = browsing.open(place.site, place.person(), "slack")
    team = vendors.team()
    the_form = fill(page, "slack", {TOKEN: team.token, "Signing Secret": "not 32 characters"})
    submit(the_form)
    second = labelled(the_form, "Signing Secret")
    refused(page, second, "32 characters")
    expect(second).to_have_value("")
    expect(labelled(the_form, TOKEN)).to_have_value(team.token)
    second.fill("0123456789abcdef" * 2)
    submit(the_form)
    shows(page, "slack", "connected")


def test_a_wrong_mail_password_is_refused_and_the_rest_is_kept(browsing, place, vendors):
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", {**vendors.smtp, "Password": "wrong"}, "SMTP")
    submit(the_form)
    password = labelled(the_form, "Password")
    refused(page, password, "refused the user name or password")
    expect(password).to_have_value("")
    for label, text in vendors.smtp.items():
        if label != "Password":
            expect(labelled(the_form, label)).to_have_value(text)
    password.fill(vendors.smtp["Password"])
    submit(the_form)
    shows(page, "email", "connected")


@pytest.mark.parametrize(
    ("label", "wrong", "text"),
    [
        ("Sender Address", "atlas@refused.example", "refused the sender address"),
        ("Sender Address", "not an address", "one e-mail address"),
        ("Port", "a few", "The port is a whole number"),
        ("Host", "https://mail.example", "a host name alone"),
        ("Username", "", "Username"),
    ],
)
def test_a_wrong_mail_setting_is_refused_at_its_field_with_the_password_kept(
    browsing, place, vendors, *, label, wrong, text
):
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", {**vendors.smtp, label: wrong}, "SMTP")
    submit(the_form)
    refused(page, labelled(the_form, label), text)
    expect(labelled(the_form, "Password")).to_have_value(vendors.smtp["Password"])
    fill(page, "email", {label: vendors.smtp[label]}, "SMTP")
    submit(the_form)
    shows(page, "email", "connected")


@pytest.mark.parametrize(("key", "text"), [(sendgrid.NO_SEND, "Mail Send"), (sendgrid.fake("q"), "SendGrid")])
def test_a_sendgrid_key_that_may_not_send_is_refused(browsing, place, vendors, *, key, text):
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", {**vendors.sendgrid_form, "API Key": key}, "SendGrid")
    submit(the_form)
    error = the_form.locator(".ah-error", has_text=text)
    expect(error.first).to_be_visible()
    expect(labelled(the_form, "Sender Address")).to_have_value("alerts@acme.example")
    submit(fill(page, "email", vendors.sendgrid_form, "SendGrid"))
    shows(page, "email", "connected")


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.HTML, Fault.RESET])
def test_a_vendor_that_is_down_is_told_calmly_and_nothing_is_stored(browsing, place, vendors, fault):
    vendors.slack.dial.set(fault)
    page = browsing.open(place.site, place.person(), "slack")
    the_form = fill(page, "slack", {TOKEN: vendors.team().token})
    submit(the_form)
    error = the_form.locator(".ah-error:not(:empty)")
    expect(error).to_contain_text("Slack")
    expect(error).to_contain_text("again")
    expect(the_form.get_by_role("button", name="Save anyway")).to_have_count(0)
    expect(labelled(the_form, TOKEN)).not_to_have_value("")
    assert place.status()["slack"]["connected"] is False
    vendors.calm()
    submit(the_form)
    shows(page, "slack", "connected")


def test_a_mail_server_that_hangs_may_be_saved_as_it_is_and_shows_as_not_proven(browsing, place, vendors):
    vendors.mailbox.dial.set(MailFault.HANG_EHLO)
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", vendors.smtp, "SMTP")
    submit(the_form)
    anyway = the_form.get_by_role("button", name="Save anyway")
    expect(anyway).to_be_visible(timeout=20_000)
    shows(page, "email", "form")
    assert place.status()["email"]["connected"] is False
    vendors.mailbox.dial.set(MailFault.UNAVAILABLE)  # as good as silent, and quicker
    anyway.click()
    shows(page, "email", "connected")
    expect(card(page, "email")).to_contain_text("Not proven yet")
    expect(drawer(page).locator(".ah-known li[data-truth=authenticated]")).to_have_attribute("data-ok", "unknown")
    vendors.calm()
    drawer(page).get_by_role("button", name="Check now").click()
    expect(card(page, "email")).to_contain_text("Connected")


def test_a_mail_server_that_wants_tls_is_not_given_the_password_without(browsing, place, vendors):
    page = browsing.open(place.site, place.person(), "email")
    the_form = fill(page, "email", vendors.smtp, "SMTP")
    labelled(the_form, "Use TLS").uncheck()
    before = len(vendors.mailbox.calls)
    submit(the_form)
    expect(the_form.locator(".ah-error:not(:empty)").first).to_be_visible()
    assert not [verb for verb, _ in vendors.mailbox.calls[before:] if verb == "AUTH"]
    expect(form(page, "email", "SMTP").get_by_label("Use TLS")).not_to_be_checked()
    labelled(the_form, "Use TLS").check()
    submit(the_form)
    shows(page, "email", "connected")
