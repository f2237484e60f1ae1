"""What hosts are paid: accounts, contracts, releases of shares, transfers, claims, reversals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043_payouts"
down_revision = "0042_schools"
branch_labels = None
depends_on = None

ID, TEXT, AT = sa.Uuid(), sa.Text(), sa.DateTime(timezone=True)
MINOR, SMALL, CURRENCY = sa.BigInteger(), sa.SmallInteger(), sa.CHAR(3)
TABLES = (
    *("host_money_step", "host_reversal", "share_claim", "host_transfer", "share_release"),
    *("fee_contract", "host_account"),
)
HISTORIES = ("share_claim", "host_money_step")
KINDS = (
    *("processor_clearing", "bank", "trainee_credit", "deferred_host_share", "host_payable"),
    *("platform_revenue", "processor_fees", "refunds_payable", "disputes", "suspense"),
)
NEW_KINDS = ("host_receivable", "dispute_losses")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def counted(name: str, kind: object = MINOR) -> sa.Column[object]:
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False)


def created_at() -> sa.Column[object]:
    return sa.Column("created_at", AT, server_default=sa.func.now(), nullable=False)


def key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name="_".join(("uq", table, *columns)))


def index(table: str, *columns: str) -> None:
    op.create_index("_".join(("ix", table, *columns)), table, columns)


def index_by(name: str, table: str, *columns: str, where: str | None = None) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where) if where else None)


def upgrade() -> None:
    allow_kinds((*KINDS, *NEW_KINDS))
    accounts()
    contracts()
    releases()
    transfers()
    claims()
    steps()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def allow_kinds(kinds: tuple[str, ...]) -> None:
    """Exchange the check without a scan under a lock that stops those who post."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE ledger_account DROP CONSTRAINT ck_ledger_account_kind")
    op.execute(
        "ALTER TABLE ledger_account ADD CONSTRAINT ck_ledger_account_kind"
        f" CHECK (kind IN ({listed})) NOT VALID"
    )
    op.execute("ALTER TABLE ledger_account VALIDATE CONSTRAINT ck_ledger_account_kind")


