"""What surrounds the answers of the groups API: the order of checks, errors, envelope, pretty, pages, HEAD, 405."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys, configurations
from atlas_hub.services.access import Role
from atlas_hub.services.wire_types import ORDER, kinds
from tests.api.groups.ground import FLOWDOCK, PREFIX, SECRETS, Client, Place, body_for, calling, code, place
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for

BROKEN = b"{"
JSON = {"content-type": "application/json"}
REMEDIES = {
    "RESOURCE_NOT_FOUND": f"The paths are in {PREFIX}/openapi.json.",
    "METHOD_NOT_ALLOWED": "understands",
    "INVALID_GROUP_ID": "Send the id of the key's workspace.",
    "GROUP_NOT_FOUND": "Send the id of the key's workspace.",
    "INVALID_ENUM_VALUE": "The types are",
    "INVALID_QUERY_PARAMETER": "Send one.",
}
"""What to do, which every refusal says."""


def test_every_type_is_there_in_its_order_with_its_secrets() -> None:
    assert tuple(kinds()) == ORDER == tuple(sorted(SECRETS, key=ORDER.index))
    for kind in kinds().values():
        assert tuple(wire for wire, field in kind.fields.items() if field.secret) == SECRETS[kind.type]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        # each is wrong in everything that comes after what it is refused for
        ("GET", "/nothing", None, (404, "RESOURCE_NOT_FOUND")),
        ("PATCH", "/groups/nogroup/integrations/nothing", BROKEN, (405, "METHOD_NOT_ALLOWED")),
        ("POST", "/groups/nogroup/integrations", BROKEN, (405, "METHOD_NOT_ALLOWED")),
        ("POST", "/groups/nogroup/integrations/nothing", BROKEN, (404, "INVALID_GROUP_ID")),
        ("POST", "/groups/{OTHER}/integrations/nothing", BROKEN, (404, "GROUP_NOT_FOUND")),
        ("POST", "/groups/{GROUP}/integrations/nothing?pageNum=0", BROKEN, (400, "INVALID_ENUM_VALUE")),
        ("POST", "/groups/{GROUP}/integrations/FLOWDOCK?pageNum=0", BROKEN, (400, "INVALID_QUERY_PARAMETER")),
    ],
)
async def test_the_order_of_checks(
    here: Place, there: Place, groups: Client, method: str, path: str, body: bytes | None, expected: tuple[int, str]
) -> None:
    path = PREFIX + path.replace("{GROUP}", here.group).replace("{OTHER}", there.group)
    async with calling(None) as nobody, calling(here.elsewhere) as elsewhere:
        assert code(await nobody.request(method, path, content=body))[1] == "UNEXPECTED_ERROR"
        assert code(await elsewhere.request(method, path, content=body))[1] == "USER_UNAUTHORIZED"
    refused = await groups.request(method, path, content=body)
    assert code(refused)[:2] == expected
    assert REMEDIES[expected[1]] in refused.json()["detail"]


async def test_the_role_comes_after_the_group_and_before_the_type(here: Place, there: Place) -> None:
    async with calling(here.reader) as reader:
        for method in ("POST", "PUT", "DELETE"):
            answer = await reader.request(method, here.at("nothing"), content=BROKEN)
            assert code(answer) == (401, "USER_UNAUTHORIZED", [])
            assert "read" in answer.json()["detail"]
            assert code(await reader.request(method, there.at("nothing")))[1] == "GROUP_NOT_FOUND"
        assert (await reader.get(here.path)).status_code == 200
        assert code(await reader.get(here.at("nothing")))[1] == "INVALID_ENUM_VALUE"


async def test_a_name_that_is_said_twice_is_told_whatever_is_around_it(here: Place, groups: Client) -> None:
    many = ",".join(f'"a{number}":1' for number in range(90_000))  # to be found in one go, or the hub stands still
    for content in (b'{"apiToken": "a", "apiToken": "b"}', f'{{{many},"apiToken":1,"apiToken":2}}'.encode()):
        answer = await groups.put(here.at("FLOWDOCK"), headers=JSON, content=content)
        assert code(answer) == (400, "MALFORMED_JSON", [])
        assert "says apiToken twice" in answer.json()["detail"]


async def test_a_byte_order_mark_is_told_by_its_name(here: Place, groups: Client) -> None:
    for content, words in ((b"\xef\xbb\xbf{}", "byte order mark"), (b"{'}", "not valid JSON")):
        answer = await groups.put(here.at("FLOWDOCK"), headers=JSON, content=content)
        assert code(answer) == (400, "MALFORMED_JSON", [])
        assert words in answer.json()["detail"]


FLOW = {"flowName": "f", "apiToken": "1234567890", "orgName": "o"}


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({}, b" " * (1024 * 1024 + 1), (415, "UNSUPPORTED_MEDIA_TYPE", [])),
        ({**JSON, "content-encoding": "gzip"}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE", [])),
        (JSON, b" " * (1024 * 1024 + 1), (413, "REQUEST_ENTITY_TOO_LARGE", [])),
        (JSON, b"", (400, "MALFORMED_JSON", [])),
        (JSON, BROKEN, (400, "MALFORMED_JSON", [])),
        (JSON, b"\xef\xbb\xbf{}", (400, "MALFORMED_JSON", [])),
        (JSON, b'{"type": NaN}', (400, "MALFORMED_JSON", [])),
        (JSON, b'{"type": Infinity}', (400, "MALFORMED_JSON", [])),
        (JSON, b'{"type": "\\ud800"}', (400, "MALFORMED_JSON", [])),
        (JSON, b"[" * 60_000, (400, "MALFORMED_JSON", [])),
        (JSON, b'{"a":' * 300 + b"1" + b"}" * 300, (400, "MALFORMED_JSON", [])),
        (JSON, b'{"type": "FLOWDOCK", "type": "FLOWDOCK"}', (400, "MALFORMED_JSON", [])),
        (JSON, b"[]", (400, "INVALID_JSON", [])),
        (JSON, b'"FLOWDOCK"', (400, "INVALID_JSON", [])),
        (JSON, {"foreign": 1}, (400, "MISSING_ATTRIBUTE", ["type"])),
        (JSON, {"type": None}, (400, "MISSING_ATTRIBUTE", ["type"])),
        (JSON, {"type": 1, "foreign": 1}, (400, "INVALID_JSON_ATTRIBUTE", ["type"])),
        (JSON, {"type": "DATADOG", "foreign": 1}, (400, "INVALID_ATTRIBUTE", ["type"])),
        (JSON, {"type": "FLOWDOCK", "id": "x", "foreign": 1}, (400, "ATTRIBUTE_READ_ONLY", ["id"])),
        (JSON, {"type": "FLOWDOCK", "apiKey": 1, "flowName": 1}, (400, "INVALID_ATTRIBUTE", ["apiKey"])),
        (JSON, {"type": "FLOWDOCK", "flowName": 1}, (400, "MISSING_ATTRIBUTES", ["apiToken", "orgName"])),
        (JSON, {"type": "FLOWDOCK", **FLOW, "orgName": None}, (400, "MISSING_ATTRIBUTE", ["orgName"])),
        (JSON, {"type": "FLOWDOCK", **FLOW, "orgName": " "}, (400, "MISSING_OR_INVALID_ATTRIBUTE", ["orgName"])),
        (JSON, {"type": "FLOWDOCK", **FLOW, "orgName": 5}, (400, "INVALID_JSON_ATTRIBUTE", ["orgName"])),
        (JSON, {"type": "FLOWDOCK", **FLOW, "orgName": "a\nb"}, (400, "INVALID_ATTRIBUTE", ["orgName"])),
        (JSON, {"type": "FLOWDOCK", **FLOW, "apiToken": "\u0000x"}, (400, "INVALID_ATTRIBUTE", ["apiToken"])),
    ],
)
async def test_bodies_are_judged_in_order(
    here: Place, groups: Client, headers: dict[str, str], content: Any, expected: tuple[int, str, list[str]]
) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    for method in ("POST", "PUT"):
        answer = await groups.request(method, here.at("FLOWDOCK"), headers=headers, content=raw)
        said = code(answer)
        assert said[:2] == expected[:2]
        assert sorted(said[2]) == expected[2]
    assert (await groups.get(here.path)).json()["results"] == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("DATADOG", "region", "US1", ("INVALID_ENUM_VALUE", ["US1"])),
        ("DATADOG", "region", "eu", ("INVALID_ENUM_VALUE", ["eu"])),
        ("PROMETHEUS", "serviceDiscovery", "dns", ("INVALID_ENUM_VALUE", ["dns"])),
        ("PROMETHEUS", "enabled", "true", ("INVALID_JSON_ATTRIBUTE", ["enabled"])),
        ("PROMETHEUS", "sendCollectionLatencyMetrics", True, ("INVALID_ATTRIBUTE", ["sendCollectionLatencyMetrics"])),
        ("WEBHOOK", "url", "ftp://example.com/", ("INVALID_URL", ["url"])),
        ("MICROSOFT_TEAMS", "microsoftTeamsWebhookUrl", "nothing", ("INVALID_URL", ["microsoftTeamsWebhookUrl"])),
    ],
)
async def test_values_are_refused_by_the_original_s_codes(
    here: Place, groups: Client, vendors: Any, kind: str, field: str, value: Any, expected: tuple[str, list[str]]
) -> None:
    answer = await groups.post(here.at(kind), json={**body_for(kind, vendors), field: value})
    assert code(answer) == (400, *expected)
    assert field in answer.json()["detail"]
    assert expected[0] != "INVALID_ENUM_VALUE" or answer.json()["detail"].endswith(". Send one of them.")
    assert all(body_for(kind, vendors)[secret] not in answer.text for secret in SECRETS[kind])


async def test_the_form_s_own_sentence_is_the_explanation(here: Place, groups: Client, vendors: Any) -> None:
    answer = await groups.post(here.at("PROMETHEUS"), json={**body_for("PROMETHEUS", vendors), "password": "short"})
    status, word, parameters = code(answer)
    assert (status, word, parameters[0]) == (400, "INVALID_INTEGRATION_SETTINGS", "PROMETHEUS")
    assert parameters[1] == answer.json()["detail"]
    assert parameters[1].startswith("password: ")


@pytest.mark.parametrize(
    ("kind", "field", "value", "words"),
    [
        ("VICTOR_OPS", "routingKey", "r" * 129, "more than 128 characters"),
        ("PROMETHEUS", "username", "u" * 201, "more than 200 characters"),
        ("OPS_GENIE", "apiKey", "k" * 513, "more than 512 characters"),
        ("OPS_GENIE", "apiKey", "k k", "spaces"),
    ],
)
async def test_what_is_too_long_is_told_so(
    here: Place, groups: Client, vendors: Any, kind: str, field: str, value: str, words: str
) -> None:
    answer = await groups.post(here.at(kind), json={**body_for(kind, vendors), field: value})
    assert code(answer)[:2] == (400, "INVALID_INTEGRATION_SETTINGS")
    detail = answer.json()["detail"]
    assert detail.startswith(f"{field}: ")
    assert words in detail
    assert value not in detail


async def test_foreign_fields_of_a_put_are_refused_before_what_is_there(here: Place, groups: Client) -> None:
    assert code(await groups.put(here.at("FLOWDOCK"), json={"type": "FLOWDOCK"})) == (
        400, "MISSING_ATTRIBUTES", ["flowName", "apiToken", "orgName"],
    )  # fmt: skip
    assert (await groups.post(here.at("FLOWDOCK"), json=FLOWDOCK)).status_code == 200
    answer = await groups.put(here.at("FLOWDOCK"), json={"type": "FLOWDOCK", "routingKey": "x"})
    assert code(answer) == (400, "INVALID_ATTRIBUTE", ["routingKey"])
    assert code(await groups.put(here.at("FLOWDOCK"), json={"type": "FLOWDOCK", "orgName": None})) == (
        400, "MISSING_ATTRIBUTE", ["orgName"],
    )  # fmt: skip


async def test_envelope_and_pretty(here: Place, groups: Client) -> None:
    await groups.post(here.at("FLOWDOCK"), json=FLOWDOCK)
    plain, wrapped = [(await groups.get(here.path + query)).json() for query in ("", "?envelope=true")]
    assert wrapped == {**plain, "status": 200}
    one = (await groups.get(here.at("FLOWDOCK"))).json()
    answer = await groups.get(here.at("FLOWDOCK"), params={"envelope": "true", "pretty": "true"})
    assert answer.json() == {"content": one, "status": 200}
    assert answer.text == json.dumps(answer.json(), indent=2)
    assert b"\n" not in (await groups.get(here.path)).content
    missing = await groups.get(here.at("SLACK"), params={"envelope": "TRUE", "pretty": "true"})
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert missing.text == json.dumps(missing.json(), indent=2)
    assert missing.json()["parameters"] == ["SLACK"]
    assert missing.json()["detail"] == "SLACK is not configured. POST or PUT stores it."
    gone = await groups.delete(here.at("FLOWDOCK"), params={"envelope": "true"})
    assert (gone.status_code, gone.content) == (204, b"")
    for query in ("envelope=yes", "pretty=", "includeCount=1", "pageNum=0", "pageNum=-1", "pageNum=x", "pageNum=1.0",
                  "itemsPerPage=0", "itemsPerPage=501", "pageNum=99999999999", "pageNum=1&pageNum=2"):  # fmt: skip
        name = query.partition("=")[0]
        assert code(await groups.get(f"{here.path}?{query}")) == (400, "INVALID_QUERY_PARAMETER", [name])
    assert (await groups.get(f"{here.path}?unknown=1&pageNum=2147483647&itemsPerPage=500")).status_code == 200


async def test_pages_and_their_links(here: Place, groups: Client, vendors: Any) -> None:
    some = ["FLOWDOCK", "PROMETHEUS", "PAGER_DUTY"]
    for kind in some:
        assert (await groups.post(here.at(kind), json=body_for(kind, vendors))).status_code == 200
    whole = (await groups.get(here.path)).json()
    assert [each["type"] for each in whole["results"]] == ["PAGER_DUTY", "FLOWDOCK", "PROMETHEUS"]
    assert whole["totalCount"] == 3
    base = f"http://localhost:3000{here.path}?pageNum="
    query = "pageNum=2&itemsPerPage=1&envelope=true&includeCount=false"
    page = (await groups.get(f"{here.path}?{query}")).json()
    assert page["links"] == [
        {"href": f"{base}2&itemsPerPage=1", "rel": "self"},
        {"href": f"{base}1&itemsPerPage=1&includeCount=false&envelope=true", "rel": "previous"},
        {"href": f"{base}3&itemsPerPage=1&includeCount=false&envelope=true", "rel": "next"},
    ]
    assert ([each["type"] for each in page["results"]], "totalCount" in page) == (["FLOWDOCK"], False)
    last = await groups.get(page["links"][2]["href"].replace("http://localhost:3000", ""))
    assert [link["rel"] for link in last.json()["links"]] == ["self", "previous"]
    beyond = (await groups.get(f"{here.path}?pageNum=9&itemsPerPage=2")).json()
    assert (beyond["results"], beyond["totalCount"]) == ([], 3)
    changed = await groups.put(
        here.at("FLOWDOCK"), params={"itemsPerPage": 2, "includeCount": "false"}, json={"type": "FLOWDOCK"}
    )
    said = changed.json()
    assert said["links"] == [
        {"href": f"http://localhost:3000{here.at('FLOWDOCK')}?pageNum=1&itemsPerPage=2", "rel": "self"},
        {"href": f"{base}2&itemsPerPage=2&includeCount=false", "rel": "next"},
    ]
    assert (len(said["results"]), "totalCount" in said) == (2, False)


async def test_head_is_get_without_a_body_and_a_slash_changes_nothing(here: Place, groups: Client) -> None:
    await groups.post(here.at("FLOWDOCK"), json=FLOWDOCK)
    for path in (here.path, here.at("FLOWDOCK"), here.at("SLACK"), f"{PREFIX}/nothing"):
        got, head = await groups.get(path), await groups.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert (await groups.get(path + "/")).status_code == got.status_code


@pytest.mark.parametrize(
    "path",
    ["", "/", "/groups", "/groups/{G}", "/groups/{G}/integrations/SLACK/test", "/groups//integrations", "/x%2Fy"],
)
async def test_unknown_paths_are_told_as_they_were_sent(here: Place, groups: Client, path: str) -> None:
    path = PREFIX + path.replace("{G}", here.group)
    for method in ("GET", "POST", "DELETE"):
        assert code(await groups.request(method, path)) == (404, "RESOURCE_NOT_FOUND", [path])


async def test_methods_that_a_path_has_not(here: Place, groups: Client) -> None:
    for path, allowed in ((here.path, "GET, HEAD"), (here.at("SLACK"), "DELETE, GET, HEAD, POST, PUT")):
        for method in {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - set(allowed.split(", ")):
            answer = await groups.request(method, path)
            assert code(answer) == (405, "METHOD_NOT_ALLOWED", [method])
            assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("group", ["0" * 23, "0" * 25, "A" * 24, "g" * 24, "%00" * 8, "5d791c84ff7a2522cc4f9aa1 "])
async def test_a_group_id_has_24_of_hex(groups: Client, group: str) -> None:
    answer = await groups.get(f"{PREFIX}/groups/{group}/integrations")
    assert code(answer)[:2] == (404, "INVALID_GROUP_ID")


async def test_another_workspace_is_like_none(here: Place, there: Place, groups: Client) -> None:
    async with calling(there.key) as other:
        await other.post(there.at("FLOWDOCK"), json=FLOWDOCK)
    nowhere = new_id()
    for method, path in (("GET", ""), ("GET", "/FLOWDOCK"), ("DELETE", "/FLOWDOCK"), ("PUT", "/FLOWDOCK")):
        answers = [
            await groups.request(method, f"{PREFIX}/groups/{group}/integrations{path}")
            for group in (there.group, nowhere)
        ]
        assert [code(answer) for answer in answers] == [
            (404, "GROUP_NOT_FOUND", [there.group]), (404, "GROUP_NOT_FOUND", [nowhere])
        ]  # fmt: skip
        assert answers[0].text.replace(there.group, "") == answers[1].text.replace(nowhere, "")
    assert (await groups.get(here.path)).json()["results"] == []


@pytest.mark.parametrize("kind", ["flowdock", "Flowdock", "HIP_CHAT", "X"])
async def test_types_are_words_in_capitals(here: Place, groups: Client, kind: str) -> None:
    word = ("HIPCHAT_NOT_SUPPORTED", []) if kind == "HIP_CHAT" else ("INVALID_ENUM_VALUE", [kind])
    for method in ("GET", "DELETE", "POST"):
        assert code(await groups.request(method, here.at(kind), json={})) == (400, *word)


async def test_a_key_may_ask_so_often(vendors: Any, tmp_path: Path) -> None:
    async with open_hub(settings_for(tmp_path, api_rate_limit_rpm=2)) as hub:
        here = await place(hub)
        async with calling(here.key) as client, calling(here.reader) as another:
            assert [(await client.get(here.path)).status_code for _ in range(3)] == [200, 200, 429]
            answer = await client.get(f"{PREFIX}/nothing")
            assert code(answer) == (429, "RATE_LIMITED", [PREFIX, "2", "1"])
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert (await another.get(here.path)).status_code == 200
        async with calling(None) as nobody:
            assert (await nobody.get(here.path)).status_code == 401


async def test_without_a_database_nobody_can_be_known(vendors: Any, tmp_path: Path) -> None:
    async with open_hub(settings_for(tmp_path, database_url="none")), calling(None) as client:
        for path in (f"{PREFIX}/groups/{new_id()}/integrations", f"{PREFIX}/nothing"):
            assert code(await client.get(path)) == (503, "SERVICE_UNAVAILABLE", [])


async def test_a_locked_vault_is_told_in_its_shape(hub: Hub, here: Place, groups: Client) -> None:
    hub.vault.lock("The key is not there. Put it back.")
    answer = await groups.get(f"{here.path}?envelope=true")
    assert code(answer) == (503, "SERVICE_UNAVAILABLE", [])
    assert answer.json()["status"] == 503


async def test_what_nobody_expected_is_not_described(
    here: Place, groups: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_given: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(configurations, "listed", fails)
    answer = await groups.get(here.path)
    assert code(answer)[:2] == (500, "UNEXPECTED_ERROR")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in answer.text


async def test_a_revoked_key_is_nobody(hub: Hub, here: Place, groups: Client) -> None:
    assert (await groups.get(here.path)).status_code == 200
    await api_keys.revoke(hub, here.owner, here.key.view.id)
    assert code(await groups.get(here.path))[:2] == (401, "UNEXPECTED_ERROR")


async def test_a_key_for_all_apis_is_for_this_one(hub: Hub) -> None:
    owner = replace(actor())
    key = await api_keys.create(hub, owner, role=Role.OWNER)
    async with calling(key) as client:
        assert (await client.get(f"{PREFIX}/groups/{owner.workspace}/integrations")).status_code == 200


async def test_the_description_needs_no_key_and_names_every_type(groups: Client) -> None:
    async with calling(None) as nobody:
        answer = await nobody.get(f"{PREFIX}/openapi.json")
        assert (answer.status_code, (await nobody.head(f"{PREFIX}/openapi.json")).content) == (200, b"")
        assert (await nobody.post(f"{PREFIX}/openapi.json")).status_code == 401
    said = answer.json()
    assert said["servers"] == [{"url": PREFIX}]
    assert [each["title"] for each in said["components"]["schemas"]["Create"]["oneOf"]] == list(ORDER)
    assert "password" not in said["components"]["schemas"]["PROMETHEUS"]["properties"]
