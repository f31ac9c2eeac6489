"""The audit log: events appended in the transaction of the change, chained by hash within a workspace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from atlas_hub.kit import logs
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import NotFound
from atlas_hub.storage.db import Tx, insert_once
from atlas_hub.storage.models import AuditEvent, AuditHead


async def head_of(tx: Tx, workspace: str, *, begins: bool = True) -> AuditHead:
    """The workspace's last link, locked until the transaction ends: so one verb at a time changes a workspace.

    Every verb takes it first, which leaves no order of locks to get wrong. Raises `NotFound` where the workspace was
    deleted while we waited, or, unless it `begins` here, before.
    """
    if begins:
        await insert_once(tx, AuditHead, workspace=workspace, seq=0, hash="")
    statement = select(AuditHead).where(AuditHead.workspace == workspace).with_for_update()  # type: ignore[arg-type]  # a SQLModel column reads as its value
    head = (await tx.execute(statement, execution_options={"populate_existing": True})).scalar_one_or_none()
    if head is None:
        raise NotFound("This workspace was deleted in the meantime.")
    return head


async def has_head(tx: Tx, workspace: str) -> bool:
    """Whether something happened in the workspace already; a deleted one has no head any more."""
    statement = select(AuditHead.workspace).where(AuditHead.workspace == workspace)  # type: ignore[call-overload]  # as above
    return (await tx.execute(statement)).scalar_one_or_none() is not None


async def append(
    tx: Tx,
    head: AuditHead,
    *,
    kind: str,
    actor: str,
    at: datetime,
    provider: str = "",
    subject: str = "",
    result: str = "ok",
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one event after `head`, with the id that the log has now.

    `detail` holds names and counts, never a secret; `at` is kept to the millisecond.
    """
    request_id = logs.request_id.get()
    event = AuditEvent(
        workspace=head.workspace,
        seq=head.seq + 1,
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),  # all that the hash says
        kind=kind,
        result=result,
        actor=actor,
        provider=provider,
        subject=subject,
        detail=detail or {},
        request_id="" if request_id == logs.NO_REQUEST else request_id,
        previous_hash=head.hash,
        hash="",
    )
    event.hash = link(event)
    tx.add(event)
    head.seq, head.hash = event.seq, event.hash
    return event


def link(event: AuditEvent) -> str:
    """What the event's hash has to be."""
    return hash_of(event.model_dump(exclude={"hash"}))


def hash_of(columns: Mapping[str, Any]) -> str:
    """SHA-256 over every column but the hash itself, the previous hash included; 64 hex."""
    said = {**columns, "at": iso(columns["at"])}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
