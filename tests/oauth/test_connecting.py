"""Consent from the card's button to the stored connection, at each vendor and on each database."""

from __future__ import annotations

import pytest

from atlas_hub.services import status
from atlas_hub.services.status import Mode
from atlas_hub.services.views import State
from tests.oauth.ground import ROUTE, Credential, Ground, told
from tests.standins import discord_seed, slack_seed, teams_seed

ACCOUNTS = {"slack": "Acme Corp", "teams": "Acme", "discord": "Acme Corp"}


@pytest.mark.parametrize("slug", ["slack", "teams", "discord"])
async def test_a_consent_is_one_connection_that_card_and_status_name(each_ground: Ground, slug: str) -> None:
    ground, browser = each_ground, each_ground.browser()
    assert (await ground.card(slug)).mode == Mode.FORM
    answer = await browser.connect(slug)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROUTE}/{slug}")

    (row,) = await ground.rows()
    (credential,) = await ground.rows(Credential)
    card = await ground.card(slug)
    assert (row.source, row.method, row.app_id, row.credential_id) == ("page", "oauth", "env", credential.id)
    assert card.mode == Mode.CONNECTED
    assert card.connection is not None
    assert card.connection.id == row.id
    assert ACCOUNTS[slug] in card.connection.account
    assert card.connection.by_consent
    assert card.waits_until is None
    overview = await status.overview(ground.hub, ground.owner)
    assert next(each for each in overview.cards if each.provider == slug) == card
    told_by_api = (await status.answer(ground.hub, ground.owner))[slug]
    assert (told_by_api["connected"], told_by_api["state"]) == (True, card.connection.state)
    assert card.connection.state in {State.OK, State.DEGRADED}
    await ground.clean()
    assert all(attempt.sealed is None for attempt in await ground.attempts())


async def test_what_slack_granted_is_stored_and_not_what_was_asked(ground: Ground) -> None:
    slack = ground.vendors.slack
    slack.withheld, slack.added = {"commands"}, {"reactions:read"}
    begun = await ground.browser().begin("slack")
    asked = set(told(begun.headers["location"])["scope"].split(","))
    await ground.browser().connect("slack")
    (credential,) = await ground.rows(Credential)
    assert "commands" in asked
    assert set(credential.granted) == (asked - {"commands"}) | {"reactions:read"}
    card = (await ground.card("slack")).connection
    assert card is not None
    assert card.missing == ("commands",)
    assert "reactions:read" in card.extra


async def test_a_consent_begun_in_a_tab_shows_on_the_card_until_it_is_over(ground: Ground) -> None:
    browser = ground.browser()
    url = await browser.consent("slack")
    card = await ground.card("slack")
    assert card.mode == Mode.CONNECTING
    assert card.waits_until is not None
    await browser.back(url)
    assert (await ground.card("slack")).mode == Mode.CONNECTED


async def test_a_tenant_is_proven_by_who_signs_in_there(ground: Ground) -> None:
    browser = ground.browser()
    begun = await browser.begin("teams")
    url = await browser.consent("teams", url=begun.headers["location"], tenant="Beta Inc")
    second = await browser.back(url)
    where = second.headers["location"]
    assert f"/{teams_seed.BETA}/oauth2/v2.0/authorize" in where
    assert await ground.rows() == []
    done = await browser.back(await browser.consent("teams", url=where))
    assert done.headers["location"] == f"{ROUTE}/teams"
    (row,) = await ground.rows()
    assert row.account_key == teams_seed.BETA
    assert row.app_key == teams_seed.HUB


async def test_the_server_comes_from_the_token_and_not_from_the_query(ground: Ground) -> None:
    browser = ground.browser()
    url = await browser.consent("discord", guild_id="Acme Corp")
    assert told(url)["guild_id"] == discord_seed.ACME_GUILD
    await browser.back(url.replace(discord_seed.ACME_GUILD, discord_seed.BETA_GUILD))
    (row,) = await ground.rows()
    assert row.account_key == discord_seed.ACME_GUILD


async def test_discord_without_a_server_in_the_answer_stores_nothing(ground: Ground) -> None:
    ground.vendors.discord.leaves_guild_out = True
    browser = ground.browser()
    assert "to which server" in await browser.page(await browser.connect("discord"))
    assert await ground.rows() == []


async def test_an_organization_is_an_account_of_its_own(ground: Ground) -> None:
    await ground.browser().connect("slack", team="Grid Works (organization)")
    (row,) = await ground.rows()
    assert row.account_key == "enterprise:E0GRID"
    assert row.app_key == slack_seed.TEAMS["T0GRID"].user_id
