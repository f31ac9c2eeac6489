"""Every query about the chat API's channel connections and channel endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, delete, false, literal_column, or_, select
from sqlmodel import col

from atlas_hub.kit.ids import is_id
from atlas_hub.storage.db import Ask, Tx
from atlas_hub.storage.integrations import LIVE_SCOPES
from atlas_hub.storage.models import ChannelEndpoint, Connection, Credential

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


def of_a_card(table: FromClause, providers: Sequence[str]) -> ColumnElement[bool]:
    """Whether a row is an account of a card of one of these providers, where it has no resource."""
    known = or_(false(), *(same(table.c.provider, each) for each in providers))
    return and_(same(table.c.kind, "account"), table.c.source != literal_column("'environment'"), known)


def is_account_or_foreign(table: FromClause) -> ColumnElement[bool]:
    """Whether a row is of a kind that channel connections are of."""
    return or_(same(table.c.kind, "account"), same(table.c.kind, "foreign"))


def _of_provider(table: FromClause, kind: str, provider: str) -> ColumnElement[bool]:
    """An integration's kind and provider. Mail is known by its method; alerts may have been stored before the hub
    knew their provider.
    """
    if kind == "account":
        mail = and_(table.c.kind == kind, table.c.provider == "email", table.c.method == provider)
        return or_(mail, and_(table.c.kind.in_((kind, "foreign")), table.c.provider == provider))
    return and_(table.c.kind == kind, table.c.provider == provider)


def is_integration(table: FromClause) -> ColumnElement[bool]:
    """Every row without a resource but the accounts that are the cards' alone."""
    live = or_(false(), *(same(table.c.scope, scope) for scope in LIVE_SCOPES))
    own = and_(same(table.c.kind, "account"), ~live)
    return and_(same(table.c.subscriber, ""), same(table.c.contexts, ""), ~own)


def with_integration(rows: FromClause) -> Select[Any]:
    """What is shown of connections."""
    app, credential = _ROWS.alias("app"), _CREDENTIALS
    return (
        select(
            *(rows.c[name] for name in CONNECTION_COLUMNS),
            credential.c.expires_at,
            credential.c.granted,
            app.c.identifier.label("integration_identifier"),
            app.c.purpose.label("integration_purpose"),
        )
        .select_from(rows)
        .outerjoin(credential, credential.c.id == rows.c.credential_id)
        .outerjoin(app, and_(app.c.id == rows.c.app_id, app.c.workspace == rows.c.workspace))
    )


CONNECTION_COLUMNS: Final = (
    "id", "kind", "provider", "identifier", "subscriber", "contexts", "wire", "masks", "source", "account_key",
    "account_name", "state", "checks", "features", "created_at", "updated_at",
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
    statement = with_integration(select(table).where(*where, of_a_card(table, providers)).subquery("picked"))
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
        is_integration(_ROWS),
    )
    return (await tx.execute(statement.limit(1))).scalar_one_or_none()


async def integration_of(tx: Tx, workspace: str, kind: str, provider: str) -> Connection | None:
    """The oldest active integration of a provider."""
    statement = select(Connection).where(
        col(Connection.workspace) == workspace,
        _of_provider(_ROWS, kind, provider),
        col(Connection.active),
        is_integration(_ROWS),
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
