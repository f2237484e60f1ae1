"""Bookings, the weeks that they occupy, their histories and attendance."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_booking"
down_revision = "0005_compliance"
branch_labels = None
depends_on = None

HISTORIES = ("booking_transition", "booking_cancellation", "attendance_mark")
STATES = (
    "'held', 'submitted', 'awaiting_payment', 'confirmed', 'in_progress', 'completed', "
    "'expired', 'withdrawn', 'declined', 'cancelled_by_trainee', 'cancelled_by_host', "
    "'cancelled_by_operator', 'no_show'"
)


def uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def money(name: str) -> tuple[sa.Column[object], sa.Column[object]]:
    return (
        sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False),
        sa.Column(f"{name}_currency", sa.CHAR(3), nullable=False),
    )


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def upgrade() -> None:
    create_booking()
    create_weeks()
    create_histories()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def create_booking() -> None:
    op.create_table(
        "booking",
        uuid("id"),
        uuid("trainee_id"),
        uuid("listing_id"),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        text("listing_title"),
        uuid("site_id"),
        text("site_name"),
        text("time_zone"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("weeks", sa.SmallInteger(), nullable=False),
        text("state"),
        sa.Column("version", sa.Integer(), nullable=False),
        instant("hold_expires_at", nullable=True),
        instant("pay_by", nullable=True),
        text("approval"),
        text("message", nullable=True),
        sa.Column("price", postgresql.JSONB(), nullable=False),
        *money("total"),
        *money("deposit"),
        *money("paid"),
        sa.Column("balance_due_on", sa.Date(), nullable=True),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        text("tier"),
        text("classifier_version"),
        text("learner_status"),
        uuid("payment_id", nullable=True),
        instant("held_at"),
        sa.PrimaryKeyConstraint("id", name="pk_booking"),
        reference("booking", "trainee_id", "account"),
        reference("booking", "listing_id", "listing"),
        reference("booking", "site_id", "site"),
        reference("booking", "payment_id", "payment"),
        sa.CheckConstraint(f"state IN ({STATES})", name="ck_booking_state"),
        sa.CheckConstraint(
            "(hold_expires_at IS NOT NULL) = (state IN ('held', 'submitted', 'awaiting_payment'))",
            name="ck_booking_hold",
        ),
        sa.CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="ck_booking_first_day"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 52", name="ck_booking_weeks"),
        sa.CheckConstraint("last_day = first_day + 7 * weeks - 1", name="ck_booking_last_day"),
        sa.CheckConstraint("version >= 1", name="ck_booking_version"),
        sa.CheckConstraint("approval IN ('instant', 'request')", name="ck_booking_approval"),
        sa.CheckConstraint(
            "learner_status IN ('student', 'graduate')", name="ck_booking_learner_status"
        ),
        sa.CheckConstraint(
            "deposit_minor BETWEEN 0 AND total_minor AND paid_minor >= 0",
            name="ck_booking_amounts",
        ),
        sa.CheckConstraint(
            "deposit_currency = total_currency AND paid_currency = total_currency",
            name="ck_booking_one_currency",
        ),
    )
    op.create_index("uq_booking_payment_id", "booking", ["payment_id"], unique=True)
    op.create_index("ix_booking_trainee_id", "booking", ["trainee_id", "id"])
    op.create_index("ix_booking_listing_id", "booking", ["listing_id"])
    op.create_index("ix_booking_site_id_first_day", "booking", ["site_id", "first_day"])
    op.create_index(
        "ix_booking_hold_expires_at",
        "booking",
        ["hold_expires_at"],
        postgresql_where=sa.text("hold_expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_booking_due_first_day",
        "booking",
        ["first_day"],
        postgresql_where=sa.text("state = 'confirmed'"),
    )


def create_weeks() -> None:
    op.create_table(
        "booking_week",
        uuid("id"),
        uuid("booking_id"),
        uuid("trainee_id"),
        uuid("listing_id"),
        sa.Column("week", sa.Date(), nullable=False),
        instant("taken_at"),
        instant("released_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_booking_week"),
        reference("booking_week", "booking_id", "booking"),
        reference("booking_week", "trainee_id", "account"),
        reference("booking_week", "listing_id", "listing"),
        sa.CheckConstraint("EXTRACT(ISODOW FROM week) = 1", name="ck_booking_week_week"),
    )
    live = sa.text("released_at IS NULL")
    op.create_index(
        "uq_booking_week_trainee_id_week",
        "booking_week",
        ["trainee_id", "week"],
        unique=True,
        postgresql_where=live,
    )
    op.create_index(
        "ix_booking_week_listing_id_week",
        "booking_week",
        ["listing_id", "week"],
        postgresql_where=live,
    )
    op.create_index("ix_booking_week_booking_id", "booking_week", ["booking_id"])


def create_histories() -> None:
    op.create_table(
        "booking_transition",
        uuid("booking_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        text("from_state", nullable=True),
        text("to_state"),
        instant("at"),
        uuid("actor_id", nullable=True),
        text("reason"),
        sa.PrimaryKeyConstraint("booking_id", "number", name="pk_booking_transition"),
        reference("booking_transition", "booking_id", "booking"),
        reference("booking_transition", "actor_id", "account"),
        sa.CheckConstraint("number >= 1", name="ck_booking_transition_number"),
    )
    op.create_table(
        "booking_cancellation",
        uuid("booking_id"),
        text("event"),
        text("option"),
        text("pays_back_as"),
        text("policy_key"),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        *money("paid"),
        *money("kept"),
        *money("refund"),
        text("quote"),
        sa.Column("refunds", postgresql.JSONB(), nullable=False),
        uuid("actor_id"),
        instant("at"),
        sa.PrimaryKeyConstraint("booking_id", name="pk_booking_cancellation"),
        reference("booking_cancellation", "booking_id", "booking"),
        reference("booking_cancellation", "actor_id", "account"),
        sa.CheckConstraint(
            "paid_minor = kept_minor + refund_minor AND kept_minor >= 0 AND refund_minor >= 0",
            name="ck_booking_cancellation_amounts",
        ),
        sa.CheckConstraint(
            "kept_currency = paid_currency AND refund_currency = paid_currency",
            name="ck_booking_cancellation_one_currency",
        ),
        sa.CheckConstraint(
            "(refund_minor > 0) = (jsonb_array_length(refunds) > 0)",
            name="ck_booking_cancellation_refund",
        ),
    )
    op.create_table(
        "attendance_mark",
        uuid("id"),
        uuid("booking_id"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        text("mark"),
        text("note", nullable=True),
        uuid("marked_by"),
        instant("marked_at"),
        sa.PrimaryKeyConstraint("id", name="pk_attendance_mark"),
        reference("attendance_mark", "booking_id", "booking"),
        reference("attendance_mark", "marked_by", "account"),
        sa.UniqueConstraint(
            "booking_id", "day", "revision", name="uq_attendance_mark_booking_id_day_revision"
        ),
        sa.CheckConstraint("mark IN ('present', 'absent')", name="ck_attendance_mark_mark"),
        sa.CheckConstraint("revision >= 1", name="ck_attendance_mark_revision"),
    )
    op.create_table(
        "booking_reminder",
        uuid("booking_id"),
        text("kind"),
        instant("sent_at"),
        sa.PrimaryKeyConstraint("booking_id", "kind", name="pk_booking_reminder"),
        reference("booking_reminder", "booking_id", "booking"),
    )


TABLES = (
    "booking_reminder",
    "attendance_mark",
    "booking_cancellation",
    "booking_transition",
    "booking_week",
    "booking",
)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
