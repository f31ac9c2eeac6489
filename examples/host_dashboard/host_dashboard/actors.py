"""The one hook of Atlas Hub: who is asking, and where those go who are not signed in."""

from __future__ import annotations

import asyncio

import reflex as rx
from starlette.requests import Request, cookie_parser

from atlas_hub import Actor, Role, workspace_id
from host_dashboard import people

SIGN_IN_PATH = "/sign-in"
PATHS = ("/sign-in", "/sign-out", "/api/orders")
ROLES = {"manager": Role.ADMIN, "viewer": Role.MEMBER}


async def actor_of_state(state: rx.State) -> Actor | None:
    """Who raised a page event, by the cookie of the browser's socket."""
    return await _actor(cookie_parser(state.router.headers.cookie or "").get(people.COOKIE))


async def actor_of_request(request: Request) -> Actor | None:
    """Who sent a request."""
    return await _actor(request.cookies.get(people.COOKIE))


async def _actor(token: str | None) -> Actor | None:
    seat = await asyncio.to_thread(people.who, token)  # the database is asked outside the event loop
    if seat is None or seat.role not in ROLES:
        return None
    return Actor(
        id=str(seat.id),
        name=seat.email,
        workspace=workspace_id(seat.tenant),
        workspace_name=seat.company,
        role=ROLES[seat.role],
    )
