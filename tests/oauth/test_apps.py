"""To which OAuth app a consent is given: the stored one that is marked, else the operator's."""

from __future__ import annotations

import json

import pytest

from atlas_hub.kit.errors import AuthExpired
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.secret import Secret
from atlas_hub.services import connections, delivery, opening
from atlas_hub.services.views import State
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to
from tests.oauth.ground import ROUTE, Ground, told
from tests.standins import discord_seed, slack_seed

STORED = {
    "slack": (slack_seed.ROTATING_APP, {"secretKey": slack_seed.ROTATING_SECRET}),
    "discord": (discord_seed.ATLAS_ID, {"secretKey": discord_seed.ATLAS_SECRET, "apiToken": discord_seed.ATLAS}),
}
OPERATORS = {"slack": slack_seed.ATLAS_APP, "discord": discord_seed.HUB_ID}


async def store_app(ground: Ground, slug: str, *, on_page: bool = True, workspace: str = "", **more: str) -> str:
    """An app as the chat API or *OAuth apps* stores it."""
    client_id, secrets = STORED[slug]
    number = new_id()
    given = {name: Secret(text) for name, text in {**secrets, **more}.items() if text}
    async with ground.hub.db.transaction() as tx:
        credential = Credential(
            workspace=workspace or ground.owner.workspace,
            provider=slug,
            account_key=f"row:{number}",
            key_id=ground.hub.vault.active_id,
        )
        credential.current = ground.hub.vault.seal(given, bound_to=bound_to(credential, "current"))
        tx.add(credential)
        await tx.flush()
        tx.add(
            Connection(
                id=number,
                workspace=credential.workspace,
                kind="app",
                source="page",
                provider=slug,
                method="app",
                purpose="chat",
                scope=f"{slug}:app",
                identifier=number,
                label="Our own app",
                account_key=f"row:{number}",
                options={"clientId": client_id},
                masks=dict.fromkeys(given, "••••"),
                on_page=on_page,
                credential_id=credential.id,
            )
        )
    return number


@pytest.mark.parametrize("slug", STORED)
async def test_the_stored_app_goes_before_the_operators(each_ground: Ground, slug: str) -> None:
    ground, browser = each_ground, each_ground.browser()
    number = await store_app(ground, slug)
    card = await ground.card(slug)
    assert card.consent is not None
    assert (card.consent.offered, card.consent.app) == (True, "Our own app")
    begun = await browser.begin(slug)
    assert told(begun.headers["location"])["client_id"] == STORED[slug][0]
    done = await browser.back(await browser.consent(slug, url=begun.headers["location"]))
    assert done.headers["location"] == f"{ROUTE}/{slug}"
    (row,) = [row for row in await ground.rows() if row.kind == "account"]
    (credential,) = [each for each in await ground.rows(Credential) if each.method]
    assert (row.app_id, credential.app_id, credential.client_id) == (number, number, STORED[slug][0])
    await ground.clean()


@pytest.mark.parametrize("slug", STORED)
async def test_an_app_that_is_not_marked_or_is_another_workspaces_is_not_taken(ground: Ground, slug: str) -> None:
    await store_app(ground, slug, on_page=False)
    await store_app(ground, slug, workspace=new_id())
    begun = await ground.browser().begin(slug)
    assert told(begun.headers["location"])["client_id"] == OPERATORS[slug]


@pytest.mark.parametrize("slug", STORED)
async def test_an_incomplete_app_says_so_and_the_operators_does_not_stand_in(ground: Ground, slug: str) -> None:
    number = await store_app(ground, slug, secretKey="")
    async with ground.hub.db.reading() as tx:
        assert "secretKey" not in (await tx.get_one(Connection, number)).masks
    card = await ground.card(slug)
    assert card.consent is not None
    assert card.consent.offered is False
    answer = await ground.browser().begin(slug)
    assert answer.status_code == 400
    assert await ground.attempts() == []


async def test_without_any_app_nothing_is_offered(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_CLIENT_SECRET")
    card = await ground.card("slack")
    assert card.consent is not None
    assert card.consent.offered is False
    answer = await ground.browser().begin("slack")
    assert answer.status_code == 404
    assert "No OAuth app of Slack" in answer.text


async def test_an_app_that_changed_while_one_agreed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = ground.browser()
    url = await browser.consent("slack")
    monkeypatch.setenv("SLACK_CLIENT_ID", slack_seed.ROTATING_APP)
    monkeypatch.setenv("SLACK_CLIENT_SECRET", slack_seed.ROTATING_SECRET)
    await browser.page(await browser.back(url))
    assert ground.vendors.slack.exchanges == 0
    assert await ground.rows() == []


@pytest.mark.parametrize("slug", STORED)
async def test_the_operators_app_is_another_one_now(ground: Ground, monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    browser = ground.browser()
    await browser.connect(slug)
    (row,) = await ground.rows()
    client_id, secrets = STORED[slug]
    prefix = slug.upper()
    monkeypatch.setenv(f"{prefix}_CLIENT_ID", client_id)
    monkeypatch.setenv(f"{prefix}_CLIENT_SECRET", secrets["secretKey"])
    before = len(ground.vendors.of(slug).calls)
    with pytest.raises(AuthExpired, match="another OAuth app"):
        await delivery.send_test(ground.hub, ground.owner, row.id, "123456789012345678")
    checked = await connections.check_now(ground.hub, ground.owner, row.id)
    assert checked.state == State.RECONNECT
    assert "another OAuth app" in checked.reason
    assert len(ground.vendors.of(slug).calls) == before
    monkeypatch.setenv(f"{prefix}_CLIENT_ID", OPERATORS[slug])
    monkeypatch.setenv(f"{prefix}_CLIENT_SECRET", ground.vendors.of(slug).apps[OPERATORS[slug]].client_secret)
    checked = await connections.check_now(ground.hub, ground.owner, row.id)
    assert checked.state in {State.OK, State.DEGRADED}


async def test_what_the_app_lends_is_not_stored_with_the_connection(ground: Ground) -> None:
    await ground.browser().connect("discord")
    assert set(await ground.token()) == set()
    (row,) = await ground.rows()
    assert row.masks == {}
    _, _, _, form, fault = await opening.opened(ground.hub, ground.owner, row.id)
    assert fault is None
    assert form is not None
    assert form.given_secrets()["bot_token"].reveal() == discord_seed.HUB
    assert discord_seed.HUB not in json.dumps(row.options)


async def test_a_new_secret_of_the_operators_counts_at_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    await ground.browser().connect("teams")
    (row,) = await ground.rows()
    (app,) = [app for key, app in ground.vendors.teams.apps.items() if key == row.app_key]
    app.secrets = {"a-new-secret-of-the-app": True}
    assert (await connections.check_now(ground.hub, ground.owner, row.id)).state == State.RECONNECT
    monkeypatch.setenv("TEAMS_APP_PASSWORD", "a-new-secret-of-the-app")
    assert (await connections.check_now(ground.hub, ground.owner, row.id)).state in {State.OK, State.DEGRADED}


async def test_discord_without_a_bot_token_says_what_does_not_work(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISCORD_BOT_TOKEN")
    done = await ground.browser().connect("discord")
    assert done.headers["location"] == f"{ROUTE}/discord"
    card = (await ground.card("discord")).connection
    assert card is not None
    assert card.state == State.MISCONFIGURED  # it delivers nothing
    assert "DISCORD_BOT_TOKEN" in card.reason
