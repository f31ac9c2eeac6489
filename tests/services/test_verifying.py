"""Verifying the audit log finds what was done to it behind the hub's back, and names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.services import verifying
from atlas_hub.services.verifying import Fault, Verified
from atlas_hub.storage import activity, audit
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import AuditEvent, AuditHead

EVENTS = 6
Work = Callable[[Tx], Any]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong between two batches is wrong here, too."""
    monkeypatch.setattr(activity, "BATCH", 2)


@pytest.fixture
async def workspace(any_hub: Hub) -> str:
    """A workspace with a chain of six."""
    made = new_id()
    await noted(any_hub, made, EVENTS)
    return made


async def noted(hub: Hub, workspace: str, times: int = 1) -> None:
    async with hub.db.transaction() as tx:
        head = await audit.head_of(tx, workspace)
        for number in range(times):
            await audit.append(
                tx, head, kind="renamed", actor="ana@example.com", at=hub.now(), detail={"now": f"Ümläut {number}"}
            )


async def event(tx: Tx, workspace: str, seq: int) -> AuditEvent:
    return (await tx.execute(select(AuditEvent).filter_by(workspace=workspace, seq=seq))).scalar_one()


async def renumber(tx: Tx, workspace: str, seq: int, to: int) -> None:
    await tx.execute(update(AuditEvent).where(AuditEvent.workspace == workspace, AuditEvent.seq == seq).values(seq=to))


def told(verified: Verified) -> list[tuple[Fault, int]]:
    return [(finding.fault, finding.seq) for finding in verified.findings]


async def test_a_whole_chain_tells_its_end(any_hub: Hub, workspace: str) -> None:
    verified = await verifying.verified(any_hub, workspace)
    async with any_hub.db.reading() as tx:
        last = await event(tx, workspace, EVENTS)
    assert verified.whole
    assert (verified.workspace, verified.seq, verified.hash) == (workspace, EVENTS, last.hash)


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": "mallory@example.com"}, {"kind": "checked"}, {"result": "failed"}, {"detail": {"now": "else"}},
        {"provider": "slack"}, {"subject": "another"}, {"request_id": "another"}, {"id": "0" * 24}, {"hash": "0" * 64},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
async def test_an_edited_event_is_named(any_hub: Hub, workspace: str, changed: dict[str, Any]) -> None:
    async with any_hub.db.transaction() as tx:
        row = await event(tx, workspace, 3)
        await tx.execute(update(AuditEvent).where(AuditEvent.id == row.id).values(**changed))
    verified = await verifying.verified(any_hub, workspace)
    finding = verified.findings[0]
    assert (finding.fault, finding.seq, finding.workspace) == (Fault.EDITED, 3, workspace)
    assert finding.event_id == changed.get("id", row.id)
    assert len(verified.findings) == 1
    assert finding.text.endswith(".")


