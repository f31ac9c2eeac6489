"""The plain pages within the app's header: navigation, tabs, and the pieces that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from starlette.responses import HTMLResponse

from atlas_hub.accounts import pages
from atlas_hub.accounts.intake import HOME
from atlas_hub.accounts.styles import CSS, WIDE
from atlas_hub.kit.clock import iso

LOADED_FOR = "loaded_for"
"""The field that says which workspace a form was loaded for: another tab may have switched since."""
TABS = {"members": "Members", "keys": "Keys", "workspaces": "Workspaces"}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Whom a page is shown to. Without a workspace they belong to none. `workspace_id` is what its forms are about."""

    name: str
    workspace: str
    form_token: str
    is_admin: bool
    workspace_id: str = ""

    def carried(self, hidden: Mapping[str, str] | None = None) -> str:
        """What every form of the page carries unseen: see `LOADED_FOR`."""
        return pages.carried(self.form_token, {LOADED_FOR: self.workspace_id, **(hidden or {})})


def framed(frame: Frame, title: str, tab: str, body: str, *, status: int = 200) -> HTMLResponse:
    """A page of the settings, `body` being HTML already."""
    tabs = TABS if frame.is_admin else {"workspaces": TABS["workspaces"]}
    links = "".join(
        f'<a href="/settings/{key}"{_current(key == tab)}>{escape(words)}</a>' for key, words in tabs.items()
    )
    activity = f'<a href="{HOME}/activity">Activity</a>' if frame.is_admin else ""
    main = f'<a href="{HOME}">Integrations</a>{activity}<a href="/settings" aria-current="true">Settings</a>'
    inner = (
        '<a class="skip" href="#content">Skip to the content</a><header class="top"><b>Atlas Hub</b>'
        f'<span>{escape(frame.workspace)}</span><nav aria-label="Main">{main if frame.workspace else ""}</nav>'
        f'<span class="who soft">{escape(frame.name)}</span>'
        f"{button(frame, '/sign-out', 'Sign out', kind='plain')}</header>"
        f'<main id="content" tabindex="-1"><h1>{escape(title)}</h1>'
        f'<nav class="tabs" aria-label="Settings">{links}</nav>{body}</main>'
    )
    return pages.document(f"{title} · Settings", inner, (CSS, WIDE), status=status)


def sure(
    frame: Frame, tab: str, title: str, text: str, *, does: str, back: str, field: str = "", status: int = 200
) -> HTMLResponse:
    """A page that asks before its own address is posted to. `does` is the button's word, `field` an input."""
    body = (
        f'<p>{escape(text)}</p><form method="post" class="box">{frame.carried()}{field}'
        f'<div class="row"><button type="submit" class="danger">{escape(does)}</button>'
        f'<a class="button plain" href="{escape(back)}">Cancel</a></div></form>'
    )
    return framed(frame, title, tab, body, status=status)


def box(frame: Frame, action: str, inner: str, submit: str, *, hidden: Mapping[str, str] | None = None) -> str:
    """A form with its fields, which are HTML already, and its button."""
    return (
        f'<form method="post" action="{escape(action)}" class="box">{frame.carried(hidden)}'
        f'{inner}<button type="submit">{escape(submit)}</button></form>'
    )


def button(frame: Frame, action: str, words: str, *, kind: str = "", hidden: Mapping[str, str] | None = None) -> str:
    """A form that is a button alone."""
    return (
        f'<form method="post" action="{escape(action)}">{frame.carried(hidden)}'
        f'<button type="submit" class="{kind}">{words}</button></form>'
    )


def link(path: str, words: str, about: str) -> str:
    """A link of a table's row; `about` is said to those who do not see the row."""
    return f'<a href="{escape(path)}">{escape(words)}<span class="hidden"> {escape(about)}</span></a>'


def done(text: str) -> str:
    """What was done, above a list; nothing where nothing was."""
    return f'<p class="done" role="status">{escape(text)}</p>' if text else ""


def choice(name: str, label: str, options: Mapping[str, str], chosen: str, faults: Mapping[str, str]) -> str:
    """One of several, as a list to choose from: value → words."""
    listed = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in options.items()
    )
    fault = faults.get(name, "")
    marks = f' aria-invalid="true" aria-describedby="{name}-fault"' if fault else ""
    told = f'<p class="fault" role="alert" id="{name}-fault">{escape(fault)}</p>' if fault else ""
    return (
        f'<label for="{name}">{escape(label)}</label><select id="{name}" name="{name}"{marks}>{listed}</select>{told}'
    )


def shown_once(name: str, label: str, secret: str) -> str:
    """Something to copy, in a field that can be selected and not typed into."""
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" value="{escape(secret)}" readonly autocomplete="off" spellcheck="false">'
    )


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str = "") -> str:
    """Rows, whose cells are HTML already, under their heads; a sentence where there are none."""
    if not rows:
        return f'<p class="soft">{escape(nothing)}</p>'
    top = "".join(f'<th scope="col">{escape(head) or "<span class=hidden>What to do</span>"}</th>' for head in heads)
    lines = "".join(
        "<tr>"
        + "".join(f'<td data-head="{escape(head)}">{cell}</td>' for head, cell in zip(heads, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<table><caption class="hidden">{escape(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def when(moment: datetime | None, otherwise: str) -> str:
    """A moment, in UTC, since a page without script cannot know the reader's own time."""
    if moment is None:
        return escape(otherwise)
    return f'<time datetime="{iso(moment)}">{moment.day} {moment:%b %Y, %H:%M} UTC</time>'


def _current(here: bool) -> str:  # noqa: FBT001  # one word, read in place
    return ' aria-current="page"' if here else ""
