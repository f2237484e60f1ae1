"""Bookings that take over from others, and payments that are kept for another thing than at first."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036_booking_changes"
down_revision = "0035_kept_for_others"
branch_labels = None
depends_on = None

HISTORIES = ("payment_carry", "booking_change")
TABLES = ("rescue", "booking_proposal", "booking_change", "payment_carry")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("payment", sa.Column("carried_to_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_payment_carried_to_id",
        "payment",
        ["carried_to_id"],
        postgresql_where=sa.text("carried_to_id IS NOT NULL"),
    )
    create_carry()
    create_change()
    create_proposal()
    create_rescue()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def money(name: str) -> tuple[sa.Column[object], sa.Column[object]]:
    return column(f"{name}_minor", sa.BigInteger()), column(f"{name}_currency", sa.CHAR(3))


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def create_carry() -> None:
    table = "payment_carry"
    parts = ("host_minor", "platform_minor", "back_host_minor", "back_platform_minor")
    op.create_table(
        table,
        column("payment_id", sa.Uuid()),
        column("number", sa.SmallInteger()),
        column("from_id", sa.Uuid()),
        column("to_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        *money("amount"),
        *(column(part, sa.BigInteger()) for part in parts),
        column("at", AT),
        sa.PrimaryKeyConstraint("payment_id", "number", name="pk_payment_carry"),
        to(table, "payment_id", "payment"),
        to(table, "site_id", "site"),
        check(table, "number", "number >= 1"),
        check(table, "amount", "amount_minor > 0"),
        check(
            table,
            "split",
            "host_minor >= 0 AND platform_minor >= 0"
            " AND host_minor + platform_minor = amount_minor",
        ),
        check(table, "back", "back_host_minor >= 0 AND back_platform_minor >= 0"),
    )
    op.create_index("ix_payment_carry_site_id", table, ["site_id"])


def create_change() -> None:
    table = "booking_change"
    op.create_table(
        table,
        column("booking_id", sa.Uuid()),
        column("replaced_id", sa.Uuid()),
        column("kind", sa.Text()),
        column("lines", postgresql.JSONB()),
        *money("carried"),
        *money("refund"),
        column("refunds", postgresql.JSONB()),
        column("quote", sa.Text()),
        column("actor_id", sa.Uuid()),
        column("at", AT),
        sa.PrimaryKeyConstraint("booking_id", name="pk_booking_change"),
        to(table, "booking_id", "booking"),
        to(table, "replaced_id", "booking"),
        to(table, "actor_id", "account"),
        sa.UniqueConstraint("replaced_id", name="uq_booking_change_replaced_id"),
        check(table, "kind", "kind IN ('reschedule', 'transfer', 'rescue')"),
        check(table, "two", "booking_id <> replaced_id"),
        check(table, "amounts", "carried_minor >= 0 AND refund_minor >= 0"),
        check(table, "one_currency", "refund_currency = carried_currency"),
        check(table, "refund", "(refund_minor > 0) = (jsonb_array_length(refunds) > 0)"),
    )


def create_proposal() -> None:
    table = "booking_proposal"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("booking_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        column("kind", sa.Text()),
        column("to_trainee_id", sa.Uuid(), nullable=True),
        column("first_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("quote", sa.Text()),
        column("message", sa.Text()),
        column("needs_host", sa.Boolean()),
        column("state", sa.Text()),
        column("made_at", AT),
        column("expires_at", AT),
        column("trainee_agreed_at", AT, nullable=True),
        column("ended_at", AT, nullable=True),
        column("ended_by", sa.Uuid(), nullable=True),
        column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_booking_proposal"),
        to(table, "booking_id", "booking"),
        to(table, "site_id", "site"),
        to(table, "to_trainee_id", "account"),
        to(table, "ended_by", "account"),
        check(table, "kind", "kind IN ('reschedule', 'transfer')"),
        check(table, "state", "state IN ('open', 'done', 'declined', 'withdrawn', 'expired')"),
        check(table, "ended", "(state = 'open') = (ended_at IS NULL)"),
        check(table, "to", "(kind = 'transfer') = (to_trainee_id IS NOT NULL)"),
        check(table, "first_day", "EXTRACT(ISODOW FROM first_day) = 1"),
    )
    still_open = sa.text("state = 'open'")
    op.create_index(
        "uq_booking_proposal_booking_id",
        table,
        ["booking_id"],
        unique=True,
        postgresql_where=still_open,
    )
    for name in ("to_trainee_id", "site_id"):
        op.create_index(f"ix_{table}_{name}", table, [name], postgresql_where=still_open)


def create_rescue() -> None:
    table = "rescue"
    op.create_table(
        table,
        column("booking_id", sa.Uuid()),
        column("state", sa.Text()),
        column("called_off_by", sa.Uuid()),
        column("called_off_at", AT),
        column("reason", sa.Text()),
        column("decide_by", AT),
        column("offer_id", sa.Uuid(), nullable=True),
        column("others", postgresql.JSONB()),
        column("ended_at", AT, nullable=True),
        column("ended_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("booking_id", name="pk_rescue"),
        to(table, "booking_id", "booking"),
        to(table, "called_off_by", "account"),
        to(table, "offer_id", "booking"),
        to(table, "ended_by", "account"),
        check(table, "state", "state IN ('searching', 'offered', 'accepted', 'refunded')"),
        check(table, "ended", "(state IN ('accepted', 'refunded')) = (ended_at IS NOT NULL)"),
        check(table, "offer", "(state IN ('offered', 'accepted')) <= (offer_id IS NOT NULL)"),
    )
    op.create_index(
        "ix_rescue_decide_by",
        table,
        ["decide_by"],
        postgresql_where=sa.text("state IN ('searching', 'offered')"),
    )
    op.create_index("uq_rescue_offer_id", table, ["offer_id"], unique=True)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_payment_carried_to_id", "payment")
    op.drop_column("payment", "carried_to_id")
