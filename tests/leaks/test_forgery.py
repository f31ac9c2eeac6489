"""What an attacker would try on a browser, its cookies and its forms; each test was a hole once, or would be."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from atlas_hub import api
from atlas_hub.accounts import actors, models, people, sessions, sign_in, workspaces
from atlas_hub.accounts.routes import transformer
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound
from atlas_hub.services import api_keys, connections
from atlas_hub.services.access import Actor, Role
from atlas_hub.storage import connections as stored
from tests.accounts.browser import quick_hashes
from tests.standins.slack_seed import ACME

__all__ = ["quick_hashes"]

ADMIN = "/api/v1/admin/integrations"
PASSWORD = "four unrelated words"


async def connected(hub: Hub, who: Actor, token: str = ACME) -> str:
    """The id of a connection of theirs."""
    given = {"bot_token": token}
    return (await connections.connect(hub, who, "slack", "bot_token", given, source="page")).view.id


class Doors:
    """The sign-in pages and the API in front of an app, and browsers before them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        inner = api.transformer("atlas_hub.accounts.actors")(Starlette())
        self._transport = httpx.ASGITransport(app=transformer(inner), client=("203.0.113.7", 1234))

    def browser(self, cookie: str = "") -> httpx.AsyncClient:  # noqa: TID251  # this one asks our own app
        headers = {"Cookie": cookie} if cookie else {}
        return httpx.AsyncClient(  # noqa: TID251  # same
            transport=self._transport, base_url="http://localhost:3000", headers=headers
        )


@pytest.fixture
def doors(hub: Hub) -> Doors:
    return Doors(hub)


async def signed_in(hub: Hub, name: str = "Acme") -> tuple[str, str, Actor]:
    """An owner's session: token, user id, actor."""
    email = f"{name.lower()}@example.com"
    home = await workspaces.create(hub, name)
    user, _ = await people.create(hub, email=email, password=PASSWORD, role=Role.OWNER, workspace=home.id)
    token = await sign_in.sign_in(hub, email=email, password=PASSWORD, address="203.0.113.7")
    who = await sessions.actor_of(hub, token)
    assert who is not None
    return token, user.id, who


async def test_a_disabled_user_a_removed_member_and_an_ended_session_are_nobody_at_once(hub: Hub, doors: Doors):
    for how in ("disabled", "removed", "ended", "workspace deleted"):
        token, user_id, who = await signed_in(hub, how.partition(" ")[0])
        async with doors.browser(f"atlas_session={token}") as browser:
            assert (await browser.get(f"{ADMIN}/status")).status_code == 200
            match how:
                case "disabled":
                    await people.set_disabled(hub, user_id, disabled=True)
                case "removed":
                    async with hub.db.transaction() as tx:
                        await tx.delete(await tx.get(models.Membership, (who.workspace, user_id)))
                case "ended":
                    await sessions.end(hub, token)
                case _:
                    await workspaces.delete(hub, who.workspace)
            assert (await browser.get(f"{ADMIN}/status")).status_code == 401, how


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 403),
        ({"X-Atlas-CSRF": "1"}, 404),
        ({"X-Atlas-CSRF": "1", "Origin": "http://localhost:3000"}, 404),
        ({"X-Atlas-CSRF": "1", "Origin": "https://evil.example"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "null"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "http://localhost:8080"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "http://localhost:3000.evil.example"}, 403),
        ({"X-Atlas-CSRF": "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Atlas-CSRF": "1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Authorization": "Bearer nonsense-nonsense"}, 401),
        ({"Authorization": ""}, 401),
    ],
)
async def test_a_cookie_changes_something_only_for_our_own_page(
    hub: Hub, doors: Doors, headers: dict[str, str], expected: int
):
    token, _, _ = await signed_in(hub)
    async with doors.browser(f"atlas_session={token}") as browser:
        assert (await browser.delete(f"{ADMIN}/slack", headers=headers)).status_code == expected


