"""Until when a vendor asked to be left alone: kept in the connection's row, so that every worker and page knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_hub.kit.clock import iso, parse
from atlas_hub.kit.errors import HubError, RateLimited
from atlas_hub.storage.models import Connection

UNTIL: Final = "wait_until"
"""In `Connection.listing`."""


def until(listing: Mapping[str, Any], at: datetime) -> datetime | None:
    """The moment before which nobody asks, out of `Connection.listing`; None where it is over."""
    said = listing.get(UNTIL)
    moment = parse(said) if isinstance(said, str) else None
    return moment if moment is not None and moment > at else None


def require(row: Connection, at: datetime) -> None:
    """Raise `RateLimited` while the vendor asked to wait."""
    moment = until(row.listing, at)
    if moment is not None:
        raise busy(moment, at)


def busy(moment: datetime, at: datetime) -> RateLimited:
    """That the vendor asked to wait until then."""
    seconds = max(1, -int((at - moment).total_seconds() // 1))
    text = f"The vendor asked to wait until {iso(moment)}. Try again in {seconds} seconds."
    return RateLimited(text, retry_after=seconds)


def note(row: Connection, error: HubError, at: datetime) -> None:
    """Write down that the vendor asked to wait, where it did."""
    if isinstance(error, RateLimited):
        row.listing = {**row.listing, UNTIL: (at + timedelta(seconds=error.retry_after)).isoformat()}
