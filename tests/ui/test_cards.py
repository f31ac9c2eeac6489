"""What a card's state holds, what it shows of each state, and what it does."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PARTS
from atlas_hub.services.access import Actor
from atlas_hub.services.status import Mode
from atlas_hub.services.views import CardView, ConnectionView, Other, State
from atlas_hub.storage.models import AuditEvent
from atlas_hub.ui import showing, words
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.page import Page

SLACK = CARDS["slack"]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACME = "xoxb-111111111111-222222222222-AFAKE0AFAKE0AFAKE0AFAKE0"
BETA = "xoxb-111111111111-222222222222-BFAKE0BFAKE0BFAKE0BFAKE0"
WRONG = "xoxb-111111111111-222222222222-WFAKE0WFAKE0WFAKE0WFAKE0"

BETA_STORED = Other(id="1" * 24, label="Beta", account="beta.slack.com", state=State.RECONNECT)

VARS = {
    "mode", "state", "badge", "tone", "reason", "connection", "label", "account", "method", "details", "truths",
    "masks", "others", "granted", "missing", "options", "by", "at", "expires", "busy", "ladder", "errors", "present",
    "proven", "silent", "said", "tested", "receipt", "tried", "form", "needs", "hint", "variables", "fallback",
    "falls_back", "until", "offers", "app", "client_id", "failed", "done", "question", "by_consent", "features", "told",
    "extra", "lacks", "needed", "subscribers", "suggested", "scrape", "destination", "invite", "newer",
}  # fmt: skip


def view(state: State = State.OK, *, checked: datetime = NOW, **given: Any) -> CardView:
    checks = {"authenticated": {"status": "yes", "at": iso(checked), "proof": "Slack accepted it as Acme."}}
    connection = ConnectionView(
        id="0" * 24, provider="slack", method="bot_token", method_label="Bot token", label="Acme", account="Acme",
        details=(("Workspace", "Acme"), ("Team ID", "T1")), wire={}, options={}, masks={"bot_token": "••••7890"},
        waiting={}, destination={},
        state=state, reason="", checks=checks, granted=("chat:write",), missing=(), extra=(),
        features=("send",), by_consent=False, source="page", primary=True,
        connected_at=NOW, connected_by="ana@example.com", expires_at=None,
    )  # fmt: skip
    return CardView(provider="slack", key="slack", mode=Mode.CONNECTED.value, connection=connection, **given)


@pytest.mark.parametrize("slug", CARDS)
def test_a_card_has_these_vars_and_no_other(slug: str):
    kind = CARDS[slug]
    assert set(kind.base_vars) == VARS
    assert set(kind.computed_vars) == set()
    own = {name for name, field in kind.__fields__.items() if field._owner is kind}
    assert own == VARS  # none with an underscore either


@pytest.mark.parametrize("slug", CARDS)
def test_no_var_is_typed_or_valued_with_a_secret(slug: str):
    for name in VARS:
        field = CARDS[slug].__fields__[name]
        assert "Secret" not in str(field.annotated_type)
        assert not isinstance(field.default_value(), Secret)


def test_cards_are_named_after_their_providers():
    names = ["".join(word.title() for word in key.split("_")) + "Card" for key in PARTS]
    assert [kind.__name__ for kind in CARDS.values()] == names
    assert [kind.provider for kind in CARDS.values()] == list(PARTS.values())
    assert CARDS["new_relic"].__name__ == "NewRelicCard"
    assert CARDS["teams_alerts"].__name__ == "TeamsAlertsCard"


@pytest.mark.parametrize(
    ("state", "word", "tone"),
    [
        (State.OK, "Connected", "good"),
        (State.EXPIRING, "Expires soon", "attention"),
        (State.DEGRADED, "Works with limits", "attention"),
        (State.UNVERIFIED, "Not proven yet", "attention"),
        (State.UNREACHABLE, "No answer", "attention"),
        (State.RECONNECT, "Reconnect needed", "broken"),
        (State.MISCONFIGURED, "Fix settings", "broken"),
        (State.LOCKED, "Locked", "broken"),
        (State.PAUSED, "Paused", "off"),
        (State.UNINSTALLED, "Uninstalled", "broken"),
    ],
)
async def test_each_state_has_its_word_and_its_meaning(browser: Any, state: State, word: str, tone: str):
    card = await browser.state(SLACK)
    showing.show(card, view(state), NOW)
    assert (card.badge, card.tone, card.state, card.mode) == (word, tone, state.value, "connected")


def test_every_state_has_a_word():
    assert set(words.BADGES) == set(State)
    assert {*words.MODES, Mode.CONNECTED.value} == {*(mode.value for mode in Mode), words.LOADING}


@pytest.mark.parametrize(("hours", "word"), [(11, "Connected"), (13, "Not checked lately")])
async def test_an_old_green_turns_grey(browser: Any, hours: int, word: str):
    card = await browser.state(SLACK)
    showing.show(card, view(checked=NOW - timedelta(hours=hours)), NOW)
    assert card.badge == word


async def test_a_card_without_a_default_says_what_is_stored(browser: Any):
    card = await browser.state(SLACK)
    showing.show(card, CardView(provider="slack", key="slack", mode="no_default", others=(BETA_STORED,)), NOW)
    assert card.reason == "No default. 1 other Slack connection is stored."
    assert card.others == [["1" * 24, "Beta", "beta.slack.com", "Reconnect needed", "broken"]]
    assert card.needs


async def test_only_what_differs_is_sent(browser: Any):
    card = await browser.state(SLACK)
    showing.show(card, view(), NOW)
    card._clean()
    showing.show(card, view(), NOW)
    assert card.dirty_vars == set()
    showing.show(card, view(State.RECONNECT), NOW)
    assert card.dirty_vars == {"state", "badge", "tone", "needs"}


async def test_a_card_comes_back_from_a_pickle_as_it_was(browser: Any):
    card = await browser.state(SLACK)
    showing.show(card, view(), NOW)
    again = pickle.loads(pickle.dumps(card))  # noqa: S301  # our own
    assert {name: getattr(again, name) for name in VARS} == {name: getattr(card, name) for name in VARS}


async def test_connecting_shows_the_account_and_keeps_no_secret(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    typed = {"_method": "bot_token", "bot_token": ACME}
    await browser.raise_event(SLACK, "connect", typed)
    card = await browser.state(SLACK)
    assert (card.mode, card.account, card.busy, card.errors) == ("connected", "Acme Corp", "", {})
    assert card.said.startswith("Slack accepted it: this is Acme Corp.")
    assert typed == {}
    for kind in CARDS.values():
        assert ACME.encode() not in pickle.dumps(await browser.state(kind))


async def test_what_was_done_has_the_reference_of_its_event_in_the_audit_log(
    hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
):
    await browser.raise_event(Page, "load")
    monkeypatch.setattr(words, "reference", lambda: "0f1e2d3c")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    async with hub.db.reading() as tx:
        found = [
            event.request_id for (event,) in await tx.execute(select(AuditEvent).where(AuditEvent.kind == "connected"))
        ]
    assert found == ["0f1e2d3c"]


async def test_a_refusal_stands_at_its_field_and_the_next_try_succeeds(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": WRONG})
    card = await browser.state(SLACK)
    assert set(card.errors) == {"bot_token.bot_token"}
    assert WRONG not in str(card.dict())
    assert card.ladder[-1][1] == "no"
    assert (card.mode, card.busy) == ("form", "")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    assert (card.mode, card.errors, card.ladder) == ("connected", {}, [])


async def test_a_missing_field_is_named(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ""})
    assert set((await browser.state(SLACK)).errors) == {"bot_token.bot_token"}


async def test_another_account_is_asked_about_by_both_names(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": BETA})
    card = await browser.state(SLACK)
    assert (card.present, card.proven, card.account) == ("Acme Corp", "Beta Inc", "Acme Corp")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": BETA, "_mode": "add"})
    assert (card.account, [other[1] for other in card.others], card.proven) == ("Acme Corp", ["Beta Inc"], "")


async def test_disconnecting_promotes_whom_the_admin_chose(hub: Hub, door: Any, browser: Any):
    await test_another_account_is_asked_about_by_both_names(hub, door, browser)
    card = await browser.state(SLACK)
    await browser.raise_event(SLACK, "disconnect", {"promote": card.others[0][0]})
    assert (card.account, card.others) == ("Beta Inc", [])
    assert card.said == "Acme Corp is disconnected. Beta Inc is the default now."
    await browser.raise_event(SLACK, "disconnect", {})
    assert card.mode == "form"


async def test_making_default_after_a_disconnect_without_heir(hub: Hub, door: Any, browser: Any):
    await test_another_account_is_asked_about_by_both_names(hub, door, browser)
    card = await browser.state(SLACK)
    await browser.raise_event(SLACK, "disconnect", {"promote": ""})
    assert card.mode == "no_default"
    await browser.raise_event(SLACK, "make_default", card.others[0][0])
    assert (card.mode, card.account) == ("connected", "Beta Inc")


async def test_a_test_message_shows_receipt_or_reason(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    card = await browser.state(SLACK)
    await browser.raise_event(SLACK, "send_test", {"to": "C0NOWHERE"})
    assert card.tested == "no"
    await browser.raise_event(SLACK, "send_test", {"to": ""})
    assert set(card.errors) == {"test.to"}
    await browser.raise_event(SLACK, "send_test", {"to": "C0GENERAL"})
    assert card.tested == "yes"
    assert card.truths[3][0] == "yes"


async def test_a_busy_card_does_nothing_twice(hub: Hub, door: Any, browser: Any, slack: Any):
    from atlas_hub.ui import working

    await browser.raise_event(Page, "load")
    card = await browser.state(SLACK)
    place = (card.router.session.client_token, "slack")
    working.at_work.add(place)
    try:
        await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": ACME})
    finally:
        working.at_work.discard(place)
    assert slack.calls == []


async def test_a_card_left_busy_by_a_crash_is_free_after_a_load(hub: Hub, door: Any, browser: Any):
    card = await browser.state(SLACK)
    card.busy = "connect"
    await browser.raise_event(Page, "load")
    assert card.busy == ""


@pytest.mark.parametrize(
    ("path", "drawer", "unknown"),
    [
        ("/admin/integrations", "", ""),
        ("/admin/integrations/", "", ""),
        ("/admin/integrations/slack", "slack", ""),
        ("/admin/integrations/slack/", "slack", ""),
        ("/admin/integrations/nope", "", "nope"),
    ],
)
async def test_the_address_opens_the_drawer(
    hub: Hub, door: Any, browser: Any, path: str, drawer: str, unknown: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("atlas_hub.ui.page._route", ["/admin/integrations"])
    browser.go(path)
    await browser.raise_event(Page, "load")
    page = await browser.state(Page)
    assert (page.drawer, page.unknown) == (drawer, unknown)


async def test_a_member_sees_the_page_without_buttons(hub: Hub, door: Any, browser: Any, member: Actor):
    door.actor = member
    await browser.raise_event(Page, "load")
    page = await browser.state(Page)
    assert (page.loaded, page.may_change) == (True, False)


async def test_a_locked_vault_is_said(hub: Hub, door: Any, browser: Any):
    hub.vault.lock("The key is gone. Put it back.")
    await browser.raise_event(Page, "load")
    assert (await browser.state(Page)).locked == "The key is gone. Put it back."
