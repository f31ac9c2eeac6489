"""Alive and ready: what a probe is told, with each part there and gone."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp

from atlas_hub import hub as hubs
from atlas_hub.api import operator
from atlas_hub.api.traffic import TRAFFIC
from atlas_hub.hub import Hub
from tests.api.conftest import Client, beneath
from tests.conftest import open_hub, test_settings


def asking(app: ASGIApp | None = None, **headers: str) -> Client:
    """A probe of the stand-alone app."""
    transport = httpx.ASGITransport(app=app or operator.answering("")(beneath))
    return Client(transport=transport, base_url="http://hub.test", headers=headers)


async def unready() -> dict[str, str]:
    """What readyz says is wrong."""
    async with asking() as probe:
        answer = await probe.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert "127.0.0.1" not in answer.text
    assert "://" not in answer.text
    return {name: said for name, said in answer.json()["checks"].items() if said != "ok"}


async def test_a_process_is_alive_whether_or_not_its_hub_is_open() -> None:
    async with asking() as probe:
        answer = await probe.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert (await probe.head("/healthz")).status_code == 200
        assert (await probe.post("/healthz")).status_code == 405
        assert (await probe.get("/elsewhere")).text == "the app beneath"
    assert await unready() == {"hub": "not open"}


async def test_an_open_hub_on_each_database_is_ready(any_hub: Hub) -> None:
    async with asking() as probe:
        answer = await probe.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_in_a_host_the_addresses_have_a_prefix_and_its_own_stay_its_own(hub: Hub) -> None:
    async with asking(operator.answering()(beneath)) as probe:
        assert (await probe.get("/healthz")).text == "the app beneath"
        assert (await probe.get("/_atlas_hub/healthz")).json() == {"status": "ok"}
        assert (await probe.get("/_atlas_hub/readyz")).json() == {"status": "ready"}


async def test_without_a_database_by_intent_the_hub_is_ready(tmp_path: Path) -> None:
    async with open_hub(test_settings(tmp_path, database_url="none")), asking() as probe:
        assert (await probe.get("/readyz")).status_code == 200


async def test_a_database_that_is_gone_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("SELECT", {}, OSError("127.0.0.1 refused"))

    monkeypatch.setattr(hub.db, "asking", gone)
    assert await unready() == {"database": "does not answer", "migrations": "unknown"}


@pytest.mark.postgres
async def test_a_database_that_hangs_is_told_within_a_short_time(postgres_url: str, tmp_path: Path) -> None:
    async with open_hub(test_settings(tmp_path, database_url=postgres_url)):
        with psycopg.connect(postgres_url) as other:
            other.execute("LOCK TABLE atlas_hub_alembic_version IN ACCESS EXCLUSIVE MODE")
            assert await unready() == {"database": "does not answer", "migrations": "unknown"}
        async with asking() as probe:
            assert (await probe.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("revision", "ready"), [("0001", False), ("9999", True)])
async def test_older_tables_are_not_ready_and_newer_ones_are(hub: Hub, revision: str, ready: bool) -> None:  # noqa: FBT001  # a case
    async with hub.db.transaction() as tx:
        await tx.execute(text("UPDATE atlas_hub_alembic_version SET version_num = :it"), {"it": revision})
    if ready:
        async with asking() as probe:
            assert (await probe.get("/readyz")).status_code == 200
    else:
        assert await unready() == {"migrations": "missing"}


async def test_a_locked_vault_is_told(hub: Hub) -> None:
    hub.vault.lock("The key is another one.")
    assert await unready() == {"vault": "locked"}


async def test_a_redis_that_is_gone_is_told_and_one_that_answers_is_ready(tmp_path: Path, redis_url: str) -> None:
    async with open_hub(test_settings(tmp_path, redis_url=redis_url)), asking() as probe:
        assert (await probe.get("/readyz")).status_code == 200
    async with open_hub(test_settings(tmp_path, redis_url="redis://127.0.0.1:1/0")):
        assert await unready() == {"redis": "does not answer"}


async def test_a_worker_that_stops_is_not_ready_at_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRAFFIC, "stopping", True)
    assert await unready() == {"hub": "stopping"}
    monkeypatch.setattr(hubs, "_open", [])
    assert await unready() == {"hub": "stopping"}


async def test_every_answer_has_an_id_and_probes_do_not_fill_the_log(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with asking() as probe:
        answers = [await probe.get(path, headers={"X-Request-Id": "forged"}) for path in operator.ANSWERS]
        answers.append(await probe.post("/healthz"))
    assert [answer.status_code for answer in answers] == [200, 200, 404, 405]
    assert len({UUID(answer.headers["x-request-id"]) for answer in answers}) == len(answers)
    assert not [record for record in caplog.records if record.name == "atlas_hub.access"]
