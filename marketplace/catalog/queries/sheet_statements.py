"""The two statements of `sheets`: what holds rows for a sheet, and what reads all about them."""

# Whoever edits these holds them in this order too: site, preceptor, listing, pool, each by its id.
HOLD = """
WITH given AS MATERIALIZED (
    SELECT g.terms, g.terms->>'external_id' AS external_id, g.terms->>'site_name' AS site_name
      FROM jsonb_array_elements(CAST(:rows AS jsonb)) AS g(terms)
), turn AS MATERIALIZED (
    SELECT o.id AS owner_id,
           CAST(pg_advisory_xact_lock(hashtextextended('catalog.import:' || o.id, 0)) AS text) AS had
      FROM (SELECT coalesce(CAST(:owner AS uuid),
                            (SELECT owner_account_id FROM site WHERE id = CAST(:site AS uuid))) AS id
           ) AS o
     WHERE o.id IS NOT NULL
), changing AS MATERIALIZED (
    SELECT l.id, l.site_id, given.site_name
      FROM turn
     CROSS JOIN given
      JOIN listing l ON l.owner_account_id = turn.owner_id AND l.external_id = given.external_id
      LEFT JOIN listing_version v ON v.listing_id = l.id AND v.version = l.version
     WHERE turn.had IS NOT NULL AND (v.terms @> given.terms) IS NOT TRUE
), places AS (
    SELECT DISTINCT site_name, terms->>'address' AS address, terms->>'city' AS city,
           terms->>'state' AS state, terms->>'country' AS country, terms->>'timezone' AS time_zone
      FROM given
), moved AS MATERIALIZED (
    SELECT s.id
      FROM turn
      JOIN site s ON s.owner_account_id = turn.owner_id
      JOIN places p ON p.site_name = s.name
     WHERE (p.address, p.city, p.state, p.country, p.time_zone)
           IS DISTINCT FROM (s.address, s.city, s.state, s.country, s.time_zone)
), renamed AS MATERIALIZED (
    SELECT p.id
      FROM turn
      JOIN site s ON s.owner_account_id = turn.owner_id
      JOIN (SELECT DISTINCT site_name, terms->>'npi' AS npi, terms->>'preceptor' AS name FROM given
           ) AS g ON g.site_name = s.name
      JOIN preceptor p ON p.site_id = s.id AND p.npi = g.npi
     WHERE p.name <> g.name
), sites AS MATERIALIZED (
    SELECT s.id FROM site s
     WHERE s.id IN (SELECT site_id FROM changing
                    UNION SELECT s.id FROM turn JOIN site s ON s.owner_account_id = turn.owner_id
                                           JOIN changing ON changing.site_name = s.name
                    UNION SELECT id FROM moved
                    UNION SELECT unnest(CAST(:sites AS uuid[])))
     ORDER BY s.id FOR NO KEY UPDATE
), people AS MATERIALIZED (
    SELECT p.id FROM preceptor p
     WHERE (SELECT count(*) FROM sites) >= 0
       AND p.id IN (SELECT id FROM renamed UNION SELECT unnest(CAST(:people AS uuid[])))
     ORDER BY p.id FOR NO KEY UPDATE
), listings AS MATERIALIZED (
    SELECT l.id FROM listing l
     WHERE (SELECT count(*) FROM people) >= 0
       AND l.id IN (SELECT id FROM changing
                    UNION SELECT l.id FROM moved JOIN listing l ON l.site_id = moved.id
                    UNION SELECT l.id FROM renamed JOIN listing l ON l.preceptor_id = renamed.id
                    UNION SELECT unnest(CAST(:listings AS uuid[])))
     ORDER BY l.id FOR UPDATE
), pools AS MATERIALIZED (
    SELECT p.id FROM seat_pool p
     WHERE (SELECT count(*) FROM listings) >= 0
       AND p.id IN (SELECT lp.pool_id FROM changing JOIN listing_pool lp ON lp.listing_id = changing.id
                    UNION SELECT unnest(CAST(:pools AS uuid[])))
     ORDER BY p.id FOR NO KEY UPDATE
)
SELECT owner_id, ARRAY(SELECT id FROM sites) AS sites, ARRAY(SELECT id FROM people) AS people,
       ARRAY(SELECT id FROM listings) AS listings, ARRAY(SELECT id FROM pools) AS pools
  FROM turn WHERE had IS NOT NULL
"""
# A row each for what is to be loaded; `told` has what there is to say of it besides.
FOUND = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
        external_id text, site_name text, address text, city text, state text, country text,
        time_zone text, npi text, person text, seats int, first_start date, last_start date,
        weeks_max int, closed date[])
), own AS MATERIALIZED (
    SELECT s.* FROM site s
     WHERE s.owner_account_id = :owner AND s.name IN (SELECT site_name FROM given)
), moved AS MATERIALIZED (
    SELECT own.id, bool_or(own.time_zone <> p.time_zone) AS rezoned
      FROM own
      JOIN (SELECT DISTINCT site_name, address, city, state, country, time_zone FROM given) AS p
        ON p.site_name = own.name
     WHERE (p.address, p.city, p.state, p.country, p.time_zone)
           IS DISTINCT FROM (own.address, own.city, own.state, own.country, own.time_zone)
     GROUP BY own.id
), people AS MATERIALIZED (
    SELECT p.id, bool_or(p.name <> g.person) AS renamed
      FROM (SELECT DISTINCT site_name, npi, person FROM given) AS g
      JOIN own ON own.name = g.site_name
      JOIN preceptor p ON p.site_id = own.id AND p.npi = g.npi
     GROUP BY p.id
), mine AS MATERIALIZED (
    SELECT l.id, l.site_id, l.preceptor_id, l.state, g.seats, g.first_start,
           g.last_start + 7 * (g.weeks_max - 1) AS last_week, g.closed,
           l.site_id IS DISTINCT FROM own.id AS leaves,
           l.seats_per_week <> g.seats OR (l.first_start, l.last_start, l.weeks_max)
             IS DISTINCT FROM (g.first_start, g.last_start, g.weeks_max) AS reseated
      FROM given g
      JOIN listing l ON l.owner_account_id = :owner AND l.external_id = g.external_id
      LEFT JOIN own ON own.name = g.site_name
), concerned AS MATERIALIZED (
    SELECT id, site_id, preceptor_id FROM mine
    UNION SELECT l.id, l.site_id, l.preceptor_id FROM moved JOIN listing l ON l.site_id = moved.id
    UNION SELECT l.id, l.site_id, l.preceptor_id
            FROM people JOIN listing l ON l.preceptor_id = people.id WHERE people.renamed
), links AS MATERIALIZED (
    SELECT c.id AS listing_id, lp.pool_id,
           EXISTS (SELECT FROM listing_pool o
                    WHERE o.pool_id = lp.pool_id AND o.listing_id <> c.id) AS shared
      FROM concerned c JOIN listing_pool lp ON lp.listing_id = c.id
), taken AS MATERIALIZED (
    SELECT k.listing_id, w.week, max(w.taken) AS seats
      FROM links k JOIN seat_week w ON w.pool_id = k.pool_id
     WHERE w.week >= :since AND w.taken > 0
     GROUP BY k.listing_id, w.week
), endangered AS MATERIALIZED (
    SELECT t.listing_id
      FROM taken t JOIN mine m ON m.id = t.listing_id
     WHERE m.leaves OR t.seats > m.seats OR t.week = ANY (m.closed)
        OR t.week NOT BETWEEN m.first_start AND m.last_week
    UNION SELECT t.listing_id
            FROM taken t JOIN concerned c ON c.id = t.listing_id
            JOIN moved ON moved.id = c.site_id AND moved.rezoned
)
SELECT 'listing' AS kind, c.id AS listing_id, CAST(NULL AS uuid) AS site_id,
       CAST(NULL AS uuid) AS preceptor_id, CAST(NULL AS uuid) AS pool_id,
       CAST(NULL AS uuid) AS about_id, CAST(NULL AS uuid) AS other_id,
       json_build_array(k.pools, t.weeks) AS told
  FROM concerned c
  LEFT JOIN (SELECT listing_id, json_agg(json_build_array(pool_id, shared) ORDER BY pool_id) AS pools
               FROM links GROUP BY listing_id) AS k ON k.listing_id = c.id
  LEFT JOIN (SELECT listing_id, json_agg(json_build_array(week, seats)) AS weeks
               FROM taken GROUP BY listing_id) AS t ON t.listing_id = c.id
