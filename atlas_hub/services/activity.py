"""Read the audit log of a workspace: a page of it, and all of it as CSV or JSON lines. For owners and admins."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import BadForm
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.storage import activity as stored
from atlas_hub.storage.activity import Event, Filters

__all__ = ["NOTHING", "RESULTS", "Event", "Filters", "Format", "Page", "exported", "filters_of", "listed", "wire"]

LAST_SEQ: Final = 2**31 - 1
"""What the column holds."""
MOST: Final = 200
USUAL: Final = 50
RESULTS: Final = ("ok", "failed")
NOTHING: Final = Filters()
NAME_PATTERN: Final = "^[a-z0-9_-]{0,40}$"
TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f]{0,200}$"

_NAME, _TEXT = re.compile(NAME_PATTERN), re.compile(TEXT_PATTERN)
_DAY: Final = timedelta(days=1)
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")  # noqa: RUF001  # full width, as East Asian ones are typed
"""What a spreadsheet would calculate."""


class Format(StrEnum):
    """How the log is exported."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, kw_only=True)
class Page:
    """Events newest first. `older` and `newer` say whether there are more on either side.

    `labels` tells what the connections among the subjects are called now.
    """

    events: Sequence[Event]
    older: bool
    newer: bool
    labels: Mapping[str, str]


def filters_of(given: Mapping[str, str]) -> Filters:
    """The filters by the names that people give them: kind, provider, actor, result, subject, from, to; "" is all.

    `from` and `to` are ISO 8601, in UTC where they name no zone; a date alone is the whole day, so that `to` includes
    it, and `from` must not be after `to`. Raises `BadForm` by these names.
    """
    faults: dict[str, str] = {}

    def fits(name: str, pattern: re.Pattern[str], said: str) -> str:
        text = given.get(name, "")
        if pattern.fullmatch(text) is None or not stored.is_text(text):
            faults[name] = said
        return text

    result = given.get("result", "")
    if result not in {"", *RESULTS}:
        faults["result"] = f"This must be one of {', '.join(RESULTS)}."
    word = "This must be one word of small letters, digits, - and _, at most 40 characters."
    text = "This must be at most 200 characters of UTF-8 text, without line breaks."
    since, until = _between(given.get("from", ""), given.get("to", ""), faults)
    filters = Filters(
        kind=fits("kind", _NAME, word),
        provider=fits("provider", _NAME, word),
        actor=fits("actor", _TEXT, text).strip(),
        result=result,
        subject=fits("subject", _TEXT, text),
        since=since,
        until=until,
    )
    if faults:
        raise BadForm(faults)
    return filters


def _between(begin: str, end: str, faults: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """From when, and before when: the end of a day where `end` is one."""
    since, until = _moment("from", begin, faults), _moment("to", end, faults)
    if since is not None and until is not None and since > until and not _within(since, until, end):
        faults |= {"from": "This must not be after `to`.", "to": "This must not be before `from`."}
    if until is None or not _is_day(end):
        return since, until
    return since, None if until.date() == date.max else until + _DAY  # after the last day that there is, nothing is


def _moment(name: str, text: str, faults: dict[str, str]) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
        if found is None or found.tzinfo is None:
            return found and found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        faults[name] = "This must be a date such as 2026-03-31, or a moment such as 2026-03-31T09:30:00Z."
        return None


def _is_day(text: str) -> bool:
    return len(text) <= len("2026-03-31")


def _within(moment: datetime, begin: datetime, text: str) -> bool:
    return _is_day(text) and moment - begin < _DAY


async def listed(
    hub: Hub,
    actor: Actor,
    filters: Filters = NOTHING,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = USUAL,
) -> Page:
    """A page of the workspace's events: those before a seq, those after one, or the last. Raises `Forbidden`.

    At most `MOST` at once. Where fewer than a page stand after `after`, it is the last page.
    """
    require_admin(actor)
    limit = max(1, min(limit, MOST))
    async with hub.db.reading() as tx:
        found = await stored.page(tx, actor.workspace, filters, before=before, after=after, limit=limit + 1)
        if after is not None and len(found) <= limit:
            before = after = None
            found = await stored.page(tx, actor.workspace, filters, limit=limit + 1)
        more = len(found) > limit
        events = found[-limit:] if after is not None else found[:limit]
        labels = await stored.labels(tx, actor.workspace, (event["subject"] for event in events))
        newer = bool(events) and bool(await stored.page(tx, actor.workspace, filters, after=events[0]["seq"], limit=1))
    return Page(events=events, older=more if after is None else True, newer=newer, labels=labels)


async def exported(hub: Hub, actor: Actor, filters: Filters, form: Format) -> AsyncIterator[str]:
    """The workspace's events oldest first, as text in pieces; in CSV the names of the columns come before.

    Raises `Forbidden` before the first piece.
    """
    require_admin(actor)
    line = _LINES[form]
    if form is Format.CSV:
        yield _csv([COLUMNS])
    async for batch in stored.batches(hub.db, actor.workspace, filters):
        yield line(batch)


COLUMNS: Final = ("workspace", "seq", "id", "at", "kind", "result", "actor", "provider", "subject", "detail",
                  "requestId", "previousHash", "hash")  # fmt: skip


def wire(event: Event) -> dict[str, Any]:
    """An event as APIs and exports tell it: everything that its hash is made of, and the hash.

    One that cannot be read has the kind `unreadable`, and "" as its moment.
    """
    named = {"requestId": "request_id", "previousHash": "previous_hash"}
    at = "" if event["at"] is None else iso(event["at"])
    return {name: at if name == "at" else event[named.get(name, name)] for name in COLUMNS}


def _jsonl(batch: Sequence[Event]) -> str:
    return "".join(json.dumps(wire(event), ensure_ascii=False, separators=(",", ":")) + "\n" for event in batch)


def _csv_lines(batch: Sequence[Event]) -> str:
    return _csv([[_cell(value) for value in wire(event).values()] for event in batch])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


_LINES: Final[Mapping[Format, Callable[[Sequence[Event]], str]]] = {Format.CSV: _csv_lines, Format.JSONL: _jsonl}
