"""A card for each part of a provider; what takes alerts or is scraped; a newer key that waits; a service's end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.providers import PARTS, PROVIDERS, key_of, parts_of
from atlas_hub.services import connections, pending, status
from atlas_hub.services.access import Actor
from atlas_hub.services.status import Mode
from atlas_hub.services.views import CardView, ConnectionView, State
from atlas_hub.ui import acts, card, drawer, newer, showing, words
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.page import Page

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROUTE = "/admin/integrations"
ADDRESS = "https://1.1.1.1/workflows/0/triggers/manual/paths/invoke?sig=not-a-live-one"
DATADOG = {"api_key": "0" * 32, "region": "EU"}


def view(slug: str, state: State, *, key: str = "", **given: Any) -> CardView:
    part = PARTS[key or slug]
    told: dict[str, Any] = {
        "id": "0" * 24, "provider": slug, "method": part.methods[0].key, "method_label": "", "label": "It", "wire": {},
        "account": "It", "details": (), "options": {}, "masks": {}, "waiting": {}, "destination": {}, "state": state,
        "reason": "", "checks": {"authenticated": {"status": "yes", "at": iso(NOW), "proof": ""}}, "granted": None,
        "missing": (), "extra": (), "features": (), "by_consent": False, "source": "groups", "primary": True,
        "connected_at": NOW, "connected_by": "ana@example.com", "expires_at": None,
    }  # fmt: skip
    return CardView(
        provider=slug, key=key or slug, mode=Mode.CONNECTED.value, connection=ConnectionView(**{**told, **given})
    )


def markup(key: str, what: Any = drawer.drawer) -> str:
    return str(what(PARTS[key], CARDS[key], ROUTE, Page))


def test_every_part_has_a_key_of_its_own():
    assert list(PARTS) == [key_of(part) for part in PARTS.values()]
    assert [key_of(part) for part in parts_of("teams")] == ["teams", "teams_alerts"]
    assert {key for key in PARTS if "_alerts" in key} == {"teams_alerts"}
    assert set(PROVIDERS) <= set(PARTS)


def test_a_part_has_its_own_ways_words_and_steps():
    main, webhook = parts_of("teams")
    assert [method.key for method in main.methods] == ["app"]
    assert [method.key for method in webhook.methods] == ["webhook"]
    assert webhook.name == "Microsoft Teams incoming webhook"
    assert webhook.sentence == webhook.methods[0].recommended_because
    assert not set(webhook.steps) & set(main.steps)


async def test_each_part_shows_its_own_connection_alone(hub: Hub, door: Any, browser: Any, owner: Actor):
    await connections.connect(hub, owner, "teams", "webhook", {"microsoft_teams_webhook_url": ADDRESS}, source="page")
    bot, webhook = await status.cards(hub, owner.workspace, "teams")
    assert (bot.key, bot.mode, bot.connection) == ("teams", "form", None)
    assert (webhook.key, webhook.mode) == ("teams_alerts", "connected")
    await browser.raise_event(Page, "load")
    shown = await browser.state(CARDS["teams_alerts"])
    assert (shown.mode, shown.state, shown.badge, shown.tone, shown.needs) == (
        "connected", "unverified", "Not proven yet", "off", False,
    )  # fmt: skip
    assert shown.masks[0][1] == "https://1.1.1.1"
    assert "sig=" not in str(shown.dict())
    assert (await browser.state(CARDS["teams"])).mode == "form"


async def test_a_part_connects_by_its_own_ways_alone(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    typed = {"_method": "webhook", "microsoft_teams_webhook_url": ADDRESS}
    await browser.raise_event(CARDS["teams"], "connect", dict(typed))
    assert (await browser.state(CARDS["teams_alerts"])).mode == "form"
    await browser.raise_event(CARDS["teams_alerts"], "connect", dict(typed))
    shown = await browser.state(CARDS["teams_alerts"])
    assert shown.mode == "connected"
    assert shown.said.startswith("Stored as ")
    assert "send a test alert" in shown.said


@pytest.mark.parametrize("path", ["teams_alerts", "teams"])
async def test_each_part_has_a_drawer_at_its_own_address(
    hub: Hub, door: Any, browser: Any, path: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("atlas_hub.ui.page._route", [ROUTE])
    browser.go(f"{ROUTE}/{path}")
    await browser.raise_event(Page, "load")
    assert (await browser.state(Page)).drawer == path


@pytest.mark.parametrize(
    ("key", "state", "asks"),
    [
        ("webhook", State.UNVERIFIED, False),
        ("prometheus", State.UNVERIFIED, False),
        ("teams_alerts", State.UNVERIFIED, False),
        ("email", State.UNVERIFIED, True),
        ("webhook", State.RECONNECT, True),
        ("webhook", State.DEGRADED, True),
    ],
)
def test_what_only_posting_can_prove_calls_for_nobody(key: str, state: State, asks: bool):  # noqa: FBT001  # a column
    part = PARTS[key]
    shown = showing.vars_of(part, view(part.slug, state, key=key), NOW)
    assert shown["needs"] is asks
    if state is State.UNVERIFIED:
        assert shown["tone"] == ("attention" if asks else "off")


def test_what_takes_alerts_has_a_test_without_a_destination():
    for key in ("pagerduty", "datadog", "new_relic", "opsgenie", "victorops", "webhook", "teams_alerts"):
        (made,) = acts.tests(PARTS[key], CARDS[key], Page)
        text = str(made)
        assert "Send test alert" in text, key
        assert 'name:"to"' not in text, key
        assert "page____page.alert" in text, key
    assert "Send test alert" not in "".join(map(str, acts.tests(PARTS["teams"], CARDS["teams"], Page)))


@pytest.mark.parametrize(("key", "why"), [("flowdock", "Flowdock was closed"), ("prometheus", "it comes and asks")])
def test_what_cannot_be_sent_anything_says_why(key: str, why: str):
    (made,) = acts.tests(PARTS[key], CARDS[key], Page)
    assert why in str(made)
    assert "submit" not in str(made)


async def test_a_closed_service_that_an_api_stored_is_shown_and_can_be_let_go(
    hub: Hub, door: Any, browser: Any, owner: Actor
):
    await browser.raise_event(Page, "load")
    shown = await browser.state(CARDS["flowdock"])
    assert (shown.mode, shown.badge) == ("closed", "Service closed")
    values = {"flow_name": "alerts", "api_token": "0" * 32, "org_name": "acme"}
    await connections.connect(hub, owner, "flowdock", "api_token", values, source="groups")
    await browser.raise_event(Page, "load")
    assert (shown.mode, shown.badge, shown.tone, shown.needs) == ("connected", "Service closed", "off", False)
    await browser.raise_event(CARDS["flowdock"], "disconnect", {})
    assert shown.mode == "closed"


async def test_nobody_connects_a_closed_service_on_the_page(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    typed = {"_method": "api_token", "flow_name": "alerts", "api_token": "0" * 32, "org_name": "acme"}
    await browser.raise_event(CARDS["flowdock"], "connect", typed)
    shown = await browser.state(CARDS["flowdock"])
    assert shown.mode == "closed"
    assert "Flowdock was closed." in shown.errors["api_token."]


def test_the_end_of_a_service_is_told_on_its_card_and_what_to_do_instead():
    said = words.lifecycle(PARTS["opsgenie"])
    assert said == ("The last day of Opsgenie is 5 April 2027. Move to Jira Service Management or Compass before then.")
    assert said in markup("opsgenie", card.card)
    assert said in markup("opsgenie")


def test_a_prometheus_is_told_by_what_it_does():
    told = [(truth.value, yes, no) for _, truth, yes, no in words.truths_of(PARTS["prometheus"])]
    assert ("authenticated", "Signed in", "Not signed in") in told
    assert ("delivered", "Scraped", "Not scraped") in told


async def test_a_form_begins_with_what_the_workspace_suggests(hub: Hub, door: Any, browser: Any, owner: Actor):
    await browser.raise_event(Page, "load")
    shown = await browser.state(CARDS["prometheus"])
    assert hub.settings.address.startswith("http://")
    assert shown.suggested == {"username": f"prom_user_{owner.workspace}", "scheme": "http"}
    assert (await browser.state(CARDS["slack"])).suggested == {}


async def test_what_only_an_api_asks_for_is_kept_as_it_is(hub: Hub, door: Any, browser: Any):
    from atlas_hub.ui import forms

    typed = forms.typed(PARTS["datadog"], {"_method": "api_key", **DATADOG, "send_database_metrics": "on"})
    assert typed.values == DATADOG


def test_a_newer_key_is_told_with_its_account():
    waiting = {"account": "Beta Inc", "text": "A new token is of Beta Inc, not of Acme."}
    shown = showing.vars_of(PARTS["slack"], view("slack", State.OK, waiting=waiting), NOW)
    assert shown["newer"] == ["Beta Inc", "A new token is of Beta Inc, not of Acme."]
    refused = {"text": "The new key was refused; the old one is still used."}
    assert showing.vars_of(PARTS["slack"], view("slack", State.OK, waiting=refused), NOW)["newer"] == [
        "", "The new key was refused; the old one is still used.",
    ]  # fmt: skip
    assert showing.vars_of(PARTS["slack"], view("slack", State.OK), NOW)["newer"] == []
    text = str(newer.question(CARDS["slack"], Page))
    assert "Forget the new token" in text
    assert "Forget the new key" in text


@pytest.mark.parametrize(("event", "verb"), [("take", "take"), ("drop", "drop")])
async def test_the_answers_reach_the_store(
    hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch, event: str, verb: str
):
    asked: list[tuple[str, str]] = []

    async def noted(_hub: Hub, actor: Actor, connection: str) -> None:
        asked.append((actor.name, connection))

    monkeypatch.setattr(pending, verb, noted, raising=False)
    await browser.raise_event(Page, "load")
    shown = await browser.state(CARDS["slack"])
    shown.connection, shown.newer = "1" * 24, ["Beta Inc", "…"]
    await browser.raise_event(CARDS["slack"], event)
    assert asked == [("ana@example.com", "1" * 24)]
    assert shown.said


def test_an_invitation_names_the_bot_where_it_is_a_command():
    shown = view("slack", State.OK, details=(("Workspace", "Acme"), ("Bot", "@atlas")))
    assert words.invite(shown.connection) == "/invite @atlas"
    assert words.invite(replace(shown.connection, details=())) == ""
    other = view("discord", State.OK, details=(("Bot", "@atlas"),))
    assert words.invite(other.connection) == ""
