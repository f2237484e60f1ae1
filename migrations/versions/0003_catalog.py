"""Sites, preceptors, listings with their history, seats by week, runs of the import."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_catalog"
down_revision = "0002_identity"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()
ONE = sa.text("1")
PUBLISHED = sa.text("state = 'published'")
PENDING = sa.text("state = 'pending'")
TIERS = "'elective', 'externship', 'observership', 'unclassified'"
SEARCH = (
    "setweight(to_tsvector('english'::regconfig, title), 'A'::\"char\")"
    " || setweight(to_tsvector('english'::regconfig, search_text), 'B'::\"char\")"
)
HISTORIES = ("listing_version", "listing_transition")
TABLES = (
    "import_run",
    "seat_week",
    "listing_pool",
    "seat_pool",
    "listing_review",
    "listing_transition",
    "listing_version",
    "listing",
    "preceptor",
    "site",
)


def upgrade() -> None:
    create_site()
    create_preceptor()
    create_listing()
    create_history()
    create_review()
    create_seats()
    create_import_run()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER history BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def create_site() -> None:
    op.create_table(
        "site",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_account_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Numeric(8, 6)),
        sa.Column("longitude", sa.Numeric(9, 6)),
        sa.Column("residency_affiliation", sa.Text()),
        sa.Column("verification", sa.Text(), nullable=False, server_default="unverified"),
        sa.Column("verification_evidence", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False, server_default=ONE),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_site"),
        sa.UniqueConstraint("owner_account_id", "name", name="uq_site_owner_account_id_name"),
        sa.UniqueConstraint("id", "owner_account_id", name="uq_site_id_owner_account_id"),
        reference("site", "owner_account_id", "account"),
        sa.CheckConstraint("state ~ '^[A-Z]{2}$'", name="ck_site_state"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_site_country"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="ck_site_point"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="ck_site_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="ck_site_longitude"),
        sa.CheckConstraint(
            "verification IN ('unverified', 'pending', 'verified', 'rejected')",
            name="ck_site_verification",
        ),
    )
    op.create_foreign_key("fk_membership_site_id_site", "membership", "site", ["site_id"], ["id"])


def create_preceptor() -> None:
    op.create_table(
        "preceptor",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("npi", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_preceptor"),
        sa.UniqueConstraint("site_id", "npi", name="uq_preceptor_site_id_npi"),
        sa.UniqueConstraint("id", "site_id", name="uq_preceptor_id_site_id"),
        reference("preceptor", "site_id", "site"),
        sa.CheckConstraint("npi ~ '^[12][0-9]{9}$'", name="ck_preceptor_npi"),
    )


def create_listing() -> None:
    op.create_table(
        "listing",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("owner_account_id", ID, nullable=False),
        sa.Column("preceptor_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=ONE),
        sa.Column("state", sa.Text(), nullable=False, server_default="draft"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("setting", sa.Text(), nullable=False),
        sa.Column("duties", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("weeks_min", sa.SmallInteger(), nullable=False),
        sa.Column("weeks_max", sa.SmallInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_currency", sa.CHAR(3), nullable=False),
        sa.Column("seats_per_week", sa.SmallInteger(), nullable=False),
        sa.Column("first_start", sa.Date(), nullable=False),
        sa.Column("last_start", sa.Date(), nullable=False),
        sa.Column("blackout_weeks", sa.ARRAY(sa.Date()), nullable=False),
        sa.Column("visa_types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("step1_required", sa.Boolean(), nullable=False),
        sa.Column("step2_min", sa.SmallInteger()),
        sa.Column("letter_policy", sa.Text(), nullable=False),
        sa.Column("cancellation_policy", sa.Text(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("lead_days", sa.SmallInteger(), nullable=False, server_default=sa.text("14")),
        sa.Column("notes", sa.Text(), nullable=False, server_default=""),
        sa.Column("tier_student", sa.Text()),
        sa.Column("tier_graduate", sa.Text()),
        sa.Column("classifier", sa.Text(), nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("conflicts", JSONB, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("drift_at", TIME),
        sa.Column("site_name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("us_state", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column(
            "search", postgresql.TSVECTOR(), sa.Computed(SEARCH, persisted=True), nullable=False
        ),
        sa.Column("first_published_at", TIME),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_listing"),
        *listing_constraints(),
    )
    index_listing()


def listing_constraints() -> list[sa.Constraint]:
    return [
        sa.UniqueConstraint(
            "owner_account_id", "external_id", name="uq_listing_owner_account_id_external_id"
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "owner_account_id"],
            ["site.id", "site.owner_account_id"],
            name="fk_listing_site_id_owner_account_id_site",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["preceptor_id", "site_id"],
            ["preceptor.id", "preceptor.site_id"],
            name="fk_listing_preceptor_id_site_id_preceptor",
        ),
        check(
            "state",
            "state IN ('draft', 'in_review', 'published', 'paused', 'retired')",
        ),
        check("setting", "setting IN ('inpatient', 'outpatient', 'both', 'remote')"),
        check("audience", "audience IN ('students', 'graduates', 'both')"),
        check("letter_policy", "letter_policy IN ('on_merit', 'never')"),
        check("approval", "approval IN ('instant', 'request')"),
        check("tier_student", f"tier_student IN ({TIERS})"),
        check("tier_graduate", f"tier_graduate IN ({TIERS})"),
        check(
            "tier_audience",
            "(tier_student IS NULL) = (audience = 'graduates')"
            " AND (tier_graduate IS NULL) = (audience = 'students')",
        ),
        check(
            "classified",
            "state IN ('draft', 'retired')"
            " OR coalesce(tier_student, tier_graduate) <> 'unclassified'",
        ),
        check("weeks", "weeks_min >= 1 AND weeks_min <= weeks_max AND weeks_max <= 52"),
        check("price", "price_minor > 0"),
        check("seats_per_week", "seats_per_week >= 0"),
        check("lead_days", "lead_days >= 0"),
        check("step2_min", "step2_min BETWEEN 1 AND 300"),
        check(
            "starts",
            "first_start <= last_start AND extract(isodow FROM first_start) = 1"
            " AND extract(isodow FROM last_start) = 1",
        ),
        check("version", "version >= 1"),
    ]


def check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_listing_{name}")


def index_listing() -> None:
    op.create_index("ix_listing_site_id", "listing", ["site_id"])
    op.create_index("ix_listing_preceptor_id", "listing", ["preceptor_id"])
    op.create_index(
        "ix_listing_search",
        "listing",
        ["search"],
        postgresql_using="gin",
        postgresql_where=PUBLISHED,
    )
    for name, columns in (
        ("price_minor", ["price_minor", "id"]),
        ("first_start", ["first_start", "id"]),
        ("specialty", ["specialty", "us_state", "price_minor", "id"]),
        ("us_state", ["us_state", "price_minor", "id"]),
    ):
        op.create_index(f"ix_listing_{name}", "listing", columns, postgresql_where=PUBLISHED)


def create_history() -> None:
    op.create_table(
        "listing_version",
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("account_id", ID),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("difference", JSONB, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("listing_id", "version", name="pk_listing_version"),
        reference("listing_version", "listing_id", "listing"),
        reference("listing_version", "account_id", "account"),
    )
    op.create_index("ix_listing_version_account_id", "listing_version", ["account_id"])
    op.create_table(
        "listing_transition",
        sa.Column("id", ID, nullable=False),
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("account_id", ID),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listing_transition"),
        reference("listing_transition", "listing_id", "listing"),
        reference("listing_transition", "account_id", "account"),
    )
    op.create_index(
        "ix_listing_transition_listing_id", "listing_transition", ["listing_id", "recorded_at"]
    )
    op.create_index("ix_listing_transition_account_id", "listing_transition", ["account_id"])


def create_review() -> None:
    op.create_table(
        "listing_review",
        sa.Column("id", ID, nullable=False),
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("conflicts", JSONB, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="pending"),
        sa.Column("requested_by", ID),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("decided_by", ID),
        sa.Column("decided_at", TIME),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_listing_review"),
        reference("listing_review", "listing_id", "listing"),
        reference("listing_review", "requested_by", "account"),
        reference("listing_review", "decided_by", "account"),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'rejected', 'superseded')",
            name="ck_listing_review_state",
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL)", name="ck_listing_review_decided"
        ),
    )
    op.create_index(
        "uq_listing_review_listing_id",
        "listing_review",
        ["listing_id"],
        unique=True,
        postgresql_where=PENDING,
    )
    op.create_index("ix_listing_review_listing_id", "listing_review", ["listing_id", "fingerprint"])
    op.create_index(
        "ix_listing_review_requested_at",
        "listing_review",
        ["requested_at", "id"],
        postgresql_where=PENDING,
    )
    op.create_index("ix_listing_review_requested_by", "listing_review", ["requested_by"])
    op.create_index("ix_listing_review_decided_by", "listing_review", ["decided_by"])


def create_seats() -> None:
    op.create_table(
        "seat_pool",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=ONE),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_seat_pool"),
        reference("seat_pool", "site_id", "site"),
    )
    op.create_index("ix_seat_pool_site_id", "seat_pool", ["site_id"])
    op.create_table(
        "listing_pool",
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("pool_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("listing_id", "pool_id", name="pk_listing_pool"),
        reference("listing_pool", "listing_id", "listing"),
        reference("listing_pool", "pool_id", "seat_pool"),
    )
    op.create_index("ix_listing_pool_pool_id", "listing_pool", ["pool_id"])
    op.create_table(
        "seat_week",
        sa.Column("pool_id", ID, nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("taken", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("pool_id", "week", name="pk_seat_week"),
        reference("seat_week", "pool_id", "seat_pool"),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name="ck_seat_week_taken"),
        sa.CheckConstraint("extract(isodow FROM week) = 1", name="ck_seat_week_monday"),
        # Taking a seat changes no indexed column: with room on the page it moves no index entry.
        postgresql_with={"fillfactor": 80},
    )


def create_import_run() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_account_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("site_id", ID),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("counts", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
        reference("import_run", "owner_account_id", "account"),
        reference("import_run", "account_id", "account"),
        reference("import_run", "site_id", "site"),
    )
    op.create_index(
        "ix_import_run_owner_account_id", "import_run", ["owner_account_id", "recorded_at"]
    )
    op.create_index("ix_import_run_account_id", "import_run", ["account_id"])
    op.create_index("ix_import_run_site_id", "import_run", ["site_id"])


def downgrade() -> None:
    op.drop_constraint("fk_membership_site_id_site", "membership", type_="foreignkey")
    for table in TABLES:
        op.drop_table(table)