def accounts() -> None:
    table = "host_account"
    no = sa.text("false")
    op.create_table(
        table,
        column("site_id", ID),
        column("asked_by", ID),
        column("asked_at", AT),
        counted("attempts", sa.Integer()),
        column("processor_account", TEXT, nullable=True),
        *(
            sa.Column(name, sa.Boolean(), server_default=no, nullable=False)
            for name in ("details_submitted", "transfers_enabled", "payouts_enabled")
        ),
        sa.Column("due", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        column("due_by", AT, nullable=True),
        *(
            column(name, TEXT, nullable=True)
            for name in ("disabled_reason", "refused", "payout_failure")
        ),
        column("payout_told_at", AT, nullable=True),
        column("link_asked_at", AT, nullable=True),
        column("link_url", TEXT, nullable=True),
        column("link_expires_at", AT, nullable=True),
        column("seen_at", AT, nullable=True),
        created_at(),
        key(table, "site_id"),
        to(table, "site_id", "site"),
        to(table, "asked_by", "account"),
        unique(table, "processor_account"),
    )
    index(table, "asked_by")


def contracts() -> None:
    table = "fee_contract"
    op.create_table(
        table,
        column("id", ID),
        column("site_id", ID),
        column("valid_from", sa.Date()),
        column("valid_until", sa.Date(), nullable=True),
        column("host_fee_bp", SMALL),
        column("losses_borne_by", TEXT),
        column("note", TEXT),
        column("set_by", ID),
        column("set_at", AT),
        column("replaces_id", ID, nullable=True),
        column("replaced_at", AT, nullable=True),
        column("replaced_by", ID, nullable=True),
        key(table, "id"),
        to(table, "site_id", "site"),
        to(table, "set_by", "account"),
        to(table, "replaces_id", "fee_contract"),
        to(table, "replaced_by", "account"),
        unique(table, "replaces_id"),
        check(table, "host_fee", "host_fee_bp BETWEEN 0 AND 10000"),
        check(table, "bearer", "losses_borne_by IN ('host', 'platform')"),
        check(table, "valid", "valid_until > valid_from"),
        check(table, "replaced", "(replaced_at IS NULL) = (replaced_by IS NULL)"),
    )
    index_by("ix_fee_contract_site_id", table, "site_id", "valid_from")
    index(table, "set_by")
    index(table, "replaced_by")
    # The core indexes no uuid by GiST; it does index addresses, which are as long as one.
    op.execute(
        """
        ALTER TABLE fee_contract ADD CONSTRAINT ex_fee_contract_site_id_valid EXCLUDE USING gist (
            (regexp_replace(replace(site_id::text, '-', ''), '(....)(?!$)', '\\1:', 'g')::inet)
                inet_ops WITH =,
            daterange(valid_from, valid_until) WITH &&
        ) WHERE (replaced_at IS NULL)
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_contract() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.replaced_at IS NOT NULL OR NEW.replaced_at IS NULL
                OR (to_jsonb(NEW) - '{replaced_at,replaced_by}'::text[])
                    <> (to_jsonb(OLD) - '{replaced_at,replaced_by}'::text[])
            THEN
                RAISE EXCEPTION 'a contract is replaced, never changed'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fee_contract_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_contract BEFORE UPDATE OR DELETE ON fee_contract"
        " FOR EACH ROW EXECUTE FUNCTION keep_contract()"
    )


def releases() -> None:
    table = "share_release"
    op.create_table(
        table,
        column("id", ID),
        column("payable_kind", TEXT),
        column("payable_id", ID),
        column("site_id", ID),
        column("step", TEXT),
        column("from_at", AT),
        column("told_at", AT),
        column("waits_for", TEXT, nullable=True),
        column("handled_at", AT, nullable=True),
        column("outcome", TEXT, nullable=True),
        key(table, "id"),
        to(table, "site_id", "site"),
        check(table, "step", "step IN ('first', 'rest', 'stop')"),
        check(table, "handled", "(handled_at IS NULL) = (outcome IS NULL)"),
    )
    index_by("ix_share_release_due", table, "from_at", where="handled_at IS NULL")
    index(table, "payable_kind", "payable_id")
    index(table, "site_id")


def transfers() -> None:
    table = "host_transfer"
    op.create_table(
        table,
        column("id", ID),
        column("payable_kind", TEXT),
        column("payable_id", ID),
        column("tranche", SMALL),
        column("release_id", ID),
        column("site_id", ID),
        column("contract_id", ID, nullable=True),
        column("currency", CURRENCY),
        *(column(f"{name}_minor", MINOR) for name in ("gross", "fee", "netted")),
        counted("taken_minor"),
        column("amount_minor", MINOR),
        counted("reversed_minor"),
        column("state", TEXT),
        column("held_for", TEXT, nullable=True),
        column("earned_at", AT),
        counted("attempts", sa.Integer()),
        counted("key_number", sa.Integer()),
        column("processor_transfer", TEXT, nullable=True),
        column("failure", TEXT, nullable=True),
        column("settled_at", AT, nullable=True),
        column("next_look_at", AT, nullable=True),
        created_at(),
        key(table, "id"),
        to(table, "release_id", "share_release"),
        to(table, "site_id", "site"),
        to(table, "contract_id", "fee_contract"),
        unique(table, "payable_kind", "payable_id", "tranche"),
        unique(table, "release_id"),
        unique(table, "processor_transfer"),
        check(
            table,
            "state",
            "state IN ('held', 'requested', 'sent', 'settled', 'failed', 'withdrawn')",
        ),
        check(table, "tranche", "tranche >= 1"),
        check(
            table,
            "amounts",
            "gross_minor > 0 AND fee_minor >= 0 AND netted_minor >= 0 AND taken_minor >= 0"
            " AND amount_minor >= 0"
            " AND gross_minor = fee_minor + netted_minor + taken_minor + amount_minor",
        ),
        check(table, "reversed", "reversed_minor BETWEEN 0 AND amount_minor"),
        check(table, "something", "(amount_minor = 0) = (state = 'withdrawn')"),
    )
    index_by("ix_host_transfer_site_id", table, "site_id", "earned_at")
    index(table, "contract_id")
    index_by("ix_host_transfer_poll", table, "next_look_at", where="next_look_at IS NOT NULL")


def claims() -> None:
    table = "share_claim"
    op.create_table(
        table,
        column("id", ID),
        column("payable_kind", TEXT),
        column("payable_id", ID),
        column("site_id", ID),
        column("cause", TEXT),
        column("currency", CURRENCY),
        column("gross_minor", MINOR),
        column("fee_minor", MINOR),
        column("at", AT),
        key(table, "id"),
        to(table, "site_id", "site"),
        unique(table, "cause", "payable_kind", "payable_id"),
        check(table, "amounts", "gross_minor > 0 AND fee_minor BETWEEN 0 AND gross_minor"),
    )
    index(table, "payable_kind", "payable_id")
    index_by("ix_share_claim_site_id", table, "site_id", "at")
    table = "host_reversal"
    op.create_table(
        table,
        column("id", ID),
        column("claim_id", ID),
        column("transfer_id", ID),
        column("site_id", ID),
        column("currency", CURRENCY),
        column("amount_minor", MINOR),
        column("state", TEXT),
        column("requested_at", AT),
        counted("attempts", sa.Integer()),
        column("processor_reversal", TEXT, nullable=True),
        column("failure", TEXT, nullable=True),
        column("settled_at", AT, nullable=True),
        column("next_look_at", AT, nullable=True),
        created_at(),
        key(table, "id"),
        to(table, "claim_id", "share_claim"),
        to(table, "transfer_id", "host_transfer"),
        to(table, "site_id", "site"),
        unique(table, "claim_id", "transfer_id"),
        unique(table, "processor_reversal"),
        check(table, "state", "state IN ('requested', 'settled', 'owed')"),
        check(table, "amount", "amount_minor > 0"),
    )
    index(table, "transfer_id")
    index(table, "site_id")
    index_by("ix_host_reversal_poll", table, "next_look_at", where="next_look_at IS NOT NULL")


def steps() -> None:
    table = "host_money_step"
    op.create_table(
        table,
        column("id", ID),
        column("transfer_id", ID, nullable=True),
        column("reversal_id", ID, nullable=True),
        column("before", TEXT, nullable=True),
        column("after", TEXT),
        column("reason", TEXT),
        column("at", AT),
        created_at(),
        key(table, "id"),
        to(table, "transfer_id", "host_transfer"),
        to(table, "reversal_id", "host_reversal"),
        check(table, "subject", "num_nonnulls(transfer_id, reversal_id) = 1"),
    )
    index(table, "transfer_id")
    index(table, "reversal_id")


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_contract()")
    allow_kinds(KINDS)
