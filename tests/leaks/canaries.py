"""Secrets made for one run alone, each of which sings wherever a part of it turns up; and who listens."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

WINDOW = 8
"""A mask may show a tail of four (decisions §7). Eight characters in a row are a leak."""

ODD = "p\u00e4ss \"'\\%<&+{}"
"""A password with signs that JSON, URLs, HTML and shells write differently."""

LETTERS = "ghijkmnpqrstuvwxyz"
"""What canaries are made of: no hexadecimal digits, of which ids, nonces and what is sealed have millions in a row."""

_ANSI = re.compile(rb"\x1b\[[0-9;]*m")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
"""Where a needle could be: each consists of these."""
_HASHED = re.compile(rb"(?<=_)[0-9a-f]{32}(?=_[0-9a-f]{8}(?![0-9a-f]))")
"""Reflex calls each piece of the page by a hash of its markup: thousands of hex digits in which any eight turn up."""
_WRAP = re.compile(rb"[\r\n]+[ \t]*")


def fresh(length: int = 32) -> str:
    """Letters that nobody has written before."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def windows(text: str) -> tuple[str, ...]:
    """Beginning, middle and end of a secret: whoever shows more than a mask shows one of them."""
    middle = len(text) // 2 - WINDOW // 2
    return tuple(dict.fromkeys((text[:WINDOW], text[middle : middle + WINDOW], text[-WINDOW:])))


def forms(text: str) -> frozenset[bytes]:
    """A text as it is, in capitals, in hexadecimal, and within base64 wherever it begins there.

    Letters and digits look the same in JSON, in a URL, in SQL and in a pickle: what is searched for consists of them.
    """
    raw = text.encode()
    found = {raw, raw.upper(), raw.hex().encode(), raw.hex().upper().encode()}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        inside = whole[-(-before * 4 // 3) : len(whole) - (0, 3, 2)[(before + len(raw)) % 3]]
        found |= {inside, inside.translate(bytes.maketrans(b"+/", b"-_"))}
    return frozenset(found)


@dataclass(frozen=True, repr=False)
class Canary:
    """A secret, what it is called, and the part of it by which it is known."""

    name: str
    text: str
    core: str

    @property
    def needles(self) -> frozenset[bytes]:
        """Every trace of it that is searched for."""
        return frozenset(form for part in windows(self.core) for form in forms(part))


@dataclass
class Aviary:
    """Every canary of a run."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    _index: dict[bytes, list[tuple[bytes, str]]] = field(default_factory=dict, repr=False)
    _indexed: int = 0

    @property
    def texts(self) -> frozenset[str]:
        """What they all look like."""
        return frozenset(canary.text for canary in list(self.canaries.values()))

    def add(self, name: str, text: str, core: str = "") -> str:
        """Take a secret in that somebody else made; the secret."""
        known = self.canaries.get(name)
        if known is None or known.text != text:
            self.canaries[name if known is None else f"{name} #{len(self.canaries)}"] = Canary(name, text, core or text)
        return text

    def make(self, name: str, shape: str = "{}", core: str = "") -> str:
        """A fresh secret: `shape` with 32 letters put in."""
        core = core or fresh()
        return self.add(name, shape.format(core), core)

    def telegram(self, name: str) -> str:
        """A token that Telegram's form takes; its digits in front are the bot's public id."""
        number = 100_000_000 + secrets.randbelow(800_000_000)
        return self.make(f"telegram bot_token, {name}", f"{number}:AA{{}}K")

    def password(self, name: str) -> str:
        """A password for people, as odd as can be."""
        return self.make(f"password, {name}", ODD)

    def _known(self) -> dict[bytes, list[tuple[bytes, str]]]:
        """Every needle by its first window, with its canary's name; made anew when there are more canaries."""
        if self._indexed != len(self.canaries):
            self._indexed = len(self.canaries)
            self._index.clear()
            for canary in self.canaries.values():
                for needle in canary.needles:
                    self._index.setdefault(needle[:WINDOW], []).append((needle, canary.name))
        return self._index

    def search(self, place: bytes) -> dict[str, str]:
        """The canaries heard in a place, by name, and what was heard. Lines that a terminal wrapped are joined first.

        Every window of a place is looked up once, so that the search does not slow with the number of canaries.
        """
        joined = _HASHED.sub(b"", _WRAP.sub(b"", _ANSI.sub(b"", place)))
        known = self._known()
        begun = {
            part
            for found in _RUN.finditer(joined)
            for part in known.keys() & {found[0][at : at + WINDOW] for at in range(len(found[0]) - WINDOW + 1)}
        }
        heard = [(needle, name) for part in begun for needle, name in known[part] if needle in joined]
        return {name: needle.decode() for needle, name in sorted(heard)}

    def missing(self, places: Mapping[str, bytes], names: Iterable[str]) -> list[str]:
        """Which of the named canaries are in none of the places: what a control that should find them would say."""
        heard = {name for place in places.values() for name in self.search(place)}
        return [name for name in names if name not in heard]
