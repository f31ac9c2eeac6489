"""Every query about HTTP Digest: a key with a nonce, and the counts that a nonce has seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, literal, select, update
from sqlmodel import col

from atlas_hub.storage.db import Ask, insert_once
from atlas_hub.storage.models import ApiKey, DigestNonce

_ONE = select(literal(1).label("one")).subquery()
_KNOWN = (
    select(
        col(ApiKey.id),
        col(ApiKey.workspace),
        col(ApiKey.name),
        col(ApiKey.role),
        col(ApiKey.apis),
        col(ApiKey.public_key),
        col(ApiKey.used_at),
        col(ApiKey.sealed),
        col(DigestNonce.highest),
        col(DigestNonce.window),
    )
    .select_from(_ONE)  # a row also where there is neither
    .outerjoin(ApiKey, and_(col(ApiKey.public_key) == bindparam("public_key"), col(ApiKey.revoked_at).is_(None)))
    .outerjoin(DigestNonce, col(DigestNonce.nonce) == bindparam("nonce"))
)
_SEEN = select(col(DigestNonce.highest), col(DigestNonce.window)).where(col(DigestNonce.nonce) == bindparam("nonce"))
_ADVANCE = (
    update(DigestNonce)
    .where(
        col(DigestNonce.nonce) == bindparam("which"),
        col(DigestNonce.highest) == bindparam("former_highest"),
        col(DigestNonce.window) == bindparam("former_window"),
    )
    .values(highest=bindparam("next_highest"), window=bindparam("next_window"))
)

Counts = tuple[int, str]
"""The highest count that a nonce was used with, and which of the 128 up to it were, as hex; the last bit is it."""


async def known(ask: Ask, public_key: str, nonce: str) -> Any:
    """The key with this public half that is not revoked, and the counts of the nonce, as bare columns: one query.

    There is always a row; what is not there is null in it.
    """
    return (await ask.execute(_KNOWN, {"public_key": public_key, "nonce": nonce})).one()


async def seen(ask: Ask, nonce: str) -> Counts | None:
    """The counts of a nonce; None where it was never used."""
    found = (await ask.execute(_SEEN, {"nonce": nonce})).first()
    return None if found is None else (found.highest, found.window)


async def begin(ask: Ask, nonce: str, counts: Counts, expires_at: datetime) -> bool:
    """Write the first use of a nonce. False where another worker was first."""
    return await insert_once(ask, DigestNonce, nonce=nonce, highest=counts[0], window=counts[1], expires_at=expires_at)


async def advance(ask: Ask, nonce: str, former: Counts, counts: Counts) -> bool:
    """Write another use of a nonce. False where somebody has written one since `former` was read."""
    done = await ask.execute(
        _ADVANCE,
        {
            "which": nonce,
            "former_highest": former[0],
            "former_window": former[1],
            "next_highest": counts[0],
            "next_window": counts[1],
        },
    )
    return done.rowcount == 1
