"""What surrounds every answer of the groups API: who asks by HTTP Digest, the order of checks, how it is written.

1. a database and an open vault: 503, as nobody can be known without
2. the proof: 401 with a challenge, the same for every reason, and nothing else of the request is looked at
3. whether the key is for this API: 401; its rate: 429
4. the path: 404; its method: 405
5. the group's form: 404; whether it is the key's: 404; whether the key may change anything: 401
6. the type: 400; the query: 400
7. the verb: media type 415, size 413, JSON and fields 400, then the store

A slash at the end of a path changes nothing, HEAD is GET without a body, and nobody is redirected.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from atlas_hub.api import digest as proof
from atlas_hub.api.envelope import JSON, Sender, raw_path_of, segments_of
from atlas_hub.api.groups_errors import (
    UNEXPECTED,
    UNKNOWN,
    Refused,
    bad_request,
    may_not,
    no_group,
    not_found,
    refused_of,
)
from atlas_hub.api.groups_fields import Asked, asked, flags
from atlas_hub.hub import Hub
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import clock, logs, metrics
from atlas_hub.kit.errors import Forbidden, TooManyRequests
from atlas_hub.services import digest
from atlas_hub.services.access import Actor
from atlas_hub.services.configurations import Kind, kinds
from atlas_hub.services.wire_types import ORDER

API: Final = "groups"
PREFIX: Final = "/api/atlas/v1.0"
ONE: Final = f"{PREFIX}/groups/{{groupId}}/integrations/{{integrationType}}"
ALL: Final = f"{PREFIX}/groups/{{groupId}}/integrations"
DOCUMENT: Final = f"{PREFIX}/openapi.json"
READING: Final = frozenset({"GET", "HEAD"})
MINUTE: Final = 60

_GROUP = re.compile(r"[a-f0-9]{24}")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was admitted. `kind` is the type of its path, where it has one."""

    hub: Hub
    actor: Actor
    request: Request
    asked: Asked
    kind: Kind | None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A page of the list, after `path` was called; `total` is of all pages."""

    path: str
    results: list[dict[str, Any]]
    total: int


Verb = Callable[[Call], Awaitable["Listing | dict[str, Any] | None"]]
"""What answers a call: a list, one object, or nothing (204)."""
Routes = Mapping[str, Mapping[str, Verb]]
"""`ALL` and `ONE`, by method."""


@dataclass
class _Found:
    """What is known of a request by now, for whoever must tell of an error."""

    route: str = "(none)"
    group: str = ""
    kind: Kind | None = None


class Frame:
    """The groups API as an ASGI app: `routes`, the description, and what is the same for all."""

    def __init__(self, routes: Routes, document: Callable[[str], bytes]) -> None:
        self._routes = routes
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with logs.request() as request_id:
            began = clock.monotonic()
            sender = Sender(send, request_id, head=scope["method"] == "HEAD")
            found = _Found()
            try:
                answer = await self._answered(Request(scope, receive), found, request_id)
                await answer(scope, receive, sender)
            finally:
                seconds = clock.monotonic() - began
                metrics.answered(found.route, scope["method"], sender.status, seconds)
                logs.answered(found.route, scope["method"], sender.status, seconds)

    async def _answered(self, request: Request, found: _Found, request_id: str) -> Response:
        segments = segments_of(request.scope)
        path = "/" + "/".join(segments)
        if path == DOCUMENT and request.method in READING:
            found.route = DOCUMENT
            return Response(self._document(request.scope.get("root_path", "") + PREFIX), media_type=JSON)
        try:
            hub = the_hub()
            actor = await self._admitted(hub, request)
            if isinstance(actor, Response):
                return actor
            call, verb = self._placed(hub, actor, request, found, segments[len(PREFIX.split("/")) - 1 :])
            return written(await verb(call), call)
        except Exception as error:  # noqa: BLE001  # the last line before the wire
            told = refused_of(error, request_id, found.group, found.kind)
            return _told(told, flags(request.scope.get("query_string", b"")))

    async def _admitted(self, hub: Hub, request: Request) -> Actor | Response:
        """Who calls, or the challenge. Raises `Refused` 401, 429, and what the database and the vault raise."""
        hub.vault.require_open()
        _ = hub.db  # says so where there is none
        found, stale = await _known(hub, request)
        if found is None:
            return _challenge(hub, stale=stale)
        try:
            actor = await digest.actor(hub, found, API)
        except Forbidden as error:
            raise may_not(error.text) from None
        times = hub.settings.api_rate_limit_rpm
        text = f"More than {times} requests came within a minute. Wait, then go on."
        try:
            await hub.limits.hit(API, actor.id, times=times, seconds=MINUTE, text=text)
        except TooManyRequests as error:
            wait = {"Retry-After": str(error.retry_after)}
            told = [PREFIX, str(times), "1"]
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "RATE_LIMITED", error.text, told, wait) from None
        return actor

    def _placed(
        self, hub: Hub, actor: Actor, request: Request, found: _Found, parts: tuple[str, ...]
    ) -> tuple[Call, Verb]:
        """What the request is about and what answers it. Raises `Refused` in the order of the module's list."""
        shape = {3: ALL, 4: ONE}.get(len(parts))
        if shape is None or parts[0] != "groups" or parts[2] != "integrations" or "" in parts:
            path = raw_path_of(request.scope)
            text = f"There is nothing at {path[:200]}. The paths are in {DOCUMENT}."
            raise not_found("RESOURCE_NOT_FOUND", text, path)
        found.route = shape
        method = "GET" if request.method == "HEAD" else request.method
        verb = self._routes[shape].get(method)
        if verb is None:
            raise _not_allowed(request.method, self._routes[shape])
        found.group = group = unquote(parts[1])
        if _GROUP.fullmatch(group) is None:
            text = f"{group[:80]} is no group id: 24 of 0 to 9 and a to f. Send the id of the key's workspace."
            raise not_found("INVALID_GROUP_ID", text, group)
        if group != actor.workspace:
            raise no_group(group)
        if request.method not in READING and not actor.may_change:
            raise may_not("This key may only read. Make one with the role admin to change anything.")
        found.kind = _kind(unquote(parts[3])) if shape == ONE else None
        lists = shape == ALL or method in {"POST", "PUT"}
        question = asked(request.scope.get("query_string", b""), lists=lists)
        return Call(hub=hub, actor=actor, request=request, asked=question, kind=found.kind), verb


