"""Bodies that nobody read: the connection on which they came goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from atlas_hub.api import unread
from tests.api.operated_server import Server, served

PATHS = ("/api/connections", "/v1/integrations", "/api/v1/admin/integrations/slack/byot", "/api/atlas/v1.0/groups/x/y")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("unread")) as running:
        yield running


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [10, 90_000, 900_000])
def test_a_connection_goes_on_after_an_answer_to_a_body_that_nobody_wanted(
    server: Server, path: str, size: int
) -> None:
    with httpx.Client(base_url=server.base, trust_env=False, limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(10):
            answer = client.post(path, content=b'"' + b"x" * size + b'"', headers={"Content-Type": "application/json"})
            assert answer.status_code == 401
            assert "connection" not in answer.headers


async def ask(headers: dict[str, str], parts: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """How many parts were read of a body, and what was sent."""
    read, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        if read == len(parts):
            await asyncio.sleep(60)
        read += 1
        return parts[read - 1]

    async def send(message: Any) -> None:
        sent.append(f"{message['type']} after {read}")

    scope = {"type": "http", "headers": [(name.encode(), text.encode()) for name, text in headers.items()]}
    _, answering = unread.first(scope, receive, send)
    await answering({"type": "http.response.start"})
    await answering({"type": "http.response.body"})
    return read, sent


def part(size: int, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


async def test_the_rest_is_read_before_the_answer_begins() -> None:
    read, sent = await ask({"content-length": "30"}, [part(10, more=True), part(20, more=False)])
    assert (read, sent[0]) == (2, "http.response.start after 2")


async def test_what_is_long_or_does_not_say_or_asks_first_is_left() -> None:
    body = [part(10, more=True)] * 3
    assert (await ask({"content-length": str(unread.MOST + 1)}, body))[0] == 0
    assert (await ask({"content-length": "30", "expect": "100-continue"}, body))[0] == 0
    assert (await ask({}, body))[0] == 0
    assert (await ask({"transfer-encoding": "chunked"}, body))[0] == 0
    assert (await ask({"content-length": "9" * 20}, body))[0] == 0


async def test_a_body_that_does_not_come_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "SECONDS", 0.05)
    read, sent = await ask({"content-length": "30"}, [part(10, more=True)])
    assert (read, len(sent)) == (1, 2)


async def test_who_has_gone_is_not_waited_for() -> None:
    assert (await ask({"content-length": "30"}, [{"type": "http.disconnect"}]))[0] == 1
