"""groups and channels.

Revision: 0005
Follows: 0004
Made: 2026-11-30 13:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CONNECTION, CHANNEL = "atlas_hub_connection", "atlas_hub_channel"
OBJECTS = ("stars", "waiting", "settings", "destination", "listing")


def upgrade() -> None:
    for name in OBJECTS:
        op.add_column(CONNECTION, sa.Column(name, sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column(CONNECTION, sa.Column("channel_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column(CONNECTION, sa.Column("sync_all", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(CHANNEL, sa.Column("joined", sa.Boolean(), nullable=True))
    op.add_column(CHANNEL, sa.Column("former_name", sa.String(length=200), server_default="", nullable=False))
    op.add_column(CHANNEL, sa.Column("missing", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    for name in ("missing", "former_name", "joined"):
        op.drop_column(CHANNEL, name)
    for name in ("sync_all", "channel_count", *reversed(OBJECTS)):
        op.drop_column(CONNECTION, name)
