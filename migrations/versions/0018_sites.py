"""Verification of sites with its history, preceptors' credentials, what a listing waits for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_sites"
down_revision = "0017_search"
branch_labels = None
depends_on = None

KINDS = (
    "'npi_registry', 'state_license', 'cms_certification', 'accreditation', "
    "'affiliation_agreement', 'letterhead', 'telephone', 'visit', 'other'"
)
CREDENTIALS = (
    "'MD', 'DO', 'MBBS', 'MBChB', 'MBBCh', 'BMBS', 'PhD', 'DPM', 'DDS', 'DMD', 'PharmD', 'PsyD', "
    "'MPH', 'MSc', 'MS', 'MBA', 'MHA', 'RN', 'NP', 'DNP', 'APRN', 'PA-C', 'FACP', 'FACS', 'FAAP', "
    "'FAAFP', 'FACC', 'FACOG', 'FACEP', 'FACG', 'FCCP', 'FASN', 'FAAN', 'FAPA', 'FAAD', 'FACR', "
    "'FIDSA', 'FASCO', 'FRCP', 'FRCS', 'FRCPC', 'FRCSC', 'MRCP'"
)
WAITS = "'site_unverified', 'words_under_review', 'fee_currency'"
HISTORIES = ("site_check", "site_change")


def upgrade() -> None:
    change_site()
    change_preceptor()
    change_listing()
    create_check()
    create_change()
    for table in HISTORIES:
        op.execute(
            f"CREATE TRIGGER history BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def change_site() -> None:
    op.add_column("site", sa.Column("waiting_since", sa.DateTime(timezone=True)))
    # Whoever is public already is looked at first; nothing is said to be verified that is not.
    op.execute(
        "UPDATE site SET verification = 'pending', waiting_since = now()"
        " WHERE verification IN ('unverified', 'pending') AND EXISTS ("
        " SELECT 1 FROM listing WHERE listing.site_id = site.id"
        " AND listing.state IN ('published', 'in_review'))"
    )
    op.execute(
        "UPDATE site SET waiting_since = now()"
        " WHERE verification = 'pending' AND waiting_since IS NULL"
    )
    op.create_check_constraint(
        "ck_site_waiting", "site", "verification <> 'pending' OR waiting_since IS NOT NULL"
    )
    op.create_index(
        "ix_site_waiting_since",
        "site",
        ["waiting_since", "id"],
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )


def change_preceptor() -> None:
    op.add_column("preceptor", sa.Column("specialty", sa.Text()))
    op.add_column(
        "preceptor",
        sa.Column("credentials", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )
    op.add_column(
        "preceptor", sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))
    )
    op.create_check_constraint(
        "ck_preceptor_credentials", "preceptor", f"credentials <@ ARRAY[{CREDENTIALS}]::text[]"
    )


def change_listing() -> None:
    op.add_column(
        "listing", sa.Column("waits_for", sa.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.execute("UPDATE listing SET waits_for = '{words_under_review}' WHERE state = 'in_review'")
    op.create_check_constraint(
        "ck_listing_waits_for",
        "listing",
        "(state = 'in_review') = (cardinality(waits_for) > 0)"
        f" AND waits_for <@ ARRAY[{WAITS}]::text[]",
    )


def create_check() -> None:
    op.create_table(
        "site_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("site_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_check"),
        reference("site_check", "site_id", "site"),
        reference("site_check", "account_id", "account"),
        sa.CheckConstraint(
            "step IN ('submitted', 'verified', 'rejected')", name="ck_site_check_step"
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_site_check_kind"),
        sa.CheckConstraint("(kind IS NULL) = (reference IS NULL)", name="ck_site_check_evidence"),
        sa.CheckConstraint("step <> 'verified' OR kind IS NOT NULL", name="ck_site_check_verified"),
        sa.CheckConstraint("step <> 'rejected' OR note <> ''", name="ck_site_check_rejected"),
    )
    op.create_index("ix_site_check_site_id", "site_check", ["site_id", "id"])
    op.create_index("ix_site_check_account_id", "site_check", ["account_id"])


def create_change() -> None:
    op.create_table(
        "site_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("difference", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_change"),
        sa.UniqueConstraint("subject_id", "version", name="uq_site_change_subject_id_version"),
        reference("site_change", "site_id", "site"),
        reference("site_change", "account_id", "account"),
        sa.CheckConstraint("subject IN ('site', 'preceptor')", name="ck_site_change_subject"),
    )
    op.create_index("ix_site_change_site_id", "site_change", ["site_id", "id"])
    op.create_index("ix_site_change_account_id", "site_change", ["account_id"])


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def downgrade() -> None:
    op.drop_table("site_change")
    op.drop_table("site_check")
    op.drop_constraint("ck_listing_waits_for", "listing")
    op.drop_column("listing", "waits_for")
    op.drop_constraint("ck_preceptor_credentials", "preceptor")
    for column in ("version", "credentials", "specialty"):
        op.drop_column("preceptor", column)
    op.drop_index("ix_site_waiting_since", "site")
    op.drop_constraint("ck_site_waiting", "site")
    op.drop_column("site", "waiting_since")
