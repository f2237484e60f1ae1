"""Cards kept at the processor, what their holders agreed to, and balances charged to them."""

import sqlalchemy as sa
from alembic import op

revision = "0069_cards"
down_revision = "0068_search_plans"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
MINOR = sa.BigInteger()
SMALL = sa.SmallInteger()
TEXT = sa.Text()
ON_PAYMENT = ("processor_customer", "decline_code")
# Each holds for new rows at once; the next migration reads the old ones.
LATER = (
    (
        "fk_payment_card_id_saved_card",
        "FOREIGN KEY (card_id) REFERENCES saved_card (id)",
    ),
    ("ck_payment_off_session", "CHECK (card_id IS NOT NULL OR NOT off_session)"),
)


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


def upgrade() -> None:
    cards()
    mandates()
    plans()
    steps()
    for name in ON_PAYMENT:
        op.add_column("payment", maybe(name, TEXT))
    op.add_column("payment", maybe("card_id", ID))
    op.add_column("payment", column("off_session", sa.Boolean(), server_default=sa.text("false")))
    for name, said in LATER:
        op.execute(f"ALTER TABLE payment ADD CONSTRAINT {name} {said} NOT VALID")


def cards() -> None:
    table = "saved_card"
    op.create_table(
        table,
        *own(table),
        column("account_id", ID),
        *(column(name, TEXT) for name in ("processor_customer", "processor_method")),
        maybe("fingerprint", TEXT),
        *(column(name, TEXT) for name in ("brand", "last4")),
        *(column(name, SMALL) for name in ("exp_month", "exp_year")),
        column("kept_at", AT),
        maybe("removed_at", AT),
        maybe("removed_why", TEXT),
        to(table, "account_id", "account"),
        sa.UniqueConstraint("processor_method", name="uq_saved_card_processor_method"),
        check(table, "exp_month", "exp_month BETWEEN 1 AND 12"),
        check(table, "removed", "(removed_at IS NULL) = (removed_why IS NULL)"),
    )
    op.create_index("ix_saved_card_account_id", table, ["account_id"])


def mandates() -> None:
    table = "card_mandate"
    op.create_table(
        table,
        *own(table),
        column("account_id", ID),
        *(column(name, TEXT) for name in ("kind", "payable_kind")),
        column("payable_id", ID),
        maybe("payment_id", ID),
        maybe("card_id", ID),
        *(column(name, TEXT) for name in ("words", "locale")),
        column("agreed_at", AT),
        to(table, "account_id", "account"),
        to(table, "payment_id", "payment"),
        to(table, "card_id", "saved_card"),
        sa.UniqueConstraint("payment_id", name="uq_card_mandate_payment_id"),
        check(table, "kind", "kind IN ('keep', 'balance')"),
        check(table, "given_by", "(payment_id IS NULL) <> (card_id IS NULL)"),
    )
    op.create_index("ix_card_mandate_account_id", table, ["account_id"])
    op.create_index("ix_card_mandate_card_id", table, ["card_id"])
    refuse(table)


def plans() -> None:
    table = "balance_plan"
    op.create_table(
        table,
        *own(table),
        column("mandate_id", ID),
        column("payable_kind", TEXT),
        column("payable_id", ID),
        maybe("card_id", ID),
        column("most_minor", MINOR),
        column("most_currency", sa.CHAR(3)),
        column("state", TEXT),
        column("charge_at", AT),
        column("tries", SMALL, server_default=sa.text("0")),
        maybe("first_tried_at", AT),
        maybe("next_try_at", AT),
        maybe("last_code", TEXT),
        maybe("finish_payment_id", ID),
        to(table, "mandate_id", "card_mandate"),
        to(table, "card_id", "saved_card"),
        to(table, "finish_payment_id", "payment"),
        sa.UniqueConstraint("mandate_id", name="uq_balance_plan_mandate_id"),
        check(table, "state", "state IN ('waiting', 'ready', 'done', 'stopped')"),
        check(table, "most", "most_minor > 0"),
        check(table, "tries", "tries >= 0"),
        check(table, "card", "state <> 'ready' OR card_id IS NOT NULL"),
    )
    of = ["payable_kind", "payable_id"]
    live = sa.text("state IN ('ready', 'waiting')")
    op.create_index("uq_balance_plan_live", table, of, unique=True, postgresql_where=live)
    ready = sa.text("state = 'ready'")
    op.create_index("ix_balance_plan_due", table, ["next_try_at"], postgresql_where=ready)
    op.create_index("ix_balance_plan_card_id", table, ["card_id"])
    op.create_index("ix_balance_plan_payable_kind_payable_id", table, of)
    asked = sa.text("finish_payment_id IS NOT NULL")
    op.create_index(
        "ix_balance_plan_finish_payment_id", table, ["finish_payment_id"], postgresql_where=asked
    )


def steps() -> None:
    table = "balance_plan_step"
    op.create_table(
        table,
        *own(table),
        column("plan_id", ID),
        maybe("before", TEXT),
        *(column(name, TEXT) for name in ("after", "reason")),
        column("at", AT),
        to(table, "plan_id", "balance_plan"),
    )
    op.create_index("ix_balance_plan_step_plan_id", table, ["plan_id"])
    refuse(table)


def refuse(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for name, _ in LATER:
        op.drop_constraint(name, "payment")
    for name in (*ON_PAYMENT, "card_id", "off_session"):
        op.drop_column("payment", name)
    for table in ("balance_plan_step", "balance_plan", "card_mandate", "saved_card"):
        op.drop_table(table)
