"""Keeps secrets out of the log: knows their shapes, and covers them before any log handler sees the record.

The cover sits in the log record factory, not in a filter: a filter on the root's handlers misses loggers
that do not propagate (uvicorn, granian) and handlers that are added later (granian's dictConfig after the
fork). Every record of every logger is made by the one factory.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from atlas_hub.kit.secret import HIDDEN

_NAMES = (
    r"[\w-]{0,40}(?:token|passw(?:or)?d|secret|api_?key|private_?key|routing_?key|service_?key|"
    r"license_?key|insert_?key|webhook_?url|signing_?key|code_?verifier)"
)

_WORDS = ("token", "passw", "secret", "key", "url", "verifier")
"""One of these is in every one of the names: a cheap question before the dear ones."""

_WHOLE = [
    re.compile(pattern, flags)
    for pattern, flags in (
        (
            r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        (
            r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{6,}|xoxe\.[A-Za-z0-9.-]{6,}|xapp-[A-Za-z0-9-]{6,}",
            0,
        ),  # Slack
        (r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}", 0),  # Telegram, in a path, too: /bot123456:AA…
        (r"SG\.[\w-]{10,}\.[\w-]{10,}", 0),  # SendGrid
        (r"ahk_[A-Za-z0-9]{16,}", 0),  # our own API keys
        (r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}", 0),
        (r"whsec_[A-Za-z0-9+/]{16,}={0,2}", 0),  # Standard Webhooks
        (r"NRI[IQ]-[\w-]{16,}|(?<![A-Za-z0-9])[A-Za-z0-9]{30,36}NRAL(?![A-Za-z0-9])", 0),  # New Relic
        (r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])", 0),  # Amazon
        (r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", 0),  # JWT
    )
]
"""Replaced as they are."""

_AFTER = [
    re.compile(pattern, flags)
    for pattern, flags in (
        # Reflex writes whole events: reflex/app.py on_event, base_state_processor.py _prepare_event_payload.
        (r"(with no associated token\. This may indicate a bug\. Event data:)(?s:.*)", 0),
        (r"(Received event data as a string\.[^{]{0,80}?Event data:)(?s:.*)", 0),
        (r"(Failed to deserialize event data:)(?s:.*)", 0),
        (r"(Event data must be a dictionary, but received)(?s:.*)", 0),
        (r"(Error transforming event argument '[^']*' with value)(?s:.*)", 0),
        (
            r"(Error transforming event payload for handler \S+:)(?! Error transforming event arg)(?s:.*)",
            0,
        ),
        # event_processor.py _process_queue: payload and headers, the session cookie among them.
        (r"(Error processing event queue entry for )(?s:.*)", 0),
        (r"\b(atlas_(?:session|form|oauth)=)[\w-]{8,}", 0),
        (r"(/oauth/callback(?:/[\w-]{1,40})?\?)[^\s\"'<>]+", 0),  # codes and states, in a server's access lines
        (r"\b((?:Bearer|ApiKey|GenieKey|Basic|Token) +)[A-Za-z0-9._~+/=:-]{8,}", re.IGNORECASE),
        (r"((?:/|%2F)(?:join|set-up)(?:/|%2F))[\w-]{16,}", re.IGNORECASE),  # our own one-time links
        # Consents: what an access log has of a callback, also inside another address; what a token is asked for with.
        (
            r"((?:[?&]|%3F|%26)(?:code|state|nonce|code_verifier|client_secret)(?:=|%3D))(?:(?!%26)[^&\s\"'<>])+",
            re.IGNORECASE,
        ),
        (r"\b((?:code|state)=)[\w%.~+/-]{16,}", 0),
        (r"\b((?:code_verifier|client_secret|client_assertion|refresh_token|id_token)=)[^&\s\"'<>]+", 0),
        (r"((?:hooks\.slack\.com/|/api/(?:v\d+/)?webhooks/))[\w./-]{8,}", 0),
        (r"((?:/webhookb2|/webhook)/)[\w.@-]{8,}/IncomingWebhook/[\w./-]{8,}", 0),  # a connector of Teams
        (r"([?&]sig=)[^&\s\"'<>]+", 0),  # a workflow of Power Automate
        (r"(/integrations/generic/\d+/alert/)[^\s\"'<>]+", 0),  # VictorOps
    )
]
"""The first group stays, the rest is replaced."""

_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]*:)[^\s/]+@")
_QUERY = re.compile(rf"([?&]{_NAMES}=)[^&\s\"'<>]+", re.IGNORECASE)
_PAIRS = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"((?:[\"']{_NAMES}[\"']\s*:|\b{_NAMES}=)\s*[bru]?)\"(?:\\.|[^\"\\])*(\"|\Z)",
        rf"((?:[\"']{_NAMES}[\"']\s*:|\b{_NAMES}=)\s*[bru]?)'(?:\\.|[^'\\])*('|\Z)",
        rf"((?<!\\)\\{{1,8}}\"{_NAMES}\\{{1,8}}\"\s*:\s*)\\{{1,8}}\".*?(\\{{1,8}}\"|\Z)",
    )
]
"""`"bot_token": "…"`, `password='…'`, and the same inside a quoted text."""


def shapes(pattern: re.Pattern[str]) -> None:
    """Teach another secret shape: whatever matches is replaced. A known pattern is not added again."""
    if pattern not in _WHOLE:
        _WHOLE.append(pattern)


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced by dots. A second pass changes nothing."""
    for pattern in _AFTER:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    for pattern in _WHOLE:
        text = pattern.sub(HIDDEN, text)
    if "@" in text:
        text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
    lower = text.lower()
    if any(word in lower for word in _WORDS):
        text = _QUERY.sub(rf"\1{HIDDEN}", text)
        for pattern in _PAIRS:
            text = pattern.sub(lambda found: f"{found[1]}{found[2] or chr(34)}{HIDDEN}{found[2]}", text)
    return text


