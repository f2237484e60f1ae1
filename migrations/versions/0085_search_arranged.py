"""What searches read can be exchanged for a copy of itself without a lock on the listings.

A table with a foreign key to `listing` can't be dropped without one. Rows of `listing_search` come
and go by triggers alone; the one that was missing, for a listing that is deleted, takes the key's
place.
"""

from alembic import op

revision = "0085_search_arranged"
down_revision = "0084_site_people"
branch_labels = None
depends_on = None

KEY = "fk_listing_search_listing_id_listing"
GONE = """
CREATE FUNCTION listing_search_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM listing_search WHERE listing_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER search_delete AFTER DELETE ON listing FOR EACH ROW
    WHEN (OLD.state = 'published') EXECUTE FUNCTION listing_search_gone();
"""


def upgrade() -> None:
    op.execute(GONE)
    op.drop_constraint(KEY, "listing_search")


def downgrade() -> None:
    op.execute("DROP TRIGGER search_delete ON listing")
    op.execute("DROP FUNCTION listing_search_gone")
    # Each row has its listing: a scan of the rows is all that this waits for.
    op.create_foreign_key(KEY, "listing_search", "listing", ["listing_id"], ["id"])
