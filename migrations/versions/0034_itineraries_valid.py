"""Bookings made before there were itineraries are looked at, while others write."""

from alembic import op

revision = "0034_itineraries_valid"
down_revision = "0033_itineraries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE booking VALIDATE CONSTRAINT fk_booking_itinerary_id_itinerary")


def downgrade() -> None:
    """Nothing to undo: a constraint that holds is not made to doubt."""
