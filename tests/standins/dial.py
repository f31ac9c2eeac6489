"""The fault dial: what a stand-in answers instead of the truth, for which path and how often."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Protocol

from starlette.types import Send

from tests.standins.serve import ConnectionCutError, hang

BUSY_FOR = 2
"""Seconds that a busy vendor asks for."""
HUGE_BYTES = 64 * 2**20
NONSENSE = ("[]", "null", "{}", '"ok"', "7")
"""JSON that no vendor answers: pass one as `body` to `Dial.set(Fault.NONSENSE, body=…)`."""
PORTAL = "<!doctype html><html><head><title>Sign in to the network</title></head><body>Welcome</body></html>"


class Fault(StrEnum):
    """What goes wrong."""

    OK = "ok"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    BUSY_SECONDS = "busy_seconds"
    BUSY_DATE = "busy_date"
    BUSY_BARE = "busy_bare"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    HTML = "html"
    EMPTY = "empty"
    HANG = "hang"
    REDIRECT = "redirect"
    HUGE = "huge"
    NONSENSE = "nonsense"
    OK_ERROR = "ok_error"
    RESET = "reset"


STATUS = {
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.BUSY_SECONDS: 429,
    Fault.BUSY_DATE: 429,
    Fault.BUSY_BARE: 429,
    Fault.SERVER_ERROR: 500,
}
"""The faults that a vendor answers in its own words, and their HTTP status."""


class Vendor(Protocol):
    """What the dial needs of a stand-in to speak in its vendor's words."""

    @property
    def elsewhere(self) -> str:
        """The base URL of the port that a redirect leads to."""

    @property
    def error_inside(self) -> Mapping[str, Any] | None:
        """The vendor's error inside a 200, None where it answers with a status instead."""

    def refusal(self, status: int, retry_after: int | None, /) -> Mapping[str, Any]:
        """The vendor's JSON body for a status; `retry_after` in seconds where it is told."""


@dataclass
class Rule:
    """One setting of the dial. `times` counts down to 0; None is for ever."""

    fault: Fault
    path: str | None
    times: int | None
    body: str | None


class Dial:
    """Which fault the next request meets. The newest setting that fits the path wins."""

    def __init__(self, lacks: frozenset[Fault] = frozenset()) -> None:
        self._lacks = lacks
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def set(self, fault: Fault, path: str | None = None, times: int | None = None, body: str | None = None) -> None:
        """Meet requests for `path` (a shell pattern such as `*/getMe`; None: every path) with `fault`.

        `times`: how many requests, None for all. `body` replaces what HTML and NONSENSE answer.
        `set(Fault.OK)` clears the dial. Raises `ValueError` for a fault that this vendor does not have.
        """
        if fault in self._lacks:
            raise ValueError(f"This vendor never answers with the fault {fault}. Choose another.")
        with self._lock:
            if fault is Fault.OK and path is None and times is None:
                self._rules.clear()
            else:
                self._rules.insert(0, Rule(fault, path, times, body))

    def take(self, path: str) -> Rule:
        """The setting for a request to `path`, counted."""
        with self._lock:
            for rule in self._rules:
                if rule.times != 0 and (rule.path is None or fnmatchcase(path, rule.path)):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return Rule(Fault.OK, None, None, None)


async def play(rule: Rule, vendor: Vendor, send: Send) -> None:
    """Answer a request with the fault of `rule`."""
    fault = rule.fault
    if fault in STATUS:
        await _refuse(fault, vendor, send)
    elif fault is Fault.HANG:
        await hang()
    elif fault is Fault.HUGE:
        await _flood(send)
    elif fault is Fault.RESET:
        await _start(send, 200, "application/json", length=4096)
        await send({"type": "http.response.body", "body": b'{"ok": tr', "more_body": True})
        raise ConnectionCutError
    elif fault is Fault.REDIRECT:
        await _whole(send, 302, "text/html", "", {"location": f"{vendor.elsewhere}/followed"})
    elif fault is Fault.UNAVAILABLE:
        await _whole(send, 503, "text/plain", "upstream connect error or disconnect/reset before headers")
    else:
        kind = "text/html; charset=utf-8" if fault is Fault.HTML else "application/json"
        await _whole(send, 200, kind, _text(rule, vendor))


def _text(rule: Rule, vendor: Vendor) -> str:
    """The body of a 200 that is not the truth."""
    said = {
        Fault.HTML: rule.body or PORTAL,
        Fault.EMPTY: "",
        Fault.NONSENSE: rule.body or NONSENSE[0],
        Fault.OK_ERROR: json.dumps(vendor.error_inside),
    }
    return said[rule.fault]


async def _refuse(fault: Fault, vendor: Vendor, send: Send) -> None:
    status, headers = STATUS[fault], {}
    wait = BUSY_FOR if fault in (Fault.BUSY_SECONDS, Fault.BUSY_DATE) else None
    if fault is Fault.BUSY_SECONDS:
        headers["retry-after"] = str(BUSY_FOR)
    elif fault is Fault.BUSY_DATE:
        # A vendor has a clock of its own; one second more because an HTTP date has no fractions.
        soon = time.time() + BUSY_FOR + 1  # noqa: TID251 - see above
        headers["retry-after"] = formatdate(soon, usegmt=True)
    await _whole(send, status, "application/json", json.dumps(vendor.refusal(status, wait)), headers)


async def _whole(
    send: Send, status: int, content_type: str, text: str, headers: Mapping[str, str] | None = None
) -> None:
    body = text.encode()
    await _start(send, status, content_type, length=len(body), headers=headers)
    await send({"type": "http.response.body", "body": body})


async def _start(
    send: Send,
    status: int,
    content_type: str,
    *,
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    pairs = {"content-type": content_type, **(headers or {})}
    if length is not None:
        pairs["content-length"] = str(length)
    raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _flood(send: Send) -> None:
    """Valid JSON without a Content-Length, so that only counting stops it."""
    await _start(send, 200, "application/json")
    piece = b"A" * 65536
    await send({"type": "http.response.body", "body": b'{"ok": true, "filler": "', "more_body": True})
    for _ in range(HUGE_BYTES // len(piece)):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b'"}'})
