"""The change feed: what of a published listing changed, written by triggers, in a safe order."""

import sqlalchemy as sa
from alembic import op

revision = "0014_changes"
down_revision = "0013_imports"
branch_labels = None
depends_on = None

KINDS = "'published', 'changed', 'paused', 'withdrawn', 'retired', 'seats'"
# One row for a transaction, listing and kind, however many statements there were.
ADD = """
INSERT INTO listing_change (transaction, listing_id, kind, at)
SELECT pg_current_xact_id()::text::bigint, {listing}, {kind}, now()
  FROM {rows}
 WHERE {condition}
    ON CONFLICT DO NOTHING
"""
SHOWN = "{row}.first_published_at IS NOT NULL AND {row}.state IN ('published', 'paused', 'retired')"
# What the public sees of a listing beside its versioned terms.
SEEN = (
    "version, site_id, preceptor_id, site_name, city, us_state, blackout_weeks, tier_student,"
    " tier_graduate, drift_at"
)
OLD_SEEN, NEW_SEEN = (
    ", ".join(f"{row}.{column.strip()}" for column in SEEN.split(",")) for row in ("o", "n")
)
FUNCTIONS = {
    "note_new_listing": ADD.format(
        listing="NEW.id", kind="'published'", rows="(SELECT 1) AS once", condition="true"
    ),
    "note_listing_changes": ADD.format(
        listing="n.id",
        kind="CASE WHEN n.state = o.state THEN 'changed'"
        " WHEN n.state IN ('published', 'paused', 'retired') THEN n.state ELSE 'withdrawn' END",
        rows="old_rows o JOIN new_rows n USING (id)",
        condition=f"({SHOWN.format(row='o')} OR {SHOWN.format(row='n')})"
        f" AND (n.state <> o.state OR ({OLD_SEEN}) IS DISTINCT FROM ({NEW_SEEN}))",
    ),
    "note_site_changes": ADD.format(
        listing="l.id",
        kind="'changed'",
        rows="old_rows o JOIN new_rows n USING (id) JOIN listing l ON l.site_id = n.id",
        condition="(o.version, o.verification) IS DISTINCT FROM (n.version, n.verification)"
        f" AND {SHOWN.format(row='l')}",
    ),
    "note_preceptor_changes": ADD.format(
        listing="l.id",
        kind="'changed'",
        rows="old_rows o JOIN new_rows n USING (id) JOIN listing l ON l.preceptor_id = n.id",
        condition=f"(o.name, o.npi) IS DISTINCT FROM (n.name, n.npi) AND {SHOWN.format(row='l')}",
    ),
    "note_pool_changes": ADD.format(
        listing="l.id",
        kind="'seats'",
        rows="old_rows o JOIN new_rows n USING (id) JOIN listing_pool p ON p.pool_id = n.id"
        " JOIN listing l ON l.id = p.listing_id",
        condition=f"o.version <> n.version AND {SHOWN.format(row='l')}",
    ),
    "note_week_filled": ADD.format(
        listing="l.id",
        kind="'seats'",
        rows="listing_pool p JOIN listing l ON l.id = p.listing_id",
        condition=f"p.pool_id = NEW.pool_id AND {SHOWN.format(row='l')}",
    ),
}
BOTH = "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT"
# Table -> when, and which function. A booking touches weeks only: its trigger's condition is judged
# without a call, and holds only where a week is filled or a full one has a seat again.
TRIGGERS = {
    "new": ("listing", "INSERT", "FOR EACH ROW WHEN (NEW.state = 'published')", "note_new_listing"),
    "changes": ("listing", "UPDATE", BOTH, "note_listing_changes"),
    "site_changes": ("site", "UPDATE", BOTH, "note_site_changes"),
    "preceptor_changes": ("preceptor", "UPDATE", BOTH, "note_preceptor_changes"),
    "pool_changes": ("seat_pool", "UPDATE", BOTH, "note_pool_changes"),
    "week_filled": (
        "seat_week",
        "UPDATE OF taken",
        "FOR EACH ROW WHEN ((OLD.taken < OLD.capacity) <> (NEW.taken < NEW.capacity))",
        "note_week_filled",
    ),
}

# Below this number every transaction of this database has ended, as the calling query sees it.
# Those of other databases on the server can't write here; they are told apart where the role may.
SETTLED = """
CREATE FUNCTION changes_settled_below() RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH here AS MATERIALIZED (SELECT pg_current_snapshot() AS snapshot),
    running AS MATERIALIZED (SELECT pg_snapshot_xip(snapshot) AS number FROM here)
    SELECT coalesce(
             (SELECT min(running.number::text::bigint) FROM running
               WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity elsewhere
                                  WHERE elsewhere.backend_xid = running.number::xid
                                    AND elsewhere.datname <> current_database())),
             pg_snapshot_xmax(snapshot)::text::bigint)
      FROM here
$$
"""


def upgrade() -> None:
    op.create_table(
        "listing_change",
        sa.Column("transaction", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("transaction", "listing_id", "kind", name="pk_listing_change"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_listing_change_kind"),
    )
    op.execute(
        "CREATE TRIGGER history BEFORE UPDATE ON listing_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "listing_change_start",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listing_change_start"),
        sa.CheckConstraint("id = 1", name="ck_listing_change_start_id"),
    )
    op.execute("INSERT INTO listing_change_start (id, transaction) VALUES (1, 0)")
    op.execute(SETTLED)
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {body}; RETURN NULL; END $$"
        )
    for name, (table, when, how, function) in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER {name} AFTER {when} ON {table} {how} EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    for name, (table, _, _, function) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION changes_settled_below()")
    op.drop_table("listing_change_start")
    op.drop_table("listing_change")
