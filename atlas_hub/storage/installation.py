"""The installation's one row, its migrations and its vault: what must be right before anything is served."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from alembic import command
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import BadForm
from atlas_hub.settings import Settings
from atlas_hub.storage import audit
from atlas_hub.storage.db import Ask, Db, Tx, insert_once
from atlas_hub.storage.keys import load_or_make_key_file, parse_keys
from atlas_hub.storage.models import Installation
from atlas_hub.storage.vault import Vault, check_fault, make_check

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a look at the database may take."""
VERSION_TABLE = "atlas_hub_alembic_version"
MIGRATION_LOCK = 0x61746C6173  # "atlas", for PostgreSQL's advisory lock


def migrations() -> Path:
    """Where the migrations are: in the wheel beside the package, in a checkout at its root."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "alembic"


def alembic_config(connection: SyncConnection | None = None) -> Config:
    """Alembic's configuration for the hub's own tables, on an open connection where one is given."""
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(db: Db, revision: str = "head") -> None:
    """Bring the hub's tables to a revision. Several workers may start at once: one migrates, the others wait."""
    async with db.transaction() as tx:
        if db.postgres:
            await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        await (await tx.connection()).run_sync(_upgrade, revision)


def _upgrade(connection: SyncConnection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


async def is_migrated(ask: Ask) -> bool:
    """Whether the hub's tables are at least as new as this code. Newer ones, of a later release, only add."""
    found = await ask.run_sync(_revision)
    return found == head() or (found != "" and not knows(found))


async def revision(db: Db) -> str:
    """The revision that the hub's tables are at, "" where there are none. Raises `Unreachable`, `TimeoutError`."""
    async with asyncio.timeout(PATIENCE), db.asking() as ask:
        return await ask.run_sync(_revision)


def _revision(connection: SyncConnection) -> str:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision() or ""


def head() -> str:
    """The newest revision that this version of the hub knows."""
    return next(iter(_revisions()), "")


def knows(named: str) -> bool:
    """Whether a revision is one of this version's, and so not of a newer one."""
    return named in _revisions()


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision of this version, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())


async def the_row(tx: Tx) -> Installation:
    """The installation's row, made where it is not there yet, locked until the transaction ends."""
    await insert_once(tx, Installation, id=1, first_workspace="", created_at=now())
    return (await tx.execute(select(Installation).with_for_update())).scalar_one()


async def first_workspace(tx: Tx) -> str:
    """The id of the first workspace, or "" where there is none."""
    row = (await tx.execute(select(Installation))).scalar_one_or_none()
    return row.first_workspace if row else ""


async def may_begin(tx: Tx, workspace: str) -> bool:
    """Whether the first thing of all may happen in a workspace that has no history: in a tenant of a host's.

    The stand-alone app's workspaces began when they were made; one of them that has no history was deleted.
    """
    return not await first_workspace(tx) and not await audit.has_head(tx, workspace)


async def open_vault(settings: Settings, db: Db | None) -> Vault:
    """The vault with the configured keys, checked against what this installation was sealed with.

    Raises `BadForm` in production where no key is configured or the configured ones are wrong. Elsewhere a vault that
    cannot open is locked: the page renders and says why, and nothing is stored.
    """
    if db is None:
        return Vault(_keys(settings, may_make=False))
    # Read and written in one transaction: of two workers that start at once, one makes key and check.
    async with db.transaction() as tx:
        row = await the_row(tx)
        vault = Vault(_keys(settings, may_make=row.key_check is None))
        if vault.locked:
            pass
        elif row.key_check is None:
            row.key_check = make_check(vault)
        elif fault := check_fault(vault, row.key_check):
            vault.lock(fault)
    if vault.locked and settings.production:
        raise BadForm({"ATLAS_ENCRYPTION_KEYS": vault.reason})
    if vault.locked:
        log.error("%s", vault.reason)
    return vault


async def vault_as_found(settings: Settings, db: Db | None) -> Vault:
    """What `open_vault` would open, locked where that would refuse. Nothing is made or written.

    Where the database does not answer, the keys are taken as they are configured.
    """
    try:
        vault = Vault(_keys(settings, may_make=False))
    except BadForm as error:
        vault = Vault(())
        vault.lock(error.text)
        return vault
    check = None
    if db is not None:
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE), db.reading() as tx:
                check = (await tx.execute(select(Installation.key_check))).scalar_one_or_none()  # type: ignore[call-overload]  # a SQLModel column reads as its value
    if not vault.locked and (fault := check_fault(vault, check)):
        vault.lock(fault)
    return vault


def _keys(settings: Settings, *, may_make: bool) -> Any:
    if settings.encryption_keys is not None:
        return parse_keys(settings.encryption_keys.reveal())
    if settings.production or not settings.has_database:
        return ()
    return load_or_make_key_file(settings.key_file, may_make=may_make) or ()
