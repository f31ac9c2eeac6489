"""Passwords: which ones may be chosen, how they are kept and proven. The only import of argon2."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from functools import cache
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 1024
AT_ONCE = 2
"""How many are hashed at the same time in one process: each takes 64 MiB and a core."""

_COMMON = (
    "password", "passwort", "123456", "qwerty", "qwertz", "letmein", "welcome", "changeme", "administrator",
    "admin", "iloveyou", "abc123", "monkey", "dragon", "secret", "atlashub", "atlas",
)  # fmt: skip

_hasher = PasswordHasher()  # Argon2id with the parameters of RFC 9106 §4, second choice
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def turn() -> asyncio.Semaphore:
    """Whoever hashes or verifies takes a turn first: a flood costs neither memory nor other requests."""
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))


def fault(password: str, email: str) -> str | None:
    """Why this password may not be chosen and what to do, as a sentence; None where it may."""
    text = _normal(password)
    if len(text) < SHORTEST:
        return f"The password is too short: use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"The password is too long: use at most {LONGEST} characters."
    if text.casefold().strip() == _normal(email).casefold().strip():
        return "The password is the e-mail address. Choose another one."
    if _is_common(text.casefold()):
        return "The password is among the first that anyone would try. Choose four unrelated words, for example."
    return None


async def hashed(password: str) -> str:
    """What is stored: an Argon2id hash in PHC form, at most 200 characters. Waits for a turn."""
    async with turn():
        return await asyncio.to_thread(_hasher.hash, _normal(password))


async def verified(stored: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed. To be asked within a turn.

    Without a stored hash the answer is no, after the same time: nobody learns whether an account exists.
    """
    if len(password) > LONGEST:
        password = ""  # never a stored one; the work stays the same
    return await asyncio.to_thread(_verify, stored, _normal(password))


def outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def _normal(text: str) -> str:
    # The same characters typed on another keyboard are the same password (NIST SP 800-63B §3.1.1.2).
    return unicodedata.normalize("NFKC", text)


def _is_common(text: str) -> bool:
    """A common word repeated, or with digits and marks around it, or one character over and over."""
    if len(set(text)) < 3:  # noqa: PLR2004  # "aaaaaaaaaaaa", "abababababab"
        return True
    core = "".join(letter for letter in text if letter.isalnum())
    if not core:
        return False
    digits = "1234567890" * (len(core) // 10 + 2)
    if core in digits or core in digits[::-1]:
        return True
    return any(core.replace(word, "").strip(digits) == "" for word in _COMMON)
