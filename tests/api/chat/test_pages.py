"""Lists of the chat API: cursors, order, filters, counts; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from atlas_hub.hub import Hub
from atlas_hub.storage import paging
from atlas_hub.storage.models import Connection
from tests.api.chat.conftest import Client, Place, calling, place
from tests.api.chat.ground import connection, integration, subscriber

PATH = "/v1/channel-connections"
NAMES = [f"c{number}" for number in range(7)]


@pytest.fixture
async def owner(each_hub: Hub) -> Place:
    return await place(each_hub)


@pytest.fixture
async def seven(each_hub: Hub, owner: Place) -> AsyncIterator[Client]:
    """Seven connections, c0 the oldest: of two subscribers, two integrations, with and without contexts."""
    await integration(each_hub, owner.owner, "slack-abc")
    await integration(each_hub, owner.owner, "teams-abc", "msteams")
    await subscriber(each_hub, owner.owner, "sub1", "sub2")
    more: list[dict[str, Any]] = [
        {}, {"context": {"a": "1"}}, {"context": {"b": "2", "a": "1"}}, {"integrationIdentifier": "teams-abc"},
        {"subscriberId": "sub2"}, {"subscriberId": None, "context": {"a": "1"}},
        {"subscriberId": None, "context": {"a": "1"}, "integrationIdentifier": "teams-abc"},
    ]  # fmt: skip
    async with calling(owner.key) as client:
        for name, each in zip(NAMES, more, strict=True):
            answer = await client.post(PATH, json={**connection(), "identifier": name, **each})
            assert answer.status_code == 201, answer.text
        yield client


async def page(client: Client, **query: Any) -> dict[str, Any]:
    answer = await client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "names": [row["identifier"] for row in answer.json()["data"]]}


@pytest.mark.parametrize("order", ["createdAt", "updatedAt"])
@pytest.mark.parametrize(("direction", "names"), [("DESC", NAMES[::-1]), ("ASC", NAMES)])
async def test_a_walk_forth_and_back_meets_every_row_once(seven: Client, order: str, direction: str, names: list[str]):
    asked = {"limit": "3.0", "orderBy": order, "orderDirection": direction}
    first = await page(seven, **asked)
    assert (first["previous"], first["totalCount"]) == (None, 7)
    second = await page(seven, **asked, after=first["next"])
    third = await page(seven, **asked, after=second["next"])
    assert first["names"] + second["names"] + third["names"] == names
    assert third["next"] is None
    back = await page(seven, **asked, before=third["previous"])
    assert back["names"] == second["names"]
    assert (back["next"], back["previous"]) == (second["next"], second["previous"])
    start = await page(seven, **asked, before=back["previous"])
    assert (start["names"], start["previous"]) == (first["names"], None)
    again = await page(seven, **asked, after=first["next"], includeCursor="true")
    assert again["names"] == [first["names"][-1], *second["names"][:2]]
    assert again["previous"] is not None
    whole = await page(seven, **asked, after=(await page(seven, **{**asked, "limit": 1}))["next"], includeCursor="true")
    assert (whole["names"], whole["previous"]) == (first["names"], None)


async def test_rows_of_one_moment_are_neither_skipped_nor_told_twice(each_hub: Hub, seven: Client):
    async with each_hub.db.transaction() as tx:
        await tx.execute(update(Connection).values(updated_at=each_hub.now() - timedelta(days=1)))
    seen, after = [], None
    while after is not None or not seen:
        found = await page(seven, limit=2, orderBy="updatedAt", **({"after": after} if after else {}))
        seen += found["names"]
        after = found["next"]
    assert seen == NAMES[::-1]


async def test_the_last_change_orders_by_updated_at(seven: Client):
    assert (await seven.patch(f"{PATH}/c2", json=connection())).status_code == 200
    assert (await page(seven, orderBy="updatedAt"))["names"][0] == "c2"
    assert (await page(seven))["names"] == NAMES[::-1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"subscriberId": "sub1"}, "c3 c2 c1 c0"),
        ({"subscriberId": "nobody"}, ""),
        ({"connectionMode": "shared"}, "c6 c5"),
        ({"connectionMode": "subscriber"}, "c4 c3 c2 c1 c0"),
        ({"integrationIdentifier": "teams-abc"}, "c6 c3"),
        ({"integrationIdentifier": "nope"}, ""),
        ({"providerId": "msteams"}, "c6 c3"),
        ({"providerId": "whatever"}, ""),
        ({"channel": "chat"}, "c6 c5 c4 c3 c2 c1 c0"),
        ({"channel": "email"}, ""),
        ({"contextKeys": ["a:1"]}, "c6 c5 c1"),
        ({"contextKeys": ["b:2", "a:1"]}, "c2"),
        ({"contextKeys": ["a:1", "b:2"]}, "c2"),
        ({"contextKeys": [""]}, "c4 c3 c0"),
        ({"contextKeys": ["a:1"], "subscriberId": "sub1"}, "c1"),
        ({"contextKeys": ["a:1"], "connectionMode": "shared", "integrationIdentifier": "slack-abc"}, "c5"),
    ],
)
async def test_filters_and_their_counts(seven: Client, query: dict[str, Any], names: str):
    found = await page(seven, **query)
    assert (found["names"], found["totalCount"]) == (names.split(), len(names.split()))
    assert (await page(seven, limit=1, **query))["totalCount"] == len(names.split())


@pytest.mark.parametrize("cursor", ["0" * 24, "nonsense", "c1"])
async def test_after_a_cursor_of_nobody_comes_nothing(seven: Client, cursor: str):
    for way in ("after", "before"):
        found = await page(seven, **{way: cursor})
        assert (found["data"], found["totalCount"], found["next"], found["previous"]) == ([], 0, None, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "10.5"}, "limit"), ({"limit": "0"}, "limit"), ({"limit": "-1"}, "limit"), ({"limit": "x"}, "limit"),
        ({"limit": "٣"}, "limit"), ({"orderBy": "name"}, "orderBy"), ({"orderDirection": "UP"}, "orderDirection"),
        ({"includeCursor": "maybe"}, "includeCursor"), ({"channel": "fax"}, "channel"),
        ({"connectionMode": "both"}, "connectionMode"),
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_read_is_422(chat: Client, query: dict[str, str], field: str):
    answer = await chat.get(PATH, params=query)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_both_cursors_at_once_are_400(chat: Client):
    assert (await chat.get(PATH, params={"after": "a", "before": "b"})).status_code == 400


async def test_a_page_has_a_hundred_rows_at_most_and_the_count_ends(
    seven: Client, monkeypatch: pytest.MonkeyPatch, each_hub: Hub
):
    assert len((await page(seven, limit=5000))["data"]) == 7
    monkeypatch.setattr(paging, "MOST_COUNTED", 5)
    found = await page(seven)
    assert (found["totalCount"], found["totalCountCapped"]) == (5, True)
    monkeypatch.setattr(paging, "MOST_COUNTED", 7)
    found = await page(seven)
    assert (found["totalCount"], found["totalCountCapped"]) == (7, False)


@pytest.mark.parametrize("path", [PATH, "/v1/channel-endpoints", "/v2/contexts"])
async def test_a_list_is_two_queries_beside_the_one_for_the_key(seven: Client, each_hub: Hub, path: str):
    await seven.get(path)
    while each_hub._tasks:  # noqa: ASYNC110  # what proves the new tokens has queries of its own
        await asyncio.sleep(0.05)
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        said.append(sql)

    event.listen(each_hub.db.engine.sync_engine, "before_cursor_execute", note)
    try:
        await seven.get(path, params={"limit": 3})
    finally:
        event.remove(each_hub.db.engine.sync_engine, "before_cursor_execute", note)
    asked = [sql for sql in said if sql.startswith("SELECT")]
    assert len(asked) == 3, asked
