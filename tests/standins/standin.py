"""What every stand-in vendor has: a base URL, a record of calls, the fault dial and its remote control."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.standins.dial import Dial, Fault, play
from tests.standins.serve import HOST, LoopThread, listen_http


@dataclass(frozen=True)
class Call:
    """One request as it came over the wire. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` where it is not."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as a form; {} where it is none."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


class Standin(ABC):
    """A vendor on loopback. Start it with `with`, or with `start` and `stop`.

    `upstream` is the NAME of ATLAS_UPSTREAM_NAME that `base` belongs into, `also` are others that it answers for.
    `tries`: words for a credential of the seed → the credential, for whoever tries the stand-ins by hand.
    `calls` are the requests so far, refused ones included; `followed` those that a redirect led to the wrong port.
    """

    upstream: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    tries: ClassVar[Mapping[str, str]] = {}
    error_inside: Mapping[str, Any] | None = None

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.dial = Dial(frozenset() if self.error_inside is not None else frozenset({Fault.OK_ERROR}))
        self.calls: list[Call] = []
        self.followed: list[Call] = []
        self.base = ""
        self.elsewhere = ""
        self._thread = LoopThread(f"standin-{self.upstream.lower()}")
        self.seed()

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The vendor's own paths."""

    @abstractmethod
    def seed(self) -> None:
        """Put the accounts and tokens in, replacing what a test changed."""

    @abstractmethod
    def refusal(self, status: int, retry_after: int | None, /) -> Mapping[str, Any]:
        """The vendor's JSON body for a status; `retry_after` in seconds where it is told."""

    @property
    def env(self) -> dict[str, str]:
        """The variables by which a hub finds it."""
        return {f"ATLAS_UPSTREAM_{name}": self.base for name in (self.upstream, *self.also)}

    def start(self) -> Self:
        """Listen. Raises an `OSError` where the fixed port is taken."""
        controls = [
            Route("/__dial", self._turn, methods=["POST"]),
            Route("/__calls", self._show, methods=["GET"]),
            Route("/__reset", self._clear, methods=["POST"]),
        ]
        self._app = Starlette(routes=[*controls, *self.routes()])
        own, other = self._thread.start(listen_http((self._answer, self.port), (self._lure, 0)))
        self.base, self.elsewhere = f"http://{HOST}:{own}", f"http://{HOST}:{other}"
        return self

    def stop(self) -> None:
        """Stop listening and release hung answers."""
        self._thread.stop()

    def reset(self) -> None:
        """Forget calls, faults and what a test changed, for stand-ins that outlive a test."""
        self.calls.clear()
        self.followed.clear()
        self.dial.set(Fault.OK)
        self.seed()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/__"):
            await self._app(scope, receive, send)
            return
        message = await receive()
        call = _call_of(scope, message["body"])
        self.calls.append(call)

        async def again() -> Any:
            return message

        rule = self.dial.take(call.path)
        if rule.fault is Fault.OK:
            await self._app(scope, again, send)
        else:
            await play(rule, self, send)

    async def _lure(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.followed.append(_call_of(scope, (await receive())["body"]))
        await JSONResponse({"ok": True})(scope, receive, send)

    async def _turn(self, request: Request) -> Response:
        try:
            given = await request.json()
            path, times, body = given.get("path"), given.get("times"), given.get("body")
            self.dial.set(Fault(given["fault"]), path, None if times is None else int(times), body)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            return JSONResponse({"error": f"{error}", "faults": [*Fault]}, status_code=400)
        return Response(status_code=204)

    async def _show(self, _request: Request) -> Response:
        calls, followed = (
            [{**asdict(call), "body": call.body.decode("utf-8", "replace")} for call in some]
            for some in (self.calls, self.followed)
        )
        return JSONResponse({"calls": calls, "followed": followed})

    async def _clear(self, _request: Request) -> Response:
        self.reset()
        return Response(status_code=204)


def _call_of(scope: Scope, body: bytes) -> Call:
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def parameters(request: Request, *, reads_json: bool = True) -> dict[str, Any]:
    """What the caller said: the query, then a form, or JSON where the vendor reads it there."""
    said: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        if reads_json:
            try:
                given = await request.json()
            except ValueError:
                given = None
            said |= given if isinstance(given, dict) else {}
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form() as form:
            said |= dict(form)
    return said
