"""Seal secrets so that only this hub can open them, and only in the row for which they were sealed."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from atlas_hub.kit.errors import VaultLocked
from atlas_hub.kit.secret import Secret
from atlas_hub.storage.keys import KEY_BYTES, SETTING, Key, is_key_id

CHECK_BOUND_TO: Final = "installation|key_check"
_CHECK: Final = {"check": "The key that opens this is the installation's key."}

_VERSION = 1
_NONCE = 12
_TAG = 16
_WRAPPED = _NONCE + KEY_BYTES + _TAG
HEADER_BYTES: Final = 9
"""How many bytes of an envelope always hold its version and its whole key id."""

_NO_KEY = (
    f"No encryption key is configured, so nothing that is stored can be opened. Set {SETTING} to the key this "
    "installation was set up with (a new one: run `atlas-hub keys generate`), then start the hub again."
)


class _Parts(NamedTuple):
    key_id: str
    header: bytes
    wrapped: bytes
    body: bytes


class _Subkeys:
    """What one hub key is used for; each use has a key of its own, so that none weakens another."""

    __slots__ = ("fingerprint", "wrap")

    def __init__(self, key: Key) -> None:
        self.wrap = AESGCM(_derive(key, b"wrap"))
        self.fingerprint = _derive(key, b"fingerprint")


class Vault:
    """Seals and opens envelopes, and makes fingerprints. The first key is active; no key at all is locked.

    An envelope is bytes, in this order:

    | bytes | what |
    |---|---|
    | 1 | version: 1 |
    | 1 | n, the length of the key id: 2 to 7 |
    | n | key id, ASCII (`v1`) |
    | 12 + 32 + 16 | nonce, data key under the hub key's wrapping subkey, tag |
    | 12 + m + 16 | nonce, the values as JSON under the data key, tag |

    Both layers are AES-256-GCM (NIST SP 800-38D) with random nonces; the data key is random and belongs to
    one envelope. The wrapping subkey is HKDF-SHA256 (RFC 5869) of the hub key, salt `atlas-hub`, info `wrap`.
    The associated data of a layer is its name (`wrap`, `body`), a zero byte, the first 2 + n bytes, and
    `bound_to` in UTF-8: where the envelope belongs, as `workspace|table|row id|field|provider`. Anywhere else
    it is refused. One hub key is good for 2^32 envelopes.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        ids = [key.id for key in keys]
        if len(set(ids)) != len(ids):
            raise ValueError("Two keys have one id.")
        self._subkeys = {key.id: _Subkeys(key) for key in keys}
        self._active_id = ids[0] if ids else ""
        self._reason = "" if ids else _NO_KEY

    @property
    def locked(self) -> bool:
        """Whether nothing can be sealed or opened."""
        return bool(self._reason)

    @property
    def reason(self) -> str:
        """Why it is locked and what to do, as a sentence; empty where it is not."""
        return self._reason

    @property
    def active_id(self) -> str:
        """The id of the key that seals; empty where there is none."""
        return self._active_id

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys that are configured."""
        return frozenset(self._subkeys)

    def knows(self, key_id: str) -> bool:
        """Whether what is sealed with that key can be opened now."""
        return not self._reason and key_id in self._subkeys

    def require_open(self) -> None:
        """Raises `VaultLocked` with the reason where nothing can be sealed or opened."""
        if self._reason:
            raise VaultLocked(self._reason)

    def lock(self, reason: str) -> None:
        """Refuse everything from now on. `reason` is a sentence with the remedy; it may be shown."""
        self._reason = reason or _NO_KEY

    def seal(self, values: Mapping[str, str | Secret], *, bound_to: str) -> bytes:
        """An envelope of the values under the active key. Raises `VaultLocked`."""
        self.require_open()
        texts = {name: value.reveal() if isinstance(value, Secret) else value for name, value in values.items()}
        if not _are_texts(texts):
            raise TypeError("Only texts can be sealed.")
        return self._seal(json.dumps(texts, separators=(",", ":")).encode(), bound_to)

    def open(self, envelope: bytes, *, bound_to: str) -> dict[str, Secret]:
        """The values that `seal` was given for the same place.

        Raises `VaultLocked` where no configured key has the envelope's key id (the text names it), and where
        the envelope was changed, moved, or sealed with another key of that id.
        """
        texts = _read(self._unseal(envelope, bound_to))
        if texts is None:
            raise VaultLocked(_NOT_OURS)
        return {name: Secret(text) for name, text in texts.items()}

    def rewrap(self, envelope: bytes, *, bound_to: str, to: str | None = None) -> bytes:
        """The same values under the active key and a fresh data key, for the same place or for `to`.

        The envelope is opened and verified first. Raises `VaultLocked` as `open` does.
        """
        return self._seal(self._unseal(envelope, bound_to), bound_to if to is None else to)

    def key_id_of(self, envelope: bytes) -> str:
        """The id of the key that sealed it, as written in it; a locked vault tells it too.

        Raises `VaultLocked` where these are not the bytes of an envelope.
        """
        return _split(envelope).key_id

    @property
    def active_header(self) -> bytes:
        """The first bytes of what the active key seals, and of nothing else. Raises `VaultLocked`."""
        self.require_open()
        return _header(self._active_id)

    def fingerprint(self, token: str | Secret) -> str:
        """What is stored to find a token again: `<key id>:` and 64 hex of HMAC-SHA256; at most 72 characters.

        The HMAC's key is HKDF-SHA256 of the active key with info `fingerprint`. Raises `VaultLocked`.
        """
        self.require_open()
        return self._fingerprint(self._active_id, token)

    def fingerprints(self, token: str | Secret) -> tuple[str, ...]:
        """The token's fingerprint under every key, active first: what to look up. Raises `VaultLocked`."""
        self.require_open()
        return tuple(self._fingerprint(key_id, token) for key_id in self._subkeys)

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._subkeys)}{'; locked' if self.locked else ''})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A vault cannot be pickled or copied.")

    def _seal(self, plain: bytes, bound_to: str) -> bytes:
        header = _header(self._active_id)
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        wrapped = _encrypt(self._subkeys[self._active_id].wrap, data_key, _place(b"wrap", header, bound_to))
        return header + wrapped + _encrypt(AESGCM(data_key), plain, _place(b"body", header, bound_to))

    def _unseal(self, envelope: bytes, bound_to: str) -> bytes:
        self.require_open()
        parts = _split(envelope)
        subkeys = self._subkeys.get(parts.key_id)
        if subkeys is None:
            raise VaultLocked(
                f"This was sealed with encryption key {parts.key_id}, which is not configured. "
                f"Ask whoever runs the hub to put {parts.key_id} back, or connect again."
            )
        data_key = _decrypt(subkeys.wrap, parts.wrapped, _place(b"wrap", parts.header, bound_to))
        if data_key is None:
            raise VaultLocked(
                f"This was sealed with encryption key {parts.key_id}, but the {parts.key_id} configured does not open "
                "it: the sealed bytes were changed or moved from another row, or the key is another one of that name. "
                f"Ask whoever runs the hub to put the right {parts.key_id} back or restore a backup, or connect again."
            )
        plain = _decrypt(AESGCM(data_key), parts.body, _place(b"body", parts.header, bound_to))
        if plain is None:
            raise VaultLocked(
                "The sealed bytes were changed after they were stored. Restore the row from a backup, or connect again."
            )
        return plain

    def _fingerprint(self, key_id: str, token: str | Secret) -> str:
        text = token.reveal() if isinstance(token, Secret) else token
        key = self._subkeys[key_id].fingerprint
        # surrogatepass: what a caller sends as a token may be no valid text, and is then merely not found.
        return f"{key_id}:{hmac.new(key, text.encode('utf-8', 'surrogatepass'), hashlib.sha256).hexdigest()}"


