"""One verb's transaction: the workspace locked, the moment fixed, what happened written to the audit log with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor
from atlas_hub.storage import audit
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import AuditHead


@dataclass(frozen=True)
class Change:
    """A change of a workspace under way, and who makes it."""

    hub: Hub
    actor: Actor
    tx: Tx
    at: datetime
    _head: AuditHead

    async def note(
        self, kind: str, *, provider: str = "", subject: str = "", failed: bool = False, **detail: Any
    ) -> None:
        """Write what happened. `subject` is the id of what it happened to.

        `detail` are names and counts, never a secret; what is None or "" is left out.
        """
        await audit.append(
            self.tx,
            self._head,
            kind=kind,
            actor=self.actor.name,
            at=self.at,
            provider=provider,
            subject=subject,
            result="failed" if failed else "ok",
            detail={name: value for name, value in detail.items() if value not in {None, ""}},
        )


@asynccontextmanager
async def changing(hub: Hub, actor: Actor, *, begins: bool = True) -> AsyncIterator[Change]:
    """Change the actor's workspace: one verb at a time, whole or not at all. Raises `NotFound` where it was deleted.

    `begins`: whether this may be the first thing that happens there. A verb that writes where it has found no row of
    the workspace says what `installation.may_begin` said: a workspace that was deleted meanwhile must not rise again.
    """
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, actor.workspace, begins=begins)
        yield Change(hub, actor, tx, hub.now(), head)
