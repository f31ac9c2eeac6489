"""What HTTP Digest stands on: nonces that every worker verifies, the counts they were used with, and a key's secret.

A nonce is 24 bytes in base64: the second it was made, 8 random bytes, and 12 of a MAC over both that is keyed by the
vault, so that whichever of its keys made it, any worker knows it again. Nothing is stored of one until it was used.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor
from atlas_hub.storage import digest as stored
from atlas_hub.storage.digest import Counts
from atlas_hub.storage.models import ApiKey
from atlas_hub.storage.sealed import bound_to
from atlas_hub.storage.vault import Vault

LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may be apart."""
WIDE: Final = 128
"""How many counts back one may come late, as those of parallel requests do."""
TRIES: Final = 200
"""How often a count is written anew where parallel requests with one nonce meet."""

_TIME, _RANDOM, _MAC, _LENGTH = 4, 8, 12, 32
_ALL: Final = (1 << WIDE) - 1


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is stored of a public key and a nonce. Of a key that is not there, the secret is one that nobody has."""

    row: Any = field(repr=False)
    secret: Secret
    counts: Counts | None

    @property
    def is_somebody(self) -> bool:
        """Whether there is such a key."""
        return self.row.id is not None


def new_nonce(hub: Hub) -> str:
    """A nonce that is good for five minutes. Raises `VaultLocked`."""
    made = int(hub.now().timestamp()).to_bytes(_TIME, "big") + secrets.token_bytes(_RANDOM)
    return b64encode(made + _mac(hub.vault.fingerprint(_said(made)))).decode("ascii")


def made_at(hub: Hub, nonce: str) -> datetime | None:
    """When a nonce was made; None where it is none of ours. Raises `VaultLocked`."""
    try:
        whole = b64decode(nonce, validate=True) if len(nonce) == _LENGTH else b""
    except (NotBase64, ValueError):
        whole = b""
    made, mac = whole[: _TIME + _RANDOM], whole[_TIME + _RANDOM :]
    ours = [hmac.compare_digest(_mac(each), mac) for each in hub.vault.fingerprints(_said(made))]
    return datetime.fromtimestamp(int.from_bytes(made[:_TIME], "big"), UTC) if any(ours) else None


def is_fresh(hub: Hub, made: datetime) -> bool:
    """Whether a nonce that was made then is still good."""
    return -SKEW <= hub.now() - made < LIFE


def _said(made: bytes) -> str:
    return f"digest nonce {made.hex()}"


def _mac(fingerprint: str) -> bytes:
    return bytes.fromhex(fingerprint.rpartition(":")[2])[:_MAC]


async def known(hub: Hub, public_key: str, nonce: str) -> Known:
    """What is stored of a public key and of a nonce: one query, and one envelope opened, whether or not there is one.

    Raises `VaultLocked`, `NotAvailable`.
    """
    async with hub.db.asking() as ask:
        row = await stored.known(ask, public_key, nonce)
    sealed, place = _dummy(hub.vault) if row.id is None else (row.sealed, bound_to(ApiKey(**_ident(row)), "sealed"))
    secret = hub.vault.open(sealed, bound_to=place)["private_key"]
    counts = None if row.highest is None else (row.highest, row.window)
    return Known(row=row, secret=secret, counts=counts)


def _ident(row: Any) -> dict[str, Any]:
    return {"id": row.id, "workspace": row.workspace}


_DUMMIES: WeakKeyDictionary[Vault, bytes] = WeakKeyDictionary()
_NOWHERE: Final = "-|api_key|-|sealed|-"


def _dummy(vault: Vault) -> tuple[bytes, str]:
    """What is opened where there is no such key: a secret that nobody has, so that it takes as long."""
    if vault not in _DUMMIES:
        _DUMMIES[vault] = vault.seal({"private_key": secrets.token_urlsafe(35)}, bound_to=_NOWHERE)
    return _DUMMIES[vault], _NOWHERE


async def count(hub: Hub, nonce: str, made: datetime, number: int, before: Counts | None) -> bool:
    """Write that a nonce was used with a count, once it is proven who did. False where it had been, or comes too late.

    `before` is what `known` read. Where other requests have written since, it is looked at again.
    """
    for _ in range(TRIES):
        after = counted(before, number)
        if after is None:
            return False
        async with hub.db.asking() as ask:
            if before is None:
                written = await stored.begin(ask, nonce, after, made + LIFE + SKEW)
            else:
                written = await stored.advance(ask, nonce, before, after)
            if written:
                return True
            before = await stored.seen(ask, nonce)
    return False


def counted(before: Counts | None, number: int) -> Counts | None:
    """The counts with one more; None where it was seen, or is too far behind to tell."""
    if before is None:
        return number, f"{1:x}"
    highest, window = before[0], int(before[1] or "0", 16)
    if number > highest:
        ahead = number - highest
        moved = (window << ahead) & _ALL if ahead < WIDE else 0
        return number, f"{moved | 1:x}"
    behind = highest - number
    if behind >= WIDE or window >> behind & 1:
        return None
    return highest, f"{window | 1 << behind:x}"


async def actor(hub: Hub, found: Known, api: str) -> Actor:
    """Who calls, once it is proven. Raises `Forbidden` where the key is not for this API."""
    return await api_keys.actor_of_row(hub, found.row, api)
