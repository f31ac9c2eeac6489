"""The few plain pages of the stand-alone app: sign in, set up, and what went wrong. No script, one stylesheet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

from atlas_hub.accounts.intake import FORM_FIELD

CSS = """
:root{color-scheme:light dark;--page:#f7f7f8;--card:#fff;--text:#1a1a1f;--soft:#5b5b66;--line:#d9d9e0;--edge:#85858f;
--accent:#2f55d4;--on:#fff;--bad:#b3261e;--bad-bg:#fdf0ef}
@media (prefers-color-scheme:dark){:root{--page:#131316;--card:#1b1b20;--text:#ececf1;--soft:#a6a6b3;--line:#34343d;
--edge:#7d7d8a;--accent:#8fa8ff;--on:#10142a;--bad:#ffb4ab;--bad-bg:#2d1614}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:start center;padding:12vh 16px 32px;background:var(--page);
color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:400px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:24px}
.name{margin:0 0 16px;font-size:14px;font-weight:600;color:var(--soft)}
h1{margin:0 0 8px;font-size:20px;line-height:1.3}
p{margin:0 0 16px;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:14px}
label{display:block;margin:16px 0 4px;font-size:14px;font-weight:600}
input{width:100%;min-height:40px;padding:8px 12px;border:1px solid var(--edge);border-radius:8px;
background:var(--card);color:var(--text);font:inherit}
input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.hint,.fault{margin:4px 0 0;font-size:14px}
.hint{color:var(--soft)}
.fault{color:var(--bad)}
.alert{padding:12px;border:1px solid var(--bad);border-radius:8px;background:var(--bad-bg);color:var(--bad)}
button,.button{display:block;width:100%;min-height:44px;margin-top:24px;padding:10px 16px;
border:1px solid var(--accent);border-radius:8px;
background:var(--accent);color:var(--on);font:inherit;font-weight:600;text-align:center;
text-decoration:none;cursor:pointer}
code{font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
"""
_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src 'self'; form-action 'self'; "
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


def page(title: str, body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page whose `body` is HTML already."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Atlas Hub</title><style>{CSS}</style></head>"
        f'<body><main><p class="name">Atlas Hub</p><h1>{escape(title)}</h1>{body}</main></body></html>'
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
    body = _alert(alert)
    if fresh:
        body += (
            '<p class="soft">Nobody can sign in yet. A set-up link was printed where the hub was started: '
            "open it to make the first account. It works once, within a day; restarting the hub prints a new one.</p>"
        )
    faults = {field.name: "" for field in SIGN_IN} if alert else {}
    body += _form("/sign-in", SIGN_IN, form_token, "Sign in", {"email": email}, faults, {"next": next_path})
    return page("Sign in", body, status=status, headers=headers)


def set_up(
    path: str, form_token: str, waiting: str, *, typed: Mapping[str, str], faults: Mapping[str, str], status: int = 200
) -> HTMLResponse:
    """The form that makes the first owner; `waiting` names the workspace that has none yet, where there is one."""
    fields = SET_UP[1:] if waiting else SET_UP
    what = f"the workspace {waiting}" if waiting else "this hub"
    body = f'<p class="soft">You will be the owner of {escape(what)}.</p>'
    body += _alert("Something in the form needs mending." if faults else "")
    body += _form(path, fields, form_token, "Create account", typed, faults, {})
    return page("Set up Atlas Hub", body, status=status)


def _alert(text: str) -> str:
    return f'<p class="alert" role="alert" id="alert">{escape(text)}</p>' if text else ""


def _form(
    action: str,
    fields: tuple[Input, ...],
    form_token: str,
    submit: str,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
    hidden: Mapping[str, str],
) -> str:
    carried = {FORM_FIELD: form_token, **hidden}
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in carried.items()
    )
    first_wrong = next((field.name for field in fields if field.name in faults), fields[0].name)
    for field in fields:
        inputs += _input(field, typed.get(field.name, ""), faults, focus=field.name == first_wrong)
    return (
        f'<form method="post" action="{escape(action)}">{inputs}<button type="submit">{escape(submit)}</button></form>'
    )


def _input(field: Input, typed: str, faults: Mapping[str, str], *, focus: bool) -> str:
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
