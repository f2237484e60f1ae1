"""What searches read of a listing's English terms."""

import sqlalchemy as sa
from alembic import op

revision = "0022_search_english"
down_revision = "0021_calendar_feeds"
branch_labels = None
depends_on = None

FILL = """
CREATE FUNCTION listing_search_english() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT english_native, toefl_ibt_min, ielts_min, oet_min
      INTO NEW.english_native, NEW.toefl_ibt_min, NEW.ielts_min, NEW.oet_min
      FROM listing WHERE id = NEW.listing_id;
    RETURN NEW;
END $$;
CREATE TRIGGER english BEFORE INSERT OR UPDATE OF changed_at ON listing_search
    FOR EACH ROW EXECUTE FUNCTION listing_search_english();
"""


def upgrade() -> None:
    # A constant default: no row is rewritten.
    op.add_column(
        "listing_search",
        sa.Column("english_native", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("listing_search", sa.Column("toefl_ibt_min", sa.SmallInteger()))
    op.add_column("listing_search", sa.Column("ielts_min", sa.Numeric(2, 1)))
    op.add_column("listing_search", sa.Column("oet_min", sa.SmallInteger()))
    op.execute(FILL)
    op.execute(
        "UPDATE listing_search s SET changed_at = changed_at FROM listing l"
        " WHERE l.id = s.listing_id AND (l.english_native"
        " OR num_nonnulls(l.toefl_ibt_min, l.ielts_min, l.oet_min) > 0)"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER english ON listing_search")
    op.execute("DROP FUNCTION listing_search_english")
    for column in ("oet_min", "ielts_min", "toefl_ibt_min", "english_native"):
        op.drop_column("listing_search", column)
