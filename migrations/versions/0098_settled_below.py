"""Where the change feed ends for now, asked so that no other database of the server is in the way.

`changes_settled_below` looks at who runs after its query's snapshot was taken: a transaction of
another database that ended in between is in the snapshot and in nobody's list, and so was waited
for. Here the list comes first and the snapshot after it. What begins in between has a number above
everything that was committed before, and holds up nothing of that.

It has another name because its answer is for statements that begin after it: the release before
asks within its own statement, for which only the earlier function is right. That one goes with the
next release.
"""

from alembic import op

revision = "0098_settled_below"
down_revision = "0097_schools_show_evidence"
branch_labels = None
depends_on = None

# Volatile, so that its second statement has a snapshot of its own. The view of who runs is kept for
# a transaction, unless it is dropped.
SETTLED = """
CREATE FUNCTION listing_changes_end() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    elsewhere xid[];
BEGIN
    PERFORM pg_stat_clear_snapshot();
    elsewhere := ARRAY(
        SELECT backend_xid FROM pg_stat_activity
         WHERE datname <> current_database() AND backend_xid IS NOT NULL);
    RETURN (
        WITH here AS MATERIALIZED (SELECT pg_current_snapshot() AS snapshot),
        running AS MATERIALIZED (SELECT pg_snapshot_xip(snapshot) AS number FROM here)
        SELECT coalesce(
                 (SELECT min(number::text::bigint) FROM running
                   WHERE number::xid <> ALL (elsewhere)),
                 pg_snapshot_xmax(snapshot)::text::bigint)
          FROM here);
END $$
"""


def upgrade() -> None:
    op.execute(SETTLED)


def downgrade() -> None:
    op.execute("DROP FUNCTION listing_changes_end()")
