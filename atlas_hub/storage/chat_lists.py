"""The lists of the chat API's channel connections and endpoints, narrowed and cut into pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, literal_column, or_, select

from atlas_hub.storage.chat import (
    endpoint_with_integration,
    is_account_or_foreign,
    is_integration,
    of_a_card,
    of_chat,
    resource,
    same,
    with_integration,
)
from atlas_hub.storage.db import Ask
from atlas_hub.storage.models import ChannelEndpoint, Connection
from atlas_hub.storage.paging import Cut, Found, Statements, found, statements

_ROWS: Final[Table] = Connection.__table__  # type: ignore[attr-defined]  # SQLModel does not type it
KINDS: Final[tuple[ColumnElement[Any], ...]] = tuple(
    literal_column(f"'{kind}'") for kind in ("account", "app", "foreign")
)
_ENDPOINTS: Final[Table] = ChannelEndpoint.__table__  # type: ignore[attr-defined]  # same


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows of a list; None is all. `contexts` is the exact set, "" none at all.

    `integration` and `connection` are identifiers, `provider` a row's kind and provider, `purpose` an integration's.
    `cards` are the providers whose cards' own accounts are listed, too.
    """

    subscriber: str | None = None
    contexts: str | None = None
    shared: bool | None = None
    integration: str | None = None
    connection: str | None = None
    provider: tuple[str, str] | None = None
    purpose: str | None = None
    cards: tuple[str, ...] = ()

    @property
    def shape(self) -> Wanted:
        """The same without its values: what a statement is built for, and kept by."""
        bound = ("subscriber", "contexts", "integration", "connection")
        blank: dict[str, Any] = {name: "?" for name in bound if getattr(self, name) is not None}
        provider = None if self.provider is None else ("account" if self.provider[0] == "account" else "?", "?")
        purpose = self.purpose if self.purpose in {None, "chat"} else "?"
        return replace(self, provider=provider, purpose=purpose, **blank)

    @property
    def values(self) -> dict[str, Any]:
        """What its statement is bound to."""
        kind, provider = self.provider or (None, None)
        named = {
            name: getattr(self, name) for name in ("subscriber", "contexts", "integration", "connection", "purpose")
        }
        return {
            name: value for name, value in {**named, "kind": kind, "provider": provider}.items() if value is not None
        }


async def connections(ask: Ask, workspace: str, wanted: Wanted, cut: Cut) -> Found:
    """A page of channel connections: the chat API's own, and the chat accounts of cards."""
    queries = _connections(wanted.shape, cut.shape)
    return await found(ask, queries, cut, {**wanted.values, "workspace": workspace})


@lru_cache(maxsize=512)
def _connections(wanted: Wanted, cut: Cut) -> Statements:
    table = _ROWS
    where = [of_chat(table), or_(resource(table), of_a_card(table, wanted.cards)), *_narrowed(table, wanted)]
    if wanted.shared is not None:
        where.append(same(table.c.subscriber, "") if wanted.shared else table.c.subscriber != literal_column("''"))
    if wanted.integration is not None:
        where += [resource(table), table.c.app_id == _integration_id()]
    if wanted.provider is not None:
        where += [table.c.kind == bindparam("kind"), table.c.provider == bindparam("provider")]
    if wanted.purpose is not None:
        through = and_(resource(table), table.c.app_id.in_(_integration_ids(wanted.purpose)))
        where.append(or_(through, ~resource(table)) if wanted.purpose == "chat" else through)
    return statements(table, where, cut, with_integration)


async def endpoints(ask: Ask, workspace: str, wanted: Wanted, cut: Cut) -> Found:
    """A page of channel endpoints."""
    queries = _endpoints(wanted.shape, cut.shape)
    return await found(ask, queries, cut, {**wanted.values, "workspace": workspace})


@lru_cache(maxsize=512)
def _endpoints(wanted: Wanted, cut: Cut) -> Statements:
    table = _ENDPOINTS
    where = _narrowed(table, wanted)
    if wanted.integration is not None:
        where.append(table.c.app_id == _integration_id())
    if wanted.provider is not None:
        app = _ROWS.alias("app")
        mail = and_(same(app.c.kind, "account"), same(app.c.provider, "email"), app.c.method == bindparam("provider"))
        kind, named = app.c.kind == bindparam("kind"), app.c.provider == bindparam("provider")
        if wanted.provider[0] == "account":  # alerts may have been stored before the hub knew their provider
            named = or_(mail, and_(or_(kind, same(app.c.kind, "foreign")), named))
        else:
            named = and_(kind, named)
        where.append(table.c.app_id.in_(select(app.c.id).where(app.c.workspace == bindparam("workspace"), named)))
    if wanted.purpose is not None:
        where.append(table.c.app_id.in_(_integration_ids(wanted.purpose)))
    if wanted.connection is not None:
        row = _ROWS.alias("of")
        of = (row.c.workspace == bindparam("workspace"), row.c.identifier == bindparam("connection"))
        found_by = select(row.c.id).where(*of, is_account_or_foreign(row), resource(row)).limit(1)
        where.append(table.c.connection_id == found_by.scalar_subquery())
    return statements(table, where, cut, endpoint_with_integration)


def _narrowed(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.subscriber is not None:
        where.append(table.c.subscriber == bindparam("subscriber"))
    if wanted.contexts is not None:
        where.append(table.c.contexts == bindparam("contexts"))
    return where


def _integration_id() -> ColumnElement[Any]:
    row = _ROWS.alias("app")
    return (
        select(row.c.id)
        .where(
            row.c.workspace == bindparam("workspace"),
            row.c.kind.in_(KINDS),  # a list, so that it is found by the whole of the unique index
            row.c.identifier == bindparam("integration"),
            is_integration(row),
        )
        .limit(1)
        .scalar_subquery()
    )


def _integration_ids(purpose: str) -> Select[Any]:
    """Those of a purpose; the channel of chat has those of alerts, too."""
    row = _ROWS.alias("app")
    of = row.c.purpose == bindparam("purpose")
    of = or_(of, same(row.c.purpose, "alerts")) if purpose == "chat" else of
    return select(row.c.id).where(row.c.workspace == bindparam("workspace"), of, is_integration(row))
