"""Where an invitation's link leads: make an account and join, or sign in and join."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas_hub.accounts import invites, pages, sessions
from atlas_hub.accounts.actors import SIGN_IN_PATH
from atlas_hub.accounts.answering import calm, sign_in_with, signed_in, to, with_form
from atlas_hub.accounts.intake import HOME, form_token, read_form
from atlas_hub.accounts.invites import Invitation
from atlas_hub.accounts.store import Visitor
from atlas_hub.hub import hub
from atlas_hub.kit.errors import BadForm, Conflict, NotFound
from atlas_hub.services.access import Role


@calm
async def joining(request: Request) -> Response:
    """GET shows what a valid link opens, POST joins."""
    the_hub = hub()
    token = request.path_params["token"]
    fields = await read_form(request, the_hub.settings) if request.method == "POST" else None
    invitation = await invites.opened(the_hub, token)
    if invitation is None:
        return _over()
    session = sessions.token_in(the_hub.settings, request.cookies)
    visitor = await sessions.visitor_of(the_hub, session)
    if visitor is not None and visitor.email != invitation.email:
        return _for_another(invitation, visitor)
    faults: dict[str, str] = {}
    alert = ""
    try:
        if fields is not None and visitor is not None and session is not None:
            await invites.accept(the_hub, token, visitor, session)
            return to(HOME)
        if fields is not None and "password" in fields:  # else it was the button of a session that ended
            made = await invites.join(the_hub, token, name=fields.get("name", ""), password=fields["password"])
            return await signed_in(request, the_hub, made, HOME)
    except NotFound:
        return _over()
    except BadForm as error:
        faults = error.fields
    except Conflict as error:
        alert = error.text
    form = form_token(request, the_hub.settings)
    told, path = _told(invitation), f"/join/{token}"
    if visitor is not None:
        answer = pages.join_here(path, form, told)
    else:
        answer = pages.join(
            path, sign_in_with(path), form, told, email=invitation.email, typed=fields or {}, faults=faults,
            alert=alert,
        )  # fmt: skip
    return with_form(answer, the_hub, form)


def _told(invitation: Invitation) -> str:
    if invitation.role is Role.MEMBER:
        return f"You are invited into the workspace {invitation.workspace_name}, as a member."
    return f"You are invited into the workspace {invitation.workspace_name}. You will be its {invitation.role.value}."


def _over() -> Response:
    text = f"{invites.OVER} Ask whoever invited you for a new one. If you have joined already, sign in."
    return pages.notice("This link does not work any more", text, status=410, link=(SIGN_IN_PATH, "Sign in"))


def _for_another(invitation: Invitation, visitor: Visitor) -> Response:
    text = (
        f"This invitation is for {invitation.email}, and you are signed in as {visitor.email}. To follow it, sign out "
        "and open the link again. Nothing was changed, and the link still works."
    )
    return pages.notice("This link is for somebody else", text, status=403, link=(HOME, "To the integrations"))


ROUTES = [Route("/join/{token}", joining, methods=["GET", "POST"])]