@pytest.mark.parametrize(
    "cookies",
    ["atlas_session={0}; atlas_session={1}", "atlas_session={1}; atlas_session={0}",
     "__Host-atlas_session={0}; atlas_session={1}", 'atlas_session="{1}"', "atlas_session={1}\x7f",
     "ATLAS_SESSION={0}; atlas_session={1}"],
)  # fmt: skip
async def test_whatever_the_cookies_page_and_api_take_the_browser_for_the_same_person(
    hub: Hub, doors: Doors, cookies: str
):
    first, _, acme = await signed_in(hub, "Acme")
    second, _, _ = await signed_in(hub, "Beta")
    await connected(hub, acme)
    sent = cookies.format(first, second)
    state: Any = SimpleNamespace(router=SimpleNamespace(headers=SimpleNamespace(cookie=sent)))
    on_the_page = await actors.actor_of_state(state)
    async with doors.browser(sent) as browser:
        said = await browser.get(f"{ADMIN}/status")
    if on_the_page is None:
        assert said.status_code == 401
    else:
        assert said.json()["slack"]["connected"] is (on_the_page.workspace == acme.workspace)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:3000@evil.example", "evil.example:3000", "[::1]:3000", "a b", ""]
)
async def test_the_host_header_leads_nowhere(hub: Hub, doors: Doors, host: str):
    token, _, _ = await signed_in(hub)
    async with doors.browser() as browser:
        shown = await browser.get("/sign-in?next=/admin/integrations", headers={"Host": host})
        assert "evil.example" not in shown.text
        assert "evil.example" not in json.dumps(dict(shown.headers))
        browser.headers["Cookie"] = f"atlas_session={token}"
        went = await browser.get("/sign-in", headers={"Host": host})
        assert went.headers["location"] == "/admin/integrations"
        out = await browser.post("/sign-out", headers={"Host": host, "Origin": f"http://{host}"})
        assert out.status_code == (303 if host == "[::1]:3000" else 403)
        assert (await browser.get(f"{ADMIN}/status")).status_code == (401 if out.status_code == 303 else 200)


NEXT = ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "/%0d%0aSet-Cookie:x=1",
        "/a\r\nX: y", "/\t/evil.example", "javascript:alert(1)", " //evil.example",
        "/\u2028x", "///evil.example", "/\x00"]  # fmt: skip


@pytest.mark.parametrize("path", NEXT)
async def test_signing_in_leads_to_no_other_site_and_writes_no_header(hub: Hub, doors: Doors, path: str):
    token, _, _ = await signed_in(hub)
    async with doors.browser(f"atlas_session={token}") as browser:
        went = await browser.get("/sign-in", params={"next": path})
    assert went.status_code == 303
    assert went.headers["location"] in {"/admin/integrations", "/%0d%0aSet-Cookie:x=1"}
    assert went.headers.get("x") is None


async def test_signing_in_takes_no_session_that_the_browser_brought(hub: Hub, doors: Doors):
    await signed_in(hub)
    planted = sessions.new_token()
    async with doors.browser() as browser:
        browser.cookies.set("atlas_session", planted, domain="localhost.local")
        form = (await browser.get("/sign-in")).text.partition('name="form_token" value="')[2].partition('"')[0]
        fields = {"email": "acme@example.com", "password": PASSWORD, "form_token": form}
        done = await browser.post("/sign-in", data=fields)
        assert done.status_code == 303
        fresh = [each for each in done.headers.get_list("set-cookie") if each.startswith("atlas_session=")]
    assert len(fresh) == 1
    assert planted not in fresh[0]
    assert "HttpOnly" in fresh[0]
    assert await sessions.actor_of(hub, planted) is None


async def test_a_key_for_another_api_or_workspace_opens_nothing(hub: Hub, doors: Doors):
    _, _, acme = await signed_in(hub, "Acme")
    _, _, beta = await signed_in(hub, "Beta")
    await connected(hub, acme)
    chat = (await api_keys.create(hub, acme, role=Role.OWNER, apis=["chat"])).private_key.reveal()
    theirs = await api_keys.create(hub, beta, role=Role.OWNER)
    async with doors.browser() as browser:
        said = await browser.get(f"{ADMIN}/status", headers={"Authorization": f"Bearer {chat}"})
        assert said.status_code == 403
        bearer = {"Authorization": f"Bearer {theirs.private_key.reveal()}"}
        assert (await browser.get(f"{ADMIN}/status", headers=bearer)).json()["slack"]["connected"] is False
        assert (await browser.delete(f"{ADMIN}/slack", headers=bearer)).status_code == 404
        with pytest.raises(NotFound):
            await api_keys.revoke(hub, acme, theirs.view.id)
    async with hub.db.reading() as tx:
        assert await stored.primary_of(tx, acme.workspace, "slack:chat") is not None
