"""The tables: one store for the page and four APIs (docs/decisions/0005).

Rules every table follows: ids are 24 lower-case hex, sorting by time; `workspace` is the tenant's id; what is compared
for uniqueness is never null ("" or "-" stands for nothing); a `bytes` column is sealed by the vault, nothing else is.
"""

# No `from __future__ import annotations`: SQLModel reads live annotations.
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, MetaData, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.storage.db import UtcDateTime

PREFIX = "atlas_hub_"
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class HubModel(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMES))):
    """The hub's own metadata: a host's tables and migrations never meet it."""


def moment(*, optional: bool = False, index: bool = False) -> Any:
    """A column for a moment in UTC."""
    if optional:
        return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)
    return Field(default_factory=now, sa_type=UtcDateTime, nullable=False, index=index)


def json_column(default: type) -> Any:
    """A JSON column that is never null."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class Installation(HubModel, table=True):
    """The one row about this installation itself."""

    __tablename__ = PREFIX + "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    first_workspace: str = ""
    key_check: bytes | None = None
    created_at: datetime = moment()


class Connection(HubModel, table=True):
    """One thing set up in a workspace, of one kind: account, app or foreign (decisions §6)."""

    __tablename__ = PREFIX + "connection"
    __table_args__ = (
        # At most one primary in a scope, however many workers race for it.
        UniqueConstraint("workspace", "primary_scope"),
        UniqueConstraint("workspace", "kind", "identifier"),
        # One connection for each subscriber and context of an app (the chat API's *resource*).
        Index(
            "uq_atlas_hub_connection_resource",
            "workspace",
            "app_id",
            "subscriber",
            "contexts",
            unique=True,
            sqlite_where=text("subscriber <> '' OR contexts <> ''"),
            postgresql_where=text("subscriber <> '' OR contexts <> ''"),
        ),
        # The same account is stored once by each way in.
        Index(
            "uq_atlas_hub_connection_account",
            "workspace",
            "provider",
            "method",
            "app_key",
            "account_key",
            unique=True,
            sqlite_where=text(
                "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment'"
                " AND subscriber = '' AND contexts = ''"
            ),
            postgresql_where=text(
                "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment'"
                " AND subscriber = '' AND contexts = ''"
            ),
        ),
        # What cards, status and the groups API read, however many subscribers' rows stand beside it.
        Index(
            "ix_atlas_hub_connection_cards",
            "workspace",
            sqlite_where=text("kind = 'account' AND subscriber = '' AND contexts = ''"),
            postgresql_where=text("kind = 'account' AND subscriber = '' AND contexts = ''"),
        ),
        # What the chat API lists as channel connections: its own, and the accounts of the cards.
        Index(
            "ix_atlas_hub_connection_chat",
            "workspace",
            "id",
            sqlite_where=text("purpose = 'chat' AND kind <> 'app'"),
            postgresql_where=text("purpose = 'chat' AND kind <> 'app'"),
        ),
        # How many connections of subscribers there are, by provider.
        Index(
            "ix_atlas_hub_connection_resources",
            "workspace",
            "provider",
            sqlite_where=text("subscriber <> '' OR contexts <> ''"),
            postgresql_where=text("subscriber <> '' OR contexts <> ''"),
        ),
        Index("ix_atlas_hub_connection_subscriber", "workspace", "subscriber", "id"),
        # The same list by integration and by context, in its own order.
        Index(
            "ix_atlas_hub_connection_app",
            "workspace",
            "app_id",
            "id",
            sqlite_where=text("purpose = 'chat' AND kind <> 'app'"),
            postgresql_where=text("purpose = 'chat' AND kind <> 'app'"),
        ),
        Index(
            "ix_atlas_hub_connection_contexts",
            "workspace",
            "contexts",
            "id",
            sqlite_where=text("purpose = 'chat' AND kind <> 'app'"),
            postgresql_where=text("purpose = 'chat' AND kind <> 'app'"),
        ),
        Index("ix_atlas_hub_connection_updated", "workspace", "updated_at", "id"),
        # At most one stored app of a provider is the one that the page's button takes.
        Index(
            "uq_atlas_hub_connection_on_page",
            "workspace",
            "provider",
            unique=True,
            sqlite_where=text("on_page"),
            postgresql_where=text("on_page"),
        ),
        CheckConstraint("kind IN ('account', 'app', 'foreign')", name="kind"),
        CheckConstraint("primary_scope IS NULL OR primary_scope = scope", name="primary_in_its_scope"),
        CheckConstraint("primary_scope IS NULL OR (subscriber = '' AND contexts = '')", name="no_primary_resource"),
        CheckConstraint("kind <> 'app' OR primary_scope IS NULL", name="no_primary_app"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    kind: str = Field(default="account", max_length=8)
    source: str = Field(max_length=12)  # page, admin, groups, connections, chat, environment
    provider: str = Field(max_length=40)
    method: str = Field(max_length=40)
    purpose: str = Field(max_length=8)
    scope: str = Field(max_length=60)
    primary_scope: str | None = Field(default=None, max_length=60)
    identifier: str = Field(max_length=120)
    label: str = Field(max_length=120)
    account_name: str = Field(default="", max_length=200)
    app_key: str = Field(default="-", max_length=120)
    account_key: str = Field(max_length=200)
    details: list[Any] = json_column(list)  # [[label, text], …], the rows of the card
    wire: dict[str, Any] = json_column(dict)  # the same facts under the APIs' names
    options: dict[str, Any] = json_column(dict)  # what was typed and is no secret
    masks: dict[str, Any] = json_column(dict)  # what may be shown of the secrets, so that listing opens no vault
    stars: dict[str, Any] = json_column(dict)  # the same as the groups API shows it
    waiting: dict[str, Any] = json_column(dict)  # of a write that waits: what the vendor said of it
    settings: dict[str, Any] = json_column(dict)  # the connections API's, as far as they were given
    destination: dict[str, Any] = json_column(dict)  # the default one: vendor id and name
    listing: dict[str, Any] = json_column(dict)  # of channels: when, what was left out, until when to wait
    channel_count: int = 0  # at the last listing
    sync_all: bool = False  # every public channel, present and future
    active: bool = True
    app_id: str = Field(default="", max_length=24)  # an app's row, `env`, or ""
    subscriber: str = Field(default="", max_length=200)
    contexts: str = Field(default="", max_length=1100)  # sorted `type:id`, a comma between
    on_page: bool = False  # an app: the one that the page's button takes before the environment's
    features: list[Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))  # None: the usual
    integration: dict[str, Any] = json_column(dict)  # what the chat API alone knows: channel, conditions, kind
    credential_id: str | None = Field(default=None, foreign_key=PREFIX + "credential.id", max_length=24, index=True)
    state: str = Field(default="unverified", max_length=16)
    reason: str = Field(default="", max_length=500)
    failures: int = 0  # in a row, of the kind that proves nothing against the credential
    failing_since: datetime | None = moment(optional=True)
    checks: dict[str, Any] = json_column(dict)  # the four truths (decisions §7)
    created_at: datetime = moment()
    created_by: str = Field(default="", max_length=200)
    connected_at: datetime = moment()  # set anew at every connect, by whomever
    connected_by: str = Field(default="", max_length=200)
    updated_at: datetime = moment()


class Credential(HubModel, table=True):
    """Sealed secrets, 1 to N connections. The only table with a vendor's ciphertext."""

    __tablename__ = PREFIX + "credential"
    __table_args__ = (UniqueConstraint("workspace", "provider", "app_key", "account_key"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    provider: str = Field(max_length=40)
    app_key: str = Field(default="-", max_length=120)
    # `row:<connection id>` until the vendor proved the account; `gone:<its own id>` until its grant is revoked
    account_key: str = Field(max_length=200)
    current: bytes | None = None
    pending: bytes | None = None  # an unproven write
    previous: bytes | None = None  # during a rotation
    key_id: str = Field(max_length=8, index=True)
    client_id: str = Field(default="", max_length=200)  # what an OAuth grant was given to
    method: str = Field(default="", max_length=40)  # of an OAuth grant: what knows how to refresh and revoke it
    app_id: str = Field(default="", max_length=24)  # of an OAuth grant: an app's row or `env`
    options: dict[str, Any] = json_column(dict)  # of an OAuth grant: what of its form is no secret
    granted: list[Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))  # None: not told
    expires_at: datetime | None = moment(optional=True)
    lease_owner: str = Field(default="", max_length=64)
    lease_until: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class AccountClaim(HubModel, table=True):
    """Which workspace owns an account at the vendor. Written only on the vendor's proof."""

    __tablename__ = PREFIX + "account_claim"
    provider: str = Field(primary_key=True, max_length=40)
    app_key: str = Field(primary_key=True, max_length=120)
    account_key: str = Field(primary_key=True, max_length=200)
    workspace: str = Field(max_length=24, index=True)
    created_at: datetime = moment()


class ChannelEndpoint(HubModel, table=True):
    """The chat API's channel endpoint: where one subscriber is reached through an integration."""

    __tablename__ = PREFIX + "channel_endpoint"
    __table_args__ = (
        UniqueConstraint("workspace", "identifier"),
        Index("ix_atlas_hub_channel_endpoint_listed", "workspace", "id"),
        Index("ix_atlas_hub_channel_endpoint_subscriber", "workspace", "subscriber", "id"),
        Index("ix_atlas_hub_channel_endpoint_contexts", "workspace", "contexts", "id"),
        Index("ix_atlas_hub_channel_endpoint_updated", "workspace", "updated_at", "id"),
        Index("ix_atlas_hub_channel_endpoint_app", "app_id", "id"),
        Index("ix_atlas_hub_channel_endpoint_connection", "connection_id", "id"),
    )
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    identifier: str = Field(max_length=120)
    app_id: str = Field(max_length=24)  # the integration's row
    connection_id: str | None = Field(
        default=None, foreign_key=PREFIX + "connection.id", ondelete="CASCADE", max_length=24
    )
    subscriber: str = Field(default="", max_length=200)
    contexts: str = Field(default="", max_length=1100)
    type: str = Field(max_length=40)
    endpoint: dict[str, Any] = json_column(dict)  # as it may be shown: what is secret is masked
    sealed: bytes | None = None  # what of it is secret
    key_id: str = Field(default="", max_length=8, index=True)
    created_at: datetime = moment()
    created_by: str = Field(default="", max_length=200)
    updated_at: datetime = moment()


class Subscriber(HubModel, table=True):
    """The chat API's subscriber: someone an application sends to."""

    __tablename__ = PREFIX + "subscriber"
    __table_args__ = (UniqueConstraint("workspace", "subscriber_id"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    subscriber_id: str = Field(max_length=200)
    profile: dict[str, Any] = json_column(dict)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Context(HubModel, table=True):
    """The chat API's context: a `type:id` of the application's own, such as a tenant."""

    __tablename__ = PREFIX + "context"
    __table_args__ = (UniqueConstraint("workspace", "type", "context_id"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    type: str = Field(max_length=100)
    context_id: str = Field(max_length=200)
    attributes: dict[str, Any] = json_column(dict)
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Channel(HubModel, table=True):
    """A channel the vendor listed for a connection, and whether it is to be synced."""

    __tablename__ = PREFIX + "channel"
    __table_args__ = (UniqueConstraint("connection_id", "vendor_id"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24, index=True)
    connection_id: str = Field(foreign_key=PREFIX + "connection.id", ondelete="CASCADE", max_length=24)
    vendor_id: str = Field(max_length=120)
    name: str = Field(max_length=200)
    private: bool = False
    members: int | None = None
    joined: bool | None = None  # whether the bot is in it; None: not told
    sync: bool = False
    former_name: str = Field(default="", max_length=200)  # what it was called when it was chosen
    missing: bool = False  # the vendor does not list it any more
    seen_at: datetime = moment()


class OAuthAttempt(HubModel, table=True):
    """A consent: under way until `used_at`, then what became of it. 10 minutes from the page, 5 from the chat API."""

    __tablename__ = PREFIX + "oauth_attempt"
    __table_args__ = (Index("ix_atlas_hub_oauth_attempt_latest", "workspace", "provider", "created_at"),)
    state_hash: str = Field(primary_key=True, max_length=80)
    workspace: str = Field(max_length=24)
    provider: str = Field(max_length=40)
    actor: str = Field(default="", max_length=200)
    session: str = Field(default="", max_length=80)
    request: dict[str, Any] = json_column(dict)
    sealed: bytes | None = None
    outcome: dict[str, Any] = json_column(dict)
    created_at: datetime = moment()
    used_at: datetime | None = moment(optional=True)
    expires_at: datetime = moment(index=True)


class AuditEvent(HubModel, table=True):
    """Something that happened, who did it, without secrets; chained by hash within its workspace."""

    __tablename__ = PREFIX + "audit_event"
    __table_args__ = (UniqueConstraint("workspace", "seq"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24)
    seq: int
    at: datetime = moment()
    kind: str = Field(max_length=40)
    result: str = Field(default="ok", max_length=8)
    actor: str = Field(max_length=200)
    provider: str = Field(default="", max_length=40)
    subject: str = Field(default="", max_length=200)
    detail: dict[str, Any] = json_column(dict)
    request_id: str = Field(default="", max_length=64)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AuditHead(HubModel, table=True):
    """The last link of a workspace's audit chain: updating it is what puts writers in order."""

    __tablename__ = PREFIX + "audit_head"
    workspace: str = Field(primary_key=True, max_length=24)
    seq: int = 0
    hash: str = Field(default="", max_length=64)


class CredentialUse(HubModel, table=True):
    """How often a connection's secrets were used in one minute, until the minute is over and the audit log has it."""

    __tablename__ = PREFIX + "credential_use"
    connection_id: str = Field(primary_key=True, max_length=24)
    minute: datetime = Field(primary_key=True, sa_type=UtcDateTime)  # its first second
    workspace: str = Field(max_length=24, index=True)
    provider: str = Field(max_length=40)
    times: int = 0


class Delivery(HubModel, table=True):
    """One message owed to one destination, and what came of it."""

    __tablename__ = PREFIX + "delivery"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24, index=True)
    connection_id: str = Field(max_length=24, index=True)  # outlives the connection
    schedule_id: str = Field(default="", max_length=24)
    provider: str = Field(max_length=40)
    destination: str = Field(max_length=320)
    test: bool = False
    state: str = Field(default="pending", max_length=12)
    attempts: int = 0
    receipt: str = Field(default="", max_length=500)
    error: str = Field(default="", max_length=500)
    created_at: datetime = moment()
    finished_at: datetime | None = moment(optional=True)


class Schedule(HubModel, table=True):
    """A rule that makes deliveries."""

    __tablename__ = PREFIX + "schedule"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24, index=True)
    connection_id: str | None = Field(default=None, max_length=24, index=True)
    name: str = Field(max_length=200)
    channel: str = Field(max_length=12)  # email, slack, webhook
    recipients: list[Any] = json_column(list)
    cron: str = Field(max_length=100)
    time_zone: str = Field(default="UTC", max_length=60)
    enabled: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()


class ApiKey(HubModel, table=True):
    """A key for the APIs: found by keyed hash; its private half is sealed for HTTP Digest alone."""

    __tablename__ = PREFIX + "api_key"
    __table_args__ = (UniqueConstraint("lookup"), UniqueConstraint("public_key"))
    id: str = Field(default_factory=new_id, primary_key=True, max_length=24)
    workspace: str = Field(max_length=24, index=True)
    name: str = Field(default="", max_length=120)
    role: str = Field(max_length=12)  # owner, admin, read_only
    apis: list[Any] = json_column(list)  # empty: all
    public_key: str = Field(max_length=24)
    lookup: str = Field(max_length=80)  # `<key id>:<hmac>`, see Vault.fingerprint
    sealed: bytes
    key_id: str = Field(max_length=8, index=True)
    created_at: datetime = moment()
    created_by: str = Field(default="", max_length=200)
    used_at: datetime | None = moment(optional=True)
    revoked_at: datetime | None = moment(optional=True)


class Idempotency(HubModel, table=True):
    """A sealed answer that the same request gets again (chat API, 24 hours)."""

    __tablename__ = PREFIX + "idempotency"
    workspace: str = Field(primary_key=True, max_length=24)
    method: str = Field(primary_key=True, max_length=8)
    path: str = Field(primary_key=True, max_length=300)
    key: str = Field(primary_key=True, max_length=255)
    body_hash: str = Field(max_length=64)
    status: int = 0
    answer: bytes | None = None
    expires_at: datetime = moment(index=True)


class DigestNonce(HubModel, table=True):
    """A nonce of HTTP Digest that every worker knows, and the window of counts it has seen."""

    __tablename__ = PREFIX + "digest_nonce"
    nonce: str = Field(primary_key=True, max_length=64)
    highest: int = 0
    window: str = Field(default="", max_length=32)  # 128 bits in hex, the last is the highest count
    expires_at: datetime = moment(index=True)
