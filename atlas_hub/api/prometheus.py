"""What a workspace's own Prometheus asks: where its metrics are, and the metrics, behind the stored user name and
password (HTTP Basic). What is wrong with them is never said.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from atlas_hub.api.envelope import Sender, answer, told
from atlas_hub.api.errors import Refusal
from atlas_hub.api.operator import path_of
from atlas_hub.hub import Hub
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import clock, hops, logs, metrics
from atlas_hub.kit.errors import NotAvailable, NotFound, Unauthenticated
from atlas_hub.kit.secret import Secret
from atlas_hub.services import scraping
from atlas_hub.services.scraping import Scraper

PREFIX: Final = scraping.PREFIX
CHALLENGE: Final = 'Basic realm="Atlas Hub", charset="UTF-8"'
READING: Final = frozenset({"GET", "HEAD"})
LONGEST: Final = 4096
"""What an Authorization header may be long."""

_PATH = re.compile(rf"{re.escape(PREFIX)}/groups/([^/]+)/([a-z]+)/?")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+=*)", re.IGNORECASE)


async def discovery(hub: Hub, scraper: Scraper) -> Response:
    """The targets, as Prometheus's HTTP service discovery wants them. The hub has one address, whatever is asked."""
    return answer(await scraping.discovery(hub, scraper))


async def figures(hub: Hub, scraper: Scraper) -> Response:
    """The metrics."""
    return Response(await scraping.figures(hub, scraper), headers={"Content-Type": metrics.CONTENT_TYPE})


ROUTES: Final[dict[str, Callable[[Hub, Scraper], Awaitable[Response]]]] = {"discovery": discovery, "metrics": figures}


def build() -> ASGIApp:
    """The API for everything under `PREFIX`."""
    return _api


async def _api(scope: Scope, receive: Receive, send: Send) -> None:
    with logs.request() as request_id:
        began = clock.monotonic()
        sender = Sender(send, request_id, head=scope["method"] == "HEAD")
        found = _PATH.fullmatch(path_of(scope))
        group, what = (found[1], found[2]) if found and found[2] in ROUTES else ("", "")
        try:
            said = await _answered(Request(scope), group, what, request_id)
            await said(scope, receive, sender)
        finally:
            route = f"{PREFIX}/groups/{{groupId}}/{what}" if what else "(none)"
            seconds = clock.monotonic() - began
            metrics.answered(route, scope["method"], sender.status, seconds)
            logs.answered(route, scope["method"], sender.status, seconds)


async def _answered(request: Request, group: str, what: str, request_id: str) -> Response:
    try:
        if not what:
            raise NotFound("There is nothing at this path.")  # noqa: TRY301  # the table below says it
        if request.method not in READING:
            raise _not_allowed()  # noqa: TRY301  # same
        hub = _running()
        username, password = pair_of(request)
        hop = request.client.host if request.client else ""
        address = hops.caller(hop, request.headers.getlist("x-forwarded-for"), hub.settings.trusted_proxies)
        return await ROUTES[what](hub, await scraping.admitted(hub, group, username, password, address))
    except Unauthenticated as error:
        body = {"error": "auth_error", "message": error.text, "requestId": request_id}
        return answer(body, HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": CHALLENGE})
    except Exception as error:  # noqa: BLE001  # the last line before the wire
        return told(error, request_id)


def _running() -> Hub:
    try:
        return the_hub()
    except NotAvailable as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", error.text) from None


def _not_allowed() -> Refusal:
    text = "This path can be read alone: GET or HEAD."
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", text, headers={"Allow": "GET, HEAD"})


def pair_of(request: Request) -> tuple[str, Secret]:
    """User name and password of the one Authorization header (RFC 7617). Raises `Unauthenticated` for anything else."""
    given = request.headers.getlist("authorization")
    found = _BASIC.fullmatch(given[0].strip()) if len(given) == 1 and len(given[0]) <= LONGEST else None
    try:
        username, colon, password = base64.b64decode(found[1] if found else "", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise Unauthenticated("Sign in with the user name and password of the Prometheus card (HTTP Basic).")
    return username, Secret(password)
