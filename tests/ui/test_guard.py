"""Every handler asks who raises the event, and denies in doubt."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import reflex as rx

from atlas_hub.accounts import frame
from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.findings import Area, Finding, Status
from atlas_hub.ui import guard
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.doctor import Doctor
from atlas_hub.ui.guard import MARK, Tab
from atlas_hub.ui.page import Page

SLACK = CARDS["slack"]
TOKEN = "xoxb-111111111111-222222222222-AFAKE0AFAKE0AFAKE0AFAKE0"


def states(kind: type = rx.State) -> Iterator[type]:
    for below in kind.get_substates():
        yield below
        yield from states(below)


OURS = sorted((kind for kind in states() if kind.__module__.startswith("atlas_hub")), key=lambda kind: kind.__name__)


def test_the_walk_finds_our_states():
    assert {Tab, Page, frame.Seated, *CARDS.values()} <= set(OURS)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_handler_is_guarded(kind: Any):
    own = {name: handler for name, handler in kind.event_handlers.items() if name != "setvar"}
    unguarded = [name for name, handler in own.items() if not hasattr(handler.fn, MARK)]
    assert unguarded == []


def test_the_verbs_of_a_card_are_for_admins_alone():
    levels = {name: getattr(each.fn, MARK) for name, each in SLACK.event_handlers.items() if name != "setvar"}
    verbs = ("begin", "connect", "check", "send_test", "rename", "make_default", "disconnect")
    verbs += ("adopt", "check_other", "disconnect_other", "dismiss", "answer", "switch", "take", "drop")
    assert levels == dict.fromkeys(verbs, "admin")


async def test_nobody_is_sent_to_sign_in_and_nothing_is_done(hub: Hub, door: Any, browser: Any, slack: Any):
    await browser.raise_event(Page, "load")
    door.actor = None
    browser.go("/admin/integrations/slack")
    answer = await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert "/sign-in?next=/admin/integrations/slack" in str(answer)
    assert slack.calls == []


async def test_a_tab_that_loads_without_anyone_shows_nothing_of_before(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Page, "load")
    card = await browser.state(SLACK)
    card.account = "Acme Corp"
    door.actor = None
    await browser.raise_event(Page, "load")
    assert (card.account, card.mode) == ("", "loading")


async def test_a_member_is_told_and_nothing_is_done(hub: Hub, door: Any, browser: Any, member: Actor, slack: Any):
    door.actor = member
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert (await browser.state(Tab)).notice == guard.ADMINS_ALONE
    assert slack.calls == []


async def test_a_check_that_raises_denies(
    hub: Hub, door: Any, browser: Any, slack: Any, caplog: pytest.LogCaptureFixture
):
    await browser.raise_event(Page, "load")
    door.fault = RuntimeError("no database")
    with caplog.at_level(logging.ERROR):
        await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    trouble = (await browser.state(Tab)).trouble
    assert "could not be checked" in trouble
    assert "no database" not in trouble
    assert [record.getMessage().split()[-1].strip(".") in trouble for record in caplog.records] == [True]
    assert slack.calls == []
    door.fault = None
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert (await browser.state(SLACK)).account == "Acme Corp"


async def test_a_page_of_another_workspace_is_refused_and_loaded_again(
    hub: Hub, door: Any, browser: Any, other_owner: Actor, slack: Any
):
    await browser.raise_event(Page, "load")
    door.actor = other_owner
    answer = await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert "reload" in str(answer)
    assert slack.calls == []
    await browser.raise_event(Page, "load")
    await browser.raise_event(SLACK, "check")
    assert (await browser.state(Tab)).notice == ""


async def test_an_event_before_any_load_is_refused(hub: Hub, door: Any, browser: Any, slack: Any):
    answer = await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert "reload" in str(answer)
    assert slack.calls == []


async def test_events_are_limited_for_each_actor(hub: Hub, door: Any, browser: Any, member: Actor):
    await browser.raise_event(Page, "load")
    for _ in range(hub.settings.rate_limit_rpm):
        await browser.raise_event(Tab, "dismiss")
    await browser.raise_event(Tab, "dismiss")
    assert "Wait a little" in (await browser.state(Tab)).notice
    door.actor = replace(member, role=Role.ADMIN)
    await browser.raise_event(Tab, "dismiss")
    assert (await browser.state(Tab)).notice == ""


async def test_a_fault_nobody_foresaw_shows_a_reference_alone(
    hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def broken(*_: Any, **__: Any) -> None:
        raise ValueError("postgresql://secret@host")

    await browser.raise_event(Page, "load")
    with monkeypatch.context() as patch:
        patch.setattr("atlas_hub.services.connections.connect", broken)
        with caplog.at_level(logging.ERROR):
            await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    notice = (await browser.state(Tab)).notice
    assert "secret@host" not in notice
    assert any(word.strip(".") in notice for word in caplog.records[0].getMessage().split()[-1:])
    assert (await browser.state(SLACK)).busy == ""
    await browser.raise_event(SLACK, "connect", {"_method": "bot_token", "bot_token": TOKEN})
    assert (await browser.state(SLACK)).mode == "connected"


async def test_what_a_tab_showed_to_one_person_it_shows_to_no_other_of_the_workspace(
    hub: Hub, door: Any, browser: Any, member: Actor
):
    await browser.raise_event(Page, "load")
    page, tab = await browser.state(Page), await browser.state(guard.Tab)
    assert (page.loaded, page.may_change) == (True, True)
    hydration = SimpleNamespace(name="reflex___state____state.hydrate_and_load")
    await guard.Strangers().preprocess(None, browser.root, hydration)
    assert page.loaded  # the same person, whose socket was lost
    door.actor = member
    await guard.Strangers().preprocess(None, browser.root, hydration)
    assert (page.loaded, page.may_change, tab._workspace) == (False, False, "")
    answer = await browser.raise_event(Page, "load")
    assert (answer, page.loaded, page.may_change) == (None, True, False)


async def test_a_page_that_moves_on_for_another_person_is_blanked_and_loaded_anew(
    hub: Hub, door: Any, browser: Any, member: Actor
):
    await browser.raise_event(Page, "load")
    found = await browser.state(Doctor)
    found.said = "1 step failed, 0 warnings."
    door.actor = member
    assert "reload" in str(await browser.raise_event(Page, "load"))
    assert found.said == ""


async def test_a_doctor_that_is_done_after_its_admin_left_tells_nobody(
    hub: Hub, door: Any, browser: Any, member: Actor, monkeypatch: pytest.MonkeyPatch
):
    await browser.raise_event(Doctor, "load")

    async def run(*_: Any) -> list[Finding]:
        door.actor = member
        return [Finding(area=Area.CONNECTION, subject="Slack: Acme", step="dns", status=Status.OK, text="Found.")]

    monkeypatch.setattr("atlas_hub.services.doctor.run", run)
    await browser.raise_event(Doctor, "run")
    found = await browser.state(Doctor)
    assert (found.subjects, found.steps, found.busy) == ([], {}, False)
