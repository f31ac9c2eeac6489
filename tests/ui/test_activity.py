"""The Activity page: its words, what it shows whom, and that its address decides what."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from atlas_hub.accounts.frame import frame
from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor
from atlas_hub.storage import audit
from atlas_hub.ui import activity, events
from atlas_hub.ui.activity import Activity
from atlas_hub.ui.guard import Tab

ROUTE = "/admin/integrations/activity"
CODE = Path(activity.__file__).parents[1]


def kinds_written() -> set[str]:
    """Every kind that the code writes into the audit log: what `append(kind=…)` and `note(…)` are given."""
    found: set[str] = set()
    for path in CODE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            told: list[ast.expr] = []
            if name == "append":
                told = [each.value for each in call.keywords if each.arg == "kind"]
            elif name in {"note", "_note"}:
                told = call.args
            told = [constants.get(each.id, each) if isinstance(each, ast.Name) else each for each in told]
            found |= {value for each in told for value in _texts(each) if value}
    return found


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def event(**more: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
    return {
        "id": "e" * 24, "at": at, "seq": 1, "kind": "checked", "actor": "ana@example.com", "provider": "slack",
        "subject": "s" * 24, "result": "ok", "detail": {}, **more,
    }  # fmt: skip


def test_every_kind_that_is_written_has_words_and_no_other():
    written = kinds_written()
    assert {"connected", "reconnected", "used", "user_enabled", "signed_in", "checked"} <= written
    assert written == set(events.KINDS)
    assert all(text[0].isupper() and not text.endswith(".") for text in events.KINDS.values())


def test_an_event_that_cannot_be_read_is_a_row_that_says_so():
    told = events.row(event(kind="unreadable", at=None, seq=7, actor="", provider="", subject="", result="failed"), {})
    assert told[1:] == [
        "", "", "An event that cannot be read any more", "", "",
        "It is event 7: `atlas-hub audit verify` tells of it.", "failed",
    ]  # fmt: skip
    assert events.more(event(kind="used", detail={"times": 2})) == "times: 2"


def test_a_kind_that_nobody_knows_is_still_said():
    assert events.kind(event(kind="something_new")) == "Something new"


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, ["ana@example.com", "Checked the connection", "Slack", "Acme", "", ""]),
        ({"result": "failed", "detail": {"code": "AUTH_EXPIRED"}},
         ["ana@example.com", "Checked the connection", "Slack", "Acme", "reason: auth expired", "failed"]),
        ({"subject": "gone", "kind": "disconnected", "detail": {"label": "Old", "account": "Acme Corp"}},
         ["ana@example.com", "Disconnected", "Slack", "Acme Corp", "", ""]),
        ({"kind": "used", "actor": "hub", "detail": {"minute": "2026-03-31T11:59:00.000Z", "times": 3}},
         ["Atlas Hub", "Used the stored credentials", "Slack", "Acme", "3 times in the minute of 11:59 UTC", ""]),
        ({"kind": "key_created", "provider": "", "subject": "k", "detail": {"name": "CI", "apis": ["admin", "chat"]}},
         ["ana@example.com", "Made an API key", "", "CI", "for: admin, chat", ""]),
        ({"kind": "signed_in", "provider": "", "subject": "ana@example.com", "actor": "command line"},
         ["The command line", "Signed in", "", "ana@example.com", "", ""]),
        ({"detail": {"verified": True, "was": "A_b"}, "provider": "unheard"},
         ["ana@example.com", "Checked the connection", "unheard", "Acme", "verified: yes; before: A_b", ""]),
    ],
)  # fmt: skip
def test_an_event_is_told_in_an_admins_words(more: dict[str, Any], shown: list[str]):
    row = events.row(event(**more), {"s" * 24: "Acme"})
    assert row == ["e" * 24, "2026-03-31T12:00:00.000Z", *shown]


async def noted(hub: Hub, workspace: str, times: int = 1, **more: Any) -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace)
        for _ in range(times):
            told = {"kind": "checked", "actor": "ana@example.com", "at": hub.now(), "provider": "slack"} | more
            await audit.append(tx, head, **told)


async def shown(browser: Any, address: str = ROUTE) -> Any:
    browser.go(address)
    await browser.raise_event(Activity, "load")
    return await browser.state(Activity)


async def test_pages_are_led_to_and_back_with_the_same_filters(hub: Hub, door: Any, browser: Any, owner: Actor):
    await noted(hub, owner.workspace, 120)
    await noted(hub, owner.workspace, 30, kind="renamed", provider="teams")
    state = await shown(browser, f"{ROUTE}?kind=checked&actor=ANA")
    assert (len(state.rows), state.newer, state.kind, state.actor) == (50, "", "checked", "ANA")
    older = await shown(browser, state.older)
    assert (len(older.rows), older.kind) == (50, "checked")
    last = await shown(browser, older.older)
    assert (len(last.rows), last.older) == (20, "")
    back = await shown(browser, last.newer)
    assert len(back.rows) == 50
    assert parse_qs(urlsplit(back.older).query)["kind"] == ["checked"]
    first = await shown(browser, back.newer)
    assert (len(first.rows), first.newer) == (50, "")


async def test_the_files_have_the_same_filters(hub: Hub, door: Any, browser: Any, owner: Actor):
    await noted(hub, owner.workspace)
    state = await shown(browser, f"{ROUTE}?kind=checked&actor=a%26b&before=5")
    assert parse_qs(urlsplit(state.csv).query) == {"format": ["csv"], "kind": ["checked"], "actor": ["a&b"]}
    assert parse_qs(urlsplit(state.jsonl).query)["format"] == ["jsonl"]


@pytest.mark.parametrize("query", ["kind=../x&result=maybe", "before=x&after=99999999999", "before=1", "actor=%00"])
async def test_an_address_that_means_nothing_shows_everything(
    hub: Hub, door: Any, browser: Any, owner: Actor, query: str
):
    await noted(hub, owner.workspace, 2)
    state = await shown(browser, f"{ROUTE}?{query}")
    assert (len(state.rows), state.kind, state.result, state.actor) == (2, "", "", "")


async def test_what_is_chosen_becomes_the_address(hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(activity.PAGE, "route", ROUTE)
    await shown(browser)
    typed = {"kind": "checked", "provider": "", "actor": " ana ", "result": "", "other": "x"}
    said = await browser.raise_event(Activity, "narrow", typed)
    assert f"{ROUTE}?kind=checked&actor=ana" in str(said)


async def test_a_member_is_told_calmly_and_shown_nothing(
    hub: Hub, door: Any, browser: Any, owner: Actor, member: Actor
):
    await noted(hub, owner.workspace)
    assert (await shown(browser)).rows
    door.actor = member
    state = await shown(browser)
    assert (state.rows, state.csv, state.refused) == ([], "", activity.MEMBERS)


async def test_another_workspaces_events_are_not_shown(
    hub: Hub, door: Any, browser: Any, other_owner: Actor, owner: Actor
):
    await noted(hub, owner.workspace)
    door.actor = other_owner
    assert (await shown(browser)).rows == []


async def test_nothing_stays_for_who_comes_next(hub: Hub, door: Any, browser: Any, owner: Actor):
    await noted(hub, owner.workspace)
    state = await shown(browser)
    door.actor = None
    await browser.raise_event(Activity, "load")
    assert (state.rows, state.loaded, state.csv) == ([], False, "")


async def test_a_database_that_does_not_answer_is_told_with_a_way_to_try_again(
    hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: Any, **__: Any) -> None:
        raise OSError("down")

    monkeypatch.setattr(activity.activity, "listed", broken)
    state = await shown(browser)
    assert not state.loaded
    assert "Retry" in (await browser.state(Tab)).trouble


async def test_without_a_database_the_page_says_so(hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(activity, "hub", lambda: replace(hub, _db=None))
    state = await shown(browser)
    assert state.loaded
    assert "no internal database" in state.refused


def test_the_page_is_a_real_table_in_the_frame_and_light():
    made = activity.at(ROUTE.removesuffix("/activity"), frame)()
    text = str(made)
    for part in ('"caption"', '"th"', 'scope:"col"', "Activity", "Integrations", "aria-current", "download"):
        assert part in text
    libraries = set(made._get_all_imports())
    assert not [name for name in libraries if "radix" in name or "sonner" in name or "lucide" in name]
