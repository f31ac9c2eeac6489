"""What surrounds every answer of the connections API: who calls, how often, which route.

The order in which a request is judged:

1. `Authorization: Bearer <privateKey>`: 401; a key for other APIs, or a read-only one that would change: 403
2. its rate: 429 with `Retry-After`
3. path and method: 404, 405
4. content type 415, size 413, JSON 400, fields 422
5. the verb

Cookies tell nothing here. A slash at the end of a path changes nothing, HEAD is GET without a body.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from atlas_hub.api.callers import MINUTE, READING, bearer
from atlas_hub.api.connections_errors import PREFIX as ID_PREFIX
from atlas_hub.api.connections_errors import Refused, invalid, refused_of
from atlas_hub.api.envelope import JSON, Sender, body_of, parsed
from atlas_hub.hub import Hub
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import clock, logs, metrics
from atlas_hub.kit.errors import Forbidden, NotFound, Unauthenticated
from atlas_hub.services.access import Actor
from atlas_hub.services.api_keys import actor_of_key

API: Final = "connections"
PREFIX: Final = "/api/connections"
BODY_BYTES: Final = 1024 * 1024
"""A list of thousands of channels is longer than other APIs' bodies."""
_ID: Final = re.compile(ID_PREFIX + "([0-9a-f]{24})")
ID: Final = "{connection_id}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was admitted. `id` is the row's, "" where the path has none or one that no row can have."""

    hub: Hub
    actor: Actor
    request: Request
    id: str

    async def json(self) -> tuple[bytes, Any]:
        """The body as it came and as JSON. Raises `Refusal` 415, 413 or 400."""
        parsed(self.request, b"{}")  # its kind comes before its size
        raw = await body_of(self.request, BODY_BYTES)
        return raw, parsed(self.request, raw)

    def flag(self, name: str) -> bool:
        """The query's one parameter, `true` or `false` in any case. Raises `Refused` 422 for anything else."""
        unknown = sorted(set(self.request.query_params) - {name})
        if unknown:
            raise invalid({"query": f"There is no parameter here but {name}. Leave the others out."})
        # Python's `requests` writes True where others write true.
        given = [each.lower() for each in self.request.query_params.getlist(name)] or ["false"]
        if len(given) > 1 or given[0] not in {"true", "false"}:
            raise invalid({name: "This must be true or false. Send one of them, once."})
        return given[0] == "true"


Verb = Callable[[Call], Awaitable[tuple[int, Any] | Response]]
"""What answers a call: a status and what is written as JSON, or an answer of its own."""


class Frame:
    """The connections API as an ASGI app. `routes`: path after the prefix → method → what answers."""

    def __init__(self, routes: Mapping[str, Mapping[str, Verb]], public: Mapping[str, Callable[[str], bytes]]) -> None:
        self._routes = routes
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with logs.request() as request_id:
            began = clock.monotonic()
            sender = Sender(send, request_id, head=scope["method"] == "HEAD")
            root, path = _path(scope)
            template = self._template(path)
            try:
                answer = await self._answered(Request(scope, receive), root, path, request_id)
                await answer(scope, receive, sender)
            finally:
                seconds = clock.monotonic() - began
                named = PREFIX + template if template is not None else "(none)"
                metrics.answered(named, scope["method"], sender.status, seconds)
                logs.answered(named, scope["method"], sender.status, seconds)

    def _template(self, path: str) -> str | None:
        if path in self._routes or path in self._public:
            return path
        first, _, rest = path.removeprefix("/").partition("/")
        found = f"/{ID}/{rest}" if rest else f"/{ID}"
        return found if first and found in self._routes else None

    async def _answered(self, request: Request, root: str, path: str, request_id: str) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            if path in self._public:
                return self._described(path, method, root)
            hub = the_hub()
            actor = await admit(hub, request)
            template = self._template(path)
            if template is None:
                raise NotFound("There is nothing at this path. The paths are in openapi.json.")  # noqa: TRY301  # told below
            verb = self._routes[template].get(method)
            if verb is None:
                raise _not_allowed(self._routes[template])  # noqa: TRY301  # same
            found = _ID.fullmatch(path.split("/")[1]) if ID in template else None
            said = await verb(Call(hub=hub, actor=actor, request=request, id=found[1] if found else ""))
            return said if isinstance(said, Response) else written(*said)
        except Exception as error:  # noqa: BLE001  # the last line before the wire
            refused = refused_of(error, request_id)
            return written(refused.status, refused.body(request_id), refused.headers)

    def _described(self, path: str, method: str, root: str) -> Response:
        if method != "GET":
            raise _not_allowed({"GET": None})
        return Response(self._public[path](root), media_type=JSON)


def written(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, or nothing with 204."""
    if status == HTTPStatus.NO_CONTENT:
        return Response(status_code=status)
    return Response(to_json(body), status_code=status, media_type=JSON, headers=headers)


async def admit(hub: Hub, request: Request) -> Actor:
    """Who calls, once they may use this API, within the rate. Raises `Unauthenticated`, `Forbidden`, `TooManyRequests`
    and what `actor_of_key` raises.
    """
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not given:
        raise Unauthenticated("Send a key as 'Authorization: Bearer <privateKey>'.")
    actor = await actor_of_key(hub, bearer(given), API)
    if request.method not in READING and not actor.may_change:
        raise Forbidden("This API key may only read. Make one with the role admin to change anything.")
    times = hub.settings.api_rate_limit_rpm
    text = f"More than {times} requests came with this key within a minute. Wait, then go on."
    await hub.limits.hit(API, actor.id, times=times, seconds=MINUTE, text=text)
    return actor


def _not_allowed(methods: Mapping[str, Any]) -> Refused:
    allowed = sorted({*methods, "HEAD"} if "GET" in methods else methods)
    return Refused(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not understand this method. The Allow header names those that it does.",
        headers={"Allow": ", ".join(allowed)},
    )


def _path(scope: Scope) -> tuple[str, str]:
    """Where the hub is served, and the path after this API's prefix."""
    root = scope.get("root_path", "")
    path = scope["path"].removeprefix(root).removeprefix(PREFIX)
    return root, path.removesuffix("/")
