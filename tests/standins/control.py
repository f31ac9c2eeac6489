"""The demo's control page: what to paste for each stand-in, its fault dial, and what it received last.

It listens on 127.0.0.1 alone, refuses requests under another host name, and POSTs from another site's page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from email import message_from_bytes, policy
from enum import StrEnum
from functools import cached_property
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, quote_plus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from atlas_hub.kit.redact import redact
from atlas_hub.kit.secret import HIDDEN
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Sends
from atlas_hub.ui import logos
from tests.providers.entries import ENTRIES
from tests.providers.entries.entry import Entry
from tests.standins.dial import Fault
from tests.standins.mailbox import Mail, Mailbox, MailFault
from tests.standins.oauth import OAuthStandin
from tests.standins.serve import HOST, LoopThread, listen_http
from tests.standins.standin import Call, Standin

STATIC: Final = Path(__file__).parent / "static"
SHOWN = 5
"""How many messages and how many calls a section shows."""
LONGEST = 2000
SHORTEST_SECRET = 6
"""Shorter texts are words such as a user's name, which are not covered."""

WORDS: Final[Mapping[StrEnum, str]] = {
    Fault.OK: "Works",
    Fault.UNAUTHORIZED: "Refuses the credential (401)",
    Fault.FORBIDDEN: "Does not allow it (403)",
    Fault.BUSY_SECONDS: "Busy (429), for 2 seconds",
    Fault.BUSY_DATE: "Busy (429), until a time it names",
    Fault.BUSY_BARE: "Busy (429), without saying how long",
    Fault.SERVER_ERROR: "Has a fault of its own (500)",
    Fault.UNAVAILABLE: "Is unavailable (503)",
    Fault.HTML: "Answers a sign-in page of the network",
    Fault.EMPTY: "Answers nothing at all",
    Fault.HANG: "Hangs: does not answer",
    Fault.REDIRECT: "Redirects somewhere else",
    Fault.HUGE: "Answers 64 MiB",
    Fault.NONSENSE: "Answers nonsense",
    Fault.OK_ERROR: "Says 200 with an error inside",
    Fault.RESET: "Cuts the connection in mid-answer",
}
MAIL_WORDS: Final[Mapping[StrEnum, str]] = {
    MailFault.OK: "Works",
    MailFault.HANG_CONNECT: "Hangs before its greeting",
    MailFault.HANG_EHLO: "Hangs after the greeting",
    MailFault.HANG_AUTH: "Hangs at the sign-in",
    MailFault.GREYLIST: "Puts recipients off for now (451)",
    MailFault.UNAVAILABLE: "Is unavailable (421)",
}

_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z]{1,12}")
_LABELLED = re.compile(r"([^:=]{1,40})[:=] +(\S.*)")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A stand-in and what the page knows of it. `key` names it on the wire, `slug` is its card's, "" where none is."""

    key: str
    title: str
    slug: str
    standin: Standin | Mailbox
    entries: tuple[Entry, ...]
    words: Mapping[StrEnum, str]
    tries: Mapping[str, str]

    @property
    def fault(self) -> StrEnum:
        """What the dial stands at."""
        dial = self.standin.dial
        if isinstance(self.standin, Mailbox):
            return next(fault for fault in self.words if fault is dial._fault)
        return next((rule.fault for rule in dial._rules if rule.times != 0), Fault.OK)

    def turn(self, fault: str) -> StrEnum:
        """Turn the dial and return what it stands at now. Raises `ValueError` for a fault it does not have."""
        wanted = next((each for each in self.words if each == fault), None)
        if wanted is None:
            raise ValueError(f"{self.title} has no such fault. Choose one of {', '.join(self.words)}.")
        if not isinstance(self.standin, Mailbox):
            self.standin.dial.set(Fault.OK)
        self.standin.dial.set(wanted)
        return wanted

    @property
    def acts(self) -> Mapping[str, Callable[[], None]]:
        """What may be done to OAuth at the vendor: words for a button → what it does."""
        return self.standin.acts() if isinstance(self.standin, OAuthStandin) else {}

    @cached_property
    def secrets(self) -> list[str]:
        """Every credential that the page knows, the longest first; ids and destinations are none."""
        known = {value for text in self.tries.values() for _, value in pieces(text) if not value.isdecimal()}
        for entry in self.entries:
            form, values = entry.way.form, entry.values(self.standin)
            for name, info in form.model_fields.items():
                text = str(values.get(info.alias or name, ""))
                known = known | {text} if name in form.secrets() else known - {text}
            known.discard(entry.to)
        long = (text for text in known if len(text) >= SHORTEST_SECRET)
        return sorted({shape for text in long for shape in _disguises(text)}, key=len, reverse=True)

    def received(self) -> dict[str, list[dict[str, str]]]:
        """The last messages and calls, the newest first, without secrets."""
        made = self.standin.hidden() if isinstance(self.standin, OAuthStandin) else set()
        fresh = {shape for text in made for shape in _disguises(text)} - set(self.secrets)
        secrets = sorted([*self.secrets, *fresh], key=len, reverse=True)
        messages = [_message(each) for each in list(getattr(self.standin, "messages", ()))[-SHOWN:]]
        calls = [_call(each) for each in list(self.standin.calls)[-SHOWN:]]
        return {
            name: [{"what": cover(what, secrets), "detail": cover(detail, secrets)} for what, detail in reversed(some)]
            for name, some in (("messages", messages), ("calls", calls))
        }


