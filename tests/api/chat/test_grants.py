"""A subscriber's grant lives on: it is renewed before it ends, and revoked when its connection or integration goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.services import jobs, refreshing
from atlas_hub.storage.models import Connection, Credential
from tests.api.chat import consenting
from tests.api.chat.conftest import Client, Place
from tests.api.chat.consenting import agreed, app
from tests.api.keyed import THE_APIS
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME_IN_FULL, ROTATING_APP, ROTATING_SECRET, TOKENS

ADDRESS = "https://hub.example"
CONNECT = "/v1/integrations/channel-connections/oauth"


@pytest.fixture
def slack() -> Iterator[SlackStandin]:
    with SlackStandin() as standin:
        yield standin


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: SlackStandin) -> AsyncIterator[Hub]:
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", slack.base)
    async with open_hub(settings_for(tmp_path, public_url=ADDRESS)) as the_hub:
        yield the_hub


async def linked(chat: Client, **body: Any) -> None:
    """A subscriber consents for Acme Corp."""
    answer = await chat.post(CONNECT, json={"integrationIdentifier": "slack-abc", "subscriberId": "ana", **body})
    back = agreed(answer.json()["data"]["url"], "Allow", team="Acme Corp")
    async with Client(transport=httpx.ASGITransport(app=THE_APIS), base_url=ADDRESS) as browser:
        assert (await browser.get(back)).status_code == 200


async def the(hub: Hub, model: Any) -> Any:
    where = Connection.subscriber == "ana" if model is Connection else Credential.method != ""
    async with hub.db.reading() as tx:
        return (await tx.execute(select(model).where(where))).scalar_one_or_none()


async def settled(hub: Hub) -> None:
    while hub._tasks:
        await next(iter(hub._tasks))


async def test_a_token_that_rotates_is_had_anew_before_it_ends(
    hub: Hub, chat: Client, here: Place, slack: SlackStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(consenting.APPS, "slack", (ROTATING_APP, ROTATING_SECRET))
    await app(hub, here.owner, "slack-abc")
    await linked(chat, connectionIdentifier="c1")
    said = (await chat.get("/v1/channel-connections/c1")).json()["data"]["auth"]
    assert said["hasRefreshToken"] is True
    first = await the(hub, Credential)
    assert first.expires_at - hub.now() > timedelta(hours=11)
    assert await jobs.ending(hub) == []
    async with hub.db.transaction() as tx:
        (await tx.get_one(Credential, first.id)).expires_at = hub.now() + timedelta(minutes=10)
    assert await jobs.ending(hub) == [(jobs.REFRESH, first.id)]
    await refreshing.renew(hub, first.id)
    assert slack.refreshes == 1
    second = await the(hub, Credential)
    assert second.expires_at - hub.now() > timedelta(hours=11)
    assert second.current != first.current
    again = (await chat.get("/v1/channel-connections/c1")).json()["data"]["auth"]
    assert again["accessToken"] != said["accessToken"]
    assert (await the(hub, Connection)).state == "ok"


@pytest.mark.parametrize("path", ["/v1/channel-connections/c1", "/v1/integrations/{app}"])
async def test_what_is_deleted_is_revoked_at_the_vendor(
    hub: Hub, chat: Client, here: Place, slack: SlackStandin, path: str
) -> None:
    app_id = await app(hub, here.owner, "slack-abc")
    await linked(chat, connectionIdentifier="c1")
    [token] = [text for text in slack.tokens if text not in TOKENS]
    assert slack.tokens[token].state == "active"
    assert (await chat.delete(path.format(app=app_id))).status_code in {200, 204}
    await settled(hub)
    assert slack.tokens[token].state == "revoked"
    assert await the(hub, Credential) is None


async def test_a_token_that_an_application_brought_is_left_to_it(
    hub: Hub, chat: Client, here: Place, slack: SlackStandin
) -> None:
    await app(hub, here.owner, "slack-abc")
    body = {"integrationIdentifier": "slack-abc", "subscriberId": "ben", "identifier": "c2"}
    given = {"workspace": {"id": "T0ACME"}, "auth": {"accessToken": ACME_IN_FULL}}
    answer = await chat.post("/v1/channel-connections", json={**body, **given})
    assert answer.status_code == 201
    await settled(hub)
    assert (await chat.delete("/v1/channel-connections/c2")).status_code == 204
    await settled(hub)
    assert slack.tokens[ACME_IN_FULL].state == "active"
