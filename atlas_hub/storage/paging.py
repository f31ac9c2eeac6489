"""One page of a long list by a cursor, and how long the list is, as far as anybody counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Table, func, literal_column, select, tuple_

from atlas_hub.storage.db import Ask

MOST_COUNTED: Final = 50_000
"""Nobody waits for a longer list to be counted."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Which page: the rows after a cursor, or before one, which is a row's id; `inclusive` has the cursor's own row.

    The order is that in which rows were made, their ids' own, or that of their last change, then of their ids.
    """

    after: str = ""
    before: str = ""
    limit: int = 10
    ascending: bool = False
    by_update: bool = False
    inclusive: bool = False

    @property
    def cursor(self) -> str:
        """The cursor, or ""."""
        return self.after or self.before


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page. `next` and `previous` are the cursors on either side of it, None where nothing is there.

    `total` is at most `MOST_COUNTED`; `capped`: there are more.
    """

    rows: Sequence[Any]
    next: str | None = None
    previous: str | None = None
    total: int = 0
    capped: bool = False


async def found(
    ask: Ask,
    table: Table,
    workspace: str,
    where: Sequence[ColumnElement[bool]],
    cut: Cut,
    shown: Callable[[FromClause], Select[Any]],
) -> Found:
    """The page `cut` of the rows of `table` that are the workspace's and `where`: two queries.

    `shown` selects what is wanted of the page's rows, their `id` among it, and joins what belongs to them: only once
    the page is cut, so that nothing is joined that is not shown. A cursor that is nobody's is followed by nothing.
    """
    picked = _picked(table, workspace, where, cut)
    statement = shown(picked)
    order = _order(picked, cut, backwards=bool(cut.before))
    rows = list((await ask.execute(statement.order_by(*order))).all())
    counted = (await ask.execute(_counted(table, workspace, where, cut.cursor))).scalar_one()
    more = len(rows) > cut.limit
    rows = rows[: cut.limit]
    beyond = bool(rows) and bool(cut.cursor)
    if cut.inclusive and beyond:
        beyond = await _any_before(ask, table, workspace, where, cut, str(rows[0].id))
    if cut.before:
        rows.reverse()
    first, last = (rows[0].id, rows[-1].id) if rows else (None, None)
    after, ahead = (beyond, more) if cut.before else (more, beyond)
    return Found(
        rows=rows,
        next=last if after else None,
        previous=first if ahead else None,
        total=min(counted, MOST_COUNTED),
        capped=counted > MOST_COUNTED,
    )


def _keys(table: FromClause, cut: Cut) -> tuple[ColumnElement[Any], ...]:
    return (table.c.updated_at, table.c.id) if cut.by_update else (table.c.id,)


def _order(table: FromClause, cut: Cut, *, backwards: bool) -> list[ColumnElement[Any]]:
    return [key.asc() if cut.ascending != backwards else key.desc() for key in _keys(table, cut)]


def _picked(table: Table, workspace: str, where: Sequence[ColumnElement[bool]], cut: Cut) -> FromClause:
    backwards = bool(cut.before)
    statement = select(table).where(table.c.workspace == workspace, *where)
    if cut.cursor:
        statement = statement.where(_beyond(table, workspace, cut, cut.cursor, backwards=backwards))
    return statement.order_by(*_order(table, cut, backwards=backwards)).limit(cut.limit + 1).subquery("picked")


def _beyond(
    table: Table, workspace: str, cut: Cut, cursor: str, *, backwards: bool, inclusive: bool | None = None
) -> ColumnElement[bool]:
    """What comes after the cursor's row, which is looked up in the same query: nothing where there is none."""
    row = table.alias("cursor")
    here = [
        select(row.c[key.name]).where(row.c.workspace == workspace, row.c.id == cursor).scalar_subquery()
        for key in _keys(table, cut)
    ]
    keys = _keys(table, cut)
    ours, theirs = (keys[0], here[0]) if len(keys) == 1 else (tuple_(*keys), tuple_(*here))
    with_it = cut.inclusive if inclusive is None else inclusive
    if cut.ascending != backwards:
        return ours >= theirs if with_it else ours > theirs
    return ours <= theirs if with_it else ours < theirs


async def _any_before(
    ask: Ask, table: Table, workspace: str, where: Sequence[ColumnElement[bool]], cut: Cut, first: str
) -> bool:
    """Whether a row stands on the near side of a page that has its cursor's row in it: a third query, seldom asked."""
    before = _beyond(table, workspace, cut, first, backwards=not cut.before, inclusive=False)
    statement = select(table.c.id).where(table.c.workspace == workspace, *where, before).limit(1)
    return (await ask.execute(statement)).first() is not None


def _counted(table: Table, workspace: str, where: Sequence[ColumnElement[bool]], cursor: str) -> Select[Any]:
    some: Select[Any] = select(literal_column("1").label("one")).where(table.c.workspace == workspace, *where)
    if cursor:
        row = table.alias("cursor")
        some = some.where(select(literal_column("1")).where(row.c.workspace == workspace, row.c.id == cursor).exists())
    return select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery("some"))