def vendors_of(standins: Sequence[Standin], mailbox: Mailbox) -> list[Vendor]:
    """What the page shows, in the order of the hub's own page."""
    made = [(type(entry.standin()), entry) for entry in ENTRIES]
    found = []
    for standin in (*standins, mailbox):
        kind = type(standin)
        entries = tuple(entry for each, entry in made if issubclass(each, kind))
        lacks = getattr(standin.dial, "_lacks", frozenset())
        words = MAIL_WORDS if isinstance(standin, Mailbox) else WORDS
        found.append(
            Vendor(
                key=kind.__module__.rpartition(".")[2],
                title=_title(kind, entries),
                slug=entries[0].slug if entries else "",
                standin=standin,
                entries=entries,
                words={fault: text for fault, text in words.items() if fault not in lacks},
                tries={_alone(words, entries): text for words, text in getattr(kind, "tries", {}).items()},
            )
        )
    order = {slug: number for number, slug in enumerate(PROVIDERS)}
    return sorted(found, key=lambda vendor: (order.get(vendor.slug, len(order)), vendor.title.lower()))


def _title(kind: type, entries: Sequence[Entry]) -> str:
    if not entries:
        return kind.__name__.removesuffix("Standin")
    provider = PROVIDERS[entries[0].slug]
    ours = {entry.method for entry in entries}
    shared = any(entry.slug == provider.slug and entry.method not in ours for entry in ENTRIES)
    return f"{provider.name}: {entries[0].way.label}" if shared else provider.name


def _alone(words: str, entries: Sequence[Entry]) -> str:
    """What a credential is called, without the vendor's name, which the section has already."""
    for entry in entries:
        for name in (PROVIDERS[entry.slug].name, entry.way.label):
            words = words.removeprefix(f"{name}, ")
    return words[:1].upper() + words[1:]


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """What to paste, one by one, as (label or "", value or ""): a JSON file, PEM blocks, `Label: value` lines, words.

    In `key 0a1b2c, application 1000` the plain words before a value are its label.
    """
    if text.startswith("{"):
        yield "", text
        return
    at = 0
    for block in _PEM.finditer(text):
        yield from _words(text[at : block.start()])
        yield "", block.group()
        at = block.end()
    yield from _words(text[at:])