class _Said(str):
    """A text that looks the same by `%s` and `%r`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_FORMATTER = logging.Formatter()


def _argument(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    try:
        said, shown = str(value), repr(value)
    except Exception:  # noqa: BLE001  # a broken __str__ must not stop the line, nor pass unread
        return _Said(HIDDEN)
    if redact(said) == said and redact(shown) == shown:
        return value
    return _Said(redact(said))


def _cover(record: logging.LogRecord) -> None:
    """Redact message, arguments, traceback and stack of a record in place.

    The arguments stay arguments where that suffices: access log formatters (uvicorn's) take them apart.
    """
    try:
        said = record.getMessage()
    except Exception:  # noqa: BLE001  # logging would print message and arguments to stderr as they are
        said = ""
        record.msg, record.args = redact(str(record.msg)) + " (this line could not be formatted)", ()
    if redact(said) != said:
        if isinstance(record.args, Mapping):
            record.args = {key: _argument(value) for key, value in record.args.items()}
        else:
            record.args = tuple(_argument(value) for value in record.args or ())
        try:
            again = record.getMessage()
        except Exception:  # noqa: BLE001  # a dotted-out argument may not fit its %d
            again = said
        if redact(again) != again:
            record.msg, record.args = redact(again), ()
    if record.exc_info and record.exc_info[0] is not None:
        trace = _FORMATTER.formatException(record.exc_info)
        if redact(trace) != trace:
            # Reflex's handlers render exc_info and ignore exc_text: only the message reaches all.
            record.msg, record.args = f"{record.getMessage()}\n{redact(trace)}", ()
            record.exc_info = record.exc_text = None
    if record.stack_info:
        record.stack_info = redact(record.stack_info)


def install() -> None:
    """Cover every log record from now on. A second call changes nothing. Call it before anything logs."""
    inner = logging.getLogRecordFactory()
    if getattr(inner, "covers_secrets", False):
        return

    def covered(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = inner(*args, **kwargs)
        _cover(record)
        return record

    covered.covers_secrets = True  # type: ignore[attr-defined]  # how the next call knows it is here
    logging.setLogRecordFactory(covered)
