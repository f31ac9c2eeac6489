"""Who asks, in the stand-alone app: the session cookie's user, looked up anew at every event and request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request, cookie_parser

from atlas_hub.accounts import sessions
from atlas_hub.accounts.store import Seat
from atlas_hub.hub import hub
from atlas_hub.kit.errors import SessionExpired
from atlas_hub.services.access import Actor

if TYPE_CHECKING:
    import reflex as rx

PATHS = ("/sign-in", "/sign-out", "/set-up", "/workspace", "/join", "/settings")
SIGN_IN_PATH = "/sign-in"


async def actor_of_state(state: rx.State) -> Actor | None:
    """The actor of a Reflex event, by the cookie of its socket, which the browser's scripts never see."""
    the_hub = hub()
    if not the_hub.has_database:
        return None
    cookies = cookie_parser(state.router.headers.cookie or "")
    return await sessions.actor_of(the_hub, sessions.token_in(the_hub.settings, cookies))


async def actor_of_request(request: Request) -> Actor | None:
    """The actor of an HTTP request. Raises `SessionExpired` for a session that is over."""
    the_hub = hub()
    if not the_hub.has_database:
        return None
    token = sessions.token_in(the_hub.settings, request.cookies)
    actor = await sessions.actor_of(the_hub, token)
    if actor is None and token is not None:
        raise SessionExpired("This session has ended. Sign in again.")
    return actor


async def memberships_of(actor: Actor) -> list[Seat]:
    """The workspaces between which the actor may switch, oldest first."""
    return await sessions.seats_of(hub(), actor)
