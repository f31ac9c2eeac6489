"""Vendors that do not answer, answer nonsense, or lie: nothing is stored, it is said, and the next try works."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from atlas_hub.storage.models import AuditEvent
from tests.oauth.ground import ROUTE, Ground, state_of, told
from tests.standins import discord_oauth as discord
from tests.standins import entra, entra_tokens, slack_oauth, teams_seed
from tests.standins.dial import NONSENSE, Fault

TOKEN = {"slack": slack_oauth.TOKEN_PATH, "teams": entra.TOKEN_PATH, "discord": discord.TOKEN_PATH}
FAULTS = [
    Fault.BUSY_SECONDS,
    Fault.SERVER_ERROR,
    Fault.UNAVAILABLE,
    Fault.HTML,
    Fault.EMPTY,
    Fault.HUGE,
    Fault.REDIRECT,
    Fault.RESET,
    Fault.UNAUTHORIZED,
    Fault.FORBIDDEN,
]


async def fails(ground: Ground, slug: str, **choices: str) -> str:
    """A consent that comes to nothing, said on the page and the card; the next one works."""
    browser = ground.browser()
    answer = await browser.connect(slug, **choices)
    text = await browser.page(answer)
    said = (await ground.card(slug)).consent
    assert said is not None
    assert len(said.said) > 20
    assert said.said.endswith((".", "!"))
    assert await ground.rows() == []
    await ground.clean()
    ground.vendors.of(slug).dial.set(Fault.OK)
    done = await browser.connect(slug)
    assert done.headers["location"] == f"{ROUTE}/{slug}"
    assert len(await ground.rows()) == 1
    return text


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("slug", TOKEN)
async def test_a_token_endpoint_that_is_broken(ground: Ground, slug: str, fault: Fault) -> None:
    standin = ground.vendors.of(slug)
    standin.dial.set(fault, path=TOKEN[slug])
    await fails(ground, slug)
    assert standin.followed == []


@pytest.mark.parametrize("body", [*NONSENSE, '{"ok": true}', '{"access_token": 7, "guild": [], "id_token": {}}'])
@pytest.mark.parametrize("slug", TOKEN)
async def test_a_token_endpoint_that_speaks_nonsense(ground: Ground, slug: str, body: str) -> None:
    ground.vendors.of(slug).dial.set(Fault.NONSENSE, path=TOKEN[slug], body=body)
    await fails(ground, slug)


async def test_an_error_inside_a_200(ground: Ground) -> None:
    ground.vendors.slack.dial.set(Fault.OK_ERROR, path=slack_oauth.TOKEN_PATH)
    await fails(ground, "slack")


@pytest.mark.parametrize(
    "body",
    [
        '{"ok": true, "access_token": "xoxp-1234567890", "bot_user_id": "U0ATLAS", "team": {"id": "T0ACME"}}',
        '{"ok": true, "access_token": "xoxb-1234567890", "team": {"id": "T0ACME"}}',
        '{"ok": true, "access_token": "xoxb-1234567890", "bot_user_id": "U0ATLAS"}',
        '{"ok": true, "access_token": "xoxb-1234567890", "bot_user_id": "U0ATLAS", "team": {"id": "../etc"}}',
        '{"ok": true, "access_token": "xoxb-123 567890", "bot_user_id": "U0ATLAS", "team": {"id": "T0ACME"}}',
    ],
)
async def test_an_answer_of_slack_that_is_no_installation(ground: Ground, body: str) -> None:
    ground.vendors.slack.dial.set(Fault.NONSENSE, path=slack_oauth.TOKEN_PATH, body=body)
    await fails(ground, "slack")


async def test_a_token_of_another_bot_than_was_named(ground: Ground) -> None:
    slack, browser = ground.vendors.slack, ground.browser()
    await browser.connect("slack", team="Beta Inc")
    (token,) = slack.installs[next(iter(slack.installs))].tokens
    await browser.page(await browser.back(await browser.consent("slack", "Cancel")))
    body = f'{{"ok": true, "access_token": "{token}", "bot_user_id": "U0ATLAS", "team": {{"id": "T0ACME"}}}}'
    slack.dial.set(Fault.NONSENSE, path=slack_oauth.TOKEN_PATH, body=body)
    text = await browser.page(await browser.connect("slack"))
    assert "named another account" in text
    assert [row.account_key for row in await ground.rows()] == ["T0BETA"]


BREAKS = [
    (slug, path, fault)
    for slug, path in (("slack", "*/auth.test"), ("discord", "*/guilds/*"), ("teams", "*/keys"))
    for fault in (Fault.UNAVAILABLE, Fault.HTML, Fault.UNAUTHORIZED)
    # A bot token that Discord refused is never sent again (tests/services/test_refused.py).
    if (slug, fault) != ("discord", Fault.UNAUTHORIZED)
]


@pytest.mark.parametrize(("slug", "path", "fault"), BREAKS)
async def test_a_vendor_that_breaks_after_the_code_was_exchanged(
    ground: Ground, slug: str, path: str, fault: Fault
) -> None:
    ground.vendors.of(slug).dial.set(fault, path=path)
    await fails(ground, slug)


@pytest.mark.parametrize("slug", TOKEN)
async def test_a_vendor_that_hangs(ground: Ground, slug: str) -> None:
    ground.vendors.of(slug).dial.set(Fault.HANG, path=TOKEN[slug])
    began = asyncio.get_running_loop().time()
    await fails(ground, slug)
    assert asyncio.get_running_loop().time() - began < 25


@pytest.mark.parametrize("forgery", sorted(entra_tokens.FORGERIES))
async def test_an_id_token_that_proves_nothing(ground: Ground, forgery: str) -> None:
    teams, browser = ground.vendors.teams, ground.browser()
    teams.forge = {forgery}
    text = await browser.page(await browser.connect("teams"))
    # The keys of a tenant that does not exist cannot be asked for.
    assert ("Try again later" if forgery == "tid" else "does not prove who agreed") in text, text
    assert await ground.rows() == []
    teams.forge = set()
    assert (await browser.connect("teams")).headers["location"] == f"{ROUTE}/teams"


async def test_somebody_of_another_tenant_signs_in(ground: Ground) -> None:
    """The tenant in the first answer's query is anybody's to write: it must be the one of who signs in."""
    browser = ground.browser()
    url = await browser.consent("teams")
    assert teams_seed.ACME in url
    forged = url.replace(teams_seed.ACME, teams_seed.BETA)
    second = (await browser.back(forged)).headers["location"].replace(teams_seed.BETA, "organizations")
    back = await browser.consent("teams", url=second, person="Grace Hopper (grace@acme.example)")
    await browser.page(await browser.back(back))
    assert await ground.rows() == []


@pytest.mark.parametrize(
    "query",
    [
        "admin_consent=True&tenant=../../evil",
        "admin_consent=True&tenant=organizations",
        "admin_consent=True",
        "admin_consent=False&tenant={acme}",
        "tenant={acme}",
        "admin_consent=True&tenant=9188040d-6c67-4c5b-b112-36a304b66dad",
        "code=x",
    ],
)
async def test_an_answer_of_the_first_step_that_is_no_consent(ground: Ground, query: str) -> None:
    browser = ground.browser()
    state = state_of((await browser.begin("teams")).headers["location"])
    query = query.replace("{acme}", teams_seed.ACME)
    answer = await browser.back(f"/oauth/callback/teams?state={state}&{query}")
    await browser.page(answer)
    assert await ground.rows() == []
    assert [call for call in ground.vendors.teams.calls if "token" in call.path] == []


@pytest.mark.parametrize("slug", ["slack", "discord"])
async def test_an_answer_without_a_code(ground: Ground, slug: str) -> None:
    browser = ground.browser()
    state = state_of((await browser.begin(slug)).headers["location"])
    await browser.page(await browser.back(f"/oauth/callback/{slug}?state={state}"))
    assert await ground.rows() == []


async def test_a_code_of_another_consent(ground: Ground) -> None:
    """A code that was stolen elsewhere does not fit this consent's verifier (RFC 9700 §4.5)."""
    victim, browser = ground.browser(), ground.browser()
    stolen = await victim.consent("discord")
    mine = await browser.consent("discord")
    swapped = mine.replace(told(mine)["code"], told(stolen)["code"])
    await browser.page(await browser.back(swapped))
    assert await ground.rows() == []


