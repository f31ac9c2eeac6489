"""The browser's way to a vendor's consent and back: plain requests, since a socket can set no cookie.

`POST /oauth/begin/{provider}` from a form of the page; `GET /oauth/callback/{provider}` from the vendor;
`GET /oauth/ended/{provider}` says what became of one that came to nothing, at an address without code and state.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from atlas_hub.api.callers import Actors, origin_of
from atlas_hub.api.consent_page import consent_page
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import logs, oauth
from atlas_hub.kit.errors import (
    Forbidden,
    HubError,
    NotAvailable,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    VaultLocked,
)
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import consents, status
from atlas_hub.services.access import Actor
from atlas_hub.services.consents import ConsentFailed

log = logging.getLogger(__name__)

PREFIX: Final = "/oauth"
COOKIE: Final = "atlas_oauth"
COOKIE_SECONDS: Final = 3600
BODY_BYTES: Final = 4096
FIELDS: Final = 8
ASKED: Final = "integration"
"""The query parameter that opens a card's drawer on a page of a host's own."""
PARAMS: Final = frozenset({"code", "state", "error", "error_description", "tenant", "admin_consent", "iss"})
LONGEST: Final = 4096
_TOKEN = re.compile(r"[\w-]{32,128}", re.ASCII)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Robots-Tag": "noindex",
}


def build(actors: Actors, route: str | None) -> ASGIApp:
    """The three paths. `actors` says who is signed in; `route` is where the Integrations page is, None for a panel."""
    pages = _Pages(actors, route)
    return Starlette(
        routes=[
            Route(PREFIX + "/begin/{slug}", pages.begin, methods=["POST"]),
            Route(PREFIX + "/callback/{slug}", pages.callback, methods=["GET"]),
            Route(PREFIX + "/ended/{slug}", pages.ended, methods=["GET"]),
        ]
    )


class _Pages:
    def __init__(self, actors: Actors, route: str | None) -> None:
        self._actors = actors
        self._route = route

    async def begin(self, request: Request) -> Response:
        """Send the browser to the vendor, with a cookie that makes it known again when it comes back."""
        return await self._answered(request, self._begun, "Not begun")

    async def callback(self, request: Request) -> Response:
        """Take what the vendor sent the browser back with, and go where what came of it is shown."""
        return await self._answered(request, self._come_back, "Not connected")

    async def ended(self, request: Request) -> Response:
        """Say what became of it: in full to who may see the card, else only what kind of thing happened."""
        return await self._answered(request, self._told, "Not connected")

    async def _answered(
        self, request: Request, work: Callable[[Hub, Request, str], Awaitable[Response]], title: str
    ) -> Response:
        slug = request.path_params["slug"]
        with logs.request() as number:
            try:
                return await work(the_hub(), request, slug)
            except HubError as error:
                answer = _page(title, error.text, _status_of(error), self._card(slug))
                if isinstance(error, TooManyRequests):
                    answer.headers["Retry-After"] = str(error.retry_after)
                return answer
            except Exception as error:
                log.exception("Request %s: a consent could not be taken.", number)
                return _broken(error, number)

    async def _begun(self, hub: Hub, request: Request, slug: str) -> Response:
        if not _is_ours(hub, request):
            return _page("Not begun", "This form came from another page. Begin on the Integrations page.", 403)
        actor = await self._actor(request)
        if actor is None:
            return self._to_sign_in(slug)
        given = await _form(request)
        token = _browser(hub, request) or oauth.new_cookie()
        address = await consents.begin(
            hub,
            actor,
            slug,
            token,
            connection_id=given.get("connection", ""),
            adds=given.get("adds") == "yes",
            feature=given.get("feature", ""),
            back=_back(hub, request),
        )
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)
        _remember(hub, answer, token)
        return answer

    async def _come_back(self, hub: Hub, request: Request, slug: str) -> Response:
        actor = await self._actor(request)
        try:
            done = await consents.finish(hub, actor, slug, _browser(hub, request), _params(request))
        except ConsentFailed as error:
            shown = error.provider or (slug if slug in PROVIDERS else "unknown")
            where = oauth.address(f"{PREFIX}/ended/{shown}", {"why": error.why})
            return RedirectResponse(where, HTTPStatus.SEE_OTHER, HEADERS)
        where = done.address or self._card(done.provider, done.back)
        return RedirectResponse(where, HTTPStatus.SEE_OTHER, HEADERS)

    async def _told(self, hub: Hub, request: Request, slug: str) -> Response:
        provider = PROVIDERS.get(slug)
        why = request.query_params.get("why", "")
        text = consents.WHY.get(why, consents.WHY["unknown"])
        actor = await self._actor(request)
        if provider is not None and actor is not None and actor.may_change and why in consents.TOLD_ON_CARD:
            card = await status.card(hub, actor.workspace, provider.slug)
            text = (card.consent.said if card.consent else "") or text
        named = f"{provider.name} was not connected" if provider else "Nothing was connected"
        return _page(named, text, HTTPStatus.BAD_REQUEST, self._card(slug))

    async def _actor(self, request: Request) -> Actor | None:
        try:
            return await self._actors.actor_of_request(request)
        except Unauthenticated:
            return None

    def _to_sign_in(self, slug: str) -> Response:
        path: str | None = getattr(self._actors, "SIGN_IN_PATH", None)
        if not path:
            return _page("Not begun", "Sign in first, then connect again.", HTTPStatus.UNAUTHORIZED)
        where = oauth.address(path, {"next": self._card(slug)})
        return RedirectResponse(where, HTTPStatus.SEE_OTHER, HEADERS)

    def _card(self, slug: str, back: str = "") -> str:
        """The address of a card: below the page's own route, else on the host's page where it all began."""
        if slug not in PROVIDERS:
            return self._route or back or "/"
        return f"{self._route}/{slug}" if self._route else oauth.address(back or "/", {ASKED: slug})


def _is_ours(hub: Hub, request: Request) -> bool:
    """Whether the browser says that the form is on a page of the same origin."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = {origin_of(hub.settings.address), origin_of(f"{request.url.scheme}://{request.headers.get('host', '')}")}
    if site not in {None, "same-origin"}:
        return False
    if origin in {None, "null"}:
        return site == "same-origin"
    return origin_of(str(origin)) in own - {None}


