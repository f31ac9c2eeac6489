"""Where envelopes are kept: every sealed column, to what each is bound, and which wait for a newer key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, LargeBinary, Table, func, or_, select, tuple_

from atlas_hub.kit.errors import VaultLocked
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import (
    PREFIX,
    ApiKey,
    ChannelEndpoint,
    Credential,
    HubModel,
    Idempotency,
    Installation,
    OAuthAttempt,
)
from atlas_hub.storage.vault import CHECK_BOUND_TO, HEADER_BYTES, Vault, key_id_in

Ident = tuple[Any, ...]
"""A row's primary key, as the database knows it."""


@dataclass(frozen=True, kw_only=True)
class SealedTable:
    """A table that keeps envelopes: in `columns`, which may be null.

    `marked`: its column `key_id` tells the key of the first envelope. `found_by`: the column that holds the
    fingerprint of the one value sealed in the first of `columns`, so that it must follow the active key too.
    """

    model: type[HubModel]
    columns: tuple[str, ...]
    marked: bool = False
    found_by: str | None = None

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return str(self.table.name).removeprefix(PREFIX)

    @property
    def table(self) -> Table:
        """The table itself."""
        return HubModel.metadata.tables[str(self.model.__tablename__)]

    @property
    def ident(self) -> tuple[Column[Any], ...]:
        """The columns of its primary key."""
        return tuple(self.table.primary_key.columns)


CHECK: Final = SealedTable(model=Installation, columns=("key_check",))
"""Re-sealed last: until then the former key is still asked for at every start."""

SEALED: Final = (
    SealedTable(model=Credential, columns=("current", "pending", "previous"), marked=True),
    SealedTable(model=ApiKey, columns=("sealed",), marked=True, found_by="lookup"),
    SealedTable(model=ChannelEndpoint, columns=("sealed",), marked=True),
    SealedTable(model=OAuthAttempt, columns=("sealed",)),
    SealedTable(model=Idempotency, columns=("answer",)),
    CHECK,
)
"""Every sealed column there is. A test walks the metadata and fails on one that is not here."""


def bound_to(row: HubModel, column: str) -> str:
    """To what a row's envelope is bound: `workspace|table|row id|column|provider`.

    The row needs its primary key, and its provider where it has one: without, the last part is `-`. A key of
    several columns, some of which callers choose, stands as its SHA-256.
    """
    if isinstance(row, Installation):
        return CHECK_BOUND_TO
    workspace = getattr(row, "workspace", "-")
    return f"{workspace}|{row_name(row)}|{column}|{getattr(row, 'provider', '-')}"


def place_of_key(row: Any) -> str:
    """To what an API key's private half is bound, from its bare columns: what `bound_to` says of the whole row."""
    return f"{row.workspace}|api_key|{row.id}|sealed|-"


def row_name(row: HubModel) -> str:
    """What a row is called in a report: `table|row id`. Nothing that a caller wrote is in it."""
    table = HubModel.metadata.tables[str(row.__tablename__)]
    ident = [getattr(row, column.name) for column in table.primary_key.columns]
    if len(ident) == 1:
        return f"{table.name.removeprefix(PREFIX)}|{ident[0]}"
    digest = hashlib.sha256(json.dumps(ident).encode()).hexdigest()
    return f"{table.name.removeprefix(PREFIX)}|{digest}"


async def count_stale(tx: Tx, table: SealedTable, vault: Vault) -> int:
    """How many rows hold anything that the active key did not make."""
    statement = select(func.count()).select_from(table.table).where(_stale(table, vault))
    return int((await tx.execute(statement)).scalar_one())


async def find_stale(tx: Tx, table: SealedTable, vault: Vault, *, after: Ident | None, limit: int) -> list[Ident]:
    """The next such rows after `after`, in the order of their ids."""
    statement = select(*table.ident).where(_stale(table, vault)).order_by(*table.ident).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*table.ident) > tuple_(*after))
    return [tuple(row) for row in await tx.execute(statement)]


