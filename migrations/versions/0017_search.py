"""What searches read: a narrow row for each published listing, its free weeks, words and places.

The columns and indexes of `listing` that searches used before go.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_search"
down_revision = "0016_calendar_valid"
branch_labels = None
depends_on = None

PUBLISHED = sa.text("state = 'published'")
INDEXES = {
    "sample": ["sample"],
    "specialty_sample": ["specialty", "sample"],
    "us_state_sample": ["us_state", "sample"],
    "price_minor": ["price_minor", "listing_id"],
    "specialty_price_minor": ["specialty", "price_minor", "listing_id"],
    "us_state_price_minor": ["us_state", "price_minor", "listing_id"],
    "rank_any": ["rank_any", "price_minor", "listing_id"],
    "rank_student": ["rank_student", "price_minor", "listing_id"],
    "rank_graduate": ["rank_graduate", "price_minor", "listing_id"],
    "soonest_week": ["soonest_week", "listing_id"],
    "latitude": ["latitude", "longitude"],
    "site_id": ["site_id"],
}
# Listing's own, which nothing reads any more.
FORMER_INDEXES = {
    "price_minor": ["price_minor", "id"],
    "first_start": ["first_start", "id"],
    "specialty": ["specialty", "us_state", "price_minor", "id"],
    "us_state": ["us_state", "price_minor", "id"],
}
FORMER_SEARCH = (
    "setweight(to_tsvector('english'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('english'::regconfig, search_text), 'B'::\"char\")"
)

# A week is free that no pool of the listing lacks a seat in, and that is not closed. Bit n is the
# n-th week from `first_start` on.
FREE_WEEKS = """
CREATE FUNCTION listing_free_weeks(wanted uuid) RETURNS bit varying
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
# Weeks are counted from Monday, 3 January 2000.
PUT = """
CREATE FUNCTION listing_search_put(wanted uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO listing_search AS s (
        listing_id, sample, price_minor, latitude, longitude, first_week, last_week, weeks_min,
        weeks_max, lead_days, step2_min, rank_any, rank_student, rank_graduate, step1_required,
        point_of, price_currency, specialty, us_state, setting, letter_policy, tier_student,
        tier_graduate, visa_types, site_id, title_words, words, changed_at)
    SELECT l.id, uuid_hash(l.id), l.price_minor, point.latitude, point.longitude,
           (l.first_start - DATE '2000-01-03') / 7, (l.last_start - DATE '2000-01-03') / 7,
           l.weeks_min, l.weeks_max, l.lead_days, l.step2_min,
           least(listing_tier_rank(l.tier_student), listing_tier_rank(l.tier_graduate)),
           listing_tier_rank(l.tier_student), listing_tier_rank(l.tier_graduate),
           l.step1_required, point.of, l.price_currency, l.specialty, l.us_state, l.setting,
           l.letter_policy, l.tier_student, l.tier_graduate, l.visa_types, l.site_id,
           to_tsvector('english', l.title),
           to_tsvector('english', concat_ws(' ', l.title, l.search_text, l.tier_student,
                                            l.tier_graduate, l.setting)),
           now()
      FROM listing l
      JOIN site ON site.id = l.site_id
      LEFT JOIN LATERAL (
            SELECT site.latitude::float8, site.longitude::float8, 'site' AS of, 1 AS nth
             WHERE site.latitude IS NOT NULL
             UNION ALL
            SELECT p.latitude, p.longitude, 'zip', 2 FROM place p
             WHERE p.kind = 'zip' AND site.country = 'US'
               AND p.name = substring(site.address FROM '(\\d{5})(?:-\\d{4})?\\s*$')
             UNION ALL
            SELECT p.latitude, p.longitude, 'city', 3 FROM place p
             WHERE p.kind = 'city' AND site.country = 'US'
               AND p.name = lower(site.city) AND p.us_state = site.state
             ORDER BY nth LIMIT 1
           ) AS point ON true
     WHERE l.id = ANY (wanted) AND l.state = 'published'
    ON CONFLICT (listing_id) DO UPDATE SET
        price_minor = excluded.price_minor, latitude = excluded.latitude,
        longitude = excluded.longitude, first_week = excluded.first_week,
        last_week = excluded.last_week, weeks_min = excluded.weeks_min,
        weeks_max = excluded.weeks_max, lead_days = excluded.lead_days,
        step2_min = excluded.step2_min, rank_any = excluded.rank_any,
        rank_student = excluded.rank_student, rank_graduate = excluded.rank_graduate,
        step1_required = excluded.step1_required, point_of = excluded.point_of,
        price_currency = excluded.price_currency, specialty = excluded.specialty,
        us_state = excluded.us_state, setting = excluded.setting,
        letter_policy = excluded.letter_policy, tier_student = excluded.tier_student,
        tier_graduate = excluded.tier_graduate, visa_types = excluded.visa_types,
        site_id = excluded.site_id, title_words = excluded.title_words, words = excluded.words,
        changed_at = excluded.changed_at;
    -- Whatever was known of its free weeks may be of another calendar.
    INSERT INTO stale_weeks (listing_id) SELECT unnest(wanted);
$$
"""
TIER_RANK = """
CREATE FUNCTION listing_tier_rank(tier text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE tier WHEN 'elective' THEN 0 WHEN 'externship' THEN 1 WHEN 'observership' THEN 2
                     ELSE 3 END::smallint
$$
"""
# The bits and the earliest start are those of the committed seats; `since` is the week of today.
REFRESH = """
CREATE FUNCTION listing_search_refresh(wanted uuid[], since integer) RETURNS void
LANGUAGE sql AS $$
    UPDATE listing_search s
       SET free = found.free,
           soonest_week = CASE WHEN found.place > 0 THEN found.first + found.place - 1 END
      FROM (
        SELECT bits.listing_id, bits.free, bits.first,
               CASE WHEN bits.first <= bits.last_week THEN
                   position(repeat('1', bits.weeks_min)::bit varying IN
                            substring(bits.free FROM bits.first - bits.first_week + 1
                                      FOR bits.last_week - bits.first + bits.weeks_min))
               END AS place
          FROM (SELECT l.listing_id, listing_free_weeks(l.listing_id) AS free, l.first_week,
                       l.last_week, l.weeks_min, greatest(l.first_week, since) AS first
                  FROM listing_search l WHERE l.listing_id = ANY (wanted)
                OFFSET 0) AS bits
      ) AS found
     WHERE s.listing_id = found.listing_id
       AND (s.free, s.soonest_week) IS DISTINCT FROM
           (found.free, CASE WHEN found.place > 0 THEN found.first + found.place - 1 END)
$$
"""
TRIGGERS = """
CREATE FUNCTION listing_search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'published' THEN
        PERFORM listing_search_put(ARRAY[NEW.id]);
    ELSE
        DELETE FROM listing_search WHERE listing_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_insert AFTER INSERT ON listing FOR EACH ROW
    WHEN (NEW.state = 'published') EXECUTE FUNCTION listing_search_follow();
CREATE TRIGGER search_update AFTER UPDATE ON listing FOR EACH ROW
    WHEN (OLD.state = 'published' OR NEW.state = 'published')
    EXECUTE FUNCTION listing_search_follow();

CREATE FUNCTION listing_search_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM listing_search_put(found.ids)
       FROM (SELECT array_agg(listing_id) AS ids FROM listing_search
              WHERE site_id = NEW.id) AS found
      WHERE found.ids IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER search_moved AFTER UPDATE ON site FOR EACH ROW
    WHEN ((OLD.latitude, OLD.longitude, OLD.address, OLD.city, OLD.state, OLD.country)
          IS DISTINCT FROM
          (NEW.latitude, NEW.longitude, NEW.address, NEW.city, NEW.state, NEW.country))
    EXECUTE FUNCTION listing_search_moved();

-- Only a week that becomes full, or stops being so, is noted: other bookings pay nothing.
CREATE FUNCTION stale_weeks_of_week() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stale_weeks (pool_id) VALUES (NEW.pool_id);
    RETURN NULL;
END $$;
CREATE TRIGGER search_filled AFTER UPDATE ON seat_week FOR EACH ROW
    WHEN ((OLD.taken < OLD.capacity) IS DISTINCT FROM (NEW.taken < NEW.capacity)
          OR OLD.week <> NEW.week OR OLD.pool_id <> NEW.pool_id)
    EXECUTE FUNCTION stale_weeks_of_week();

CREATE FUNCTION stale_weeks_of_pools() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stale_weeks (pool_id) SELECT DISTINCT pool_id FROM touched;
    RETURN NULL;
END $$;
CREATE TRIGGER search_opened AFTER INSERT ON seat_week
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION stale_weeks_of_pools();
CREATE TRIGGER search_closed AFTER DELETE ON seat_week
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION stale_weeks_of_pools();

CREATE FUNCTION stale_weeks_of_listings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stale_weeks (listing_id)
        SELECT DISTINCT t.listing_id FROM touched t JOIN listing_search USING (listing_id);
    RETURN NULL;
END $$;
CREATE TRIGGER search_linked AFTER INSERT ON listing_pool
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION stale_weeks_of_listings();
CREATE TRIGGER search_unlinked AFTER DELETE ON listing_pool
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION stale_weeks_of_listings();
"""
WORD_GRAMS = """
CREATE FUNCTION word_grams(word text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT DISTINCT substr('  ' || word || ' ', n, 3)
                   FROM generate_series(1, length(word) + 1) AS n)
$$
"""
DROP_TRIGGERS = """
DROP TRIGGER search_insert ON listing;
DROP TRIGGER search_update ON listing;
DROP TRIGGER search_moved ON site;
DROP TRIGGER search_filled ON seat_week;
DROP TRIGGER search_opened ON seat_week;
DROP TRIGGER search_closed ON seat_week;
DROP TRIGGER search_linked ON listing_pool;
DROP TRIGGER search_unlinked ON listing_pool;
DROP FUNCTION listing_search_follow, listing_search_moved, stale_weeks_of_week,
    stale_weeks_of_pools, stale_weeks_of_listings, word_grams, listing_search_refresh,
    listing_search_put, listing_tier_rank, listing_free_weeks
"""


