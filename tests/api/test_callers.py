"""Who asks: keys in every bad form, cookies with and without what proves the page, checks that fail."""

from __future__ import annotations

import logging

import pytest

from atlas_hub.api.callers import bearer, origin_of
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Unauthenticated
from tests.api.conftest import Client, People, asking


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic b3duZXI6",
        b"owner",
        b"Bearer owner owner",
        b"Bearer owner, Bearer x",
        b"Bearer \xc3\xa9",
        b"Bearer \xff",
        b"Bearer owner\x00",
        b"Bearer " + b"x" * 10_000,
        b"ApiKey owner",
        b"Digest username=owner",
        b"Bearer\towner",
        b"BearerX owner",
        b"\xff\xfe",
        b"Bearer unknown",
    ],
)
async def test_a_key_in_a_bad_form_is_nobody(people: People, hub: Hub, header: bytes) -> None:
    async with asking(people, None, Cookie="who=owner") as client:
        answer = await client.get("/status", headers=[(b"authorization", header)])
        assert (answer.status_code, answer.json()["error"]) == (401, "auth_error")
        assert (await client.get("/status")).status_code == 200


async def test_two_keys_are_nobody(people: People, hub: Hub) -> None:
    async with asking(people, None) as client:
        twice = [(b"authorization", b"Bearer owner"), (b"authorization", b"Bearer owner")]
        assert (await client.get("/status", headers=twice)).status_code == 401


@pytest.mark.parametrize("header", [b"Bearer owner", b"bearer owner", b"BEARER  owner", b" Bearer owner "])
def test_the_scheme_is_read_whatever_its_case(header: bytes) -> None:
    assert bearer([header]) == "owner"
    with pytest.raises(Unauthenticated):
        bearer([header, header])


@pytest.mark.parametrize(
    ("key", "status", "error"),
    [
        ("owner", 200, None),
        ("admin", 200, None),
        ("member", 403, "forbidden_role"),
        ("reader", 403, "forbidden_role"),
        ("key-for-groups", 403, "forbidden_role"),
        ("nobody", 401, "auth_error"),
    ],
)
async def test_owners_and_admins_alone(people: People, hub: Hub, key: str, status: int, error: str | None) -> None:
    async with asking(people, key) as client:
        answer = await client.get("/status")
        assert (answer.status_code, answer.json().get("error")) == (status, error)


async def test_a_key_is_unknown_where_there_is_no_database(people: People, hub_without_database: Hub) -> None:
    async with asking(people, "key-without-a-database") as client:
        assert (await client.get("/status")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Atlas-CSRF": "1"}, 404),
        ({"X-Atlas-CSRF": "1", "Origin": "http://hub.test", "Sec-Fetch-Site": "same-origin"}, 404),
        ({"X-Atlas-CSRF": "1", "Origin": "http://hub.test:80"}, 404),
        ({"X-Atlas-CSRF": "1", "Origin": "http://localhost:3000"}, 404),  # the public address
        ({}, 403),
        ({"X-Atlas-CSRF": "0"}, 403),
        ({"Origin": "http://hub.test", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "http://evil.test"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "https://hub.test"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "http://hub.test.evil.test"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "null"}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": ""}, 403),
        ({"X-Atlas-CSRF": "1", "Origin": "http://hub.test:port"}, 403),
        ({"X-Atlas-CSRF": "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Atlas-CSRF": "1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Atlas-CSRF": "1", "Sec-Fetch-Site": "none"}, 403),
    ],
)
async def test_a_cookie_s_change_needs_proof_of_its_page(
    people: People, hub: Hub, headers: dict[str, str], status: int
) -> None:
    async with asking(people, None, Cookie="who=owner") as client:
        answer = await client.delete("/telegram", headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"] == ("csrf_failed" if status == 403 else "not_found")
        assert (await client.get("/status")).status_code == 200


async def test_a_key_s_change_needs_no_proof(client: Client) -> None:
    answer = await client.delete("/telegram", headers={"Sec-Fetch-Site": "cross-site", "Cookie": "who=owner"})
    assert answer.status_code == 404


async def test_a_check_of_the_host_s_that_fails_denies(
    people: People, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    people.broken = RuntimeError("the host's own trouble")
    async with asking(people, None, Cookie="who=owner") as client:
        answer = await client.get("/status")
        assert (answer.status_code, answer.json()["error"]) == (401, "auth_error")
        assert "trouble" not in answer.text
        [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert answer.headers["x-request-id"] in record.getMessage()
        people.broken = None
        assert (await client.get("/status")).status_code == 200


async def test_a_check_of_keys_that_fails_denies(people: People, hub: Hub) -> None:
    people.broken = RuntimeError("trouble")
    async with asking(people) as client:
        assert (await client.get("/status")).status_code == 500
        people.broken = None
        assert (await client.get("/status")).status_code == 200


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example", "https://a.example:443"),
        ("http://A.example:8080", "http://a.example:8080"),
        ("http://[::1]:3000", "http://::1:3000"),
        ("ftp://a.example", None),
        ("null", None),
        ("", None),
        ("http://", None),
        ("http://a:99999", None),
        ("http://[", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin
