"""Reads the disputes and refunds that were there before, and finds refunds by their dispute."""

import sqlalchemy as sa
from alembic import op

revision = "0072_disputes_regained_valid"
down_revision = "0071_disputes_regained"
branch_labels = None
depends_on = None

TO_VALIDATE = (
    ("dispute", "ck_dispute_taken"),
    ("refund", "fk_refund_paid_by_dispute_id_dispute"),
)
INDEX = "ix_refund_paid_by_dispute_id"


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    for table, name in TO_VALIDATE:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    with op.get_context().autocommit_block():
        op.create_index(
            INDEX,
            "refund",
            ["paid_by_dispute_id"],
            postgresql_where=sa.text("paid_by_dispute_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    """What is valid may stay so."""
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "refund", postgresql_concurrently=True, if_exists=True)
