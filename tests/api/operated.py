"""A worker as the operator meets it, for granian: APIs, health, figures, a websocket, JSON lines, a graceful end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from atlas_hub import api
from atlas_hub.api import operator, traffic
from atlas_hub.hub import opened
from atlas_hub.kit import logs, redact
from atlas_hub.settings import load


@asynccontextmanager
async def _running(_: Starlette) -> AsyncIterator[None]:
    settings = load()
    redact.install()
    logs.install(settings.log_format)
    async with traffic.graceful(), opened(settings):
        yield


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


def app() -> ASGIApp:
    """The factory."""
    inner = Starlette(lifespan=_running, routes=[WebSocketRoute("/_event", _echo)])
    return operator.answering("")(api.transformer("atlas_hub.accounts.actors")(inner))
