"""Bookings from before are looked at, and one extension a hold is kept to, while others write."""

import sqlalchemy as sa
from alembic import op

revision = "0028_machine_valid"
down_revision = "0027_machine"
branch_labels = None
depends_on = None

NAME = "uq_booking_transition_extension"


def upgrade() -> None:
    for name in ("state", "hold"):
        op.execute(f"ALTER TABLE booking VALIDATE CONSTRAINT ck_booking_{name}")
    with op.get_context().autocommit_block():
        # One that an interrupted run left behind is not to be trusted.
        op.drop_index(NAME, "booking_transition", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            NAME,
            "booking_transition",
            ["booking_id"],
            unique=True,
            postgresql_where=sa.text("from_state = 'held' AND to_state = 'held'"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(NAME, "booking_transition")
