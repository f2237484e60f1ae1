"""Indexes for what is looked for in tables that grow.

A trainee's rounds, transfers that stand still, what an address without an account was sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0089_served_lists"
down_revision = "0088_frame_marks"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_round_ranking_trainee_id", "round_ranking", ["trainee_id", "round_id"], None),
    (
        "ix_host_transfer_stopped",
        "host_transfer",
        ["id"],
        "state IN ('held', 'failed') OR held_for IS NOT NULL",
    ),
    ("ix_notice_to_address", "notice", ["to_address"], "account_id IS NULL"),
)


def upgrade() -> None:
    """Neither readers nor writers wait while they are built."""
    with op.get_context().autocommit_block():
        for name, table, columns, only in INDEXES:
            op.create_index(
                name,
                table,
                columns,
                postgresql_concurrently=True,
                postgresql_where=None if only is None else sa.text(only),
                if_not_exists=True,
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _, _ in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
