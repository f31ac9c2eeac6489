"""Browsers of the tests: each in a context of its own, watched for errors in console and page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebSocket, expect

from atlas_hub.providers import PARTS
from tests.e2e.ground import Site
from tests.e2e.people import Person

WIDE, NARROW = 1280, 360
HEIGHTS = {WIDE: 900, NARROW: 780}
NAMES = {key: part.name for key, part in PARTS.items()}
"""What each part is called, by its key."""


@dataclass
class Browsing:
    """Opens pages, and gathers what their consoles complain of in `faults`, unless a test expects it."""

    chromium: Browser
    faults: list[str] = field(default_factory=list)
    frames: dict[Page, list[str]] = field(default_factory=dict)
    _expected: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def expects(self, pattern: str) -> None:
        """Do not count complaints that match, for a test that makes them come."""
        self._expected.append(pattern)

    def context(self, site: Site, person: Person | None = None, *, width: int = WIDE, **more: object) -> BrowserContext:
        """A browser of its own; signed in as `person`."""
        size = {"width": width, "height": HEIGHTS[width]}
        made = self.chromium.new_context(viewport=size, reduced_motion="reduce", bypass_csp=True, **more)  # type: ignore[arg-type]  # Playwright's own names
        made.set_default_timeout(15_000)
        if person is not None:
            made.add_cookies([person.cookie(site)])  # type: ignore[list-item]  # a TypedDict
        self._contexts.append(made)
        return made

    def tab(self, context: BrowserContext) -> Page:
        """One more tab of a browser."""
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        heard: list[str] = []
        self.frames[page] = heard

        def listen(socket: WebSocket) -> None:
            socket.on("framereceived", lambda payload: heard.append(str(payload)))

        page.on("websocket", listen)
        return page

    def open(self, site: Site, person: Person | None = None, slug: str = "", *, width: int = WIDE) -> Page:
        """The page, loaded, in a browser of its own."""
        return self.load(self.tab(self.context(site, person, width=width)), site, slug)

    def load(self, page: Page, site: Site, slug: str = "") -> Page:
        """The page, or the drawer of one card, loaded."""
        page.goto(f"{site.page}/{slug}" if slug else site.page)
        loaded(page)
        return page

    def close(self) -> None:
        """Close every browser."""
        for context in self._contexts:
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location.get('url', '')})")

    def _note(self, fault: str) -> None:
        if not any(re.search(pattern, fault) for pattern in self._expected):
            self.faults.append(fault)


def loaded(page: Page) -> None:
    """Wait until the cards are filled."""
    expect(page.locator(".atlas-hub[data-loaded=yes]")).to_be_visible(timeout=20_000)


def card(page: Page, slug: str) -> Locator:
    """A card."""
    return page.locator(f"[data-card={slug}]")


def drawer(page: Page) -> Locator:
    """The drawer that is open."""
    return page.locator("dialog.ah-drawer[open]")


def said(page: Page) -> Locator:
    """The sentence at the top of the drawer that says what came of the last thing done."""
    return drawer(page).locator("[data-ah-said]")


def shows(page: Page, slug: str, mode: str, *, seconds: float = 15) -> None:
    """Wait until a card is in a mode."""
    expect(card(page, slug)).to_have_attribute("data-mode", mode, timeout=seconds * 1000)


def open_drawer(page: Page, slug: str, act: str = "Connect") -> Locator:
    """Open a card's drawer by its own link."""
    card(page, slug).get_by_role("link", name=f"{act} {NAMES[slug]}").click()
    expect(drawer(page).get_by_role("heading", name=NAMES[slug], level=2)).to_be_visible()
    return drawer(page)


def form(page: Page, slug: str, method: str = "") -> Locator:
    """A form to connect with; of several ways in it is opened first."""
    name = f"Connect {NAMES[slug]}" + (f": {method}" if method else "")
    found = drawer(page).get_by_role("form", name=name, exact=True)
    if method and not found.is_visible():
        drawer(page).locator("summary", has_text=method).click()
    return found


def fill(page: Page, slug: str, typed: dict[str, str], method: str = "") -> Locator:
    """Type into a form, by its labels."""
    the_form = form(page, slug, method)
    for label, text in typed.items():
        labelled(the_form, label).fill(text)
    return the_form


def labelled(the_form: Locator, label: str) -> Locator:
    """The input with this label."""
    return the_form.get_by_label(re.compile(rf"^{re.escape(label)}( optional)?$"))


def submit(the_form: Locator, name: str = "Connect") -> None:
    """Press the form's button."""
    the_form.get_by_role("button", name=name, exact=True).click()


def connect(page: Page, slug: str, typed: dict[str, str], method: str = "") -> None:
    """Connect through the drawer, from the card on, and wait until it is."""
    open_drawer(page, slug)
    submit(fill(page, slug, typed, method))
    shows(page, slug, "connected")
