"""consents and endpoints.

Revision: 0004
Follows: 0003
Made: 2026-11-30 09:05:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CONNECTION, CREDENTIAL = "atlas_hub_connection", "atlas_hub_credential"
ATTEMPT, ENDPOINT = "atlas_hub_oauth_attempt", "atlas_hub_channel_endpoint"
RESOURCES = sa.text("subscriber <> '' OR contexts <> ''")
CHAT, ON_PAGE = sa.text("purpose = 'chat' AND kind <> 'app'"), sa.text("on_page")


def upgrade() -> None:
    op.add_column(CONNECTION, sa.Column("on_page", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(CONNECTION, sa.Column("features", sa.JSON(), nullable=True))
    op.add_column(CONNECTION, sa.Column("integration", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    _resize_contexts(500, 1100)
    op.create_index(
        "ix_atlas_hub_connection_chat",
        CONNECTION,
        ["workspace", "id"],
        unique=False,
        sqlite_where=CHAT,
        postgresql_where=CHAT,
    )
    op.create_index(
        "ix_atlas_hub_connection_resources",
        CONNECTION,
        ["workspace", "provider"],
        unique=False,
        sqlite_where=RESOURCES,
        postgresql_where=RESOURCES,
    )
    op.create_index("ix_atlas_hub_connection_subscriber", CONNECTION, ["workspace", "subscriber", "id"], unique=False)
    for name, column in {
        "ix_atlas_hub_connection_app": "app_id",
        "ix_atlas_hub_connection_contexts": "contexts",
    }.items():
        op.create_index(
            name,
            CONNECTION,
            ["workspace", column, "id"],
            unique=False,
            sqlite_where=CHAT,
            postgresql_where=CHAT,
        )
    op.create_index("ix_atlas_hub_connection_updated", CONNECTION, ["workspace", "updated_at", "id"], unique=False)
    op.create_index(
        "uq_atlas_hub_connection_on_page",
        CONNECTION,
        ["workspace", "provider"],
        unique=True,
        sqlite_where=ON_PAGE,
        postgresql_where=ON_PAGE,
    )
    op.add_column(CREDENTIAL, sa.Column("method", sa.String(length=40), server_default="", nullable=False))
    op.add_column(CREDENTIAL, sa.Column("app_id", sa.String(length=24), server_default="", nullable=False))
    op.add_column(CREDENTIAL, sa.Column("options", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column(ATTEMPT, sa.Column("outcome", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    # Nothing has begun a consent before this revision, so there is no row that the default would be wrong for.
    op.add_column(
        ATTEMPT,
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("'2026-11-30 00:00:00'"), nullable=False
        ),
    )
    op.add_column(ATTEMPT, sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_atlas_hub_oauth_attempt_workspace", table_name=ATTEMPT)
    op.create_index(
        "ix_atlas_hub_oauth_attempt_latest", ATTEMPT, ["workspace", "provider", "created_at"], unique=False
    )
    # Nothing has written an endpoint before this revision.
    op.drop_table(ENDPOINT)
    _create_endpoints()


def _create_endpoints() -> None:
    op.create_table(
        ENDPOINT,
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("identifier", sa.String(length=120), nullable=False),
        sa.Column("app_id", sa.String(length=24), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=True),
        sa.Column("subscriber", sa.String(length=200), nullable=False),
        sa.Column("contexts", sa.String(length=1100), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("endpoint", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            [f"{CONNECTION}.id"],
            name=op.f("fk_atlas_hub_channel_endpoint_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_channel_endpoint")),
        sa.UniqueConstraint(
            "workspace", "identifier", name=op.f("uq_atlas_hub_channel_endpoint_workspace_identifier")
        ),
    )
    for name, columns in {
        "ix_atlas_hub_channel_endpoint_app": ["app_id", "id"],
        "ix_atlas_hub_channel_endpoint_connection": ["connection_id", "id"],
        "ix_atlas_hub_channel_endpoint_contexts": ["workspace", "contexts", "id"],
        "ix_atlas_hub_channel_endpoint_updated": ["workspace", "updated_at", "id"],
        "ix_atlas_hub_channel_endpoint_key_id": ["key_id"],
        "ix_atlas_hub_channel_endpoint_listed": ["workspace", "id"],
        "ix_atlas_hub_channel_endpoint_subscriber": ["workspace", "subscriber", "id"],
    }.items():
        op.create_index(name, ENDPOINT, columns, unique=False)


def _resize_contexts(was: int, now: int) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(CONNECTION, "contexts", existing_type=sa.String(was), type_=sa.String(now))
        return
    # SQLite knows no lengths: the word alone changes, without copying the table (sqlite.org/lang_altertable.html).
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        f"UPDATE sqlite_master SET sql = replace(sql, 'contexts VARCHAR({was})', 'contexts VARCHAR({now})') "  # noqa: S608
        f"WHERE type = 'table' AND name = '{CONNECTION}'"
    )
    op.execute("PRAGMA writable_schema = RESET")


def downgrade() -> None:
    op.drop_table(ENDPOINT)
    op.create_table(
        ENDPOINT,
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("identifier", sa.String(length=120), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("subscriber", sa.String(length=200), nullable=False),
        sa.Column("contexts", sa.String(length=500), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("endpoint", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            [f"{CONNECTION}.id"],
            name=op.f("fk_atlas_hub_channel_endpoint_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_channel_endpoint")),
        sa.UniqueConstraint(
            "workspace", "identifier", name=op.f("uq_atlas_hub_channel_endpoint_workspace_identifier")
        ),
    )
    op.create_index(op.f("ix_atlas_hub_channel_endpoint_connection_id"), ENDPOINT, ["connection_id"], unique=False)
    op.drop_index("ix_atlas_hub_oauth_attempt_latest", table_name=ATTEMPT)
    op.create_index(op.f("ix_atlas_hub_oauth_attempt_workspace"), ATTEMPT, ["workspace"], unique=False)
    for table, columns in {
        ATTEMPT: ("used_at", "created_at", "outcome"),
        CREDENTIAL: ("options", "app_id", "method"),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    for index in ("uq_atlas_hub_connection_on_page", "ix_atlas_hub_connection_updated",
                  "ix_atlas_hub_connection_subscriber", "ix_atlas_hub_connection_resources",
                  "ix_atlas_hub_connection_app", "ix_atlas_hub_connection_contexts",
                  "ix_atlas_hub_connection_chat"):  # fmt: skip
        op.drop_index(index, table_name=CONNECTION)
    _resize_contexts(1100, 500)
    for column in ("integration", "features", "on_page"):
        op.drop_column(CONNECTION, column)
