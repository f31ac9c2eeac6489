"""How the hub's own server writes its log: one line for each event, as text or as JSON, with the request's id."""

from __future__ import annotations

import json
import logging
import sys
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

access = logging.getLogger("atlas_hub.access")

NO_REQUEST: Final = "-"
request_id: ContextVar[str] = ContextVar("atlas_hub_request_id", default=NO_REQUEST)
"""Under which id an answer, a page event or a command can be found in the log, and in the audit log."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are written; any other is `other`, as a caller may send whatever words it likes."""

FIELDS: Final = ("method", "route", "status", "ms")
"""What the line of a request says beside its message; nothing else of a record's extras is written."""


class Text(logging.Formatter):
    """`2026-11-21T19:00:00.123Z INFO atlas_hub.access [812 5f0c…] GET /… 200 12 ms`; line ends are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said = f"{_time(record)} {record.levelname} {record.name} [{record.process} {request_id.get()}] "
        said += record.getMessage()
        fault = _fault(record)
        return _one_line(f"{said} | {fault}" if fault else said)


class Json(logging.Formatter):
    """The same as one JSON object, an exception as one field of it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        said: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "requestId": request_id.get(),
            "pid": record.process,
        }
        said |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        fault = _fault(record)
        if fault:
            said["exception"] = fault
        return json.dumps(said, ensure_ascii=True, default=str)


FORMATS: Final = {"text": Text, "json": Json}


def install(form: str) -> None:
    """Write the log of this process to standard error in a form. A second call replaces the first.

    Secrets are covered before a record gets here: see `kit.redact`.
    """
    root = logging.getLogger()
    for former in [each for each in root.handlers if isinstance(each.formatter, Text | Json)]:
        root.removeHandler(former)
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(FORMATS[form]())
    root.addHandler(lines)
    logging.getLogger("atlas_hub").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


@contextmanager
def request() -> Iterator[str]:
    """Give a request its id, which is handed to the block: made here, so that no caller can write into our log."""
    made = str(uuid.uuid4())
    before = request_id.set(made)
    try:
        yield made
    finally:
        request_id.reset(before)


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """Write the line of a request. `route` is a template, never a path that somebody sent."""
    kind, ms = method_of(method), round(seconds * 1000)
    said = {"method": kind, "route": route, "status": status, "ms": ms}
    access.info("%s %s %s %s ms", kind, route, status, ms, extra=said)


def method_of(method: str) -> str:
    """The method, if it is one of `METHODS`; else `other`."""
    return method if method in METHODS else "other"


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault(record: logging.LogRecord) -> str:
    """The traceback and the stack, where the record has them."""
    told = "".join(traceback.format_exception(*record.exc_info)).rstrip() if record.exc_info else ""
    return "\n".join(part for part in (told, record.stack_info) if part)


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
