"""The same request with the same idempotency key: done once, answered the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from atlas_hub.api import chat_frame
from atlas_hub.api.chat_errors import conflict
from atlas_hub.api.chat_frame import ChatCall, Frame, Route
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import TooManyRequests
from tests.api.chat.conftest import Client, Place, as_every_answer, place

THINGS = "/v1/things"


class Counter:
    """Verbs that count how often they ran."""

    def __init__(self) -> None:
        self.ran = 0
        self.go = asyncio.Event()
        self.go.set()

    async def running(self, times: int) -> None:
        """Wait until so many requests are in the verb."""
        async with asyncio.timeout(5):
            while self.ran < times:  # noqa: ASYNC110  # a count, against an event for each
                await asyncio.sleep(0.01)

    async def done(self, call: ChatCall) -> Any:
        self.ran += 1
        await self.go.wait()
        return {"ran": self.ran, "secret": "whsec-of-this-answer", **await call.json()}

    async def refused(self, _call: ChatCall) -> Any:
        self.ran += 1
        raise conflict("Once is enough.")

    async def broken(self, _call: ChatCall) -> Any:
        self.ran += 1
        raise RuntimeError("a bug")

    async def busy(self, _call: ChatCall) -> Any:
        self.ran += 1
        raise TooManyRequests("Too often.", retry_after=3)

    async def cut(self, _call: ChatCall) -> Any:
        self.ran += 1
        raise asyncio.CancelledError


@pytest.fixture
def counter() -> Counter:
    return Counter()


def app(counter: Counter) -> Frame:
    return Frame(
        (
            Route("POST", THINGS, counter.done, status=201),
            Route("PUT", THINGS, counter.done),
            Route("PATCH", THINGS, counter.done),
            Route("POST", "/v1/refused", counter.refused),
            Route("POST", "/v1/broken", counter.broken),
            Route("POST", "/v1/busy", counter.busy),
            Route("POST", "/v1/cut", counter.cut),
            Route("POST", "/v1/never", counter.done, replays=False),
            Route("POST", "/v1/soon", counter.done, replay_seconds=300),
            Route("POST", "/v1/of/{thingId}", counter.done),
        )
    )


def client_of(counter: Counter, key: str) -> Client:
    return Client(
        transport=httpx.ASGITransport(app=app(counter)),
        base_url="http://hub.test",
        headers={"Authorization": f"ApiKey {key}", "idempotency-key": "k1"},
        event_hooks={"response": [as_every_answer]},
    )


@pytest.fixture
async def client(here: Place, counter: Counter) -> AsyncIterator[Client]:
    async with client_of(counter, here.key) as the_client:
        yield the_client


@pytest.fixture
def later(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the hub's clock forward."""

    def turn(**by: float) -> None:
        moved = replace(hub, now=lambda: hub.now() + timedelta(**by))
        monkeypatch.setattr(chat_frame, "the_hub", lambda: moved)

    return turn


async def test_the_same_request_is_done_once_and_answered_the_same(client: Client, counter: Counter) -> None:
    first = await client.post(THINGS, json={"a": 1})
    again = await client.post(THINGS + "/", json={"a": 1})
    assert counter.ran == 1
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert "idempotency-replay" not in first.headers
    assert again.headers["idempotency-replay"] == "true"
    assert again.headers["idempotency-key"] == "k1"


async def test_another_method_path_or_workspace_is_another_request(
    hub: Hub, client: Client, counter: Counter, there: Place
) -> None:
    await client.post(THINGS, json={})
    await client.patch(THINGS, json={})
    await client.post("/v1/soon", json={})
    async with client_of(counter, there.key) as other:
        assert "idempotency-replay" not in (await other.post(THINGS, json={})).headers
    assert counter.ran == 4


async def test_put_and_a_route_that_replays_nothing_are_done_each_time(client: Client, counter: Counter) -> None:
    for _ in range(2):
        await client.put(THINGS, json={})
        await client.post("/v1/never", json={})
    assert counter.ran == 4


async def test_another_body_is_422(client: Client, counter: Counter) -> None:
    await client.post(THINGS, json={"a": 1})
    answer = await client.post(THINGS, json={"a": 2})
    assert (answer.status_code, counter.ran) == (422, 1)
    assert list(answer.json()["errors"]) == ["idempotency-key"]


