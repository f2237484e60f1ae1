"""Invoices to schools, payments by bank transfer, and cohorts whose places a school books."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056_invoices"
down_revision = "0055_agreements"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
MINOR = sa.BigInteger()
MEANS = "'card', 'credit', 'bank_transfer'"
STATES = "'open', 'overdue', 'paid', 'void'"
FIXED = (
    *("legal_entity", "number", "payable_kind", "payable_id", "school_id", "asked_by"),
    *("amount_minor", "amount_currency", "description", "issued_on", "due_on", "content"),
)
# Each holds for new rows at once; the next migration reads the old ones.
LATER = (
    ("payment", "ck_payment_means", f"CHECK (means IN ({MEANS}))"),
    ("refund", "ck_refund_means", f"CHECK (means IN ({MEANS}))"),
    (
        "payment",
        "ck_payment_bank_reference",
        "CHECK ((means = 'bank_transfer') = (bank_reference IS NOT NULL))",
    ),
    ("booking", "fk_booking_cohort_id_cohort", "FOREIGN KEY (cohort_id) REFERENCES cohort (id)"),
)


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=f"ck_{table}_{name}")


def upgrade() -> None:
    op.add_column("payment", column("bank_reference", sa.Text(), nullable=True))
    invoices()
    lines()
    cohorts()
    op.add_column("booking", column("cohort_id", ID, nullable=True))
    means(None)
    for table, name, said in LATER:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {said} NOT VALID")
    keep()


def means(names: str | None) -> None:
    """By what a payment is made and a refund goes back: taken away, or as it was."""
    for table in ("payment", "refund"):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_means")
        if names is not None:
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_means CHECK (means IN ({names}))"
            )


def invoices() -> None:
    table = "invoice"
    op.create_table(
        table,
        column("id", ID),
        column("legal_entity", sa.Text()),
        column("number", MINOR),
        column("payable_kind", sa.Text()),
        column("payable_id", ID),
        column("school_id", ID),
        column("asked_by", ID),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("amount_minor", MINOR),
        column("amount_currency", sa.CHAR(3)),
        column("description", sa.Text()),
        column("issued_on", sa.Date()),
        column("due_on", sa.Date()),
        column("content", postgresql.JSONB()),
        column("payment_id", ID, nullable=True),
        column("object_key", sa.Text(), nullable=True),
        column("issued_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        to(table, "school_id", "school"),
        to(table, "asked_by", "account"),
        to(table, "payment_id", "payment"),
        sa.UniqueConstraint("legal_entity", "number", name="uq_invoice_legal_entity_number"),
        check(table, "state", f"state IN ({STATES})"),
        check(table, "amount", "amount_minor > 0"),
        check(table, "due_on", "due_on >= issued_on"),
        check(table, "paid", "(state = 'paid') = (payment_id IS NOT NULL)"),
        check(table, "version", "version >= 1"),
    )
    op.create_index(
        "uq_invoice_open",
        table,
        ["payable_kind", "payable_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'overdue')"),
    )
    op.create_index("ix_invoice_school_id", table, ["school_id", "id"])
    op.create_index("ix_invoice_payment_id", table, ["payment_id"])
    op.create_index(
        "ix_invoice_due_on", table, ["due_on"], postgresql_where=sa.text("state = 'open'")
    )


def lines() -> None:
    table = "invoice_line"
    op.create_table(
        table,
        column("invoice_id", ID),
        column("place", sa.SmallInteger()),
        column("part_kind", sa.Text()),
        column("part_id", ID),
        column("site_id", ID),
        column("kind", sa.Text()),
        column("description", sa.Text()),
        column("quantity", sa.Integer()),
        column("amount_minor", MINOR),
        column("amount_currency", sa.CHAR(3)),
        column("earner", sa.Text()),
        sa.PrimaryKeyConstraint("invoice_id", "place", name="pk_invoice_line"),
        to(table, "invoice_id", "invoice"),
        to(table, "site_id", "site"),
        check(table, "place", "place >= 1"),
        check(table, "earner", "earner IN ('host', 'platform')"),
    )
    op.create_index("ix_invoice_line_site_id", table, ["site_id"])
    table = "invoice_step"
    op.create_table(
        table,
        column("invoice_id", ID),
        column("number", sa.Integer()),
        column("before", sa.Text(), nullable=True),
        column("after", sa.Text()),
        column("reason", sa.Text()),
        column("actor_id", ID, nullable=True),
        column("at", AT),
        sa.PrimaryKeyConstraint("invoice_id", "number", name="pk_invoice_step"),
        to(table, "invoice_id", "invoice"),
        to(table, "actor_id", "account"),
        check(table, "number", "number >= 1"),
    )


def cohorts() -> None:
    table = "cohort"
    op.create_table(
        table,
        column("id", ID),
        column("school_id", ID),
        column("listing_id", ID),
        column("name", sa.Text()),
        column("first_day", sa.Date()),
        column("weeks", sa.SmallInteger()),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("answer_by", AT),
        column("made_by", ID),
        column("made_at", AT),
        column("invoice_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cohort"),
        to(table, "school_id", "school"),
        to(table, "listing_id", "listing"),
        to(table, "made_by", "account"),
        to(table, "invoice_id", "invoice"),
        check(table, "state", "state IN ('held', 'invoiced', 'confirmed', 'ended')"),
        check(table, "invoiced", "state <> 'invoiced' OR invoice_id IS NOT NULL"),
        check(table, "first_day", "EXTRACT(ISODOW FROM first_day) = 1"),
        check(table, "weeks", "weeks BETWEEN 1 AND 52"),
        check(table, "version", "version >= 1"),
    )
    op.create_index("ix_cohort_school_id", table, ["school_id", "id"])
    op.create_index("ix_cohort_listing_id", table, ["listing_id"])
    op.create_index("ix_cohort_invoice_id", table, ["invoice_id"])
    table = "cohort_place"
    op.create_table(
        table,
        column("cohort_id", ID),
        column("student_id", ID),
        column("booking_id", ID),
        column("answer", sa.Text()),
        column("answered_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("cohort_id", "student_id", name="pk_cohort_place"),
        to(table, "cohort_id", "cohort"),
        to(table, "student_id", "school_student"),
        to(table, "booking_id", "booking"),
        sa.UniqueConstraint("booking_id", name="uq_cohort_place_booking_id"),
        check(table, "answer", "answer IN ('waiting', 'agreed', 'declined')"),
        check(table, "answered", "(answer = 'waiting') = (answered_at IS NULL)"),
    )
    op.create_index("ix_cohort_place_student_id", table, ["student_id"])


def keep() -> None:
    """What an invoice says stays, its lines and steps are history, an answer of a student stays."""
    for table in ("invoice_line", "invoice_step"):
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in FIXED)
    op.execute(
        f"""
        CREATE FUNCTION keep_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR {changed}
               OR OLD.state IN ('paid', 'void') AND NEW.state <> OLD.state THEN
                RAISE EXCEPTION 'an invoice stays as it was issued'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'invoice_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_invoice BEFORE UPDATE OR DELETE ON invoice"
        " FOR EACH ROW EXECUTE FUNCTION keep_invoice()"
    )
    op.execute(
        """
        CREATE FUNCTION keep_cohort_answer() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.answer <> 'waiting' OR NEW.booking_id <> OLD.booking_id THEN
                RAISE EXCEPTION 'an answer of a student stays'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_cohort_place';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_cohort_answer BEFORE UPDATE OR DELETE ON cohort_place"
        " FOR EACH ROW EXECUTE FUNCTION keep_cohort_answer()"
    )


def downgrade() -> None:
    op.drop_column("booking", "cohort_id")
    for table in ("cohort_place", "cohort", "invoice_step", "invoice_line", "invoice"):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_cohort_answer()")
    op.execute("DROP FUNCTION keep_invoice()")
    op.drop_column("payment", "bank_reference")
    means("'card', 'credit'")
