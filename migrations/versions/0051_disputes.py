"""Disputes, the log of them, and what of a payment they took."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051_disputes"
down_revision = "0050_stays"
branch_labels = None
depends_on = None

ID, TEXT, AT = sa.Uuid(), sa.Text(), sa.DateTime(timezone=True)
MINOR = sa.BigInteger()
NONE = sa.text("0")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def upgrade() -> None:
    op.add_column("payment", sa.Column("lost_minor", MINOR, server_default=NONE, nullable=False))
    op.execute(
        "ALTER TABLE payment ADD CONSTRAINT ck_payment_lost"
        " CHECK (lost_minor BETWEEN 0 AND captured_minor - refunded_minor) NOT VALID"
    )
    op.execute("ALTER TABLE payment VALIDATE CONSTRAINT ck_payment_lost")
    disputes()
    steps()


def disputes() -> None:
    table = "dispute"
    op.create_table(
        table,
        column("id", ID),
        column("processor_dispute", TEXT),
        column("payment_id", ID),
        column("amount_minor", MINOR),
        column("amount_currency", sa.CHAR(3)),
        *(column(name, TEXT) for name in ("reason", "status", "state")),
        column("opened_at", AT),
        column("due_by", AT, nullable=True),
        column("closed_at", AT, nullable=True),
        column("losses_borne_by", TEXT),
        *(
            sa.Column(name, MINOR, server_default=NONE, nullable=False)
            for name in ("host_minor", "platform_minor")
        ),
        column("evidence", postgresql.JSONB()),
        column("evidence_state", TEXT),
        column("approved_by", ID, nullable=True),
        column("submitted_at", AT, nullable=True),
        column("next_look_at", AT, nullable=True),
        sa.Column("created_at", AT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
        sa.UniqueConstraint("processor_dispute", name="uq_dispute_processor_dispute"),
        to(table, "payment_id", "payment"),
        to(table, "approved_by", "account"),
        check(table, "state", "state IN ('open', 'won', 'lost', 'closed')"),
        check(
            table,
            "evidence_state",
            "evidence_state IN ('gathering', 'ready', 'approved', 'submitted', 'waived')",
        ),
        check(table, "bearer", "losses_borne_by IN ('host', 'platform')"),
        check(table, "amount", "amount_minor > 0"),
        check(
            table,
            "split",
            "host_minor >= 0 AND platform_minor >= 0"
            " AND host_minor + platform_minor <= amount_minor",
        ),
    )
    op.create_index("ix_dispute_payment_id", table, ["payment_id"])
    op.create_index("ix_dispute_approved_by", table, ["approved_by"])
    op.create_index(
        "ix_dispute_open", table, ["due_by"], postgresql_where=sa.text("state = 'open'")
    )


def steps() -> None:
    table = "dispute_step"
    op.create_table(
        table,
        column("id", ID),
        column("dispute_id", ID),
        column("subject", TEXT),
        column("before", TEXT, nullable=True),
        column("after", TEXT),
        column("reason", TEXT),
        column("actor_id", ID, nullable=True),
        column("at", AT),
        sa.Column("created_at", AT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute_step"),
        to(table, "dispute_id", "dispute"),
        to(table, "actor_id", "account"),
    )
    op.create_index("ix_dispute_step_dispute_id", table, ["dispute_id"])
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON dispute_step"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("dispute_step")
    op.drop_table("dispute")
    op.drop_constraint("ck_payment_lost", "payment")
    op.drop_column("payment", "lost_minor")
