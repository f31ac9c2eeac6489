"""How often something may happen, in memory and over Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from atlas_hub.kit.errors import TooManyRequests
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.limits import Limits


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[Limits]:
    url = "" if request.param == "memory" else request.getfixturevalue("redis_url")
    limits = Limits(url)
    yield limits
    await limits.close()


async def test_without_redis_this_process_counts() -> None:
    limits = Limits("redis://127.0.0.1:1/0")
    await limits.hit("test", "ana", times=1, seconds=60, text="Wait.")
    with pytest.raises(TooManyRequests):
        await limits.hit("test", "ana", times=1, seconds=60, text="Wait.")
    await limits.close()


async def test_one_too_many_has_to_wait_and_another_does_not(limits: Limits) -> None:
    ana, ben = new_id(), new_id()
    for _ in range(3):
        await limits.hit("test", ana, times=3, seconds=60, text="Wait.")
    with pytest.raises(TooManyRequests) as refused:
        await limits.hit("test", ana, times=3, seconds=60, text="Wait.")
    assert 1 <= refused.value.retry_after <= 60
    await limits.hit("test", ben, times=3, seconds=60, text="Wait.")
    await limits.hit("other", ana, times=3, seconds=60, text="Wait.")


async def test_nought_is_no_limit(limits: Limits) -> None:
    who = new_id()
    for _ in range(20):
        await limits.hit("test", who, times=0, seconds=60, text="Wait.")


async def test_a_success_can_start_anew(limits: Limits) -> None:
    who = new_id()
    await limits.hit("test", who, times=1, seconds=60, text="Wait.")
    await limits.forget("test", who, times=1, seconds=60)
    await limits.hit("test", who, times=1, seconds=60, text="Wait.")
