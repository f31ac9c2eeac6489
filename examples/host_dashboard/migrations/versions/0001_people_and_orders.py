"""People and orders."""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("tenant", sa.String(40), sa.ForeignKey("tenant.id"), nullable=False),
    )
    op.create_table(
        "login",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("person", sa.Integer, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
    )
    op.create_table(
        "customer_order",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tenant", sa.String(40), sa.ForeignKey("tenant.id"), nullable=False, index=True),
        sa.Column("item", sa.String(120), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("placed", sa.Date, nullable=False),
    )


def downgrade() -> None:
    for table in ("customer_order", "login", "person", "tenant"):
        op.drop_table(table)
