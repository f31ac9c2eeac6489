"""The few plain pages of the stand-alone app: sign in, set up, and what went wrong. No script, one stylesheet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

from atlas_hub.accounts.intake import FORM_FIELD
from atlas_hub.accounts.styles import CSS, WIDE


def _hash(css: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash(CSS)} {_hash(WIDE)}; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Under `no-referrer` browsers send `Origin: null` with our own forms, and nobody could sign in (Fetch §3.2).
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True)
class Input:
    """One field of a form. `autocomplete` is HTML's token, so that password stores know what it is."""

    name: str
    label: str
    type: str = "text"
    autocomplete: str
    hint: str = ""
    required: bool = True
    longest: int = 200
    fixed: bool = False


SIGN_IN = (
    Input(name="email", label="E-mail", type="email", autocomplete="username"),
    Input(name="password", label="Password", type="password", autocomplete="current-password", longest=1024),
)
SET_UP = (
    Input(
        name="workspace",
        label="Workspace",
        autocomplete="organization",
        hint="The name of your company or team.",
        longest=120,
    ),
    Input(name="name", label="Your name", autocomplete="name", required=False, hint="Optional.", longest=120),
    Input(name="email", label="E-mail", type="email", autocomplete="username"),
    Input(
        name="password",
        label="Password",
        type="password",
        autocomplete="new-password",
        hint="At least 12 characters. Four unrelated words are good and easy to keep.",
        longest=1024,
    ),
)

JOIN = (Input(name="email", label="E-mail", type="email", autocomplete="username", fixed=True), SET_UP[1], SET_UP[3])


def page(title: str, body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page whose `body` is HTML already."""
    inner = f'<main><p class="name">Atlas Hub</p><h1>{escape(title)}</h1>{body}</main>'
    return document(title, inner, (CSS,), status=status, headers=headers)


def document(
    title: str, body: str, styles: tuple[str, ...], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A whole document. Of styles the policy knows `CSS` and `WIDE`."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Atlas Hub</title>{''.join(f'<style>{style}</style>' for style in styles)}</head>"
        f"<body>{body}</body></html>"
    )
    return HTMLResponse(text, status_code=status, headers={**HEADERS, **(headers or {})})


def notice(
    title: str, text: str, *, status: int, link: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A page that says one thing, and where to go on. `link` is path and words."""
    body = f"<p>{escape(text)}</p>"
    if link is not None:
        body += f'<a class="button" href="{escape(link[0])}">{escape(link[1])}</a>'
    return page(title, body, status=status, headers=headers)


def sign_in(
    form_token: str, next_path: str, *, email: str = "", alert: str = "", status: int = 200,
    headers: Mapping[str, str] | None = None, fresh: bool = False,
) -> HTMLResponse:  # fmt: skip
    """The form to sign in with; `fresh` where nobody can yet."""
    body = alert_of(alert)
    if fresh:
        body += (
            '<p class="soft">Nobody can sign in yet. A set-up link was printed where the hub was started: '
            "open it to make the first account. It works once, within a day; restarting the hub prints a new one.</p>"
        )
    faults = {field.name: "" for field in SIGN_IN} if alert else {}
    body += form("/sign-in", SIGN_IN, form_token, "Sign in", {"email": email}, faults, {"next": next_path})
    return page("Sign in", body, status=status, headers=headers)


def set_up(
    path: str, form_token: str, waiting: str, *, typed: Mapping[str, str], faults: Mapping[str, str], status: int = 200
) -> HTMLResponse:
    """The form that makes the first owner; `waiting` names the workspace that has none yet, where there is one."""
    fields = SET_UP[1:] if waiting else SET_UP
    what = f"the workspace {waiting}" if waiting else "this hub"
    body = f'<p class="soft">You will be the owner of {escape(what)}.</p>'
    body += alert_of("Something in the form needs mending." if faults else "")
    body += form(path, fields, form_token, "Create account", typed, faults, {})
    return page("Set up Atlas Hub", body, status=status)


def join(
    path: str, sign_in_path: str, form_token: str, told: str, *, email: str, typed: Mapping[str, str],
    faults: Mapping[str, str], alert: str = "",
) -> HTMLResponse:  # fmt: skip
    """For somebody who is invited: the way to the sign-in, and the form that makes an account. `told` says into what.

    The same for an e-mail with an account and without, until the form is complete and `alert` says what came of it.
    """
    body = f'<p class="soft">{escape(told)}</p>'
    body += alert_of("Something in the form needs mending." if faults else alert)
    body += (
        f'<p>Do you have an account? <a href="{escape(sign_in_path)}">Sign in to join</a>. If not, make one here.</p>'
    )
    body += form(path, JOIN, form_token, "Join", {**typed, "email": email}, faults, {})
    return page("Join", body, status=422 if faults else 409 if alert else 200)


def join_here(path: str, form_token: str, told: str) -> HTMLResponse:
    """For somebody who is signed in: a button to join with."""
    body = f'<p>{escape(told)}</p><form method="post" action="{escape(path)}">{carried(form_token, {})}'
    return page("Join", body + '<button type="submit">Join</button></form>')


def alert_of(text: str) -> str:
    """What went wrong, above a form; nothing where nothing did."""
    return f'<p class="alert" role="alert" id="alert">{escape(text)}</p>' if text else ""


def form(
    action: str,
    fields: tuple[Input, ...],
    form_token: str,
    submit: str,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
    hidden: Mapping[str, str],
) -> str:
    """A form with its fields, its button, and the focus where something is to be typed first."""
    inputs = carried(form_token, hidden)
    first_wrong = next(
        (field.name for field in fields if field.name in faults),
        next(field.name for field in fields if not field.fixed),
    )
    for field in fields:
        inputs += field_of(field, typed.get(field.name, ""), faults, focus=field.name == first_wrong)
    return (
        f'<form method="post" action="{escape(action)}">{inputs}<button type="submit">{escape(submit)}</button></form>'
    )


def carried(form_token: str, hidden: Mapping[str, str]) -> str:
    """What a form carries unseen, the token that proves it is ours among it."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in {FORM_FIELD: form_token, **hidden}.items()
    )


def field_of(field: Input, typed: str, faults: Mapping[str, str], *, focus: bool = False) -> str:
    """One field with its label, its hint and what is wrong with it."""
    wrong = field.name in faults
    fault = faults.get(field.name, "")
    told_by = [f"{field.name}-hint"] if field.hint else []
    if wrong:
        told_by.insert(0, f"{field.name}-fault" if fault else "alert")
    value = "" if field.type == "password" else f' value="{escape(typed)}"'
    marks = (
        (' aria-invalid="true"' if wrong else "")
        + (f' aria-describedby="{" ".join(told_by)}"' if told_by else "")
        + (" required" if field.required else "")
        + (" readonly" if field.fixed else "")
        + (" autofocus" if focus else "")
    )
    plain = ' autocapitalize="none" spellcheck="false"' if field.type != "text" else ""
    return (
        f'<label for="{field.name}">{escape(field.label)}</label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.type}" autocomplete="{field.autocomplete}"'
        f' maxlength="{field.longest}"{plain}{value}{marks}>'
        + (f'<p class="hint" id="{field.name}-hint">{escape(field.hint)}</p>' if field.hint else "")
        + (f'<p class="fault" role="alert" id="{field.name}-fault">{escape(fault)}</p>' if fault else "")
    )
