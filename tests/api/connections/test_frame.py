"""Who is let in, in which order a request is judged, and the shape of what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_hub.hub import Hub
from tests.api.connections.conftest import PATH, Client, Place, body, calling, made, place
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.slack import SlackStandin

NOBODYS = f"{PATH}/conn_{'0' * 24}"
ROUTES = [
    ("GET", PATH),
    ("POST", PATH),
    ("GET", NOBODYS),
    ("PUT", NOBODYS),
    ("DELETE", NOBODYS),
    ("POST", f"{NOBODYS}/validate"),
    ("GET", f"{NOBODYS}/channels"),
    ("PUT", f"{NOBODYS}/channels"),
]


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", f"{PATH}/no/such/path"), ("PATCH", PATH)])
async def test_nobody_comes_in_without_a_key_of_this_api(here: Place, method: str, path: str) -> None:
    for key, status, code in (
        (None, 401, "unauthorized"),
        ("nobodys", 401, "unauthorized"),
        (here.elsewhere, 403, "forbidden"),
    ):
        async with calling(key) as client:
            answer = await client.request(method, path, content=b"no JSON")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("header", ["ApiKey x", "Basic eDp5", "Bearer", "Bearer a b", ""])
async def test_the_header_has_one_form(here: Place, header: str) -> None:
    async with calling(None, Authorization=header) as client:
        assert (await client.get(PATH)).status_code == 401
    async with calling(None, Cookie="__Host-atlas_session=x") as client:
        assert (await client.get(PATH)).status_code == 401


async def test_a_read_only_key_reads_and_changes_nothing(here: Place, api: Client, slack: SlackStandin) -> None:
    own = await made(api)
    async with calling(here.reader) as reader:
        for path in (PATH, f"{PATH}/{own}", f"{PATH}/{own}/channels"):
            assert (await reader.get(path)).status_code == 200
        calls = len(slack.calls)
        for method, path in ROUTES:
            if method != "GET":
                answer = await reader.request(method, path.replace(NOBODYS.rpartition("/")[2], own), json=body())
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert len(slack.calls) == calls
    assert (await api.get(f"{PATH}/{own}")).status_code == 200


async def test_a_key_has_a_rate(tmp_path: Path, vendors: object) -> None:
    async with open_hub(settings_for(tmp_path, api_rate_limit_rpm=3)) as hub:
        here, there = await place(hub), await place(hub)
        async with calling(here.key) as client:
            told = [(await client.get(PATH)).status_code for _ in range(4)]
            assert told == [200, 200, 200, 429]
            answer = await client.get(f"{PATH}/nothing")
            assert answer.json()["error"]["code"] == "rate_limited"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        async with calling(there.key) as other:
            assert (await other.get(PATH)).status_code == 200


async def test_without_a_database_it_says_so(hub_without_database: Hub) -> None:
    async with calling("a-key") as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", PATH, "GET, HEAD, POST"),
        ("PATCH", NOBODYS, "DELETE, GET, HEAD, PUT"),
        ("GET", f"{NOBODYS}/validate", "POST"),
        ("DELETE", f"{NOBODYS}/channels", "GET, HEAD, PUT"),
        ("POST", f"{PATH}/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_has_not(api: Client, method: str, path: str, allowed: str) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["nothing/at/all", f"conn_{'0' * 24}/nothing", f"conn_{'0' * 24}/channels/C1", "%00/x/y"]
)
async def test_a_path_that_is_not_there(api: Client, path: str) -> None:
    answer = await api.get(f"{PATH}/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "wrong", ["conn_123", "0" * 24, f"conn_{'0' * 23}g", f"CONN_{'0' * 24}", f"conn_{'A' * 24}", "x"]
)
async def test_an_id_that_no_connection_can_have_is_not_found(api: Client, wrong: str) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/validate"), ("GET", "/channels")):
        answer = await api.request(method, f"{PATH}/{wrong}{path}", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_slash_at_the_end_and_head(api: Client) -> None:
    own = await made(api)
    assert (await api.get(f"{PATH}/")).json() == (await api.get(PATH)).json()
    assert (await api.get(f"{PATH}/{own}/")).status_code == 200
    for path in (PATH, f"{PATH}/{own}", f"{PATH}/{own}/channels"):
        assert (await api.head(path)).status_code == 200


@pytest.mark.parametrize("path", [PATH, "{own}", "{own}/channels"])
async def test_a_body_is_judged_in_order(api: Client, path: str) -> None:
    own = await made(api)
    path, method = path.replace("{own}", f"{PATH}/{own}"), "POST" if path == PATH else "PUT"
    json = {"Content-Type": "application/json"}
    large = b" " * (1024 * 1024 + 1)
    for content, headers, status, code in (
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (large, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {**json, "Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
        (large, json, 413, "payload_too_large"),
        (b"{", json, 400, "bad_request"),
        (b'{"platform": "slack", "platform": "discord"}', json, 400, "bad_request"),
        (b'{"a": NaN}', json, 400, "bad_request"),
        (b"\xff", json, 400, "bad_request"),
        (b"[]", json, 422, "validation_error"),
        (b"7", json, 422, "validation_error"),
        (b'{"nonsense": 1}', json, 422, "validation_error"),
    ):
        answer = await api.request(method, path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), content[:20]


async def test_what_is_refused_is_not_repeated(api: Client) -> None:
    secret = "canary-" + "x" * 40
    for said in (
        {"platform": secret, "name": "x", "credentials": {}},
        {"platform": "slack", "name": {"x": secret}, "credentials": {"bot_token": secret, "signing_secret": 5}},
        {"platform": "slack", "name": "x", "credentials": {"bot_token": secret}},
        {"platform": "slack", "name": "x", "credentials": secret},
    ):
        answer = await api.post(PATH, json=said)
        assert answer.status_code in {400, 422}
        assert secret not in answer.text