def _words(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        labelled = _LABELLED.fullmatch(line.strip())
        if labelled:
            yield labelled[1].strip(), labelled[2].strip()
            continue
        for part in re.split(r"[,;]\s", line):
            label: list[str] = []
            for word in part.split():
                if _PLAIN.fullmatch(word):
                    label.append(word)
                elif any(map(str.isalnum, word)):
                    yield " ".join(label), word.rstrip(",;")
                    label = []
            if label:
                yield " ".join(label), ""


def cover(text: str, secrets: Iterable[str]) -> str:
    """The text, not over-long, with every secret covered, known ones (the longest first) and such as look like one."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = redact(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _disguises(secret: str) -> set[str]:
    """A secret as it looks in a form, in a path and in JSON."""
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}


def _message(message: Any) -> tuple[str, str]:
    if isinstance(message, Mail):
        read = message_from_bytes(message.content, policy=policy.default)
        body = read.get_body(preferencelist=("plain",))
        text = f"{message.sender} to {', '.join(message.recipients)}: {read.get('subject', '')}"
        return text, body.get_content().strip() if body else ""
    said = asdict(message) if is_dataclass(message) and not isinstance(message, type) else message
    return "Message", json.dumps(said, ensure_ascii=False, indent=1, default=str)


def _call(call: Call | tuple[str, str]) -> tuple[str, str]:
    if not isinstance(call, Call):
        return " ".join(call).strip(), ""
    return f"{call.method} {call.path}{'?' if call.query else ''}{call.query}", call.body.decode("utf-8", "replace")


class Control:
    """The page at `url`, from start to stop. `hub` is the hub's address, for links. Port 0 takes a free one."""

    def __init__(self, vendors: Sequence[Vendor], hub: str, port: int = 0) -> None:
        self.vendors = {vendor.key: vendor for vendor in vendors}
        self.hub = hub
        self.port = port
        self._thread = LoopThread("control")
        self._app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/control.css", _file("control.css", "text/css")),
                Route("/control.js", _file("control.js", "text/javascript")),
                Route("/state", self._state),
                Route("/dial", self._dial, methods=["POST"]),
                Route("/reset", self._reset, methods=["POST"]),
                Route("/act", self._act, methods=["POST"]),
            ]
        )

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://localhost:{self.port}"

    def start(self) -> Self:
        """Listen. Raises an `OSError` where the fixed port is taken."""
        (self.port,) = self._thread.start(listen_http((self._guarded, self.port)))
        return self

    def stop(self) -> None:
        """Stop listening."""
        self._thread.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        ours = {f"{name}:{self.port}" for name in ("localhost", HOST)}
        answer: Any = self._app
        if request.headers.get("host") not in ours:
            answer = PlainTextResponse(f"This page is at {self.url} alone.", status_code=421)
        elif request.method != "GET" and not _is_from(request, ours):
            answer = PlainTextResponse("Another site's page may not turn this dial.", status_code=403)
        await answer(scope, receive, send)

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(
            page(self.vendors.values(), self.hub),
            headers={
                "content-security-policy": _POLICY,
                "cache-control": "no-store",
                "referrer-policy": "no-referrer",
                "x-content-type-options": "nosniff",
            },
        )

    async def _state(self, _request: Request) -> Response:
        told = {key: {"fault": vendor.fault, **vendor.received()} for key, vendor in self.vendors.items()}
        return JSONResponse(told, headers={"cache-control": "no-store"})

    async def _dial(self, request: Request) -> Response:
        try:
            vendor, given = await self._asked(request)
            fault = vendor.turn(str(given.get("fault")))
        except ValueError as error:
            return JSONResponse({"error": f"{error}"}, status_code=400)
        return JSONResponse({"fault": fault, "said": f"{vendor.title}: {vendor.words[fault]}."})

    async def _reset(self, request: Request) -> Response:
        try:
            vendor, _ = await self._asked(request)
        except ValueError as error:
            return JSONResponse({"error": f"{error}"}, status_code=400)
        vendor.standin.reset()
        return JSONResponse({"fault": vendor.fault, "said": f"{vendor.title} is as at the start."})

    async def _act(self, request: Request) -> Response:
        try:
            vendor, given = await self._asked(request)
            act = vendor.acts.get(str(given.get("act")))
        except ValueError as error:
            return JSONResponse({"error": f"{error}"}, status_code=400)
        if act is None:
            return JSONResponse({"error": f"{vendor.title} has no such button."}, status_code=400)
        act()
        said = f"{vendor.title}: {given['act']}. Done; Start over undoes it."
        return JSONResponse({"fault": vendor.fault, "said": said})

    async def _asked(self, request: Request) -> tuple[Vendor, Mapping[str, Any]]:
        """Which vendor a request is about, and what else it says. Raises `ValueError` where it is none."""
        given = await request.json()
        vendor = self.vendors.get(str(given.get("vendor"))) if isinstance(given, dict) else None
        if vendor is None:
            raise ValueError(f"There is no such vendor. Choose one of {', '.join(self.vendors)}.")
        return vendor, given


