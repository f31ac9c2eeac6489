"""How many scheduled deliveries go to a webhook, counted inside the database whichever way its JSON is written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

from atlas_hub.storage.models import Schedule


class _HasWebhook(FunctionElement[bool]):
    """Whether a column of recipients, a JSON array of objects, has one whose `type` is `webhook`."""

    type = Boolean()
    inherit_cache = True


@compiles(_HasWebhook, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    column = compiler.process(element.clauses, **more)
    return (
        f"EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid({column}) AND json_type({column}) = 'array'"  # noqa: S608  # a column's name
        f" THEN {column} ELSE '[]' END) AS one"
        " WHERE CASE WHEN one.type = 'object' THEN json_extract(one.value, '$.type') END = 'webhook')"
    )


@compiles(_HasWebhook, "postgresql")
def _on_postgres(element: Any, compiler: Any, **more: Any) -> str:
    column = compiler.process(element.clauses, **more)
    return (
        f"EXISTS (SELECT 1 FROM json_array_elements(CASE WHEN json_typeof({column}) = 'array'"  # noqa: S608  # a column's name
        f" THEN {column} ELSE '[]'::json END) AS one"
        " WHERE CASE WHEN json_typeof(one.value) = 'object' THEN one.value ->> 'type' END = 'webhook')"
    )


ACTIVE = (
    select(func.count())
    .where(
        col(Schedule.workspace) == bindparam("workspace"),
        col(Schedule.enabled),
        col(Schedule.channel) == "webhook",
        _HasWebhook(col(Schedule.recipients)),
    )
    .scalar_subquery()
)
"""The number of a `workspace`'s enabled schedules whose channel is webhook and that have a webhook recipient."""
