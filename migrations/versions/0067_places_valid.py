"""Read what was there before for the constraints that came with places: no lock keeps writers out."""

from alembic import op

revision = "0067_places_valid"
down_revision = "0066_places"
branch_labels = None
depends_on = None

CONSTRAINTS = (
    ("booking_proposal", "fk_booking_proposal_proposed_by_account"),
    ("booking_proposal", "ck_booking_proposal_to"),
    ("rescue", "ck_rescue_agreed"),
)


def upgrade() -> None:
    for table, name in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """A constraint that was read stays good."""
