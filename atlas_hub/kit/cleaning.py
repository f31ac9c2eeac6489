"""Text from outside: a token without what stuck to it in the clipboard, a vendor's words fit to show and store."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from atlas_hub.kit.redact import redact

SHOWN_LENGTH = 120
_QUOTES = "\"'`\u00b4\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2039\u203a"
_PREFIX = re.compile(r"(?:authorization\s*:\s*)?bearer\s+", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Controls, formats (zero-width characters, direction marks, byte order mark) and lone surrogates."""


def pasted(value: Any) -> Any:
    """A token without quotes, spaces, unseen characters and a leading `Bearer`; what is no text comes back as it is."""
    if not isinstance(value, str):
        return value
    text = "".join(sign for sign in value if sign.isspace() or unicodedata.category(sign) not in _UNSEEN)
    before = None
    while text != before:
        before = text
        text = _PREFIX.sub("", text.strip().strip(_QUOTES).strip(), count=1)
    return text


def shown(text: str, length: int = SHOWN_LENGTH) -> str:
    """A vendor's text on one line, without controls and secrets, at most `length` characters."""
    seen = (" " if sign.isspace() else sign for sign in text)
    plain = "".join(sign for sign in seen if unicodedata.category(sign) not in _UNSEEN)
    return redact(" ".join(plain.split()))[:length]
