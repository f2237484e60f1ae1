"""Reporting: benchmarks, frozen reports, exports, and the closing of a reported past."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008_reporting"
down_revision = "0007_letters"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
# What a report reads, and how a row of it leads to its Match year.
CLOSED = {
    "match_outcome_event": "JOIN match_outcome owner ON owner.id = fresh.outcome_id",
    "cohort_member_version": (
        "JOIN cohort_member member ON member.id = fresh.member_id"
        " JOIN campaign owner ON owner.id = member.campaign_id"
    ),
}


def upgrade() -> None:
    op.create_table(
        "benchmark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("population", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("specialty", sa.Text()),
        sa.Column("numerator", sa.Integer()),
        sa.Column("denominator", sa.Integer()),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("half_width", sa.Numeric(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("loaded_at", TIME, nullable=False),
        sa.CheckConstraint(
            "status IN ('primary','secondary','reprint','derived','disputed','seed_only')",
            name="ck_benchmark_status",
        ),
        sa.CheckConstraint("unit IN ('percent','score')", name="ck_benchmark_unit"),
        sa.CheckConstraint("half_width >= 0", name="ck_benchmark_half_width"),
        sa.PrimaryKeyConstraint("id", name="pk_benchmark"),
        sa.UniqueConstraint(
            "match_year",
            "population",
            "metric",
            "specialty",
            "status",
            "source",
            "value",
            name="uq_benchmark_identity",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "report_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("k", sa.SmallInteger(), nullable=False),
        sa.Column("asked_by", sa.Uuid()),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("method_version", sa.Text()),
        sa.Column("inputs_sha256", sa.LargeBinary()),
        sa.Column("result", sa.Text()),
        sa.Column("result_sha256", sa.LargeBinary()),
        sa.Column("frozen_at", TIME),
        sa.Column("failure", sa.Text()),
        sa.CheckConstraint("as_of <= asked_at", name="ck_report_run_as_of"),
        sa.CheckConstraint("k >= 2", name="ck_report_run_k"),
        sa.CheckConstraint(
            "num_nulls(method_version, inputs_sha256, result, result_sha256, frozen_at) IN (0, 5)",
            name="ck_report_run_whole",
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["account.id"], name="fk_report_run_asked_by_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_run"),
    )
    op.create_index("ix_report_run_match_year_as_of", "report_run", ["match_year", "as_of"])
    op.create_table(
        "export_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_year", sa.SmallInteger()),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("draft_key", sa.Text()),
        sa.Column("files", JSONB()),
        sa.Column("row_count", sa.BigInteger()),
        sa.Column("failure", sa.Text()),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.CheckConstraint(
            "(state = 'ready') = (files IS NOT NULL)", name="ck_export_run_ready_has_files"
        ),
        sa.CheckConstraint("profile IN ('identified','pii_free')", name="ck_export_run_profile"),
        sa.CheckConstraint(
            "state IN ('asked','running','ready','failed')", name="ck_export_run_state"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["account.id"], name="fk_export_run_asked_by_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_export_run"),
    )
    op.create_index("ix_export_run_asked_by", "export_run", ["asked_by"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON benchmark"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    hold_reports()
    close_the_past()


def hold_reports() -> None:
    op.execute(
        """
        CREATE FUNCTION hold_report() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.result IS NOT NULL OR
                (NEW.id, NEW.match_year, NEW.as_of, NEW.public, NEW.k, NEW.asked_by, NEW.asked_at)
                IS DISTINCT FROM
                (OLD.id, OLD.match_year, OLD.as_of, OLD.public, OLD.k, OLD.asked_by, OLD.asked_at)
            THEN
                RAISE EXCEPTION 'a frozen report stays as it is'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'report_run_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_report BEFORE UPDATE OR DELETE ON report_run"
        " FOR EACH ROW EXECUTE FUNCTION hold_report()"
    )


def close_the_past() -> None:
    """A report as of a moment has the same inputs for ever.

    Writers hold the lock of `report_past` shared until they commit; whoever freezes takes it
    exclusively, so that no write with an earlier time is still under way when the past closes.
    """
    op.execute(
        """
        CREATE FUNCTION report_past() RETURNS bigint LANGUAGE sql IMMUTABLE AS
        $$ SELECT 7043916::bigint $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION wait_for_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(report_past());
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER wait_for_freeze BEFORE INSERT ON report_run"
        " FOR EACH STATEMENT EXECUTE FUNCTION wait_for_freeze()"
    )
    for table, year_of in CLOSED.items():
        op.execute(
            f"""
            CREATE FUNCTION refuse_backdated_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE closed record;
            BEGIN
                PERFORM pg_advisory_xact_lock_shared(report_past());
                IF NOT EXISTS (
                    SELECT FROM report_run WHERE as_of >= (SELECT min(recorded_at) FROM fresh)
                ) THEN
                    RETURN NULL;
                END IF;
                SELECT run.match_year, run.as_of INTO closed
                FROM fresh {year_of}
                JOIN report_run run ON run.match_year = owner.match_year
                    AND run.as_of >= fresh.recorded_at
                LIMIT 1;
                IF FOUND THEN
                    RAISE EXCEPTION 'Match year % is reported as of %: what is recorded comes later',
                        closed.match_year, closed.as_of
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'report_past_closed';
                END IF;
                RETURN NULL;
            END $$
            """
        )
        op.execute(
            f"CREATE TRIGGER refuse_backdated AFTER INSERT ON {table}"
            " REFERENCING NEW TABLE AS fresh"
            f" FOR EACH STATEMENT EXECUTE FUNCTION refuse_backdated_{table}()"
        )


def downgrade() -> None:
    for table in CLOSED:
        op.execute(f"DROP TRIGGER refuse_backdated ON {table}")
        op.execute(f"DROP FUNCTION refuse_backdated_{table}()")
    for table in ("export_run", "report_run", "benchmark"):
        op.drop_table(table)
    for function in ("wait_for_freeze", "report_past", "hold_report"):
        op.execute(f"DROP FUNCTION {function}()")
