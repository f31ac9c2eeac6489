"""Who visits a page of the settings: asked before the page is made, with what their form said."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from atlas_hub.accounts import sessions, settings_pages, workspaces
from atlas_hub.accounts.answering import SETTINGS, Endpoint, calm, to, to_sign_in, who, with_form
from atlas_hub.accounts.framing import LOADED_FOR, Frame
from atlas_hub.accounts.intake import form_token, read_form
from atlas_hub.accounts.pages import notice
from atlas_hub.accounts.store import Visitor
from atlas_hub.hub import Hub, hub
from atlas_hub.kit.errors import BadForm
from atlas_hub.services.access import Actor

WORKSPACES = f"{SETTINGS}/workspaces"

SAID = {
    "role": "The role was changed.",
    "remove": "The member was removed from this workspace.",
    "disable": "The member was disabled and signed out everywhere.",
    "enable": "The member can sign in again.",
    "sign-out": "The member was signed out everywhere.",
    "taken-back": "The invitation was taken back. Its link does not work any more.",
    "revoked": "The key was revoked. It is refused from now on.",
    "created": "The workspace was created, and it is the active one now.",
    "renamed": "The workspace was renamed.",
    "deleted": "The workspace was deleted, with everything in it.",
}


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request of somebody who is signed in, what its form said, and the frame of its page."""

    hub: Hub
    actor: Actor
    fields: dict[str, str]
    frame: Frame
    said: str
    is_post: bool
    path: dict[str, str]
    session: str

    @property
    def visitor(self) -> Visitor:
        """The actor, whatever the workspace."""
        return Visitor(id=self.actor.id, email=self.actor.name, name=self.actor.display)


Page = Callable[[Visit], Awaitable[Response]]


def entered(page: Page) -> Endpoint:
    """Ask who it is before a page of the settings, and prove a post to be our own form's."""

    @calm
    @functools.wraps(page)
    async def endpoint(request: Request) -> Response:
        the_hub = hub()
        is_post = request.method == "POST"
        fields = await read_form(request, the_hub.settings) if is_post else {}
        actor = await who(request)
        if actor is None:
            return await _elsewhere(request, the_hub, fields, is_post=is_post)
        if fields.pop(LOADED_FOR, actor.workspace) != actor.workspace:
            return _switched(actor)
        token = form_token(request, the_hub.settings)
        frame = Frame(
            name=actor.called,
            workspace=actor.workspace_name,
            form_token=token,
            is_admin=actor.may_change,
            workspace_id=actor.workspace,
        )
        said = SAID.get(request.query_params.get("done", ""), "")
        visit = Visit(
            hub=the_hub,
            actor=actor,
            fields=fields,
            frame=frame,
            said=said,
            is_post=is_post,
            path={name: str(value) for name, value in request.path_params.items()},
            session=sessions.token_in(the_hub.settings, request.cookies) or "",
        )
        return with_form(await page(visit), the_hub, token)

    return endpoint


def _switched(actor: Actor) -> Response:
    text = (
        f"This page was loaded for another workspace; {actor.workspace_name} is the active one by now. "
        "Nothing was changed. Look at the settings again, or switch back first."
    )
    return notice("You are in another workspace now", text, status=409, link=(SETTINGS, "Go to the settings"))


async def _elsewhere(request: Request, the_hub: Hub, fields: dict[str, str], *, is_post: bool) -> Response:
    """For nobody the sign-in; for somebody without a workspace the page that says so, where they can create one."""
    session = sessions.token_in(the_hub.settings, request.cookies)
    visitor = await sessions.visitor_of(the_hub, session)
    if visitor is None or session is None:
        return to_sign_in(SETTINGS if is_post else request.url.path)
    if request.url.path != WORKSPACES:
        return to(WORKSPACES)
    token = form_token(request, the_hub.settings)
    faults: dict[str, str] = {}
    if is_post:
        try:
            await workspaces.create_own(the_hub, visitor, session, fields.get("workspace", ""))
        except BadForm as error:
            faults = error.fields
        else:
            return to(f"{WORKSPACES}?done=created")
    frame = Frame(name=visitor.name or visitor.email, workspace="", form_token=token, is_admin=False)
    return with_form(settings_pages.nowhere(frame, typed=fields, faults=faults), the_hub, token)
