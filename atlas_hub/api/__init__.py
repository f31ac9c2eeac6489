"""The REST APIs, put in front of an ASGI app: what is under their prefixes is theirs, all else goes through."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from atlas_hub.api import admin, chat, connections, groups, oauth, operator, prometheus, unread
from atlas_hub.api.callers import Actors
from atlas_hub.api.traffic import TRAFFIC

Apis = tuple[tuple[str, ASGIApp], ...]


USUAL_ROUTE: Final = "/admin/integrations"


def transformer(actors_path: str, route: str | None = USUAL_ROUTE) -> Callable[[ASGIApp], ASGIApp]:
    """For `rx.App.api_transformer`. `actors_path` is the dotted path of the host's actors module, `route` the page's.

    Raises `ImportError` at once where there is no such module. Nothing is opened here.
    """
    return in_front_of(build(cast("Actors", import_module(actors_path)), route))


def build(actors: Actors, route: str | None = USUAL_ROUTE) -> Apis:
    """Every API and the prefix it answers under; one with several stands in the table once for each."""
    of_chat = chat.build()
    return (
        (admin.PREFIX, admin.build(actors)),
        (oauth.PREFIX, oauth.build(actors, route)),
        (connections.PREFIX, connections.build()),
        (groups.PREFIX, groups.build()),
        (prometheus.PREFIX, prometheus.build()),
        *((prefix, of_chat) for prefix in chat.PREFIXES),
    )


def prefixes() -> tuple[str, ...]:
    """What the APIs answer, for a server that passes it on."""
    return (admin.PREFIX, oauth.PREFIX, connections.PREFIX, groups.PREFIX, prometheus.PREFIX, *chat.PREFIXES)


def in_front_of(apis: Apis) -> Callable[[ASGIApp], ASGIApp]:
    """Wrap an app so that the APIs' prefixes are answered by them; websockets and the lifespan stay the app's."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def first_the_apis(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = app
            if scope["type"] == "http":
                path = operator.path_of(scope)
                for prefix, api in apis:
                    if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
                        chosen = api
                        break
            if chosen is not app:
                receive, send = unread.first(scope, receive, send)
            await TRAFFIC.through(chosen, scope, receive, send)

        return operator.answering()(first_the_apis)

    return wrap
