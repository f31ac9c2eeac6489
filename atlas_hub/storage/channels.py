"""Every query about the channels of a connection: thousands of them, so rows are written in bulk and read bare."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update
from sqlmodel import col

from atlas_hub.kit.ids import new_id
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Channel, Connection

NAME_LENGTH, ID_LENGTH = 200, 120
"""What the columns take."""
AT_ONCE: Final = 500
"""How many ids a statement names; databases take a limited number of values."""


_BARE: Final[Mapping[str, Any]] = {"synchronize_session": False}
"""No object of a session mirrors these rows."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A channel as it is stored."""

    vendor_id: str
    name: str
    private: bool
    members: int | None
    joined: bool | None
    sync: bool
    former_name: str
    missing: bool


_KEPT = select(
    col(Channel.vendor_id),
    col(Channel.name),
    col(Channel.private),
    col(Channel.members),
    col(Channel.joined),
    col(Channel.sync),
    col(Channel.former_name),
    col(Channel.missing),
).where(col(Channel.connection_id) == bindparam("connection"))


async def of(tx: Tx, connection_id: str) -> list[Kept]:
    """Every channel of a connection by name: one query."""
    found = [Kept(**row) for row in (await tx.execute(_KEPT, {"connection": connection_id})).mappings()]
    return sorted(found, key=lambda each: (each.name.casefold(), each.vendor_id))


async def replace(tx: Tx, row: Connection, listed: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Put what the vendor lists in the place of what is stored, in a handful of statements.

    `listed` has `vendor_id`, `name`, `private`, `members`, `joined` of each. What was chosen stays: under its new name,
    with the former one beside it, or marked missing. What was not chosen and is not listed goes.
    """
    kept = {each.vendor_id: each for each in await of(tx, row.id)}
    told = {str(each["vendor_id"]): {**each, "name": str(each["name"])[:NAME_LENGTH]} for each in listed}
    own = {"workspace": row.workspace, "connection_id": row.id, "seen_at": at}
    fresh = [{**own, **each, "id": new_id()} for key, each in told.items() if key not in kept]
    moved = [
        {"at_id": key, **after}
        for key, each in told.items()
        if key in kept and (after := _after(kept[key], each)) != _before(kept[key])
    ]
    if fresh:
        await tx.execute(insert(Channel), fresh)
    if moved:
        mine = (col(Channel.connection_id) == row.id, col(Channel.vendor_id) == bindparam("at_id"))
        changed: dict[str, Any] = {name: bindparam(name) for name in _CHANGES}
        connection = await tx.connection()
        await connection.execute(update(Channel).where(*mine).values(**changed), moved)
    gone = [each for key, each in kept.items() if key not in told]
    held = str(row.destination.get("id", ""))
    stays = {each.vendor_id for each in gone if each.sync or each.vendor_id == held}
    for some in _named(row.id, {each.vendor_id for each in gone if not each.missing} & stays):
        await tx.execute(update(Channel).where(*some).values(missing=True).execution_options(**_BARE))
    for some in _named(row.id, {each.vendor_id for each in gone} - stays):
        await tx.execute(delete(Channel).where(*some).execution_options(**_BARE))
    here = (col(Channel.connection_id) == row.id, col(Channel.missing).is_(False))
    await tx.execute(update(Channel).where(*here).values(seen_at=at).execution_options(**_BARE))


_CHANGES: Final = ("name", "private", "members", "joined", "former_name", "missing")


def _before(kept: Kept) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in _CHANGES}


def _after(kept: Kept, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored channel becomes: one that was chosen keeps the name that it was chosen by."""
    former = (kept.former_name or kept.name) if kept.sync else ""
    return {
        "name": told["name"],
        "private": told["private"],
        "members": told["members"],
        "joined": told["joined"],
        "former_name": "" if former == told["name"] else former,
        "missing": False,
    }


async def choose(tx: Tx, row: Connection, ids: Collection[str]) -> None:
    """Sync these channels and no others. What is chosen now is chosen by the name that it has now; what is missing and
    not chosen any more goes.
    """
    mine = col(Channel.connection_id) == row.id
    was = col(Channel.sync) | (col(Channel.former_name) != "")
    await tx.execute(update(Channel).where(mine, was).values(sync=False, former_name="").execution_options(**_BARE))
    for some in _named(row.id, ids):
        await tx.execute(update(Channel).where(*some).values(sync=True).execution_options(**_BARE))
    held = str(row.destination.get("id", ""))
    stale = (mine, col(Channel.missing), col(Channel.sync).is_(False), col(Channel.vendor_id) != held)
    await tx.execute(delete(Channel).where(*stale).execution_options(**_BARE))


def _named(connection_id: str, ids: Collection[str]) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Conditions for these channels of a connection, a few hundred of them at a time."""
    wanted = sorted(ids)
    for first in range(0, len(wanted), AT_ONCE):
        yield col(Channel.connection_id) == connection_id, col(Channel.vendor_id).in_(wanted[first : first + AT_ONCE])
