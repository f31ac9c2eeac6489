"""What nobody can use any more, deleted: unfinished consents, answers kept for a repetition, nonces."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import col

from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import DigestNonce, Idempotency, OAuthAttempt

LATE: Final = timedelta(days=1)
"""How long an expired consent is kept, so that who comes back late is told so."""


async def delete_expired(tx: Tx, at: datetime) -> int:
    """Delete what has expired by a moment, in all workspaces. How many rows went, or gave up a secret."""
    count = 0
    for statement in (
        delete(OAuthAttempt).where(col(OAuthAttempt.expires_at) < at - LATE),
        delete(Idempotency).where(col(Idempotency.expires_at) < at),
        delete(DigestNonce).where(col(DigestNonce.expires_at) < at),
        # A grant that an admin was asked about is not kept a day longer than the question.
        update(OAuthAttempt)
        .where(col(OAuthAttempt.expires_at) < at, col(OAuthAttempt.sealed).is_not(None))
        .values(sealed=None),
    ):
        result = await tx.execute(statement)
        count += max(0, getattr(result, "rowcount", 0))
    return count
