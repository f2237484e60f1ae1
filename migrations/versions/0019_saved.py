"""Saved searches, what each knows, and the digests that told it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019_saved"
down_revision = "0018_sites"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()
TABLES = ("saved_search_hit", "search_digest", "saved_search", "alert_position")


def upgrade() -> None:
    create_searches()
    create_hits()
    op.create_table(
        "alert_position",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_position"),
        sa.CheckConstraint("id = 1", name="ck_alert_position_id"),
    )


def create_searches() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", JSONB, nullable=False),
        sa.Column("anchors", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("broad", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("since", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("account_id", "slot", name="uq_saved_search_account_id_slot"),
        sa.UniqueConstraint("account_id", "name", name="uq_saved_search_account_id_name"),
        reference("saved_search", "account_id", "account"),
        # Twenty searches an account: the application's limit is held here too.
        sa.CheckConstraint("slot BETWEEN 1 AND 20", name="ck_saved_search_slot"),
        sa.CheckConstraint("cardinality(anchors) > 0", name="ck_saved_search_anchors"),
    )
    op.create_index(
        "ix_saved_search_anchors",
        "saved_search",
        ["anchors"],
        postgresql_using="gin",
        postgresql_where=sa.text("NOT paused"),
    )
    op.create_table(
        "search_digest",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_digest"),
        sa.UniqueConstraint("account_id", "day", name="uq_search_digest_account_id_day"),
        sa.UniqueConstraint("token_hash", name="uq_search_digest_token_hash"),
        reference("search_digest", "account_id", "account"),
    )


def create_hits() -> None:
    op.create_table(
        "saved_search_hit",
        sa.Column("saved_search_id", ID, nullable=False),
        sa.Column("listing_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("digest_id", ID),
        sa.PrimaryKeyConstraint("saved_search_id", "listing_id", name="pk_saved_search_hit"),
        sa.ForeignKeyConstraint(
            ["saved_search_id"],
            ["saved_search.id"],
            name="fk_saved_search_hit_saved_search_id_saved_search",
            ondelete="CASCADE",
        ),
        reference("saved_search_hit", "listing_id", "listing"),
        reference("saved_search_hit", "account_id", "account"),
        reference("saved_search_hit", "digest_id", "search_digest"),
        sa.CheckConstraint("NOT known OR digest_id IS NULL", name="ck_saved_search_hit_known"),
    )
    op.create_index("ix_saved_search_hit_listing_id", "saved_search_hit", ["listing_id"])
    op.create_index("ix_saved_search_hit_digest_id", "saved_search_hit", ["digest_id"])
    op.create_index(
        "ix_saved_search_hit_account_id",
        "saved_search_hit",
        ["account_id"],
        postgresql_where=sa.text("NOT known AND digest_id IS NULL"),
    )


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