_NOT_OURS = (
    "The stored bytes are not an envelope of this hub. Restore the row from a backup, upgrade the hub if a "
    "newer one wrote it, or connect again."
)


def key_id_in(start: bytes) -> str | None:
    """The key id in the first `HEADER_BYTES` of an envelope; None where no envelope begins like this."""
    if len(start) < 2 or start[0] != _VERSION:  # noqa: PLR2004  # version and length
        return None
    name = start[2 : 2 + start[1]].decode("latin-1")
    return name if len(name) == start[1] and is_key_id(name) else None


def make_check(vault: Vault) -> bytes:
    """What an installation stores at its first start, to know its keys again. Raises `VaultLocked`."""
    return vault.seal(_CHECK, bound_to=CHECK_BOUND_TO)


def check_fault(vault: Vault, check: bytes | None) -> str | None:
    """Why these are not the installation's keys and what to do, as a sentence; None where they are.

    Without a stored check every unlocked vault is right: store `make_check` then.
    """
    if vault.locked:
        return vault.reason
    if check is None:
        return None
    with suppress(VaultLocked):
        vault.open(check, bound_to=CHECK_BOUND_TO)
        return None
    key_id = key_id_in(check)
    if key_id is None:
        return "The installation's key check is not readable. Restore the database from a backup."
    return (
        f"The keys in {SETTING} are not this installation's: its key check was sealed with {key_id}, and "
        f"{'another key of that name' if key_id in vault.key_ids else 'no key of that name'} is configured. "
        f"Put the right {key_id} back and start the hub again."
    )


def passes(vault: Vault, check: bytes | None) -> bool:
    """Whether the vault's keys are the installation's; `check_fault` says why not."""
    return check_fault(vault, check) is None


def _derive(key: Key, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=b"atlas-hub", info=use).derive(key.material)


def _header(key_id: str) -> bytes:
    return bytes((_VERSION, len(key_id))) + key_id.encode()


def _place(layer: bytes, header: bytes, bound_to: str) -> bytes:
    return layer + b"\0" + header + bound_to.encode("utf-8", "surrogatepass")


def _split(envelope: bytes) -> _Parts:
    envelope = bytes(envelope)  # some drivers answer with a memoryview
    key_id = key_id_in(envelope)
    if key_id is None or len(envelope) < 2 + len(key_id) + _WRAPPED + _NONCE + _TAG:
        raise VaultLocked(_NOT_OURS)
    start = 2 + len(key_id)
    end = start + _WRAPPED
    return _Parts(key_id, envelope[:start], envelope[start:end], envelope[end:])


def _encrypt(cipher: AESGCM, plain: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, place)


def _decrypt(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes | None:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
    except InvalidTag:
        return None


def _read(plain: bytes) -> dict[str, str] | None:
    # Nothing is raised from here: a JSON error carries the text it could not read.
    try:
        values = json.loads(plain)
    except ValueError:
        return None
    return values if isinstance(values, dict) and _are_texts(values) else None


def _are_texts(values: Mapping[str, object]) -> bool:
    return all(isinstance(value, str) for value in values.values())
