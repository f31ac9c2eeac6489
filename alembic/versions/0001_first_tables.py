"""first tables.

Revision: 0001
Follows: nothing
Made: 2026-11-21 12:39:49.635339
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "atlas_hub_account_claim",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("app_key", sa.String(length=120), nullable=False),
        sa.Column("account_key", sa.String(length=200), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "provider", "app_key", "account_key", name=op.f("pk_atlas_hub_account_claim")
        ),
    )
    op.create_index(
        op.f("ix_atlas_hub_account_claim_workspace"), "atlas_hub_account_claim", ["workspace"], unique=False
    )
    op.create_table(
        "atlas_hub_api_key",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("apis", sa.JSON(), nullable=False),
        sa.Column("public_key", sa.String(length=24), nullable=False),
        sa.Column("lookup", sa.String(length=80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_api_key")),
        sa.UniqueConstraint("lookup", name=op.f("uq_atlas_hub_api_key_lookup")),
        sa.UniqueConstraint("public_key", name=op.f("uq_atlas_hub_api_key_public_key")),
    )
    op.create_index(op.f("ix_atlas_hub_api_key_key_id"), "atlas_hub_api_key", ["key_id"], unique=False)
    op.create_index(op.f("ix_atlas_hub_api_key_workspace"), "atlas_hub_api_key", ["workspace"], unique=False)
    op.create_table(
        "atlas_hub_audit_event",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_audit_event")),
        sa.UniqueConstraint("workspace", "seq", name=op.f("uq_atlas_hub_audit_event_workspace_seq")),
    )
    op.create_table(
        "atlas_hub_audit_head",
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("workspace", name=op.f("pk_atlas_hub_audit_head")),
    )
    op.create_table(
        "atlas_hub_context",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("context_id", sa.String(length=200), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_context")),
        sa.UniqueConstraint(
            "workspace", "type", "context_id", name=op.f("uq_atlas_hub_context_workspace_type_context_id")
        ),
    )
    op.create_table(
        "atlas_hub_credential",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("app_key", sa.String(length=120), nullable=False),
        sa.Column("account_key", sa.String(length=200), nullable=False),
        sa.Column("current", sa.LargeBinary(), nullable=True),
        sa.Column("pending", sa.LargeBinary(), nullable=True),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_credential")),
        sa.UniqueConstraint(
            "workspace",
            "provider",
            "app_key",
            "account_key",
            name=op.f("uq_atlas_hub_credential_workspace_provider_app_key_account_key"),
        ),
    )
    op.create_index(op.f("ix_atlas_hub_credential_key_id"), "atlas_hub_credential", ["key_id"], unique=False)
    op.create_table(
        "atlas_hub_delivery",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("schedule_id", sa.String(length=24), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("destination", sa.String(length=320), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(length=500), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_delivery")),
    )
    op.create_index(
        op.f("ix_atlas_hub_delivery_connection_id"), "atlas_hub_delivery", ["connection_id"], unique=False
    )
    op.create_index(
        op.f("ix_atlas_hub_delivery_workspace"), "atlas_hub_delivery", ["workspace"], unique=False
    )
    op.create_table(
        "atlas_hub_digest_nonce",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("highest", sa.Integer(), nullable=False),
        sa.Column("window", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_atlas_hub_digest_nonce")),
    )
    op.create_index(
        op.f("ix_atlas_hub_digest_nonce_expires_at"), "atlas_hub_digest_nonce", ["expires_at"], unique=False
    )
    op.create_table(
        "atlas_hub_idempotency",
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "method", "path", "key", name=op.f("pk_atlas_hub_idempotency")),
    )
    op.create_index(
        op.f("ix_atlas_hub_idempotency_expires_at"), "atlas_hub_idempotency", ["expires_at"], unique=False
    )
    op.create_table(
        "atlas_hub_installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_workspace", sa.String(), nullable=False),
        sa.Column("key_check", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_atlas_hub_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_installation")),
    )
    op.create_table(
        "atlas_hub_oauth_attempt",
        sa.Column("state_hash", sa.String(length=80), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("session", sa.String(length=80), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_atlas_hub_oauth_attempt")),
    )
    op.create_index(
        op.f("ix_atlas_hub_oauth_attempt_expires_at"), "atlas_hub_oauth_attempt", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_atlas_hub_oauth_attempt_workspace"), "atlas_hub_oauth_attempt", ["workspace"], unique=False
    )
    op.create_table(
        "atlas_hub_schedule",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("cron", sa.String(length=100), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_schedule")),
    )
    op.create_index(
        op.f("ix_atlas_hub_schedule_connection_id"), "atlas_hub_schedule", ["connection_id"], unique=False
    )
    op.create_index(
        op.f("ix_atlas_hub_schedule_workspace"), "atlas_hub_schedule", ["workspace"], unique=False
    )
    op.create_table(
        "atlas_hub_setup_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_atlas_hub_setup_link")),
    )
    op.create_table(
        "atlas_hub_subscriber",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("subscriber_id", sa.String(length=200), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_subscriber")),
        sa.UniqueConstraint(
            "workspace", "subscriber_id", name=op.f("uq_atlas_hub_subscriber_workspace_subscriber_id")
        ),
    )
    op.create_table(
        "atlas_hub_user",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_user")),
        sa.UniqueConstraint("email", name=op.f("uq_atlas_hub_user_email")),
    )
    op.create_table(
        "atlas_hub_workspace",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_workspace")),
    )
    op.create_table(
        "atlas_hub_connection",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("primary_scope", sa.String(length=60), nullable=True),
        sa.Column("identifier", sa.String(length=120), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("account_name", sa.String(length=200), nullable=False),
        sa.Column("app_key", sa.String(length=120), nullable=False),
        sa.Column("account_key", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("wire", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("masks", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("app_id", sa.String(length=24), nullable=False),
        sa.Column("subscriber", sa.String(length=200), nullable=False),
        sa.Column("contexts", sa.String(length=500), nullable=False),
        sa.Column("credential_id", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connected_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind <> 'app' OR primary_scope IS NULL", name=op.f("ck_atlas_hub_connection_no_primary_app")
        ),
        sa.CheckConstraint(
            "kind IN ('account', 'app', 'foreign')", name=op.f("ck_atlas_hub_connection_kind")
        ),
        sa.CheckConstraint(
            "primary_scope IS NULL OR (subscriber = '' AND contexts = '')",
            name=op.f("ck_atlas_hub_connection_no_primary_resource"),
        ),
        sa.CheckConstraint(
            "primary_scope IS NULL OR primary_scope = scope",
            name=op.f("ck_atlas_hub_connection_primary_in_its_scope"),
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["atlas_hub_credential.id"], name=op.f("fk_atlas_hub_connection_credential_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_connection")),
        sa.UniqueConstraint(
            "workspace", "kind", "identifier", name=op.f("uq_atlas_hub_connection_workspace_kind_identifier")
        ),
        sa.UniqueConstraint(
            "workspace", "primary_scope", name=op.f("uq_atlas_hub_connection_workspace_primary_scope")
        ),
    )
    op.create_index(
        "ix_atlas_hub_connection_cards",
        "atlas_hub_connection",
        ["workspace"],
        unique=False,
        sqlite_where=sa.text("kind = 'account' AND subscriber = '' AND contexts = ''"),
        postgresql_where=sa.text("kind = 'account' AND subscriber = '' AND contexts = ''"),
    )
    op.create_index(
        op.f("ix_atlas_hub_connection_credential_id"), "atlas_hub_connection", ["credential_id"], unique=False
    )
    op.create_index(
        "uq_atlas_hub_connection_account",
        "atlas_hub_connection",
        ["workspace", "provider", "method", "app_key", "account_key"],
        unique=True,
        sqlite_where=sa.text(
            "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment' AND subscriber = '' AND contexts = ''"
        ),
        postgresql_where=sa.text(
            "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment' AND subscriber = '' AND contexts = ''"
        ),
    )
    op.create_index(
        "uq_atlas_hub_connection_resource",
        "atlas_hub_connection",
        ["workspace", "app_id", "subscriber", "contexts"],
        unique=True,
        sqlite_where=sa.text("subscriber <> '' OR contexts <> ''"),
        postgresql_where=sa.text("subscriber <> '' OR contexts <> ''"),
    )
    op.create_table(
        "atlas_hub_membership",
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin', 'member')", name=op.f("ck_atlas_hub_membership_role")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["atlas_hub_user.id"],
            name=op.f("fk_atlas_hub_membership_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace"],
            ["atlas_hub_workspace.id"],
            name=op.f("fk_atlas_hub_membership_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace", "user_id", name=op.f("pk_atlas_hub_membership")),
    )
    op.create_index(
        op.f("ix_atlas_hub_membership_user_id"), "atlas_hub_membership", ["user_id"], unique=False
    )
    op.create_table(
        "atlas_hub_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["atlas_hub_user.id"], name=op.f("fk_atlas_hub_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_atlas_hub_session")),
    )
    op.create_index(
        op.f("ix_atlas_hub_session_expires_at"), "atlas_hub_session", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_atlas_hub_session_user_id"), "atlas_hub_session", ["user_id"], unique=False)
    op.create_index(op.f("ix_atlas_hub_session_workspace"), "atlas_hub_session", ["workspace"], unique=False)
    op.create_table(
        "atlas_hub_channel",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("vendor_id", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=True),
        sa.Column("sync", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["atlas_hub_connection.id"],
            name=op.f("fk_atlas_hub_channel_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_channel")),
        sa.UniqueConstraint(
            "connection_id", "vendor_id", name=op.f("uq_atlas_hub_channel_connection_id_vendor_id")
        ),
    )
    op.create_index(op.f("ix_atlas_hub_channel_workspace"), "atlas_hub_channel", ["workspace"], unique=False)
    op.create_table(
        "atlas_hub_channel_endpoint",
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
            ["atlas_hub_connection.id"],
            name=op.f("fk_atlas_hub_channel_endpoint_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_channel_endpoint")),
        sa.UniqueConstraint(
            "workspace", "identifier", name=op.f("uq_atlas_hub_channel_endpoint_workspace_identifier")
        ),
    )
    op.create_index(
        op.f("ix_atlas_hub_channel_endpoint_connection_id"),
        "atlas_hub_channel_endpoint",
        ["connection_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_atlas_hub_channel_endpoint_connection_id"), table_name="atlas_hub_channel_endpoint"
    )
    op.drop_table("atlas_hub_channel_endpoint")
    op.drop_index(op.f("ix_atlas_hub_channel_workspace"), table_name="atlas_hub_channel")
    op.drop_table("atlas_hub_channel")
    op.drop_index(op.f("ix_atlas_hub_session_workspace"), table_name="atlas_hub_session")
    op.drop_index(op.f("ix_atlas_hub_session_user_id"), table_name="atlas_hub_session")
    op.drop_index(op.f("ix_atlas_hub_session_expires_at"), table_name="atlas_hub_session")
    op.drop_table("atlas_hub_session")
    op.drop_index(op.f("ix_atlas_hub_membership_user_id"), table_name="atlas_hub_membership")
    op.drop_table("atlas_hub_membership")
    op.drop_index(
        "uq_atlas_hub_connection_resource",
        table_name="atlas_hub_connection",
        sqlite_where=sa.text("subscriber <> '' OR contexts <> ''"),
        postgresql_where=sa.text("subscriber <> '' OR contexts <> ''"),
    )
    op.drop_index(
        "uq_atlas_hub_connection_account",
        table_name="atlas_hub_connection",
        sqlite_where=sa.text(
            "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment' AND subscriber = '' AND contexts = ''"
        ),
        postgresql_where=sa.text(
            "kind = 'account' AND purpose IN ('chat', 'track') AND source <> 'environment' AND subscriber = '' AND contexts = ''"
        ),
    )
    op.drop_index(op.f("ix_atlas_hub_connection_credential_id"), table_name="atlas_hub_connection")
    op.drop_index(
        "ix_atlas_hub_connection_cards",
        table_name="atlas_hub_connection",
        sqlite_where=sa.text("kind = 'account' AND subscriber = '' AND contexts = ''"),
        postgresql_where=sa.text("kind = 'account' AND subscriber = '' AND contexts = ''"),
    )
    op.drop_table("atlas_hub_connection")
    op.drop_table("atlas_hub_workspace")
    op.drop_table("atlas_hub_user")
    op.drop_table("atlas_hub_subscriber")
    op.drop_table("atlas_hub_setup_link")
    op.drop_index(op.f("ix_atlas_hub_schedule_workspace"), table_name="atlas_hub_schedule")
    op.drop_index(op.f("ix_atlas_hub_schedule_connection_id"), table_name="atlas_hub_schedule")
    op.drop_table("atlas_hub_schedule")
    op.drop_index(op.f("ix_atlas_hub_oauth_attempt_workspace"), table_name="atlas_hub_oauth_attempt")
    op.drop_index(op.f("ix_atlas_hub_oauth_attempt_expires_at"), table_name="atlas_hub_oauth_attempt")
    op.drop_table("atlas_hub_oauth_attempt")
    op.drop_table("atlas_hub_installation")
    op.drop_index(op.f("ix_atlas_hub_idempotency_expires_at"), table_name="atlas_hub_idempotency")
    op.drop_table("atlas_hub_idempotency")
    op.drop_index(op.f("ix_atlas_hub_digest_nonce_expires_at"), table_name="atlas_hub_digest_nonce")
    op.drop_table("atlas_hub_digest_nonce")
    op.drop_index(op.f("ix_atlas_hub_delivery_workspace"), table_name="atlas_hub_delivery")
    op.drop_index(op.f("ix_atlas_hub_delivery_connection_id"), table_name="atlas_hub_delivery")
    op.drop_table("atlas_hub_delivery")
    op.drop_index(op.f("ix_atlas_hub_credential_key_id"), table_name="atlas_hub_credential")
    op.drop_table("atlas_hub_credential")
    op.drop_table("atlas_hub_context")
    op.drop_table("atlas_hub_audit_head")
    op.drop_table("atlas_hub_audit_event")
    op.drop_index(op.f("ix_atlas_hub_api_key_workspace"), table_name="atlas_hub_api_key")
    op.drop_index(op.f("ix_atlas_hub_api_key_key_id"), table_name="atlas_hub_api_key")
    op.drop_table("atlas_hub_api_key")
    op.drop_index(op.f("ix_atlas_hub_account_claim_workspace"), table_name="atlas_hub_account_claim")
    op.drop_table("atlas_hub_account_claim")
