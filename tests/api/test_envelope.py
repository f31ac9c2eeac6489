"""What surrounds every answer: ids, headers, HEAD, slashes, errors that nobody expected, and how much it costs."""

from __future__ import annotations

import logging
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from atlas_hub import api as apis
from atlas_hub import hub as hubs
from atlas_hub.api import errors
from atlas_hub.api.errors import TABLE, refusal_of
from atlas_hub.hub import Hub
from atlas_hub.kit import errors as kit_errors
from atlas_hub.kit.errors import HubError, InsufficientPermissions, RateLimited
from atlas_hub.services import status
from tests.api.conftest import PREFIX, Client, People, beneath
from tests.standins.telegram import ATLAS


def kinds(of: type[HubError]) -> set[type[HubError]]:
    return {of}.union(*(kinds(kind) for kind in of.__subclasses__()))


def test_the_table_knows_every_error() -> None:
    ours = {kind for kind in kinds(HubError) if kind.__module__ == kit_errors.__name__}
    assert ours == set(TABLE)
    for kind, (number, word) in TABLE.items():
        assert number in errors.TABLE[kind]
        assert word
        assert 400 <= number <= 503


def test_an_error_made_later_is_answered_as_what_it_is() -> None:
    class Narrower(InsufficientPermissions):
        pass

    said = refusal_of(Narrower("It is so.", field="bot_token"), refused="invalid_token", wire=str.upper)
    assert (said.status, said.error, said.code) == (400, "invalid_token", "INSUFFICIENT_PERMISSIONS")
    assert said.details == (("BOT_TOKEN", "It is so."),)


def test_a_busy_vendor_says_how_long_to_wait() -> None:
    said = refusal_of(RateLimited("Busy.", retry_after=7))
    assert (said.status, said.headers["Retry-After"], said.body("id")["retryAfterSeconds"]) == (503, "7", 7)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/status"), ("GET", "/openapi.json"), ("GET", "/nothing"), ("PUT", "/status"), ("POST", "/telegram")],
)
async def test_every_answer_has_an_id_of_ours_and_is_not_kept(client: Client, method: str, path: str) -> None:
    first = await client.request(method, path, headers={"X-Request-Id": "forged\tid"})
    second = await client.request(method, path)
    assert UUID(first.headers["x-request-id"]) != UUID(second.headers["x-request-id"])
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["content-type"] == "application/json"
    if first.status_code >= 400:
        assert first.json()["requestId"] == first.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/status", "/openapi.json"])
async def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    head, get = await client.head(path), await client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert (await client.head("/telegram")).status_code == 405
    assert (await client.head("/nothing")).status_code == 404


async def test_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    assert (await client.get("/status/")).json() == (await client.get("/status")).json()
    assert (await client.post("/telegram/", json={"botToken": ATLAS})).status_code == 200
    assert (await client.get("/status//")).status_code == 404
    assert (await client.get("//status")).status_code == 404


async def test_under_a_root_path_everything_is_the_same(people: People, hub: Hub) -> None:
    app = apis.in_front_of(apis.build(people))(beneath)
    transport = httpx.ASGITransport(app=app, root_path="/hub")
    headers = {"Authorization": "Bearer owner"}
    async with Client(transport=transport, base_url="http://hub.test", headers=headers) as client:
        for base in (f"/hub{PREFIX}", PREFIX):
            assert (await client.get(f"{base}/status")).status_code == 200
            assert (await client.get(f"{base}/openapi.json")).json()["servers"] == [{"url": f"/hub{PREFIX}"}]


async def test_what_nobody_expected_is_logged_once_and_not_described(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("canary-of-the-inside")

    with monkeypatch.context() as broken_for_now:
        broken_for_now.setattr(status, "answer", broken)
        answer = await client.get("/status")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    assert "canary" not in answer.text
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert answer.json()["requestId"] in record.getMessage()
    assert (await client.get("/status")).status_code == 200


async def test_a_database_that_does_not_answer_is_unavailable(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> None:
        raise OperationalError("SELECT secret", {}, OSError("connection refused"))

    with monkeypatch.context() as broken_for_now:
        broken_for_now.setattr(status, "answer", gone)
        answer = await client.get("/status")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "SELECT" not in answer.text
    assert (await client.get("/status")).status_code == 200


async def test_a_hub_that_is_not_open_yet_is_unavailable(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as closed_for_now:
        closed_for_now.setattr(hubs, "_open", [])
        assert (await client.get("/status")).status_code == 503
    assert (await client.get("/status")).status_code == 200


async def test_websockets_and_the_lifespan_stay_the_app_s() -> None:
    met: list[str] = []

    async def app(scope: dict[str, str], receive: object, send: object) -> None:
        met.append(scope["type"])

    wrapped = apis.transformer("atlas_hub.accounts.actors")(app)
    await wrapped({"type": "lifespan"}, None, None)
    await wrapped({"type": "websocket", "path": f"{PREFIX}/status"}, None, None)
    assert met == ["lifespan", "websocket"]


def test_a_host_s_module_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(ImportError):
        apis.transformer("no_such_package.actors")
