"""Run the hub's migrations on its own metadata and version table, on the connection given or the settings' own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlmodel.sql.sqltypes import AutoString

from alembic import context
from atlas_hub import settings as hub_settings
from atlas_hub.accounts import models  # noqa: F401  # the stand-alone app's tables belong to the same metadata
from atlas_hub.storage.db import UtcDateTime, make_engine
from atlas_hub.storage.installation import VERSION_TABLE
from atlas_hub.storage.models import HubModel

if TYPE_CHECKING:
    from sqlalchemy import Connection


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=HubModel.metadata,
        version_table=VERSION_TABLE,
        include_name=ours,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=plainly,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def plainly(kind: str, item: object, _autogen: object) -> str | bool:
    """Migrations name plain SQLAlchemy types, so that an old one runs whatever becomes of our classes."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def ours(name: str | None, kind: str, _parents: dict[str, str | None]) -> bool:
    """A database may hold a host's tables too: those are not ours to compare."""
    return kind != "table" or (name or "").startswith("atlas_hub_")


async def run_by_command() -> None:
    engine = make_engine(hub_settings.load().database)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_by_command())
