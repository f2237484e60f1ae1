"""Reads the payments and bookings that were there before invoices and cohorts."""

from alembic import op

revision = "0057_invoices_valid"
down_revision = "0056_invoices"
branch_labels = None
depends_on = None

TO_VALIDATE = (
    ("payment", "ck_payment_means"),
    ("refund", "ck_refund_means"),
    ("payment", "ck_payment_bank_reference"),
    ("booking", "fk_booking_cohort_id_cohort"),
)


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    for table, name in TO_VALIDATE:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """What is valid may stay so."""
