"""Everything can be done with the keyboard alone, and one always sees where one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browsing import NARROW, WIDE, Browsing, card, drawer, said, shows
from tests.e2e.people import Place

pytestmark = pytest.mark.e2e

SEEN = """element => {
  const style = getComputedStyle(element);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
}"""


def tab_to(page: Page, wanted: Locator, most: int = 40) -> None:
    """Press Tab until something has the focus, which must be seen at every stop."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count():
            assert focused.evaluate(SEEN), f"One does not see the focus on {focused.evaluate('e => e.outerHTML')[:200]}"
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {wanted}.")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_telegram_is_connected_and_disconnected_by_keyboard_alone(
    browsing: Browsing, place: Place, vendors, width: int
):
    page = browsing.open(place.site, place.person(), width=width)
    link = card(page, "telegram").get_by_role("link", name="Connect Telegram")
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(drawer(page)).to_be_visible()
    expect(drawer(page).get_by_role("heading", level=2)).to_be_focused()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    expect(link).to_be_focused()
    assert page.url == place.site.page
    page.keyboard.press("Enter")
    expect(drawer(page)).to_be_visible()
    tab_to(page, drawer(page).get_by_label("Bot Token"))
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    expect(drawer(page).get_by_label("Bot Token")).to_have_attribute("aria-invalid", "true")
    expect(drawer(page).get_by_label("Bot Token")).to_be_focused()
    expect(drawer(page).get_by_label("Bot Token")).to_have_value("")
    page.keyboard.type(vendors.bot().token)
    page.keyboard.press("Enter")
    shows(page, "telegram", "connected")
    expect(said(page)).to_be_focused()
    opener = drawer(page).get_by_role("button", name="Disconnect…")
    tab_to(page, opener)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "telegram", "form")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    expect(card(page, "telegram").get_by_role("link", name="Connect Telegram")).to_be_focused()


def test_the_focus_stays_in_the_drawer(browsing, place):
    page = browsing.open(place.site, place.person(), "telegram")
    for _ in range(25):
        page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert page.evaluate(inside), page.evaluate("document.activeElement.outerHTML")


def test_back_and_forward_close_and_open_the_drawer(browsing, place):
    page = browsing.open(place.site, place.person())
    card(page, "slack").get_by_role("link", name="Connect Slack").click()
    expect(drawer(page)).to_be_visible()
    page.go_back()
    expect(drawer(page)).to_have_count(0)
    page.go_forward()
    expect(drawer(page).get_by_role("heading", name="Slack", level=2)).to_be_visible()
    page.mouse.click(10, 400)  # beside the drawer
    expect(drawer(page)).to_have_count(0)


def test_the_first_stop_skips_to_the_content(browsing, place):
    page = browsing.open(place.site, place.person())
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
