"""What is pasted, chosen or dropped is tidied and judged in the browser; nothing of it leaves before Connect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.e2e.browsing import Browsing, card, drawer, form, labelled, open_drawer, said, shows, submit
from tests.e2e.people import Place
from tests.e2e.states import with_slack
from tests.standins import slack_seed

pytestmark = pytest.mark.e2e

TOKEN = "Bot User OAuth Token"
KEY_FILE = "Service Account JSON"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
DENIED = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
COPIED = "document.addEventListener('copy', () => { window.copied = getSelection().toString(); });"
TICKED = """window.ticked = [];
new MutationObserver((all) => all.forEach((each) => window.ticked.push(each.target.textContent)))
  .observe(document, {subtree: true, attributes: true, attributeFilter: ['data-copied']});"""
"""Keeps which buttons said for a moment that they had copied."""
DROP = """([text, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, {type: 'application/json'}));
  return carried;
}"""


@dataclass
class Wire:
    """What a page sent: frames of its socket but for the heartbeat, and requests."""

    frames: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        def listen(socket: WebSocket) -> None:
            socket.on("framesent", lambda payload: self.frames.append(str(payload)) if str(payload) != "3" else None)

        page.on("websocket", listen)
        page.on("request", lambda request: self.requests.append(request.url))

    def quiet(self, page: Page) -> None:
        """Nothing was sent since the last look."""
        page.wait_for_timeout(150)
        assert self.frames == []
        assert self.requests == []

    def forget(self) -> None:
        self.frames.clear()
        self.requests.clear()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def opened(browsing: Browsing, place: Place, wire: Wire):
    """Opens the drawer of a provider with a clipboard that may be read and written."""

    def open_it(slug: str) -> Page:
        page = browsing.tab(browsing.context(place.site, place.person(), permissions=CLIPBOARD))
        wire.watch(page)
        browsing.load(page, place.site, slug)
        expect(form(page, slug)).to_be_visible()
        wire.forget()
        return page

    return open_it


def paste(page: Page, control: Locator, text: str) -> None:
    """As an admin does: from the clipboard, by keyboard, over what stands there."""
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    control.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+v")


def note(control: Locator) -> Locator:
    """What is said at once under a secret."""
    field = control.locator("xpath=ancestor::div[contains(@class, 'ah-field')]")
    return field.locator("[data-ah-note]")


def test_what_sticks_to_a_token_is_taken_off_and_said_and_nothing_is_sent(opened, vendors, wire):
    page = opened("slack")
    token = vendors.team("Sticky Inc").token
    control = labelled(form(page, "slack"), TOKEN)
    for stuck in (
        f"Bearer {token}",
        f"Authorization: Bearer {token}\n",
        f"“{token}”",
        f"'{token}'",
        f'  "{token}"  ',
        f"\u200b{token}\ufeff",
        f"`\u200bBEARER '{token}'`",
    ):
        paste(page, control, stuck)
        expect(control).to_have_value(token)
        expect(note(control)).to_have_text("What stuck to it was taken off.")
    control.fill("")
    expect(note(control)).to_have_text("")
    paste(page, control, token)
    expect(control).to_have_value(token)
    expect(note(control)).to_have_text("")
    wire.quiet(page)
    submit(form(page, "slack"))
    shows(page, "slack", "connected")
    expect(card(page, "slack")).to_contain_text("Sticky Inc")
    assert len([frame for frame in wire.frames if token in frame]) == 1


def test_what_is_not_a_bot_token_is_told_at_once_and_its_note_goes_with_it(opened, vendors, wire):
    page = opened("slack")
    control = labelled(form(page, "slack"), TOKEN)
    paste(page, control, f"Bearer {slack_seed.USER}")
    expect(control).to_have_value(slack_seed.USER)
    expect(note(control)).to_contain_text("Looks like a user token (xoxp-).")
    expect(note(control)).to_have_attribute("role", "status")
    control.fill("xapp-1-whatever")
    expect(note(control)).to_contain_text("Looks like an app-level token (xapp-).")
    control.fill("https://hooks.slack.com/services/x")
    expect(note(control)).to_contain_text("Looks like an address.")
    control.fill(vendors.team().token)
    expect(note(control)).to_have_text("")
    wire.quiet(page)


def test_a_key_file_is_read_in_the_browser_when_chosen_and_sent_by_connect_alone(opened, vendors, wire, browsing):
    page = opened("gchat")
    given = vendors.given("gchat")
    text = given.values["credentials_json"]
    control = labelled(form(page, "gchat"), KEY_FILE)
    chosen = form(page, "gchat").locator("input[type=file]")
    chosen.set_input_files({"name": "acme-key.json", "mimeType": "application/json", "buffer": text.encode()})
    expect(control).to_have_value(text)
    expect(note(control)).to_have_text("Read from acme-key.json in this browser.")
    expect(control).to_be_focused()
    expect(chosen).to_have_value("")
    wire.quiet(page)
    submit(form(page, "gchat"))
    shows(page, "gchat", "connected")
    secret = json.loads(text)["private_key"].splitlines()[1]
    assert len([frame for frame in wire.frames if secret in frame]) == 1
    assert not [url for url in wire.requests if "upload" in url]
    assert not [frame for frame in browsing.frames[page] if secret in frame]


def test_a_key_file_is_read_when_dropped_also_where_it_is_a_string_of_json(opened, vendors, wire):
    page = opened("gchat")
    text = vendors.given("gchat").values["credentials_json"]
    control = labelled(form(page, "gchat"), KEY_FILE)
    zone = form(page, "gchat").locator(".ah-drop")
    carried = page.evaluate_handle(DROP, [json.dumps(text), "escaped.json"])
    control.dispatch_event("dragover", {"dataTransfer": carried})
    expect(zone).to_have_attribute("data-over", "")
    control.dispatch_event("drop", {"dataTransfer": carried})
    expect(control).to_have_value(text)
    expect(note(control)).to_have_text("Read from escaped.json in this browser.")
    expect(zone).not_to_have_attribute("data-over", "")
    wire.quiet(page)
    submit(form(page, "gchat"))
    shows(page, "gchat", "connected")


def test_a_file_that_is_too_large_is_refused_in_the_browser_and_what_was_typed_stays(opened, wire):
    page = opened("gchat")
    control = labelled(form(page, "gchat"), KEY_FILE)
    control.fill("{}")
    large = {"name": "movie.json", "mimeType": "application/json", "buffer": b"x" * 65537}
    form(page, "gchat").locator("input[type=file]").set_input_files(large)
    expect(note(control)).to_contain_text("movie.json is larger than 64 KB")
    expect(control).to_have_value("{}")
    wire.quiet(page)


def test_json_that_was_copied_as_a_string_of_json_is_unwrapped_as_it_is_pasted(opened, vendors, wire):
    page = opened("gchat")
    text = vendors.given("gchat").values["credentials_json"]
    control = labelled(form(page, "gchat"), KEY_FILE)
    paste(page, control, json.dumps(text))
    expect(control).to_have_value(text)
    expect(note(control)).to_have_text("What stuck to it was taken off.")
    paste(page, control, text)
    expect(control).to_have_value(text)
    wire.quiet(page)
    submit(form(page, "gchat"))
    shows(page, "gchat", "connected")


def test_texts_and_details_are_copied_by_the_clipboard(browsing, place, vendors):
    team = with_slack(place, vendors)
    page = browsing.tab(browsing.context(place.site, place.person(), permissions=CLIPBOARD))
    page.add_init_script(TICKED)
    browsing.load(page, place.site, "slack")
    wanted = {"Copy Bot token scopes": "chat:write", "Copy App manifest": '"oauth_config"', "Copy Team ID": team.id}
    for name, part in wanted.items():
        button = drawer(page).get_by_role("button", name=name, exact=True)
        button.click()
        expect(page.locator("[data-ah-announce]")).to_have_text("Copied.")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert part in copied
        assert name in page.evaluate("window.ticked")
        assert copied == button.get_attribute("data-ah-copy")
    json.loads(drawer(page).get_by_role("button", name="Copy App manifest", exact=True).get_attribute("data-ah-copy"))


def test_where_the_clipboard_is_denied_the_text_is_selected_and_copied_the_old_way(browsing, place, vendors):
    team = with_slack(place, vendors)
    page = browsing.tab(browsing.context(place.site, place.person()))
    page.add_init_script(DENIED)
    page.add_init_script(COPIED)
    browsing.load(page, place.site)
    open_drawer(page, "slack", "Details")
    for name, part in {"Copy Bot token scopes": "chat:write", "Copy Team ID": team.id}.items():
        drawer(page).get_by_role("button", name=name, exact=True).click()
        expect(page.locator("[data-ah-announce]")).to_have_text("Copied.")
        assert part in page.evaluate("window.copied")
    expect(said(page)).to_have_text("")
