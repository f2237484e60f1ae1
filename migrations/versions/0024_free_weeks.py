"""Free weeks of a listing in one walk over its pools' weeks."""

from alembic import op

revision = "0024_free_weeks"
down_revision = "0023_sitemaps"
branch_labels = None
depends_on = None

# The weeks with a seat are looked up pool by pool, whatever the planner thinks of their number.
FREE_WEEKS = """
CREATE OR REPLACE FUNCTION listing_free_weeks(wanted uuid) RETURNS bit varying
LANGUAGE sql STABLE PARALLEL SAFE AS $$
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
$$
"""
WEEK_BY_WEEK = """
CREATE OR REPLACE FUNCTION listing_free_weeks(wanted uuid) RETURNS bit varying
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT string_agg(
             CASE WHEN (l.first_start + 7 * n.at) <> ALL (l.blackout_weeks)
                   AND pools.number = (
                       SELECT count(*)
                         FROM listing_pool lp
                         JOIN seat_week sw ON sw.pool_id = lp.pool_id
                          AND sw.week = l.first_start + 7 * n.at
                        WHERE lp.listing_id = wanted AND sw.taken < sw.capacity)
                  THEN '1' ELSE '0' END, '' ORDER BY n.at)::bit varying
      FROM listing l
     CROSS JOIN (SELECT nullif(count(*), 0) AS number FROM listing_pool
                  WHERE listing_id = wanted) AS pools
     CROSS JOIN generate_series(0, (l.last_start - l.first_start) / 7 + l.weeks_max - 1) AS n(at)
     WHERE l.id = wanted
$$
"""


def upgrade() -> None:
    op.execute(FREE_WEEKS)


def downgrade() -> None:
    op.execute(WEEK_BY_WEEK)
