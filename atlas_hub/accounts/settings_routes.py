"""The settings' addresses: members, API keys, workspaces. Plain HTML and form posts, for whoever is signed in."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from atlas_hub.accounts import framing, invites, members, pages, settings_pages, workspaces
from atlas_hub.accounts.answering import SETTINGS, to
from atlas_hub.accounts.visiting import WORKSPACES, Visit, entered
from atlas_hub.kit.errors import BadForm, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys
from atlas_hub.services.access import Role, require_admin

MEMBERS, KEYS = f"{SETTINGS}/members", f"{SETTINGS}/keys"

ACTS = {
    "remove": (
        "Remove",
        "They lose this workspace at once; their account, too, if it was the only one. API keys they made stay.",
    ),
    "disable": ("Disable", "They cannot sign in until somebody enables them, and are signed out everywhere at once."),
    "enable": ("Enable", "They can sign in again, with the password that they have."),
    "sign-out": ("Sign out everywhere", "Every browser in which they are signed in is signed out at once."),
}


@entered
async def settings(visit: Visit) -> Response:
    """The first tab that the actor may see."""
    return to(MEMBERS if visit.actor.may_change else WORKSPACES)


@entered
async def members_page(visit: Visit) -> Response:
    """GET lists the members, POST invites one and shows the link."""
    faults: dict[str, str] = {}
    fields = visit.fields
    if visit.is_post:
        try:
            role = _role(fields.get("role", ""))
            email = fields.get("email", "")
            new = await invites.create(visit.hub, visit.actor, email=email, role=role, once=fields.get("once", ""))
        except BadForm as error:
            faults = error.fields
        else:
            return settings_pages.invited(visit.frame, new)
    listed = await members.listed(visit.hub, visit.actor)
    return settings_pages.members(
        visit.frame, visit.actor, listed, at=visit.hub.now(), once=new_id(), said=visit.said, typed=fields,
        faults=faults,
    )  # fmt: skip


@entered
async def member_page(visit: Visit) -> Response:
    """One member, and what can be done about them."""
    member = await members.member(visit.hub, visit.actor, visit.path["user_id"])
    return settings_pages.person(visit.frame, visit.actor, member, said=visit.said, faults={})


@entered
async def changing_role(visit: Visit) -> Response:
    """Give a member another role."""
    user_id = visit.path["user_id"]
    try:
        await members.change_role(visit.hub, visit.actor, user_id, _role(visit.fields.get("role", "")))
    except BadForm as error:
        member = await members.member(visit.hub, visit.actor, user_id)
        return settings_pages.person(visit.frame, visit.actor, member, said="", faults=error.fields)
    return to(f"{MEMBERS}?done=role")


@entered
async def acting(visit: Visit) -> Response:
    """GET asks whether to do something about a member, POST does it."""
    act, user_id = visit.path["act"], visit.path["user_id"]
    if act not in ACTS:
        raise NotFound("There is no such page in the settings.")
    if visit.is_post:
        if act == "remove":
            await members.remove(visit.hub, visit.actor, user_id)
        elif act == "sign-out":
            await members.sign_out(visit.hub, visit.actor, user_id)
        else:
            await members.set_disabled(visit.hub, visit.actor, user_id, disabled=act == "disable")
        return to(f"{MEMBERS}?done={act}")
    member = await members.member(visit.hub, visit.actor, user_id)
    members.require_may_give(visit.actor, member.role)
    if act == "enable":
        members.require_may_enable(member)
    does, text = ACTS[act]
    return framing.sure(
        visit.frame, "members", f"{does}: {member.email}", text, does=does, back=f"{MEMBERS}/{member.id}"
    )


@entered
async def taking_back(visit: Visit) -> Response:
    """GET asks whether to take an invitation back, POST does it."""
    if visit.is_post:
        await invites.revoke(visit.hub, visit.actor, visit.path["invite_id"])
        return to(f"{MEMBERS}?done=taken-back")
    invite = await invites.find(visit.hub, visit.actor, visit.path["invite_id"])
    text = f"The link that {invite.email} was given does not work any more then. They can be invited again."
    return framing.sure(visit.frame, "members", "Take the invitation back", text, does="Take back", back=MEMBERS)


@entered
async def keys_page(visit: Visit) -> Response:
    """GET lists the keys, POST makes one and shows it."""
    require_admin(visit.actor)
    faults: dict[str, str] = {}
    fields = visit.fields
    if visit.is_post:
        try:
            new = await _make_key(visit)
        except BadForm as error:
            faults = error.fields
        else:
            return settings_pages.new_key(visit.frame, new.view, new.private_key.reveal())
    views = await api_keys.listed(visit.hub, visit.actor.workspace)
    return settings_pages.keys(
        visit.frame, visit.actor, views, once=new_id(), said=visit.said, typed=fields if visit.is_post else None,
        faults=faults,
    )  # fmt: skip


async def _make_key(visit: Visit) -> api_keys.NewKey:
    fields = visit.fields
    apis = [api for api in api_keys.APIS if f"api_{api}" in fields]
    if not apis:
        raise BadForm({"apis": "The key is for no API. Tick at least one."})
    role = _role(fields.get("role", ""))
    return await api_keys.create(
        visit.hub, visit.actor, role=role, apis=apis, name=fields.get("name", ""), once=fields.get("once", "")
    )


@entered
async def revoking(visit: Visit) -> Response:
    """GET asks whether to revoke a key, POST does it."""
    require_admin(visit.actor)
    if visit.is_post:
        await api_keys.revoke(visit.hub, visit.actor, visit.path["key_id"])
        return to(f"{KEYS}?done=revoked")
    views = await api_keys.listed(visit.hub, visit.actor.workspace)
    view = next((each for each in views if each.id == visit.path["key_id"]), None)
    if view is None:
        raise NotFound("There is no such key in this workspace.")
    text = (
        f"Whoever calls with {view.name or view.public_key} is refused from then on. A revoked key cannot be brought "
        "back; make a new one."
    )
    return framing.sure(visit.frame, "keys", "Revoke the key", text, does="Revoke", back=KEYS)


@entered
async def workspaces_page(visit: Visit) -> Response:
    """GET lists the workspaces of the user, POST creates one."""
    faults: dict[str, str] = {}
    if visit.is_post:
        try:
            await workspaces.create_own(visit.hub, visit.visitor, visit.session, visit.fields.get("workspace", ""))
        except BadForm as error:
            faults = error.fields
        else:
            return to(f"{WORKSPACES}?done=created")
    return await _places(visit, visit.fields, faults)


@entered
async def renaming(visit: Visit) -> Response:
    """Give the workspace another name."""
    try:
        await workspaces.rename(visit.hub, visit.actor, visit.fields.get("name", ""))
    except BadForm as error:
        return await _places(visit, {**visit.fields, "act": "rename"}, {"name": error.text})
    return to(f"{WORKSPACES}?done=renamed")


@entered
async def deleting(visit: Visit) -> Response:
    """GET asks for the workspace's name, POST deletes it with everything in it."""
    workspaces.require_owner(visit.actor)
    faults: dict[str, str] = {}
    if visit.is_post:
        try:
            await workspaces.delete_own(visit.hub, visit.actor, visit.fields.get("workspace", ""))
        except BadForm as error:
            faults = error.fields
        else:
            return to(f"{WORKSPACES}?done=deleted")
    text = (
        "Everything in it goes for good: connections, credentials, keys, invitations, the audit log, and the accounts "
        f"of members who belong to no other workspace. Yours stays. Type {visit.actor.workspace_name} to confirm."
    )
    return framing.sure(
        visit.frame, "workspaces", f"Delete {visit.actor.workspace_name}", text, does="Delete for good",
        back=WORKSPACES, field=pages.field_of(settings_pages.CONFIRMED, "", faults), status=422 if faults else 200,
    )  # fmt: skip


async def _places(visit: Visit, typed: dict[str, str], faults: dict[str, str]) -> Response:
    seats = await workspaces.of(visit.hub, visit.actor.id)
    return settings_pages.places(visit.frame, visit.actor, seats, said=visit.said, typed=typed, faults=faults)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise BadForm({"role": "There is no such role. Choose one from the list."}) from None


BOTH = ["GET", "POST"]
ROUTES = [
    Route(SETTINGS, settings, methods=["GET"]),
    Route(MEMBERS, members_page, methods=BOTH),
    Route(MEMBERS + "/{user_id}", member_page, methods=["GET"]),
    Route(MEMBERS + "/{user_id}/role", changing_role, methods=["POST"]),
    Route(MEMBERS + "/{user_id}/{act}", acting, methods=BOTH),
    Route(SETTINGS + "/invites/{invite_id}/revoke", taking_back, methods=BOTH),
    Route(KEYS, keys_page, methods=BOTH),
    Route(KEYS + "/{key_id}/revoke", revoking, methods=BOTH),
    Route(WORKSPACES, workspaces_page, methods=BOTH),
    Route(WORKSPACES + "/rename", renaming, methods=["POST"]),
    Route(WORKSPACES + "/delete", deleting, methods=BOTH),
]
