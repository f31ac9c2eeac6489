"""What nobody can use any more is deleted, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.services import jobs
from atlas_hub.storage import expiry
from atlas_hub.storage.models import DigestNonce, Idempotency, OAuthAttempt

HOUR = timedelta(hours=1)


async def test_only_what_has_expired_is_deleted(any_hub: Hub):
    at, workspace = now(), new_id()
    async with any_hub.db.transaction() as tx:
        for name, expires in (("open", at + HOUR), ("late", at - HOUR), ("gone", at - 25 * HOUR)):
            tx.add(OAuthAttempt(state_hash=name, workspace=workspace, provider="slack", expires_at=expires))
            tx.add(
                Idempotency(workspace=workspace, method="POST", path="/", key=name, body_hash="0", expires_at=expires)
            )
            tx.add(DigestNonce(nonce=name, expires_at=expires))
    async with any_hub.db.transaction() as tx:
        assert await expiry.delete_expired(tx, at) == 5
    assert list(await jobs.expire(any_hub)) == []
    async with any_hub.db.reading() as tx:
        attempts = (await tx.execute(select(col(OAuthAttempt.state_hash)))).scalars()
        answers = (await tx.execute(select(col(Idempotency.key)))).scalars()
        nonces = (await tx.execute(select(col(DigestNonce.nonce)))).scalars()
        assert (sorted(attempts), sorted(answers), sorted(nonces)) == (["late", "open"], ["open"], ["open"])
