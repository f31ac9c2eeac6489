"""The Subscribers page: what applications connected for their people, found, and ended by an admin alone."""

from __future__ import annotations

from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services import channel_connections, channel_endpoints, oauth_apps, status, subscribers
from atlas_hub.services.access import ADMINS_ALONE, Actor
from atlas_hub.services.channel_connections import Auth, NewConnection, Place
from atlas_hub.services.channel_endpoints import NewEndpoint
from atlas_hub.ui.guard import Tab
from atlas_hub.ui.subscribers import Subscribers

AT = "/admin/integrations/subscribers"


async def made(hub: Hub, owner: Actor, number: int = 2) -> None:
    """An app of Slack's with connections of subscribers, and an endpoint."""
    app = await oauth_apps.add(hub, owner, "slack", "Shop", {"client_id": "111.222", "secret_key": "5a1ac0de" * 4})
    for each in range(number):
        await subscribers.create(hub, owner, f"user-{each}", {})
        new = NewConnection(
            integration=app.identifier,
            place=Place(id=f"T0{each}", name=f"Team {each}"),
            auth=Auth(access_token=Secret(f"xoxb-{each}-fake-fake-fake-fake")),
            identifier=f"conn-{each}",
            subscriber=f"user-{each}",
        )
        await channel_connections.create(hub, owner, new)
    end = NewEndpoint(
        subscriber="user-0", integration=app.identifier, type="slack_channel", endpoint={"channelId": "C0GENERAL"},
        identifier="end-0", connection="conn-0", may_make_subscriber=True,
    )  # fmt: skip
    await channel_endpoints.create(hub, owner, end)


async def shown(browser: Any, query: str = "") -> Any:
    browser.go(f"{AT}?{query}" if query else AT)
    await browser.raise_event(Subscribers, "load")
    return await browser.state(Subscribers)


async def test_it_begins_empty(hub: Hub, door: Any, browser: Any):
    page = await shown(browser)
    assert (page.rows, page.loaded, page.may_change) == ([], True, True)


async def test_connections_and_endpoints_are_listed_newest_first(hub: Hub, door: Any, browser: Any, owner: Actor):
    await made(hub, owner)
    page = await shown(browser)
    assert [row[2] for row in page.rows] == ["end-0", "conn-1", "conn-0"]
    kinds = [(row[1], row[3], row[5], row[6]) for row in page.rows]
    assert kinds[2] == ("connection", "user-0", "Slack", "Shop")
    assert kinds[0][:2] == ("endpoint", "user-0")
    assert "xoxb" not in str(page.dict())
    assert (await status.card(hub, owner.workspace, "slack")).subscribers == 2


async def test_the_address_narrows_it(hub: Hub, door: Any, browser: Any, owner: Actor):
    await made(hub, owner)
    assert [row[2] for row in (await shown(browser, "search=user-1")).rows] == ["conn-1"]
    assert len((await shown(browser, "provider=slack")).rows) == 3
    assert (await shown(browser, "provider=discord")).rows == []
    assert (await shown(browser, "provider=nope")).provider == ""


async def test_long_lists_have_pages(hub: Hub, door: Any, browser: Any, owner: Actor, monkeypatch: Any):
    monkeypatch.setattr("atlas_hub.ui.subscribers.ON_PAGE", 2)
    await made(hub, owner)
    page = await shown(browser)
    assert len(page.rows) == 2
    assert "after=" in page.older
    page = await shown(browser, page.older.partition("?")[2])
    assert [row[2] for row in page.rows] == ["conn-0"]
    assert page.older == ""
    assert page.newest


async def test_an_admin_revokes(hub: Hub, door: Any, browser: Any, owner: Actor):
    await made(hub, owner)
    page = await shown(browser)
    await browser.raise_event(Subscribers, "revoke", {"kind": "connection", "identifier": "conn-0"})
    assert page.said == "conn-0 is deleted."
    assert [row[2] for row in page.rows] == ["conn-1"]
    await browser.raise_event(Subscribers, "revoke", {"kind": "connection", "identifier": "conn-0"})
    assert page.problem


async def test_a_member_sees_the_list_and_ends_nothing(hub: Hub, door: Any, browser: Any, owner: Actor, member: Actor):
    await made(hub, owner)
    door.actor = member
    page = await shown(browser)
    assert (len(page.rows), page.may_change) == (3, False)
    await browser.raise_event(Subscribers, "revoke", {"kind": "connection", "identifier": "conn-0"})
    assert (await browser.state(Tab)).notice == ADMINS_ALONE
    assert len((await shown(browser)).rows) == 3
