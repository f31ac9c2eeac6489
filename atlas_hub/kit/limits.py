"""How often something may happen: a moving window, in memory or in Redis. The only import of `limits`."""

from __future__ import annotations

import math
from typing import NoReturn

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import TooManyRequests


class Limits:
    """Limits shared by every worker that shares the Redis; without one, by this process."""

    def __init__(self, redis_url: str = "") -> None:
        storage = (
            RedisStorage(f"async+{redis_url}", implementation="redispy") if redis_url else MemoryStorage()
        )
        self._window = MovingWindowRateLimiter(storage)

    async def hit(self, what: str, who: str, *, times: int, seconds: int, text: str) -> None:
        """Count one. Raises `TooManyRequests(text)` when there were `times` in the last `seconds`; 0 is no limit."""
        if times <= 0:
            return
        item = RateLimitItemPerSecond(times, seconds, namespace="atlas_hub")
        if not await self._window.hit(item, what, who):
            await self._refuse(item, what, who, text)

    async def check(self, what: str, who: str, *, times: int, seconds: int, text: str) -> None:
        """Raises as `hit` would, and counts nothing: for what counts only when it fails."""
        item = RateLimitItemPerSecond(times, seconds, namespace="atlas_hub")
        if times > 0 and not await self._window.test(item, what, who):
            await self._refuse(item, what, who, text)

    async def _refuse(self, item: RateLimitItemPerSecond, what: str, who: str, text: str) -> NoReturn:
        stats = await self._window.get_window_stats(item, what, who)
        wait = max(1, math.ceil(stats.reset_time - now().timestamp()))
        raise TooManyRequests(text, retry_after=min(wait, item.get_expiry()))

    async def forget(self, what: str, who: str, *, times: int, seconds: int) -> None:
        """Start anew, after a success."""
        await self._window.clear(RateLimitItemPerSecond(times, seconds, namespace="atlas_hub"), what, who)
