"""Addresses at which calendars are subscribed to: only a digest of each is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0021_calendar_feeds"
down_revision = "0020_soonest"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
TABLE = "calendar_feed"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("site_id", ID),
        sa.Column("preceptor_id", ID),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("rotated_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.Column("last_used_on", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_feed"),
        sa.UniqueConstraint("digest", name="uq_calendar_feed_digest"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_calendar_feed_account_id_account"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_calendar_feed_site_id_site"),
        sa.ForeignKeyConstraint(
            ["preceptor_id", "site_id"],
            ["preceptor.id", "preceptor.site_id"],
            name="fk_calendar_feed_preceptor_id_site_id_preceptor",
        ),
        sa.CheckConstraint(
            "kind IN ('trainee', 'site', 'preceptor')", name="ck_calendar_feed_kind"
        ),
        sa.CheckConstraint(
            "(site_id IS NULL) = (kind = 'trainee')"
            " AND (preceptor_id IS NOT NULL) = (kind = 'preceptor')",
            name="ck_calendar_feed_whose",
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="ck_calendar_feed_digest"),
    )
    op.create_index("ix_calendar_feed_account_id", TABLE, ["account_id"])
    op.create_index("ix_calendar_feed_site_id", TABLE, ["site_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
