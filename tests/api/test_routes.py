"""Every way to connect over the wire, from the registry and the contract suite's entries: one more, and all this holds.

What is here in the seed's own words stands in `seed.py`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from typing import Any

import pytest

from atlas_hub.api import admin
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import ProviderError, RateLimited
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from tests.api.conftest import Client, People, Vendors, asking, forgive
from tests.api.seed import (
    ADMIN,
    FACTS,
    MORE,
    REFUSED,
    ROUTES,
    SHOWN,
    STATUS,
    body_of,
    is_mail,
    name_of,
    path_of,
    provider_of,
    secrets_of,
    wire,
)
from tests.providers.entries.entry import Entry
from tests.standins.dial import Fault

HURRIED = 0.4
"""Seconds that a hung vendor gets."""
BLANK: tuple[Any, ...] = ("", "   ", "\t\n")
NO_TEXT: tuple[Any, ...] = (None, 7, 1.5, True, [], ["x"], {}, {"a": 1})
OURS = {"message", "replaced", "warnings", "scopes", "connection"}
POSTS = sorted(path for method, path in ROUTES if method == "POST")
JSON = {"content-type": "application/json"}

every_way = pytest.mark.parametrize("entry", ADMIN, ids=[entry.id for entry in ADMIN])
accounts = pytest.mark.parametrize(
    "entry", [e for e in ADMIN if not is_mail(e)], ids=[e.id for e in ADMIN if not is_mail(e)]
)


def calls(vendors: Vendors, entry: Entry) -> list[Any]:
    return list(vendors.of(entry).calls)


def named(answer: Any) -> list[str]:
    """The fields that an answer says are wrong."""
    return [detail["field"] for detail in answer.json()["details"]]


async def shown(client: Client, entry: Entry) -> dict[str, Any]:
    said: dict[str, Any] = (await client.get("/status")).json()[name_of(entry)]
    return said


def test_the_seed_s_routes_are_all_there_and_the_few_of_our_own() -> None:
    assert {(operation.method, operation.path) for operation, _ in admin.routes(PROVIDERS)} == ROUTES | MORE
    assert not ROUTES & MORE
    assert len(ROUTES) == 20


def test_every_way_that_is_offered_is_in_these_tests() -> None:
    assert {name_of(entry) for entry in ADMIN} == set(REFUSED) == set(STATUS)
    assert {name_of(entry): provider_of(entry).names.refused for entry in ADMIN} == REFUSED


@every_way
async def test_it_is_connected_shown_and_disconnected(client: Client, vendors: Vendors, entry: Entry) -> None:
    before = await shown(client, entry)
    assert (before["connected"], before["installedAt"]) == (False, None)
    assert {before[field] for field in provider_of(entry).wire_fields} == {None}
    answer = await client.post(path_of(entry), json=body_of(entry, vendors))
    assert answer.status_code == 200, answer.text
    said, provider = answer.json(), provider_of(entry)
    mail = {"verified", "warning"} if is_mail(entry) else set()
    assert set(said) == OURS | set(provider.wire_fields) | set(provider.answer_fields) | mail
    expected = FACTS.get(name_of(entry), {"provider": entry.method, "senderAddress": "alerts@acme.example"})
    assert {field: said[field] for field in expected} == expected
    assert said["replaced"] is None
    assert said["connection"]["checks"]["authenticated"]["status"] == "yes"
    if is_mail(entry):
        assert (said["verified"], said["warning"]) == (True, None)
    status = await shown(client, entry)
    assert (status["connected"], status["source"]) == (True, "admin")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", status["installedAt"])
    expected = SHOWN.get(name_of(entry), expected)
    assert {field: status[field] for field in STATUS[name_of(entry)] if field in expected} == expected
    gone = await client.delete(f"/{name_of(entry)}")
    assert (gone.status_code, set(gone.json())) == (
        200,
        {"message", "othersStored", "stillInUse", "revoked", "revocation"},
    )
    assert (gone.json()["othersStored"], gone.json()["stillInUse"]) == (0, False)
    assert await shown(client, entry) == before
    again = await client.delete(f"/{name_of(entry)}")
    assert (again.status_code, again.json()["error"]) == (404, "not_found")
    assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code == 200


@every_way
async def test_no_answer_has_a_secret_in_it(client: Client, vendors: Vendors, entry: Entry) -> None:
    secrets, path = secrets_of(entry, vendors), path_of(entry)
    assert secrets
    body = body_of(entry, vendors)
    answers = [
        await client.post(path, json=body),
        await client.get("/status"),
        *[await client.post(path, json={**body, "extra": secret}) for secret in secrets],
        *[await client.post(path, json=[secret]) for secret in secrets],
        *[await client.post(path, params={"mode": secret}, json=body) for secret in secrets],
        *[await client.post(path, json=dict.fromkeys(body, secret)) for secret in secrets],
        *[await client.post(path, json={secret: secret}) for secret in secrets],
        *[await client.post(path, content=json.dumps(body)[:-1], headers=JSON)],
        await client.delete(f"/{name_of(entry)}"),
    ]
    for answer in answers:
        told = f"{answer.text} {answer.headers}"
        assert not [secret for secret in secrets if secret in told or json.dumps(secret)[1:-1] in told]


@every_way
async def test_every_required_field_is_asked_for_by_its_name(client: Client, vendors: Vendors, entry: Entry) -> None:
    form = entry.way.form
    for info in form.model_fields.values():
        alias = str(info.alias)
        required = info.is_required() or info.get_default() is not None
        no_text = [value for value in NO_TEXT if not (info.annotation is int and value == 7 and value is not True)]
        no_text = [value for value in no_text if not (info.annotation is bool and value is True)]
        wrong = [{"without": alias}] if required else []
        wrong += [{alias: value} for value in (*BLANK, *no_text) if required]
        wrong += [{alias: value} for value in no_text if not required and value is not None]
        for changed in wrong:
            answer = await client.post(path_of(entry), json=body_of(entry, vendors, **changed))
            assert (answer.status_code, answer.json()["error"]) == (422, "validation_error"), (changed, answer.text)
            assert named(answer) == [wire(entry, alias)], changed
            assert_ours(answer)
    assert calls(vendors, entry) == []
    assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code == 200


def assert_ours(answer: Any) -> None:
    """Its sentences are not pydantic's, and say what to do."""
    for detail in answer.json()["details"]:
        assert "nput" not in detail["message"]
        assert detail["message"].count(". ") >= 1 or "Enter" in detail["message"], detail


