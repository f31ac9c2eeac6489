"""Verify the audit log: every hash recomputed, every link followed, no gap, and the end where it should be."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound
from atlas_hub.storage import activity as stored
from atlas_hub.storage.activity import Chain, Event
from atlas_hub.storage.audit import hash_of

MOST_FINDINGS: Final = 100
"""What is told of one chain: who renumbers it makes a finding of every event."""

_HASH = re.compile("[0-9a-f]{64}")


class Fault(StrEnum):
    """What is wrong."""

    EDITED = "edited"
    INSERTED = "inserted"
    MISSING = "missing"
    TAIL_CUT = "tail_cut"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong. `event_id` is "" where the event is not there."""

    workspace: str
    seq: int
    event_id: str
    fault: Fault
    text: str


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A chain: its last event's seq and hash, what is wrong with it, and at which seq the kept head was found.

    `left_out` counts the findings beyond the first hundred.
    """

    workspace: str
    seq: int
    hash: str
    findings: tuple[Finding, ...]
    left_out: int = 0
    head_at: int | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass
class _Walk:
    """How far a chain was followed."""

    workspace: str
    head: str
    seq: int = 0
    id: str = ""
    hash: str = ""
    previous_hash: str = ""
    sound: bool = True
    head_at: int | None = None
    findings: list[Finding] = field(default_factory=list)
    left_out: int = 0

    def find(self, seq: int, event_id: str, fault: Fault, text: str) -> None:
        """Note what is wrong."""
        if len(self.findings) >= MOST_FINDINGS:
            self.left_out += 1
            return
        self.findings.append(Finding(workspace=self.workspace, seq=seq, event_id=event_id, fault=fault, text=text))

    def follow(self, event: Event) -> None:
        """One event more."""
        seq, event_id = event["seq"], event["id"]
        sound = _sound(event)
        if event["at"] is None:
            self.find(seq, event_id, Fault.EDITED, "It cannot be read: it was edited.")
        elif not sound:
            self.find(seq, event_id, Fault.EDITED, "It does not match its hash: it was edited or renumbered.")
        if seq < 1:
            self.find(seq, event_id, Fault.INSERTED, "The first event of a chain is 1: this one was inserted before.")
        elif seq > self.seq + 1:
            gone = f"{self.seq + 1} is" if seq == self.seq + 2 else f"{self.seq + 1} to {seq - 1} are"
            self.find(self.seq + 1, "", Fault.MISSING, f"{gone} missing before event {seq}.")
        elif event["previous_hash"] != self.hash:
            self._unlinked(event, sound=sound)
        self.previous_hash = self.hash
        self.seq, self.id, self.hash, self.sound = max(seq, 0), event_id, event["hash"], sound
        if sound and event["hash"] == self.head:
            self.head_at = seq

    def _unlinked(self, event: Event, *, sound: bool) -> None:
        """An event that was not written after the one that stands before it."""
        if self.seq == 0:
            self.find(event["seq"], event["id"], Fault.MISSING, "It was written after an event that is not there.")
        elif event["previous_hash"] == self.previous_hash and self.sound:
            text = f"Event {event['seq']} was written without it: it was inserted."
            self.find(self.seq, self.id, Fault.INSERTED, text)
        elif sound and self.sound:
            text = f"Event {event['seq']} was written after another one: it was edited or replaced, hash and all."
            self.find(self.seq, self.id, Fault.EDITED, text)

    def end(self, told: tuple[Any, Any] | None) -> None:
        """Hold the end against what the workspace's head says, and against the head that somebody kept."""
        if told is None and self.seq:
            text = "The row that says where the chain ends (audit_head) is missing."
            self.find(self.seq, self.id, Fault.MISSING, text)
        elif told is not None and not isinstance(told[0], int):
            text = "The row that says where the chain ends (audit_head) cannot be read: it was edited."
            self.find(self.seq, self.id, Fault.EDITED, text)
        elif told is not None and told[0] > self.seq:
            text = f"The chain ends here, and should end with event {told[0]}: its tail was cut."
            self.find(self.seq, self.id, Fault.TAIL_CUT, text)
        elif told is not None and told[0] < self.seq:
            text = f"The chain should end with event {told[0]}: what follows was inserted, or its head was set back."
            self.find(self.seq, self.id, Fault.INSERTED, text)
        elif told is not None and told[1] != self.hash:
            text = "The chain should end with another hash: its last event or its head was edited."
            self.find(self.seq, self.id, Fault.EDITED, text)

    def unnumbered(self, event: Event) -> None:
        """An event whose place in the chain nobody knows."""
        self.find(0, event["id"], Fault.EDITED, "Its number cannot be read: it was edited.")

    def told(self) -> Verified:
        """What came of it."""
        return Verified(
            workspace=self.workspace,
            seq=self.seq,
            hash=self.hash,
            findings=tuple(self.findings),
            left_out=self.left_out,
            head_at=self.head_at,
        )


async def verified(hub: Hub, workspace: str, head: str | None = None) -> Verified:
    """Follow a workspace's chain ("" is the installation's own) from its first event to its end, at one moment.

    `head`: a hash kept elsewhere, which must still be in the chain, or all of it was deleted. Raises `NotFound` where
    there is neither chain nor `head`, `BadForm` where `head` is no hash. The installation's own may be empty.
    """
    walk = await _walked(hub, workspace, _kept(head), must_be=workspace != "" and head is None)
    if walk.head and walk.head_at is None:
        text = "The head that was kept is not in the chain: its tail was cut, or its history was written anew."
        walk.find(walk.seq, walk.id, Fault.TAIL_CUT, text)
    return walk.told()


async def all_verified(hub: Hub, head: str | None = None) -> AsyncIterator[Verified]:
    """Follow every chain, the installation's own, which tells of deleted workspaces, first.

    `head` is in one of them at most: where it is, `head_at` says. Raises `BadForm` where it is no hash.
    """
    kept = _kept(head)
    async with hub.db.asking() as ask:
        found = await stored.workspaces(ask)
    for workspace in found:
        with suppress(NotFound):  # deleted meanwhile
            yield (await _walked(hub, workspace, kept)).told()


async def _walked(hub: Hub, workspace: Chain, head: str, *, must_be: bool = True) -> _Walk:
    async with hub.db.snapshot() as connection:
        told = await stored.head(connection, workspace)
        walk = _Walk(stored.plain(workspace), head)
        async for batch in stored.chain(connection, workspace):
            for event in batch:
                walk.follow(event)
        for event in await stored.unnumbered(connection, workspace):
            walk.unnumbered(event)
    if must_be and told is None and not walk.id and not walk.findings:
        raise NotFound("There is no audit log of a workspace with this id.")
    walk.end(told)
    return walk


def _sound(event: Event) -> bool:
    if event["at"] is None or event["at"].microsecond % 1000:  # the hash says nothing of what is below a millisecond
        return False
    own: str = event["hash"]
    return hash_of({name: value for name, value in event.items() if name != "hash"}) == own


def _kept(head: str | None) -> str:
    text = (head or "").strip().lower()
    if head is not None and _HASH.fullmatch(text) is None:
        raise BadForm({"head": "A head is a hash of 64 hexadecimal digits. Give the one that verify printed."})
    return text
