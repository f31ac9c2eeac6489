"""What granian serves here: the hub's APIs as the plugin mounts them, and the floor they are held against."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp


def hub() -> ASGIApp:
    """The admin API in front of an app, as in production, with the hub open for the life of the worker."""
    from atlas_hub import api
    from atlas_hub import hub as hubs
    from atlas_hub.accounts.routes import transformer
    from atlas_hub.kit import redact
    from atlas_hub.settings import load

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        redact.install()
        async with hubs.opened(load()):
            yield

    accounts = transformer(Starlette(lifespan=running))
    return api.transformer("atlas_hub.accounts.actors")(accounts)


def floor() -> ASGIApp:
    """A bare Starlette endpoint, at any path: the same statements on one connection, the same bytes.

    `BENCH_FLOOR` names a JSON file of `{url, statements: [[sql, parameters], …], body}`. Nothing is checked,
    compiled, converted or serialised: this is what the server, SQLAlchemy's engine and the driver cost alone.
    """
    from atlas_hub.storage.db import make_engine

    given = json.loads(Path(os.environ["BENCH_FLOOR"]).read_text())  # noqa: TID251  # told by the bench
    body = given["body"].encode()
    statements = [(sql, tuple(said) if isinstance(said, list) else said) for sql, said in given["statements"]]
    engine = make_engine(given["url"])

    async def endpoint(_: Request) -> Response:
        async with engine.connect() as connection:
            for sql, said in statements:
                (await connection.exec_driver_sql(sql, said)).all()
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", endpoint)])


def fanout() -> ASGIApp:
    """The floor of live changes: what is posted goes through Redis to every websocket of every worker, as it is."""
    import asyncio

    from redis.asyncio import Redis
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    server = Redis.from_url(os.environ["BENCH_REDIS"])  # noqa: TID251  # told by the bench
    sockets: set[WebSocket] = set()

    async def carry() -> None:
        async with server.pubsub() as subscription:
            await subscription.subscribe("atlas_bench")
            async for message in subscription.listen():
                if message["type"] == "message":
                    text = message["data"].decode()
                    await asyncio.gather(*[socket.send_text(text) for socket in sockets])

    async def post(request: Request) -> Response:
        await server.publish("atlas_bench", await request.body())
        return Response(b"{}", media_type="application/json")

    async def join(socket: WebSocket) -> None:
        await socket.accept()
        sockets.add(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            sockets.discard(socket)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        carrying = asyncio.create_task(carry())
        yield
        carrying.cancel()

    routes = [Route("/", post, methods=["POST"]), WebSocketRoute("/", join)]
    return Starlette(routes=routes, lifespan=running)