@every_way
async def test_all_that_is_missing_is_named_at_once(client: Client, vendors: Vendors, entry: Entry) -> None:
    body = {"provider": entry.method, "config": {}} if wire(entry, "x").startswith("config") else {}
    answer = await client.post(path_of(entry), json=body)
    asked = {
        wire(entry, str(info.alias))
        for info in entry.way.form.model_fields.values()
        if info.is_required() or info.get_default() is not None
    }
    assert (answer.status_code, set(named(answer))) == (422, asked)
    assert calls(vendors, entry) == []


@every_way
async def test_a_misshapen_field_is_named_and_not_repeated(client: Client, vendors: Vendors, entry: Entry) -> None:
    for alias, value in entry.misshapen.items():
        answer = await client.post(path_of(entry), json=body_of(entry, vendors, **{alias: value}))
        assert (answer.status_code, answer.json()["error"]) == (422, "validation_error"), (alias, answer.text)
        assert named(answer) == [wire(entry, alias)]
        assert "canary" not in answer.text
        assert "nput" not in answer.text
    assert calls(vendors, entry) == []
    assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code == 200


@every_way
async def test_the_names_are_camel_case_and_unknown_keys_are_ignored(
    client: Client, vendors: Vendors, entry: Entry
) -> None:
    form = entry.way.form
    for name, info in form.model_fields.items():
        if not info.is_required() or name == info.alias:
            continue
        value = entry.values(vendors.of(entry))[str(info.alias)]
        body = body_of(entry, vendors, without=str(info.alias), **{name: value})
        answer = await client.post(path_of(entry), json=body)
        assert (answer.status_code, named(answer)) == (422, [wire(entry, str(info.alias))])
    body = body_of(entry, vendors, unknown={"deep": [1]}, **{"": None})
    assert (await client.post(path_of(entry), json={**body, "another": None})).status_code == 200


