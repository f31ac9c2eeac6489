"""What the operator's tools ask a worker: whether it lives, whether it is ready, and its figures.

In every app under `/_atlas_hub`, so that no host's route is in the way; at the stand-alone app's root as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from atlas_hub.api.envelope import answer
from atlas_hub.api.traffic import TRAFFIC
from atlas_hub.hub import hub
from atlas_hub.kit import logs, metrics
from atlas_hub.kit.errors import NotAvailable
from atlas_hub.kit.secret import Secret
from atlas_hub.services import operating

PREFIX = "/_atlas_hub"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def healthz(request: Request) -> Response:  # noqa: ARG001  # as its fellows
    """The process is alive; nothing else is asked."""
    return answer({"status": "ok"}, headers=HEADERS)


async def readyz(request: Request) -> Response:  # noqa: ARG001  # as its fellows
    """Whether requests may be sent here: 200 or 503, with what is wrong."""
    if TRAFFIC.stopping:
        return _unready({"hub": "stopping"})
    try:
        checks = await operating.readiness(hub())
    except NotAvailable:
        return _unready({"hub": "not open"})
    if any(said != operating.OK for said in checks.values()):
        return _unready({"hub": operating.OK, **checks})
    return answer({"status": "ready"}, headers=HEADERS)


def _unready(checks: dict[str, str]) -> Response:
    return answer({"status": "not ready", "checks": checks}, HTTPStatus.SERVICE_UNAVAILABLE, HEADERS)


async def figures(request: Request) -> Response:
    """The figures, for whoever has the token: 404 where none is set, 401 for another one."""
    try:
        the_hub = hub()
    except NotAvailable:
        return _unready({"hub": "not open"})
    token = the_hub.settings.metrics_token
    if token is None:
        return Response(status_code=HTTPStatus.NOT_FOUND, headers=HEADERS)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or Secret(given.strip()) != token:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={**HEADERS, "WWW-Authenticate": "Bearer"})
    text = metrics.text(await operating.gauges(the_hub))
    return Response(text, headers={**HEADERS, "Content-Type": metrics.CONTENT_TYPE})


ANSWERS: dict[str, Callable[[Request], Awaitable[Response]]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": figures,
}


def answering(prefix: str = PREFIX) -> Callable[[ASGIApp], ASGIApp]:
    """Put these addresses under a prefix in front of an app; everything else goes through."""
    paths = {prefix + path: ask for path, ask in ANSWERS.items()}

    def wrap(app: ASGIApp) -> ASGIApp:
        async def first_the_operator(scope: Scope, receive: Receive, send: Send) -> None:
            ask = paths.get(path_of(scope)) if scope["type"] == "http" else None
            if ask is None:
                await app(scope, receive, send)
                return
            with logs.request() as request_id:  # and no line in the log, which probes would fill
                if scope["method"] in {"GET", "HEAD"}:
                    said = await ask(Request(scope))
                else:
                    said = Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
                said.headers["X-Request-Id"] = request_id
                await said(scope, receive, send)

        return first_the_operator

    return wrap


def path_of(scope: Scope) -> str:
    """The path without the root that an app is mounted at."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path
