"""Edits of calendars with their history, closed weeks of a pool, pools of one preceptor."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_calendar"
down_revision = "0014_changes"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()
KINDS = "'seats', 'close', 'open', 'share', 'unshare', 'import', 'undo'"
HISTORIES = ("listing_closing", "seat_edit", "calendar_edit")


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def upgrade() -> None:
    op.add_column("seat_pool", sa.Column("preceptor_id", ID))
    op.create_foreign_key(
        "fk_seat_pool_preceptor_id_site_id_preceptor",
        "seat_pool",
        "preceptor",
        ["preceptor_id", "site_id"],
        ["id", "site_id"],
        postgresql_not_valid=True,
    )
    # Without a default: no row is rewritten.
    op.add_column("seat_week", sa.Column("closed_capacity", sa.SmallInteger()))
    op.create_check_constraint(
        "ck_seat_week_closed",
        "seat_week",
        "closed_capacity IS NULL OR (closed_capacity >= 0 AND capacity = 0)",
        postgresql_not_valid=True,
    )
    create_edits()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER history BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def create_edits() -> None:
    op.create_table(
        "calendar_edit",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("account_id", ID),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked", JSONB, nullable=False),
        sa.Column("undoes", ID),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_edit"),
        reference("calendar_edit", "site_id", "site"),
        reference("calendar_edit", "account_id", "account"),
        reference("calendar_edit", "undoes", "calendar_edit"),
        sa.UniqueConstraint("undoes", name="uq_calendar_edit_undoes"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_calendar_edit_kind"),
        sa.CheckConstraint(
            "(undoes IS NOT NULL) = (kind = 'undo')", name="ck_calendar_edit_undoes"
        ),
    )
    op.create_index("ix_calendar_edit_site_id", "calendar_edit", ["site_id", "id"])
    op.create_table(
        "seat_edit",
        sa.Column("pool_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("edit_id", ID, nullable=False),
        sa.Column("changes", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "version", name="pk_seat_edit"),
        reference("seat_edit", "pool_id", "seat_pool"),
        reference("seat_edit", "edit_id", "calendar_edit"),
    )
    op.create_index("ix_seat_edit_edit_id", "seat_edit", ["edit_id"])
    op.create_table(
        "listing_closing",
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("edit_id", ID, nullable=False),
        sa.Column("closed", sa.ARRAY(sa.Date()), nullable=False),
        sa.Column("opened", sa.ARRAY(sa.Date()), nullable=False),
        sa.PrimaryKeyConstraint("listing_id", "version", name="pk_listing_closing"),
        sa.ForeignKeyConstraint(
            ["listing_id", "version"],
            ["listing_version.listing_id", "listing_version.version"],
            name="fk_listing_closing_listing_id_version_listing_version",
        ),
        reference("listing_closing", "edit_id", "calendar_edit"),
    )
    op.create_index("ix_listing_closing_edit_id", "listing_closing", ["edit_id"])


def downgrade() -> None:
    for table in HISTORIES:
        op.drop_table(table)
    # What was closed has its seats again, as it would when opened.
    op.execute(
        "UPDATE seat_week SET capacity = closed_capacity, closed_capacity = NULL"
        " WHERE closed_capacity IS NOT NULL"
    )
    op.drop_constraint("ck_seat_week_closed", "seat_week", type_="check")
    op.drop_column("seat_week", "closed_capacity")
    op.drop_constraint(
        "fk_seat_pool_preceptor_id_site_id_preceptor", "seat_pool", type_="foreignkey"
    )
    op.drop_column("seat_pool", "preceptor_id")
