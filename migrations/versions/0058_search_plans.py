"""Two functions that searches name again and again are no longer read by the planner each time.

It looks into a function of one SQL statement wherever it is called, to put it in its place: of what
counts free weeks it reads joins and aggregates, and then leaves it alone.
"""

from alembic import op

revision = "0058_search_plans"
down_revision = "0057_invoices_valid"
branch_labels = None
depends_on = None

FREE_WEEKS = """
    SELECT string_agg(CASE WHEN open.week IS NULL THEN '0' ELSE '1' END, '' ORDER BY n.at)
           ::bit varying
      FROM listing l
     CROSS JOIN generate_series(0, (l.last_start - l.first_start) / 7 + l.weeks_max - 1) AS n(at)
      LEFT JOIN (
            SELECT found.week
              FROM listing_pool lp
             CROSS JOIN LATERAL (
                    SELECT sw.week FROM seat_week sw
                     WHERE sw.pool_id = lp.pool_id AND sw.taken < sw.capacity OFFSET 0) AS found
             WHERE lp.listing_id = wanted
             GROUP BY found.week
            HAVING count(*) = (SELECT count(*) FROM listing_pool WHERE listing_id = wanted)
           ) AS open
        ON open.week = l.first_start + 7 * n.at
       AND (l.first_start + 7 * n.at) <> ALL (l.blackout_weeks)
     WHERE l.id = wanted
"""
MARKS = """
    ARRAY['specialty:' || specialty, 'state:' || us_state,
          'sample:' || CAST(sample >> 26 AS text)]
"""
OPENED = f"""
CREATE OR REPLACE FUNCTION listing_free_weeks(wanted uuid) RETURNS bit varying
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN ({FREE_WEEKS}); END $$;
CREATE OR REPLACE FUNCTION search_marks(specialty text, us_state text, sample integer)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN RETURN {MARKS}; END $$
"""
INLINED = f"""
CREATE OR REPLACE FUNCTION listing_free_weeks(wanted uuid) RETURNS bit varying
LANGUAGE sql STABLE PARALLEL SAFE AS $$ {FREE_WEEKS} $$;
CREATE OR REPLACE FUNCTION search_marks(specialty text, us_state text, sample integer)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT {MARKS} $$
"""
# It has every connection read anew what the index of words is made of, too.
READ_ANEW = "ANALYZE listing_search"


def upgrade() -> None:
    op.execute(OPENED)
    op.execute(READ_ANEW)


def downgrade() -> None:
    op.execute(INLINED)
    op.execute(READ_ANEW)
