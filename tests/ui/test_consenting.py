"""Consent on the card: what is offered, waited for, asked and said; features; and what a disconnect says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from atlas_hub import hub as hubs
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import connections, consents, status
from atlas_hub.services.access import Actor
from atlas_hub.services.views import Disconnected
from atlas_hub.settings import Settings
from atlas_hub.storage import consents as stored
from atlas_hub.ui import consent, words
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.page import Page
from tests.standins import browser as clicking
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

SLACK = CARDS["slack"]
TAB = "b" * 43
ON, OFF = True, False


@pytest.fixture
async def hub(settings: Settings, slack: SlackStandin, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    """A hub whose operator gave an app of Slack's."""
    for name, value in {**slack.env, **slack.app_env}.items():
        monkeypatch.setenv(name, value)
    async with hubs.opened(settings) as the_hub:
        yield the_hub


async def consented(hub: Hub, actor: Actor, team: str = "Acme Corp", pressed: str = "Allow", **more: Any) -> None:
    """Go to Slack, choose a team there, press a button, and come back."""
    address = await consents.begin(hub, actor, "slack", TAB, **more)
    with httpx.Client() as http:
        back = clicking.click(http, address, pressed, **({"team": team} if pressed == "Allow" else {}))
    params = {name: values[0] for name, values in parse_qs(urlsplit(str(back)).query).items()}
    try:
        await consents.finish(hub, actor, "slack", TAB, params)
    except consents.ConsentFailed:
        assert pressed != "Allow"


async def shown(browser: Any) -> Any:
    await browser.raise_event(Page, "load")
    return await browser.state(SLACK)


async def test_an_app_of_the_operators_offers_the_consent(hub: Hub, door: Any, browser: Any):
    card = await shown(browser)
    assert (card.mode, card.offers, card.app, card.until, card.question) == ("form", True, "the operator's app", "", [])
    assert card.client_id == "111111111111.222222222222"


async def test_a_member_is_told_nothing_of_consents(hub: Hub, door: Any, browser: Any, owner: Actor, member: Actor):
    await consented(hub, owner, pressed="Cancel")
    door.actor = member
    card = await shown(browser)
    assert (card.offers, card.app, card.failed, card.client_id) == (False, "", "", "")


