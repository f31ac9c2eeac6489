"""Create, list, get: by every platform's own names, and what a vendor says instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, select

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Credential
from tests.api.conftest import Vendors
from tests.api.connections.conftest import PATH, SECONDS, Client, Place, body, made, rows
from tests.providers.entries import ENTRIES
from tests.standins import discord_seed
from tests.standins.dial import Fault
from tests.standins.discord import DiscordStandin
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, ACME_IN_FULL, BETA, SCOPELESS, USER, fake

ITEM = ["id", "name", "platform", "status", "created_at", "last_sync", "channel_count", "source", "state", "checks"]


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
    "account_inactive": ("INVALID_CREDENTIALS", 400),
    "token_expired": ("AUTH_EXPIRED", 400),
    "token_revoked": ("AUTH_EXPIRED", 400),
    "missing_scope": ("INSUFFICIENT_PERMISSIONS", 403),
    "no_permission": ("INSUFFICIENT_PERMISSIONS", 403),
    "not_allowed_token_type": ("INSUFFICIENT_PERMISSIONS", 403),
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