async def test_an_event_edited_with_its_hash_does_not_fit_the_one_after_it(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        row = await event(tx, workspace, 4)
        row.actor = "mallory@example.com"
        row.hash = audit.link(row)
    assert told(await verifying.verified(any_hub, workspace)) == [(Fault.EDITED, 4)]


async def test_the_last_event_edited_with_its_hash_does_not_fit_the_head(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        row = await event(tx, workspace, EVENTS)
        row.actor = "mallory@example.com"
        row.hash = audit.link(row)
    assert told(await verifying.verified(any_hub, workspace)) == [(Fault.EDITED, EVENTS)]


SPOILED = {
    "moment": "at = 'garbage'", "moment of another form": "at = '2026-03-31 09:30:00.000000999'",
    "open detail": "detail = '{'", "half a character": """detail = '{"a":"\\ud800"}'""",
    "a name twice": """detail = '{"now": "else", "now": "Ümläut 2"}'""", "detail of another shape": "detail = '[]'",
    "no number": """detail = '{"now": NaN}'""", "deep": f"detail = '{'[' * 100_000}'",
    "bytes": "actor = x'ff00'", "bytes that are letters": "actor = CAST(actor AS BLOB)",
    "no text": "actor = CAST(x'ff00' AS TEXT)", "id": "id = x'ff'", "hash": "hash = x'ff'",
}  # fmt: skip
SPOILED_POSTGRES = {
    "infinity": "at = 'infinity'", "before Christ": "at = '0044-03-15 BC'",
    "half a character": """detail = '{"a":"\\ud800"}'""", "deep": f"detail = '{'[' * 5_000}{']' * 5_000}'",
    "a name twice": """detail = '{"now": "else", "now": "Ümläut 2"}'""", "detail of another shape": "detail = '[]'",
}  # fmt: skip


async def spoil(hub: Hub, setting: str, workspace: str, seq: int) -> None:
    async with hub.db.engine.begin() as connection:
        sql = f"UPDATE atlas_hub_audit_event SET {setting} WHERE workspace = '{workspace}' AND seq = {seq}"  # noqa: S608  # a test's own words
        await connection.exec_driver_sql(sql)


async def is_found(hub: Hub, workspace: str) -> list[Verified]:
    other = new_id()
    await noted(hub, other, 1)
    found = {each.workspace: each async for each in verifying.all_verified(hub)}
    assert found.pop(other).whole
    assert not found[workspace].whole
    json.dumps([asdict(each) for each in found.values()], ensure_ascii=False).encode()
    return list(found.values())


@pytest.mark.parametrize(
    ("database_url", "setting"),
    [
        *(pytest.param("sqlite", setting, id=f"sqlite {name}") for name, setting in SPOILED.items()),
        *(
            pytest.param("postgres", setting, id=f"postgres {name}", marks=pytest.mark.postgres)
            for name, setting in SPOILED_POSTGRES.items()
        ),
    ],
    indirect=["database_url"],
)
async def test_a_cell_that_cannot_be_read_is_an_edited_event_and_hides_no_other(
    any_hub: Hub, workspace: str, setting: str
) -> None:
    await spoil(any_hub, setting, workspace, 3)
    await spoil(any_hub, "actor = 'mallory'", workspace, 5)
    (found,) = await is_found(any_hub, workspace)
    assert told(found) == [(Fault.EDITED, 3), (Fault.EDITED, 5)]
    assert found.seq == EVENTS


@pytest.mark.parametrize("seq", ["'abc'", "x'ff'", "3.5", "CAST(x'ff' AS TEXT)"])
async def test_an_event_whose_number_is_none_is_named(hub: Hub, seq: str) -> None:
    workspace = new_id()
    await noted(hub, workspace, EVENTS)
    async with hub.db.reading() as tx:
        named = (await event(tx, workspace, 3)).id
    await spoil(hub, f"seq = {seq}", workspace, 3)
    (found,) = await is_found(hub, workspace)
    assert told(found) == [(Fault.MISSING, 3), (Fault.EDITED, 0)]
    assert found.findings[1].event_id == named
    assert found.seq == EVENTS


@pytest.mark.parametrize("name", ["x'ff'", "CAST(x'ff' AS TEXT)", "CAST(workspace AS BLOB)"])
async def test_an_event_whose_workspace_cannot_be_read_is_named(hub: Hub, name: str) -> None:
    workspace = new_id()
    await noted(hub, workspace, EVENTS)
    async with hub.db.reading() as tx:
        named = (await event(tx, workspace, 3)).id
    await spoil(hub, f"workspace = {name}", workspace, 3)
    found = [each async for each in verifying.all_verified(hub)]
    assert [(fault, seq) for each in found for fault, seq in told(each) if each.workspace == workspace][:1]
    assert (Fault.EDITED, named) in {(one.fault, one.event_id) for each in found for one in each.findings}
    assert (Fault.MISSING, 3) in [finding for each in found for finding in told(each)]
    json.dumps([asdict(each) for each in found], ensure_ascii=False).encode()


@pytest.mark.parametrize("setting", ["seq = 'abc'", "hash = x'ff'", "workspace = x'ff'"])
async def test_an_end_that_cannot_be_read_is_told(hub: Hub, setting: str) -> None:
    workspace = new_id()
    await noted(hub, workspace, EVENTS)
    async with hub.db.engine.begin() as connection:
        await connection.execute(text(f"UPDATE atlas_hub_audit_head SET {setting}"))  # noqa: S608  # a test's own words
    assert (await is_found(hub, workspace))[0].seq in {0, EVENTS}


async def test_a_moment_moved_by_less_than_a_millisecond_is_found(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        row = await event(tx, workspace, 3)
        row.at += timedelta(microseconds=1)
    assert told(await verifying.verified(any_hub, workspace)) == [(Fault.EDITED, 3)]


async def test_a_missing_event_is_named(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditEvent).where(AuditEvent.workspace == workspace, AuditEvent.seq.in_([1, 3, 4])))
    verified = await verifying.verified(any_hub, workspace)
    assert told(verified) == [(Fault.MISSING, 1), (Fault.MISSING, 3)]
    assert verified.findings[1].text == "3 to 4 are missing before event 5."


async def test_a_missing_event_is_found_where_the_others_were_renumbered(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditEvent).where(AuditEvent.workspace == workspace, AuditEvent.seq == 3))
        for seq in (4, 5, 6):
            await renumber(tx, workspace, seq, seq - 1)
    assert told(await verifying.verified(any_hub, workspace))[0] == (Fault.EDITED, 3)


async def test_an_inserted_event_is_named(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        before = await event(tx, workspace, 2)
        for seq in (6, 5, 4, 3):
            await renumber(tx, workspace, seq, seq + 1)
        head = AuditHead(workspace=workspace, seq=2, hash=before.hash)
        inserted = await audit.append(tx, head, kind="checked", actor="mallory", at=any_hub.now())
    verified = await verifying.verified(any_hub, workspace)
    assert (Fault.INSERTED, 3) in told(verified)
    assert inserted.id in {finding.event_id for finding in verified.findings}


@pytest.mark.parametrize(("seq", "named"), [(0, 0), (-3, -3), (EVENTS + 1, EVENTS + 1)])
async def test_an_event_inserted_before_the_first_or_after_the_last_is_named(
    any_hub: Hub, workspace: str, seq: int, named: int
) -> None:
    async with any_hub.db.transaction() as tx:
        last = await event(tx, workspace, EVENTS)
        head = AuditHead(workspace=workspace, seq=seq - 1, hash=last.hash if seq > 0 else "")
        await audit.append(tx, head, kind="checked", actor="mallory", at=any_hub.now())
    assert (Fault.INSERTED, named) in told(await verifying.verified(any_hub, workspace))


async def test_two_events_that_were_exchanged_are_named(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        for seq, to in ((2, 99), (3, 2), (99, 3)):
            await renumber(tx, workspace, seq, to)
    assert told(await verifying.verified(any_hub, workspace)) == [(Fault.EDITED, 2), (Fault.EDITED, 3)]


async def test_a_cut_tail_is_found_by_the_head(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditEvent).where(AuditEvent.workspace == workspace, AuditEvent.seq > 4))
    verified = await verifying.verified(any_hub, workspace)
    assert told(verified) == [(Fault.TAIL_CUT, 4)]
    assert "event 6" in verified.findings[0].text


async def test_a_tail_cut_together_with_the_head_is_found_by_a_head_kept_elsewhere(
    any_hub: Hub, workspace: str
) -> None:
    kept = (await verifying.verified(any_hub, workspace)).hash
    await noted(any_hub, workspace, 3)
    found = await verifying.verified(any_hub, workspace, kept.upper())
    assert found.whole
    assert found.head_at == EVENTS
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditEvent).where(AuditEvent.workspace == workspace, AuditEvent.seq >= EVENTS))
        last = await event(tx, workspace, EVENTS - 1)
        await tx.execute(update(AuditHead).where(AuditHead.workspace == workspace).values(seq=last.seq, hash=last.hash))
    assert (await verifying.verified(any_hub, workspace)).whole  # by itself it cannot be told
    assert told(await verifying.verified(any_hub, workspace, kept)) == [(Fault.TAIL_CUT, EVENTS - 1)]


