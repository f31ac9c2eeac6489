"""Row ids: 24 lower-case hex characters that sort by the time they were made."""

from __future__ import annotations

import re
import secrets

from atlas_hub.kit.clock import now

_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """11 hex of milliseconds since 1970 (good until the year 2527), then 13 hex (52 bits) of chance."""
    milliseconds = int(now().timestamp() * 1000)
    return f"{milliseconds:011x}{secrets.randbits(52):013x}"


def is_id(text: str) -> bool:
    """Whether the text has the shape of a row id."""
    return _ID.fullmatch(text) is not None
