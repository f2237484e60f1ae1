"""Parts of payments that are carried over, rescues that wait for a host, protected prices."""

import sqlalchemy as sa
from alembic import op

revision = "0044_moves"
down_revision = "0043_payouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_part", sa.Column("carried_to_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_payment_part_carried_to_id",
        "payment_part",
        ["carried_to_id"],
        postgresql_where=sa.text("carried_to_id IS NOT NULL"),
    )
    op.add_column("payment_carry", sa.Column("part_id", sa.Uuid(), nullable=True))
    op.add_column("rescue", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rescue", sa.Column("asked_quote", sa.Text(), nullable=True))
    # Few rows, and none that it could refuse.
    op.create_check_constraint(
        "ck_rescue_asked", "rescue", "(asked_at IS NULL) = (asked_quote IS NULL)"
    )
    protection()


def protection() -> None:
    table = "price_protection"
    op.create_table(
        table,
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("payable_kind", sa.Text(), nullable=False),
        sa.Column("from_site_id", sa.Uuid(), nullable=False),
        sa.Column("to_site_id", sa.Uuid(), nullable=False),
        sa.Column("by_host_minor", sa.BigInteger(), nullable=False),
        sa.Column("by_host_currency", sa.CHAR(3), nullable=False),
        sa.Column("to_host_minor", sa.BigInteger(), nullable=False),
        sa.Column("to_host_currency", sa.CHAR(3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("payable_id", name="pk_price_protection"),
        *(
            sa.ForeignKeyConstraint([name], ["site.id"], name=f"fk_{table}_{name}_site")
            for name in ("from_site_id", "to_site_id")
        ),
        sa.CheckConstraint(
            "by_host_minor >= 0 AND to_host_minor >= 0", name="ck_price_protection_amounts"
        ),
        sa.CheckConstraint(
            "by_host_currency = to_host_currency", name="ck_price_protection_one_currency"
        ),
    )
    for name in ("from_site_id", "to_site_id"):
        op.create_index(f"ix_{table}_{name}", table, [name])
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("price_protection")
    op.drop_constraint("ck_rescue_asked", "rescue")
    op.drop_column("rescue", "asked_quote")
    op.drop_column("rescue", "asked_at")
    op.drop_column("payment_carry", "part_id")
    op.drop_index("ix_payment_part_carried_to_id", "payment_part")
    op.drop_column("payment_part", "carried_to_id")