async def test_the_apps_secret_is_wrong(ground: Ground, monkeypatch: Any) -> None:
    for slug, variable in (
        ("slack", "SLACK_CLIENT_SECRET"),
        ("discord", "DISCORD_CLIENT_SECRET"),
        ("teams", "TEAMS_APP_PASSWORD"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(variable, "not-the-secret-of-anything")
            text = await ground.browser().page(await ground.browser().connect(slug))
            assert "secret" in text.lower()
            assert "not-the-secret" not in text
    assert await ground.rows() == []


async def test_a_consent_that_came_to_nothing_is_an_event_of_its_workspace(each_ground: Ground) -> None:
    ground = each_ground
    ground.person("olga", name="olga@example.org")
    mine, hers = await ground.browser().consent("slack"), await ground.browser("olga").consent("slack")
    await ground.browser().back(mine)  # another browser of the same person
    await ground.browser().back(hers)  # somebody of another workspace
    events = [event for event in await ground.rows(AuditEvent) if event.kind == "connect_failed"]
    told_of = {event.workspace: (event.actor, event.provider, event.result) for event in events}
    assert told_of == {
        ground.owner.workspace: (ground.owner.name, "slack", "failed"),
        ground.sessions.people["olga"].workspace: ("somebody else", "slack", "failed"),
    }
