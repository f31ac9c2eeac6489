"""Brings a workspace into states that the page must show."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import Page, expect
from sqlalchemy import text

from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from tests.e2e.browsing import card, drawer, fill, said, submit
from tests.e2e.ground import Inside
from tests.e2e.people import API, Place
from tests.e2e.vendors import Given, Team, Vendors


def with_slack(place: Place, vendors: Vendors, name: str = "Acme Corp", mode: str = "replace", **other: Any) -> Team:
    """A Slack team, connected by REST."""
    team = vendors.team(name, **other)
    path = f"{API}/slack/byot" + ("?mode=add" if mode == "add" else "")
    place.rest.post(path, json={"botToken": team.token}).raise_for_status()
    return team


def with_telegram(place: Place, vendors: Vendors) -> str:
    """A Telegram bot, connected by REST; its token."""
    bot = vendors.bot()
    place.rest.post(f"{API}/telegram", json={"botToken": bot.token}).raise_for_status()
    return bot.token


def with_connection(
    place: Place, vendors: Vendors, slug: str, method: str = "", *, adds: bool = False, **more: Any
) -> Given:
    """An account of the test's own at any provider, connected by REST, or by the groups API where only that takes it.
    What was given. `more` as `Vendors.given`.
    """
    given = vendors.given(slug, method, **more)
    if PROVIDERS[slug].names.admin is None or given.key != slug:
        stored(place, given)
        return given
    path = f"{API}{given.path}" + ("?mode=add" if adds else "")
    place.rest.post(path, json=given.wire).raise_for_status()
    return given


def stored(place: Place, given: Given) -> None:
    """Store it by the groups API, which proves it beside the request."""
    fields = given.way.form.model_fields
    body = {str(fields[name].alias or name): value for name, value in given.values.items()}
    configured(place, "POST", str(given.way.wire_type), body)


def configured(place: Place, verb: str, kind: str, body: dict[str, Any]) -> None:
    """Write a configuration of the groups API."""

    async def key(hub: Hub) -> tuple[str, str]:
        actor = Actor(id="e2e", name="e2e", workspace=place.id, role=Role.OWNER)
        made = await api_keys.create(hub, actor, role=Role.ADMIN)
        return made.view.public_key, made.private_key.reveal()

    base = place.site.base.replace("localhost", "127.0.0.1")
    address = f"{base}/api/atlas/v1.0/groups/{place.id}/integrations/{kind}"
    with httpx.Client(auth=httpx.DigestAuth(*place.inside.do(key)), trust_env=False, timeout=20) as client:
        client.request(verb, address, json={"type": kind, **body}).raise_for_status()


def without_default(place: Place, vendors: Vendors) -> None:
    """Two Slack teams, of which the default was disconnected."""
    with_slack(place, vendors, "Acme Corp")
    with_slack(place, vendors, "Beta Inc", mode="add")
    place.rest.delete(f"{API}/slack").raise_for_status()


def begin(page: Page, button: str) -> None:
    """Press the button in the open drawer that opens a form: *Replace the key…*, *Add another Slack…*."""
    drawer(page).get_by_role("button", name=button, exact=True).click()
    expect(drawer(page).locator("[data-ah-form]")).to_be_focused()


def check_now(page: Page, times: int = 1) -> None:
    """Press *Check now* in the open drawer, and wait for each answer."""
    button = drawer(page).get_by_role("button", name="Check now")
    for _ in range(times):
        button.click()
        expect(drawer(page).get_by_role("button", name="Checking…")).to_have_count(0)
        expect(said(page)).to_contain_text("Checked")


def sealed_under_a_lost_key(inside: Inside, place: Place) -> None:
    """Make the workspace's credentials ones that no key here opens."""

    async def lose(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            await tx.execute(
                text("UPDATE atlas_hub_credential SET key_id = 'v9' WHERE workspace = :here"), {"here": place.id}
            )

    inside.do(lose)


def asked_which_account(page: Page, vendors: Vendors, name: str = "Beta Inc") -> Team:
    """Give a key of another team in the drawer of a connected Slack, and be asked which is meant."""
    other = vendors.team(name)
    begin(page, "Replace the key…")
    submit(fill(page, "slack", {"Bot User OAuth Token": other.token}))
    expect(drawer(page).get_by_role("group", name="This is another account")).to_be_visible()
    return other


def word(page: Page, slug: str, told: str) -> None:
    """Wait until a card's badge says so."""
    expect(card(page, slug)).to_have_attribute("data-word", told)
