"""What surrounds every answer of the chat API: who calls, how often, which route, whether it was asked before.

The order in which a request is judged:

1. the `Authorization: ApiKey …` header: 401; a key for other APIs, or a read-only one that would change: 403
2. its rate: 429 with `Retry-After` and `RateLimit-*`
3. path and method: 404, 405
4. size: 413; the `idempotency-key` of a POST or PATCH: 400, 409, 422, or the answer that was given before
5. content type 415, JSON 400, and the verb

Cookies tell nothing here. A slash at the end of a path changes nothing, HEAD is GET without a body, and nobody is
sent elsewhere: the clients would lose what they send.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from atlas_hub.api import chat_replays
from atlas_hub.api.chat_errors import Refused, bad_request, forbidden, not_found, refused_of, said_path
from atlas_hub.api.envelope import JSON, Sender, body_of, parsed, segments_of
from atlas_hub.hub import Hub
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import clock, logs, metrics
from atlas_hub.kit.errors import TooManyRequests, Unauthenticated
from atlas_hub.kit.secret import Secret
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.api_keys import actor_of_key

API: Final = "chat"
READING: Final = frozenset({"GET", "HEAD"})
WITH_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
MINUTE: Final = 60
DAY_SECONDS: Final = 86_400
KEY_LENGTH: Final = 512

NOBODY: Final = Actor(id="", name="", workspace="", role=Role.READ_ONLY)
"""Who calls a route that needs no key."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z-]{0,19}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class ChatCall:
    """A request that was admitted. `params` are the path's parameters, decoded once; `key` is the one that calls."""

    hub: Hub
    actor: Actor
    request: Request
    params: Mapping[str, str]
    key: Secret
    raw: bytes = field(default=b"", repr=False)

    async def json(self) -> dict[str, Any]:
        """The body's object; {} where there is none. Raises `Refused` or `Refusal` 415, 400."""
        if not self.raw.strip():
            return {}
        found = parsed(self.request, self.raw)
        if not isinstance(found, dict):
            raise bad_request("The body must be one JSON object.")
        if b"\\u0000" in self.raw:  # no text of the database can hold it
            raise bad_request("The body has a NUL character in a text. Leave it out.")
        return found


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a list: written whole, never inside `data`."""

    data: list[Any]
    next: str | None
    previous: str | None
    total: int
    capped: bool = False

    def body(self) -> dict[str, Any]:
        """The five keys that the clients want, all of them always."""
        return {
            "data": self.data,
            "next": self.next,
            "previous": self.previous,
            "totalCount": self.total,
            "totalCountCapped": self.capped,
        }


Verb = Callable[[ChatCall], Awaitable[Any]]
"""What answers a call: a value for `data`, a `Page`, or a `Response` of its own."""


@dataclass(frozen=True)
class Route:
    """A method and a path like `/v1/integrations/{integrationId}`: literal segments win over parameters.

    `status` 204 sends no body. `replays`: whether a POST or PATCH that was answered is answered the same for
    `replay_seconds`, where it comes again with its `idempotency-key`, unless that answer is `spent` by now. `public`:
    it needs no key, and has `NOBODY`.
    """

    method: str
    path: str
    verb: Verb
    status: int = HTTPStatus.OK
    replays: bool = True
    replay_seconds: int = DAY_SECONDS
    public: bool = False
    spent: Callable[[Hub, str], Awaitable[bool]] | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.strip("/").split("/"))


class Routes:
    """Every path, and what each understands."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            methods = self._paths.setdefault(route.segments, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is there twice.")
            methods[route.method] = route
        self._order = sorted(self._paths, key=lambda segments: [is_parameter(part) for part in segments])

    def find(self, segments: tuple[str, ...]) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The methods of the path with these parts, and its parameters; None where there is no such path."""
        for known in self._order:
            if len(known) == len(segments) and all(
                is_parameter(part) or part == given for part, given in zip(known, segments, strict=True)
            ):
                pairs = zip(known, segments, strict=True)
                params = {part[1:-1]: unquote(given) for part, given in pairs if is_parameter(part)}
                seen = all(value and _UNSEEN.search(value) is None for value in params.values())
                return (self._paths[known], params) if seen else None
        return None


def is_parameter(segment: str) -> bool:
    """Whether a part of a route's path stands for any text."""
    return segment.startswith("{")


