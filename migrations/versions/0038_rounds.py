"""Allocation rounds: places, rankings, orders, runs; offers that come of a round."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038_rounds"
down_revision = "0037_endings"
branch_labels = None
depends_on = None

ID = sa.Uuid()
AT = sa.DateTime(timezone=True)
TEXT = sa.Text()
JSON = postgresql.JSONB()
HISTORIES = ("round_ranking", "round_order", "round_run", "round_step")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    rounds()
    places()
    wishes()
    runs()
    offers()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def rounds() -> None:
    table = "allocation_round"
    op.create_table(
        table,
        column("id", ID),
        column("title", TEXT),
        column("site_id", ID, nullable=True),
        column("opened_by", ID),
        column("opened_at", AT),
        column("state", TEXT),
        column("rank_by", AT),
        column("run_at", AT),
        column("decide_by", AT),
        column("seed", TEXT),
        column("seed_hash", TEXT),
        column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_allocation_round"),
        to(table, "site_id", "site"),
        to(table, "opened_by", "account"),
        sa.CheckConstraint(
            "state IN ('open', 'decided', 'cancelled')", name="ck_allocation_round_state"
        ),
        sa.CheckConstraint(
            "rank_by <= run_at AND run_at < decide_by", name="ck_allocation_round_times"
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state = 'open')", name="ck_allocation_round_ended"
        ),
    )
    op.create_index(
        "ix_allocation_round_run_at",
        table,
        ["run_at"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_allocation_round_site_id", table, ["site_id"])
    op.create_table(
        "round_step",
        column("round_id", ID),
        column("to_state", TEXT),
        column("at", AT),
        column("actor_id", ID, nullable=True),
        column("reason", TEXT),
        sa.PrimaryKeyConstraint("round_id", "to_state", name="pk_round_step"),
        to("round_step", "round_id", table),
        to("round_step", "actor_id", "account"),
    )


def places() -> None:
    table = "round_place"
    op.create_table(
        table,
        column("id", ID),
        column("round_id", ID),
        column("listing_id", ID),
        column("listing_title", TEXT),
        column("site_id", ID),
        column("site_name", TEXT),
        column("first_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("quota", sa.SmallInteger()),
        column("kept", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_round_place"),
        sa.UniqueConstraint(
            "round_id",
            "listing_id",
            "first_day",
            "weeks",
            name="uq_round_place_round_id_listing_id_first_day_weeks",
        ),
        to(table, "round_id", "allocation_round"),
        to(table, "listing_id", "listing"),
        to(table, "site_id", "site"),
        sa.CheckConstraint("quota > 0 AND kept BETWEEN 0 AND quota", name="ck_round_place_kept"),
        sa.CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="ck_round_place_first_day"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 52", name="ck_round_place_weeks"),
    )
    op.create_index(
        "ix_round_place_kept", table, ["listing_id"], postgresql_where=sa.text("kept > 0")
    )
    op.create_index("ix_round_place_site_id", table, ["site_id"])


def wishes() -> None:
    op.create_table(
        "round_ranking",
        column("round_id", ID),
        column("trainee_id", ID),
        column("revision", sa.Integer()),
        column("choices", JSON),
        column("wait_if_unmatched", sa.Boolean()),
        column("ranked_at", AT),
        sa.PrimaryKeyConstraint("round_id", "trainee_id", "revision", name="pk_round_ranking"),
        to("round_ranking", "round_id", "allocation_round"),
        to("round_ranking", "trainee_id", "account"),
        sa.CheckConstraint("revision >= 1", name="ck_round_ranking_revision"),
    )
    op.create_table(
        "round_order",
        column("place_id", ID),
        column("revision", sa.Integer()),
        column("tiers", JSON),
        column("refused", JSON),
        column("ordered_by", ID),
        column("ordered_at", AT),
        sa.PrimaryKeyConstraint("place_id", "revision", name="pk_round_order"),
        to("round_order", "place_id", "round_place"),
        to("round_order", "ordered_by", "account"),
        sa.CheckConstraint("revision >= 1", name="ck_round_order_revision"),
    )


def runs() -> None:
    table = "round_run"
    op.create_table(
        table,
        column("id", ID),
        column("round_id", ID),
        column("dry", sa.Boolean()),
        column("replays", ID, nullable=True),
        column("inputs", JSON),
        column("inputs_hash", TEXT),
        column("method", TEXT),
        column("result", JSON),
        column("result_hash", TEXT),
        column("blocking_pairs", sa.Integer()),
        column("ran_at", AT),
        column("ran_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_round_run"),
        to(table, "round_id", "allocation_round"),
        to(table, "replays", "round_run"),
        to(table, "ran_by", "account"),
        sa.CheckConstraint("blocking_pairs = 0", name="ck_round_run_stable"),
        sa.CheckConstraint("dry OR replays IS NULL", name="ck_round_run_replays"),
    )
    op.create_index(
        "uq_round_run_round_id",
        table,
        ["round_id"],
        unique=True,
        postgresql_where=sa.text("NOT dry"),
    )
    op.create_index("ix_round_run_round_id", table, ["round_id", "id"])
    op.create_index("ix_round_run_replays", table, ["replays"])


def offers() -> None:
    """The table is new and small: a look at all of its rows is short."""
    table = "seat_offer"
    op.add_column(table, column("place_id", ID, nullable=True))
    op.create_foreign_key(
        "fk_seat_offer_place_id_round_place", table, "round_place", ["place_id"], ["id"]
    )
    op.alter_column(table, "entry_id", nullable=True)
    op.create_check_constraint(
        "ck_seat_offer_source", table, "num_nonnulls(entry_id, place_id) = 1"
    )
    op.create_index(
        "uq_seat_offer_place_id",
        table,
        ["place_id", "trainee_id"],
        unique=True,
        postgresql_where=sa.text("place_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("ALTER TABLE seat_offer DISABLE TRIGGER refuse_change")
    op.execute("DELETE FROM seat_offer WHERE place_id IS NOT NULL")
    op.execute("ALTER TABLE seat_offer ENABLE TRIGGER refuse_change")
    op.drop_index("uq_seat_offer_place_id", "seat_offer")
    op.drop_constraint("ck_seat_offer_source", "seat_offer")
    op.alter_column("seat_offer", "entry_id", nullable=False)
    op.drop_column("seat_offer", "place_id")
    for table in (
        "round_run",
        "round_order",
        "round_ranking",
        "round_place",
        "round_step",
        "allocation_round",
    ):
        op.drop_table(table)
