"""Rotations whose days are over and that nobody has closed, found and counted by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0099_rotations_left_open"
down_revision = "0098_settled_below"
branch_labels = None
depends_on = None

NAME = "ix_booking_open_last_day"


def upgrade() -> None:
    """Neither readers nor writers wait while it is built."""
    with op.get_context().autocommit_block():
        op.create_index(
            NAME,
            "booking",
            ["last_day", "id"],
            postgresql_concurrently=True,
            postgresql_where=sa.text("state IN ('confirmed', 'in_progress')"),
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "booking", postgresql_concurrently=True, if_exists=True)
