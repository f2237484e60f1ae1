"""Letter rates of listings as they were published, and the list of residency programs."""

import sqlalchemy as sa
from alembic import op

revision = "0077_letter_rates"
down_revision = "0076_search_samples"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
SMALL = sa.SmallInteger()
TEXT = sa.Text()


def column(name: str, kind: object, **given: object) -> sa.Column[object]:
    return sa.Column(name, kind, **{"nullable": False, **given})


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def upgrade() -> None:
    rates()
    programs()


def rates() -> None:
    table = "letter_rate"
    op.create_table(
        table,
        column("listing_id", ID),
        column("number", SMALL),
        column("as_of", AT),
        column("completed", sa.Integer()),
        column("with_letter", sa.Integer()),
        column("k", SMALL),
        sa.PrimaryKeyConstraint("listing_id", "number", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=f"fk_{table}_listing_id_listing"
        ),
        check(table, "number", "number >= 1"),
        check(table, "k", "k >= 2"),
        check(table, "completed", "completed >= k"),
        check(table, "with_letter", "with_letter = 0 OR with_letter >= k"),
        check(table, "without_letter", "completed = with_letter OR completed - with_letter >= k"),
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON letter_rate"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        """
        CREATE FUNCTION hold_letter_rate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The primary key lets no other figure take this number meanwhile.
            PERFORM FROM letter_rate before
            WHERE before.listing_id = NEW.listing_id AND (
                before.number >= NEW.number
                OR abs(NEW.completed - before.completed) BETWEEN 1 AND NEW.k - 1
                OR abs(NEW.with_letter - before.with_letter) BETWEEN 1 AND NEW.k - 1
                OR abs(NEW.completed - NEW.with_letter - before.completed + before.with_letter)
                    BETWEEN 1 AND NEW.k - 1);
            IF FOUND THEN
                RAISE EXCEPTION 'subtraction from an earlier figure would give a small count'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_rate_hides';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter_rate BEFORE INSERT ON letter_rate"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter_rate()"
    )


def programs() -> None:
    table = "residency_program"
    op.create_table(
        table,
        column("code", TEXT),
        column("name", TEXT),
        column("city", TEXT),
        column("state", TEXT),
        column("specialty", TEXT),
        column("source", TEXT),
        column("loaded_at", AT),
        sa.PrimaryKeyConstraint("code", name=f"pk_{table}"),
        check(table, "code", "code ~ '^[0-9]{10}$'"),
        check(table, "name", "name <> ''"),
        check(table, "source", "source <> ''"),
    )


def downgrade() -> None:
    op.drop_table("residency_program")
    op.drop_table("letter_rate")
    op.execute("DROP FUNCTION hold_letter_rate()")
