"""What granian serves to measure consents: the page's service behind a bare endpoint, and the floor of both ways."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp


def beginning() -> ASGIApp:
    """The service that the page's form asks, without the form, the session and the cookie around it.

    A person may begin twenty consents a minute: each request is another's, so that the limit is asked and never met.
    """
    from atlas_hub import hub as hubs
    from atlas_hub.kit import redact
    from atlas_hub.kit.ids import new_id
    from atlas_hub.services import consents
    from atlas_hub.services.access import Actor, Role
    from atlas_hub.settings import load

    workspace = os.environ["BENCH_WORKSPACE"]  # noqa: TID251  # told by the bench

    async def begin(_: Request) -> Response:
        actor = Actor(id=new_id(), name="ana@example.com", workspace=workspace, role=Role.OWNER)
        return JSONResponse({"url": await consents.begin(hubs.hub(), actor, "slack", "b" * 64)})

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        redact.install()
        async with hubs.opened(load()):
            yield

    return Starlette(routes=[Route("/begin", begin, methods=["POST"])], lifespan=running)


def inserting() -> ASGIApp:
    """The floor: one row of a consent's size and its commit, on the hub's own engine; an address of an address's size.

    Nothing is asked, checked, limited or sealed.
    """
    from atlas_hub.kit import clock
    from atlas_hub.kit.oauth import new_secret
    from atlas_hub.settings import load
    from atlas_hub.storage.db import make_engine
    from atlas_hub.storage.models import OAuthAttempt

    workspace = os.environ["BENCH_WORKSPACE"]  # noqa: TID251  # same
    client = os.environ["SLACK_CLIENT_ID"]  # noqa: TID251  # same
    engine = make_engine(load().database)
    asked = {"app": "a" * 24, "client": client, "subscriber": "sub-1", "redirect": "http://localhost:3000/back" * 2,
             "scopes": ["chat:write", "chat:write.public", "channels:read", "groups:read", "users:read"]}  # fmt: skip

    async def endpoint(_: Request) -> Response:
        state, at = new_secret().reveal(), clock.now()
        row = {"state_hash": state, "workspace": workspace, "provider": "slack", "actor": "ana", "session": "s" * 64,
               "request": asked, "sealed": b"x" * 300, "outcome": {}, "created_at": at,
               "expires_at": at + timedelta(minutes=5)}  # fmt: skip
        async with engine.begin() as connection:
            await connection.execute(insert(OAuthAttempt), row)
        params = {"state": state, "client_id": client, "redirect_uri": asked["redirect"], "scope": asked["scopes"]}
        return JSONResponse({"url": f"https://slack.com/oauth/v2/authorize?{urlencode(params)}"})

    return Starlette(routes=[Route("/", endpoint, methods=["POST"])])
