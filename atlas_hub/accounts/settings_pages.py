"""The pages of the settings: members, API keys, workspaces. Each is HTML for somebody who may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from starlette.responses import HTMLResponse

from atlas_hub.accounts import framing, pages, roster, store
from atlas_hub.accounts.framing import Frame
from atlas_hub.accounts.invites import NewInvite
from atlas_hub.accounts.members import Roster
from atlas_hub.accounts.pages import Input
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.api_keys import APIS, KeyView

ROLES = {
    Role.OWNER: "owner: everything",
    Role.ADMIN: "admin: connects and invites",
    Role.MEMBER: "member: sees, changes nothing",
}
KEY_ROLES = {
    Role.OWNER: "owner: as an owner",
    Role.ADMIN: "admin: reads and changes",
    Role.READ_ONLY: "read_only: reads, not the admin API",
}
EMAIL = Input(name="email", label="E-mail", type="email", autocomplete="off")
KEY_NAME = Input(name="name", label="Name", autocomplete="off", required=False, hint="Optional.", longest=120)
NAME = Input(name="workspace", label="Name", autocomplete="organization", longest=120)
NEW_NAME = Input(name="name", label="Name", autocomplete="off", longest=120)
CONFIRMED = Input(name="workspace", label="Name of the workspace", autocomplete="off", longest=120)


def may_give(actor: Actor, roles: Mapping[Role, str]) -> dict[str, str]:
    """The roles that the actor may give, with what they mean."""
    return {role.value: words for role, words in roles.items() if role is not Role.OWNER or actor.role is Role.OWNER}


def members(
    frame: Frame, actor: Actor, listed: Roster, *, at: datetime, once: str, said: str,
    typed: Mapping[str, str], faults: Mapping[str, str],
) -> HTMLResponse:  # fmt: skip
    """Who belongs to the workspace, who is invited, and the form to invite somebody."""
    rows = [_member(each, actor) for each in listed.members]
    invited = [
        (
            escape(each.email),
            escape(each.role),
            escape(each.invited_by),
            f"{'expired on' if each.expires_at <= at else 'until'} {framing.when(each.expires_at, '')}",
            framing.link(f"/settings/invites/{each.id}/revoke", "Take back", each.email)
            if _may_touch(actor, each.role)
            else "",
        )
        for each in listed.invites
    ]
    choice = framing.choice("role", "Role", may_give(actor, ROLES), typed.get("role", Role.MEMBER.value), faults)
    body = (
        framing.done(said)
        + framing.table("Members", ("Member", "Role", "Last seen", ""), rows)
        + "<h2>Invitations</h2>"
        + framing.table(
            "Invitations",
            ("E-mail", "Role", "Invited by", "Link", ""),
            invited,
            nothing="Nobody is invited at the moment.",
        )
        + "<h2>Invite somebody</h2>"
        + framing.box(
            frame,
            "/settings/members",
            f"{pages.field_of(EMAIL, typed.get('email', ''), faults)}{choice}"
            '<p class="hint">The hub sends no mail for this. It shows a link, which you pass on.</p>',
            "Make an invitation link",
            hidden={"once": once},
        )
    )
    return framing.framed(frame, "Members", "members", body, status=422 if faults else 200)


def invited(frame: Frame, new: NewInvite) -> HTMLResponse:
    """The link of an invitation, this once."""
    body = (
        f'<div class="box shown"><p>Pass this link on to <b>{escape(new.invite.email)}</b>. It makes them '
        f"{escape(new.invite.role)} of {escape(frame.workspace)}, works once, and until "
        f"{framing.when(new.invite.expires_at, '')}. It is shown this once.</p>"
        f"{framing.shown_once('link', 'Invitation link', new.link)}</div>"
        '<p class="row"><a class="button plain" href="/settings/members">Back to the members</a></p>'
    )
    return framing.framed(frame, "Invitation", "members", body)


def person(frame: Frame, actor: Actor, member: roster.Member, *, said: str, faults: Mapping[str, str]) -> HTMLResponse:
    """One member: their role, and what can be done about them."""
    path = f"/settings/members/{member.id}"
    able = {"enable": "Enable…"} if member.disabled else {"disable": "Disable…"}
    if member.disabled_by_operator:
        able = {}
    acts = {"sign-out": "Sign out everywhere…", **able, "remove": "Remove…"}
    if not _may_touch(actor, member.role):
        what = '<p class="soft">Only an owner may change or remove an owner.</p>'
    else:
        choice = framing.choice("role", "Role", may_give(actor, ROLES), member.role, faults)
        links = "".join(
            f'<a class="button {"plain" if act == "enable" else "danger"}" href="{path}/{act}">{escape(words)}</a>'
            for act, words in acts.items()
        )
        what = framing.box(frame, f"{path}/role", choice, "Change role") + f'<div class="row">{links}</div>'
    state = "Disabled: they cannot sign in. " if member.disabled else ""
    if member.disabled_by_operator:
        state = "Disabled by whoever runs the hub. Only they can enable them again. "
    seen = framing.when(member.seen_at, "not signed in")
    body = (
        framing.done(said)
        + f'<p>{escape(member.name)} <span class="soft">{escape(member.email)}</span><br>'
        + f"{state}Role: {escape(member.role)}. Last seen here: {seen}.</p>{what}"
        + '<p class="row"><a href="/settings/members">All members</a></p>'
    )
    return framing.framed(frame, member.name or member.email, "members", body, status=422 if faults else 200)


def keys(
    frame: Frame, actor: Actor, views: Sequence[KeyView], *, once: str, said: str,
    typed: Mapping[str, str] | None, faults: Mapping[str, str],
) -> HTMLResponse:  # fmt: skip
    """The keys of the workspace, and the form to make one."""
    ticks = "".join(
        f'<label class="tick"><input type="checkbox" name="api_{api}" value="on"'
        f"{' checked' if typed is None or f'api_{api}' in typed else ''}>{api}</label>"
        for api in APIS
    )
    fault = f'<p class="fault" role="alert">{escape(faults["apis"])}</p>' if "apis" in faults else ""
    chosen = typed or {}
    role = framing.choice("role", "Role", may_give(actor, KEY_ROLES), chosen.get("role", Role.ADMIN.value), faults)
    body = (
        framing.done(said)
        + framing.table(
            "API keys", ("Key", "Role", "APIs", "Made", "Last used", ""), [_key(each, actor) for each in views],
            nothing="There is no key yet.",
        )
        + "<h2>Make a key</h2>"
        + framing.box(
            frame,
            "/settings/keys",
            f"{pages.field_of(KEY_NAME, chosen.get('name', ''), faults)}{role}"
            f"<fieldset><legend>APIs it is for</legend>{ticks}{fault}</fieldset>",
            "Make a key",
            hidden={"once": once},
        )
    )  # fmt: skip
    return framing.framed(frame, "Keys", "keys", body, status=422 if faults else 200)


def new_key(frame: Frame, view: KeyView, private_key: str) -> HTMLResponse:
    """Both halves of a key that was just made, this once."""
    body = (
        f'<div class="box shown"><p>The private key is shown this once. Keep it where secrets are kept. '
        f"It is for: {escape(', '.join(view.apis))}; its role is {escape(view.role.value)}.</p>"
        f"{framing.shown_once('public', 'Public key', view.public_key)}"
        f"{framing.shown_once('private', 'Private key', private_key)}</div>"
        '<p class="row"><a class="button plain" href="/settings/keys">Back to the keys</a></p>'
    )
    return framing.framed(frame, "New key", "keys", body)


def places(
    frame: Frame, actor: Actor, seats: Sequence[tuple[store.Seat, bool]], *, said: str, faults: Mapping[str, str],
    typed: Mapping[str, str],
) -> HTMLResponse:  # fmt: skip
    """The workspaces of the user: which is active, the others to switch to; this one's name; one more."""
    rows = [
        (
            escape(seat.name) + (" <small>first workspace of the installation</small>" if first else ""),
            escape(seat.role),
            "active now"
            if seat.workspace == actor.workspace
            else framing.button(
                frame, "/workspace", f'Switch<span class="hidden"> to {escape(seat.name)}</span>', kind="plain",
                hidden={"workspace": seat.workspace, "next": "/settings/workspaces"},
            ),
        )
        for seat, first in seats
    ]  # fmt: skip
    own = faults if typed.get("act") == "rename" else {}
    body = framing.done(said) + framing.table("Workspaces", ("Workspace", "Your role", ""), rows)
    if actor.may_change:
        name = typed.get("name", "") if own else actor.workspace_name
        body += "<h2>This workspace</h2>"
        body += framing.box(frame, "/settings/workspaces/rename", pages.field_of(NEW_NAME, name, own), "Rename")
    if actor.role is Role.OWNER:
        body += (
            '<p class="row"><a class="button danger" href="/settings/workspaces/delete">Delete this workspace…</a></p>'
        )
    if any(Role(seat.role) is not Role.MEMBER for seat, _ in seats):
        body += _creation(frame, typed if not own else {}, faults if not own else {})
    return framing.framed(frame, "Workspaces", "workspaces", body, status=422 if faults else 200)