async def _known(hub: Hub, request: Request) -> tuple[digest.Known | None, bool]:
    """The key whose holder asks, once it is proven; else None, and whether its nonce was good and has ended.

    What a claim says is looked at first, then key and nonce together, whether or not there is such a key.
    """
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    claim = proof.claim(given) if given else None
    if claim is None or not _names(claim.uri, request.scope):
        return None, False
    made = digest.made_at(hub, claim.nonce)
    if made is None:
        return None, False
    if not digest.is_fresh(hub, made):
        return None, True
    found = await digest.known(hub, claim.username, claim.nonce)
    proven = proof.proves(claim, request.method, found.secret)
    if not (proven and found.is_somebody):
        return None, False
    return found if await digest.count(hub, claim.nonce, made, claim.count, found.counts) else None, False


def _names(uri: str, scope: Scope) -> bool:
    """Whether a signed uri is the request's target as it was sent, the query included (RFC 7616 §3.4.6).

    In absolute form, too, which clients sign that ask through a proxy; a `?` with nothing behind it may be there.
    """
    path, query = raw_path_of(scope), scope.get("query_string", b"").decode("latin-1")
    origin = _ORIGIN.match(uri)
    said = uri[origin.end() :] if origin else uri
    return said == f"{path}?{query}" or (not query and said == path)


def _challenge(hub: Hub, *, stale: bool) -> Response:
    answer = Response(UNKNOWN, status_code=HTTPStatus.UNAUTHORIZED, media_type=JSON)
    answer.headers["X-Error-Code"] = UNEXPECTED
    for value in proof.challenges(digest.new_nonce(hub), stale=stale):
        answer.headers.append("WWW-Authenticate", value)
    return answer


def _kind(name: str) -> Kind:
    kind = kinds().get(name)
    if kind is None and name == "HIP_CHAT":
        raise bad_request("HIPCHAT_NOT_SUPPORTED", "HipChat has ended. Choose another type.")
    if kind is None:
        known = ", ".join(ORDER)
        raise bad_request("INVALID_ENUM_VALUE", f"{name[:80]} is no integration type. The types are {known}.", name)
    return kind


def _not_allowed(method: str, known: Mapping[str, Verb]) -> Refused:
    allowed = ", ".join(sorted({*known, "HEAD"} if "GET" in known else known))
    text = f"This path understands {allowed} alone."
    return Refused(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text, [method], {"Allow": allowed})


def written(said: Listing | dict[str, Any] | None, call: Call) -> Response:
    """The answer of a verb, wrapped and indented as it was asked for."""
    if said is None:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if isinstance(said, Listing):
        body = _listed(said, call)
        body |= {"status": int(HTTPStatus.OK)} if call.asked.envelope else {}
    else:
        body = {"content": said, "status": int(HTTPStatus.OK)} if call.asked.envelope else said
    return _json(body, HTTPStatus.OK, call.asked)


def _listed(said: Listing, call: Call) -> dict[str, Any]:
    question = call.asked
    base = call.hub.settings.address + PREFIX + f"/groups/{call.actor.workspace}/integrations"

    def link(rel: str, path: str, page: int, carried: str) -> dict[str, str]:
        return {"href": f"{base}{path}?pageNum={page}&itemsPerPage={question.items}{carried}", "rel": rel}

    links = [link("self", said.path, question.page, "")]
    # Only the whole list has pages: a type's own path answers with one object.
    if question.page > 1:
        links.append(link("previous", "", question.page - 1, question.carried))
    if question.page * question.items < said.total:
        links.append(link("next", "", question.page + 1, question.carried))
    body: dict[str, Any] = {"links": links, "results": said.results}
    return {**body, "totalCount": said.total} if question.count else body


def _told(refused: Refused, question: Asked) -> Response:
    body = {**refused.body(), "status": refused.status} if question.envelope else refused.body()
    answer = _json(body, refused.status, question)
    answer.headers.update(refused.headers)
    return answer


def _json(body: Mapping[str, Any], status: int, question: Asked) -> Response:
    return Response(to_json(body, indent=2 if question.pretty else None), status_code=status, media_type=JSON)
