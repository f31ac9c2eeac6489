"""Marks of the providers, one file each, named by the slug; none is needed. README.md says where each is from."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


def of(slug: str) -> str:
    """The mark as an address that needs no request; "" where there is none."""
    path = HERE / f"{slug}.svg"
    if not path.is_file():
        return ""
    return "data:image/svg+xml;base64," + b64encode(path.read_bytes()).decode()
