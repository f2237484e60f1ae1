"""Requirements of sites and listings, trainees' documents, and what a booking was asked for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025_documents"
down_revision = "0024_free_weeks"
branch_labels = None
depends_on = None

KINDS = (
    "'passport', 'cv', 'deans_letter', 'transcript', 'mmr', 'varicella', 'hepatitis_b', 'tdap', "
    "'tb_test', 'influenza', 'bls', 'hipaa_training', 'background_check', 'drug_screen', "
    "'malpractice_insurance', 'health_insurance', 'step_score_report', 'english_proof', "
    "'mmr_titre', 'varicella_titre', 'hepatitis_b_titre', 'chest_xray', 'toefl_report', "
    "'ielts_report', 'oet_report'"
)
UPLOAD_STATES = "'waiting', 'received', 'taken', 'refused'"
HISTORIES = ("requirement_version", "document_version", "document_decision", "booking_waiver")
TABLES = (
    "booking_waiver",
    "document_reminder",
    "document_link",
    "document_upload",
    "document_release",
    "document_decision",
    "document_content",
    "document_version",
    "document",
    "requirement_version",
)
FROZEN = ("site_requirements_id", "listing_requirements_id")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    requirements()
    documents()
    decisions_and_releases()
    ways_in_and_out()
    frozen_on_bookings()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def column(name: str, kind: object, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)


def to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.id"], name=f"fk_{table}_{name}_{target}")


def requirements() -> None:
    table = "requirement_version"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("scope_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        column("listing_id", sa.Uuid(), nullable=True),
        column("number", sa.Integer()),
        column("requirements", postgresql.JSONB()),
        column("note", sa.Text()),
        column("made_by", sa.Uuid()),
        column("made_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_requirement_version"),
        to(table, "site_id", "site"),
        to(table, "listing_id", "listing"),
        to(table, "made_by", "account"),
        sa.UniqueConstraint("scope_id", "number", name="uq_requirement_version_scope_id_number"),
        sa.CheckConstraint("number >= 1", name="ck_requirement_version_number"),
        sa.CheckConstraint(
            "scope_id = COALESCE(listing_id, site_id)", name="ck_requirement_version_scope"
        ),
    )
    op.create_index("ix_requirement_version_site_id", table, ["site_id"])
    op.create_index("ix_requirement_version_listing_id", table, ["listing_id"])


def documents() -> None:
    op.create_table(
        "document",
        column("id", sa.Uuid()),
        column("holder_id", sa.Uuid()),
        column("kind", sa.Text()),
        column("version", sa.Integer()),
        column("expires_on", sa.Date(), nullable=True),
        column("waiting_since", AT, nullable=True),
        column("made_at", AT),
        column("deleted_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        to("document", "holder_id", "account"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_document_kind"),
        sa.CheckConstraint("version >= 1", name="ck_document_version"),
        sa.CheckConstraint(
            "deleted_at IS NULL OR waiting_since IS NULL", name="ck_document_deleted"
        ),
    )
    op.create_index("ix_document_holder_id", "document", ["holder_id", "id"])
    op.create_index(
        "ix_document_waiting_since",
        "document",
        ["waiting_since", "id"],
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    op.create_index(
        "ix_document_expires_on",
        "document",
        ["expires_on", "id"],
        postgresql_where=sa.text("expires_on IS NOT NULL AND deleted_at IS NULL"),
    )
    table = "document_version"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("document_id", sa.Uuid()),
        column("number", sa.Integer()),
        column("filename", sa.Text()),
        column("media_type", sa.Text()),
        column("size", sa.Integer()),
        column("sha256", sa.LargeBinary()),
        column("facts", postgresql.JSONB()),
        column("uploaded_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_document_version"),
        to(table, "document_id", "document"),
        sa.UniqueConstraint("document_id", "number", name="uq_document_version_document_id_number"),
        sa.CheckConstraint("number >= 1", name="ck_document_version_number"),
        sa.CheckConstraint("size > 0", name="ck_document_version_size"),
    )
    op.create_table(
        "document_content",
        column("version_id", sa.Uuid()),
        column("object_key", sa.Text()),
        column("sealed_key", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("version_id", name="pk_document_content"),
        to("document_content", "version_id", "document_version"),
        sa.UniqueConstraint("object_key", name="uq_document_content_object_key"),
    )


def decisions_and_releases() -> None:
    table = "document_decision"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("version_id", sa.Uuid()),
        column("site_id", sa.Uuid(), nullable=True),
        column("number", sa.Integer()),
        column("decision", sa.Text()),
        column("reason", sa.Text()),
        column("facts", postgresql.JSONB()),
        column("decided_by", sa.Uuid()),
        column("decided_at", AT),
        sa.PrimaryKeyConstraint("id", name="pk_document_decision"),
        to(table, "version_id", "document_version"),
        to(table, "site_id", "site"),
        to(table, "decided_by", "account"),
        sa.CheckConstraint(
            "decision IN ('accepted', 'rejected')", name="ck_document_decision_decision"
        ),
        sa.CheckConstraint(
            "decision = 'accepted' OR reason <> ''", name="ck_document_decision_reason"
        ),
        sa.CheckConstraint("number >= 1", name="ck_document_decision_number"),
    )
    op.create_index(
        "uq_document_decision_version_id_site_id_number",
        table,
        ["version_id", "site_id", "number"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_document_decision_site_id", table, ["site_id"])
    table = "document_release"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("document_id", sa.Uuid()),
        column("site_id", sa.Uuid()),
        column("reference", sa.Uuid()),
        column("released_by", sa.Uuid()),
        column("released_at", AT),
        column("ends_at", AT),
        column("revoked_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document_release"),
        to(table, "document_id", "document"),
        to(table, "site_id", "site"),
        to(table, "released_by", "account"),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_document_release_document_id_reference",
        table,
        ["document_id", "reference"],
        unique=True,
        postgresql_where=live,
    )
    op.create_index(
        "ix_document_release_site_id", table, ["site_id", "document_id"], postgresql_where=live
    )
    op.create_index("ix_document_release_reference", table, ["reference"])


def ways_in_and_out() -> None:
    table = "document_upload"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("holder_id", sa.Uuid()),
        column("document_id", sa.Uuid(), nullable=True),
        column("kind", sa.Text()),
        column("filename", sa.Text()),
        column("media_type", sa.Text()),
        column("size", sa.Integer()),
        column("facts", postgresql.JSONB()),
        column("state", sa.Text()),
        column("asked_at", AT),
        column("expires_at", AT),
        column("fault", postgresql.JSONB(), nullable=True),
        column("version_id", sa.Uuid(), nullable=True),
        column("tidied_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document_upload"),
        to(table, "holder_id", "account"),
        to(table, "document_id", "document"),
        to(table, "version_id", "document_version"),
        sa.CheckConstraint(f"state IN ({UPLOAD_STATES})", name="ck_document_upload_state"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_document_upload_kind"),
        sa.CheckConstraint(
            "(state = 'taken') = (version_id IS NOT NULL)", name="ck_document_upload_taken"
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (fault IS NOT NULL)", name="ck_document_upload_refused"
        ),
    )
    op.create_index("ix_document_upload_document_id", table, ["document_id"])
    op.create_index("ix_document_upload_version_id", table, ["version_id"])
    op.create_index(
        "ix_document_upload_expires_at",
        table,
        ["expires_at", "id"],
        postgresql_where=sa.text("tidied_at IS NULL"),
    )
    table = "document_link"
    op.create_table(
        table,
        column("id", sa.Uuid()),
        column("version_id", sa.Uuid()),
        column("account_id", sa.Uuid()),
        column("role", sa.Text()),
        column("site_id", sa.Uuid(), nullable=True),
        column("reason", sa.Text()),
        column("made_at", AT),
        column("expires_at", AT),
        column("used_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_document_link"),
        to(table, "version_id", "document_version"),
        to(table, "account_id", "account"),
        to(table, "site_id", "site"),
        sa.CheckConstraint("role IN ('holder', 'site', 'operator')", name="ck_document_link_role"),
        sa.CheckConstraint("(role = 'site') = (site_id IS NOT NULL)", name="ck_document_link_site"),
    )
    op.create_index("ix_document_link_version_id", table, ["version_id"])
    op.create_index("ix_document_link_site_id", table, ["site_id"])
    op.create_table(
        "document_reminder",
        column("document_id", sa.Uuid()),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        column("expires_on", sa.Date()),
        column("sent_at", AT),
        sa.PrimaryKeyConstraint(
            "document_id", "version", "expires_on", name="pk_document_reminder"
        ),
        to("document_reminder", "document_id", "document"),
    )


def frozen_on_bookings() -> None:
    """What was asked for when a booking was made is set by the database, and stays."""
    for name in FROZEN:
        op.add_column("booking", sa.Column(name, sa.Uuid(), nullable=True))
        # For new rows at once; the old ones are read by the next migration, which lets others
        # write meanwhile.
        op.execute(
            f"ALTER TABLE booking ADD CONSTRAINT fk_booking_{name}_requirement_version"
            f" FOREIGN KEY ({name}) REFERENCES requirement_version (id) NOT VALID"
        )
    op.execute(
        """
        CREATE FUNCTION freeze_requirements() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.site_requirements_id := (
                SELECT id FROM requirement_version WHERE scope_id = NEW.site_id
                ORDER BY number DESC LIMIT 1);
            NEW.listing_requirements_id := (
                SELECT id FROM requirement_version WHERE scope_id = NEW.listing_id
                ORDER BY number DESC LIMIT 1);
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER freeze_requirements BEFORE INSERT ON booking"
        " FOR EACH ROW EXECUTE FUNCTION freeze_requirements()"
    )
    op.execute(
        """
        CREATE FUNCTION keep_requirements() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what a booking was asked for is frozen'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'frozen_requirements';
        END $$
        """
    )
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in FROZEN)
    op.execute(
        f"CREATE TRIGGER keep_requirements BEFORE UPDATE OF {', '.join(FROZEN)} ON booking"
        f" FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION keep_requirements()"
    )
    op.create_table(
        "booking_waiver",
        column("booking_id", sa.Uuid()),
        column("requirement", sa.Text()),
        column("reason", sa.Text()),
        column("waived_by", sa.Uuid()),
        column("waived_at", AT),
        sa.PrimaryKeyConstraint("booking_id", "requirement", name="pk_booking_waiver"),
        to("booking_waiver", "booking_id", "booking"),
        to("booking_waiver", "waived_by", "account"),
        sa.CheckConstraint("reason <> ''", name="ck_booking_waiver_reason"),
    )


def downgrade() -> None:
    for name in ("keep_requirements", "freeze_requirements"):
        op.execute(f"DROP TRIGGER {name} ON booking")
        op.execute(f"DROP FUNCTION {name}()")
    for name in FROZEN:
        op.drop_constraint(f"fk_booking_{name}_requirement_version", "booking")
        op.drop_column("booking", name)
    for table in TABLES:
        op.drop_table(table)
