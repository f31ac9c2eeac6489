"""One page of a long list by a cursor, and how long the list is, as far as anybody counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

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

    @property
    def shape(self) -> Cut:
        """The same without its values, which statements are bound to: what they are built for, and kept by."""
        return replace(self, after="?" if self.after else "", before="?" if self.before else "", limit=0)


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

    def shown(self, view: Callable[[Any], Any]) -> Found:
        """The same page, each of its rows as `view` makes it."""
        return replace(self, rows=[view(row) for row in self.rows])


@dataclass(frozen=True)
class Statements:
    """The queries of a list, built once for each shape: building one costs more than the database does.

    They are bound to `workspace`, `cursor` and `limit`, and to whatever `where` named.
    """

    page: Select[Any]
    count: Select[Any]
    nearer: Select[Any]


def statements(
    table: Table, where: Sequence[ColumnElement[bool]], cut: Cut, shown: Callable[[FromClause], Select[Any]]
) -> Statements:
    """The queries for the rows of `table` that are the workspace's and `where`, cut as `cut` is.

    `shown` selects what is wanted of the page's rows, their `id` among it, and joins what belongs to them: only once
    the page is cut, so that nothing is joined that is not shown. A cursor that is nobody's is followed by nothing.
    """
    backwards = bool(cut.before)
    of_workspace = (table.c.workspace == bindparam("workspace"), *where)
    picked = select(table).where(*of_workspace)
    counted: Select[Any] = select(literal_column("1").label("one")).where(*of_workspace)
    if cut.cursor:
        picked = picked.where(_beyond(table, cut, backwards=backwards, inclusive=cut.inclusive))
        row = table.alias("cursor")
        here: Select[Any] = select(literal_column("1")).where(
            row.c.workspace == bindparam("workspace"), row.c.id == _cursor()
        )
        counted = counted.where(here.exists())
    limit: Any = bindparam("limit", type_=Integer)
    picked = picked.order_by(*_order(table, cut, backwards=backwards)).limit(limit)
    rows = picked.subquery("picked")
    nearer = _beyond(table, cut, backwards=not backwards, inclusive=False)
    return Statements(
        page=shown(rows).order_by(*_order(rows, cut, backwards=backwards)),
        count=select(func.count()).select_from(counted.limit(bindparam("most", type_=Integer)).subquery("some")),
        nearer=select(table.c.id).where(*of_workspace, nearer).limit(1),
    )


async def found(ask: Ask, queries: Statements, cut: Cut, values: Mapping[str, Any]) -> Found:
    """The page `cut` of a list: two queries. `values` are what its statements are bound to."""
    bound = {**values, "cursor": cut.cursor, "limit": cut.limit + 1, "most": MOST_COUNTED + 1}
    rows = list((await ask.execute(queries.page, bound)).all())
    counted = (await ask.execute(queries.count, bound)).scalar_one()
    more = len(rows) > cut.limit
    rows = rows[: cut.limit]
    beyond = bool(rows) and bool(cut.cursor)
    if cut.inclusive and beyond:  # a third query, seldom asked: is anything before the cursor's own row?
        beyond = (await ask.execute(queries.nearer, {**bound, "cursor": rows[0].id})).first() is not None
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


def _cursor() -> ColumnElement[Any]:
    return bindparam("cursor", type_=String)


def _keys(table: FromClause, cut: Cut) -> tuple[ColumnElement[Any], ...]:
    return (table.c.updated_at, table.c.id) if cut.by_update else (table.c.id,)


def _order(table: FromClause, cut: Cut, *, backwards: bool) -> list[ColumnElement[Any]]:
    return [key.asc() if cut.ascending != backwards else key.desc() for key in _keys(table, cut)]


def _beyond(table: Table, cut: Cut, *, backwards: bool, inclusive: bool) -> ColumnElement[bool]:
    """What comes after the cursor's row, which is looked up in the same query: nothing where there is none."""
    row = table.alias("cursor")
    here = [
        select(row.c[key.name])
        .where(row.c.workspace == bindparam("workspace"), row.c.id == _cursor())
        .scalar_subquery()
        for key in _keys(table, cut)
    ]
    keys = _keys(table, cut)
    ours, theirs = (keys[0], here[0]) if len(keys) == 1 else (tuple_(*keys), tuple_(*here))
    if cut.ascending != backwards:
        return ours >= theirs if inclusive else ours > theirs
    return ours <= theirs if inclusive else ours < theirs
