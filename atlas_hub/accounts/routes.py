"""The stand-alone app's own addresses: sign in and out, set up, switch workspace. Plain HTML and form posts."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas_hub.accounts import intake, pages, people, sessions, sign_in, workspaces
from atlas_hub.accounts.actors import SIGN_IN_PATH
from atlas_hub.accounts.intake import FORM_COOKIE, HOME, Refused, form_token, read_form, safe_next
from atlas_hub.hub import Hub, hub
from atlas_hub.kit import logs
from atlas_hub.kit.errors import (
    BadForm,
    Forbidden,
    HubError,
    NotAvailable,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Actor
from atlas_hub.storage.db import Unreachable

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
AGAIN = (SIGN_IN_PATH, "Back to sign-in")


def calm(endpoint: Endpoint) -> Endpoint:
    """Whatever goes wrong becomes a page: never a stack, never a blank."""

    @functools.wraps(endpoint)
    async def answered(request: Request) -> Response:
        reference = new_id()
        logs.request_id.set(reference)
        try:
            return await endpoint(request)
        except HubError as error:
            return _refusal(error)
        except Unreachable:
            log.warning("The database did not answer a request of /%s.", request.url.path.split("/")[1])
            text = "The hub cannot reach its database at the moment, so nobody can sign in. Try again in a minute."
            return pages.notice("Back in a moment", text, status=503, link=AGAIN, headers={"Retry-After": "30"})
        except Exception:
            log.exception("Unexpected error %s", reference)
            text = f"Something unexpected went wrong. Try again; if it happens again, report the reference {reference}."
            return pages.notice("That did not work", text, status=500, link=AGAIN)

    return answered


def _refusal(error: HubError) -> Response:
    if isinstance(error, Refused):
        return pages.notice("The form was not read", error.text, status=error.status, link=AGAIN)
    if isinstance(error, NotFound):
        return pages.notice("Not found", error.text, status=404, link=(HOME, "To the integrations"))
    if isinstance(error, NotAvailable):
        return pages.notice("Not available", error.text, status=503, link=AGAIN, headers={"Retry-After": "5"})
    return pages.notice("That did not work", error.text, status=400, link=AGAIN)


@calm
async def signing_in(request: Request) -> Response:
    """GET shows the form, POST proves what was typed."""
    the_hub = hub()
    if not the_hub.has_database:
        text = "Signing in needs a database, and DATABASE_URL is `none` here. Set DATABASE_URL and restart the hub."
        return pages.notice("Signing in is not available", text, status=503)
    if request.method == "POST":
        return await _sign_in(request, the_hub)
    next_path = safe_next(request.query_params.get("next"))
    if await _who(request) is not None:
        return _to(next_path)
    token = form_token(request, the_hub.settings)
    fresh = not await people.exists(the_hub)
    return _with_form(pages.sign_in(token, next_path, fresh=fresh), the_hub, token)


async def _sign_in(request: Request, the_hub: Hub) -> Response:
    fields = await read_form(request, the_hub.settings)
    next_path, email = safe_next(fields.get("next")), fields.get("email", "")
    address = intake.address_of(request, the_hub.settings.trusted_proxies)
    status, headers = 401, {}
    try:
        token = await sign_in.sign_in(the_hub, email=email, password=fields.get("password", ""), address=address)
    except TooManyRequests as error:
        minutes = -(-error.retry_after // 60)
        alert = error.text.format(minutes=f"{minutes} minutes" if minutes > 1 else "a minute")
        status, headers = 429, {"Retry-After": str(error.retry_after)}
    except Unauthenticated as error:
        alert = error.text
    except Forbidden as error:
        alert, status = error.text, 403
    else:
        return await _signed_in(request, the_hub, token, next_path)
    form = form_token(request, the_hub.settings)
    answer = pages.sign_in(form, next_path, email=email, alert=alert, status=status, headers=headers)
    return _with_form(answer, the_hub, form)


@calm
async def signing_out(request: Request) -> Response:
    """End the session of this browser."""
    the_hub = hub()
    await read_form(request, the_hub.settings, needs_token=False)
    token = sessions.token_in(the_hub.settings, request.cookies)
    if token is not None:
        await sessions.end(the_hub, token)
    answer = _to(SIGN_IN_PATH)
    sessions.clear_cookie(answer, the_hub.settings, "atlas_session")
    sessions.clear_cookie(answer, the_hub.settings, FORM_COOKIE)
    return answer


@calm
async def setting_up(request: Request) -> Response:
    """GET shows the form of a valid link, POST makes the first owner."""
    the_hub = hub()
    token = request.path_params["token"]
    fields = await read_form(request, the_hub.settings) if request.method == "POST" else None
    waiting = await workspaces.waiting_for(the_hub, token)
    if waiting is None:
        return _link_over()
    faults: dict[str, str] = {}
    if fields is not None:
        try:
            typed = {name: fields.get(name, "") for name in ("workspace", "name", "email", "password")}
            session = await workspaces.set_up(the_hub, token, **typed)
        except BadForm as error:
            faults = error.fields
        except NotFound:
            return _link_over()
        else:
            return await _signed_in(request, the_hub, session, HOME)
    form = form_token(request, the_hub.settings)
    answer = pages.set_up(
        f"/set-up/{token}", form, waiting, typed=fields or {}, faults=faults, status=422 if faults else 200
    )
    return _with_form(answer, the_hub, form)


@calm
async def switching(request: Request) -> Response:
    """Make another workspace of the user the active one."""
    the_hub = hub()
    fields = await read_form(request, the_hub.settings, needs_token=False)
    actor = await _who(request)
    token = sessions.token_in(the_hub.settings, request.cookies)
    if actor is None or token is None:
        return _to(f"{SIGN_IN_PATH}?{urlencode({'next': safe_next(fields.get('next'))})}")
    await sessions.switch(the_hub, token, actor, fields.get("workspace", ""))
    return _to(safe_next(fields.get("next")))


async def home(_: Request) -> Response:
    """The stand-alone app is its page."""
    return RedirectResponse(HOME, status_code=HTTPStatus.TEMPORARY_REDIRECT)


async def _who(request: Request) -> Actor | None:
    the_hub = hub()
    return await sessions.actor_of(the_hub, sessions.token_in(the_hub.settings, request.cookies))


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER, headers=pages.HEADERS)


def _link_over() -> Response:
    text = (
        f"{workspaces.LINK_OVER} If you have an account, sign in. If nobody has one yet, restart the hub, which prints "
        "a new link, or run `atlas-hub user create` where it runs."
    )
    return pages.notice("This link does not work any more", text, status=410, link=(SIGN_IN_PATH, "Sign in"))


async def _signed_in(request: Request, the_hub: Hub, token: str, next_path: str) -> Response:
    former = sessions.token_in(the_hub.settings, request.cookies)
    if former is not None:
        await sessions.end(the_hub, former)
    answer = _to(next_path)
    sessions.set_cookie(answer, the_hub.settings, "atlas_session", token)
    # What a form carried before signing in is worth nothing after it.
    sessions.set_cookie(answer, the_hub.settings, FORM_COOKIE, sessions.new_token())
    return answer


def _with_form(answer: Response, the_hub: Hub, token: str) -> Response:
    sessions.set_cookie(answer, the_hub.settings, FORM_COOKIE, token)
    return answer


ROUTES = [
    Route("/", home, methods=["GET"]),
    Route(SIGN_IN_PATH, signing_in, methods=["GET", "POST"]),
    Route("/sign-out", signing_out, methods=["POST"]),
    Route("/set-up/{token}", setting_up, methods=["GET", "POST"]),
    Route("/workspace", switching, methods=["POST"]),
]


UNFRAMED = (
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
"""What the page's own answers say to a browser; a host says what it likes of its pages."""


def transformer(inner: ASGIApp) -> ASGIApp:
    """Put the sign-in pages before the app: what is none of their addresses goes on to it, and may not be framed."""
    own = Starlette(routes=ROUTES)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and any(route.matches(scope)[0] is not Match.NONE for route in ROUTES)
        if ours or scope["type"] != "http":
            await (own if ours else inner)(scope, receive, send)
            return

        async def unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *UNFRAMED]}
            await send(message)

        await inner(scope, receive, unframed)

    return outer
