"""How often something may happen: a moving window, in memory or in Redis. The only import of `limits`."""

from __future__ import annotations

import logging
import math

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import TooManyRequests

log = logging.getLogger(__name__)

PATIENCE = 2.0


class Limits:
    """Limits shared by every worker that shares the Redis; without one, or while it is away, by this process."""

    def __init__(self, redis_url: str = "") -> None:
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared = self._here
        self._pool: ConnectionPool | None = None
        if redis_url:
            self._pool = ConnectionPool.from_url(redis_url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
            self._shared = MovingWindowRateLimiter(
                RedisStorage(
                    f"async+{redis_url}",
                    implementation="redispy",
                    wrap_exceptions=True,
                    connection_pool=self._pool,  # type: ignore[arg-type]  # passed on to redis as it is
                )
            )

    async def hit(self, what: str, who: str, *, times: int, seconds: int, text: str) -> None:
        """Count one. Raises `TooManyRequests(text)` when there were `times` in the last `seconds`; 0 is no limit."""
        await self._ask(what, who, times, seconds, text, count=True)

    async def check(self, what: str, who: str, *, times: int, seconds: int, text: str) -> None:
        """Raises as `hit` would, and counts nothing: for what counts only when it fails."""
        await self._ask(what, who, times, seconds, text, count=False)

    async def _ask(self, what: str, who: str, times: int, seconds: int, text: str, *, count: bool) -> None:
        if times <= 0:
            return
        item = RateLimitItemPerSecond(times, seconds, namespace="atlas_hub")
        try:
            window = self._shared
            allowed = await (window.hit if count else window.test)(item, what, who)
        except StorageError:
            # A limit that counts less is better than a hub that does nothing, and than one without limits.
            log.warning("Redis did not answer; this process counts limits by itself.")
            window = self._here
            allowed = await (window.hit if count else window.test)(item, what, who)
        if allowed:
            return
        stats = await window.get_window_stats(item, what, who)
        wait = max(1, math.ceil(stats.reset_time - now().timestamp()))
        raise TooManyRequests(text, retry_after=min(wait, seconds))

    async def forget(self, what: str, who: str, *, times: int, seconds: int) -> None:
        """Start anew, after a success."""
        item = RateLimitItemPerSecond(times, seconds, namespace="atlas_hub")
        for window in {self._shared, self._here}:
            try:
                await window.clear(item, what, who)
            except StorageError:
                log.warning("Redis did not answer; a limit was not reset.")

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.aclose()