def nowhere(frame: Frame, *, typed: Mapping[str, str], faults: Mapping[str, str]) -> HTMLResponse:
    """For somebody who belongs to no workspace."""
    body = (
        "<p>You belong to no workspace. Create one, of which you will be the owner; or ask somebody to invite you into "
        "theirs, and open the link.</p>"
    )
    body += _creation(frame, typed, faults)
    return framing.framed(frame, "No workspace", "workspaces", body, status=422 if faults else 200)


def _creation(frame: Frame, typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    inner = pages.field_of(NAME, typed.get("workspace", ""), faults)
    inner += '<p class="hint">You will be its owner, and it becomes the active one.</p>'
    return "<h2>Create a workspace</h2>" + framing.box(frame, "/settings/workspaces", inner, "Create a workspace")


def _may_touch(actor: Actor, role: str) -> bool:
    return role != Role.OWNER or actor.role is Role.OWNER


def _member(each: roster.Member, actor: Actor) -> tuple[str, ...]:
    you = " (you)" if each.id == actor.id else ""
    name = f"<small>{escape(each.name)}{you}</small>" if each.name or you else ""
    disabled = "disabled by whoever runs the hub" if each.disabled_by_operator else "disabled"
    state = f"<small>{disabled}</small>" if each.disabled else ""
    return (
        escape(each.email) + name,
        escape(each.role) + state,
        framing.when(each.seen_at, "not signed in"),
        framing.link(f"/settings/members/{each.id}", "Change", each.email) if _may_touch(actor, each.role) else "",
    )


def _key(view: KeyView, actor: Actor) -> tuple[str, ...]:
    if view.revoked_at is not None:
        last = f"revoked {framing.when(view.revoked_at, '')}"
    elif _may_touch(actor, view.role.value):
        last = framing.link(f"/settings/keys/{view.id}/revoke", "Revoke", view.public_key)
    else:
        last = ""
    return (
        f"<code>{escape(view.public_key)}</code>" + (f"<small>{escape(view.name)}</small>" if view.name else ""),
        escape(view.role.value),
        escape(", ".join(view.apis)),
        f"{framing.when(view.created_at, '')}<small>{escape(view.created_by)}</small>",
        framing.when(view.used_at, "never"),
        last,
    )
