"""A held seat may be kept for longer by more than its trainee's one wish: for an itinerary's hosts."""

import sqlalchemy as sa
from alembic import op

revision = "0035_kept_for_others"
down_revision = "0034_itineraries_valid"
branch_labels = None
depends_on = None

NAME = "uq_booking_transition_extension"
HELD_AGAIN = "from_state = 'held' AND to_state = 'held'"


def upgrade() -> None:
    replace(f"{HELD_AGAIN} AND actor_id IS NOT NULL")


def downgrade() -> None:
    """Refused where a seat was kept twice: the rule before knew of no itinerary."""
    replace(HELD_AGAIN)


def replace(condition: str) -> None:
    """The rule before holds until the new one does; others write meanwhile."""
    with op.get_context().autocommit_block():
        # What an interrupted run left behind is not to be trusted.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}_next")
        op.create_index(
            f"{NAME}_next",
            "booking_transition",
            ["booking_id"],
            unique=True,
            postgresql_where=sa.text(condition),
            postgresql_concurrently=True,
        )
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
        op.execute(f"ALTER INDEX {NAME}_next RENAME TO {NAME}")
