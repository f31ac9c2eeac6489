"""Every query about the chat API's channel connections and channel endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, delete, literal_column, or_, select
from sqlmodel import col

from atlas_hub.kit.ids import is_id
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.models import ChannelEndpoint, Connection, Credential
from atlas_hub.storage.paging import Cut, Found, found

_ROWS: Final[Table] = Connection.__table__  # type: ignore[attr-defined]  # SQLModel does not type it
_ENDPOINTS: Final[Table] = ChannelEndpoint.__table__  # type: ignore[attr-defined]  # same
_CREDENTIALS: Final[Table] = Credential.__table__  # type: ignore[attr-defined]  # same


def same(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Whether a column is that very word."""
    # Written out, not bound: a plan that is made once for all values must see that a partial index fits.
    return column == literal_column(f"'{word}'")


def resource(table: FromClause) -> ColumnElement[bool]:
    """Whether a row is a channel connection of the chat API: it has a subscriber or contexts."""
    return or_(table.c.subscriber != literal_column("''"), table.c.contexts != literal_column("''"))


def of_chat(table: FromClause) -> ColumnElement[bool]:
    """Worded like the partial indexes."""
    return and_(same(table.c.purpose, "chat"), table.c.kind != literal_column("'app'"))


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


async def connections(ask: Ask, workspace: str, wanted: Wanted, cut: Cut) -> Found:
    """A page of channel connections: the chat API's own, and the chat accounts of cards."""
    table = _ROWS
    where = [of_chat(table), or_(resource(table), _of_a_card(table, wanted.cards)), *_narrowed(table, wanted)]
    if wanted.shared is not None:
        where.append(same(table.c.subscriber, "") if wanted.shared else table.c.subscriber != literal_column("''"))
    if wanted.integration is not None:
        where += [resource(table), table.c.app_id == _integration_id(workspace, wanted.integration)]
    if wanted.provider is not None:
        kind, provider = wanted.provider
        where += [table.c.kind == kind, table.c.provider == provider]
    if wanted.purpose is not None:
        through = and_(resource(table), table.c.app_id.in_(_integration_ids(workspace, wanted.purpose)))
        where.append(or_(through, ~resource(table)) if wanted.purpose == "chat" else through)
    return await found(ask, table, workspace, where, cut, with_integration)


async def endpoints(ask: Ask, workspace: str, wanted: Wanted, cut: Cut) -> Found:
    """A page of channel endpoints."""
    table = _ENDPOINTS
    where = _narrowed(table, wanted)
    if wanted.integration is not None:
        where.append(table.c.app_id == _integration_id(workspace, wanted.integration))
    if wanted.provider is not None:
        app = _ROWS.alias("app")
        ids = select(app.c.id).where(app.c.workspace == workspace, _of_provider(app, *wanted.provider))
        where.append(table.c.app_id.in_(ids))
    if wanted.purpose is not None:
        where.append(table.c.app_id.in_(_integration_ids(workspace, wanted.purpose)))
    if wanted.connection is not None:
        row = _ROWS.alias("of")
        named = select(row.c.id).where(row.c.workspace == workspace, row.c.identifier == wanted.connection)
        where.append(
            table.c.connection_id
            == named.where(row.c.kind.in_(("account", "foreign")), resource(row)).limit(1).scalar_subquery()
        )
    return await found(ask, table, workspace, where, cut, endpoint_with_integration)


def _narrowed(table: Table, wanted: Wanted) -> list[ColumnElement[bool]]:
    where = []
    if wanted.subscriber is not None:
        where.append(table.c.subscriber == wanted.subscriber)
    if wanted.contexts is not None:
        where.append(table.c.contexts == wanted.contexts)
    return where


def _of_a_card(table: FromClause, providers: Sequence[str]) -> ColumnElement[bool]:
    return and_(
        same(table.c.kind, "account"),
        table.c.source != literal_column("'environment'"),
        table.c.provider.in_(providers),
    )


def _of_provider(table: FromClause, kind: str, provider: str) -> ColumnElement[bool]:
    """An integration's kind and provider; mail, the only accounts among them, is known by its method."""
    if kind == "account":
        return and_(table.c.kind == kind, table.c.provider == "email", table.c.method == provider)
    return and_(table.c.kind == kind, table.c.provider == provider)


def _is_integration(table: FromClause) -> ColumnElement[bool]:
    """Every row without a resource but the cards' own accounts of chat providers and trackers."""
    own = and_(same(table.c.kind, "account"), table.c.purpose.in_(("chat", "track")))
    return and_(same(table.c.subscriber, ""), same(table.c.contexts, ""), ~own)


def _integration_id(workspace: str, identifier: str) -> ColumnElement[Any]:
    row = _ROWS.alias("app")
    return (
        select(row.c.id)
        .where(
            row.c.workspace == workspace,
            row.c.kind.in_(("account", "app", "foreign")),
            row.c.identifier == identifier,
            _is_integration(row),
        )
        .limit(1)
        .scalar_subquery()
    )


def _integration_ids(workspace: str, purpose: str) -> Select[Any]:
    row = _ROWS.alias("app")
    return select(row.c.id).where(row.c.workspace == workspace, row.c.purpose == purpose, _is_integration(row))


def with_integration(rows: FromClause) -> Select[Any]:
    """What is shown of connections."""
    app, credential = _ROWS.alias("app"), _CREDENTIALS
    return (
        select(
            *(rows.c[name] for name in CONNECTION_COLUMNS),
            credential.c.expires_at,
            app.c.identifier.label("integration_identifier"),
            app.c.purpose.label("integration_purpose"),
        )
        .select_from(rows)
        .outerjoin(credential, credential.c.id == rows.c.credential_id)
        .outerjoin(app, and_(app.c.id == rows.c.app_id, app.c.workspace == rows.c.workspace))
    )


