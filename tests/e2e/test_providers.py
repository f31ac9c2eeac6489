"""Every way to connect that the registry has, from its form to its end: driven by the contract suite's facts alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from pydantic.fields import FieldInfo
from sqlalchemy import text
from sqlmodel import select

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import InvalidCredentials
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Alerts, Purpose, Sends
from atlas_hub.services.views import State
from atlas_hub.storage.models import Connection
from tests.e2e.browsing import NAMES, Browsing, card, drawer, form, said, submit
from tests.e2e.ground import Site
from tests.e2e.people import Place
from tests.e2e.vendors import Given, Vendors
from tests.providers.entries import ENTRIES
from tests.providers.entries.entry import Entry

pytestmark = pytest.mark.e2e

PROMISED = {
    "teams": ("Tenant", "Tenant ID"),
    "discord": ("Server", "Guild ID"),
    "telegram": ("Bot", "Bot ID"),
    "gchat": ("Service Account", "Project ID"),
    "github": ("User",),
    "linear": ("User", "Email"),
    "whatsapp": ("Phone", "Phone Number ID"),
    "email": ("Provider", "Sender"),
}
"""The rows that the source document promises of a connected card, beside *Connected*."""

PROVES_NOTHING = {"pagerduty"}
"""Who takes alerts by keys that nobody has, too."""

VEILED = {"INPUT": ("type", "password"), "TEXTAREA": ("className", "ah-veiled")}

WATCH = """(way) => {
  window.rungs = {};
  const look = () => document.querySelectorAll(`form[data-method="${way}"] .ah-ladder li`).forEach(
    (rung, at) => (window.rungs[at] ||= []).push(rung.dataset.ok));
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""
"""Keeps what each rung of the ladder has shown: a fast vendor's are gone before anyone could look."""


@dataclass(frozen=True)
class Walk:
    """A page with the drawer of one provider open, and what is typed there for one method."""

    page: Page
    given: Given
    place: Place
    heard: list[str]
    steps: frozenset[str]

    @property
    def form(self) -> Locator:
        return form(self.page, self.given.key, self.given.label)

    def field(self, name: str) -> Locator:
        return self.form.locator(f"[name={name}]")

    @property
    def choices(self) -> set[str]:
        """The fields where one of a few is chosen."""
        return {str(each.get_attribute("name")) for each in self.form.locator("select").all()}

    @property
    def asked(self) -> dict[str, FieldInfo]:
        """The fields that the page asks for."""
        kind = self.given.way.form
        return {name: info for name, info in kind.model_fields.items() if kind.said_of(name).get("on_page", True)}

    @property
    def proven(self) -> bool:
        """Whether what is connected is proven at once: some can be asked by posting alone."""
        row = self.place.inside.do(lambda hub: only_row(hub, self.place))
        return bool(row.state != State.UNVERIFIED)

    def fill(self) -> None:
        for name, value in self.given.values.items():
            if isinstance(value, bool):
                self.field(name).set_checked(value)
            elif name in self.choices:
                self.field(name).select_option(str(value))
            else:
                self.field(name).fill(str(value))


OPEN = [entry for entry in ENTRIES if not PROVIDERS[entry.slug].lifecycle.closed]
"""Nobody connects what was closed."""


@pytest.fixture(params=OPEN, ids=[entry.id for entry in OPEN])
def entry(request: pytest.FixtureRequest) -> Entry:
    found: Entry = request.param
    return found


@pytest.fixture(scope="module")
def shared(chromium: Browser, site: Site) -> Iterator[tuple[Browsing, BrowserContext]]:
    """One browser for all of them, which keeps the page's programs."""
    opened = Browsing(chromium)
    yield opened, opened.context(site)
    opened.close()


@pytest.fixture
def walk(shared: tuple[Browsing, BrowserContext], place: Place, vendors: Vendors, entry: Entry) -> Iterator[Walk]:
    """The drawer of the entry's provider, open, with nothing connected."""
    opened, context = shared
    context.clear_cookies()
    context.add_cookies([place.person().cookie(place.site)])  # type: ignore[list-item]  # a TypedDict
    given = vendors.given(entry.slug, entry.method)
    page = opened.load(opened.tab(context), place.site, given.key)
    yield Walk(page, given, place, opened.frames[page], frozenset(entry.steps))
    page.close()
    faults, opened.faults = opened.faults, []
    assert faults == []


def test_the_suite_knows_every_way_of_the_registry() -> None:
    assert {(entry.slug, entry.method) for entry in ENTRIES} == {
        (slug, method.key) for slug, provider in PROVIDERS.items() for method in provider.methods
    }
    assert PROMISED.keys() <= PROVIDERS.keys()


def test_a_way_to_connect_from_its_form_to_its_end(walk: Walk, entry: Entry, vendors: Vendors) -> None:
    the_form_is_made_of_the_provider_file(walk)
    a_refusal_empties_only_the_secret_at_fault(walk, entry, vendors)
    it_connects_rung_by_rung(walk, entry)
    it_shows_account_and_details(walk)
    a_test_message_is_delivered(walk, vendors)
    it_is_checked_and_renamed(walk, vendors)
    it_is_disconnected(walk)


def the_form_is_made_of_the_provider_file(walk: Walk) -> None:
    is_at(walk, "form")
    fields = walk.asked
    expect(walk.form.locator("input:not([type=hidden]):not([type=file]), select, textarea")).to_have_count(len(fields))
    for name, info in fields.items():
        control = walk.field(name)
        expect(control).to_be_visible()
        place = control.get_attribute("id")
        expect(walk.form.locator(f"label[for={place}]")).to_contain_text(str(info.title))
        if info.description:
            expect(walk.form.locator(f"#{place}-about")).to_have_text(info.description)
        if name in walk.given.way.form.secrets():
            expect(control).to_have_value("")
            expect(control).to_have_js_property(*VEILED[control.evaluate("e => e.tagName")])


def a_refusal_empties_only_the_secret_at_fault(walk: Walk, entry: Entry, vendors: Vendors) -> None:
    walk.fill()
    vendor = vendors.of(entry.slug, entry.method)
    trouble = next((each for each in entry.troubles if each.error is InvalidCredentials and each.in_check), None)
    if trouble is None:
        return  # nothing is refused before something is posted
    if walk.given.way.one_refusal:  # this token would not be sent again
        (name,) = walk.given.way.form.secrets()
        walk.field(name).fill(f"{walk.given.values[name]}x")
    else:
        trouble.begin(vendor)
    submit(walk.form)
    wrong = walk.form.locator("[aria-invalid=true]")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_value("")
    at_fault = wrong.get_attribute("name")
    assert at_fault in walk.given.way.form.secrets()
    expect(walk.form.locator(f"#{wrong.get_attribute('id')}-error")).not_to_be_empty()
    for name, value in walk.given.values.items():
        if isinstance(value, bool):
            assert walk.field(name).is_checked() is value
        elif name != at_fault:
            expect(walk.field(name)).to_have_value(str(value))
    expect(walk.form.locator(".ah-ladder li[data-ok=no]")).to_have_count(1)
    is_at(walk, "form")
    assert walk.place.inside.do(lambda hub: counted(hub, walk.place)) == (0, 0)
    vendors.calm()
    if vendor is vendors.mailbox:
        entry.mend(vendor)
    walk.field(at_fault).fill(str(walk.given.values[at_fault]))


def it_connects_rung_by_rung(walk: Walk, entry: Entry) -> None:
    walk.page.evaluate(WATCH, entry.method)
    submit(walk.form)
    is_at(walk, "connected")
    expect(said(walk.page)).to_contain_text("accepted it" if walk.proven else "Stored as")
    rungs = walk.page.evaluate("window.rungs")
    assert len(rungs) == len(entry.steps), rungs
    assert {seen[-1] for seen in rungs.values()} <= {"yes", "no"}, rungs
    if asks_somebody(walk):
        assert any("running" in seen for seen in rungs.values()), rungs
    typed = walk.page.evaluate("[...document.querySelectorAll('input, textarea')].map((each) => each.value)")
    for name in walk.given.way.form.secrets() & walk.given.values.keys():
        whole = str(walk.given.values[name])
        for secret in {whole, json.dumps(whole)[1:-1]}:
            assert not [text for text in (*typed, walk.page.content(), *walk.heard) if secret in text], name


def it_shows_account_and_details(walk: Walk) -> None:
    row = walk.place.inside.do(lambda hub: only_row(hub, walk.place))
    rows = drawer(walk.page).locator(".ah-table tr")
    shown = {each.locator("th").inner_text(): each for each in rows.all()}
    assert {*PROMISED.get(walk.given.key, ()), "Connected"} <= shown.keys()
    assert row.details
    for head, value in row.details:
        expect(shown[head].locator(".ah-value")).to_have_text(value)
    expect(shown["Connected"]).to_contain_text("by owner")
    for place in (on_card(walk), drawer(walk.page).locator("header")):
        expect(place.locator(".ah-account")).to_have_text(row.account_name)
    if walk.given.named:
        assert walk.given.named in row.account_name
    expect(drawer(walk.page).locator(".ah-known li[data-truth=authenticated]")).to_have_attribute(
        "data-ok", "yes" if walk.proven else "unknown"
    )


def a_test_message_is_delivered(walk: Walk, vendors: Vendors) -> None:
    slug, method = walk.given.slug, walk.given.way
    kind = "alert to" if isinstance(method, Alerts) else "message by"
    send = drawer(walk.page).get_by_role("form", name=f"Send a test {kind} {NAMES[walk.given.key]}")
    delivered = drawer(walk.page).locator(".ah-known li[data-truth=delivered]")
    if not isinstance(method, Sends | Alerts):
        expect(send).to_have_count(0)
        expect(delivered).to_have_count(1 if method.purpose is Purpose.SCRAPE else 0)
        return
    vendor = vendors.of(slug, method.key)
    before = len(vendor.messages)
    expect(delivered).to_have_attribute("data-ok", "unknown")
    if isinstance(method, Sends):
        send.get_by_label(method.destination).fill(walk.given.to)
    submit(send, "Send test" if isinstance(method, Sends) else "Send test alert")
    expect(send.locator("[data-tested=yes]")).to_contain_text("✓ Sent.")
    expect(delivered).to_have_attribute("data-ok", "unknown" if slug in PROVES_NOTHING else "yes")
    assert len(vendor.messages) == before + 1
    said = "This is a test message" if isinstance(method, Sends) else "TEST: "
    assert said in str(vendor.messages[-1])
    receipt = walk.place.inside.do(lambda hub: last_receipt(hub, walk.place))
    assert receipt
    expect(send.locator("[data-tested=yes]")).to_contain_text(receipt)
    if walk.given.key == slug:
        told = "sent, not known to have arrived" if slug in PROVES_NOTHING else "✓ delivered"
        expect(card(walk.page, slug)).to_contain_text(told)
    expect(on_card(walk)).to_have_attribute(
        "data-state", walk.place.inside.do(lambda hub: only_row(hub, walk.place)).state
    )


def it_is_checked_and_renamed(walk: Walk, vendors: Vendors) -> None:
    page, vendor = walk.page, vendors.of(walk.given.slug, walk.given.way.key)
    asked = len(vendor.calls) if vendor else 0
    drawer(page).get_by_role("button", name="Check now").click()
    expect(said(page)).to_contain_text("Checked:")
    # What cannot be asked without posting is not asked.
    if vendor is not None:
        assert (len(vendor.calls) > asked) is asks_somebody(walk)
    drawer(page).get_by_text("Rename…").click()
    rename = drawer(page).get_by_role("form", name="Rename the")
    rename.get_by_label("Name").fill("The one for alerts")
    submit(rename, "Rename")
    expect(said(page)).to_have_text("It is called The one for alerts now.")
    if walk.given.key == walk.given.slug:
        expect(card(page, walk.given.slug)).to_contain_text("The one for alerts")


def it_is_disconnected(walk: Walk) -> None:
    drawer(walk.page).get_by_role("button", name="Disconnect…").click()
    dialog = walk.page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Disconnect The one for alerts?")
    expect(dialog).to_contain_text(PROVIDERS[walk.given.slug].stops)
    dialog.get_by_role("button", name="Disconnect", exact=True).click()
    is_at(walk, "form")
    expect(walk.form).to_be_visible()
    assert walk.place.inside.do(lambda hub: counted(hub, walk.place)) == (0, 0)


def on_card(walk: Walk) -> Locator:
    """The card, or the section of it that the part has."""
    key, slug = walk.given.key, walk.given.slug
    return card(walk.page, slug) if key == slug else walk.page.locator(f"[data-part={key}]")


def asks_somebody(walk: Walk) -> bool:
    """Whether a check asks the vendor: some can be asked by posting alone, so that one looks at what was typed."""
    return len(walk.steps) > 1


def is_at(walk: Walk, mode: str) -> None:
    """Wait until what is walked through is in a mode."""
    expect(on_card(walk)).to_have_attribute("data-mode", mode)


async def only_row(hub: Hub, place: Place) -> Connection:
    """The one connection of a workspace."""
    async with hub.db.reading() as tx:
        found: Connection = (await tx.execute(select(Connection).where(Connection.workspace == place.id))).scalar_one()
        return found


async def last_receipt(hub: Hub, place: Place) -> str:
    """What the vendor told of the message that was sent last."""
    async with hub.db.reading() as tx:
        asked = text("SELECT receipt FROM atlas_hub_delivery WHERE workspace = :here ORDER BY created_at DESC LIMIT 1")
        return str((await tx.execute(asked, {"here": place.id})).scalar_one())


async def counted(hub: Hub, place: Place) -> tuple[int, int]:
    """How many connections and credentials are stored in a workspace."""
    async with hub.db.reading() as tx:
        asked = text(
            "SELECT (SELECT count(*) FROM atlas_hub_connection WHERE workspace = :here),"
            " (SELECT count(*) FROM atlas_hub_credential WHERE workspace = :here)"
        )
        connections, credentials = (await tx.execute(asked, {"here": place.id})).one()
        return connections, credentials
