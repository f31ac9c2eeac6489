"""Copperleaf's migrations, on Copperleaf's own tables."""

from __future__ import annotations

import reflex as rx
from host_dashboard import tables  # noqa: F401  # fills the metadata
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from alembic import context


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """The hub keeps its tables in the same database. They are not Copperleaf's to compare, change or drop."""
    return kind != "table" or not (name or "").startswith("atlas_hub_")


with create_engine(rx.config.get_config().db_url or "").connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, include_name=ours, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
