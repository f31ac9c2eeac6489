"""The chat API's consents: three ways to ask for an address, and the one way back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from atlas_hub.api.chat_errors import Refused, bad_request, said_path
from atlas_hub.api.chat_fields import SUBSCRIBER_LENGTH, Fields
from atlas_hub.api.chat_frame import ChatCall, Route, Verb
from atlas_hub.api.consent_page import consent_page
from atlas_hub.api.envelope import JSON
from atlas_hub.kit import clock
from atlas_hub.services import chat_arrivals, chat_consents
from atlas_hub.services.chat_arrivals import Arrived, CameToNothing
from atlas_hub.services.chat_consents import Wanted
from atlas_hub.services.chat_words import Unusable

MODES: Final = ("connect", "link_user")
CONNECTION_MODES: Final = ("subscriber", "shared")
SCOPES: Final = 50
SCOPE_LENGTH: Final = 100
REPLAY_SECONDS: Final = 300
"""As long as the address that is answered is good for."""
HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex",
}
_PARAMS: Final = frozenset({"code", "state", "error", "error_description", "tenant", "admin_consent"})
_LONGEST: Final = 4096


async def chat(call: ChatCall) -> dict[str, str]:
    """An address for either mode; deprecated, the two others say it by their path. Raises `Refused` 400, 404, 422."""
    fields = Fields(await call.json())
    person = fields.one_of("mode", MODES) == "link_user"
    return await _address(call, fields, _wanted(fields, person=person))


async def connect(call: ChatCall) -> dict[str, str]:
    """An address to connect an account. Raises `Refused` 400, 404, 422."""
    fields = Fields(await call.json())
    return await _address(call, fields, _wanted(fields, person=False))


async def link_user(call: ChatCall) -> dict[str, str]:
    """An address that tells who a subscriber is. Raises `Refused` 400, 404, 422."""
    fields = Fields(await call.json())
    fields.text("subscriberId", required=True, most=SUBSCRIBER_LENGTH)
    return await _address(call, fields, _wanted(fields, person=True))


def _wanted(fields: Fields, *, person: bool) -> Wanted:
    mode = fields.one_of("connectionMode", CONNECTION_MODES)
    wanted = Wanted(
        integration=fields.text("integrationIdentifier", required=True),
        subscriber=fields.text("subscriberId", most=SUBSCRIBER_LENGTH),
        connection=fields.identifier("connectionIdentifier"),
        context=fields.raw("context"),
        context_hash=fields.text("contextHash"),
        scopes=_scopes(fields, "scope"),
        person_scopes=_scopes(fields, "userScope"),
        person=person,
        shared=mode == "shared" and not person,
        links=fields.flag("autoLinkUser") and not person,
    )
    if mode == "subscriber" and not wanted.subscriber:
        fields.checked()
        raise bad_request('subscriberId is required when connectionMode is "subscriber"')
    return wanted


def _scopes(fields: Fields, name: str) -> tuple[str, ...]:
    given = fields.raw(name)
    if given is None:
        return ()
    fine = isinstance(given, list) and len(given) <= SCOPES and all(_is_scope(each) for each in given)
    if not fine:
        fields.fault(name, f"each value in {name} must be a string")
        return ()
    return tuple(given)


def _is_scope(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= SCOPE_LENGTH and value.isprintable() and "," not in value


async def _address(call: ChatCall, fields: Fields, wanted: Wanted) -> dict[str, str]:
    fields.checked()
    try:
        return {"url": await chat_consents.begin(call.hub, call.actor, call.key, wanted)}
    except Unusable as error:
        raise bad_request(error.text) from None


async def callback(call: ChatCall) -> Response:
    """Where a vendor sends the subscriber's browser: on to the application, or a page that says what was linked."""
    query = call.request.query_params
    params = {name: query[name] for name in _PARAMS if len(query.getlist(name)) == 1 and len(query[name]) <= _LONGEST}
    try:
        arrived = await chat_arrivals.finish(call.hub, params)
    except CameToNothing as error:
        return _refused(call.request, error)
    if arrived.address:
        return RedirectResponse(arrived.address, HTTPStatus.FOUND, HEADERS)
    return HTMLResponse(consent_page("Connection complete", _said(arrived)), headers=HEADERS)


def _said(arrived: Arrived) -> str:
    return f"You're all set: {arrived.provider} is linked as {arrived.account}. You can close this tab."


def _refused(request: Request, error: CameToNothing) -> Response:
    """A page for people, the API's own words for programs."""
    if "text/html" in request.headers.get("accept", ""):
        said = f"{error.text}. Nothing was linked. Go back to where you came from and begin again."
        return HTMLResponse(consent_page("Not connected", said.replace("..", ".")), error.status, HEADERS)
    path = said_path(request.url.path, request.scope.get("query_string", b""))
    body = Refused(error.status, error.text).body(path, clock.now(), "")
    return Response(to_json(body), error.status, HEADERS, JSON)


def _asking(path: str, verb: Verb) -> Route:
    return Route("POST", path, verb, HTTPStatus.CREATED, replay_seconds=REPLAY_SECONDS, spent=chat_consents.is_spent)


ROUTES: Final[tuple[Route, ...]] = (
    _asking("/v1/integrations/chat/oauth", chat),
    _asking("/v1/integrations/channel-connections/oauth", connect),
    _asking("/v1/integrations/channel-endpoints/oauth", link_user),
    Route("GET", "/v1/integrations/chat/oauth/callback", callback, public=True),
)
