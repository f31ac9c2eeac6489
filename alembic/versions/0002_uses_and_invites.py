"""uses and invites.

Revision: 0002
Follows: 0001
Made: 2026-11-21 19:38:21.825489
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "atlas_hub_credential_use",
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "minute", name=op.f("pk_atlas_hub_credential_use")),
    )
    op.create_index(op.f("ix_atlas_hub_credential_use_workspace"), "atlas_hub_credential_use", ["workspace"], unique=False)
    op.create_table(
        "atlas_hub_invite",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace", sa.String(length=24), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin', 'member')", name=op.f("ck_atlas_hub_invite_role")),
        sa.ForeignKeyConstraint(
            ["workspace"], ["atlas_hub_workspace.id"], name=op.f("fk_atlas_hub_invite_workspace"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atlas_hub_invite")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_atlas_hub_invite_token_hash")),
        sa.UniqueConstraint("workspace", "email", name=op.f("uq_atlas_hub_invite_workspace_email")),
    )
    op.create_index(op.f("ix_atlas_hub_invite_expires_at"), "atlas_hub_invite", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_atlas_hub_invite_expires_at"), table_name="atlas_hub_invite")
    op.drop_table("atlas_hub_invite")
    op.drop_index(op.f("ix_atlas_hub_credential_use_workspace"), table_name="atlas_hub_credential_use")
    op.drop_table("atlas_hub_credential_use")
