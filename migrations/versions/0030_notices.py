"""How people want notices, which addresses refuse them, and what is kept of each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030_notices"
down_revision = "0029_search_marks"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
NEW = ("time_zone", "had_secret", "files", "headers", "version")
KINDS = "kind IN ('messages', 'reminders', 'news', 'surveys')"
CHOICES = "choice IN ('each', 'off') OR choice = 'brief' AND kind = 'messages'"
STATES = "'queued', 'sent', 'failed'"
BEFORE = (
    ("state", f"state IN ({STATES})"),
    ("secret", "secret IS NULL OR state <> 'sent'"),
)
AFTER = (
    ("state", f"state IN ({STATES}, 'refused', 'off')"),
    ("secret", "secret IS NULL OR state IN ('queued', 'failed')"),
)


def upgrade() -> None:
    op.add_column("notice", sa.Column("time_zone", sa.Text(), nullable=False, server_default="UTC"))
    op.add_column(
        "notice",
        sa.Column("had_secret", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.add_column("notice", sa.Column("files", postgresql.JSONB(), nullable=True))
    op.add_column("notice", sa.Column("headers", postgresql.JSONB(), nullable=True))
    op.add_column("notice", sa.Column("version", sa.Text(), nullable=True))
    _constrain(AFTER)
    op.create_table(
        "notice_preference",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", name="pk_notice_preference"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_notice_preference_account_id_account"
        ),
        sa.CheckConstraint(KINDS, name="ck_notice_preference_kind"),
        sa.CheckConstraint(CHOICES, name="ck_notice_preference_choice"),
    )
    op.create_table(
        "refused_address",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("refused_at", AT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_refused_address"),
    )


def downgrade() -> None:
    op.drop_table("refused_address")
    op.drop_table("notice_preference")
    op.execute("UPDATE notice SET state = 'failed' WHERE state IN ('refused', 'off')")
    _constrain(BEFORE)
    for name in NEW:
        op.drop_column("notice", name)


def _constrain(checks: tuple[tuple[str, str], ...]) -> None:
    """Put wider checks in place of narrower ones; the rows there are looked at afterwards."""
    for name, condition in checks:
        op.execute(f"ALTER TABLE notice DROP CONSTRAINT ck_notice_{name}")
        op.execute(
            f"ALTER TABLE notice ADD CONSTRAINT ck_notice_{name} CHECK ({condition}) NOT VALID"
        )
