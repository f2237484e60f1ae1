"""Runs of a classifier over the catalogue, what they change, and the history of tier drift."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_tiers"
down_revision = "0011_terms_valid"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()
ZERO = sa.text("0")
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    create_runs()
    create_drift()
    # Decided reviews are read too, by state; the partial index has only those that wait.
    op.create_index("ix_listing_review_state", "listing_review", ["state", "requested_at", "id"])
    op.drop_index("ix_listing_review_requested_at", "listing_review")


def create_runs() -> None:
    op.create_table(
        "tier_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("classifier", sa.Text(), nullable=False),
        sa.Column("commits", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="asked"),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("changed", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("conflicting", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("refused", sa.BigInteger(), nullable=False, server_default=ZERO),
        sa.Column("last_listing_id", ID),
        sa.Column("asked_by", ID),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("file", JSONB),
        sa.PrimaryKeyConstraint("id", name="pk_tier_run"),
        reference("tier_run", "asked_by", "account"),
        sa.CheckConstraint("state IN ('asked', 'running', 'ready')", name="ck_tier_run_state"),
        sa.CheckConstraint(
            "(state = 'ready') = (finished_at IS NOT NULL)", name="ck_tier_run_finished"
        ),
        sa.CheckConstraint(
            "changed >= 0 AND conflicting >= 0 AND refused >= 0 AND changed <= seen",
            name="ck_tier_run_counts",
        ),
    )
    op.create_index(
        "uq_tier_run_commits",
        "tier_run",
        ["commits"],
        unique=True,
        postgresql_where=sa.text("commits AND state IN ('asked', 'running')"),
    )
    op.create_table(
        "tier_change",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("after", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "listing_id", name="pk_tier_change"),
        reference("tier_change", "run_id", "tier_run"),
        reference("tier_change", "listing_id", "listing"),
        sa.CheckConstraint(
            "outcome IN ('changed', 'review', 'refused')", name="ck_tier_change_outcome"
        ),
    )
    op.create_index("ix_tier_change_listing_id", "tier_change", ["listing_id"])
    op.execute(
        "CREATE TRIGGER history BEFORE UPDATE OR DELETE ON tier_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def create_drift() -> None:
    op.create_table(
        "listing_drift",
        sa.Column("id", ID, nullable=False),
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("flagged_at", TIME, nullable=False),
        sa.Column("attested", sa.Integer(), nullable=False),
        sa.Column("without_contact", sa.Integer(), nullable=False),
        sa.Column("resolved_at", TIME),
        sa.Column("resolved_by", ID),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_listing_drift"),
        reference("listing_drift", "listing_id", "listing"),
        reference("listing_drift", "resolved_by", "account"),
        sa.CheckConstraint(
            "attested >= 3 AND 2 * without_contact > attested", name="ck_listing_drift_most"
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (reason IS NULL)", name="ck_listing_drift_resolved"
        ),
        sa.CheckConstraint(
            "resolved_by IS NULL OR resolved_at IS NOT NULL", name="ck_listing_drift_resolved_by"
        ),
    )
    op.create_index(
        "uq_listing_drift_listing_id",
        "listing_drift",
        ["listing_id"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("ix_listing_drift_listing_id", "listing_drift", ["listing_id", "resolved_at"])
    op.create_index("ix_listing_drift_flagged_at", "listing_drift", ["flagged_at", "id"])


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def downgrade() -> None:
    op.create_index(
        "ix_listing_review_requested_at",
        "listing_review",
        ["requested_at", "id"],
        postgresql_where=PENDING,
    )
    op.drop_index("ix_listing_review_state", "listing_review")
    for table in ("listing_drift", "tier_change", "tier_run"):
        op.drop_table(table)
