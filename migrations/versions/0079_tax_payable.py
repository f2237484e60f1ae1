"""An account for the tax that is contained in what the platform earns."""

from alembic import op

revision = "0079_tax_payable"
down_revision = "0078_balances_together"
branch_labels = None
depends_on = None

BEFORE = (
    *("processor_clearing", "bank", "trainee_credit", "deferred_host_share", "host_payable"),
    *("host_receivable", "platform_revenue", "processor_fees", "refunds_payable", "disputes"),
    *("dispute_losses", "suspense"),
)


def upgrade() -> None:
    """What was posted before stays as it was: nothing of it is tax in the books."""
    _allow((*BEFORE, "tax_payable"))


def downgrade() -> None:
    """Refused where tax was set aside."""
    _allow(BEFORE)


def _allow(kinds: tuple[str, ...]) -> None:
    """Exchange the check; the rows are read once the lock that stops those who post is gone."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE ledger_account DROP CONSTRAINT ck_ledger_account_kind")
    op.execute(
        "ALTER TABLE ledger_account ADD CONSTRAINT ck_ledger_account_kind"
        f" CHECK (kind IN ({listed})) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE ledger_account VALIDATE CONSTRAINT ck_ledger_account_kind")