def upgrade() -> None:
    create_place()
    create_search_word()
    create_stale_weeks()
    create_listing_search()
    for statement in (FREE_WEEKS, TIER_RANK, PUT, REFRESH, TRIGGERS, WORD_GRAMS):
        op.execute(statement)
    load_places()
    op.execute("SELECT listing_search_put(array_agg(id)) FROM listing WHERE state = 'published'")
    op.drop_index("ix_listing_search", "listing")
    for name in FORMER_INDEXES:
        op.drop_index(f"ix_listing_{name}", "listing")
    op.drop_column("listing", "search")


def create_place() -> None:
    op.create_table(
        "place",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("us_state", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "us_state", name="pk_place"),
        sa.CheckConstraint("kind IN ('zip', 'city')", name="ck_place_kind"),
        sa.CheckConstraint("us_state ~ '^[A-Z]{2}$'", name="ck_place_us_state"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="ck_place_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="ck_place_longitude"),
    )


def load_places() -> None:
    """The centres of postal code areas and cities: a city's is the mean of its areas'."""
    import zipcodes

    cities: dict[tuple[str, str], list[tuple[float, float]]] = {}
    labels: dict[tuple[str, str], str] = {}
    rows = []
    for area in zipcodes.list_all():
        if area["country"] != "US" or not (area["lat"] and area["long"]):
            continue
        point = float(area["lat"]), float(area["long"])
        if point == (0.0, 0.0):
            continue
        city, state = area["city"], area["state"]
        rows.append(("zip", area["zip_code"], state, f"{city}, {state}", *point))
        for name in (city, *area["acceptable_cities"]):
            cities.setdefault((name.lower(), state), []).append(point)
            labels[name.lower(), state] = f"{name}, {state}"
    for (name, state), points in cities.items():
        latitude = sum(point[0] for point in points) / len(points)
        longitude = sum(point[1] for point in points) / len(points)
        rows.append(("city", name, state, labels[name, state], latitude, longitude))
    cursor = op.get_bind().connection.driver_connection.cursor()
    with cursor.copy("COPY place FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def create_search_word() -> None:
    op.create_table(
        "search_word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("lexeme", sa.Text(), nullable=False),
        sa.Column("listings", sa.Integer(), nullable=False),
        sa.Column("grams", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("gathered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("word", name="pk_search_word"),
        sa.CheckConstraint("listings > 0", name="ck_search_word_listings"),
    )
    op.create_index("ix_search_word_lexeme", "search_word", ["lexeme"])
    op.create_index("ix_search_word_grams", "search_word", ["grams"], postgresql_using="gin")


def create_stale_weeks() -> None:
    op.create_table(
        "stale_weeks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("listing_id", sa.Uuid()),
        sa.Column("pool_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_stale_weeks"),
        sa.CheckConstraint("num_nonnulls(listing_id, pool_id) = 1", name="ck_stale_weeks_one"),
    )


def create_listing_search() -> None:
    text, small, whole = sa.Text(), sa.SmallInteger(), sa.Integer()
    op.create_table(
        "listing_search",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("sample", whole, nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("first_week", whole, nullable=False),
        sa.Column("last_week", whole, nullable=False),
        sa.Column("weeks_min", small, nullable=False),
        sa.Column("weeks_max", small, nullable=False),
        sa.Column("lead_days", small, nullable=False),
        sa.Column("rank_any", small, nullable=False),
        sa.Column("rank_student", small, nullable=False),
        sa.Column("rank_graduate", small, nullable=False),
        sa.Column("step1_required", sa.Boolean(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("price_currency", sa.CHAR(3), nullable=False),
        sa.Column("specialty", text, nullable=False),
        sa.Column("us_state", text, nullable=False),
        sa.Column("setting", text, nullable=False),
        sa.Column("letter_policy", text, nullable=False),
        sa.Column("tier_student", text),
        sa.Column("tier_graduate", text),
        sa.Column("step2_min", small),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("point_of", text),
        sa.Column("soonest_week", whole),
        sa.Column("free", postgresql.BIT(varying=True)),
        sa.Column("visa_types", sa.ARRAY(text), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title_words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name="pk_listing_search"),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name="fk_listing_search_listing_id_listing"
        ),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (point_of IS NULL)",
            name="ck_listing_search_point",
        ),
        sa.CheckConstraint(
            "point_of IN ('site', 'zip', 'city')", name="ck_listing_search_point_of"
        ),
        postgresql_with={"fillfactor": 90},
    )
    for name, columns in INDEXES.items():
        op.create_index(f"ix_listing_search_{name}", "listing_search", columns)
    for column in ("title_words", "words"):
        op.create_index(
            f"ix_listing_search_{column}", "listing_search", [column], postgresql_using="gin"
        )


def downgrade() -> None:
    op.add_column(
        "listing",
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(FORMER_SEARCH, persisted=True),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_listing_search",
        "listing",
        ["search"],
        postgresql_using="gin",
        postgresql_where=PUBLISHED,
    )
    for name, columns in FORMER_INDEXES.items():
        op.create_index(f"ix_listing_{name}", "listing", columns, postgresql_where=PUBLISHED)
    op.execute(DROP_TRIGGERS)
    for table in ("listing_search", "stale_weeks", "search_word", "place"):
        op.drop_table(table)