async def test_a_history_written_anew_is_found_by_a_head_kept_elsewhere(any_hub: Hub, workspace: str) -> None:
    kept = (await verifying.verified(any_hub, workspace)).hash
    async with any_hub.db.transaction() as tx:
        for table in (AuditEvent, AuditHead):
            await tx.execute(delete(table).where(table.workspace == workspace))
    await noted(any_hub, workspace, EVENTS + 2)
    assert (await verifying.verified(any_hub, workspace)).whole
    assert told(await verifying.verified(any_hub, workspace, kept)) == [(Fault.TAIL_CUT, EVENTS + 2)]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [({"hash": "0" * 64}, Fault.EDITED), ({"seq": 5}, Fault.INSERTED), ({"seq": 9}, Fault.TAIL_CUT)],
    ids=["hash", "back", "forth"],
)
async def test_a_changed_head_is_found(any_hub: Hub, workspace: str, changed: dict[str, Any], fault: Fault) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(update(AuditHead).where(AuditHead.workspace == workspace).values(**changed))
    assert told(await verifying.verified(any_hub, workspace)) == [(fault, EVENTS)]


async def test_a_head_that_is_gone_is_found_and_its_chain_is_still_looked_at(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditHead).where(AuditHead.workspace == workspace))
    found = [each async for each in verifying.all_verified(any_hub)]
    assert [(each.workspace, told(each)) for each in found] == [(workspace, [(Fault.MISSING, EVENTS)])]


