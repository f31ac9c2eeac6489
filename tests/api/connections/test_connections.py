"""List, get, create, change, delete, validate: every route through its door."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from atlas_hub.hub import Hub
from atlas_hub.services import connections
from atlas_hub.storage import installation
from atlas_hub.storage.models import Connection, Credential
from tests.api.conftest import Vendors
from tests.api.connections.conftest import PATH, Client, Place, body, calling, made, place
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.providers.entries import ENTRIES
from tests.standins import discord_seed
from tests.standins.dial import Fault
from tests.standins.discord import DiscordStandin
from tests.standins.gchat import GchatStandin, key_file
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, ACME_IN_FULL, BETA, INACTIVE, REVOKED, SCOPELESS, USER, fake

SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ITEM = ["id", "name", "platform", "status", "created_at", "last_sync", "channel_count", "source", "state", "checks"]


async def rows(hub: Hub, **where: Any) -> list[Connection]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Connection).filter_by(**where).order_by(Connection.id))).scalars())


async def test_a_connection_from_its_creation_to_its_end(api: Client, hub: Hub, here: Place) -> None:
    assert (await api.get(PATH)).json() == []
    answer = await api.post(PATH, json=body(ACME_IN_FULL, signing_secret="0123456789abcdef" * 2))
    assert answer.status_code == 201
    item = answer.json()
    assert list(item) == ITEM
    assert re.fullmatch("conn_[0-9a-f]{24}", item["id"])
    assert SECONDS.fullmatch(item["created_at"])
    assert (item["name"], item["platform"], item["status"], item["state"]) == (
        "Engineering",
        "slack",
        "connected",
        "ok",
    )
    assert (item["last_sync"], item["channel_count"], item["source"]) == (None, 0, "connections")
    assert item["checks"]["authenticated"]["status"] == "yes"
    assert (await api.get(PATH)).json() == [item]
    one = (await api.get(f"{PATH}/{item['id']}")).json()
    assert one["settings"] == {"sync_interval_minutes": 240, "wiki_enabled": True, "graph_enabled": True}
    assert {name: one[name] for name in ITEM} == item
    (row,) = await rows(hub)
    assert (row.primary_scope, row.source, row.label) == ("slack:chat", "connections", "Engineering")
    gone = await api.delete(f"{PATH}/{item['id']}")
    assert gone.status_code == 204
    assert (await api.get(PATH)).json() == []
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", ""), ("POST", "/validate"), ("GET", "/channels")):
        assert (await api.request(method, f"{PATH}/{item['id']}{path}", json={})).status_code == 404
    async with hub.db.reading() as tx:
        assert (await tx.execute(select(Credential))).first() is None


async def test_the_list_is_one_query(api: Client, hub: Hub) -> None:
    await made(api)
    await made(api, BETA, "Beta")
    asked: list[str] = []
    await api.get(PATH)  # the key's use is noted once
    event.listen(hub.db.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = (await api.get(PATH)).json()
    assert [each["name"] for each in found] == ["Engineering", "Beta"]
    assert len(asked) == 2  # whose key it is, and the list


@pytest.mark.parametrize("slug", ["slack", "discord", "teams", "telegram", "gchat", "whatsapp"])
async def test_every_platform_connects_by_its_own_names(api: Client, vendors: Vendors, slug: str) -> None:
    entry = next(each for each in ENTRIES if each.slug == slug)
    given = entry.way.read(entry.values(vendors.of(entry)))
    values = {**given.public(), **{name: secret.reveal() for name, secret in given.given_secrets().items()}}
    if slug == "teams":
        values["app_tenant_id"] = values.pop("tenant_id")
    credentials = {name: value for name, value in values.items() if value is not None}
    answer = await api.post(PATH, json={"platform": slug, "name": f"Our {slug}", "credentials": credentials})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["platform"], told["name"], told["status"]) == (slug, f"Our {slug}", "connected")
    assert (await api.post(f"{PATH}/{told['id']}/validate")).json()["valid"] is True
    listed = await api.get(f"{PATH}/{told['id']}/channels")
    if slug in {"teams", "telegram", "whatsapp"}:
        assert (listed.status_code, listed.json()["error"]["code"]) == (400, "unsupported_platform")
        chosen = await api.put(f"{PATH}/{told['id']}/channels", json={"sync_all": True})
        assert chosen.json()["error"]["message"] == listed.json()["error"]["message"]
    else:
        assert listed.status_code == 200


async def test_discord_takes_a_token_and_a_server(api: Client, hub: Hub, discord: DiscordStandin) -> None:
    credentials = {"bot_token": discord_seed.ATLAS, "guild_id": discord_seed.ACME_GUILD}
    answer = await api.post(PATH, json={"platform": "discord", "name": "Guild", "credentials": credentials})
    assert answer.status_code == 201, answer.text
    (row,) = await rows(hub)
    assert (row.app_key, row.account_key) == (discord_seed.ATLAS_ID, discord_seed.ACME_GUILD)
    assert row.options == {
        "application_id": discord_seed.ATLAS_ID,
        "public_key": discord_seed.ATLAS_KEY,
        "guild_id": discord_seed.ACME_GUILD,
    }
    wrong = {**credentials, "guild_id": discord_seed.BETA_GUILD}
    answer = await api.post(PATH, json={"platform": "discord", "name": "Other", "credentials": wrong})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    answer = await api.post(
        PATH, json={"platform": "discord", "name": "x", "credentials": {**credentials, "guild_id": "x"}}
    )
    assert list(answer.json()["error"]["fields"]) == ["credentials.guild_id"]


@pytest.mark.parametrize("platform", ["github", "email", "SLACK", "mattermost", "msteams", "", " slack"])
async def test_another_platform_is_named_the_ones_that_there_are(api: Client, platform: str) -> None:
    answer = await api.post(PATH, json={"platform": platform, "name": "x", "credentials": {}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "unsupported_platform")
    assert all(each in error["message"] for each in ("slack", "discord", "teams", "telegram", "gchat", "whatsapp"))


WRONG: dict[str, tuple[Any, set[str]]] = {
    "nothing": ({}, {"platform", "name", "credentials"}),
    "a list for a body": ([], {"body"}),
    "a number": ({"platform": 5}, {"platform", "name", "credentials"}),
    "no platform": ({"name": "x", "credentials": {}}, {"platform"}),
    "no name": ({**body(), "name": None}, {"name"}),
    "a blank name": ({**body(), "name": "   "}, {"name"}),
    "a long name": ({**body(), "name": "x" * 121}, {"name"}),
    "an unseen name": ({**body(), "name": "a\x00b"}, {"name"}),
    "no credentials": ({"platform": "slack", "name": "x"}, {"credentials"}),
    "a list": ({**body(), "credentials": []}, {"credentials"}),
    "no token": ({**body(), "credentials": {}}, {"credentials.bot_token"}),
    "an empty token": ({**body(), "credentials": {"bot_token": ""}}, {"credentials.bot_token"}),
    "a blank token": ({**body(), "credentials": {"bot_token": "  "}}, {"credentials.bot_token"}),
    "a number for a token": (body(7), {"credentials.bot_token"}),  # type: ignore[arg-type]  # that is the test
    "null for a token": (body(None), {"credentials.bot_token"}),  # type: ignore[arg-type]  # same
    "extra credentials": (body(app_id="x", guild_id="y"), {"credentials.app_id", "credentials.guild_id"}),
    "extra keys": ({**body(), "label": "x", "settings": {}}, {"label", "settings"}),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_body_of_another_shape_names_its_fields(api: Client, slack: SlackStandin, case: str) -> None:
    said, fields = WRONG[case]
    answer = await api.post(PATH, json=said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")
    assert set(answer.json()["error"]["fields"]) == fields
    assert slack.calls == []


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
async def test_an_empty_name_is_told_as_one(api: Client, name: str) -> None:
    answer = await api.post(PATH, json={**body(), "name": name})
    assert answer.json()["error"]["fields"] == {"name": "This is missing or empty. Send a value."}
    own = await made(api)
    answer = await api.put(f"{PATH}/{own}", json={"name": name})
    assert answer.json()["error"]["fields"] == {"name": "This is missing or empty. Send a value."}


async def test_of_very_many_wrong_fields_the_first_are_named(api: Client) -> None:
    answer = await api.post(PATH, json={**body(), "x" * 100_000: 1, **{f"unknown{number}": 1 for number in range(999)}})
    error = answer.json()["error"]
    assert (answer.status_code, len(error["fields"])) == (422, 20)
    assert "the first 20 of 1000" in error["message"]
    assert max(len(name) for name in error["fields"]) == 121  # one that is cut says so


async def test_a_conflict_says_what_to_do(api: Client) -> None:
    await made(api)
    message = (await api.post(PATH, json=body())).json()["error"]["message"]
    assert message == (
        "Acme Corp is connected already, as Engineering. Change that connection, or disconnect it first."
    )


SLACK_SAYS = {
    "invalid_auth": ("INVALID_CREDENTIALS", 400),
    "not_authed": ("INVALID_CREDENTIALS", 400),
    "user_removed_from_team": ("INVALID_CREDENTIALS", 400),
    "account_inactive": ("AUTH_EXPIRED", 400),
    "token_expired": ("AUTH_EXPIRED", 400),
    "token_revoked": ("AUTH_EXPIRED", 400),
    "missing_scope": ("INSUFFICIENT_PERMISSIONS", 403),
    "no_permission": ("INSUFFICIENT_PERMISSIONS", 403),
    "team_access_not_granted": ("INSUFFICIENT_PERMISSIONS", 403),
    "restricted_action": ("INSUFFICIENT_PERMISSIONS", 403),
    "org_login_required": ("INSUFFICIENT_PERMISSIONS", 403),
    "two_factor_setup_required": ("INSUFFICIENT_PERMISSIONS", 403),
    "access_denied": ("INSUFFICIENT_PERMISSIONS", 403),
    "ekm_access_denied": ("INSUFFICIENT_PERMISSIONS", 403),
    "ratelimited": ("RATE_LIMITED", 503),
    "rate_limited": ("RATE_LIMITED", 503),
    "fatal_error": ("PLATFORM_ERROR", 502),
    "internal_error": ("PLATFORM_ERROR", 502),
    "service_unavailable": ("PLATFORM_ERROR", 502),
    "request_timeout": ("PLATFORM_ERROR", 502),
}
FAULTS = {
    Fault.UNAUTHORIZED: ("INVALID_CREDENTIALS", 400),
    Fault.SERVER_ERROR: ("PLATFORM_ERROR", 502),
    Fault.UNAVAILABLE: ("PLATFORM_ERROR", 502),
    Fault.HTML: ("PLATFORM_ERROR", 502),
    Fault.EMPTY: ("PLATFORM_ERROR", 502),
    Fault.REDIRECT: ("PLATFORM_ERROR", 502),
    Fault.RESET: ("NETWORK_ERROR", 502),
    Fault.BUSY_SECONDS: ("RATE_LIMITED", 503),
}


@pytest.mark.parametrize("said", SLACK_SAYS)
async def test_what_slack_says_has_a_code(api: Client, hub: Hub, slack: SlackStandin, said: str) -> None:
    slack.dial.set(Fault.NONSENSE, body=f'{{"ok": false, "error": "{said}", "needed": "channels:read"}}')
    code, status = SLACK_SAYS[said]
    answer = await api.post(PATH, json=body())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["valid"] is False
    assert (answer.headers.get("retry-after") is not None) is (code == "RATE_LIMITED")
    assert await rows(hub) == []
    slack.dial.set(Fault.OK)
    own = await made(api)
    slack.dial.set(Fault.NONSENSE, body=f'{{"ok": false, "error": "{said}", "needed": "channels:read"}}')
    before = await rows(hub)
    answer = await api.put(f"{PATH}/{own}", json={"name": "New", "credentials": {"bot_token": ACME_IN_FULL}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await rows(hub) == before
    answer = await api.post(f"{PATH}/{own}/validate")
    assert answer.status_code == 200
    assert (answer.json()["valid"], answer.json()["error"]["code"]) == (False, code)
    now = (await api.get(f"{PATH}/{own}")).json()
    permanent = status in {400, 403}
    assert now["status"] == ("error" if permanent else "connected")
    assert ("error" in now) is permanent
    slack.dial.set(Fault.OK)
    if code != "RATE_LIMITED":
        assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
        assert (await api.get(f"{PATH}/{own}")).json()["status"] == "connected"


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_comes_instead_of_an_answer_has_a_code(
    api: Client, hub: Hub, slack: SlackStandin, fault: Fault
) -> None:
    slack.dial.set(fault)
    code, status = FAULTS[fault]
    answer = await api.post(PATH, json=body())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await rows(hub) == []


@pytest.mark.parametrize("token", [USER, fake("xapp", "A"), "xoxe-1-abc", "nonsense"])
async def test_a_token_of_another_kind_is_refused_without_a_call(api: Client, slack: SlackStandin, token: str) -> None:
    answer = await api.post(PATH, json=body(token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_CREDENTIALS")
    assert "xoxb-" in answer.json()["error"]["message"]
    assert slack.calls == []


async def test_a_bot_that_may_list_nothing_is_refused(api: Client, hub: Hub) -> None:
    answer = await api.post(PATH, json=body(SCOPELESS))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert "channels:read" in answer.json()["error"]["message"]
    assert "channels:read" in answer.json()["error"]["required_scopes"]
    assert await rows(hub) == []


async def test_a_bot_that_may_only_read_can_be_synced(api: Client, slack: SlackStandin) -> None:
    slack.tokens[ACME].scopes = frozenset({"channels:history", "channels:read", "users:read", "files:read"})
    answer = await api.post(PATH, json=body())
    assert (answer.status_code, answer.json()["status"], answer.json()["state"]) == (201, "connected", "misconfigured")
    own = answer.json()["id"]
    assert (await api.post(f"{PATH}/{own}/validate")).json()["valid"] is True
    slack.tokens[ACME].scopes = frozenset({"users:read", "chat:write"})
    said = (await api.post(f"{PATH}/{own}/validate")).json()
    assert (said["valid"], said["error"]["code"]) == (False, "INSUFFICIENT_PERMISSIONS")
    assert said["error"]["required_scopes"] == ["channels:read", "groups:read"]
    now = (await api.get(f"{PATH}/{own}")).json()
    assert (now["status"], "channels:read" in now["error"]["message"]) == ("error", True)


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
