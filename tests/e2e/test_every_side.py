"""One store, seen from every side: what one door does shows at all the others, the page included, at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from tests.e2e.browsing import card, connect, drawer, shows
from tests.e2e.people import API, Place
from tests.standins.slack_seed import ATLAS_APP, ATLAS_SECRET

pytestmark = pytest.mark.e2e

TOKEN = "Bot User OAuth Token"
ADMIN, CONNECTIONS, CHAT = API, "/api/connections", "/v1/integrations"


@dataclass
class Doors:
    """The four APIs of a workspace, each by a client of its own over real HTTP."""

    place: Place
    groups: httpx.Client
    connections: httpx.Client
    chat: httpx.Client
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def admin(self) -> httpx.Client:
        """The client of the admin API."""
        return self.place.rest

    def group(self, kind: str = "") -> str:
        """The address of the group's configurations, or of one."""
        return f"/api/atlas/v1.0/groups/{self.place.id}/integrations" + (f"/{kind}" if kind else "")

    def configured(self) -> list[str]:
        """The types that the groups API lists."""
        return [each["type"] for each in self.groups.get(self.group()).raise_for_status().json()["results"]]

    def named(self) -> dict[str, dict[str, Any]]:
        """What the connections API lists, by id."""
        return {each["id"]: each for each in self.connections.get(CONNECTIONS).raise_for_status().json()}

    def apps(self) -> list[dict[str, Any]]:
        """What the chat API lists as integrations."""
        found: list[dict[str, Any]] = self.chat.get(CHAT).raise_for_status().json()["data"]
        return found

    def slack(self) -> dict[str, Any]:
        """What the admin API says of Slack."""
        told: Any = self.place.status()["slack"]
        return dict(told)


@pytest.fixture
def doors(place: Place) -> Iterator[Doors]:
    """Every API of the workspace."""

    async def make(hub: Hub) -> tuple[str, str]:
        actor = Actor(id="e2e", name="e2e", workspace=place.id, role=Role.OWNER)
        key = await api_keys.create(hub, actor, role=Role.ADMIN)
        return key.view.public_key, key.private_key.reveal()

    public, private = place.inside.do(make)
    base = place.site.base.replace("localhost", "127.0.0.1")

    def client(**more: Any) -> httpx.Client:
        return httpx.Client(base_url=base, timeout=20, trust_env=False, **more)

    found = Doors(
        place,
        groups=client(auth=httpx.DigestAuth(public, private)),
        connections=client(headers={"Authorization": f"Bearer {private}"}),
        chat=client(headers={"Authorization": f"ApiKey {private}"}),
    )
    yield found
    for each in (found.groups, found.connections, found.chat):
        each.close()


@pytest.fixture
def tab(browsing, place) -> Page:
    """The page, open the whole time."""
    return browsing.open(place.site, place.person())


def test_a_slack_of_the_card_is_a_connection_and_the_slack_of_its_group(doors, tab, vendors):
    team = vendors.team("Acme Corp")
    connect(tab, "slack", {TOKEN: team.token})

    (listed,) = doors.named().values()
    assert (listed["platform"], listed["name"], listed["status"]) == ("slack", "Acme Corp", "connected")
    one = doors.groups.get(doors.group("SLACK")).raise_for_status().json()
    assert one == {
        "type": "SLACK",
        "apiToken": "*" * (len(team.token) - 4) + team.token[-4:],
        "teamName": "Acme Corp",
        "channelName": "",
    }
    assert doors.configured() == ["SLACK"]
    assert doors.slack()["connected"]
    again = doors.groups.post(doors.group("SLACK"), json={"type": "SLACK", "apiToken": "xoxb-1", "teamName": "A"})
    assert again.status_code == 409
    assert [each["identifier"] for each in doors.apps()] == []
    shown = doors.chat.get("/v1/channel-connections").raise_for_status().json()["data"]
    assert [each["identifier"] for each in shown] == [f"hub-{listed['id'].removeprefix('conn_')}"]


def test_a_datadog_key_posted_to_the_groups_api_is_a_card_at_once(doors, tab, vendors):
    shows(tab, "datadog", "form")
    body = {"type": "DATADOG", "apiKey": vendors.datadog_key(), "region": "EU"}
    doors.groups.post(doors.group("DATADOG"), json=body).raise_for_status()
    shows(tab, "datadog", "connected")
    expect(card(tab, "datadog")).to_have_attribute("data-word", "Connected")
    assert doors.named() == {}
    assert doors.configured() == ["DATADOG"]

    doors.groups.delete(doors.group("DATADOG")).raise_for_status()
    shows(tab, "datadog", "form")
    assert doors.groups.get(doors.group("DATADOG")).status_code == 404


