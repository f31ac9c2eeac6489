"""The hub's encryption keys: how they are written, read, generated and kept in a file."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from atlas_hub.kit.errors import BadForm

SETTING = "ATLAS_ENCRYPTION_KEYS"
KEY_BYTES = 32

_ID = re.compile(r"v[1-9][0-9]{0,5}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_PLACEHOLDER = re.compile(r"change|example|placeholder|secret|your[-_]?key|replace|insert|todo|xxx", re.IGNORECASE)
_REMEDY = "Run `atlas-hub keys generate` and use what it prints."
_FEWEST_VALUES = 16
_FILE_LIMIT = 64 * 1024
_PRIVATE = 0o600


@dataclass(frozen=True, repr=False, eq=False)
class Key:
    """One hub key: `id` is `v1` to `v999999`, `material` its 32 bytes, which no text or pickle shows."""

    id: str
    material: bytes

    def __post_init__(self) -> None:
        if not is_key_id(self.id) or len(self.material) != KEY_BYTES:
            raise ValueError("A key has an id like v1 and exactly 32 bytes.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.id == other.id and hmac.compare_digest(self.material, other.material)

    __hash__ = None  # type: ignore[assignment]  # a hash in a set or a traceback is a place to leak from

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A key cannot be pickled or copied.")


def is_key_id(text: str) -> bool:
    """Whether the text is `v` and a number from 1 to 999999."""
    return _ID.fullmatch(text) is not None


def generate_key() -> str:
    """A fresh key: base64 (RFC 4648 §4, padded) of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_keys(text: str, *, source: str = SETTING) -> tuple[Key, ...]:
    """The keys that `text` names, the active one first; none where the text is blank.

    `v2:<base64>,v1:<base64>`, or one bare `<base64>`, which is v1. The base64 is of exactly 32 bytes, in the
    standard or the URL-safe alphabet, with or without padding. `source` is what the sentences call the text.
    Raises `BadForm` under `ATLAS_ENCRYPTION_KEYS`; never echoes any part of the text but a well-formed id.
    """
    if not text.strip():
        return ()
    entries = [entry.strip() for entry in text.split(",")]
    keys: list[Key] = []
    for number, entry in enumerate(entries, start=1):
        key = _parse_entry(entry, alone=len(entries) == 1, where=f"Entry {number} of {source}")
        for other in keys:
            if other.id == key.id:
                raise _refusal(
                    f"{source} names {key.id} twice. Give each key an id of its own; a new key takes the next number."
                )
            if hmac.compare_digest(other.material, key.material):
                raise _refusal(
                    f"{source} has the same key as {other.id} and {key.id}, so a rotation would change "
                    f"nothing. {_REMEDY}"
                )
        keys.append(key)
    return tuple(keys)


def load_or_make_key_file(path: Path, *, may_make: bool) -> tuple[Key, ...] | None:
    """The keys in the file; None where there is no file and none may be made.

    The file holds what `ATLAS_ENCRYPTION_KEYS` would, and only its owner may read it. A new one is written
    beside its place and then linked there: processes that start together end with one key, and no reader sees
    half a file. An existing file is never changed. Raises `BadForm` where it cannot be read, made or trusted.
    """
    keys = _read_file(path)
    if keys is not None or not may_make:
        return keys
    try:
        _make_file(path)
    except OSError as error:
        raise _refusal(
            f"The key file {path} could not be made ({error.strerror}). "
            f"Make its folder writable, or set {SETTING}. {_REMEDY}"
        ) from None
    return _read_file(path)


def _parse_entry(entry: str, *, alone: bool, where: str) -> Key:
    key_id, colon, encoded = entry.partition(":")
    if not colon:
        if not alone:
            raise _refusal(f"{where} has no key id. Write each entry as v<number>:<key>, for example v2 before v1.")
        key_id, encoded = "v1", entry
    if not is_key_id(key_id):
        raise _refusal(
            f"{where} has a malformed key id. An id is v and a number from 1 to 999999, without zeros before."
        )
    material = _decode(encoded)
    if material is None or len(material) != KEY_BYTES:
        if _PLACEHOLDER.search(encoded):
            raise _refusal(f"{where} is a placeholder, not a key. {_REMEDY}")
        raise _refusal(f"{where} is not base64 of exactly 32 bytes. {_REMEDY}")
    if _is_placeholder(material):
        raise _refusal(f"{where} is a placeholder or a text, not random bytes. {_REMEDY}")
    return Key(key_id, material)


def _decode(encoded: str) -> bytes | None:
    if _BASE64.fullmatch(encoded) is None:
        return None
    bare = encoded.rstrip("=").translate(str.maketrans("-_", "+/"))
    with suppress(binascii.Error):
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    return None


def _is_placeholder(material: bytes) -> bool:
    """Whether nobody drew these bytes at random; a random key is taken for one less than once in 10^13."""
    steps = {(after - before) % 256 for before, after in pairwise(material)}
    return (
        len(set(material)) < _FEWEST_VALUES  # zeros, one byte, a short text repeated
        or len(steps) == 1  # 00 01 02 …, as examples have it
        or all(0x20 <= byte < 0x7F for byte in material)  # noqa: PLR2004  # printable ASCII: somebody's passphrase
    )


def _read_file(path: Path) -> tuple[Key, ...] | None:
    try:
        mode, text = _read_private(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(
            f"The key file {path} could not be read ({error.strerror}). "
            f"Let the hub's own user read it, or set {SETTING}."
        ) from None
    if not stat.S_ISREG(mode):
        raise _refusal(f"The key file {path} is not a file. Move it away, or set {SETTING}.")
    if stat.S_IMODE(mode) & 0o077:
        raise _refusal(f"The key file {path} can be read by other users of this machine. Run `chmod 600 {path}`.")
    keys = parse_keys(text, source=f"the key file {path}")
    if not keys:
        raise _refusal(f"The key file {path} is empty. Put the key back, or remove the file if nothing was stored yet.")
    return keys


def _read_private(path: Path) -> tuple[int, str]:
    # O_NONBLOCK: a FIFO in the file's place must not hang the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        # The permissions are read from what was opened, and before its contents are.
        if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
            return mode, ""
        return mode, os.read(descriptor, _FILE_LIMIT).decode("ascii", errors="replace")
    finally:
        os.close(descriptor)


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, _PRIVATE)
            file.write(f"v1:{generate_key()}\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process was first, and its key is the key
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refusal(sentence: str) -> BadForm:
    return BadForm({SETTING: sentence})
