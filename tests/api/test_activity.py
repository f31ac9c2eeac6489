"""The audit log over the wire: pages, filters, files, and who may read it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Actor
from atlas_hub.storage import activity as stored
from atlas_hub.storage import audit
from tests.api.conftest import Client, People, asking

HEAD = "attachment; filename="


async def noted(hub: Hub, workspace: str, times: int = 1, **more: Any) -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace)
        for _ in range(times):
            await audit.append(tx, head, **{"kind": "checked", "actor": "ana@example.com", "at": hub.now()} | more)


def seqs(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [event["seq"] for event in answer.json()["events"]]


@pytest.fixture
def owner(people: People) -> Actor:
    return people.keys["owner"]


async def test_pages_follow_each_other_without_gap_or_repeat(client: Client, hub: Hub, owner: Actor) -> None:
    await noted(hub, owner.workspace, 7)
    await noted(hub, new_id(), 3)
    seen: list[int] = []
    query: dict[str, int] = {"limit": 3}
    while True:
        answer = await client.get("/activity", params=query)
        seen += seqs(answer)
        if (following := answer.json()["next"]) is None:
            break
        await noted(hub, owner.workspace)  # what happens meanwhile moves nothing
        query["before"] = following
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_the_default_page_has_fifty_and_the_largest_two_hundred(client: Client, hub: Hub, owner: Actor) -> None:
    await noted(hub, owner.workspace, 201)
    assert len(seqs(await client.get("/activity"))) == 50
    answer = await client.get("/activity", params={"limit": 200})
    assert (len(seqs(answer)), answer.json()["next"]) == (200, 2)
    assert (await client.get("/activity", params={"limit": 200, "before": 2})).json()["next"] is None


async def test_nothing_has_happened_is_an_empty_page_and_a_file_with_heads_alone(client: Client) -> None:
    assert (await client.get("/activity")).json() == {"events": [], "next": None}
    assert (await client.get("/activity/export?format=jsonl")).text == ""
    assert (await client.get("/activity/export?format=csv")).text.startswith("workspace,seq,id,at,kind,")


async def test_each_filter_narrows_page_and_file(each_hub: Hub, people: People, owner: Actor) -> None:
    hub, workspace = each_hub, owner.workspace
    await noted(hub, workspace, kind="connected", provider="slack", subject="s1")
    await noted(hub, workspace, provider="slack", subject="s1", result="failed")
    await noted(hub, workspace, actor="Bo_50%@example.com", provider="teams")
    start = f"{hub.now():%Y-%m-%d}"
    wanted: dict[str, tuple[dict[str, str], list[int]]] = {
        "kind": ({"kind": "connected"}, [1]), "provider": ({"provider": "slack"}, [2, 1]),
        "actor": ({"actor": "ANA@"}, [2, 1]), "signs": ({"actor": "o_50%@"}, [3]), "any": ({"actor": "o%@"}, []),
        "result": ({"result": "failed"}, [2]), "subject": ({"subject": "s1", "kind": "checked"}, [2]),
        "from": ({"from": start}, [3, 2, 1]), "to": ({"to": start}, [3, 2, 1]),
        "moment": ({"to": f"{start}T00:00:00+00:00"}, []), "later": ({"from": "2999-01-01T00:00:00Z"}, []),
        "none": ({"kind": "", "actor": "", "from": ""}, [3, 2, 1]), "unknown": ({"kind": "no_such_kind"}, []),
    }  # fmt: skip
    async with asking(people) as client:
        for name, (query, found) in wanted.items():
            assert seqs(await client.get("/activity", params=query)) == found, name
            file = await client.get("/activity/export", params={**query, "format": "jsonl"})
            assert [json.loads(line)["seq"] for line in file.text.splitlines()] == found[::-1], name


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=Not%20one", "kind"), ("provider=../x", "provider"), ("actor=a%00b", "actor"), ("result=maybe", "result"),
        ("subject=" + "x" * 201, "subject"), ("from=yesterday", "from"), ("to=2026-13-01", "to"),
        ("to=9999-12-31T23:59:59-01:00", "to"), ("from=0001-01-01T00:00:00%2B23:59", "from"), ("before=0", "before"),
        ("before=99999999999", "before"), ("before=one", "before"), ("limit=201", "limit"), ("limit=", "limit"),
        ("limit=-1", "limit"), ("kind=checked&kind=used", "kind"), ("limit=5&limit=6", "limit"),
    ],
)  # fmt: skip
async def test_a_value_that_means_nothing_is_refused_by_name(client: Client, query: str, field: str) -> None:
    paths = ["/activity"] if field in {"before", "limit"} else ["/activity", "/activity/export"]
    for path in paths:
        answer = await client.get(f"{path}?format=csv&{query}")
        assert answer.status_code == 422
        assert [detail["field"] for detail in answer.json()["details"]] == [field]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("to=9999-12-31", 200), ("from=9999-12-31&to=9999-12-31", 200), ("from=2026-04-01&to=2026-04-01", 200),
        ("from=2026-04-01T23:59:59Z&to=2026-04-01", 200), ("from=2026-04-01T09:00Z&to=2026-04-01T09:00Z", 200),
        ("from=2026-04-02&to=2026-04-01", 422), ("from=2026-04-01T09:01Z&to=2026-04-01T09:00Z", 422),
    ],
)  # fmt: skip
async def test_from_is_not_after_to_and_the_last_day_is_one(client: Client, query: str, status: int) -> None:
    for path in ("/activity", "/activity/export"):
        answer = await client.get(f"{path}?format=csv&{query}")
        assert answer.status_code == status
        if status == 422:
            assert [detail["field"] for detail in answer.json()["details"]] == ["from", "to"]


async def test_a_file_needs_a_format_that_there_is(client: Client) -> None:
    for query in ("", "?format=", "?format=xml", "?format=csv&format=csv"):
        answer = await client.get(f"/activity/export{query}")
        assert answer.status_code == 422
        assert [detail["field"] for detail in answer.json()["details"]] == ["format"]


async def test_a_file_is_streamed_whole_as_an_attachment(
    client: Client, hub: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "BATCH", 2)
    await noted(hub, owner.workspace, 5, detail={"now": "Ümläut"})
    csv_file = await client.get("/activity/export?format=csv")
    assert csv_file.headers["content-type"] == "text/csv; charset=utf-8"
    assert csv_file.headers["content-disposition"].startswith(f'{HEAD}"activity-')
    assert csv_file.headers["content-disposition"].endswith('.csv"')
    assert [row["seq"] for row in csv.DictReader(io.StringIO(csv_file.text))] == ["1", "2", "3", "4", "5"]
    lines = await client.get("/activity/export?format=jsonl")
    assert lines.headers["content-type"] == "application/x-ndjson"
    page = (await client.get("/activity")).json()["events"]
    assert [json.loads(line) for line in lines.text.splitlines()] == page[::-1]
    assert "content-length" not in lines.headers
    assert (await client.head("/activity/export?format=csv")).content == b""


@pytest.mark.parametrize("sign", [*"=+-@＝＋－＠\t\r"])  # noqa: RUF001  # full width too
async def test_no_cell_of_a_csv_is_a_formula(client: Client, hub: Hub, owner: Actor, sign: str) -> None:
    await noted(hub, owner.workspace, actor=f"{sign}1+1", subject=f"{sign}HYPERLINK()", provider="fine=really")
    text = (await client.get("/activity/export?format=csv")).text
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["actor"], row["subject"]) == (f"'{sign}1+1", f"'{sign}HYPERLINK()")
    assert row["provider"] == "fine=really"


@pytest.mark.parametrize("path", ["/activity", "/activity/export?format=csv"])
async def test_owners_and_admins_alone_read_it_and_their_own_workspaces_alone(
    hub: Hub, people: People, path: str
) -> None:
    await noted(hub, people.keys["owner"].workspace)
    for key, status in {
        "owner": 200,
        "admin": 200,
        "member": 403,
        "reader": 403,
        "nowhere": 400,
        "unknown": 401,
    }.items():
        async with asking(people, key) as client:
            assert (await client.get(path)).status_code == status, key
    async with asking(people, "other") as client:
        answer = await client.get(path)
        assert "ana@example.com" not in answer.text
        assert answer.status_code == 200


async def test_without_a_database_there_is_no_log(hub_without_database: Hub, people: People) -> None:
    async with asking(people) as client:
        for path in ("/activity", "/activity/export?format=csv"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["error"]) == (404, "not_available")
