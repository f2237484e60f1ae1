"""The earliest starts within a state or a specialty, by an index."""

from alembic import op

revision = "0020_soonest"
down_revision = "0019_saved"
branch_labels = None
depends_on = None

INDEXES = {
    "us_state_soonest_week": ["us_state", "soonest_week", "listing_id"],
    "specialty_soonest_week": ["specialty", "soonest_week", "listing_id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(f"ix_listing_search_{name}", "listing_search", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(f"ix_listing_search_{name}", "listing_search")
