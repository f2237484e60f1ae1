"""Reads the payments that were there before kept cards, and finds those by card."""

import sqlalchemy as sa
from alembic import op

revision = "0070_cards_valid"
down_revision = "0069_cards"
branch_labels = None
depends_on = None

TO_VALIDATE = ("fk_payment_card_id_saved_card", "ck_payment_off_session")
INDEX = "ix_payment_card_id"


def upgrade() -> None:
    """Neither readers nor writers wait for this."""
    for name in TO_VALIDATE:
        op.execute(f"ALTER TABLE payment VALIDATE CONSTRAINT {name}")
    with op.get_context().autocommit_block():
        op.create_index(
            INDEX,
            "payment",
            ["card_id"],
            postgresql_where=sa.text("card_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    """What is valid may stay so."""
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "payment", postgresql_concurrently=True, if_exists=True)
