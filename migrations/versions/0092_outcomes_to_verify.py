"""Match outcomes that somebody has to look at, found and counted by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0092_outcomes_to_verify"
down_revision = "0091_few_among_many"
branch_labels = None
depends_on = None

NAME = "ix_match_outcome_waiting"
WAITING = (
    "provenance ->> 'main_result' = 'self_reported'"
    """ OR jsonb_path_exists(provenance, '$.* ? (@ == "disputed")'::jsonpath)"""
)


def upgrade() -> None:
    """Neither readers nor writers wait while it is built."""
    with op.get_context().autocommit_block():
        op.create_index(
            NAME,
            "match_outcome",
            ["match_year", "changed_at", "id"],
            postgresql_concurrently=True,
            postgresql_where=sa.text(WAITING),
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "match_outcome", postgresql_concurrently=True, if_exists=True)
