"""What the providers of alerts share: keys that are read leniently, and a vendor's words that tell no secret."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final

from atlas_hub.kit.cleaning import shown
from atlas_hub.kit.errors import NetworkError, PlatformError
from atlas_hub.kit.guard import TOO_LONG, URL_LENGTH
from atlas_hub.kit.http import Answer
from atlas_hub.kit.ladder import Ladder
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import Alert, Form

CLIENT: Final = "Atlas Hub"
LONGEST_KEY: Final = 512
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_ADDRESS = re.compile(r"https?://[^\s/?#\\]+[^\s\\]*", re.IGNORECASE)


def sendable(value: Secret) -> Secret:
    """A key that can be sent at all; whether it is one, the vendor tells. Raises `ValueError` with a sentence."""
    if len(value) > LONGEST_KEY:
        raise ValueError(f"This is too long for a key: it has more than {LONGEST_KEY} characters. Copy it alone.")
    if _SENDABLE.fullmatch(value.reveal()) is None:
        raise ValueError(
            "This is not a key: it has spaces or other signs that none has. Copy it again, whole and alone."
        )
    return value


def whole_address(value: Secret, otherwise: str) -> Secret:
    """An address that is whole. Raises `ValueError` for one that is too long to be asked, with `otherwise` for others.

    Where it leads is the guard's to judge, each time it is used.
    """
    if len(value) > URL_LENGTH:
        raise ValueError(TOO_LONG)
    if _ADDRESS.fullmatch(value.reveal()) is None:
        raise ValueError(otherwise)
    return value


UUID: Final = (r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "32 digits in five groups")
"""What most keys of some vendors are: for `looked_at`."""


def looked_at(ladder: Ladder, key: Secret, usual: tuple[str, str], looks: str) -> tuple[str, ...]:
    """The rung that looks at a key, and refuses none: the warning where it is not as most of its kind are.

    `usual` is their pattern, and what they are in words; `looks` is the rung's sentence for one of them.
    """
    with ladder.step("format", "Check the format") as rung:
        pattern, words = usual
        fits = re.fullmatch(pattern, key.reveal()) is not None
        warnings = () if fits else (f"Most keys are {words}; this is not. Check that it is whole.",)
        rung.detail = "".join(warnings) or looks
    return warnings


def name_of(alert: Alert) -> str:
    """What an alert is called at every vendor, so that its end finds its beginning."""
    return f"test-{alert.id}"


def told(said: Any, form: Form) -> str:
    """A vendor's own word, fit to show; "" where it is none, or tells a secret of the form."""
    # Looked for in all that was said: what is shown is cut, and could end in half a secret.
    if not isinstance(said, str) or any(secret.reveal() in said for secret in form.given_secrets().values()):
        return ""
    return shown(said).rstrip(".")


async def opening(answer: Awaitable[Answer]) -> Answer:
    """The answer to what opens an alert. A `NetworkError` says that it may be open all the same, and pages somebody."""
    try:
        return await answer
    except NetworkError as error:
        raise NetworkError(f"{error.text} It may have arrived all the same: look for it there.") from None


def nonsense(vendor: str) -> PlatformError:
    """The error for an answer that is no answer."""
    return PlatformError(f"{vendor} gave an answer that makes no sense. Try again later.")
