"""Affiliation agreements: templates, signers, signatures, and the bookings that need one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055_agreements"
down_revision = "0054_school_requests_valid"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
ID = sa.Uuid()
STATES = "'draft', 'out_for_signature', 'in_force', 'ended', 'void'"
SENT = ("title", "body", "school_id", "site_id", "school_name", "site_name", "sha256", "starts_on")
HISTORIES = ("agreement_template", "agreement_signature", "agreement_step", "agreement_reminder")
TABLES = (
    *("agreement_rule", "agreement_reminder", "agreement_step", "agreement_signature"),
    *("agreement_signer", "agreement", "agreement_template"),
)


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def check(table: str, name: str, said: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(said, name=f"ck_{table}_{name}")


def upgrade() -> None:
    templates()
    agreements()
    signers()
    steps()
    rules()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    keep()
    freeze()


def templates() -> None:
    table = "agreement_template"
    op.create_table(
        table,
        column("id", ID),
        column("name", sa.Text()),
        column("number", sa.Integer()),
        column("title", sa.Text()),
        column("body", sa.Text()),
        column("fields", postgresql.JSONB()),
        column("made_by", ID),
        column("made_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_template"),
        to(table, "made_by", "account"),
        sa.UniqueConstraint("name", "number", name="uq_agreement_template_name_number"),
        check(table, "number", "number >= 1"),
        check(table, "body", "body <> ''"),
    )


def agreements() -> None:
    table = "agreement"
    op.create_table(
        table,
        column("id", ID),
        column("school_id", ID),
        column("site_id", ID),
        column("template_id", ID),
        column("state", sa.Text()),
        column("version", sa.Integer()),
        column("title", sa.Text()),
        column("body", sa.Text()),
        column("school_name", sa.Text()),
        column("site_name", sa.Text()),
        column("sha256", sa.Text()),
        column("starts_on", sa.Date()),
        column("ends_on", sa.Date()),
        column("made_by", ID),
        column("made_at", AT),
        column("sent_at", AT, nullable=True),
        column("signed_at", AT, nullable=True),
        column("ended_at", AT, nullable=True),
        column("object_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agreement"),
        to(table, "school_id", "school"),
        to(table, "site_id", "site"),
        to(table, "template_id", "agreement_template"),
        to(table, "made_by", "account"),
        check(table, "state", f"state IN ({STATES})"),
        check(table, "days", "starts_on <= ends_on"),
        check(table, "version", "version >= 1"),
        check(table, "sent", "state IN ('draft', 'void') OR sent_at IS NOT NULL"),
        check(table, "signed", "state NOT IN ('in_force', 'ended') OR signed_at IS NOT NULL"),
        check(table, "ended", "(state = 'ended') = (ended_at IS NOT NULL)"),
    )
    op.create_index("ix_agreement_school_id", table, ["school_id", "id"])
    op.create_index("ix_agreement_site_id", table, ["site_id", "id"])
    op.create_index("ix_agreement_template_id", table, ["template_id"])
    op.create_index(
        "ix_agreement_in_force",
        table,
        ["site_id", "school_id", "ends_on"],
        postgresql_where=sa.text("state = 'in_force'"),
    )


def signers() -> None:
    table = "agreement_signer"
    op.create_table(
        table,
        column("id", ID),
        column("agreement_id", ID),
        column("place", sa.SmallInteger()),
        column("side", sa.Text()),
        column("name", sa.Text()),
        column("email", sa.Text()),
        column("role", sa.Text()),
        column("asked_at", AT, nullable=True),
        sa.Column("reminded", sa.Integer(), server_default=sa.text("0"), nullable=False),
        column("token_hash", sa.LargeBinary(), nullable=True),
        column("expires_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_signer"),
        to(table, "agreement_id", "agreement"),
        sa.UniqueConstraint("agreement_id", "place", name="uq_agreement_signer_agreement_id_place"),
        check(table, "place", "place >= 1"),
        check(table, "side", "side IN ('school', 'site')"),
        check(table, "email", "email = lower(email)"),
        check(table, "link", "(token_hash IS NULL) = (expires_at IS NULL)"),
        check(table, "token_hash", "octet_length(token_hash) = 32"),
    )
    table = "agreement_signature"
    op.create_table(
        table,
        column("signer_id", ID),
        column("sha256", sa.Text()),
        column("typed_name", sa.Text()),
        column("wording", sa.Text()),
        column("signed_at", AT),
        column("address", sa.Text()),
        column("user_agent", sa.Text()),
        sa.PrimaryKeyConstraint("signer_id", name="pk_agreement_signature"),
        to(table, "signer_id", "agreement_signer"),
        check(table, "typed_name", "typed_name <> ''"),
    )


def steps() -> None:
    table = "agreement_step"
    op.create_table(
        table,
        column("agreement_id", ID),
        column("number", sa.Integer()),
        column("from_state", sa.Text(), nullable=True),
        column("to_state", sa.Text()),
        column("at", AT),
        column("actor_id", ID, nullable=True),
        column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("agreement_id", "number", name="pk_agreement_step"),
        to(table, "agreement_id", "agreement"),
        to(table, "actor_id", "account"),
        check(table, "number", "number >= 1"),
    )
    table = "agreement_reminder"
    op.create_table(
        table,
        column("agreement_id", ID),
        column("days_left", sa.Integer()),
        column("sent_at", AT),
        sa.PrimaryKeyConstraint("agreement_id", "days_left", name="pk_agreement_reminder"),
        to(table, "agreement_id", "agreement"),
    )


def rules() -> None:
    table = "agreement_rule"
    op.create_table(
        table,
        column("id", ID),
        column("site_id", ID),
        column("listing_id", ID, nullable=True),
        column("made_by", ID),
        column("made_at", AT),
        column("ended_by", ID, nullable=True),
        column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_rule"),
        to(table, "site_id", "site"),
        to(table, "listing_id", "listing"),
        to(table, "made_by", "account"),
        to(table, "ended_by", "account"),
        check(table, "ended", "(ended_at IS NULL) = (ended_by IS NULL)"),
    )
    op.create_index(
        "uq_agreement_rule_live",
        table,
        ["site_id", "listing_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_agreement_rule_listing_id", table, ["listing_id"])


def keep() -> None:
    """What was sent to be signed stays; the last day alone may come nearer, by an early end."""
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in SENT)
    op.execute(
        f"""
        CREATE FUNCTION keep_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state IN ('ended', 'void')
               AND NEW.state IS DISTINCT FROM OLD.state
               OR OLD.state <> 'draft' AND ({changed} OR NEW.ends_on > OLD.ends_on) THEN
                RAISE EXCEPTION 'an agreement stays as it was sent'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'agreement_kept';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_agreement BEFORE UPDATE OR DELETE ON agreement"
        " FOR EACH ROW EXECUTE FUNCTION keep_agreement()"
    )


def freeze() -> None:
    """Whether a booking needs an agreement is set as its row is inserted; a constant default
    rewrites nothing."""
    op.add_column(
        "booking",
        sa.Column(
            "agreement_needed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.execute(
        """
        CREATE FUNCTION freeze_agreement_rule() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.agreement_needed := EXISTS (
                SELECT FROM agreement_rule
                 WHERE site_id = NEW.site_id AND ended_at IS NULL
                   AND (listing_id IS NULL OR listing_id = NEW.listing_id));
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER freeze_agreement_rule BEFORE INSERT ON booking"
        " FOR EACH ROW EXECUTE FUNCTION freeze_agreement_rule()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER freeze_agreement_rule ON booking")
    op.execute("DROP FUNCTION freeze_agreement_rule()")
    op.drop_column("booking", "agreement_needed")
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_agreement()")
