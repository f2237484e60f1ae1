"""What samples are filtered and counted by stands in their indexes; one for specialty and state.

A sample goes through some thousand listings in a random order: in the table each is on a page of
its own, in these indexes some forty are on one.
"""

from alembic import op

revision = "0076_search_samples"
down_revision = "0075_groupings"
branch_labels = None
depends_on = None

TABLE = "listing_search"
# Free weeks are left out: a week that fills up would else write each index anew.
COVERED = (
    *("listing_id", "last_week", "weeks_min", "weeks_max", "price_minor", "price_currency"),
    *("rank_any", "rank_student", "rank_graduate", "specialty", "us_state", "setting"),
    *("letter_policy", "tier_student", "tier_graduate", "visa_types"),
)
BEFORE = {
    "ix_listing_search_sample": ["sample"],
    "ix_listing_search_specialty_sample": ["specialty", "sample"],
    "ix_listing_search_us_state_sample": ["us_state", "sample"],
}
NEW = "ix_listing_search_specialty_us_state_sample"


def upgrade() -> None:
    """Neither readers nor writers wait: what is replaced stays until its successor is built."""
    with op.get_context().autocommit_block():
        for name, keys in BEFORE.items():
            replace(name, keys, covered=True)
        replace(NEW, ["specialty", "us_state", "sample"], covered=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, keys in BEFORE.items():
            replace(name, keys, covered=False)
        op.drop_index(NEW, TABLE, postgresql_concurrently=True, if_exists=True)


def replace(name: str, keys: list[str], *, covered: bool) -> None:
    """Build an index beside one of its name, if there is one, and put it in its place.

    What an interrupted run has left is not valid, and is built anew.
    """
    made = f"{name}_made"
    op.drop_index(made, TABLE, postgresql_concurrently=True, if_exists=True)
    besides = [column for column in COVERED if column not in keys] if covered else []
    op.create_index(made, TABLE, keys, postgresql_include=besides, postgresql_concurrently=True)
    op.drop_index(name, TABLE, postgresql_concurrently=True, if_exists=True)
    op.execute(f"ALTER INDEX {made} RENAME TO {name}")