class Frame:
    """The chat API as an ASGI app: `routes`, and what is the same for all of them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = Routes(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with logs.request() as request_id:
            began = clock.monotonic()
            sender = Sender(send, request_id, head=scope["method"] == "HEAD")
            found = self._routes.find(segments_of(scope))
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            route = found[0].get(method) if found else None
            try:
                answer = await self._answered(Request(scope, receive), found, route, request_id)
                await answer(scope, receive, sender)
            finally:
                template = next(iter(found[0].values())).path if found else "(none)"
                seconds = clock.monotonic() - began
                metrics.answered(template, scope["method"], sender.status, seconds)
                logs.answered(template, scope["method"], sender.status, seconds)

    async def _answered(
        self,
        request: Request,
        found: tuple[dict[str, Route], dict[str, str]] | None,
        route: Route | None,
        request_id: str,
    ) -> Response:
        path = said_path(request.scope["path"], request.scope.get("query_string", b""))
        try:
            hub = the_hub()
            actor, key = (NOBODY, "") if route is not None and route.public else await admit(hub, request)
            if found is None:
                raise not_found(f"Cannot {request.method} {path}")  # noqa: TRY301  # the table below says it
            if route is None:
                raise _not_allowed(found[0])  # noqa: TRY301  # same
            if "%00" in request.url.query:
                raise bad_request("The query has a NUL character. Leave it out.")  # noqa: TRY301  # same
            raw = await body_of(request) if request.method in WITH_A_BODY else b""
            call = ChatCall(hub=hub, actor=actor, request=request, params=found[1], key=Secret(key), raw=raw)
            return await chat_replays.answered(call, route, lambda: _verb(call, route, path, request_id))
        except Exception as error:  # noqa: BLE001  # the last line before the wire
            return told(error, path, request_id)


async def _verb(call: ChatCall, route: Route, path: str, request_id: str) -> Response:
    try:
        said = await route.verb(call)
        return said if isinstance(said, Response) else written(said, route.status)
    except Exception as error:  # noqa: BLE001  # the answer, which may be kept
        return told(error, path, request_id)


def written(said: Any, status: int) -> Response:
    """The answer of a verb: a page whole, anything else as `data`, nothing with 204."""
    if status == HTTPStatus.NO_CONTENT:
        return Response(status_code=status)
    body = said.body() if isinstance(said, Page) else {"data": said}
    return Response(to_json(body), status_code=status, media_type=JSON)


def told(error: Exception, path: str, request_id: str) -> Response:
    """The answer to anything that was raised."""
    refused = refused_of(error, request_id)
    body = refused.body(path, clock.now(), request_id)
    return Response(to_json(body), status_code=refused.status, media_type=JSON, headers=refused.headers)


def _not_allowed(methods: Mapping[str, Route]) -> Refused:
    allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
    return Refused(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"This path understands {', '.join(allowed)} alone.",
        headers={"Allow": ", ".join(allowed)},
    )


async def admit(hub: Hub, request: Request) -> tuple[Actor, str]:
    """Who calls and by which key, once they may use this API, within the rate.

    Raises `Refused` 401, 403, 429, and what `actor_of_key` raises.
    """
    key = api_key(request)
    try:
        actor = await actor_of_key(hub, key, API)
    except Unauthenticated:
        raise Refused(HTTPStatus.UNAUTHORIZED, "API Key not found") from None
    if request.method not in READING and not actor.may_change:
        raise forbidden("This API key may only read. Make one with the role admin to change anything.")
    await _within_the_rate(hub, actor)
    return actor, key


async def _within_the_rate(hub: Hub, actor: Actor) -> None:
    times = hub.settings.api_rate_limit_rpm
    try:
        await hub.limits.hit(API, actor.id, times=times, seconds=MINUTE, text="API rate limit exceeded")
    except TooManyRequests as error:
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            error.text,
            headers={
                "Retry-After": str(error.retry_after),
                "RateLimit-Limit": str(times),
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": str(error.retry_after),
                "RateLimit-Policy": f"{times};w={MINUTE}",
            },
        ) from None


def api_key(request: Request) -> str:
    """The private key of the one Authorization header. Raises `Refused` 401 with the clients' three sentences."""
    given = [value.strip() for value in request.headers.getlist("authorization")]
    if not any(given):
        raise Refused(HTTPStatus.UNAUTHORIZED, "Missing authorization header")
    scheme, _, key = given[0].partition(" ")
    if scheme != "ApiKey" or len(given) > 1:
        # A key that was sent without a scheme must not come back as one.
        told_scheme = scheme if key and _SCHEME.fullmatch(scheme) else ""
        raise Refused(HTTPStatus.UNAUTHORIZED, f'Invalid authentication scheme: "{told_scheme}"')
    if not 1 <= len(key.strip()) <= KEY_LENGTH:
        raise Refused(HTTPStatus.UNAUTHORIZED, "API Key not found")
    return key.strip()