async def lock_rows(tx: Tx, table: SealedTable, idents: Sequence[Ident], *, wait: bool = False) -> list[HubModel]:
    """The rows as they are now, locked until the transaction ends.

    Without `wait`, a row that another transaction holds on PostgreSQL is left out: who waits for nothing can
    be in no deadlock. SQLite has one writer, which the transaction is.
    """
    statement = (
        select(table.model)
        .where(tuple_(*table.ident).in_(list(idents)))
        .order_by(*table.ident)
        .with_for_update(skip_locked=not wait)
        .execution_options(populate_existing=True)
    )
    return list((await tx.execute(statement)).scalars())


def renew(vault: Vault, table: SealedTable, row: HubModel) -> tuple[bool, bool]:
    """Put a locked row under the active key, as far as it can be opened. Answers (changed, wholly readable).

    An envelope that cannot be opened stays as it is.
    """
    changed, readable = False, True
    for column in table.columns:
        envelope: bytes | None = getattr(row, column)
        if envelope is None or key_id_in(envelope[:HEADER_BYTES]) == vault.active_id:
            continue
        try:
            setattr(row, column, vault.rewrap(envelope, bound_to=bound_to(row, column)))
        except VaultLocked:
            readable = False
        else:
            changed = True
    if table.found_by is not None:
        moved, known = _renew_fingerprint(vault, table, row, table.found_by)
        changed, readable = changed or moved, readable and known
    if table.marked:
        changed = _mark(vault, table, row) or changed
    return changed, readable


async def keys_in_use(ask: Ask, table: SealedTable) -> AsyncIterator[frozenset[str]]:
    """For each row that holds anything: the ids of the keys it needs; `?` for bytes that are no envelope."""
    starts = [func.substr(table.table.c[name], 1, HEADER_BYTES, type_=LargeBinary) for name in table.columns]
    found_by = [table.table.c[table.found_by]] if table.found_by else []
    async for row in await ask.stream(select(*starts, *found_by), execution_options={"yield_per": 1000}):
        ids = {key_id_in(start) or "?" for start in row[: len(starts)] if start is not None}
        ids |= {str(fingerprint).partition(":")[0] for fingerprint in row[len(starts) :]}
        if ids:
            yield frozenset(ids)


def _stale(table: SealedTable, vault: Vault) -> ColumnElement[bool]:
    # The envelopes are asked, not a mark: a worker that still runs with the former key may write at any time.
    header = vault.active_header
    columns = table.table.c
    claims: list[ColumnElement[bool]] = [
        func.substr(columns[name], 1, len(header), type_=LargeBinary) != header for name in table.columns
    ]
    if table.marked:
        claims.append(columns.key_id != vault.active_id)
    if table.found_by is not None:
        claims.append(~columns[table.found_by].startswith(f"{vault.active_id}:", autoescape=True))
    return or_(*claims)


def _renew_fingerprint(vault: Vault, table: SealedTable, row: HubModel, found_by: str) -> tuple[bool, bool]:
    fingerprint: str = getattr(row, found_by)
    if fingerprint.startswith(f"{vault.active_id}:"):
        return False, True
    column = table.columns[0]
    try:
        secrets = list(vault.open(getattr(row, column), bound_to=bound_to(row, column)).values())
    except VaultLocked:
        return False, False
    # What is not the fingerprint of this very secret is not made one: it would bring a dead key back to life.
    if len(secrets) != 1 or fingerprint not in vault.fingerprints(secrets[0]):
        return False, False
    setattr(row, found_by, vault.fingerprint(secrets[0]))
    return True, True


def _mark(vault: Vault, table: SealedTable, row: Any) -> bool:
    envelopes = (getattr(row, column) for column in table.columns)
    first = next((envelope for envelope in envelopes if envelope is not None), None)
    key_id = vault.active_id if first is None else key_id_in(first[:HEADER_BYTES])
    if key_id is None or key_id == row.key_id:
        return False
    row.key_id = key_id
    return True
