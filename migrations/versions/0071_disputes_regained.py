"""What a dispute took, so that it can be given back; credit that waits for the end of one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0071_disputes_regained"
down_revision = "0070_cards_valid"
branch_labels = None
depends_on = None

# Each holds for new rows at once; the next migration reads the old ones.
LATER = (
    ("dispute", "ck_dispute_taken", "CHECK (taken_minor BETWEEN 0 AND amount_minor)"),
    (
        "refund",
        "fk_refund_paid_by_dispute_id_dispute",
        "FOREIGN KEY (paid_by_dispute_id) REFERENCES dispute (id)",
    ),
)


def upgrade() -> None:
    op.add_column(
        "dispute",
        sa.Column("taken_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "dispute",
        sa.Column("files", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("refund", sa.Column("paid_by_dispute_id", sa.Uuid(), nullable=True))
    op.add_column("refund", sa.Column("credit_terms", postgresql.JSONB(), nullable=True))
    for table, name, said in LATER:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {said} NOT VALID")
    # Of a payment that lost one dispute, what it lost is that one's.
    op.execute(
        """
        UPDATE dispute SET taken_minor = least(dispute.amount_minor, payment.lost_minor)
          FROM payment
         WHERE payment.id = dispute.payment_id AND dispute.state = 'lost'
           AND payment.lost_minor > 0
           AND NOT EXISTS (SELECT FROM dispute AS other
                            WHERE other.payment_id = dispute.payment_id
                              AND other.id <> dispute.id AND other.state = 'lost')
        """
    )


def downgrade() -> None:
    for table, name, _ in LATER:
        op.drop_constraint(name, table)
    op.drop_column("refund", "credit_terms")
    op.drop_column("refund", "paid_by_dispute_id")
    op.drop_column("dispute", "files")
    op.drop_column("dispute", "taken_minor")
