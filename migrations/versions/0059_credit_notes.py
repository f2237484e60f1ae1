"""Credit notes, which stay as they were issued."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059_credit_notes"
down_revision = "0058_webhooks"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
MINOR = sa.BigInteger()
TABLE = "credit_note"


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{TABLE}_{name}_{target}")


def check(name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=f"ck_{TABLE}_{name}")


def upgrade() -> None:
    op.create_table(
        TABLE,
        column("id", ID),
        column("legal_entity", sa.Text()),
        column("number", MINOR),
        column("payment_id", ID, nullable=True),
        column("refund_id", ID, nullable=True),
        column("invoice_id", ID, nullable=True),
        column("amount_minor", MINOR),
        column("amount_currency", sa.CHAR(3)),
        column("issued_at", AT),
        column("content", postgresql.JSONB()),
        column("object_key", sa.Text()),
        column("stored_at", AT, nullable=True),
        sa.Column("created_at", AT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        to("payment_id", "payment"),
        to("refund_id", "refund"),
        to("invoice_id", "invoice"),
        sa.UniqueConstraint("legal_entity", "number", name=f"uq_{TABLE}_legal_entity_number"),
        sa.UniqueConstraint("refund_id", name=f"uq_{TABLE}_refund_id"),
        check("amount", "amount_minor > 0"),
        check("payment", "(refund_id IS NULL) = (payment_id IS NULL)"),
        check("subject", "refund_id IS NOT NULL OR invoice_id IS NOT NULL"),
    )
    op.create_index(
        "uq_credit_note_void",
        TABLE,
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("refund_id IS NULL"),
    )
    op.create_index("ix_credit_note_invoice_id", TABLE, ["invoice_id"])
    op.create_index("ix_credit_note_payment_id", TABLE, ["payment_id"])
    op.execute(
        """
        CREATE FUNCTION keep_credit_note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.stored_at IS NOT NULL
                OR (to_jsonb(NEW) - 'stored_at') <> (to_jsonb(OLD) - 'stored_at')
            THEN
                RAISE EXCEPTION 'a credit note stays as it was issued'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'credit_note_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER keep_credit_note BEFORE UPDATE OR DELETE ON {TABLE}"
        " FOR EACH ROW EXECUTE FUNCTION keep_credit_note()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION keep_credit_note()")
