"""Every query about the chat API's subscribers and contexts, and about what the page lists of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
)
from sqlmodel import col

from atlas_hub.storage.chat import endpoint_with_integration, of_chat, resource, same, with_integration
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import ChannelEndpoint, Connection, Context, Subscriber
from atlas_hub.storage.paging import Cut, Found, Statements, found, statements

_ROWS: Final[Table] = Connection.__table__  # type: ignore[attr-defined]  # SQLModel does not type it
_ENDPOINTS: Final[Table] = ChannelEndpoint.__table__  # type: ignore[attr-defined]  # same
_CONTEXTS: Final[Table] = Context.__table__  # type: ignore[attr-defined]  # same


async def subscriber(tx: Tx, workspace: str, subscriber_id: str) -> Subscriber | None:
    """A subscriber of the workspace."""
    statement = select(Subscriber).where(
        col(Subscriber.workspace) == workspace, col(Subscriber.subscriber_id) == subscriber_id
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def context(tx: Tx, workspace: str, kind: str, context_id: str) -> Context | None:
    """A context of the workspace by its type and id."""
    statement = select(Context).where(
        col(Context.workspace) == workspace, col(Context.type) == kind, col(Context.context_id) == context_id
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def delete_context(tx: Tx, workspace: str, kind: str, context_id: str) -> bool:
    """Delete a context. What was stored for it keeps its name. False where there is none."""
    result = await tx.execute(
        delete(Context).where(
            col(Context.workspace) == workspace, col(Context.type) == kind, col(Context.context_id) == context_id
        )
    )
    return bool(getattr(result, "rowcount", 0))


async def contexts(ask: Ask, workspace: str, cut: Cut, *, context_id: str = "", search: str = "") -> Found:
    """A page of contexts: those with exactly this id, or whose type, id or `type:id` has `search` in it."""
    queries = _contexts(bool(context_id), bool(search), cut.shape)
    plain = search.lower().replace("/", "//").replace("%", "/%").replace("_", "/_")
    values = {"workspace": workspace, "context_id": context_id, "search": f"%{plain}%"}
    return await found(ask, queries, cut, values)


@lru_cache(maxsize=128)
def _contexts(by_id: bool, searched: bool, cut: Cut) -> Statements:  # noqa: FBT001  # a key of the cache
    where: list[ColumnElement[bool]] = []
    if by_id:
        where.append(_CONTEXTS.c.context_id == bindparam("context_id"))
    if searched:
        named = func.lower(_CONTEXTS.c.type + ":" + _CONTEXTS.c.context_id)
        where.append(named.like(bindparam("search", type_=String), escape="/"))
    return statements(_CONTEXTS, where, cut, _as_it_is)


def _as_it_is(rows: FromClause) -> Select[Any]:
    return select(*rows.c)


async def connections_on_page(
    ask: Ask, workspace: str, search: str, after: str, limit: int, provider: str = ""
) -> Sequence[Any]:
    """Subscribers' connections for the page, newest first: those made before the row `after`."""
    table = _ROWS
    where = [table.c.workspace == workspace, of_chat(table), resource(table)]
    if provider:
        where.append(table.c.provider == provider)
    if search:
        where.append(_begins(search, table.c.subscriber, table.c.identifier, table.c.account_name))
    if after:
        where.append(table.c.id < after)
    picked = select(table).where(*where).order_by(table.c.id.desc()).limit(limit).subquery("picked")
    statement = with_integration(picked).add_columns(picked.c.state, picked.c.reason, picked.c.created_by)
    app = _ROWS.alias("labeled")
    joined = statement.outerjoin(app, and_(app.c.id == picked.c.app_id, app.c.workspace == workspace))
    return (await ask.execute(joined.add_columns(app.c.label).order_by(picked.c.id.desc()))).all()


async def endpoints_on_page(
    ask: Ask, workspace: str, search: str, after: str, limit: int, provider: str = ""
) -> Sequence[Any]:
    """Subscribers' endpoints for the page, as `connections_on_page` has connections."""
    table = _ENDPOINTS
    where = [table.c.workspace == workspace]
    if provider:
        apps = select(_ROWS.c.id).where(_ROWS.c.workspace == workspace, _ROWS.c.provider == provider)
        where.append(table.c.app_id.in_(apps))
    if search:
        where.append(_begins(search, table.c.subscriber, table.c.identifier))
    if after:
        where.append(table.c.id < after)
    picked = select(table).where(*where).order_by(table.c.id.desc()).limit(limit).subquery("picked")
    app = _ROWS.alias("labeled")
    statement = (
        endpoint_with_integration(picked)
        .add_columns(picked.c.created_by, app.c.label)
        .outerjoin(app, and_(app.c.id == picked.c.app_id, app.c.workspace == workspace))
    )
    return (await ask.execute(statement.order_by(picked.c.id.desc()))).all()


def _begins(search: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(column.istartswith(search, autoescape=True) for column in columns))


async def count_by_provider(ask: Ask, workspace: str) -> dict[str, int]:
    """How many subscribers' connections each provider has: counted in an index, then named."""
    table, app = _ROWS, _ROWS.alias("app")
    counted = (
        select(table.c.app_id, func.count().label("times"))
        .where(table.c.workspace == workspace, resource(table))
        .group_by(table.c.app_id)
        .subquery("counted")
    )
    statement = (
        select(app.c.provider, func.sum(counted.c.times))
        .select_from(counted)
        .join(app, and_(app.c.id == counted.c.app_id, app.c.workspace == workspace))
        .where(same(app.c.kind, "app"))
        .group_by(app.c.provider)
    )
    return {str(provider): int(times) for provider, times in await ask.execute(statement)}


async def endpoints_like(tx: Tx, workspace: str, app_id: str, subscriber: str, kind: str) -> Sequence[ChannelEndpoint]:
    """A subscriber's endpoints of one type through one integration, locked until the transaction ends."""
    statement = (
        select(ChannelEndpoint)
        .where(
            col(ChannelEndpoint.workspace) == workspace,
            col(ChannelEndpoint.app_id) == app_id,
            col(ChannelEndpoint.subscriber) == subscriber,
            col(ChannelEndpoint.type) == kind,
        )
        .order_by(col(ChannelEndpoint.id))
        .with_for_update()
    )
    return (await tx.execute(statement)).scalars().all()