def _is_from(request: Request, ours: set[str]) -> bool:
    """Whether a page of ours sent it. JSON, because a form of another site cannot send that without asking first."""
    origin = request.headers.get("origin", "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return origin in {f"http://{host}" for host in ours} and kind == "application/json"


def _file(name: str, kind: str) -> Any:
    async def serve(_request: Request) -> Response:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response((STATIC / name).read_text(encoding="utf-8"), media_type=kind, headers=headers)

    return serve


def page(vendors: Iterable[Vendor], hub: str) -> str:
    """The whole page."""
    vendors = list(vendors)
    names = "".join(f'<li><a href="#{escape(each.key)}">{escape(each.title)}</a></li>' for each in vendors)
    sections = "".join(_section(vendor, hub) for vendor in vendors)
    integrations = escape(f"{hub}/admin/integrations")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Stand-in vendors · Atlas Hub</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/control.css">
<script src="/control.js" defer></script>
</head>
<body>
<header>
<h1>Stand-in vendors</h1>
<p>Every vendor here runs on this machine and knows nobody. Open
<a href="{integrations}">the hub's Integrations page</a>, connect a card with what its section here says, then
choose under <em>How it behaves</em> what goes wrong and choose <em>Check now</em> in the hub.</p>
<p class="quiet">The hub needs a minute or two for its first start. The terminal then shows the link by which you set
it up. Paste no real credential.</p>
<nav aria-label="Vendors"><ul>{names}</ul></nav>
</header>
<main>{sections}</main>
<p id="said" role="status"></p>
</body>
</html>
"""


def _section(vendor: Vendor, hub: str) -> str:
    key, title = escape(vendor.key), escape(vendor.title)
    mark = logos.of(vendor.slug)
    image = f'<img src="{mark}" alt="" width="28" height="28">' if mark else ""
    where = f"{hub}/admin/integrations" + (f"/{vendor.slug}" if vendor.slug else "")
    options = "".join(
        f'<option value="{fault}"{" selected" if fault == vendor.fault else ""}>{escape(text)}</option>'
        for fault, text in vendor.words.items()
    )
    works = "yes" if vendor.fault == Fault.OK else "no"
    return f"""
<section id="{key}" data-vendor="{key}" data-works="{works}" aria-labelledby="{key}-title">
<div class="head">{image}<h2 id="{key}-title">{title}</h2>
<span class="badge"><span class="shape" aria-hidden="true"></span><span data-badge>{_badge(works)}</span></span></div>
{"".join(_way(vendor, entry) for entry in vendor.entries)}
{_others(vendor)}
<p class="dial"><label for="{key}-dial">How it behaves</label>
<select id="{key}-dial" data-dial autocomplete="off">{options}</select></p>
{_acts(vendor)}
<div class="received" data-received>{_received(vendor)}</div>
<p class="acts"><button type="button" data-reset>Start over<span class="hidden"> with {title}</span></button>
<a class="button" href="{escape(where)}">Open in the hub<span class="hidden">: {title}</span></a></p>
</section>"""


def _acts(vendor: Vendor) -> str:
    """The buttons for OAuth at the vendor; "" where it has none."""
    buttons = "".join(
        f'<button type="button" data-act="{escape(words)}">{escape(words)}</button>' for words in vendor.acts
    )
    return f'<h3>OAuth</h3><p class="acts">{buttons}</p>' if buttons else ""


def _badge(works: str) -> str:
    return "works" if works == "yes" else "fails"


def _way(vendor: Vendor, entry: Entry) -> str:
    """What to paste into which field, and where a test message may go."""
    way, values = entry.way, _best(vendor, entry)
    rows = [
        _row(info.title or name, _typed(values[info.alias or name]))
        for name, info in way.form.model_fields.items()
        if values.get(info.alias or name) is not None
    ]
    if isinstance(way, Sends):
        rows.append(_row(f"Test message, {way.destination}", entry.to))
    head = f"<h3>{escape(way.label)}</h3>" if len(vendor.entries) > 1 else ""
    return f"{head}<dl>{''.join(rows)}</dl>"


def _best(vendor: Vendor, entry: Entry) -> Mapping[str, Any]:
    """What the contract suite types, with the first credential to try, which is the best one, in place of another."""
    values, tries = entry.values(vendor.standin), list(vendor.tries.values())
    return {name: tries[0] if value in tries else value for name, value in values.items()}


def _typed(value: Any) -> str:
    """A value as one types it; "" for a tick, which nobody can paste."""
    return "" if isinstance(value, bool) else str(value)


def _row(title: str, value: str) -> str:
    shown = f"<code>{escape(value)}</code>{_copy(value, title)}" if value else "ticked"
    return f"<div><dt>{escape(title)}</dt><dd>{shown}</dd></div>"


def _copy(value: str, what: str) -> str:
    hidden = f'<span class="hidden"> {escape(what)}</span>'
    return f'<button type="button" class="copy" data-copy="{escape(value)}">Copy{hidden}</button>'


def _others(vendor: Vendor) -> str:
    """The credentials of the seed, for trying what the hub says to them."""
    rows = [_other(words, text) for words, text in vendor.tries.items()]
    if not rows:
        return ""
    return f"<details><summary>Others to try ({len(rows)})</summary><dl>{''.join(rows)}</dl></details>"


def _other(words: str, text: str) -> str:
    rows = []
    for label, value in pieces(text):
        said = f'<span class="quiet">{escape(label)}</span>' if label else ""
        shown = f"<code>{escape(value)}</code>{_copy(value, f'{words}, {label}' if label else words)}" if value else ""
        rows.append(f"<dd>{said}{shown}</dd>")
    return f"<div><dt>{escape(words)}</dt>{''.join(rows)}</div>"


def _received(vendor: Vendor) -> str:
    """The same markup that control.js makes of /state."""
    told = vendor.received()
    lists = [
        f"<h3>{head}</h3><ul>{''.join(_item(each) for each in told[name])}</ul>"
        for name, head in (("messages", "Messages it took"), ("calls", "Calls it received"))
        if told[name]
    ]
    return "".join(lists) or '<p class="quiet">It has received nothing yet.</p>'


def _item(told: Mapping[str, str]) -> str:
    what = f"<code>{escape(told['what'])}</code>"
    if not told["detail"]:
        return f"<li>{what}</li>"
    return f"<li><details><summary>{what}</summary><pre>{escape(told['detail'])}</pre></details></li>"
