"""Row ids: 24 lower-case hex characters that sort by the time they were made; a host's own ids mapped to them."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

from atlas_hub.kit.clock import now

_ID = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    """11 hex of milliseconds since 1970 (good until the year 2527), then 13 hex (52 bits) of chance."""
    milliseconds = int(now().timestamp() * 1000)
    return f"{milliseconds:011x}{secrets.randbits(52):013x}"


def is_id(text: str) -> bool:
    """Whether the text has the shape of a row id."""
    return _ID.fullmatch(text) is not None


def workspace_id(own: str) -> str:
    """The workspace of a host's own tenant id, of any shape: the same 24 hex for the same text, always.

    Raises `ValueError` for an empty id, which would be one workspace for everyone whose tenant is not known.
    """
    if not own.strip():
        raise ValueError("A tenant without an id has no workspace.")
    return sha256(f"atlas_hub workspace\0{own}".encode()).hexdigest()[:24]