CONNECTION_COLUMNS: Final = (
    "id", "kind", "provider", "identifier", "subscriber", "contexts", "wire", "masks", "source", "account_key",
    "account_name", "created_at", "updated_at",
)  # fmt: skip
"""What an answer about a channel connection is made of."""


def endpoint_with_integration(rows: FromClause) -> Select[Any]:
    """What is shown of endpoints."""
    app, connection = _ROWS.alias("app"), _ROWS.alias("of")
    return (
        select(
            rows.c.id,
            rows.c.identifier,
            rows.c.subscriber,
            rows.c.contexts,
            rows.c.type,
            rows.c.endpoint,
            rows.c.created_at,
            rows.c.updated_at,
            app.c.kind,
            app.c.provider,
            app.c.method,
            app.c.identifier.label("integration_identifier"),
            app.c.purpose.label("integration_purpose"),
            connection.c.identifier.label("connection_identifier"),
        )
        .select_from(rows)
        .outerjoin(app, and_(app.c.id == rows.c.app_id, app.c.workspace == rows.c.workspace))
        .outerjoin(connection, connection.c.id == rows.c.connection_id)
    )


async def shown_connection(ask: Ask, workspace: str, identifier: str) -> Any | None:
    """What is shown of the channel connection with this identifier: one query."""
    table = _ROWS
    where = (table.c.workspace == workspace, table.c.identifier == identifier, of_chat(table), resource(table))
    kinds = table.c.kind.in_(("account", "foreign"))  # the index begins with it
    statement = with_integration(select(table).where(*where, kinds).limit(1).subquery("picked"))
    return (await ask.execute(statement)).first()


async def shown_card(ask: Ask, workspace: str, row_id: str, providers: Sequence[str]) -> Any | None:
    """What is shown of a card's own chat account: one query."""
    if not is_id(row_id):
        return None
    table = _ROWS
    where = (table.c.workspace == workspace, table.c.id == row_id, of_chat(table), ~resource(table))
    statement = with_integration(select(table).where(*where, _of_a_card(table, providers)).subquery("picked"))
    return (await ask.execute(statement)).first()


async def shown_endpoint(ask: Ask, workspace: str, identifier: str) -> Any | None:
    """What is shown of the channel endpoint with this identifier: one query."""
    table = _ENDPOINTS
    where = (table.c.workspace == workspace, table.c.identifier == identifier)
    statement = endpoint_with_integration(select(table).where(*where).subquery("picked"))
    return (await ask.execute(statement)).first()


async def integration(tx: Tx, workspace: str, identifier: str) -> Connection | None:
    """The integration with this identifier."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace,
        col(Connection.kind).in_(("account", "app", "foreign")),
        col(Connection.identifier) == identifier,
        _is_integration(_ROWS),
    )
    return (await tx.execute(statement.limit(1))).scalar_one_or_none()


async def integration_of(tx: Tx, workspace: str, kind: str, provider: str) -> Connection | None:
    """The oldest active integration of a provider."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace,
        _of_provider(_ROWS, kind, provider),
        col(Connection.active),
        _is_integration(_ROWS),
    )
    return (await tx.execute(statement.order_by(col(Connection.id)).limit(1))).scalar_one_or_none()


async def connection(tx: Tx, workspace: str, identifier: str) -> Connection | None:
    """The chat API's own channel connection with this identifier, locked until the transaction ends."""
    statement = (
        select(Connection)
        .where(
            col(Connection.workspace) == workspace,
            col(Connection.kind).in_(("account", "foreign")),
            col(Connection.identifier) == identifier,
            resource(_ROWS),
        )
        .with_for_update()
    )
    return (await tx.execute(statement)).scalars().first()


async def of_resource(tx: Tx, workspace: str, app_id: str, subscriber: str, contexts: str) -> str | None:
    """The identifier of an integration's connection for this very subscriber and set of contexts."""
    statement = select(col(Connection.identifier)).where(
        col(Connection.workspace) == workspace,
        col(Connection.app_id) == app_id,
        col(Connection.subscriber) == subscriber,
        col(Connection.contexts) == contexts,
        resource(_ROWS),
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def endpoint(tx: Tx, workspace: str, identifier: str) -> ChannelEndpoint | None:
    """The channel endpoint with this identifier, locked until the transaction ends."""
    statement = (
        select(ChannelEndpoint)
        .where(col(ChannelEndpoint.workspace) == workspace, col(ChannelEndpoint.identifier) == identifier)
        .with_for_update()
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def webhooks(ask: Ask | Tx, workspace: str, subscriber: str) -> Sequence[Any]:
    """A subscriber's own webhooks: endpoints of that type without context and connection, each with its integration."""
    table = _ENDPOINTS
    where = (table.c.workspace == workspace, table.c.subscriber == subscriber, same(table.c.type, "webhook"))
    alone = (same(table.c.contexts, ""), table.c.connection_id.is_(None))
    picked = select(table).where(*where, *alone).order_by(table.c.id).limit(100).subquery("picked")
    statement = endpoint_with_integration(picked).add_columns(picked.c.app_id).order_by(picked.c.id)
    return (await ask.execute(statement)).all()


async def delete_endpoints_of(tx: Tx, connection_id: str) -> int:
    """Delete the endpoints that name a connection. How many they were."""
    result = await tx.execute(delete(ChannelEndpoint).where(col(ChannelEndpoint.connection_id) == connection_id))
    return max(0, getattr(result, "rowcount", 0))
