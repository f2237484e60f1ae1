"""Reads what was written before the school of a booking and the roles of messages were checked."""

from alembic import op

revision = "0054_school_requests_valid"
down_revision = "0053_school_requests"
branch_labels = None
depends_on = None

TO_VALIDATE = (
    ("booking", "fk_booking_school_id_school"),
    ("booking_message", "ck_booking_message_role"),
)


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    for table, name in TO_VALIDATE:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """What is valid may stay so."""
