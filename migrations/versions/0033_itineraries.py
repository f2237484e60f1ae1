"""Itineraries: baskets of rotations, and payments in parts for several things at once."""

import sqlalchemy as sa
from alembic import op

revision = "0033_itineraries"
down_revision = "0032_waiting"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ITINERARY = "fk_booking_itinerary_id_itinerary"


def upgrade() -> None:
    itineraries()
    parts()
    guard_parts()


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def itineraries() -> None:
    op.create_table(
        "itinerary",
        column("id", sa.Uuid()),
        column("trainee_id", sa.Uuid()),
        column("name", sa.Text()),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("arrive_on", sa.Date(), nullable=True),
        column("leave_on", sa.Date(), nullable=True),
        column("payment_id", sa.Uuid(), nullable=True),
        column("pay_by", AT, nullable=True),
        column("created_at", AT),
        column("held_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_itinerary"),
        to("itinerary", "trainee_id", "account"),
        to("itinerary", "payment_id", "payment"),
        sa.CheckConstraint(
            "state IN ('draft', 'held', 'confirmed', 'ended')", name="ck_itinerary_state"
        ),
        sa.CheckConstraint(
            "held_at IS NOT NULL OR state IN ('draft', 'ended')", name="ck_itinerary_held"
        ),
        sa.CheckConstraint("leave_on >= arrive_on", name="ck_itinerary_stay"),
        sa.CheckConstraint("version >= 1", name="ck_itinerary_version"),
    )
    op.create_index("ix_itinerary_trainee_id", "itinerary", ["trainee_id", "id"])
    op.create_index("ix_itinerary_payment_id", "itinerary", ["payment_id"])
    table = "itinerary_item"
    op.create_table(
        table,
        column("itinerary_id", sa.Uuid()),
        column("place", sa.SmallInteger()),
        column("listing_id", sa.Uuid()),
        column("first_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("booking_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("itinerary_id", "place", name="pk_itinerary_item"),
        to(table, "itinerary_id", "itinerary"),
        to(table, "listing_id", "listing"),
        to(table, "booking_id", "booking"),
        sa.UniqueConstraint("booking_id", name="uq_itinerary_item_booking_id"),
        sa.CheckConstraint("place >= 1", name="ck_itinerary_item_place"),
        sa.CheckConstraint(
            "EXTRACT(ISODOW FROM first_day) = 1", name="ck_itinerary_item_first_day"
        ),
        sa.CheckConstraint("weeks BETWEEN 1 AND 52", name="ck_itinerary_item_weeks"),
    )
    op.create_index("ix_itinerary_item_listing_id", table, ["listing_id"])
    op.add_column("booking", column("itinerary_id", sa.Uuid(), nullable=True))
    # For new rows at once; the old ones, which have none, are read by the next migration.
    op.execute(
        f"ALTER TABLE booking ADD CONSTRAINT {ITINERARY}"
        " FOREIGN KEY (itinerary_id) REFERENCES itinerary (id) NOT VALID"
    )


def parts() -> None:
    table = "payment_part"
    op.create_table(
        table,
        column("payment_id", sa.Uuid()),
        column("payable_id", sa.Uuid()),
        column("payable_kind", sa.Text()),
        column("site_id", sa.Uuid()),
        column("amount_minor", sa.BigInteger()),
        column("amount_currency", sa.CHAR(3)),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "payable_id", name="pk_payment_part"),
        to(table, "payment_id", "payment"),
        to(table, "site_id", "site"),
        sa.CheckConstraint("amount_minor > 0", name="ck_payment_part_amount"),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor", name="ck_payment_part_refunded"
        ),
    )
    op.create_index(
        "ix_payment_part_payable_kind_payable_id", table, ["payable_kind", "payable_id"]
    )
    op.create_index("ix_payment_part_site_id", table, ["site_id"])
    op.add_column("payment_line", column("part_id", sa.Uuid(), nullable=True))
    op.add_column("refund", column("part_id", sa.Uuid(), nullable=True))
    op.alter_column("payment", "site_id", nullable=True)


def guard_parts() -> None:
    """At the commit a payment without a site has parts, and parts add up to their payment."""
    op.execute(
        """
        CREATE FUNCTION parts_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            checked uuid;
            apart boolean;
        BEGIN
            IF TG_TABLE_NAME = 'payment_part' THEN
                checked := NEW.payment_id;
            ELSE
                checked := NEW.id;
            END IF;
            SELECT p.site_id IS NOT NULL
                   OR p.amount_minor IS DISTINCT FROM (
                       SELECT sum(amount_minor) FROM payment_part
                        WHERE payment_id = p.id AND amount_currency = p.amount_currency)
                   OR EXISTS (
                       SELECT FROM payment_part
                        WHERE payment_id = p.id AND amount_currency <> p.amount_currency)
              INTO apart
              FROM payment p WHERE p.id = checked;
            IF apart THEN
                RAISE EXCEPTION 'the parts of payment % do not add up to it', checked
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_parts_add_up';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER parts_add_up AFTER INSERT OR UPDATE OF amount_minor,"
        " amount_currency ON payment_part DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION parts_add_up()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER parts_add_up AFTER INSERT ON payment"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.site_id IS NULL)"
        " EXECUTE FUNCTION parts_add_up()"
    )


def downgrade() -> None:
    """Payments in parts have no one site: with any there, this refuses rather than loses them."""
    op.execute("DROP TRIGGER parts_add_up ON payment")
    op.drop_table("payment_part")
    op.execute("DROP FUNCTION parts_add_up()")
    op.drop_column("refund", "part_id")
    op.drop_column("payment_line", "part_id")
    op.alter_column("payment", "site_id", nullable=False)
    op.drop_column("booking", "itinerary_id")
    op.drop_table("itinerary_item")
    op.drop_table("itinerary")
