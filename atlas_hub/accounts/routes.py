"""The stand-alone app's own addresses: sign in and out, set up, switch workspace. Plain HTML and form posts."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas_hub.accounts import intake, join_routes, pages, people, sessions, settings_routes, sign_in, workspaces
from atlas_hub.accounts.actors import SIGN_IN_PATH
from atlas_hub.accounts.answering import SETTINGS, calm, noted, signed_in, to, to_sign_in, who, with_form
from atlas_hub.accounts.intake import FORM_COOKIE, HOME, form_token, read_form, safe_next
from atlas_hub.hub import Hub, hub
from atlas_hub.kit.errors import BadForm, NotFound, TooManyRequests, Unauthenticated


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
    if await who(request) is not None:
        return to(next_path)
    if await sessions.visitor_of(the_hub, sessions.token_in(the_hub.settings, request.cookies)) is not None:
        return to(f"{SETTINGS}/workspaces")  # signed in, and in no workspace any more
    token = form_token(request, the_hub.settings)
    fresh = not await people.exists(the_hub)
    return with_form(pages.sign_in(token, next_path, fresh=fresh), the_hub, token)


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
    else:
        return await signed_in(request, the_hub, token, next_path)
    form = form_token(request, the_hub.settings)
    answer = pages.sign_in(form, next_path, email=email, alert=alert, status=status, headers=headers)
    return with_form(answer, the_hub, form)


@calm
async def signing_out(request: Request) -> Response:
    """End the session of this browser."""
    the_hub = hub()
    await read_form(request, the_hub.settings, needs_token=False)
    token = sessions.token_in(the_hub.settings, request.cookies)
    if token is not None:
        await sessions.end(the_hub, token)
    answer = to(SIGN_IN_PATH)
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
            return await signed_in(request, the_hub, session, HOME)
    form = form_token(request, the_hub.settings)
    answer = pages.set_up(
        f"/set-up/{token}", form, waiting, typed=fields or {}, faults=faults, status=422 if faults else 200
    )
    return with_form(answer, the_hub, form)


@calm
async def switching(request: Request) -> Response:
    """Make another workspace of the user the active one."""
    the_hub = hub()
    fields = await read_form(request, the_hub.settings, needs_token=False)
    actor = await who(request)
    token = sessions.token_in(the_hub.settings, request.cookies)
    if actor is None or token is None:
        return to_sign_in(safe_next(fields.get("next")))
    await sessions.switch(the_hub, token, actor, fields.get("workspace", ""))
    return to(safe_next(fields.get("next")))


async def home(_: Request) -> Response:
    """The stand-alone app is its page."""
    return RedirectResponse(HOME, status_code=HTTPStatus.TEMPORARY_REDIRECT)


def _link_over() -> Response:
    text = (
        f"{workspaces.LINK_OVER} If you have an account, sign in. If nobody has one yet, restart the hub, which prints "
        "a new link, or run `atlas-hub user create` where it runs."
    )
    return pages.notice("This link does not work any more", text, status=410, link=(SIGN_IN_PATH, "Sign in"))


ROUTES = [
    Route("/", home, methods=["GET"]),
    Route(SIGN_IN_PATH, signing_in, methods=["GET", "POST"]),
    Route("/sign-out", signing_out, methods=["POST"]),
    Route("/set-up/{token}", setting_up, methods=["GET", "POST"]),
    Route("/workspace", switching, methods=["POST"]),
    *join_routes.ROUTES,
    *settings_routes.ROUTES,
]


UNFRAMED = (
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
"""What the page's own answers say to a browser; a host says what it likes of its pages."""


def _route_of(scope: Scope) -> str | None:
    """The template of the route that Starlette takes: the first that matches, rather one that has the method, too."""
    matching = [(route.matches(scope)[0], route.path) for route in ROUTES]
    for wanted in (Match.FULL, Match.PARTIAL):
        for match, path in matching:
            if match is wanted:
                return path
    return None


def transformer(inner: ASGIApp) -> ASGIApp:
    """Put the sign-in pages before the app: what is none of their addresses goes on to it, and may not be framed."""
    own = Starlette(routes=ROUTES)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        route = _route_of(scope)
        if route is not None:
            await noted(own, route, scope, receive, send)
            return

        async def unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *UNFRAMED]}
            await send(message)

        await inner(scope, receive, unframed)

    return outer