@every_way
async def test_what_goes_wrong_at_the_vendor_is_told_and_nothing_is_stored(
    client: Client, hub: Hub, vendors: Vendors, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin, told = vendors.of(entry), set()
    for trouble in (each for each in entry.troubles if each.in_check):
        with monkeypatch.context() as hurry:
            if trouble.slow:
                hurried(hurry, entry)
            trouble.begin(standin)
            answer = await client.post(path_of(entry), json=body_of(entry, vendors))
        entry.mend(standin)
        await forgive(hub, entry.way.read(entry.values(standin)))
        said = answer.json()
        if is_mail(entry) and trouble.error.retryable:
            told.add(200)
            assert (answer.status_code, said["verified"]) == (200, False), (trouble.name, answer.text)
            assert said["warning"]
            assert said["connection"]["state"] == "unverified"
            assert (await client.delete("/email")).status_code == 200
            continue
        expected = expected_of(entry, trouble.error)
        told.add(answer.status_code)
        assert (answer.status_code, said.get("error"), said.get("code")) == expected, (trouble.name, answer.text)
        if issubclass(trouble.error, RateLimited):
            least, most = trouble.waits or (1, 86_400)
            assert least <= int(answer.headers["retry-after"]) <= most, trouble.name
        assert not (await shown(client, entry))["connected"], trouble.name
    assert told >= ({400, 200} if is_mail(entry) else {400, 502, 503})
    assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code == 200


def expected_of(entry: Entry, error: type[ProviderError]) -> tuple[int, str, str]:
    """Status, word and code of a vendor's error."""
    if error.code == "RATE_LIMITED":
        return 503, "provider_busy", error.code
    if error.retryable:
        return 502, "provider_error", error.code
    return 400, REFUSED[name_of(entry)], error.code


def hurried(monkeypatch: pytest.MonkeyPatch, entry: Entry) -> None:
    """Shorten what a hung vendor gets."""
    patient = Http.ask

    async def ask(self: Http, *given: Any, timeout: float = 10.0, **named: Any) -> Any:  # noqa: ASYNC109  # as Http has it
        return await patient(self, *given, timeout=min(timeout, HURRIED), **named)

    monkeypatch.setattr(Http, "ask", ask)
    if entry.seconds:
        monkeypatch.setattr(entry.seconds, HURRIED)


@accounts
async def test_what_is_refused_or_silent_leaves_a_good_connection_as_it_is(
    client: Client, vendors: Vendors, entry: Entry
) -> None:
    await client.post(path_of(entry), json=body_of(entry, vendors))
    before = await shown(client, entry)
    for fault in (Fault.UNAUTHORIZED, Fault.BUSY_SECONDS, Fault.SERVER_ERROR):
        vendors.of(entry).dial.set(fault)
        assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code in {400, 502, 503}
        vendors.of(entry).dial.set(Fault.OK)
        assert await shown(client, entry) == before


@accounts
async def test_the_account_of_another_workspace_is_a_conflict_until_it_is_let_go(
    client: Client, people: People, vendors: Vendors, entry: Entry
) -> None:
    body = body_of(entry, vendors)
    assert (await client.post(path_of(entry), json=body)).status_code == 200
    async with asking(people, "other") as other:
        answer = await other.post(path_of(entry), json=body)
        assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
        owner = people.keys["owner"]
        assert not [word for word in (owner.workspace, owner.workspace_name, owner.name) if word in answer.text]
        assert not (await shown(other, entry))["connected"]
        assert (await other.delete(f"/{name_of(entry)}")).status_code == 404
        assert (await shown(client, entry))["connected"]
        assert (await client.delete(f"/{name_of(entry)}")).status_code == 200
        assert (await other.post(path_of(entry), json=body)).status_code == 200
    assert (await client.post(path_of(entry), json=body)).status_code == 409


@accounts
async def test_of_two_workspaces_that_race_for_an_account_one_has_it(
    client: Client, people: People, vendors: Vendors, entry: Entry
) -> None:
    body = body_of(entry, vendors)
    async with asking(people, "other") as other:
        answers = await asyncio.gather(*(each.post(path_of(entry), json=body) for each in (client, other)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert [(await shown(each, entry))["connected"] for each in (client, other)].count(True) == 1


@pytest.mark.parametrize("times", range(3))
async def test_on_each_database_one_workspace_wins_the_race(
    each_hub: Hub, people: People, vendors: Vendors, times: int
) -> None:
    entry = [each for each in ADMIN if not is_mail(each)][times]
    body = body_of(entry, vendors)
    async with asking(people, "owner") as one, asking(people, "admin") as colleague, asking(people, "other") as other:
        answers = await asyncio.gather(*(each.post(path_of(entry), json=body) for each in (one, colleague, other) * 2))
        told = [answer.status_code for answer in answers]
        mine, theirs = {*told[0::3], *told[1::3]}, {*told[2::3]}
        assert {*mine, *theirs} == {200, 409}
        assert 200 not in mine or 200 not in theirs
        assert [(await shown(each, entry))["connected"] for each in (one, other)].count(True) == 1


async def test_mail_of_two_workspaces_may_be_the_same(client: Client, people: People, vendors: Vendors) -> None:
    for entry in filter(is_mail, ADMIN):
        async with asking(people, "other") as other:
            for each in (client, other):
                assert (await each.post("/email", json=body_of(entry, vendors))).status_code == 200


@accounts
async def test_the_same_account_again_updates_and_beside_itself_is_a_conflict(
    client: Client, vendors: Vendors, entry: Entry
) -> None:
    path, body = path_of(entry), body_of(entry, vendors)
    first = (await client.post(path, json=body)).json()
    again = (await client.post(path, json=body)).json()
    assert (again["connection"]["id"], again["replaced"]) == (first["connection"]["id"], None)
    beside = await client.post(f"{path}?mode=add", json=body)
    assert (beside.status_code, beside.json()["error"]) == (409, "conflict")
    assert (await client.delete(f"/{name_of(entry)}")).json()["othersStored"] == 0


@every_way
async def test_without_a_database_a_write_is_not_available_whatever_it_says(
    people: People, hub_without_database: Hub, vendors: Vendors, entry: Entry
) -> None:
    async with asking(people, "nowhere") as client:
        for asked in (
            client.post(path_of(entry), json=body_of(entry, vendors)),
            client.post(path_of(entry), json=[]),
            client.delete(f"/{name_of(entry)}"),
        ):
            answer = await asked
            assert (answer.status_code, answer.json()["error"]) == (404, "not_available")
    assert calls(vendors, entry) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("null", "JSON"),
        ("[]", "JSON"),
        ("7", "JSON"),
        ('"text"', "JSON"),
        ("not JSON", "JSON"),
        ("{", "JSON"),
        ("{}", "client_email"),
        ("[" * 5_000, "JSON"),
        ("[" * 60_000, "longer"),
        ({"client_email": None}, "client_email"),
        ({"client_email": ""}, "client_email"),
        ({"client_email": 7}, "client_email"),
        ({"private_key": None}, "private_key"),
        ({"private_key": ""}, "private_key"),
        ({"private_key": "canary"}, "private_key"),
        ({"private_key": ["-----BEGIN"]}, "private_key"),
    ],
)
async def test_google_s_key_file_is_refused_by_its_own_word(
    client: Client, vendors: Vendors, text: Any, word: str
) -> None:
    entry = next(each for each in ADMIN if each.slug == "gchat")
    good = json.loads(entry.values(vendors.of(entry))["credentialsJson"])
    if isinstance(text, dict):
        text = json.dumps({**good, **text})
    answer = await client.post("/gchat", json={"credentialsJson": text})
    said = answer.json()
    assert (answer.status_code, said["error"], said["code"]) == (400, "invalid_credentials", "INVALID_CREDENTIALS")
    assert [detail["field"] for detail in said["details"]] == ["credentialsJson"]
    assert word in said["message"]
    assert "canary" not in answer.text
    assert calls(vendors, entry) == []


async def test_a_project_that_the_key_file_does_not_name_is_its_account_s(client: Client, vendors: Vendors) -> None:
    entry = next(each for each in ADMIN if each.slug == "gchat")
    given = json.loads(entry.values(vendors.of(entry))["credentialsJson"])
    del given["project_id"]
    said = (await client.post("/gchat", json={"credentialsJson": json.dumps(given)})).json()
    assert said["projectId"] == "acme-atlas"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content", [b"null", b"[]", b"[{}]", b"7", b"1.5", b'"text"', b"true"])
async def test_json_that_is_no_object_is_refused_everywhere(client: Client, path: str, content: bytes) -> None:
    answer = await client.post(path, content=content, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_error")
    assert len(answer.json()["details"]) == 1


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_of_another_kind_is_refused_everywhere(client: Client, path: str) -> None:
    plain = b'{"recipientEmail": "ana@example.com"}'
    for headers, content in (
        ({}, plain),
        ({"content-type": "text/plain"}, plain),
        ({"content-type": "application/x-www-form-urlencoded"}, b"botToken=x"),
        ([("content-type", "application/json"), ("content-type", "application/json")], plain),
        ({**JSON, "content-encoding": "gzip"}, gzip.compress(plain)),
        ({**JSON, "content-encoding": "identity, BR"}, plain),
        ([*JSON.items(), ("content-encoding", "identity"), ("content-encoding", "deflate")], plain),
    ):
        answer = await client.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type"), headers
        assert answer.headers.get("accept-encoding") == ("identity" if "content-encoding" in str(headers) else None)
    for coding in ("identity", "IDENTITY", "", " identity "):
        answer = await client.post(path, content=b"{}", headers={**JSON, "content-encoding": coding})
        assert answer.status_code == 422
    assert (await client.post(path, content=b"{", headers=JSON)).json()["error"] == "bad_request"
    assert (await client.post(path, headers=JSON)).json()["error"] == "bad_request"


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES - {("GET", "/status")}))
async def test_a_member_a_reader_and_a_stranger_change_nothing(
    people: People, hub: Hub, method: str, path: str
) -> None:
    for key, expected in (("member", 403), ("reader", 403), ("key-for-groups", 403), ("stranger", 401)):
        async with asking(people, key) as client:
            assert (await client.request(method, path, json={})).status_code == expected


