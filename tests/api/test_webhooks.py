"""The status answer's count of webhook tasks: enabled, of this workspace, delivering by webhook, to at least one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text as sql

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.storage.models import Schedule
from tests.api.conftest import People, asking

HOOK = {"type": "webhook", "url": "https://hooks.acme.example/atlas"}
MAIL = {"type": "email", "address": "ana@acme.example"}
SLACK = {"type": "slack", "channel": "C0GENERAL"}


async def schedule(hub: Hub, workspace: str, *recipients: dict[str, Any], **facts: Any) -> str:
    task = Schedule(
        workspace=workspace, name="Weekly", cron="0 9 * * 1", recipients=list(recipients), channel="webhook"
    )
    for name, value in facts.items():
        setattr(task, name, value)
    async with hub.db.transaction() as tx:
        tx.add(task)
        return task.id


async def counted(people: People, key: str = "owner") -> tuple[int, list[str]]:
    async with asking(people, key) as client:
        said = (await client.get("/status")).json()
    assert said["webhooks"]["configurable"] is True
    return said["webhooks"]["activeCount"], said["deliveryChannels"]


async def test_active_webhook_tasks_are_counted(each_hub: Hub, people: People) -> None:
    mine, theirs = people.keys["owner"].workspace, people.keys["other"].workspace
    assert await counted(people) == (0, [])
    await schedule(each_hub, mine, HOOK)
    assert await counted(people) == (1, ["webhook"])
    await schedule(each_hub, mine, MAIL, HOOK, HOOK, SLACK)
    assert await counted(people) == (2, ["webhook"])
    await schedule(each_hub, theirs, HOOK)
    await schedule(each_hub, new_id(), HOOK)
    assert await counted(people) == (2, ["webhook"])
    assert await counted(people, "other") == (1, ["webhook"])


@pytest.mark.parametrize(
    ("recipients", "facts"),
    [
        ([HOOK], {"enabled": False}),
        ([HOOK, MAIL], {"channel": "email"}),
        ([HOOK], {"channel": "slack"}),
        ([], {}),
        ([MAIL, SLACK], {}),
        ([{**MAIL, "name": '"type": "webhook"'}], {}),
        ([{**MAIL, "type": "email", "note": "webhook"}], {}),
        ([{"type": "webhooks", "url": HOOK["url"]}], {}),
    ],
    ids=["disabled", "by-mail", "by-slack", "to-nobody", "to-others", "in-a-name", "in-a-note", "another-type"],
)
async def test_what_is_no_active_webhook_task_is_not(
    each_hub: Hub, people: People, recipients: list[dict[str, Any]], facts: dict[str, Any]
) -> None:
    mine = people.keys["owner"].workspace
    task = await schedule(each_hub, mine, *recipients, **facts)
    assert await counted(people) == (0, [])
    async with each_hub.db.transaction() as tx:
        row = await tx.get(Schedule, task)
        assert row is not None
        row.recipients, row.channel, row.enabled = [HOOK], "webhook", True
    assert await counted(people) == (1, ["webhook"])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('[{"type":"webhook","url":"https://hooks.acme.example"}]', 1),
        ('[ { "url": "https://hooks.acme.example", "type" : "webhook" } ]', 1),
        ('[{"type": "email", "meta": {"type": "webhook"}}]', 0),
        ('{"type": "webhook"}', 0),
        ('[{"type": "Webhook"}]', 0),
        ('["webhook", 7, null, [{"type": "webhook"}]]', 0),
        ("null", 0),
    ],
)
async def test_recipients_are_read_as_json_however_they_are_written(
    each_hub: Hub, people: People, text: str, count: int
) -> None:
    task = await schedule(each_hub, people.keys["owner"].workspace, HOOK)
    async with each_hub.db.transaction() as tx:
        statement = sql("UPDATE atlas_hub_schedule SET recipients = :text WHERE id = :id")
        await tx.execute(statement, {"text": text, "id": task})
    assert (await counted(people))[0] == count


async def test_without_a_database_there_are_none(hub_without_database: Hub, people: People) -> None:
    async with asking(people, "nowhere") as client:
        assert (await client.get("/status")).json()["webhooks"] == {"activeCount": 0, "configurable": False}