async def _form(request: Request) -> Mapping[str, str]:
    """What a form says; nothing where it is longer than ours are."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_BYTES:
            return {}
    try:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=FIELDS))
    except ValueError:
        return {}


def _status_of(error: HubError) -> HTTPStatus:
    """The status of a page that says why nothing was begun."""
    found = {Forbidden: HTTPStatus.FORBIDDEN, NotFound: HTTPStatus.NOT_FOUND, NotAvailable: HTTPStatus.NOT_FOUND,
             TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS, VaultLocked: HTTPStatus.SERVICE_UNAVAILABLE}  # fmt: skip
    return found.get(type(error), HTTPStatus.BAD_REQUEST)


def _back(hub: Hub, request: Request) -> str:
    """The path of the page that the form is on."""
    referer = request.headers.get("referer", "")
    if origin_of(referer) not in {origin_of(hub.settings.address), origin_of(str(request.base_url))}:
        return ""
    path = urlsplit(referer).path[:300]
    return path if path.startswith("/") and not path.startswith("//") and "\\" not in path else ""


def _name(hub: Hub) -> str:
    return f"__Host-{COOKIE}" if hub.settings.address.startswith("https:") else COOKIE


def _browser(hub: Hub, request: Request) -> str:
    """What this browser alone knows, "" where it knows nothing."""
    token = request.cookies.get(_name(hub), "")
    return token if _TOKEN.fullmatch(token) else ""


def _remember(hub: Hub, answer: Response, token: str) -> None:
    secure = hub.settings.address.startswith("https:")
    answer.set_cookie(_name(hub), token, max_age=COOKIE_SECONDS, path="/", secure=secure, httponly=True, samesite="lax")


def _params(request: Request) -> Mapping[str, str]:
    """What a vendor may say, each once: a parameter that comes twice says nothing (RFC 6749 §3.1)."""
    found: dict[str, str] = {}
    for name in PARAMS:
        given = request.query_params.getlist(name)
        if len(given) == 1 and len(given[0]) <= LONGEST:
            found[name] = given[0]
    return found


def _broken(error: Exception, number: str) -> Response:
    unreachable = isinstance(error, Unreachable)
    said = "The database does not answer." if unreachable else "Something unexpected happened."
    code = HTTPStatus.SERVICE_UNAVAILABLE if unreachable else HTTPStatus.INTERNAL_SERVER_ERROR
    text = f"{said} Nothing was stored. Go back to the Integrations page and begin again. Reference: {number}."
    return _page("Not connected", text, code)


def _page(title: str, text: str, code: int, back: str = "") -> Response:
    return HTMLResponse(consent_page(title, text, alert=True, back=back), code, HEADERS)
