"""Credential use: counted by the minute, written once when the minute is over, and never changed after."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import HubError
from atlas_hub.kit.ids import new_id
from atlas_hub.services import connections, delivery, environment, uses, verifying
from atlas_hub.services.access import Actor
from atlas_hub.storage import audit, installation
from atlas_hub.storage.models import AuditEvent, Connection, CredentialUse
from atlas_hub.storage.purge import purge
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.slack_seed import ACME
from tests.standins.telegram import ATLAS

NOON = datetime(2026, 3, 31, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(hub: Hub, moment: datetime) -> Hub:
    """The same hub with its clock set."""
    return replace(hub, now=lambda: moment)


async def begun(hub: Hub, workspace: str) -> None:
    """Something happened there."""
    async with hub.db.transaction() as tx:
        await audit.append(tx, await audit.head_of(tx, workspace), kind="connected", actor="ana", at=NOON)


def used(workspace: str) -> Connection:
    return Connection(
        workspace=workspace, source="page", provider="slack", method="bot_token", purpose="chat", scope="slack:chat",
        identifier="slack-1", label="Slack", account_key="T0",
    )  # fmt: skip


async def written(hub: Hub) -> list[tuple[str, str, int]]:
    """Subject, minute and times of every event of use, in order."""
    async with hub.db.reading() as tx:
        found = await tx.execute(select(AuditEvent).filter_by(kind=uses.KIND).order_by(AuditEvent.seq))
        return [(each.subject, each.detail["minute"], each.detail["times"]) for each in found.scalars()]


async def counted(hub: Hub) -> dict[str, int]:
    """Minute to times of what is not written yet."""
    async with hub.db.reading() as tx:
        found = await tx.execute(select(CredentialUse).where(CredentialUse.times > 0))
        return {f"{each.minute:%H:%M}": each.times for each in found.scalars()}


async def test_the_uses_of_a_minute_become_one_event_once_it_is_over(any_hub: Hub) -> None:
    row = used(new_id())
    await begun(any_hub, row.workspace)
    for _ in range(3):
        await uses.count(at(any_hub, NOON), row)
    await uses.flush(at(any_hub, NOON + timedelta(seconds=29)))
    assert await written(any_hub) == []
    assert await counted(any_hub) == {"12:00": 3}
    await uses.flush(at(any_hub, NOON + timedelta(seconds=30)))
    assert await written(any_hub) == [(row.id, "2026-03-31T12:00:00.000Z", 3)]
    assert await counted(any_hub) == {}
    await uses.flush(at(any_hub, NOON + MINUTE))
    assert len(await written(any_hub)) == 1
    async with any_hub.db.reading() as tx:
        found = (await tx.execute(select(AuditEvent).filter_by(kind="used"))).scalars().one()
    assert (found.actor, found.provider, found.result, found.at) == ("hub", "slack", "ok", NOON + MINUTE / 2)
    assert (await verifying.verified(any_hub, row.workspace)).whole


async def test_minutes_and_connections_are_told_apart(any_hub: Hub) -> None:
    one = used(new_id())
    other = used(one.workspace)
    await begun(any_hub, one.workspace)
    for row, moment in ((one, NOON), (other, NOON), (one, NOON + MINUTE), (one, NOON + 2 * MINUTE)):
        await uses.count(at(any_hub, moment), row)
    await uses.flush(at(any_hub, NOON + 2 * MINUTE))
    noon, later = "2026-03-31T12:00:00.000Z", "2026-03-31T12:01:00.000Z"
    first = sorted([(one.id, noon, 1), (other.id, noon, 1)])
    assert await written(any_hub) == [*first, (one.id, later, 1)]
    assert await counted(any_hub) == {"12:02": 1}


async def test_a_use_that_comes_late_is_counted_in_a_minute_that_is_not_written_yet(any_hub: Hub) -> None:
    row = used(new_id())
    await begun(any_hub, row.workspace)
    await uses.count(at(any_hub, NOON - MINUTE), row)
    await uses.count(at(any_hub, NOON), row)
    await uses.flush(at(any_hub, NOON + MINUTE))
    before = await written(any_hub)
    for late in (NOON - MINUTE, NOON, NOON + MINUTE):  # by a clock that is behind
        await uses.count(at(any_hub, late), row)
    assert await counted(any_hub) == {"12:01": 3}
    await uses.flush(at(any_hub, NOON + 2 * MINUTE))
    assert await written(any_hub) == [*before, (row.id, "2026-03-31T12:01:00.000Z", 3)]


async def test_the_mark_of_a_written_minute_is_gone_after_a_day(any_hub: Hub) -> None:
    row, other = used(new_id()), used(new_id())
    other.workspace = row.workspace
    await begun(any_hub, row.workspace)
    await uses.count(at(any_hub, NOON), row)
    await uses.flush(at(any_hub, NOON + MINUTE))
    await uses.count(at(any_hub, NOON + 2 * timedelta(days=1)), other)
    await uses.flush(at(any_hub, NOON + 2 * timedelta(days=1) + MINUTE))
    async with any_hub.db.reading() as tx:
        left = (await tx.execute(select(CredentialUse.connection_id))).scalars().all()
    assert left == [other.id]


async def test_workers_that_race_write_each_minute_once_and_lose_no_use(any_hub: Hub) -> None:
    rows = [used(workspace) for workspace in (new_id(), new_id()) for _ in range(3)]
    for row in rows:
        await begun(any_hub, row.workspace)
        await asyncio.gather(*(uses.count(at(any_hub, NOON), row) for _ in range(4)))
    over = at(any_hub, NOON + MINUTE)
    late = [uses.count(at(any_hub, NOON), row) for row in rows]
    await asyncio.gather(*(uses.flush(over) for _ in range(6)), *late)
    await asyncio.gather(*(uses.flush(at(any_hub, NOON + 2 * MINUTE)) for _ in range(6)))
    told = await written(any_hub)
    assert len({(subject, minute) for subject, minute, _ in told}) == len(told)
    for row in rows:
        assert sum(times for subject, _, times in told if subject == row.id) == 5
        assert (await verifying.verified(any_hub, row.workspace)).whole
    assert await counted(any_hub) == {}


@pytest.mark.postgres
async def test_two_hubs_on_one_database_write_each_minute_once(postgres_url: str, tmp_path: Any) -> None:
    settings = settings_for(tmp_path, database_url=postgres_url)
    async with open_hub(settings) as one, open_hub(settings) as other:
        rows = [used(new_id()) for _ in range(4)]
        for row in rows:
            await begun(one, row.workspace)
            for hub in (one, other):
                await uses.count(at(hub, NOON), row)
        await asyncio.gather(*(uses.flush(at(hub, NOON + MINUTE)) for hub in (one, other) * 4))
        assert sorted(await written(one)) == sorted((row.id, "2026-03-31T12:00:00.000Z", 2) for row in rows)


async def test_a_worker_that_dies_between_taking_and_committing_loses_nothing(
    any_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = used(new_id())
    await begun(any_hub, row.workspace)
    for _ in range(2):
        await uses.count(at(any_hub, NOON), row)
    append = audit.append

    async def killed(*given: Any, **more: Any) -> None:
        await append(*given, **more)
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(audit, "append", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await uses.flush(at(any_hub, NOON + MINUTE))
    assert await written(any_hub) == []
    await uses.flush(at(any_hub, NOON + MINUTE))
    assert [times for *_, times in await written(any_hub)] == [2]


async def test_a_deleted_workspace_takes_its_uses_along_and_they_do_not_rise_again(any_hub: Hub) -> None:
    row = used(new_id())
    await begun(any_hub, row.workspace)
    await uses.count(at(any_hub, NOON), row)
    async with any_hub.db.transaction() as tx:
        await purge(tx, row.workspace)
    await uses.count(at(any_hub, NOON), row)
    assert await counted(any_hub) == {}
    await uses.flush(at(any_hub, NOON + MINUTE))
    assert await written(any_hub) == []


async def test_what_cannot_be_counted_is_logged_and_fails_nobody(
    hub: Hub, owner: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    row = used(owner.workspace)
    await begun(hub, owner.workspace)
    async with hub.db.transaction() as tx:
        await tx.execute(text("DROP TABLE atlas_hub_credential_use"))
    with caplog.at_level(logging.ERROR):
        await uses.count(hub, row)
    assert "could not be counted" in caplog.text


async def test_every_verb_that_uses_stored_secrets_is_counted_and_typed_ones_are_not(
    vendors: Hub, owner: Actor
) -> None:
    hub = at(vendors, NOON)
    done = await connections.connect(hub, owner, "telegram", "bot_token", {"bot_token": ATLAS}, source="page")
    assert await counted(hub) == {}
    await connections.check_now(hub, owner, done.view.id)
    assert await counted(hub) == {"12:00": 1}
    await delivery.send_test(hub, owner, done.view.id, "@acme_alerts")
    assert await counted(hub) == {"12:00": 2}
    await connections.connect(hub, owner, "telegram", "bot_token", {"bot_token": ""}, source="page", keep=done.view.id)
    assert await counted(hub) == {"12:00": 3}
    await connections.connect(
        hub, owner, "telegram", "bot_token", {"bot_token": ATLAS}, source="page", keep=done.view.id
    )
    with pytest.raises(HubError):
        await connections.check_now(hub, owner, new_id())
    assert await counted(hub) == {"12:00": 3}


async def test_what_the_environment_gives_is_counted_when_it_is_proven_and_adopted(
    vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", ACME)
    async with vendors.db.transaction() as tx:
        (await installation.the_row(tx)).first_workspace = owner.workspace
    hub = at(vendors, NOON)
    await environment.begin(hub)
    assert await counted(hub) == {"12:00": 1}
    await connections.adopt(hub, owner, "slack")
    assert await counted(hub) == {"12:00": 2}


async def test_a_worker_writes_what_is_over_when_it_begins_and_when_it_stops(any_hub: Hub) -> None:
    row = used(new_id())
    await begun(any_hub, row.workspace)
    clock = [NOON]
    hub = replace(any_hub, now=lambda: clock[0])
    await uses.count(at(hub, NOON - MINUTE), row)
    running = asyncio.create_task(uses.run(hub))
    async with asyncio.timeout(5):
        while not await written(any_hub):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.01)
    await uses.count(hub, row)
    clock[0] = NOON + MINUTE
    await uses.count(hub, row)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [minute[11:16] for _, minute, _ in await written(any_hub)] == ["11:59", "12:00"]
    assert await counted(any_hub) == {"12:01": 1}
