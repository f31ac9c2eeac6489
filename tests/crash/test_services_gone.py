"""PostgreSQL cuts its connections, Redis goes and comes back: requests succeed or are refused in shape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.responses import PlainTextResponse

from atlas_hub import api
from atlas_hub.bus import EVERYTHING, Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import TooManyRequests
from atlas_hub.services import api_keys, saving
from atlas_hub.services.access import Role
from tests.conftest import missing, open_hub, test_settings
from tests.crash.child import owner
from tests.crash.killed import PrivateRedis
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

ADMIN = "/api/v1/admin/integrations"
BODY = {"botToken": ACME}


@asynccontextmanager
async def caller(hub: Hub, workspace: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: TID251  # this one asks our own API
    """A client of the admin API with a key of the workspace's owner."""
    key = (await api_keys.create(hub, owner(workspace), role=Role.OWNER)).private_key.reveal()
    app = api.transformer("atlas_hub.accounts.actors")(PlainTextResponse("another"))
    async with httpx.AsyncClient(  # noqa: TID251  # same
        transport=httpx.ASGITransport(app=app),
        base_url=f"http://127.0.0.1{ADMIN}",
        headers={"Authorization": f"Bearer {key}"},
    ) as client:
        yield client


def cut(url: str) -> int:
    """Have PostgreSQL end every connection to a database but this one; how many there were."""
    with psycopg.connect(url, autocommit=True) as db:
        rows = db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(rows)


@pytest.mark.postgres
async def test_after_postgresql_cut_its_connections_the_next_request_is_answered(
    slack: SlackStandin, tmp_path: Path, postgres_url: str, workspace: str
):
    async with (
        open_hub(test_settings(tmp_path, database_url=postgres_url)) as hub,
        caller(hub, workspace) as client,
    ):
        for _ in range(3):
            assert cut(postgres_url) > 0
            assert (await client.post("/slack/byot", json=BODY)).status_code == 200
            assert cut(postgres_url) > 0
            assert (await client.get("/status")).json()["slack"]["connected"] is True


@pytest.mark.postgres
async def test_a_connection_cut_in_the_middle_of_a_connect_is_503_in_shape_and_nothing_is_stored(
    slack: SlackStandin, tmp_path: Path, postgres_url: str, workspace: str, monkeypatch: pytest.MonkeyPatch
):
    save = saving.save

    async def cut_then(*given: Any) -> Any:
        saved = await save(*given)
        cut(postgres_url)
        return saved

    async with (
        open_hub(test_settings(tmp_path, database_url=postgres_url)) as hub,
        caller(hub, workspace) as client,
    ):
        monkeypatch.setattr(saving, "save", cut_then)
        said = await client.post("/slack/byot", json=BODY)
        assert said.status_code == 503
        assert said.json()["error"] == "unavailable"
        assert set(said.json()) == {"error", "message", "requestId"}
        assert "psycopg" not in said.text
        assert "Traceback" not in said.text
        assert (await client.get("/status")).json()["slack"]["connected"] is False
        monkeypatch.setattr(saving, "save", save)
        assert (await client.post("/slack/byot", json=BODY)).status_code == 200


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path)
    try:
        server.start()
    except FileNotFoundError:
        missing("redis-server")
    yield server
    server.kill()


@pytest.mark.redis
async def test_the_api_answers_and_limits_hold_while_redis_is_gone(
    slack: SlackStandin, tmp_path: Path, own_redis: PrivateRedis, workspace: str
):
    settings = test_settings(tmp_path, redis_url=own_redis.url, rate_limit_rpm=4)
    async with open_hub(settings) as hub, caller(hub, workspace) as client:
        assert [(await client.post("/slack/byot", json=BODY)).status_code for _ in range(5)] == [200] * 4 + [429]
        own_redis.kill()
        # This process counts by itself now, from nothing.
        assert [(await client.post("/slack/byot", json=BODY)).status_code for _ in range(5)] == [200] * 4 + [429]
        assert (await client.get("/status")).json()["slack"]["connected"] is True
        own_redis.start()
        assert [(await client.delete("/slack")).status_code for _ in range(2)] == [200, 404]
        await hub.limits.hit("once", workspace, times=1, seconds=60, text="Once.")
        with pytest.raises(TooManyRequests):
            await hub.limits.hit("once", workspace, times=1, seconds=60, text="Once.")


@pytest.mark.redis
async def test_bells_ring_again_when_redis_is_back(tmp_path: Path, own_redis: PrivateRedis, workspace: str):
    async with open_hub(test_settings(tmp_path, redis_url=own_redis.url)) as hub:
        heard: list[Changed] = []

        async def listen() -> None:
            async for changed in hub.bus.listen():
                heard.append(changed)  # noqa: PERF401  # others read it meanwhile

        listening = asyncio.create_task(listen())
        try:
            await _ring_until(hub, heard, Changed(workspace, "slack"))
            own_redis.kill()
            await hub.bus.publish(Changed(workspace, "telegram"))  # nobody hears it, and nobody is told
            own_redis.start()
            await _ring_until(hub, heard, Changed(workspace, "email"))
            assert Changed(EVERYTHING, EVERYTHING) in heard  # so the missed one is healed
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _ring_until(hub: Hub, heard: list[Changed], bell: Changed) -> None:
    async with asyncio.timeout(15):
        while bell not in heard:
            await hub.bus.publish(bell)
            await asyncio.sleep(0.1)
