"""GET /used-by: what depends on a connection, and on nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.storage.models import Schedule
from tests.api.conftest import People, Vendors, asking
from tests.api.seed import ADMIN, body_of, path_of

SLACK = next(entry for entry in ADMIN if path_of(entry) == "/slack/byot")
MAIL = next(entry for entry in ADMIN if path_of(entry) == "/email")


async def schedule(hub: Hub, workspace: str, name: str, **facts: Any) -> None:
    async with hub.db.transaction() as tx:
        tx.add(Schedule(workspace=workspace, name=name, cron="0 9 * * 1", **facts))


async def connected(client: Any, vendors: Vendors, entry: Any, mode: str = "replace") -> str:
    answer = await client.post(path_of(entry), json=body_of(entry, vendors), params={"mode": mode})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["connection"]["id"]
    return found


async def told(client: Any, connection: str) -> list[tuple[str, bool]]:
    answer = await client.get("/used-by", params={"connection": connection})
    assert answer.status_code == 200, answer.text
    return [(each["name"], each["active"]) for each in answer.json()["usedBy"]]


async def test_what_names_a_connection_or_follows_the_default_depends_on_it(
    each_hub: Hub, people: People, vendors: Vendors
) -> None:
    mine, theirs = people.keys["owner"].workspace, people.keys["other"].workspace
    async with asking(people, "owner") as client:
        slack, mail = await connected(client, vendors, SLACK), await connected(client, vendors, MAIL)
        assert await told(client, slack) == []
        await schedule(each_hub, mine, "Weekly report", channel="slack", connection_id=slack)
        await schedule(each_hub, mine, "Daily digest", channel="slack")
        await schedule(each_hub, mine, "An old one", channel="slack", enabled=False)
        await schedule(each_hub, mine, "To the board", channel="email")
        await schedule(each_hub, mine, "Elsewhere", channel="slack", connection_id=new_id())
        await schedule(each_hub, mine, "Hook", channel="webhook")
        await schedule(each_hub, theirs, "Of others", channel="slack")
        await schedule(each_hub, theirs, "Of others, too", channel="slack", connection_id=slack)
        assert await told(client, slack) == [("Daily digest", True), ("Weekly report", True), ("An old one", False)]
        assert await told(client, mail) == [("To the board", True)]


async def test_another_workspace_s_connection_is_not_found_like_one_that_is_not_there(
    each_hub: Hub, people: People, vendors: Vendors
) -> None:
    async with asking(people, "owner") as client:
        slack = await connected(client, vendors, SLACK)
    async with asking(people, "other") as client:
        answers = [await client.get("/used-by", params={"connection": each}) for each in (slack, new_id())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["message"] for answer in answers}) == 1
    assert each_hub.has_database


@pytest.mark.parametrize(
    "query", ["", "?connection=", "?connection=x", "?connection=%00", "?connection=a&connection=b"]
)
async def test_a_query_without_the_id_of_one_connection_is_refused_by_name(
    hub: Hub, people: People, query: str
) -> None:
    async with asking(people, "owner") as client:
        answer = await client.get(f"/used-by{query}")
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (422, "connection")
    assert hub.has_database
