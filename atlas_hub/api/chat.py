"""The chat API: integrations, channel connections and channel endpoints, as the clients of the original speak."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp

from atlas_hub.api import (
    chat_connections,
    chat_contexts,
    chat_endpoints,
    chat_integrations,
    chat_oauth,
    chat_openapi,
    chat_subscribers,
)
from atlas_hub.api.chat_frame import Frame, Route

PREFIXES: Final = (
    "/v1/integrations",
    "/v1/channel-connections",
    "/v1/channel-endpoints",
    "/v1/subscribers",
    "/v2/subscribers",
    "/v2/contexts",
)

ROUTES: Final[tuple[Route, ...]] = (
    *chat_integrations.ROUTES,
    *chat_oauth.ROUTES,
    *chat_connections.ROUTES,
    *chat_endpoints.ROUTES,
    *chat_subscribers.ROUTES,
    *chat_contexts.ROUTES,
)
"""Every route of the API, from the file of each of its parts."""

DESCRIPTION: Final = chat_openapi.described_by(ROUTES)
"""The one that tells of them."""


def build() -> ASGIApp:
    """The API for everything under `PREFIXES`."""
    return Frame((*ROUTES, DESCRIPTION))
