"""Papers: letters and certificates as they were issued, their numbers, and what keeps them so."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040_papers"
down_revision = "0039_messages"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
KINDS = "'acceptance_letter', 'visa_letter', 'completion_certificate', 'teaching_certificate'"
FIXED = (
    *("id", "kind", "booking_id", "account_id", "site_id", "number", "revision", "code_digest"),
    *("content", "object_key", "issued_at"),
)
ONCE = ("credential", "stored_at", "revoked_at", "revoked_by", "revocation_reason")


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def upgrade() -> None:
    op.create_table(
        "paper_sequence",
        column("kind", sa.Text()),
        column("last_number", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kind", name="pk_paper_sequence"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_paper_sequence_kind"),
    )
    op.create_table(
        "paper",
        column("id", sa.Uuid()),
        column("kind", sa.Text()),
        column("booking_id", sa.Uuid(), nullable=True),
        column("account_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        column("number", sa.BigInteger()),
        column("revision", sa.SmallInteger()),
        column("code_digest", sa.LargeBinary()),
        column("content", postgresql.JSONB()),
        column("object_key", sa.Text()),
        column("issued_at", AT),
        column("credential", sa.Text(), nullable=True),
        column("stored_at", AT, nullable=True),
        column("revoked_at", AT, nullable=True),
        column("revoked_by", sa.Uuid(), nullable=True),
        column("revocation_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_paper"),
        to("paper", "booking_id", "booking"),
        to("paper", "account_id", "account"),
        to("paper", "site_id", "site"),
        to("paper", "revoked_by", "account"),
        sa.UniqueConstraint("kind", "number", name="uq_paper_kind_number"),
        sa.UniqueConstraint("code_digest", name="uq_paper_code_digest"),
        sa.UniqueConstraint(
            "booking_id", "kind", "revision", name="uq_paper_booking_id_kind_revision"
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_paper_kind"),
        sa.CheckConstraint("number >= 1", name="ck_paper_number"),
        sa.CheckConstraint("revision >= 1", name="ck_paper_revision"),
        sa.CheckConstraint("octet_length(code_digest) = 32", name="ck_paper_code_digest"),
        sa.CheckConstraint(
            "(booking_id IS NULL) = (kind = 'teaching_certificate')", name="ck_paper_booking"
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revocation_reason IS NULL)", name="ck_paper_revoked"
        ),
        sa.CheckConstraint(
            "credential IS NULL OR kind = 'completion_certificate'", name="ck_paper_credential"
        ),
    )
    op.create_index("ix_paper_account_id", "paper", ["account_id", "id"])
    op.create_index("ix_paper_site_id", "paper", ["site_id", "id"])
    op.create_index(
        "ix_paper_revoked_at",
        "paper",
        ["revoked_at"],
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    keep()


def keep() -> None:
    """What a paper says never changes, nor is it deleted; what is set later is set once."""
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in FIXED)
    again = " OR ".join(
        f"(OLD.{name} IS NOT NULL AND NEW.{name} IS DISTINCT FROM OLD.{name})" for name in ONCE
    )
    op.execute(
        f"""
        CREATE FUNCTION keep_paper() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR {changed} OR {again} THEN
                RAISE EXCEPTION 'a paper stays as it was issued'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'paper_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_paper BEFORE UPDATE OR DELETE ON paper"
        " FOR EACH ROW EXECUTE FUNCTION keep_paper()"
    )


def downgrade() -> None:
    op.drop_table("paper")
    op.drop_table("paper_sequence")
    op.execute("DROP FUNCTION keep_paper()")
