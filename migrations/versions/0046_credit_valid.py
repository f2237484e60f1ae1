"""Payments and refunds made before there was credit are looked at, while others write."""

from alembic import op

revision = "0046_credit_valid"
down_revision = "0045_credit"
branch_labels = None
depends_on = None

CONSTRAINTS = (
    ("payment", "ck_payment_means"),
    ("payment", "ck_payment_credit"),
    ("payment", "fk_payment_voucher_use_id_voucher_use"),
    ("refund", "ck_refund_means"),
)


def upgrade() -> None:
    for table, name in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Nothing to undo: a constraint that holds is not made to doubt."""
