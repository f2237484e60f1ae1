"""Reads the calendars that are there against their new checks, while others write."""

from alembic import op

revision = "0016_calendar_valid"
down_revision = "0015_calendar"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE seat_week VALIDATE CONSTRAINT ck_seat_week_closed")
    op.execute(
        "ALTER TABLE seat_pool VALIDATE CONSTRAINT fk_seat_pool_preceptor_id_site_id_preceptor"
    )


def downgrade() -> None:
    """What has been read stays read: the checks go with their columns."""
