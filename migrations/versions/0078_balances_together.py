"""One mandate may be about the balances of several things that were paid for at once."""

from alembic import op

revision = "0078_balances_together"
down_revision = "0077_letter_rates"
branch_labels = None
depends_on = None

TABLE = "balance_plan"
OLD, NEW = "uq_balance_plan_mandate_id", "uq_balance_plan_mandate_id_payable_id"


def upgrade() -> None:
    _replace(OLD, NEW, ["mandate_id", "payable_id"])


def downgrade() -> None:
    """Refused where a mandate has several plans: they can't be told apart without it."""
    _replace(NEW, OLD, ["mandate_id"])


def _replace(before: str, after: str, columns: list[str]) -> None:
    """Neither readers nor writers wait while the index is built."""
    with op.get_context().autocommit_block():
        op.create_index(
            after, TABLE, columns, unique=True, postgresql_concurrently=True, if_not_exists=True
        )
    op.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT {after} UNIQUE USING INDEX {after}")
    op.drop_constraint(before, TABLE)
