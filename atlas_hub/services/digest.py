"""What HTTP Digest stands on: nonces that every worker verifies, the counts they were used with, and a key's secret.

A nonce is 24 bytes in base64: the second it was made, 8 random bytes, and 12 of a MAC over both that is keyed by the
vault, so that whichever of its keys made it, any worker knows it again. Nothing is stored of one until it was used.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotAvailable
from atlas_hub.kit.secret import Secret
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor
from atlas_hub.storage import digest as stored
from atlas_hub.storage.digest import Counts
from atlas_hub.storage.sealed import place_of_key
from atlas_hub.storage.vault import Vault

LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may be apart."""
WIDE: Final = 128
"""How many counts back one may come late, as those of parallel requests do."""
TRIES: Final = 50
"""How often counts are written anew where several workers meet at one nonce."""

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
    sealed, place = _dummy(hub.vault) if row.id is None else (row.sealed, place_of_key(row))
    secret = hub.vault.open(sealed, bound_to=place)["private_key"]
    counts = None if row.highest is None else (row.highest, row.window)
    return Known(row=row, secret=secret, counts=counts)


_DUMMIES: WeakKeyDictionary[Vault, bytes] = WeakKeyDictionary()
_NOWHERE: Final = "-|api_key|-|sealed|-"


def _dummy(vault: Vault) -> tuple[bytes, str]:
    """What is opened where there is no such key: a secret that nobody has, so that it takes as long."""
    if vault not in _DUMMIES:
        _DUMMIES[vault] = vault.seal({"private_key": secrets.token_urlsafe(35)}, bound_to=_NOWHERE)
    return _DUMMIES[vault], _NOWHERE


@dataclass
class _Line:
    """What waits in this worker to be written of one nonce, and its counts as this worker wrote them last."""

    counts: Counts | None
    waiting: list[tuple[int, asyncio.Future[bool]]] = field(default_factory=list)


_LINES: dict[tuple[int, str], _Line] = {}


async def count(hub: Hub, nonce: str, made: datetime, number: int, before: Counts | None) -> bool:
    """Write that a nonce was used with a count, once it is proven who did. False where it had been, or comes too late.

    `before` is what `known` read. Requests that come while another's count is being written are written together.
    """
    place = (id(hub), nonce)
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    line = _LINES.get(place)
    if line is None:
        line = _LINES[place] = _Line(before)
        line.waiting.append((number, answer))
        hub.soon(_write(hub, place, line, made + LIFE + SKEW))
    else:
        line.waiting.append((number, answer))
    return await answer


async def _write(hub: Hub, place: tuple[int, str], line: _Line, expires_at: datetime) -> None:
    """Write what waits, all that there is at a time, until nothing does."""
    batch: list[tuple[int, asyncio.Future[bool]]] = []
    try:
        while line.waiting:
            batch, line.waiting = line.waiting, []
            taken = await _written(hub, place[1], line, [number for number, _ in batch], expires_at)
            for (_, answer), new in zip(batch, taken, strict=True):
                if not answer.done():  # who asked has gone
                    answer.set_result(new)
    except BaseException as error:
        for _, answer in (*batch, *line.waiting):
            if not answer.done():
                answer.set_exception(error if isinstance(error, Exception) else NotAvailable("The hub is stopping."))
        if not isinstance(error, Exception):
            raise
    finally:
        _LINES.pop(place, None)


async def _written(hub: Hub, nonce: str, line: _Line, numbers: Sequence[int], expires_at: datetime) -> list[bool]:
    """Which of the counts are new, once that is written. Where another worker has written since, it is looked again."""
    for _ in range(TRIES):
        after, taken = line.counts, []
        for number in numbers:
            now = counted(after, number)
            taken.append(now is not None)
            after = after if now is None else now
        if after is None or after == line.counts:
            return taken
        async with hub.db.asking() as ask:
            if line.counts is None:
                written = await stored.begin(ask, nonce, after, expires_at)
            else:
                written = await stored.advance(ask, nonce, line.counts, after)
            line.counts = after if written else await stored.seen(ask, nonce)
        if written:
            return taken
    return [False] * len(numbers)


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
