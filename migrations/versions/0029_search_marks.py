"""The index of words knows specialty, state and a part of the random order too."""

from alembic import op

revision = "0029_search_marks"
down_revision = "0028_machine_valid"
branch_labels = None
depends_on = None

# The highest six of the random number's bits: sixty-four equal parts of all listings.
MARKS = """
CREATE FUNCTION search_marks(specialty text, us_state text, sample integer) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY['specialty:' || specialty, 'state:' || us_state,
                 'sample:' || CAST(sample >> 26 AS text)]
$$
"""
NEW = "words, search_marks(specialty, us_state, sample)"
OLD = "words"


def upgrade() -> None:
    op.execute(MARKS)
    replace_index(NEW)
    # Statistics of what it holds, without which it is taken for worse than it is.
    op.execute("ANALYZE listing_search")


def downgrade() -> None:
    replace_index(OLD)
    op.execute("DROP FUNCTION search_marks")


def replace_index(columns: str) -> None:
    """Searches go on while it is built; who publishes a listing waits."""
    op.execute(f"CREATE INDEX ix_listing_search_made ON listing_search USING gin ({columns})")
    op.execute("DROP INDEX ix_listing_search_words")
    op.execute("ALTER INDEX ix_listing_search_made RENAME TO ix_listing_search_words")
