"""Searches are planned faster, and a published listing is written once.

The planner looks into a function of one SQL statement wherever it is called, to put it in its place.
Two are named in every part of a search; of the one that tells free weeks it reads joins and
aggregates each time, and then leaves it alone. In another language they are only called.

A row that searches read has its free weeks from the beginning. Before, the job that looks for what
has changed wrote every row a second time, with an entry in each of sixteen indexes.
"""

from alembic import op

revision = "0068_search_plans"
down_revision = "0067_places_valid"
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
# As far as is known in the transaction that publishes: its note of what may have changed stands. No
# later than the first start is what begins with the season, whatever day it is.
BEGIN_FREE = """
CREATE FUNCTION listing_search_begin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place integer;
BEGIN
    NEW.free := listing_free_weeks(NEW.listing_id);
    place := position(repeat('1', NEW.weeks_min)::bit varying IN
                      substring(NEW.free FOR NEW.last_week - NEW.first_week + NEW.weeks_min));
    NEW.soonest_week := CASE WHEN place > 0 THEN NEW.first_week + place - 1 END;
    RETURN NEW;
END $$;
CREATE TRIGGER free_weeks BEFORE INSERT ON listing_search
    FOR EACH ROW EXECUTE FUNCTION listing_search_begin();
"""
END_FREE = """
DROP TRIGGER free_weeks ON listing_search;
DROP FUNCTION listing_search_begin;
"""
# It has every connection read anew what the index of words is made of, too.
READ_ANEW = "ANALYZE listing_search"


def upgrade() -> None:
    op.execute(OPENED)
    op.execute(BEGIN_FREE)
    op.execute(READ_ANEW)


def downgrade() -> None:
    op.execute(END_FREE)
    op.execute(INLINED)
    op.execute(READ_ANEW)
