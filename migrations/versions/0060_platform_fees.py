"""The platform's own fee by contract, and what the database tells of it to whoever prices."""

import sqlalchemy as sa
from alembic import op

revision = "0060_platform_fees"
down_revision = "0059_credit_notes"
branch_labels = None
depends_on = None

TABLE = "fee_contract"
CHECK = "ck_fee_contract_platform_fee"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("platform_fee_bp", sa.SmallInteger(), nullable=True))
    op.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {CHECK}"
        " CHECK (platform_fee_bp BETWEEN 0 AND 10000) NOT VALID"
    )
    op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {CHECK}")
    op.execute(
        """
        CREATE FUNCTION platform_fees(uuid) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT jsonb_agg(jsonb_build_object('from', valid_from, 'until', valid_until,
                       'basis_points', platform_fee_bp) ORDER BY valid_from)
              FROM fee_contract
             WHERE site_id = $1 AND replaced_at IS NULL AND platform_fee_bp IS NOT NULL
        $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION platform_fees(uuid)")
    op.drop_column(TABLE, "platform_fee_bp")
