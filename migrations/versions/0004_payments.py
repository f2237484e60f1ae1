"""Payments, refunds, the ledger with its guards, the inbox, the quarantine, receipts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_payments"
down_revision = "0003_catalog"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TIME = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()
CURRENCY = sa.CHAR(3)
MINOR = sa.BigInteger()
# In the order of their making; they are dropped in the reverse.
TABLES = (
    *("payment", "payment_line", "payment_transition", "refund", "refund_transition"),
    *("ledger_account", "ledger_transaction", "ledger_entry", "ledger_balance"),
    *("webhook_event", "quarantine", "reconciliation", "document_sequence", "receipt"),
)
HISTORY = (
    *("payment_line", "payment_transition", "refund_transition", "reconciliation"),
    *("ledger_account", "ledger_transaction", "ledger_entry"),
)


def own_id(table: str) -> tuple[sa.Column, sa.PrimaryKeyConstraint]:
    return sa.Column("id", ID, nullable=False), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def texts(*names: str, nullable: bool = True) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def amount() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("amount_currency", CURRENCY, nullable=False),
    )


def created_at() -> sa.Column:
    return sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False)


def fk(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def one_of(table: str, column: str, values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values.split())
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")


def index(table: str, *columns: str) -> None:
    op.create_index("_".join(("ix", table, *columns)), table, columns)


def partial_index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], postgresql_where=sa.text(where))


def upgrade() -> None:
    for create in (create_payment, create_refund, create_ledger, create_inbox, create_receipt):
        create()
    guard_ledger()
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER history BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def guard_ledger() -> None:
    """Refuse what does not sum to zero at the commit, and keep the running totals."""
    op.execute(
        """
        CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            checked uuid;
            totals record;
        BEGIN
            IF TG_TABLE_NAME = 'ledger_entry' THEN
                checked := NEW.transaction_id;
            ELSE
                checked := NEW.id;
            END IF;
            SELECT count(*) AS currencies, coalesce(sum(abs(apart)), 0) AS apart INTO totals
            FROM (
                SELECT sum(amount_minor) AS apart FROM ledger_entry
                WHERE transaction_id = checked GROUP BY currency
            ) AS sums;
            IF totals.currencies = 0 OR totals.apart <> 0 THEN
                RAISE EXCEPTION 'ledger transaction % does not sum to zero', checked
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("ledger_transaction", "ledger_entry"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()"
        )
    # In the order of the accounts, so that two transactions never wait for each other in a ring;
    # spread by connection, so that those who post to one busy account seldom wait at all.
    op.execute(
        """
        CREATE FUNCTION keep_running_totals() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ledger_balance AS kept
                (account_id, part, debit_minor, credit_minor, entries)
            SELECT account_id, pg_backend_pid() % 16,
                sum(greatest(amount_minor, 0)), sum(greatest(-amount_minor, 0)), count(*)
            FROM added GROUP BY account_id ORDER BY account_id
            ON CONFLICT (account_id, part) DO UPDATE SET
                debit_minor = kept.debit_minor + excluded.debit_minor,
                credit_minor = kept.credit_minor + excluded.credit_minor,
                entries = kept.entries + excluded.entries;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER running_totals AFTER INSERT ON ledger_entry"
        " REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_running_totals()"
    )


def create_payment() -> None:
    op.create_table(
        "payment",
        *own_id("payment"),
        sa.Column("payable_kind", sa.Text(), nullable=False),
        sa.Column("payable_id", ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("payer_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        *amount(),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("return_path", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("page_attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("page_expires_at", TIME),
        *texts(
            "checkout_url",
            "processor_session",
            "processor_intent",
            "processor_charge",
            "last_decline",
        ),
        sa.Column("settled_at", TIME),
        sa.Column("surplus", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("captured_minor", MINOR, server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", MINOR, server_default=sa.text("0"), nullable=False),
        sa.Column("fee_known", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("next_look_at", TIME),
        created_at(),
        sa.CheckConstraint("(state = 'settled') = (captured_minor > 0)", name="ck_payment_settled"),
        one_of("payment", "purpose", "whole deposit balance application_fee"),
        one_of("payment", "state", "requested open settled failed expired cancelled"),
        sa.CheckConstraint("amount_minor > 0", name="ck_payment_amount"),
        sa.CheckConstraint("captured_minor IN (0, amount_minor)", name="ck_payment_captured"),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND captured_minor", name="ck_payment_refunded"
        ),
        fk("payment", "payer_id", "account"),
        fk("payment", "site_id", "site"),
        sa.UniqueConstraint("processor_intent", name="uq_payment_processor_intent"),
        sa.UniqueConstraint("processor_session", name="uq_payment_processor_session"),
    )
    index("payment", "payable_kind", "payable_id")
    index("payment", "payer_id")
    index("payment", "site_id")
    partial_index("ix_payment_poll", "payment", "next_look_at", "next_look_at IS NOT NULL")
    op.create_index(
        "uq_payment_live",
        "payment",
        ["payable_kind", "payable_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'requested')"),
    )
    op.create_table(
        "payment_line",
        *own_id("payment_line"),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        *texts("kind", "description", nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        *amount(),
        sa.Column("earner", sa.Text(), nullable=False),
        one_of("payment_line", "earner", "host platform"),
        fk("payment_line", "payment_id", "payment"),
        sa.UniqueConstraint("payment_id", "place", name="uq_payment_line_payment_id_place"),
    )
    create_transitions("payment")


def create_transitions(subject: str) -> None:
    table = f"{subject}_transition"
    op.create_table(
        table,
        *own_id(table),
        sa.Column(f"{subject}_id", ID, nullable=False),
        sa.Column("before", sa.Text()),
        *texts("after", "reason", nullable=False),
        sa.Column("at", TIME, nullable=False),
        created_at(),
        fk(table, f"{subject}_id", subject),
    )
    index(table, f"{subject}_id")


def create_refund() -> None:
    op.create_table(
        "refund",
        *own_id("refund"),
        sa.Column("payment_id", ID, nullable=False),
        *amount(),
        sa.Column("host_minor", MINOR, nullable=False),
        sa.Column("platform_minor", MINOR, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", ID),
        sa.Column("replaces_id", ID),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *texts("processor_refund", "failure"),
        sa.Column("settled_at", TIME),
        sa.Column("next_look_at", TIME),
        created_at(),
        one_of("refund", "state", "requested pending settled failed"),
        sa.CheckConstraint("amount_minor > 0", name="ck_refund_amount"),
        sa.CheckConstraint(
            "host_minor >= 0 AND platform_minor >= 0 AND host_minor + platform_minor = amount_minor",
            name="ck_refund_split",
        ),
        fk("refund", "payment_id", "payment"),
        fk("refund", "replaces_id", "refund"),
        fk("refund", "requested_by", "account"),
        sa.UniqueConstraint("processor_refund", name="uq_refund_processor_refund"),
        sa.UniqueConstraint("replaces_id", name="uq_refund_replaces_id"),
    )
    index("refund", "payment_id")
    partial_index("ix_refund_poll", "refund", "next_look_at", "next_look_at IS NOT NULL")
    create_transitions("refund")


def create_ledger() -> None:
    op.create_table(
        "ledger_account",
        *own_id("ledger_account"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", ID),
        sa.Column("currency", CURRENCY, nullable=False),
        created_at(),
        one_of(
            "ledger_account",
            "kind",
            "processor_clearing bank trainee_credit deferred_host_share host_payable platform_revenue processor_fees refunds_payable disputes suspense",
        ),
        sa.UniqueConstraint("id", "currency", name="uq_ledger_account_id_currency"),
        sa.UniqueConstraint(
            "kind",
            "owner_id",
            "currency",
            name="uq_ledger_account_kind_owner_id_currency",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "ledger_transaction",
        *own_id("ledger_transaction"),
        *texts("source", "reason", nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("payment_id", ID),
        created_at(),
        fk("ledger_transaction", "payment_id", "payment"),
        sa.UniqueConstraint("source", "reason", name="uq_ledger_transaction_source_reason"),
    )
    index("ledger_transaction", "occurred_at")
    index("ledger_transaction", "payment_id")
    op.create_table(
        "ledger_entry",
        *own_id("ledger_entry"),
        sa.Column("transaction_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name="ck_ledger_entry_amount"),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["ledger_account.id", "ledger_account.currency"],
            name="fk_ledger_entry_account_id_currency_ledger_account",
        ),
        fk("ledger_entry", "transaction_id", "ledger_transaction"),
    )
    index("ledger_entry", "account_id", "currency")
    index("ledger_entry", "transaction_id")
    op.create_table(
        "ledger_balance",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("debit_minor", MINOR, nullable=False),
        sa.Column("credit_minor", MINOR, nullable=False),
        sa.Column("entries", MINOR, nullable=False),
        fk("ledger_balance", "account_id", "ledger_account"),
        sa.PrimaryKeyConstraint("account_id", "part", name="pk_ledger_balance"),
    )


def create_inbox() -> None:
    op.create_table(
        "webhook_event",
        *own_id("webhook_event"),
        *texts("processor_event", "kind", nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        *texts("account", "api_version"),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("handled_at", TIME),
        one_of("webhook_event", "state", "received processed ignored quarantined"),
        sa.UniqueConstraint("processor_event", name="uq_webhook_event_processor_event"),
    )
    partial_index("ix_webhook_event_waiting", "webhook_event", "received_at", "state = 'received'")
    op.create_table(
        "quarantine",
        *own_id("quarantine"),
        *texts("processor_object", "reason", nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.Column("payment_id", ID),
        sa.Column("event_id", ID),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME),
        sa.Column("resolved_by", ID),
        sa.Column("resolution", sa.Text()),
        fk("quarantine", "event_id", "webhook_event"),
        fk("quarantine", "payment_id", "payment"),
        fk("quarantine", "resolved_by", "account"),
        sa.UniqueConstraint(
            "processor_object", "reason", name="uq_quarantine_processor_object_reason"
        ),
    )
    index("quarantine", "payment_id")
    index("quarantine", "event_id")
    partial_index("ix_quarantine_unresolved", "quarantine", "found_at", "resolved_at IS NULL")
    op.create_table(
        "reconciliation",
        *own_id("reconciliation"),
        sa.Column("since", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("events", "missed_events", "balance_transactions", "posted")
        ),
        sa.Column("mismatches", JSONB, nullable=False),
        created_at(),
    )


def create_receipt() -> None:
    op.create_table(
        "document_sequence",
        *texts("legal_entity", "kind", nullable=False),
        sa.Column("last_number", MINOR, nullable=False),
        sa.PrimaryKeyConstraint("legal_entity", "kind", name="pk_document_sequence"),
    )
    op.create_table(
        "receipt",
        *own_id("receipt"),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("number", MINOR, nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("stored_at", TIME),
        created_at(),
        fk("receipt", "payment_id", "payment"),
        sa.UniqueConstraint("legal_entity", "number", name="uq_receipt_legal_entity_number"),
        sa.UniqueConstraint("payment_id", name="uq_receipt_payment_id"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_unbalanced()")
    op.execute("DROP FUNCTION keep_running_totals()")
