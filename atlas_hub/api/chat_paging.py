"""Pages of the chat API's lists: the query's words for which one, and its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.datastructures import QueryParams

from atlas_hub.api.chat_errors import bad_request, invalid
from atlas_hub.api.chat_frame import Page
from atlas_hub.services.channel_lists import Cut, Found, Wanted
from atlas_hub.services.chat_words import CHANNELS, purpose_of
from atlas_hub.services.contexts import exact

USUAL: Final = 10
MOST: Final = 100
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}


def cut_of(query: QueryParams) -> Cut:
    """Which page is asked for. Raises `Refused` 400 for both cursors at once, 422 for what cannot be read."""
    faults: dict[str, str] = {}
    after, before = query.get("after", ""), query.get("before", "")
    direction, order = query.get("orderDirection") or "DESC", query.get("orderBy") or "createdAt"
    inclusive = _FLAGS.get(query.get("includeCursor", "").lower())
    if direction not in {"ASC", "DESC"}:
        faults["orderDirection"] = "orderDirection must be one of the following values: ASC, DESC"
    if order not in {"createdAt", "updatedAt"}:
        faults["orderBy"] = "orderBy must be one of the following values: createdAt, updatedAt"
    if inclusive is None:
        faults["includeCursor"] = "includeCursor must be a boolean value"
    limit = _limit(query.get("limit"))
    if limit is None:
        faults["limit"] = f"limit must be a whole number from 1 on; more than {MOST} are {MOST}"
    if faults:
        raise invalid(faults)
    if after and before:
        raise bad_request('Cannot specify both "before" and "after" cursors at the same time.')
    return Cut(
        after=after,
        before=before,
        limit=limit or USUAL,
        ascending=direction == "ASC",
        by_update=order == "updatedAt",
        inclusive=bool(inclusive),
    )


def _limit(text: str | None) -> int | None:
    """A number as any client writes it, 10 or 10.0."""
    if text is None or text == "":
        return USUAL
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdecimal()) or part.strip("0"):
        return None
    number = int(whole[:9])
    return min(number, MOST) if number >= 1 else None


def wanted_of(query: QueryParams, kind_of: Callable[[str], tuple[str, str]], cards: Sequence[str] = ()) -> Wanted:
    """The filters; `kind_of` tells what a providerId is in the list. Raises `Refused` 422 for a word of no filter."""
    mode, channel, provider_id = (query.get(name) or None for name in ("connectionMode", "channel", "providerId"))
    faults: dict[str, str] = {}
    if mode not in {None, "subscriber", "shared"}:
        faults["connectionMode"] = "connectionMode must be one of the following values: subscriber, shared"
    if channel is not None and channel not in CHANNELS:
        faults["channel"] = f"channel must be one of the following values: {', '.join(CHANNELS)}"
    if faults:
        raise invalid(faults)
    return Wanted(
        subscriber=query.get("subscriberId") or None,
        contexts=exact(query.getlist("contextKeys")) if "contextKeys" in query else None,
        shared=None if mode is None else mode == "shared",
        integration=query.get("integrationIdentifier") or None,
        connection=query.get("connectionIdentifier") or None,
        provider=kind_of(provider_id) if provider_id else None,
        purpose=purpose_of(channel) if channel else None,
        cards=tuple(cards),
    )


def page_of(found: Found, told: Callable[[Any], dict[str, Any]]) -> Page:
    """A page's body."""
    return Page(
        data=[told(row) for row in found.rows],
        next=found.next,
        previous=found.previous,
        total=found.total,
        capped=found.capped,
    )
