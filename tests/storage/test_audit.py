"""The audit chain: every link follows from the one before, in order, per workspace."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.storage import audit
from atlas_hub.storage.models import AuditEvent, AuditHead


async def note(hub: Hub, workspace: str, kind: str = "connected") -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace)
        await audit.append(tx, head, kind=kind, actor="ana", at=hub.now(), detail={"label": "Ümläut"})


async def chain(hub: Hub, workspace: str) -> tuple[list[AuditEvent], AuditHead]:
    async with hub.db.reading() as tx:
        events = await tx.execute(select(AuditEvent).filter_by(workspace=workspace).order_by(AuditEvent.seq))
        head = await tx.get(AuditHead, workspace)
        assert head is not None
        return list(events.scalars()), head


def unbroken(events: list[AuditEvent]) -> bool:
    before = ""
    for seq, event in enumerate(events, 1):
        if (event.seq, event.previous_hash, event.hash) != (seq, before, audit.link(event)):
            return False
        before = event.hash
    return True


async def test_many_writers_make_one_chain(any_hub: Hub) -> None:
    one, other = new_id(), new_id()
    await asyncio.gather(*(note(any_hub, workspace) for workspace in (one, other) for _ in range(10)))
    for workspace in (one, other):
        events, head = await chain(any_hub, workspace)
        assert len(events) == 10
        assert unbroken(events)
        assert (head.seq, head.hash) == (10, events[-1].hash)


async def test_an_edited_event_no_longer_fits(any_hub: Hub) -> None:
    workspace = new_id()
    for _ in range(3):
        await note(any_hub, workspace)
    async with any_hub.db.transaction() as tx:
        await tx.execute(update(AuditEvent).where(AuditEvent.seq == 2).values(actor="mallory"))
    events, _ = await chain(any_hub, workspace)
    assert not unbroken(events)


async def test_a_rolled_back_change_leaves_no_event(any_hub: Hub) -> None:
    workspace = new_id()
    await note(any_hub, workspace)

    async def half_done() -> None:
        async with any_hub.db.transaction() as tx:
            head = await audit.head_of(tx, workspace)
            await audit.append(tx, head, kind="connected", actor="ana", at=any_hub.now())
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        await half_done()
    await note(any_hub, workspace)
    events, _ = await chain(any_hub, workspace)
    assert len(events) == 2
    assert unbroken(events)
