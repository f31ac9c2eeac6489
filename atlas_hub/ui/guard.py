"""Who may raise a page event: any websocket client may call any handler, so each one asks here, every time."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit import logs
from atlas_hub.kit.errors import HubError
from atlas_hub.services.access import ADMINS_ALONE, Actor
from atlas_hub.ui import words

log = logging.getLogger(__name__)

MARK: Final = "__atlas_hub_guarded__"
"""The attribute that every guarded handler carries; a test fails on a handler of ours without it."""

Handler = Callable[..., Awaitable[Any]]
Blank = Callable[[Any], Awaitable[None]]

NOBODY = "Nobody is signed in here. Sign in, then load this page again."
OTHER_WORKSPACE = "This page was loaded for another workspace. It is being loaded again."
UNCHECKED = (
    "Your sign-in could not be checked, so nothing was done. Retry in a moment; if it stays so, "
    "give reference {mark} to whoever runs the hub."
)

_configured: dict[str, str] = {}
_blanks: list[Blank] = []


def use_actors(dotted_path: str) -> None:
    """Name the module that knows who is asking. It is imported at the first event, not here."""
    _configured["actors"] = dotted_path


async def actor_of(state: Any) -> Actor | None:
    """The actor of a state's browser, looked up anew. Raises what the host's check raises."""
    found: Actor | None = await import_module(_configured["actors"]).actor_of_state(state)
    return found


def admin_only(handler: Handler) -> Handler:
    """Let owners and admins through, as the argument `actor`. Under `@rx.event`."""
    return _guarded(handler, "admin")


def signed_in(handler: Handler) -> Handler:
    """Let anyone of the workspace through, as the argument `actor`. Under `@rx.event`."""
    return _guarded(handler, "member")


def entering(handler: Handler) -> Handler:
    """Let anyone signed in through, whatever the tab was loaded for: for the events that load it."""
    return _guarded(handler, "load")


def _guarded(handler: Handler, level: str) -> Handler:
    """Wrap a handler whose second parameter is `actor`; Reflex sees it without that parameter."""
    signature = inspect.signature(handler)
    seen = [each for name, each in signature.parameters.items() if name != "actor"]

    @wraps(handler)
    async def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        mark = words.reference()
        logs.request_id.set(mark)  # an event has a task, and so a context, of its own
        try:
            actor = await actor_of(self)
        except Exception:
            log.exception("The check of who is asking failed, reference %s.", mark)
            return await _tell(self, trouble=UNCHECKED.format(mark=mark))
        if actor is None:
            if level == "load":
                await _blank(self)
                if not _sign_in_path():  # a reload would end here again, and again
                    return await _tell(self, trouble=NOBODY)
            return sign_in(self)
        try:
            refusal = await _refusal(self, actor, level)
            return refusal if refusal is not None else await handler(self, actor, *args, **kwargs)
        except HubError as error:
            return await _tell(self, notice=error.text)
        except Exception:
            log.exception("A page event failed, reference %s.", mark)
            told = {"trouble": words.unreadable(mark)} if level == "load" else {"notice": words.unexpected(mark)}
            return await _tell(self, **told)

    guarded.__signature__ = signature.replace(parameters=seen)  # type: ignore[attr-defined]  # read by inspect
    guarded.__annotations__ = {name: kind for name, kind in handler.__annotations__.items() if name != "actor"}
    setattr(guarded, MARK, level)
    return guarded


def when_left(blank: Blank) -> Blank:
    """Have `blank(state)` called when a tab loads without anyone signed in: what it showed before is taken away."""
    _blanks.append(blank)
    return blank


async def _blank(state: Any) -> None:
    async with state:
        for blank in _blanks:
            await blank(state)


async def _refusal(state: Any, actor: Actor, level: str) -> Any:
    """Why this actor may not, as what the browser is to do; None where they may."""
    await hub().limits.hit(
        "page load" if level == "load" else "page",
        actor.id,
        times=hub().settings.rate_limit_rpm,
        seconds=60,
        text="You did a great deal within a minute. Wait a little, then try again.",
    )
    if level == "load":
        return None
    async with state:
        tab = await state.get_state(Tab)
        loaded_for = tab._workspace  # noqa: SLF001  # a backend var of this module's own state
    if loaded_for != actor.workspace:
        await _tell(state, notice=OTHER_WORKSPACE)
        return rx.call_script("window.location.reload()")
    if level == "admin" and not actor.may_change:
        await _tell(state, notice=ADMINS_ALONE)
        return []
    return None


async def remember(state: Any, actor: Actor) -> bool:
    """Note for whom a tab was loaded, and take away what it was told before. In a foreground handler.

    True where it was loaded for another workspace, person or role before: the browser is to load the page anew.
    """
    tab = await state.get_state(Tab)
    moved = bool(tab._workspace) and not _is_for(tab, actor)  # noqa: SLF001  # as above
    if moved:
        for blank in _blanks:
            await blank(state)
    if not _is_for(tab, actor):
        tab._workspace, tab._reader = actor.workspace, _reader(actor)  # noqa: SLF001  # as above
    for name in ("notice", "trouble"):
        if getattr(tab, name):
            setattr(tab, name, "")
    return moved


async def still(state: Any, actor: Actor) -> bool:
    """Whether who asks is who asked, in the same workspace and role: for what goes on while they may leave."""
    try:
        now = await actor_of(state)
    except Exception:
        log.exception("The check of who is asking failed, so what was under way is not shown.")
        return False
    return now is not None and now.workspace == actor.workspace and _reader(now) == _reader(actor)


def _reader(actor: Actor) -> str:
    return f"{actor.id} {actor.role}"


def _is_for(tab: Any, actor: Actor) -> bool:
    return bool(tab._workspace == actor.workspace and tab._reader == _reader(actor))  # noqa: SLF001  # as above


async def _tell(state: Any, **told: str) -> None:
    async with state:
        tab = await state.get_state(Tab)
        for name, text in told.items():
            setattr(tab, name, text)


def sign_in(state: Any) -> Any:
    """Send the browser to the sign-in page, which knows the way back; a host without one gets a reload."""
    path = _sign_in_path()
    if not path:
        return rx.call_script("window.location.reload()")
    # A full navigation: the sign-in page is the server's, not React Router's.
    address = f"{path}?next={quote(state.router.url.path, safe='/')}"
    return rx.call_script(f"window.location.assign({json.dumps(address)})")


def _sign_in_path() -> str:
    return getattr(import_module(_configured["actors"]), "SIGN_IN_PATH", None) or ""


class Strangers(rx.Middleware):
    """Before Reflex tells a tab what it showed: takes that away unless the tab was loaded for who asks now.

    A tab's token stands in its socket's address, and so in the logs of proxies: knowing it must show nobody anything.
    """

    async def preprocess(self, app: Any, state: Any, event: Any) -> None:  # noqa: ARG002  # Reflex's
        """Blank the state before a hydration by anyone else; a check that raises blanks it, too."""
        if not event.name.endswith((".hydrate", ".hydrate_and_load")):
            return
        tab = await state.get_state(Tab)
        with suppress(Exception):
            actor = await actor_of(state)
            if actor is not None and _is_for(tab, actor):
                return
        for blank in _blanks:
            await blank(state)
        if tab._workspace:  # noqa: SLF001  # as above
            tab._workspace = tab._reader = ""  # noqa: SLF001  # as above


class Tab(rx.State):
    """What one tab was loaded for, and what it was told last."""

    notice: str = ""
    trouble: str = ""
    _workspace: str = ""
    _reader: str = ""

    @rx.event
    @signed_in
    async def dismiss(self, actor: Actor) -> None:  # noqa: ARG002  # every handler is told who asks
        """Take the notice away."""
        self.notice = ""
