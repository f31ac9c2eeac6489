"""The chat API's integrations."""

from __future__ import annotations

from typing import Any, Final

from atlas_hub.api.chat_errors import not_found
from atlas_hub.api.chat_frame import ChatCall, Route


async def not_offered(call: ChatCall) -> Any:
    """What the original does for bots of its own, which there are none of here. Raises `Refused` 404."""
    raise not_found(f"This is not offered here: {call.request.method} {call.request.url.path}")


ROUTES: Final = (
    Route("POST", "/v1/integrations/channel-endpoints/link", not_offered),
    Route("POST", "/v1/integrations/{integrationIdentifier}/mobile-link", not_offered),
    Route("POST", "/v1/integrations/{integrationIdentifier}/webhook/configure", not_offered),
)
