"""Marks that trainees never came, and force majeure."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037_endings"
down_revision = "0036_booking_changes"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
TABLES = ("force_majeure_booking", "force_majeure", "no_show")


def upgrade() -> None:
    create_no_show()
    create_force_majeure()
    create_items()


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def create_no_show() -> None:
    table = "no_show"
    op.create_table(
        table,
        column("booking_id", sa.Uuid()),
        column("marked_by", sa.Uuid()),
        column("marked_at", AT),
        column("dispute_until", AT),
        column("disputed_at", AT, nullable=True),
        column("dispute", sa.Text(), nullable=True),
        column("decision", sa.Text(), nullable=True),
        column("decided_at", AT, nullable=True),
        column("decided_by", sa.Uuid(), nullable=True),
        column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("booking_id", name="pk_no_show"),
        to(table, "booking_id", "booking"),
        to(table, "marked_by", "account"),
        to(table, "decided_by", "account"),
        check(table, "decision", "decision IN ('upheld', 'reinstated', 'refunded')"),
        check(table, "decided", "(decision IS NULL) = (decided_at IS NULL)"),
        check(table, "disputed", "(dispute IS NULL) = (disputed_at IS NULL)"),
    )
    op.create_index(
        "ix_no_show_dispute_until",
        table,
        ["dispute_until"],
        postgresql_where=sa.text("decision IS NULL"),
    )


def create_force_majeure() -> None:
    table = "force_majeure"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("first_day", sa.Date()),
        column("last_day", sa.Date()),
        column("states", postgresql.JSONB()),
        column("site_ids", postgresql.JSONB()),
        column("reason", sa.Text()),
        column("code", sa.Text()),
        column("set_mark", sa.Text()),
        column("bookings", sa.Integer()),
        column("refunds", postgresql.JSONB()),
        column("notices", sa.Integer()),
        column("state", sa.Text()),
        column("planned_by", sa.Uuid()),
        column("planned_at", AT),
        column("run_by", sa.Uuid(), nullable=True),
        column("run_at", AT, nullable=True),
        column("done_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_force_majeure"),
        to(table, "planned_by", "account"),
        to(table, "run_by", "account"),
        check(table, "days", "first_day <= last_day"),
        check(table, "state", "state IN ('planned', 'running', 'done')"),
        check(table, "run", "(state = 'planned') = (run_at IS NULL)"),
        check(table, "done", "(state = 'done') = (done_at IS NOT NULL)"),
    )


def create_items() -> None:
    table = "force_majeure_booking"
    op.create_table(
        table,
        column("force_majeure_id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("state", sa.Text()),
        column("at", AT, nullable=True),
        column("note", sa.Text(), nullable=True),
        column("refund_minor", sa.BigInteger()),
        column("refund_currency", sa.CHAR(3)),
        sa.PrimaryKeyConstraint("force_majeure_id", "booking_id", name="pk_force_majeure_booking"),
        to(table, "force_majeure_id", "force_majeure"),
        to(table, "booking_id", "booking"),
        check(table, "state", "state IN ('pending', 'done', 'skipped', 'failed')"),
        check(table, "at", "(state = 'pending') = (at IS NULL)"),
    )
    op.create_index("ix_force_majeure_booking_booking_id", table, ["booking_id"])
    op.create_index(
        "ix_force_majeure_booking_pending",
        table,
        ["force_majeure_id", "booking_id"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
