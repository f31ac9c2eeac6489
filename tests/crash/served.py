"""The admin API as the plugin puts it in front of an app, with the hub open for the life of the worker; for granian."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp

from atlas_hub import api
from atlas_hub.hub import opened
from atlas_hub.settings import load


@asynccontextmanager
async def _running(_: Starlette) -> AsyncIterator[None]:
    async with opened(load()):
        yield


def app() -> ASGIApp:
    """The factory."""
    return api.transformer("atlas_hub.accounts.actors")(Starlette(lifespan=_running))
