"""Requests that may come again with the same key: the answer is kept, sealed, and given again."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import VaultLocked
from atlas_hub.kit.secret import Secret
from atlas_hub.services.access import Actor
from atlas_hub.storage import idempotency as stored
from atlas_hub.storage.models import Idempotency
from atlas_hub.storage.sealed import bound_to

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=60)
"""After which a request that never ended is taken for dead, and may be made anew."""
PATH_LENGTH = 300


class Standing(Enum):
    """Why a request may not go on."""

    RUNNING = "running"
    OTHER_BODY = "other body"


@dataclass(frozen=True)
class Begun:
    """A request under way, to be ended by `keep` or `forget`."""

    row: Idempotency


@dataclass(frozen=True)
class Kept:
    """The answer that the same request got before."""

    status: int
    body: Secret


async def begin(hub: Hub, actor: Actor, *, method: str, path: str, key: str, body: bytes) -> Begun | Kept | Standing:
    """Write down that a request is under way, or say what became of the one that came before.

    `path` is without a query, `key` at most 255 characters. Raises `VaultLocked` where the answer cannot be opened.
    """
    at = hub.now()
    row = Idempotency(
        workspace=actor.workspace,
        method=method,
        path=path if len(path) <= PATH_LENGTH else hashlib.sha256(path.encode()).hexdigest(),
        key=key,
        body_hash=hashlib.sha256(body).hexdigest(),
        expires_at=at + PATIENCE,
    )
    async with hub.db.transaction() as tx:
        found = await stored.begin(tx, row, at)
    if found is None:
        return Begun(row)
    if found.body_hash != row.body_hash:
        return Standing.OTHER_BODY
    if found.answer is None:
        return Standing.RUNNING
    return Kept(found.status, hub.vault.open(found.answer, bound_to=bound_to(found, "answer"))["body"])


async def keep(hub: Hub, begun: Begun, *, status: int, body: str, seconds: int) -> None:
    """Keep the answer. Does nothing where the request took so long that another has taken its place."""
    try:
        sealed = hub.vault.seal({"body": body}, bound_to=bound_to(begun.row, "answer"))
    except VaultLocked:
        await forget(hub, begun)
        return
    at = hub.now()
    async with hub.db.transaction() as tx:
        row = await stored.mine(tx, begun.row)
        if row is not None:
            row.status, row.answer, row.expires_at = status, sealed, at + timedelta(seconds=seconds)
            await tx.flush()
        await stored.sweep(tx, at)


async def forget(hub: Hub, begun: Begun) -> None:
    """Keep nothing: the same request may be made again at once."""
    async with hub.db.transaction() as tx:
        row = await stored.mine(tx, begun.row)
        if row is not None:
            await tx.delete(row)
