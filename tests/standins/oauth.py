"""What vendors with OAuth share: consent pages that a browser clicks, codes that count once, and a clock that moves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from secrets import token_hex
from typing import Any
from urllib.parse import unquote_plus, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tests.standins.standin import Standin

CODE_LIFE = 600
"""Seconds for which a code can be exchanged, at all three vendors."""


@dataclass
class Code:
    """A code: which app asked for what (`asked`, the query of its page), what a person `chose`, and until when.

    `spent`: it was exchanged.
    """

    client_id: str
    asked: Mapping[str, str]
    chose: Mapping[str, str]
    until: float
    spent: bool = False

    @property
    def redirect_uri(self) -> str:
        """The address that the code was sent to, as the app asked; "" where it did not say."""
        return self.asked.get("redirect_uri", "")

    def proves(self, verifier: str) -> bool:
        """Whether `verifier` fits the challenge of the app (RFC 7636, S256); where there was none, any does."""
        challenge = self.asked.get("code_challenge", "")
        return not challenge or challenge == s256(verifier)


def s256(verifier: str) -> str:
    """The challenge that belongs to a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Choice:
    """A list to choose from: the field's `name`, its label, and value → words. `chosen` is what it begins with."""

    name: str
    label: str
    options: Mapping[str, str]
    chosen: str = ""
    fixed: bool = False


class OAuthStandin(Standin):
    """A vendor with consent pages. `ahead`: how many seconds its clock is ahead of ours. `codes` that were given."""

    def seed_oauth(self) -> None:
        """Forget what was consented to, and set the clock right."""
        self.ahead = 0
        self.codes: dict[str, Code] = {}

    @property
    @abstractmethod
    def app_env(self) -> dict[str, str]:
        """The variables by which a hub knows the operator's app of the seed."""

    @abstractmethod
    def secrets(self) -> set[str]:
        """Client secrets and tokens, which the control page covers. Codes are covered by `hidden`."""

    @abstractmethod
    def acts(self) -> Mapping[str, Callable[[], None]]:
        """What a person may do to OAuth at the vendor: words for a button → what it does."""

    def hidden(self) -> set[str]:
        """Everything made here that nobody may read: secrets, and codes."""
        return self.secrets() | set(self.codes)

    def now(self) -> float:
        """The vendor's time in Unix seconds."""
        return time.time() + self.ahead  # noqa: TID251 - a vendor has a clock of its own

    def give_code(self, client_id: str, asked: Mapping[str, str], chose: Mapping[str, str]) -> str:
        """A new code for what a person agreed to."""
        text = token_hex(16)
        self.codes[text] = Code(client_id, dict(asked), dict(chose), self.now() + CODE_LIFE)
        return text


def client(request: Request, given: Mapping[str, Any]) -> tuple[str, str]:
    """The client's id and secret, from HTTP Basic or else from the form; "" for what is missing."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return unquote_plus(name), unquote_plus(secret)
    return str(given.get("client_id", "")), str(given.get("client_secret", ""))


async def form_of(request: Request) -> dict[str, str]:
    """The body as a form, and nothing else: a query or JSON is not read. {} where it is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    async with request.form() as form:
        return {name: str(value) for name, value in form.items()}


def back(redirect_uri: str, **told: str) -> Response:
    """Send the browser back to the app with what is `told`; empty values are left out."""
    query = urlencode({name: value for name, value in told.items() if value})
    return RedirectResponse(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}", status_code=302)


def consent_page(
    request: Request, title: str, said: str, may: Iterable[str], choices: Sequence[Choice], buttons: Mapping[str, str]
) -> Response:
    """The page on which a person agrees: a form that posts to its own address. `buttons`: value → words."""
    address = escape(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    fields = "".join(_field(choice) for choice in choices)
    asked = "".join(f"<li>{escape(each)}</li>" for each in may)
    acts = "".join(
        f'<button type="submit" name="answer" value="{escape(value)}">{escape(words)}</button> '
        for value, words in buttons.items()
    )
    body = f"""<p>{escape(said)}</p><ul>{asked}</ul>
<form method="post" action="{address}">{fields}<p>{acts}</p></form>"""
    return HTMLResponse(_page(title, body), headers={"cache-control": "no-store"})


def error_page(title: str, said: str, status: int = 400) -> Response:
    """The vendor's own page for a request that it sends nowhere."""
    return HTMLResponse(_page(title, f"<p>{escape(said)}</p>"), status_code=status)


def _field(choice: Choice) -> str:
    name, label = escape(choice.name), escape(choice.label)
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == choice.chosen else ""}>{escape(words)}</option>'
        for value, words in choice.options.items()
    )
    # A browser does not send what is disabled.
    sent = f'<input type="hidden" name="{name}" value="{escape(choice.chosen)}">' if choice.fixed else ""
    off = " disabled" if choice.fixed else f' name="{name}"'
    return f'<p><label for="{name}">{label}</label> <select id="{name}"{off}>{options}</select>{sent}</p>'


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
