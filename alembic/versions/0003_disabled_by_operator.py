"""disabled by operator.

Revision: 0003
Follows: 0002
Made: 2026-11-30 06:57:12.118203
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "atlas_hub_user", sa.Column("disabled_by_operator", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    # Who disabled somebody before is in the audit log alone; the command line was the operator's only way.
    op.execute(
        "UPDATE atlas_hub_user SET disabled_by_operator = true WHERE disabled AND EXISTS ("
        "SELECT 1 FROM atlas_hub_audit_event WHERE kind = 'user_disabled' AND actor = 'command line' "
        "AND subject = atlas_hub_user.email)"
    )


def downgrade() -> None:
    op.drop_column("atlas_hub_user", "disabled_by_operator")