@pytest.mark.parametrize("door", ["page", "admin", "groups", "connections"])
def test_what_is_deleted_at_one_door_is_gone_at_all_and_no_sibling_takes_its_place_unasked(doors, tab, vendors, door):
    first, second = vendors.team("Acme Corp"), vendors.team("Beta Inc")
    connect(tab, "slack", {TOKEN: first.token})
    added = doors.connections.post(
        CONNECTIONS, json={"platform": "slack", "name": "Beta", "credentials": {"bot_token": second.token}}
    )
    assert added.status_code == 201, added.text
    assert doors.groups.get(doors.group("SLACK")).json()["teamName"] == "Acme Corp"
    gone = next(each for each in doors.named() if each != added.json()["id"])

    if door == "page":
        tab.goto(f"{doors.place.site.page}/slack")
        drawer(tab).get_by_role("button", name="Disconnect…").last.click()
        tab.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    elif door == "admin":
        doors.admin.delete(f"{ADMIN}/slack").raise_for_status()
    elif door == "groups":
        assert doors.groups.delete(doors.group("SLACK")).status_code == 204
    else:
        assert doors.connections.delete(f"{CONNECTIONS}/{gone}").status_code == 204

    promotes = door == "connections"  # which has no default of its own to ask about
    shows(tab, "slack", "connected" if promotes else "no_default")
    assert list(doors.named()) == [added.json()["id"]]
    assert doors.connections.get(f"{CONNECTIONS}/{gone}").status_code == 404
    assert doors.slack()["connected"] is promotes
    assert doors.configured() == (["SLACK"] if promotes else [])
    if promotes:
        assert doors.groups.get(doors.group("SLACK")).json()["teamName"] == "Beta Inc"
    else:
        assert doors.groups.delete(doors.group("SLACK")).status_code == 404
        assert doors.admin.delete(f"{ADMIN}/slack").status_code == 404


def test_an_app_of_the_chat_api_changes_no_card_and_nothing_of_the_other_apis(doors, tab, vendors):
    team = vendors.team("Acme Corp")
    connect(tab, "slack", {TOKEN: team.token})
    before = (doors.named(), doors.groups.get(doors.group("SLACK")).json(), doors.slack()["teamId"])
    app = {
        "providerId": "slack", "channel": "chat", "active": True, "identifier": "slack-app",
        "credentials": {"clientId": ATLAS_APP, "secretKey": ATLAS_SECRET},
    }  # fmt: skip
    made = doors.chat.post(CHAT, json=app)
    assert made.status_code == 201, made.text
    assert (doors.named(), doors.groups.get(doors.group("SLACK")).json(), doors.slack()["teamId"]) == before
    expect(card(tab, "slack")).to_contain_text("Acme Corp")
    doors.chat.delete(f"{CHAT}/{made.json()['data']['_id']}").raise_for_status()
    assert (doors.named(), doors.groups.get(doors.group("SLACK")).json(), doors.slack()["teamId"]) == before


def test_a_connection_of_the_connections_api_is_the_card(doors, tab, vendors):
    team = vendors.team("Acme Corp")
    made = doors.connections.post(
        CONNECTIONS, json={"platform": "slack", "name": "Engineering", "credentials": {"bot_token": team.token}}
    )
    assert made.status_code == 201, made.text
    shows(tab, "slack", "connected")
    expect(card(tab, "slack")).to_contain_text("Engineering")
    renamed = doors.connections.put(f"{CONNECTIONS}/{made.json()['id']}", json={"name": "Platform"})
    assert renamed.status_code == 200, renamed.text
    expect(card(tab, "slack")).to_contain_text("Platform")

    changed = doors.groups.put(doors.group("SLACK"), json={"type": "SLACK", "channelName": "alerts"})
    assert changed.status_code == 200, changed.text
    assert doors.groups.get(doors.group("SLACK")).json()["channelName"] == "alerts"
    assert list(doors.named()) == [made.json()["id"]]


def test_a_slack_token_posted_to_the_groups_api_becomes_a_connection_once_slack_proved_it(doors, tab, vendors):
    team = vendors.team("Acme Corp")
    body = {"type": "SLACK", "apiToken": team.token, "teamName": "acme corp", "channelName": "alerts"}
    answer = doors.groups.post(doors.group("SLACK"), json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"][0]["apiToken"] == team.token  # the one echo
    shows(tab, "slack", "connected")
    expect(card(tab, "slack")).to_have_attribute("data-word", "Connected")
    (listed,) = doors.named().values()
    assert listed["status"] == "connected"
    assert doors.slack()["teamId"] == team.id
    taken = doors.connections.post(
        CONNECTIONS, json={"platform": "slack", "name": "Twice", "credentials": {"bot_token": team.token}}
    )
    assert taken.status_code == 409, taken.text
