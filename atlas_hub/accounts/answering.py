"""What the plain pages answer with: whatever goes wrong as a page, who is signed in, cookies beside a page."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas_hub.accounts import pages, sessions
from atlas_hub.accounts.actors import SIGN_IN_PATH
from atlas_hub.accounts.intake import FORM_COOKIE, HOME, Refused
from atlas_hub.hub import Hub, hub
from atlas_hub.kit import clock, logs
from atlas_hub.kit.errors import Conflict, Forbidden, HubError, NotAvailable, NotFound
from atlas_hub.services.access import Actor
from atlas_hub.storage.db import Unreachable

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
SETTINGS = "/settings"
AGAIN = (SIGN_IN_PATH, "Back to sign-in")


async def noted(app: ASGIApp, route: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the app answer under a request id, which the answer carries, and write the request's line.

    `route` is a template, as a path may be a one-time link.
    """
    status = 0  # nobody was answered: the caller has gone
    with logs.request() as request_id:
        began = clock.monotonic()

        async def carrying(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", request_id.encode())]}
            await send(message)

        try:
            await app(scope, receive, carrying)
        finally:
            logs.answered(route, scope["method"], status, clock.monotonic() - began)


def calm(endpoint: Endpoint) -> Endpoint:
    """Whatever goes wrong becomes a page: never a stack, never a blank."""

    @functools.wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HubError as error:
            return _refusal(error, _back(request))
        except Unreachable:
            log.warning("The database did not answer a request of /%s.", request.url.path.split("/")[1])
            text = (
                "The hub cannot reach its database at the moment, so it cannot say who you are. Try again in a minute."
            )
            return pages.notice(
                "Back in a moment", text, status=503, link=_back(request), headers={"Retry-After": "30"}
            )
        except Exception:
            reference = logs.request_id.get()
            log.exception("Unexpected error %s", reference)
            text = f"Something unexpected went wrong. Try again; if it happens again, report the reference {reference}."
            return pages.notice("That did not work", text, status=500, link=_back(request))

    return answered


def _back(request: Request) -> tuple[str, str]:
    """Where to go on from a page that says what went wrong."""
    return (SETTINGS, "Back to the settings") if request.url.path.startswith(SETTINGS) else AGAIN


def _refusal(error: HubError, back: tuple[str, str]) -> Response:
    if isinstance(error, Refused):
        return pages.notice("The form was not read", error.text, status=error.status, link=back)
    if isinstance(error, NotFound):
        to = back if back is not AGAIN else (HOME, "To the integrations")
        return pages.notice("Not found", error.text, status=404, link=to)
    if isinstance(error, NotAvailable):
        return pages.notice("Not available", error.text, status=503, link=back, headers={"Retry-After": "5"})
    if isinstance(error, Forbidden):
        return pages.notice("Not for your role", error.text, status=403, link=(HOME, "To the integrations"))
    if isinstance(error, Conflict):
        return pages.notice("That cannot be done", error.text, status=409, link=back)
    return pages.notice("That did not work", error.text, status=400, link=back)


async def who(request: Request) -> Actor | None:
    """Who is signed in, in a workspace."""
    the_hub = hub()
    return await sessions.actor_of(the_hub, sessions.token_in(the_hub.settings, request.cookies))


def to(path: str) -> Response:
    """Send the browser on, by GET."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER, headers=pages.HEADERS)


def to_sign_in(next_path: str) -> Response:
    """Send the browser to the sign-in, and from there on to a path of our own."""
    return to(sign_in_with(next_path))


def sign_in_with(next_path: str) -> str:
    """The address of the sign-in that leads on to a path of our own."""
    return f"{SIGN_IN_PATH}?{urlencode({'next': next_path})}"


async def signed_in(request: Request, the_hub: Hub, token: str, next_path: str) -> Response:
    """Give the browser its new session, and end the former one."""
    former = sessions.token_in(the_hub.settings, request.cookies)
    if former is not None:
        await sessions.end(the_hub, former)
    answer = to(next_path)
    sessions.set_cookie(answer, the_hub.settings, "atlas_session", token)
    # What a form carried before signing in is worth nothing after it.
    sessions.set_cookie(answer, the_hub.settings, FORM_COOKIE, sessions.new_token())
    return answer


def with_form(answer: Response, the_hub: Hub, token: str) -> Response:
    """The page of a form, and the cookie that proves it."""
    sessions.set_cookie(answer, the_hub.settings, FORM_COOKIE, token)
    return answer