async def test_a_key_of_more_than_255_characters_is_400(client: Client, counter: Counter) -> None:
    assert (await client.post(THINGS, headers={"idempotency-key": "k" * 255})).status_code == 201
    assert (await client.post(THINGS, headers={"idempotency-key": "k" * 256})).status_code == 400
    assert counter.ran == 1


async def test_a_refusal_is_kept_and_what_may_pass_is_not(client: Client, counter: Counter) -> None:
    for path, status, ran in (("/v1/refused", 409, 1), ("/v1/broken", 500, 2), ("/v1/busy", 429, 2)):
        counter.ran = 0
        assert [(await client.post(path)).status_code for _ in range(2)] == [status, status]
        assert counter.ran == ran, path


async def test_two_at_once_are_done_once(each_hub: Hub, counter: Counter) -> None:
    here = await place(each_hub)
    counter.go.clear()
    async with client_of(counter, here.key) as client:
        first = asyncio.create_task(client.post(THINGS, json={"a": 1}))
        await counter.running(1)
        second = await client.post(THINGS, json={"a": 1})
        assert second.status_code == 409
        assert second.headers["retry-after"] == "1"
        counter.go.set()
        assert (await first).status_code == 201
        third = await client.post(THINGS, json={"a": 1})
        assert third.headers["idempotency-replay"] == "true"
    assert counter.ran == 1


async def test_of_many_at_once_one_is_done(each_hub: Hub, counter: Counter) -> None:
    async with client_of(counter, (await place(each_hub)).key) as client:
        answers = await asyncio.gather(*(client.post(THINGS, json={}) for _ in range(8)))
    assert counter.ran == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_a_request_that_was_cut_short_can_be_made_again_after_a_minute(
    hub: Hub, client: Client, counter: Counter, later: Any
) -> None:
    with pytest.raises(asyncio.CancelledError):
        await client.post("/v1/cut")
    assert (await client.post("/v1/cut")).status_code == 409
    later(seconds=61)
    with pytest.raises(asyncio.CancelledError):
        await client.post("/v1/cut")
    assert counter.ran == 2


async def test_one_that_took_over_a_minute_keeps_nothing_over_its_successor(
    hub: Hub, client: Client, counter: Counter, later: Any
) -> None:
    counter.go.clear()
    slow = asyncio.create_task(client.post(THINGS))
    await counter.running(1)
    later(seconds=61)
    successor = asyncio.create_task(client.post(THINGS))
    await counter.running(2)
    counter.go.set()
    await slow
    assert (await successor).status_code == 201
    assert (await client.post(THINGS)).content == (await successor).content


@pytest.mark.parametrize(("path", "seconds"), [(THINGS, 86_400), ("/v1/soon", 300)])
async def test_an_answer_is_kept_for_its_time_and_swept_afterwards(
    hub: Hub, client: Client, counter: Counter, later: Any, path: str, seconds: int
) -> None:
    await client.post(path)
    later(seconds=seconds - 5)
    await client.post(path)
    assert counter.ran == 1
    later(seconds=seconds + 5)
    await client.post(path, headers={"idempotency-key": "k2"})
    async with hub.db.reading() as tx:
        keys = (await tx.execute(text("SELECT key FROM atlas_hub_idempotency"))).scalars().all()
    assert keys == ["k2"]
    await client.post(path)
    assert counter.ran == 3


async def test_a_kept_answer_is_sealed(hub: Hub, client: Client) -> None:
    await client.post(THINGS, json={"a": 1})
    async with hub.db.reading() as tx:
        row = (await tx.execute(text("SELECT * FROM atlas_hub_idempotency"))).mappings().one()
    assert b"whsec" not in bytes(row["answer"])
    assert row["status"] == 201


async def test_a_long_path_is_kept_too(each_hub: Hub, counter: Counter) -> None:
    path = f"/v1/of/{'x' * 500}"
    async with client_of(counter, (await place(each_hub)).key) as client:
        for _ in range(2):
            assert (await client.post(path)).status_code == 200
    assert counter.ran == 1
