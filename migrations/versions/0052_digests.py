"""Notices may wait for a daily mail, where their recipient wants one."""

from alembic import op

revision = "0052_digests"
down_revision = "0051_disputes"
branch_labels = None
depends_on = None

STATES = "'queued', 'sent', 'failed', 'refused', 'off'"
CHOICES = "choice IN ('each', 'off') OR choice = 'brief' AND kind = 'messages'"


def upgrade() -> None:
    _check("notice", "state", f"state IN ({STATES}, 'waiting', 'gathered')")
    _check("notice_preference", "choice", f"{CHOICES} OR choice = 'daily' AND kind <> 'surveys'")
    op.execute("CREATE INDEX ix_notice_waiting ON notice (account_id) WHERE state = 'waiting'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_notice_waiting")
    op.execute("UPDATE notice_preference SET choice = 'each' WHERE choice = 'daily'")
    op.execute("UPDATE notice SET state = 'off' WHERE state IN ('waiting', 'gathered')")
    _check("notice_preference", "choice", CHOICES)
    _check("notice", "state", f"state IN ({STATES})")


def _check(table: str, name: str, condition: str) -> None:
    """Put another check in place of one; the rows there are looked at without holding up writes."""
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
    op.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID"
    )
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