UNION ALL
SELECT 'site', NULL, s.id, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT id FROM own UNION SELECT site_id FROM concerned UNION SELECT CAST(:site AS uuid)) AS s
UNION ALL
SELECT 'preceptor', NULL, NULL, p.id, NULL, NULL, NULL, NULL
  FROM (SELECT id FROM people UNION SELECT preceptor_id FROM concerned) AS p
UNION ALL
SELECT 'pool', NULL, NULL, NULL, k.pool_id, NULL, NULL,
       json_agg(json_build_array(w.week, w.capacity, w.closed_capacity, w.taken) ORDER BY w.week)
  FROM mine m
  JOIN links k ON k.listing_id = m.id AND NOT k.shared
  LEFT JOIN seat_week w ON w.pool_id = k.pool_id
 WHERE m.reseated
 GROUP BY k.pool_id
UNION ALL
SELECT 'sharing', NULL, NULL, NULL, NULL, e.listing_id, o.listing_id, NULL
  FROM endangered e
  JOIN links k ON k.listing_id = e.listing_id
  JOIN listing_pool o ON o.pool_id = k.pool_id
 GROUP BY e.listing_id, o.listing_id
UNION ALL
SELECT 'head', NULL, NULL, NULL, NULL, NULL, NULL, json_build_array(
       (SELECT id FROM import_run WHERE owner_account_id = :owner AND state = 'committing'),
       (SELECT json_agg(json_build_array(r.listing_id, r.id, r.state, r.fingerprint, r.decided_at))
          FROM mine m JOIN listing_review r ON r.listing_id = m.id
         WHERE m.state IN ('in_review', 'published')
           AND r.state IN ('pending', 'approved', 'rejected')))
"""
