"""Waiting lists: entries in order, their history, offers, and seats kept until a list was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0032_waiting"
down_revision = "0031_notices_valid"
branch_labels = None
depends_on = None

ID = sa.Uuid()
AT = sa.DateTime(timezone=True)
LIVE = sa.text("state IN ('waiting', 'offered')")
OPEN = sa.text("state = 'open'")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    entries()
    steps()
    offers()
    op.create_table(
        "kept_seat",
        column("pool_id", ID),
        column("week", sa.Date()),
        column("seats", sa.SmallInteger()),
        sa.Column("kept_at", AT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("pool_id", "week", name="pk_kept_seat"),
        to("kept_seat", "pool_id", "seat_pool"),
        sa.CheckConstraint("seats > 0", name="ck_kept_seat_seats"),
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON waiting_step"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON seat_offer"
        " FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change()"
    )


def entries() -> None:
    table = "waiting_entry"
    op.create_table(
        table,
        column("id", ID),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        column("trainee_id", ID),
        column("listing_id", ID),
        column("listing_title", sa.Text()),
        column("site_id", ID),
        column("site_name", sa.Text()),
        column("time_zone", sa.Text()),
        column("first_day", sa.Date()),
        column("last_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("joined_at", AT),
        column("no_offer_from", AT),
        sa.PrimaryKeyConstraint("id", name="pk_waiting_entry"),
        sa.UniqueConstraint("number", name="uq_waiting_entry_number"),
        to(table, "trainee_id", "account"),
        to(table, "listing_id", "listing"),
        to(table, "site_id", "site"),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'closed')",
            name="ck_waiting_entry_state",
        ),
        sa.CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="ck_waiting_entry_first_day"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 52", name="ck_waiting_entry_weeks"),
        sa.CheckConstraint(
            "last_day = first_day + 7 * weeks - 1", name="ck_waiting_entry_last_day"
        ),
    )
    op.create_index(
        "uq_waiting_entry_live",
        table,
        ["trainee_id", "listing_id", "first_day", "weeks"],
        unique=True,
        postgresql_where=LIVE,
    )
    op.create_index("ix_waiting_entry_live", table, ["listing_id", "number"], postgresql_where=LIVE)
    op.create_index("ix_waiting_entry_trainee_id", table, ["trainee_id", "id"])
    op.create_index("ix_waiting_entry_site_id", table, ["site_id", "number"], postgresql_where=LIVE)
    op.create_index(
        "ix_waiting_entry_no_offer_from",
        table,
        ["no_offer_from"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def steps() -> None:
    table = "waiting_step"
    op.create_table(
        table,
        column("entry_id", ID),
        column("number", sa.Integer()),
        column("from_state", sa.Text(), nullable=True),
        column("to_state", sa.Text()),
        column("at", AT),
        column("actor_id", ID, nullable=True),
        column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("entry_id", "number", name="pk_waiting_step"),
        to(table, "entry_id", "waiting_entry"),
        to(table, "actor_id", "account"),
    )


def offers() -> None:
    table = "seat_offer"
    op.create_table(
        table,
        column("id", ID),
        column("entry_id", ID),
        column("trainee_id", ID),
        column("listing_id", ID),
        column("first_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("state", sa.Text()),
        column("made_at", AT),
        column("expires_at", AT),
        column("time_zone", sa.Text()),
        column("ended_at", AT, nullable=True),
        column("booking_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_seat_offer"),
        to(table, "entry_id", "waiting_entry"),
        to(table, "trainee_id", "account"),
        to(table, "listing_id", "listing"),
        to(table, "booking_id", "booking"),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'declined', 'lapsed')", name="ck_seat_offer_state"
        ),
        sa.CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="ck_seat_offer_first_day"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 52", name="ck_seat_offer_weeks"),
        sa.CheckConstraint("(ended_at IS NULL) = (state = 'open')", name="ck_seat_offer_ended"),
        sa.CheckConstraint(
            "(booking_id IS NOT NULL) = (state = 'accepted')", name="ck_seat_offer_booking"
        ),
    )
    op.create_index(
        "uq_seat_offer_entry_id", table, ["entry_id"], unique=True, postgresql_where=OPEN
    )
    op.create_index("ix_seat_offer_entry_id", table, ["entry_id"])
    op.create_index("ix_seat_offer_booking_id", table, ["booking_id"])
    op.create_index("ix_seat_offer_open", table, ["listing_id"], postgresql_where=OPEN)
    op.create_index("ix_seat_offer_expires_at", table, ["expires_at"], postgresql_where=OPEN)


def downgrade() -> None:
    for table in ("kept_seat", "seat_offer", "waiting_step", "waiting_entry"):
        op.drop_table(table)
