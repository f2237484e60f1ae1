"""Listings on show in the order of their ids: what sitemaps are cut from."""

import sqlalchemy as sa
from alembic import op

revision = "0023_sitemaps"
down_revision = "0022_search_english"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_listing_id", "listing", ["id"], postgresql_where=sa.text("state = 'published'")
    )


def downgrade() -> None:
    op.drop_index("ix_listing_id", "listing")
