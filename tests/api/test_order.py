"""The order in which a request is judged: of two things that are wrong, the earlier one is told."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from atlas_hub.hub import Hub
from tests.api.conftest import Client, People, Vendors, asking
from tests.standins.telegram import ATLAS

JSON = {"content-type": "application/json"}
HUGE = b" " * (64 * 1024 + 1)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/status"),
        ("POST", "/telegram"),
        ("DELETE", "/telegram"),
        ("GET", "/nothing/here"),
        ("GET", ""),
        ("PUT", "/telegram"),
        ("OPTIONS", "/status"),
        ("POST", "/status"),
        ("TRACE", "/slack"),
    ],
)
async def test_who_asks_comes_before_everything(people: People, hub: Hub, method: str, path: str) -> None:
    async with asking(people, None) as client:
        answer = await client.request(method, path, content=HUGE)
        assert told(answer) == (401, "auth_error")
        assert answer.headers["www-authenticate"] == 'Bearer realm="Atlas Hub"'


async def test_who_asks_comes_before_forgery(people: People, hub: Hub) -> None:
    async with asking(people, None, Cookie="who=nobody") as client:
        assert told(await client.delete("/telegram")) == (401, "auth_error")


async def test_forgery_comes_before_the_role(people: People, hub: Hub) -> None:
    async with asking(people, None, Cookie="who=member") as client:
        assert told(await client.delete("/telegram")) == (403, "csrf_failed")
        assert told(await client.delete("/telegram", headers={"X-Atlas-CSRF": "1"})) == (403, "forbidden_role")


@pytest.mark.parametrize("rpm", [1])
async def test_the_role_comes_before_the_rate(people: People, hub: Hub) -> None:
    async with asking(people, "member") as client:
        for _ in range(3):
            assert told(await client.delete("/telegram")) == (403, "forbidden_role")


@pytest.mark.parametrize("rpm", [1])
async def test_the_rate_comes_before_path_and_method(people: People, hub: Hub) -> None:
    async with asking(people) as client:
        assert told(await client.post("/nothing")) == (404, "not_found")
        for method, path in (("POST", "/nothing"), ("PUT", "/telegram"), ("DELETE", "/telegram")):
            answer = await client.request(method, path)
            assert told(answer) == (429, "rate_limited")
            assert answer.headers["retry-after"] == str(answer.json()["retryAfterSeconds"])
        assert (await client.get("/status")).status_code == 200
        assert (await client.head("/status")).status_code == 200
    async with asking(people, "admin") as another:  # the limit is each actor's own
        assert told(await another.delete("/telegram")) == (404, "not_found")


async def test_path_and_method_come_before_the_database(people: People, hub_without_database: Hub) -> None:
    async with asking(people, "nowhere") as client:
        assert told(await client.post("/nothing")) == (404, "not_found")
        answer = await client.put("/telegram")
        assert told(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "DELETE, POST"
        assert (await client.post("/status")).headers["allow"] == "GET, HEAD"


async def test_the_database_comes_before_the_workspace(people: People, hub_without_database: Hub) -> None:
    async with asking(people, "nowhere") as client:
        for method, path in (("POST", "/telegram"), ("DELETE", "/slack"), ("POST", "/email/test")):
            assert told(await client.request(method, path)) == (404, "not_available")
        status = await client.get("/status")
        assert (status.status_code, status.json()["hasInternalDB"]) == (200, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/used-by"),
        ("GET", "/activity?limit=none"),
        ("GET", "/activity/export"),
        ("GET", "/doctor/bundle"),
        ("POST", "/doctor"),
        ("POST", "/telegram"),
    ],
)
async def test_the_database_comes_before_the_fields(
    people: People, hub_without_database: Hub, method: str, path: str
) -> None:
    async with asking(people) as client:
        assert told(await client.request(method, path)) == (404, "not_available")


async def test_the_workspace_comes_before_the_body(people: People, hub: Hub) -> None:
    async with asking(people, "nowhere") as client:
        for method, path in (("POST", "/telegram"), ("DELETE", "/slack"), ("GET", "/status"), ("POST", "/email/test")):
            assert told(await client.request(method, path, content=HUGE)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({}, HUGE, (415, "unsupported_media_type")),
        ({"content-type": "text/plain"}, HUGE, (415, "unsupported_media_type")),
        (JSON, HUGE, (413, "payload_too_large")),
        (JSON, b"{", (400, "bad_request")),
        (JSON, b"{}", (422, "validation_error")),
    ],
)
async def test_type_then_size_then_json_then_fields(
    client: Client,
    vendors: Vendors,
    headers: dict[str, str],
    content: bytes,
    expected: tuple[int, str],
) -> None:
    assert told(await client.post("/telegram?mode=unknown", headers=headers, content=content)) == expected
    assert vendors.telegram.calls == []
    assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200


async def test_what_is_sent_in_parts_is_not_read_beyond_the_limit(client: Client) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 8192

    class Parts(httpx.AsyncByteStream):
        async def __aiter__(self):
            for part in endless():
                yield part

    answer = await client.post("/telegram", headers=JSON, content=Parts())
    assert told(answer) == (413, "payload_too_large")
    assert read <= 10


@pytest.mark.parametrize("length", ["65537", "99999999999999999999", "0000000000000065537"])
async def test_a_length_that_is_too_much_is_enough(client: Client, length: str) -> None:
    answer = await client.post("/telegram", headers={**JSON, "content-length": length}, content=HUGE)
    assert told(answer) == (413, "payload_too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nul",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"botToken": "\\ud800"}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 60000,
        b'{"botToken": "\xff"}',
        b"{} {}",
        b'{"botToken": "a", "botToken": "a"}',
        b"\xef\xbb\xbf{}",
    ],
)
async def test_what_is_not_json_is_a_bad_request(client: Client, content: bytes) -> None:
    assert told(await client.post("/telegram", headers=JSON, content=content)) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
async def test_json_is_known_by_its_type_however_it_is_written(client: Client, kind: str) -> None:
    answer = await client.post("/telegram", headers={"content-type": kind}, content=b"{}")
    assert told(answer) == (422, "validation_error")


@pytest.mark.parametrize("kind", ["application/jsonx", "application/vnd.api+json", "text/json", "multipart/form-data"])
async def test_another_type_is_refused(client: Client, kind: str) -> None:
    answer = await client.post("/telegram", headers={"content-type": kind}, content=b"{}")
    assert told(answer) == (415, "unsupported_media_type")
