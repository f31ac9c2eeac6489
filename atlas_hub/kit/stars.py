"""How the groups API masks: asterisks for all but the last four characters, as its original does.

Its tails are shorter than those of decisions §7, for its own fields alone: clients compare them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from atlas_hub.kit.secret import HIDDEN, Secret

TAIL: Final = 4
WHOLE: Final = "******"


def starred(secret: Secret) -> str:
    """As long as the secret, its last four characters in clear; none of one with four or fewer."""
    text = secret.reveal()
    if len(text) <= TAIL:
        return "*" * len(text)
    return "*" * (len(text) - TAIL) + text[-TAIL:]


def starred_whole() -> str:
    """Of a secret that hides its length, too."""
    return WHOLE


def is_starred(secret: Secret) -> bool:
    """Whether it looks like what is shown of a secret: asterisks in a row, or nothing else."""
    text = secret.reveal()
    return "**" in text or not text.strip("*")


def starred_url(secret: Secret) -> str:
    """Scheme and host of a secret address, then asterisks and the last four characters of its path, where it is long.

    Nothing of query and fragment: a signature or a token that stands there is often all that is secret.
    """
    shown = host_of(secret)
    if shown == HIDDEN:
        return WHOLE
    path = urlsplit(secret.reveal()).path
    return f"{shown}/****{path[-TAIL:] if len(path) >= 2 * TAIL else ''}"


def host_of(secret: Secret) -> str:
    """Scheme, host and port of a secret address, without who signs in there; dots for what is no address."""
    try:
        parts = urlsplit(secret.reveal())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not parts.scheme or not parts.hostname:
        return HIDDEN
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"
