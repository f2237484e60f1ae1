"""Exports: formats, progress, differences; the right to identified ones; schedules, deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0047_exports"
down_revision = "0046_credit_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
FORMATS = "formats <@ '{csv,jsonl,parquet,sav,dta,xlsx}' AND 'csv' = ANY(formats)"
REASON = "profile <> 'identified' OR reason IS NOT NULL"
PROFILE = "profile IN ('identified','pii_free')"


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    runs()
    rights()
    schedules()
    deliveries()


def runs() -> None:
    table = "export_run"
    op.add_column(
        table, sa.Column("formats", ARRAY(sa.Text()), nullable=False, server_default="{csv}")
    )
    op.add_column(table, column("reason", sa.Text(), nullable=True))
    op.add_column(table, column("compared_with", sa.Uuid(), nullable=True))
    op.add_column(table, column("step", sa.Text(), nullable=True))
    op.add_column(
        table, sa.Column("rows_done", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column(table, sa.Column("done", JSONB(), nullable=False, server_default="[]"))
    # A few rows, one an export that somebody has asked for.
    op.execute(
        "UPDATE export_run SET reason = 'asked for before reasons were recorded'"
        " WHERE profile = 'identified'"
    )
    op.create_check_constraint("ck_export_run_identified_has_reason", table, REASON)
    op.create_check_constraint("ck_export_run_formats", table, FORMATS)
    op.create_foreign_key(
        "fk_export_run_compared_with_export_run", table, table, ["compared_with"], ["id"]
    )
    op.create_index("ix_export_run_compared_with", table, ["compared_with"])


def rights() -> None:
    table = "identified_right"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("account_id", sa.Uuid()),
        column("reason", sa.Text()),
        column("granted_by", sa.Uuid()),
        column("granted_at", AT),
        column("expires_at", AT),
        column("revoked_by", sa.Uuid(), nullable=True),
        column("revoked_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identified_right"),
        *(to(table, name, "account") for name in ("account_id", "granted_by", "revoked_by")),
        sa.CheckConstraint("expires_at > granted_at", name="ck_identified_right_period"),
        sa.CheckConstraint("account_id <> granted_by", name="ck_identified_right_not_by_oneself"),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name="ck_identified_right_revoked"
        ),
    )
    for name in ("account_id", "granted_by", "revoked_by"):
        op.create_index(f"ix_{table}_{name}", table, [name])


def schedules() -> None:
    table = "export_schedule"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("name", sa.Text()),
        column("match_year", sa.SmallInteger(), nullable=True),
        column("profile", sa.Text()),
        column("formats", ARRAY(sa.Text())),
        column("reason", sa.Text(), nullable=True),
        column("cron", sa.Text()),
        column("time_zone", sa.Text()),
        column("next_at", AT),
        column("created_by", sa.Uuid()),
        column("created_at", AT),
        column("ended_by", sa.Uuid(), nullable=True),
        column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_export_schedule"),
        to(table, "created_by", "account"),
        to(table, "ended_by", "account"),
        sa.UniqueConstraint("name", name="uq_export_schedule_name"),
        sa.CheckConstraint(PROFILE, name="ck_export_schedule_profile"),
        sa.CheckConstraint(REASON, name="ck_export_schedule_identified_has_reason"),
        sa.CheckConstraint(FORMATS, name="ck_export_schedule_formats"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name="ck_export_schedule_ended"
        ),
    )
    op.create_index("ix_export_schedule_created_by", table, ["created_by"])
    op.create_index("ix_export_schedule_ended_by", table, ["ended_by"])
    op.create_index(
        "ix_export_schedule_next_at",
        table,
        ["next_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def deliveries() -> None:
    table = "export_delivery"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("schedule_id", sa.Uuid()),
        column("due_at", AT),
        column("export_id", sa.Uuid(), nullable=True),
        column("state", sa.Text()),
        column("folder", sa.Text()),
        column("failure", sa.Text(), nullable=True),
        column("delivered_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_export_delivery"),
        to(table, "schedule_id", "export_schedule"),
        to(table, "export_id", "export_run"),
        sa.UniqueConstraint("schedule_id", "due_at", name="uq_export_delivery_schedule_id_due_at"),
        sa.UniqueConstraint("export_id", name="uq_export_delivery_export_id"),
        sa.CheckConstraint(
            "state IN ('building','sending','delivered','failed')",
            name="ck_export_delivery_state",
        ),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)",
            name="ck_export_delivery_delivered",
        ),
    )
    table = "delivery_attempt"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("delivery_id", sa.Uuid()),
        column("at", AT),
        column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_attempt"),
        to(table, "delivery_id", "export_delivery"),
    )
    op.create_index("ix_delivery_attempt_delivery_id", table, ["delivery_id"])
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON delivery_attempt "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("delivery_attempt", "export_delivery", "export_schedule", "identified_right"):
        op.drop_table(table)
    for name in ("formats", "reason", "compared_with", "step", "rows_done", "done"):
        op.drop_column("export_run", name)
