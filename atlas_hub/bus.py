"""A doorbell for open pages: *look again*. It carries no state and no secret; a missed bell heals at the next load."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from atlas_hub.kit.errors import BadForm

log = logging.getLogger(__name__)

EVERYTHING = "*"
"""Instead of a provider: look at every card again."""

CHANNEL = "atlas_hub:changed"
PATIENCE = 2.0


@dataclass(frozen=True)
class Changed:
    """Something about a provider changed in a workspace."""

    workspace: str
    provider: str


class Bus(Protocol):
    """Rings the bell in every worker."""

    async def publish(self, changed: Changed) -> None:
        """Ring. Never raises: what was done stays done when nobody hears of it."""

    def listen(self) -> AsyncIterator[Changed]:
        """Every bell from now on."""

    async def answers(self) -> bool:
        """Whether what carries the bell is there."""

    async def close(self) -> None:
        """Stop."""


class MemoryBus:
    """One process, no Redis."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Changed]] = set()

    async def publish(self, changed: Changed) -> None:
        for queue in self._listeners:
            queue.put_nowait(changed)

    async def listen(self) -> AsyncIterator[Changed]:
        queue: asyncio.Queue[Changed] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def answers(self) -> bool:
        return True

    async def close(self) -> None:
        self._listeners.clear()


class RedisBus:
    """Several workers or machines: Redis publish and subscribe."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=PATIENCE, health_check_interval=15)

    async def publish(self, changed: Changed) -> None:
        try:
            await asyncio.wait_for(self._redis.publish(CHANNEL, f"{changed.workspace} {changed.provider}"), PATIENCE)
        except (RedisError, OSError, TimeoutError):
            log.warning("Redis did not take the news of a change; open pages show it at their next load.")

    async def listen(self) -> AsyncIterator[Changed]:
        first = True
        while True:
            with suppress(RedisError, OSError):
                async with self._subscription() as subscription:
                    if not first:
                        yield Changed(EVERYTHING, EVERYTHING)  # bells may have been missed
                    first = False
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            workspace, _, provider = message["data"].decode().partition(" ")
                            yield Changed(workspace, provider)
            log.warning("The subscription to Redis ended; trying again.")
            await asyncio.sleep(PATIENCE)

    @asynccontextmanager
    async def _subscription(self) -> AsyncIterator[Any]:
        subscription: Any = self._redis.pubsub()
        try:
            await subscription.subscribe(CHANNEL)
            yield subscription
        finally:
            with suppress(RedisError, OSError):
                await subscription.aclose()

    async def answers(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                asked: Any = self._redis.ping()
                return bool(await asked)
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        await self._redis.aclose()


def open_bus(redis_url: str) -> Bus:
    """Redis where there is one, else memory."""
    return RedisBus(redis_url) if redis_url else MemoryBus()


def require_address(redis_url: str) -> None:
    """Raises `BadForm` where this is not the address of a Redis; its text has no part of it."""
    try:
        Redis.from_url(redis_url)
    except ValueError:
        fault = "REFLEX_REDIS_URL: this is not the address of a Redis. Write it like redis://host:6379/0."
        raise BadForm({"REFLEX_REDIS_URL": fault}) from None


async def answers(redis_url: str) -> bool:
    """Whether the Redis answers."""
    redis = Redis.from_url(redis_url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
    try:
        ping: Any = redis.ping()  # typed for the client that does not wait, too
        await asyncio.wait_for(ping, PATIENCE)
    except (RedisError, OSError, TimeoutError):
        return False
    finally:
        with suppress(RedisError, OSError):
            await redis.aclose()
    return True
