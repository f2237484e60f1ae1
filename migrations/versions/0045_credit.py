"""Credit: grants, their movements and uses; codes that lower prices; payments made by credit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045_credit"
down_revision = "0044_moves"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
MINOR = sa.BigInteger()
TEXT = sa.Text()
CHAR = sa.CHAR(3)
JSONB = postgresql.JSONB()
ZERO = sa.text("0")
TABLES = ("credit_movement", "credit_use", "credit_grant", "voucher_use", "voucher_code")


def column(name: str, kind: object, **given: object) -> sa.Column[object]:
    return sa.Column(name, kind, **{"nullable": False, **given})


def maybe(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=True)


def own(table: str) -> tuple[object, ...]:
    return (
        column("id", ID),
        column("created_at", AT, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def unique(table: str, *names: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}")


def upgrade() -> None:
    codes()
    grants()
    uses()
    movements()
    payments()
    guard()


def codes() -> None:
    table = "voucher_code"
    op.create_table(
        table,
        *own(table),
        column("code", TEXT),
        column("description", TEXT),
        maybe("basis_points", sa.SmallInteger()),
        maybe("amount_minor", MINOR),
        maybe("currency", CHAR),
        column("valid_from", AT),
        column("valid_until", AT),
        maybe("max_uses", sa.Integer()),
        maybe("max_uses_each", sa.Integer()),
        column("uses", sa.Integer(), server_default=ZERO),
        column("listing_ids", JSONB),
        column("site_ids", JSONB),
        column("made_by", ID),
        column("made_at", AT),
        maybe("withdrawn_at", AT),
        unique(table, "code"),
        to(table, "made_by", "account"),
        check(table, "code", "code = upper(code)"),
        check(table, "value", "num_nonnulls(basis_points, amount_minor) = 1"),
        check(table, "basis_points", "basis_points BETWEEN 1 AND 10000"),
        check(table, "amount", "amount_minor > 0"),
        check(table, "currency", "amount_minor IS NULL OR currency IS NOT NULL"),
        check(table, "valid", "valid_until > valid_from"),
        check(table, "uses", "uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)"),
        check(table, "max_uses", "max_uses >= 1"),
        check(table, "max_uses_each", "max_uses_each >= 1"),
    )
    table = "voucher_use"
    op.create_table(
        table,
        *own(table),
        column("code_id", ID),
        column("account_id", ID),
        column("payable_kind", TEXT),
        column("payable_id", ID),
        column("discount_minor", MINOR),
        column("currency", CHAR),
        column("shares", JSONB),
        column("claimed_at", AT),
        maybe("released_at", AT),
        to(table, "code_id", "voucher_code"),
        to(table, "account_id", "account"),
        check(table, "discount", "discount_minor > 0"),
    )
    op.create_index("ix_voucher_use_code_id", table, ["code_id", "account_id"])


def grants() -> None:
    table = "credit_grant"
    op.create_table(
        table,
        *own(table),
        column("account_id", ID),
        column("amount_minor", MINOR),
        column("amount_currency", CHAR),
        column("left_minor", MINOR, server_default=ZERO),
        column("reason", TEXT),
        column("note", TEXT),
        maybe("payable_kind", TEXT),
        maybe("payable_id", ID),
        maybe("refund_id", ID),
        maybe("from_grant_id", ID),
        maybe("granted_by", ID),
        column("granted_at", AT),
        maybe("expires_at", AT),
        column("transferable", sa.Boolean()),
        maybe("reminded_of", AT),
        unique(table, "refund_id"),
        to(table, "account_id", "account"),
        to(table, "refund_id", "refund"),
        to(table, "from_grant_id", "credit_grant"),
        to(table, "granted_by", "account"),
        check(table, "amount", "amount_minor > 0"),
        check(table, "left", "left_minor BETWEEN 0 AND amount_minor"),
        check(table, "reason", "reason IN ('cancellation', 'goodwill', 'promotion', 'handed_on')"),
        check(table, "payable", "(payable_kind IS NULL) = (payable_id IS NULL)"),
    )
    op.create_index(
        "ix_credit_grant_account_id",
        table,
        ["account_id", "amount_currency"],
        postgresql_where=sa.text("left_minor > 0"),
    )
    op.create_index("ix_credit_grant_owner", table, ["account_id", "id"])
    op.create_index(
        "ix_credit_grant_expires_at",
        table,
        ["expires_at"],
        postgresql_where=sa.text("left_minor > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index("ix_credit_grant_payable_id", table, ["payable_kind", "payable_id"])
    op.create_index("ix_credit_grant_from_grant_id", table, ["from_grant_id"])


def uses() -> None:
    table = "credit_use"
    op.create_table(
        table,
        *own(table),
        column("account_id", ID),
        column("amount_minor", MINOR),
        column("amount_currency", CHAR),
        column("lines", JSONB),
        maybe("payment_id", ID),
        maybe("credit_payment_id", ID),
        column("state", TEXT),
        column("begun_at", AT),
        maybe("ended_at", AT),
        unique(table, "payment_id"),
        unique(table, "credit_payment_id"),
        to(table, "account_id", "account"),
        to(table, "payment_id", "payment"),
        to(table, "credit_payment_id", "payment"),
        check(table, "amount", "amount_minor > 0"),
        check(table, "state", "state IN ('held', 'used', 'returned')"),
        check(table, "used", "(state = 'used') = (credit_payment_id IS NOT NULL)"),
    )


def movements() -> None:
    table = "credit_movement"
    op.create_table(
        table,
        *own(table),
        column("grant_id", ID),
        column("kind", TEXT),
        column("amount_minor", MINOR),
        column("amount_currency", CHAR),
        column("left_minor", MINOR),
        maybe("use_id", ID),
        maybe("refund_id", ID),
        column("reason", TEXT),
        maybe("actor_id", ID),
        column("at", AT),
        to(table, "grant_id", "credit_grant"),
        to(table, "use_id", "credit_use"),
        to(table, "refund_id", "refund"),
        to(table, "actor_id", "account"),
        check(
            table,
            "kind",
            "kind IN ('granted', 'used', 'returned', 'expired', 'revoked', 'handed_on')",
        ),
        check(
            table,
            "amount",
            "amount_minor <> 0 AND (amount_minor > 0) = (kind IN ('granted', 'returned'))",
        ),
        check(table, "use", "(use_id IS NOT NULL) = (kind IN ('used', 'returned'))"),
        check(table, "revoked", "kind <> 'revoked' OR actor_id IS NOT NULL"),
    )
    op.create_index("ix_credit_movement_grant_id", table, ["grant_id", "id"])
    for name in ("use_id", "refund_id"):
        op.create_index(f"ix_credit_movement_{name}", table, [name])


def payments() -> None:
    """New columns have constant defaults: no row is written. Old rows are checked afterwards."""
    for table in ("payment", "refund"):
        op.add_column(table, column("means", TEXT, server_default=sa.text("'card'")))
    op.add_column("payment", column("credit_minor", MINOR, server_default=ZERO))
    op.add_column("payment", maybe("voucher_use_id", ID))
    for table, name, rule in (
        ("payment", "ck_payment_means", "CHECK (means IN ('card', 'credit'))"),
        ("payment", "ck_payment_credit", "CHECK (credit_minor >= 0)"),
        ("refund", "ck_refund_means", "CHECK (means IN ('card', 'credit'))"),
        (
            "payment",
            "fk_payment_voucher_use_id_voucher_use",
            "FOREIGN KEY (voucher_use_id) REFERENCES voucher_use (id)",
        ),
    ):
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule} NOT VALID")
    op.create_index(
        "ix_payment_voucher_use_id",
        "payment",
        ["voucher_use_id"],
        postgresql_where=sa.text("voucher_use_id IS NOT NULL"),
    )


def guard() -> None:
    """What is left is the sum of the movements, by the database's own hand; they stay."""
    op.execute(
        """
        CREATE FUNCTION move_credit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE credit_grant SET left_minor = left_minor + NEW.amount_minor
             WHERE id = NEW.grant_id AND amount_currency = NEW.amount_currency
            RETURNING left_minor INTO NEW.left_minor;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'there is no such credit in %', NEW.amount_currency
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'credit_in_its_currency';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER move_credit BEFORE INSERT ON credit_movement"
        " FOR EACH ROW EXECUTE FUNCTION move_credit()"
    )
    op.execute(
        """
        CREATE FUNCTION guard_credit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR (TG_OP = 'INSERT' AND NEW.left_minor <> 0) OR (
                TG_OP = 'UPDATE' AND (
                    (NEW.id, NEW.account_id, NEW.amount_minor, NEW.amount_currency)
                        IS DISTINCT FROM
                        (OLD.id, OLD.account_id, OLD.amount_minor, OLD.amount_currency)
                    OR (NEW.left_minor <> OLD.left_minor AND pg_trigger_depth() < 2)
                )
            ) THEN
                RAISE EXCEPTION 'credit is changed by its movements alone'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'credit_by_movements';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER guard_credit BEFORE INSERT OR UPDATE OR DELETE ON credit_grant"
        " FOR EACH ROW EXECUTE FUNCTION guard_credit()"
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON credit_movement"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_column("payment", "voucher_use_id")
    op.drop_column("payment", "credit_minor")
    for table in ("payment", "refund"):
        op.drop_column(table, "means")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION move_credit()")
    op.execute("DROP FUNCTION guard_credit()")
