"""HubPlugin: the one line in a host's `rxconfig.py` that adds page, APIs and lifespan to its app."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.constants import Env
from reflex_base.environment import environment
from reflex_base.plugins.base import CommonContext, PostCompileContext, PreCompileContext, RegisterRouteContext
from typing_extensions import Unpack

from atlas_hub import settings as hub_settings
from atlas_hub.kit import redact

log = logging.getLogger(__name__)


class HubPlugin(rx.plugins.Plugin):
    """Atlas Hub inside a Reflex app.

    `route`: where the page is; None where the host places `atlas_hub.ui.panel()` in a page of its own.
    `actors`: the dotted path of a module with `actor_of_state(state)`, `actor_of_request(request)` and `SIGN_IN_PATH`,
    imported late because `rxconfig.py` is read by the command line too; its `PATHS`, where it has them, are backend
    paths that the development server passes on.
    `frame`: `module:function` that wraps the page's content in the host's own header, or None.
    `settings`: all of the hub's, as the stand-alone app gives them; None: what `settings_of_host` finds at the start.
    """

    def __init__(
        self,
        *,
        route: str | None = "/admin/integrations",
        actors: str,
        frame: str | None = None,
        settings: hub_settings.Settings | None = None,
    ) -> None:
        self.route = None if route is None else "/" + route.strip("/")
        self.actors = actors
        self.frame = frame
        self.settings = settings
        redact.install()  # before anything logs

    def get_static_assets(self, **context: Unpack[CommonContext]) -> Sequence[tuple[Path, str | bytes]]:  # noqa: ARG002  # Reflex's
        """The page's one stylesheet."""
        from atlas_hub.ui import theme

        return [theme.stylesheet()]

    def get_stylesheet_paths(self, **context: Unpack[CommonContext]) -> Sequence[str]:  # noqa: ARG002  # same
        """Where Reflex finds it."""
        from atlas_hub.ui import theme

        return [f"./{theme.stylesheet()[0].name}"]

    def register_route(self, **context: Unpack[RegisterRouteContext]) -> None:
        """Add the pages, each unless the host has one of its own there."""
        from atlas_hub.ui import activity, apps, doctor, guard, page, subscribers  # makes the states, before any page

        guard.use_actors(self.actors)
        if self.route is None:
            return
        frame = _named(self.frame) if self.frame else None
        # A path without a parameter goes before the one with it, whichever is added first.
        for route, module, load in (
            (f"{self.route}/[[provider]]", page, page.Page.load),
            (f"{self.route}/{activity.WORD}", activity, activity.Activity.load),
            (f"{self.route}/{doctor.WORD}", doctor, doctor.Doctor.load),
            (f"{self.route}/{apps.WORD}", apps, apps.Apps.load),
            (f"{self.route}/{subscribers.WORD}", subscribers, subscribers.Subscribers.load),
        ):
            if not context["has_app_page"](route) and not (module is page and context["has_app_page"](self.route)):
                context["add_page"](module.at(self.route, frame), route=route, title=module.TITLE, on_load=load)

    def pre_compile(self, **context: Unpack[PreCompileContext]) -> None:
        """In development the page has a server of its own: it passes our paths on to the backend."""
        if environment.REFLEX_ENV_MODE.get() is not Env.DEV:
            return
        from atlas_hub import api

        paths = (*api.prefixes(), *getattr(import_module(self.actors), "PATHS", ()))
        backend = f"http://localhost:{rx.config.get_config().backend_port}"
        proxy = f"server: {{\n    proxy: {json.dumps(dict.fromkeys(paths, backend))},"
        context["add_modify_task"]("vite.config.js", lambda code: code.replace("server: {", proxy, 1))

    def post_compile(self, **context: Unpack[PostCompileContext]) -> None:
        """Add the APIs and the lifespan. Runs before the server forks: nothing is opened here."""
        from atlas_hub import api
        from atlas_hub.ui import guard

        app = context["app"]
        app.add_middleware(guard.Strangers(), index=0)  # before Reflex answers a hydration
        before = app.api_transformer
        others = [] if before is None else list(before) if isinstance(before, Sequence) else [before]
        app.api_transformer = [*others, api.transformer(self.actors, self.route)]
        app.register_lifespan_task(self._running)

    @asynccontextmanager
    async def _running(self, app: rx.App) -> AsyncIterator[None]:
        """Open hub and engine for the life of this worker, with a task that carries changes to open tabs."""
        import asyncio

        from atlas_hub import engine, hub
        from atlas_hub.services import environment, jobs, uses
        from atlas_hub.ui import live

        redact.install()  # the server put its own log handlers up since
        settings = self.settings or settings_of_host()
        works = settings.worker is hub_settings.Worker.ON
        async with (
            hub.opened(settings) as the_hub,
            engine.opened(the_hub, jobs.JOBS, jobs.SWEEPS, works=works),
        ):
            proving = asyncio.create_task(environment.begin(the_hub), name="atlas_hub environment")
            writing = asyncio.create_task(uses.run(the_hub), name="atlas_hub credential use")
            following = asyncio.create_task(live.follow(app), name="atlas_hub live changes")
            try:
                yield
            finally:
                tasks = (following, proving, writing)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def settings_of_host() -> hub_settings.Settings:
    """The environment's settings but for HOST; where it names no database or Redis, the host's own of `rx.Config`."""
    # HOST may be about the host's server, or about something else altogether; the hub listens at no address here.
    found: dict[str, Any] = {"host": "127.0.0.1"}
    settings = hub_settings.load(**found)
    config = rx.config.get_config()
    if not settings.database_url and config.db_url:
        found["database_url"] = config.db_url
    if not settings.redis_url and config.redis_url:
        found["redis_url"] = config.redis_url
    return hub_settings.load(**found)


def settings_of_folder() -> hub_settings.Settings:
    """What the hub of the Reflex app in this folder runs with; the environment's settings where the app has none.

    Raises `BadForm`, and whatever its `rxconfig.py` raises.
    """
    config = rx.config.get_config()
    for plugin in config.plugins:
        if isinstance(plugin, HubPlugin):
            return plugin.settings or settings_of_host()
    return hub_settings.load()


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
