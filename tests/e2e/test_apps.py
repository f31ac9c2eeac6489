"""The pages OAuth apps and Subscribers, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services import channel_connections, channel_endpoints, oauth_apps, subscribers
from atlas_hub.services.access import Actor
from atlas_hub.services.access import Role as Rank
from atlas_hub.services.channel_connections import Auth, NewConnection
from atlas_hub.services.channel_connections import Place as At
from atlas_hub.services.channel_endpoints import NewEndpoint
from tests.e2e.browsing import Browsing, card, loaded
from tests.e2e.people import Place, Role
from tests.standins import slack_seed

pytestmark = pytest.mark.e2e


def at(browsing: Browsing, place: Place, word: str, role: Role = Role.OWNER) -> Page:
    page = browsing.tab(browsing.context(place.site, place.person(role)))
    page.goto(f"{place.site.page}/{word}")
    loaded(page)
    return page


def test_an_app_is_added_used_and_deleted(browsing, looking, place):
    page = at(browsing, place, "apps")
    looking.at(page, "apps-empty")
    slack = page.locator("[data-apps=slack]")
    slack.locator("summary", has_text="Add an app of Slack").click()
    adding = slack.get_by_role("form", name="Add an app of Slack")
    adding.get_by_role("button", name="Add", exact=True).click()
    expect(adding.locator(".ah-error:not(:empty)").first).to_be_visible()
    looking.at(page, "apps-refused")
    adding.get_by_label("Name", exact=True).fill("Acme's app")
    adding.get_by_label("Client ID").fill(slack_seed.ATLAS_APP)
    adding.get_by_label("Client Secret").fill(slack_seed.ATLAS_SECRET)
    adding.get_by_role("button", name="Add", exact=True).click()
    app = page.locator('[data-app="Acme\'s app"]')
    expect(app).to_contain_text(slack_seed.ATLAS_APP)
    assert slack_seed.ATLAS_SECRET not in page.content()
    assert not [frame for frame in browsing.frames[page] if slack_seed.ATLAS_SECRET in frame]
    app.get_by_role("button", name="Use on the page").click()
    expect(app).to_have_attribute("data-on-page", "yes")
    looking.at(page, "apps")
    page.get_by_role("link", name="Integrations", exact=True).click()
    loaded(page)
    expect(card(page, "slack").get_by_role("button", name="Connect to Slack")).to_be_visible()
    card(page, "slack").get_by_role("button", name="Connect to Slack").click()
    page.get_by_label("Workspace").select_option(label="Beta Inc")
    page.get_by_role("button", name="Allow").click()
    loaded(page)
    expect(card(page, "slack")).to_have_attribute("data-mode", "connected")
    page.goto(f"{place.site.page}/apps")
    loaded(page)
    app.get_by_role("button", name="Delete…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete", exact=True).click()
    expect(app.get_by_role("alert")).to_contain_text("Disconnect Slack on the Integrations page first")
    place.rest.delete("/api/v1/admin/integrations/slack").raise_for_status()
    app.get_by_role("button", name="Delete…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete", exact=True).click()
    expect(app).to_have_count(0)


def test_members_see_no_apps(browsing, place):
    page = at(browsing, place, "apps", Role.MEMBER)
    expect(page.locator("[data-refused]")).to_contain_text("owners and admins")


async def connect_some(hub: Hub, workspace: str) -> None:
    actor = Actor(id="e2e", name="e2e", workspace=workspace, role=Rank.OWNER)
    credentials = {"client_id": "111.222", "secret_key": "5a1ac0de" * 4}
    app = await oauth_apps.add(hub, actor, "slack", "Shop", credentials)
    for name in ("ada", "grace"):
        await subscribers.create(hub, actor, name, {})
        new = NewConnection(
            integration=app.identifier,
            place=At(id=f"T0{name.upper()}", name=f"{name.title()}'s team"),
            auth=Auth(access_token=Secret(f"xoxb-{name}-fake-fake-fake-fake")),
            identifier=f"conn-{name}",
            subscriber=name,
        )
        await channel_connections.create(hub, actor, new)
    end = NewEndpoint(
        subscriber="ada", integration=app.identifier, type="slack_channel", endpoint={"channelId": "C0GENERAL"},
        identifier="end-ada", connection="conn-ada",
    )  # fmt: skip
    await channel_endpoints.create(hub, actor, end)


def test_subscribers_are_found_and_revoked(browsing, looking, place):
    page = at(browsing, place, "subscribers")
    expect(page.locator("[data-nothing]")).to_contain_text("No application has connected anything")
    looking.at(page, "subscribers-empty")
    place.inside.do(lambda hub: connect_some(hub, place.id))
    browsing.load(page, place.site)
    card(page, "slack").get_by_role("link", name="2 subscriber connections").click()
    expect(page).to_have_url(f"{place.site.page}/subscribers?provider=slack")
    expect(page.locator("[data-row]")).to_have_count(3)
    looking.at(page, "subscribers")
    page.get_by_label("Subscriber, identifier or account").fill("grace")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_role("button", name="Revoke… conn-ada").click()
    dialog = page.get_by_role("alertdialog")
    looking.at(page, "subscribers-revoke")
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.get_by_text("conn-ada is deleted.")).to_be_visible()


def test_a_member_reads_subscribers_without_buttons(browsing, place):
    place.inside.do(lambda hub: connect_some(hub, place.id))
    page = at(browsing, place, "subscribers", Role.MEMBER)
    expect(page.locator("[data-row]")).to_have_count(3)
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
