"""What surrounds every answer of an API: request id, headers, error bodies, and how much of a request is read."""

from __future__ import annotations

import json
import logging
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atlas_hub.api.errors import FAILED, Refusal, bad_request, refusal_of
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.hub import hub as the_hub
from atlas_hub.kit import clock, logs, metrics
from atlas_hub.kit.errors import HubError, NotAvailable, NotFound
from atlas_hub.services.access import Actor

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
JSON = "application/json"
HUB, ACTOR, REQUEST_ID = "atlas_hub.hub", "atlas_hub.actor", "atlas_hub.request_id"
"""Where the envelope leaves what it learned, in the ASGI scope."""

Admit = Callable[[Hub, Request, str], Awaitable[Actor]]


@dataclass(frozen=True)
class Call:
    """A request that was admitted."""

    hub: Hub
    actor: Actor
    request: Request


Verb = Callable[[Call], Awaitable[dict[str, Any] | Response]]
"""What answers a call: what is written as JSON, or an answer of its own."""


def answer(body: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, written once: nothing is validated or copied on its way out."""
    return Response(to_json(body), status_code=status, media_type=JSON, headers=headers)


def told(error: Exception, request_id: str) -> Response:
    """The answer to anything that was raised. What nobody expected is logged once, and not described."""
    if isinstance(error, HubError):
        error = refusal_of(error)
    if isinstance(error, ClientDisconnect):
        error = bad_request("The request ended before all of it had come.")
    if isinstance(error, Unreachable):
        log.error("Request %s: the database did not answer.", request_id, exc_info=error)
        error = Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The database does not answer. Try again in a moment."
        )
    if not isinstance(error, Refusal):
        log.error("Request %s failed.", request_id, exc_info=error)
        error = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAILED)
    return answer(error.body(request_id), error.status, error.headers)


class Envelope:
    """The one ASGI middleware of an API: admits the caller, then lets the app answer.

    `methods` are the app's paths and what each understands; `public` paths need no caller. The caller comes first,
    whether or not there is such a path; a slash at the end of a path changes nothing; HEAD is GET without a body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        prefix: str,
        methods: Mapping[str, frozenset[str]],
        public: frozenset[str],
        admit: Admit,
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._allow = {path: _allowed(known) for path, known in methods.items()}
        self._public = public
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with logs.request() as request_id:
            began = clock.monotonic()
            envelope = Sender(send, request_id, head=scope["method"] == "HEAD")
            try:
                await self._answered(scope, receive, envelope, request_id)
            finally:
                self._note(scope, envelope.status, clock.monotonic() - began)

    async def _answered(self, scope: Scope, receive: Receive, envelope: Sender, request_id: str) -> None:
        try:
            inner = self._inner(scope)
            inner[REQUEST_ID] = request_id
            path = inner["path"][len(inner["root_path"]) :]
            if path not in self._public:
                inner[HUB] = open_hub = _running()
                inner[ACTOR] = await self._admit(open_hub, Request(scope), request_id)
            self._find(path, scope["method"])
            await self._app(inner, receive, envelope)
        except Exception as error:
            if envelope.started:
                raise
            await told(error, request_id)(scope, receive, envelope)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request and write its line: the route is ours or `(none)`, never what somebody typed."""
        inner = self._inner(scope)
        path = inner["path"][len(inner["root_path"]) :]
        route = self._prefix + path if path in self._allow else "(none)"
        metrics.answered(route, scope["method"], status, seconds)
        logs.answered(route, scope["method"], status, seconds)

    def _inner(self, scope: Scope) -> Scope:
        root = scope.get("root_path", "") + self._prefix
        path = scope["path"] if scope["path"].startswith(root) else scope.get("root_path", "") + scope["path"]
        if len(path) > len(root) + 1 and path.endswith("/"):
            path = path[:-1]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return {**scope, "root_path": root, "path": path, "method": method}

    def _find(self, path: str, method: str) -> None:
        allowed = self._allow.get(path)
        if allowed is None:
            raise NotFound("There is nothing at this path. The paths are in openapi.json.")
        if method not in allowed:
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not understand this method. The Allow header names those that it does.",
                headers={"Allow": ", ".join(allowed)},
            )


def _allowed(methods: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _running() -> Hub:
    try:
        return the_hub()
    except NotAvailable as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", error.text) from None


class Sender:
    """Adds the headers of every answer; drops the body for HEAD. `status` is what was sent, 0 before that."""

    __slots__ = ("_head", "_headers", "_send", "started", "status")

    def __init__(self, send: Send, request_id: str, *, head: bool) -> None:
        self._send = send
        self._head = head
        self._headers = (
            (b"x-request-id", request_id.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        )
        self.started = False
        self.status = 0  # nobody was answered: the caller has gone

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        elif self._head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


async def json_of(request: Request) -> tuple[bytes, Any]:
    """The request's body, as it came and as JSON. Raises `Refusal` 415, 413 or 400, in this order.

    At most `BODY_BYTES` are kept, whatever Content-Length says or does not say.
    """
    require_json(request)
    raw = await body_of(request)
    return raw, parsed(request, raw)


def parsed(request: Request, raw: bytes) -> Any:
    """A body that was read, as JSON in which no object says a name twice. Raises `Refusal` 415 or 400."""
    require_json(request)
    try:
        from_json(raw, allow_inf_nan=False)  # refuses NaN, half characters, and what is too deep for what follows
        return json.loads(raw, object_pairs_hook=_once)
    except ValueError:
        if raw.startswith(BOM_UTF8):  # as some editors and shells put before what they save
            raise bad_request("The body begins with a byte order mark. Send it without one.") from None
        raise bad_request("The body is not valid JSON. Send one JSON object, in UTF-8.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise bad_request(f"The body says {twice[:80]} twice. Say it once.")
    return told


def require_json(request: Request) -> None:
    """Raises `Refusal` 415 for a body that says it is no JSON, or compressed."""
    kinds = request.headers.getlist("content-type")
    if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != JSON:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            f"The body must be JSON. Send it with 'Content-Type: {JSON}'.",
        )
    codings = {
        coding.strip().lower() for value in request.headers.getlist("content-encoding") for coding in value.split(",")
    }
    if codings - {"", "identity"}:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must not be compressed. Send it as it is, without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},  # RFC 9110 §12.5.3
        )


async def body_of(request: Request, most: int = BODY_BYTES) -> bytes:
    """The body, of which at most `most` bytes are read. Raises `Refusal` 413."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:9]) > most:
        raise _too_large(most)
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > most:
            raise _too_large(most)
    return bytes(raw)


def raw_path_of(scope: Scope) -> str:
    """The path as it was sent, nothing in it decoded, without its query."""
    raw = scope.get("raw_path")
    return raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])


def segments_of(scope: Scope) -> tuple[str, ...]:
    """The parts of the path as they were sent, so that an encoded slash is part of one; without the app's root."""
    root, path = scope.get("root_path", ""), raw_path_of(scope)
    if root and scope["path"].startswith(root):
        path = path.removeprefix(quote(root))
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    return tuple(path[1:].split("/"))


def _too_large(most: int) -> Refusal:
    # The rest of the body is not read, so the connection cannot be used again.
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "payload_too_large",
        f"The body is larger than {most // 1024} KiB. Send less.",
        headers={"Connection": "close"},
    )