@pytest.mark.parametrize("rpm", [2])
async def test_too_many_changes_are_told_to_wait_and_reading_is_not(people: People, hub: Hub) -> None:
    async with asking(people) as client:
        answers = [await client.request(method, path, json={}) for method, path in sorted(ROUTES)]
        told = [answer.status_code for answer in answers if answer.request.method != "GET"]
        assert [status for status in told if status != 429] == told[:2]
        assert told.count(429) == 17
        for answer in answers:
            if answer.status_code == 429:
                assert answer.json()["error"] == "rate_limited"
                assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (await client.get("/status")).status_code == 200


async def test_nothing_is_connected_and_nothing_is_lost_when_all_are(client: Client, vendors: Vendors) -> None:
    one_of_each = {name_of(entry): entry for entry in reversed(ADMIN)}
    for entry in one_of_each.values():
        assert (await client.post(path_of(entry), json=body_of(entry, vendors))).status_code == 200
    status = (await client.get("/status")).json()
    assert set(status) == {*STATUS, "webhooks", "deliveryChannels", "deployMode", "hasInternalDB"}
    assert all(status[name]["connected"] for name in STATUS)
    assert status["deliveryChannels"] == ["email", "slack"]
    for name in STATUS:
        assert (await client.delete(f"/{name}")).status_code == 200
        status = (await client.get("/status")).json()
        assert not status[name]["connected"]
    assert status["deliveryChannels"] == []
