"""The doorbell: heard by everyone who listens, in memory and over Redis, and never a reason to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from atlas_hub.bus import Bus, Changed, RedisBus, open_bus

RUNG = Changed("a" * 24, "slack")


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Bus, Bus]]:
    """Two ends: one bus within a process, two of two processes over Redis."""
    if request.param == "memory":
        bus = open_bus("")
        yield bus, bus
        await bus.close()
        return
    url = request.getfixturevalue("redis_url")
    ends = open_bus(url), open_bus(url)
    yield ends
    for end in ends:
        await end.close()


async def heard(bus: Bus, into: list[Changed]) -> None:
    async for changed in bus.listen():
        into.append(changed)  # noqa: PERF401  # it never ends by itself


async def test_every_listener_hears_every_bell(pair: tuple[Bus, Bus]) -> None:
    ringer, other = pair
    lists: list[list[Changed]] = [[], [], []]
    tasks = [asyncio.create_task(heard(bus, into)) for bus, into in zip((ringer, other, other), lists, strict=True)]
    await asyncio.sleep(0.3)
    await ringer.publish(RUNG)
    await ringer.publish(Changed("b" * 24, "email"))
    for _ in range(100):
        if all(len(into) == 2 for into in lists):
            break
        await asyncio.sleep(0.02)
    assert lists == [[RUNG, Changed("b" * 24, "email")]] * 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_bell_that_redis_does_not_take_is_no_failure() -> None:
    bus = RedisBus("redis://127.0.0.1:1/0")
    await asyncio.wait_for(bus.publish(RUNG), 5)
    await bus.close()
