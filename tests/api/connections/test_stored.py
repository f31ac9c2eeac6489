"""What is connected already: named where it would come twice, changed, deleted, validated, and the operator's own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.services import connections
from atlas_hub.storage import installation
from atlas_hub.storage.models import Connection
from tests.api.conftest import Vendors
from tests.api.connections.conftest import PATH, SECONDS, Client, Place, body, calling, made, place, rows
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.providers.entries import ENTRIES
from tests.standins.dial import Fault
from tests.standins.gchat import GchatStandin, key_file
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, ACME_IN_FULL, BETA, INACTIVE, REVOKED, SCOPELESS, USER


async def test_the_same_account_twice_names_the_connection(api: Client, hub: Hub) -> None:
    own = await made(api, name="Engineering")
    answer = await api.post(PATH, json=body(ACME_IN_FULL, "Again"))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["connection_id"]) == (409, "conflict", own)
    assert "Engineering" in error["message"]
    assert len(await rows(hub)) == 1


async def test_another_workspaces_account_is_a_conflict_that_names_nobody(api: Client, there: Place) -> None:
    await made(api, name="The others' name")
    async with calling(there.key) as other:
        answer = await other.post(PATH, json=body(name="Mine"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        assert "The others" not in answer.text
        assert "connection_id" not in answer.json()["error"]


async def test_another_workspaces_id_is_like_one_that_is_not_there(api: Client, there: Place) -> None:
    own = await made(api)
    async with calling(there.key) as other:
        assert (await other.get(PATH)).json() == []
        for method, path, said in (
            ("GET", "", None),
            ("PUT", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/validate", None),
            ("GET", "/channels", None),
            ("PUT", "/channels", {"sync_all": True}),
        ):
            answer = await other.request(method, f"{PATH}/{own}{path}", json=said)
            nobodys = await other.request(method, f"{PATH}/conn_{'0' * 24}{path}", json=said)
            assert answer.status_code == nobodys.status_code == 404
            assert answer.json()["error"]["message"] == nobodys.json()["error"]["message"]
    assert (await api.get(f"{PATH}/{own}")).json()["name"] == "Engineering"


async def test_what_is_no_chat_account_is_not_found(api: Client, hub: Hub, here: Place, vendors: Vendors) -> None:
    entry = next(each for each in ENTRIES if each.slug == "github")
    done = await connections.connect(
        hub, here.owner, "github", entry.method, entry.values(vendors.of(entry)), source="page"
    )
    assert (await api.get(PATH)).json() == []
    for method in ("GET", "PUT", "DELETE"):
        assert (await api.request(method, f"{PATH}/conn_{done.view.id}", json={})).status_code == 404
    assert len(await rows(hub)) == 1


async def test_name_and_settings_change_by_themselves(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    calls = len(slack.calls)
    assert (await api.put(f"{PATH}/{own}", json={})).json()["name"] == "Engineering"
    told = (await api.put(f"{PATH}/{own}", json={"name": " Platform  team "})).json()
    assert (told["name"], told["settings"]["sync_interval_minutes"]) == ("Platform team", 240)
    told = (await api.put(f"{PATH}/{own}", json={"settings": {"sync_interval_minutes": 60}})).json()
    assert told["settings"] == {"sync_interval_minutes": 60, "wiki_enabled": True, "graph_enabled": True}
    told = (await api.put(f"{PATH}/{own}", json={"settings": {"wiki_enabled": False}})).json()
    assert told["settings"] == {"sync_interval_minutes": 60, "wiki_enabled": False, "graph_enabled": True}
    assert (await api.get(f"{PATH}/{own}")).json() == told
    assert len(slack.calls) == calls


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"settings": {"sync_interval_minutes": 0}}, "settings.sync_interval_minutes"),
        ({"settings": {"sync_interval_minutes": 43201}}, "settings.sync_interval_minutes"),
        ({"settings": {"sync_interval_minutes": "240"}}, "settings.sync_interval_minutes"),
        ({"settings": {"sync_interval_minutes": 1.5}}, "settings.sync_interval_minutes"),
        ({"settings": {"sync_interval_minutes": True}}, "settings.sync_interval_minutes"),
        ({"settings": {"wiki_enabled": 1}}, "settings.wiki_enabled"),
        ({"settings": {"graph_enabled": None}}, "settings.graph_enabled"),
        ({"settings": {"unknown": 1}}, "settings.unknown"),
        ({"settings": None}, "settings"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": None}, "name"),
        ({"platform": "slack"}, "platform"),
        ({"credentials": {"guild_id": "1"}}, "credentials.guild_id"),
        ({"credentials": {"bot_token": None}}, "credentials.bot_token"),
    ],
)
async def test_a_change_of_another_shape_names_its_field(api: Client, hub: Hub, said: Any, field: str) -> None:
    own = await made(api)
    before = await rows(hub)
    answer = await api.put(f"{PATH}/{own}", json={"name": "New", **said})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, [field])
    assert await rows(hub) == before


async def test_new_credentials_take_the_old_ones_place_once_they_are_proven(
    api: Client, hub: Hub, slack: SlackStandin
) -> None:
    own = await made(api)
    answer = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": ACME_IN_FULL}})
    assert (answer.status_code, answer.json()["state"], answer.json()["id"]) == (200, "ok", own)
    (row,) = await rows(hub)
    assert (row.label, row.primary_scope, row.masks["bot_token"][-4:]) == (
        "Engineering",
        "slack:chat",
        ACME_IN_FULL[-4:],
    )
    calls = len(slack.calls)
    answer = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": "", "signing_secret": ""}})
    assert (answer.status_code, len(slack.calls)) == (200, calls)
    answer = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": "", "signing_secret": "ab" * 16}})
    assert answer.status_code == 200
    (row,) = await rows(hub)
    assert set(row.masks) == {"bot_token", "signing_secret"}
    assert slack.calls[-1].headers["authorization"] == f"Bearer {ACME_IN_FULL}"


@pytest.mark.parametrize("token", [REVOKED, INACTIVE, SCOPELESS, USER])
async def test_refused_credentials_leave_the_good_ones(api: Client, hub: Hub, slack: SlackStandin, token: str) -> None:
    own = await made(api)
    before = await rows(hub)
    answer = await api.put(f"{PATH}/{own}", json={"name": "New", "credentials": {"bot_token": token}})
    assert answer.status_code in {400, 403}
    assert answer.json()["valid"] is False
    assert await rows(hub) == before
    assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    assert slack.calls[-1].headers["authorization"] == f"Bearer {ACME}"


async def test_credentials_of_another_account_are_a_conflict(api: Client, hub: Hub) -> None:
    own = await made(api)
    other = await made(api, BETA, "Beta")
    before = await rows(hub)
    answer = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": BETA}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["connection_id"]) == (409, "conflict", other)
    assert (await api.delete(f"{PATH}/{other}")).status_code == 204
    answer = await api.put(f"{PATH}/{own}", json={"credentials": {"bot_token": BETA}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert "Beta Inc" in answer.json()["error"]["message"]
    assert await rows(hub) == before[:1]


async def test_a_renewed_one_that_is_not_the_default_stays_so(api: Client, hub: Hub) -> None:
    await made(api)
    other = await made(api, BETA, "Beta")
    assert (await api.put(f"{PATH}/{other}", json={"credentials": {"bot_token": BETA}})).status_code == 200
    assert [row.primary_scope for row in await rows(hub)] == ["slack:chat", None]
    async with hub.db.transaction() as tx:  # as the admin API leaves it, which promotes nobody
        (await tx.get(Connection, (await rows(hub))[0].id)).primary_scope = None  # type: ignore[union-attr]  # it is there
    assert (await api.put(f"{PATH}/{other}", json={"credentials": {"bot_token": BETA}})).status_code == 200
    assert [row.primary_scope for row in await rows(hub)] == [None, None]


async def test_deleting_the_default_promotes_the_oldest_active_one(api: Client, hub: Hub, slack: SlackStandin) -> None:
    first = await made(api)
    third = slack.tokens[BETA]
    await made(api, BETA, "Beta")
    grid = next(text for text, token in slack.tokens.items() if token.is_enterprise_install)
    await made(api, grid, "Grid")
    assert third.team_id == "T0BETA"
    async with hub.db.transaction() as tx:
        (await tx.get(Connection, (await rows(hub))[1].id)).active = False  # type: ignore[union-attr]  # it is there
    assert (await api.delete(f"{PATH}/{first}")).status_code == 204
    assert [(row.label, row.primary_scope) for row in await rows(hub)] == [("Beta", None), ("Grid", "slack:chat")]
    listed = (await api.get(PATH)).json()
    assert (await api.delete(f"{PATH}/{listed[0]['id']}")).status_code == 204  # not the default: nobody is promoted
    assert [row.primary_scope for row in await rows(hub)] == ["slack:chat"]


async def test_validation_says_when_and_writes_it_down(api: Client, hub: Hub, slack: SlackStandin) -> None:
    own = await made(api)
    said = (await api.post(f"{PATH}/{own}/validate")).json()
    assert list(said) == ["valid", "connection"]
    assert (said["valid"], said["connection"]["id"], said["connection"]["status"]) == (True, own, "connected")
    at = datetime.strptime(said["connection"]["validated_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60  # noqa: TID251  # the test's own clock
    slack.tokens[ACME].state = "revoked"
    said = (await api.post(f"{PATH}/{own}/validate")).json()
    assert (said["valid"], said["error"]["code"]) == (False, "AUTH_EXPIRED")
    assert list(said["error"]) == ["code", "message"]
    now = (await api.get(f"{PATH}/{own}")).json()
    assert (now["status"], now["state"], now["error"]["message"]) == ("error", "reconnect", said["error"]["message"])
    slack.tokens[ACME].state = "active"
    assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    assert "error" not in (await api.get(f"{PATH}/{own}")).json()


async def test_validation_has_no_limit_but_the_vendors(api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    for _ in range(12):
        assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    slack.dial.set(Fault.BUSY_SECONDS, times=1)
    answer = await api.post(f"{PATH}/{own}/validate")
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, "RATE_LIMITED")
    waits = int(answer.headers["retry-after"])
    calls = len(slack.calls)
    again = await api.post(f"{PATH}/{own}/validate")
    assert again.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(again.headers["retry-after"]) <= waits
    listed = await api.get(f"{PATH}/{own}/channels")
    assert (listed.status_code, listed.json()["error"]["code"]) == (503, "RATE_LIMITED")
    assert 1 <= int(listed.headers["retry-after"]) <= waits
    now = (await api.get(f"{PATH}/{own}")).json()
    assert (now["status"], SECONDS.fullmatch(now["channels"]["retry_at"]) is not None) == ("connected", True)
    assert len(slack.calls) == calls


async def test_what_the_environment_gives_is_listed_and_is_the_operators(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", ACME_IN_FULL)
    async with open_hub(settings_for(tmp_path)) as hub:
        here = await place(hub)
        async with hub.db.transaction() as tx:
            (await installation.the_row(tx)).first_workspace = here.owner.workspace
        async with calling(here.key) as api:
            (item,) = (await api.get(PATH)).json()
            path = f"{PATH}/{item['id']}"
            assert (item["source"], item["platform"]) == ("environment", "slack")
            assert (await api.post(f"{path}/validate")).json()["valid"] is True
            assert (await api.get(f"{path}/channels")).status_code == 200
            chosen = await api.put(f"{path}/channels", json={"channel_ids": ["C0GENERAL"]})
            assert chosen.status_code == 200
            for method, said in (
                ("DELETE", None),
                ("PUT", {"name": "Mine"}),
                ("PUT", {"settings": {"wiki_enabled": False}}),
                ("PUT", {"credentials": {"bot_token": BETA}}),
            ):
                answer = await api.request(method, path, json=said)
                assert (answer.status_code, answer.json()["error"]["code"]) == (409, "managed_by_environment")
            assert [row.label for row in await rows(hub)] == [item["name"]]
            own = await made(api, BETA, "Beta")
            assert [each["source"] for each in (await api.get(PATH)).json()] == ["environment", "connections"]
            assert (await api.delete(f"{PATH}/{own}")).status_code == 204


async def test_twenty_at_once_make_one(each_hub: Hub) -> None:
    here = await place(each_hub)
    async with calling(here.key) as client:
        told = await asyncio.gather(*(client.post(PATH, json=body(name=f"N{number}")) for number in range(20)))
        assert sorted(answer.status_code for answer in told) == [201, *[409] * 19]
        (row,) = await rows(each_hub)
        assert row.primary_scope == "slack:chat"
        assert [each["id"] for each in (await client.get(PATH)).json()] == [f"conn_{row.id}"]
        renamed = await asyncio.gather(
            *(client.put(f"{PATH}/conn_{row.id}", json={"credentials": {"bot_token": ACME_IN_FULL}}) for _ in range(5)),
            client.delete(f"{PATH}/conn_{row.id}"),
        )
        assert {answer.status_code for answer in renamed} <= {200, 204, 404}
        assert await rows(each_hub) == []


async def test_google_chat_lists_its_spaces(api: Client, google: GchatStandin) -> None:
    google.projects["acme-atlas"].open = frozenset({"spaces/AAAAteam002"})
    google.page = 2
    credentials = {"credentials_json": key_file()}
    answer = await api.post(PATH, json={"platform": "gchat", "name": "Chat", "credentials": credentials})
    assert answer.status_code == 201, answer.text
    own = answer.json()["id"]
    found = (await api.get(f"{PATH}/{own}/channels")).json()
    assert [(each["id"], each["name"], each["is_private"], each["member_count"]) for each in found] == [
        ("spaces/AAAAalerts1", "Alerts", True, 7),
        ("spaces/AAAAteam002", "Team", False, 7),
    ]
    assert (await api.get(f"{PATH}/{own}")).json()["channel_count"] == 2
