"""A site's owners invite whom it works with, and a site is never without an owner."""

import sqlalchemy as sa
from alembic import op

revision = "0084_site_people"
down_revision = "0083_consent_reporting"
branch_labels = None
depends_on = None

TABLE = "site_invitation"
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("invited_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=f"fk_{TABLE}_site_id_site"),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["account.id"], name=f"fk_{TABLE}_invited_by_account"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{TABLE}_account_id_account"
        ),
        sa.CheckConstraint(
            "role IN ('site_owner', 'coordinator', 'preceptor')", name=f"ck_{TABLE}_role"
        ),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'withdrawn')", name=f"ck_{TABLE}_state"
        ),
        sa.CheckConstraint("email = lower(email)", name=f"ck_{TABLE}_email"),
        sa.CheckConstraint("octet_length(token_hash) = 32", name=f"ck_{TABLE}_token_hash"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=f"ck_{TABLE}_ended"),
        sa.CheckConstraint(
            "(state = 'accepted') = (account_id IS NOT NULL)", name=f"ck_{TABLE}_accepted"
        ),
    )
    op.create_index(
        f"uq_{TABLE}_open",
        TABLE,
        ["site_id", "email"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    never_the_last()


def never_the_last() -> None:
    """Whoever ends an owner's role waits for who ends another's: of two the second is refused."""
    op.execute(
        """
        CREATE FUNCTION site_keeps_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM site WHERE id = NEW.site_id FOR NO KEY UPDATE;
            IF NOT EXISTS (SELECT FROM membership m JOIN account a ON a.id = m.account_id
                            WHERE m.site_id = NEW.site_id AND m.id <> NEW.id
                              AND m.role = 'site_owner' AND m.revoked_at IS NULL
                              AND a.active) THEN
                RAISE EXCEPTION 'site % keeps an owner', NEW.site_id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'site_keeps_an_owner';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER site_keeps_an_owner BEFORE UPDATE OF revoked_at ON membership"
        " FOR EACH ROW WHEN (NEW.role = 'site_owner' AND OLD.revoked_at IS NULL"
        " AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION site_keeps_an_owner()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER site_keeps_an_owner ON membership")
    op.execute("DROP FUNCTION site_keeps_an_owner()")
    op.drop_table(TABLE)
