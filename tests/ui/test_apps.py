"""The OAuth apps page: what it shows, what it does, and that nothing that is typed stays."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.services import status
from atlas_hub.services.access import Actor
from atlas_hub.ui.apps import Apps

ON, OFF = True, False
SECRET = "5a1ac0de" * 4
TYPED = {"_slug": "slack", "_name": "Acme's app", "client_id": "111.222", "secret_key": SECRET}


async def added(browser: Any, **more: str) -> Any:
    await browser.raise_event(Apps, "load")
    await browser.raise_event(Apps, "add", {**TYPED, **more})
    return await browser.state(Apps)


async def test_an_app_is_added_and_its_secret_is_nowhere(hub: Hub, door: Any, browser: Any):
    typed = dict(TYPED)
    await browser.raise_event(Apps, "load")
    await browser.raise_event(Apps, "add", typed)
    page = await browser.state(Apps)
    assert typed == {}
    assert (page.said, page.errors) == ("Acme's app is stored.", {})
    (row,) = page.apps["slack"]
    assert (row[1], row[3], row[7], row[8], row[9]) == ("Acme's app", "111.222", "", "0", "yes")
    assert SECRET.encode() not in pickle.dumps(page)
    assert page.redirects["slack"].endswith("/oauth/callback/slack")
    assert page.chat_redirect.endswith("/v1/integrations/chat/oauth/callback")


@pytest.mark.parametrize(
    ("more", "field"),
    [({"_name": " "}, "name"), ({"client_id": "two words"}, "client_id"), ({"secret_key": ""}, "secret_key")],
)
async def test_what_is_wrong_is_said_at_its_field(hub: Hub, door: Any, browser: Any, more: dict[str, str], field: str):
    page = await added(browser, **more)
    assert set(page.errors) == {f"slack.{field}"}
    assert page.apps["slack"] == []


async def test_an_app_used_on_the_page_offers_the_consent(hub: Hub, door: Any, browser: Any, owner: Actor):
    page = await added(browser)
    app = page.apps["slack"][0][0]
    await browser.raise_event(Apps, "use", "slack", app, ON)
    assert page.apps["slack"][0][7] == "yes"
    card = await status.card(hub, owner.workspace, "slack")
    assert card.consent is not None
    assert (card.consent.offered, card.consent.app, card.consent.client_id) == (True, "Acme's app", "111.222")
    await browser.raise_event(Apps, "use", "slack", app, OFF)
    assert page.apps["slack"][0][7] == ""


async def test_an_app_is_renamed_given_another_secret_and_deleted(hub: Hub, door: Any, browser: Any):
    page = await added(browser)
    app = page.apps["slack"][0][0]
    before = page.apps["slack"][0][4]
    await browser.raise_event(Apps, "rename", {"_slug": "slack", "_app": app, "name": "Ours"})
    assert page.apps["slack"][0][1] == "Ours"
    await browser.raise_event(Apps, "replace", {"_slug": "slack", "_app": app, "secret_key": "0123456789abcdef9876"})
    assert page.apps["slack"][0][4] != before
    await browser.raise_event(Apps, "replace", {"_slug": "slack", "_app": app, "secret_key": ""})
    assert set(page.errors) == {f"{app}.secret_key"}
    await browser.raise_event(Apps, "delete", {"_slug": "slack", "_app": app})
    assert (page.apps["slack"], page.said) == ([], "The app is deleted.")
    await browser.raise_event(Apps, "delete", {"_slug": "slack", "_app": app})
    assert "no such OAuth app" in page.errors[f"{app}."]


async def test_the_operators_app_is_named(hub: Hub, door: Any, browser: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLACK_CLIENT_ID", "111.222")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", SECRET)
    await browser.raise_event(Apps, "load")
    page = await browser.state(Apps)
    assert page.given["slack"] == "The operator gave an app. 0 connections depend on it."
    assert page.variables["slack"] == ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"]


async def test_members_see_no_apps(hub: Hub, door: Any, browser: Any, member: Actor):
    await added(browser)
    door.actor = member
    await browser.raise_event(Apps, "load")
    page = await browser.state(Apps)
    assert (page.apps, page.loaded) == ({}, True)
    assert "owners and admins" in page.refused


async def test_mail_is_no_app(hub: Hub, door: Any, browser: Any):
    await browser.raise_event(Apps, "load")
    await browser.raise_event(Apps, "delete", {"_slug": "email", "_app": "0" * 24})
    assert (await browser.state(Apps)).errors == {f"{'0' * 24}.": "There is no such provider."}