async def test_every_event_gone_is_a_cut_tail(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.transaction() as tx:
        await tx.execute(delete(AuditEvent).where(AuditEvent.workspace == workspace))
    assert told(await verifying.verified(any_hub, workspace)) == [(Fault.TAIL_CUT, 0)]


async def test_all_chains_are_followed_the_installations_own_too(any_hub: Hub, workspace: str) -> None:
    await noted(any_hub, "", 2)
    other = new_id()
    await noted(any_hub, other, 1)
    kept = (await verifying.verified(any_hub, other)).hash
    found = {each.workspace: each async for each in verifying.all_verified(any_hub, kept)}
    assert {name: each.seq for name, each in found.items()} == {"": 2, workspace: EVENTS, other: 1}
    assert {name: each.head_at for name, each in found.items()} == {"": None, workspace: None, other: 1}
    assert all(each.whole for each in found.values())


async def test_what_is_written_meanwhile_is_no_finding(any_hub: Hub, workspace: str) -> None:
    async with any_hub.db.snapshot() as connection:
        head = await activity.head(connection, workspace)
        await noted(any_hub, workspace, 3)
        seen = [each["seq"] async for batch in activity.chain(connection, workspace) for each in batch]
    assert head is not None
    assert (head[0], seen[-1]) == (EVENTS, EVENTS)


async def test_a_thousand_findings_are_counted_and_not_all_told(
    any_hub: Hub, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_FINDINGS", 2)
    async with any_hub.db.transaction() as tx:
        await tx.execute(update(AuditEvent).where(AuditEvent.workspace == workspace).values(actor="mallory"))
    verified = await verifying.verified(any_hub, workspace)
    assert (len(verified.findings), verified.left_out) == (2, EVENTS - 2)


async def test_an_unknown_workspace_and_a_head_that_is_no_hash_are_told(hub: Hub) -> None:
    with pytest.raises(NotFound):
        await verifying.verified(hub, new_id())
    for head in ("", "abc", "g" * 64, "0" * 65):
        with pytest.raises(BadForm) as caught:
            await verifying.verified(hub, new_id(), head)
        assert set(caught.value.fields) == {"head"}