async def test_waiting_is_shown_and_ended(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consents.begin(hub, owner, "slack", TAB)
    card = await shown(browser)
    assert card.mode == "connecting"
    assert card.until.endswith("Z") or "+" in card.until
    await browser.raise_event(SLACK, "dismiss")
    assert (card.mode, card.until, card.said) == ("form", "", "Nobody is waited for any more.")


async def test_a_refusal_stands_on_the_card_until_it_is_dismissed(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consented(hub, owner, pressed="Cancel")
    card = await shown(browser)
    assert card.failed.startswith("It was not allowed at Slack")
    await browser.raise_event(SLACK, "dismiss")
    assert (card.failed, card.mode, card.said) == ("", "form", "")


async def test_what_was_connected_is_said(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consented(hub, owner)
    card = await shown(browser)
    assert (card.mode, card.account, card.by_consent) == ("connected", "Acme Corp", True)
    assert card.done == "This is Acme Corp."


@pytest.mark.parametrize(
    ("mode", "account", "others"),
    [("replace", "Beta Inc", []), ("add", "Acme Corp", ["Beta Inc"]), ("neither", "Acme Corp", [])],
)
async def test_another_account_is_asked_about(
    hub: Hub, door: Any, browser: Any, owner: Actor, mode: str, account: str, others: list[str]
):
    await consented(hub, owner)
    await consented(hub, owner, "Beta Inc")
    card = await shown(browser)
    assert card.question[:2] == ["Acme Corp", "Beta Inc"]
    await browser.raise_event(SLACK, "answer", {"mode": "yes"})
    assert card.errors == {"consent.mode": "Choose one of the three."}
    await browser.raise_event(SLACK, "answer", {"mode": mode})
    assert (card.account, [other[1] for other in card.others], card.question) == (account, others, [])
    await browser.raise_event(SLACK, "answer", {"mode": mode})
    assert "answered already" in card.errors["card"]


async def test_a_question_ends_with_its_time(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consented(hub, owner)
    await consented(hub, owner, "Beta Inc")
    async with hub.db.transaction() as tx:
        row = await stored.latest(tx, owner.workspace, "slack")
        assert row is not None
        row.expires_at = hub.now() - timedelta(seconds=1)
    card = await shown(browser)
    assert card.question == []
    assert card.failed.startswith("The time for agreeing was over")


async def test_a_feature_of_a_typed_token_is_switched_on_and_says_what_it_lacks(
    hub: Hub, door: Any, browser: Any, slack: SlackStandin
):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    card = await browser.state(SLACK)
    assert "read_history" not in card.features
    slack.tokens[ACME].scopes = PROVIDERS["slack"].needed_scopes
    await browser.raise_event(SLACK, "check")
    await browser.raise_event(SLACK, "switch", "read_history", ON)
    assert card.lacks["read_history"] == ["channels:history", "groups:history"]
    assert (card.state, card.missing) == ("degraded", ["channels:history", "groups:history"])
    assert "Slack did not grant channels:history, groups:history yet" in card.said
    assert "channels:history" in card.needed.split(",")
    await browser.raise_event(SLACK, "switch", "read_history", OFF)
    assert (card.state, card.missing, card.said) == ("ok", [], "Switched off: Read history.")
    await browser.raise_event(SLACK, "switch", "nope", ON)
    assert "no such feature" in card.errors["card"]


async def test_a_feature_of_a_consent_leads_through_the_vendor(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consented(hub, owner)
    card = await shown(browser)
    await browser.raise_event(SLACK, "switch", "read_history", ON)
    assert "Agree to it there" in card.errors["card"]
    await consented(hub, owner, connection_id=card.connection, feature="read_history")
    card = await shown(browser)
    assert "read_history" in card.features
    assert card.missing == []


async def test_a_disconnect_says_that_the_grant_is_dead(hub: Hub, door: Any, browser: Any, owner: Actor):
    await consented(hub, owner)
    card = await shown(browser)
    await browser.raise_event(SLACK, "disconnect", {})
    assert card.said == "Acme Corp is disconnected. ✓ Revoked. Slack revoked the token."


@pytest.mark.parametrize(("ticked", "calls"), [({}, 0), ({"revoke": "yes"}, 1)])
async def test_a_typed_token_is_revoked_where_it_is_ticked(
    hub: Hub, door: Any, browser: Any, slack: SlackStandin, ticked: dict[str, str], calls: int
):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    await browser.raise_event(SLACK, "disconnect", dict(ticked))
    assert len([call for call in slack.calls if call.path.endswith("auth.revoke")]) == calls
    card = await browser.state(SLACK)
    assert ("Revoked" in card.said) is bool(calls)


def test_what_is_said_of_a_token_that_others_use():
    shared = Disconnected(label="Acme", still_in_use=True)
    assert "another connection uses the same account" in words.gone(shared, wanted=True)
    unknown = Disconnected(label="Acme", still_in_use=False, revocation="Slack did not answer.")
    assert words.gone(unknown) == "Acme is disconnected. Whether it is revoked is not known. Slack did not answer."


def test_the_form_to_the_vendor_is_the_browsers_own():
    text = str(consent.begin(PROVIDERS["slack"], "Connect to Slack", adds="yes", feature="send"))
    assert 'action:"/oauth/begin/slack"' in text
    assert "onSubmit" not in text


async def test_the_number_of_subscribers_is_on_the_card(hub: Hub, owner: Actor):
    await connections.connect(hub, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    assert (await status.card(hub, owner.workspace, "slack")).subscribers == 0
