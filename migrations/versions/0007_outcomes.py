"""Outcomes: evaluations, attestations, Match outcomes, survey campaigns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007_outcomes"
down_revision = "0006_booking"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TABLES = (
    *("person", "evaluation", "attestation"),
    *("match_outcome", "match_outcome_event", "campaign", "cohort_member"),
    *("cohort_member_version", "survey_link", "survey_answer"),
)
HISTORY = (
    "evaluation",
    "attestation",
    "match_outcome_event",
    "cohort_member_version",
    "survey_answer",
)
COMPETENCIES = (
    "patient_care",
    "medical_knowledge",
    "practice_based_learning",
    "communication",
    "professionalism",
    "systems_based_practice",
)
FACTS = ("specialty", "modality", "grad_band", "rotation_status", "frame_flag", "delivery")
FACT_FLAGS = ("consent_to_contact", "invited", "match_items_answered", "lor_earned")


def uid(name: str) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=False)


def pk(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def ref(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=f"ck_{table}_{name}")


def facts() -> list[sa.Column]:
    """What is known of a member of the frame, now and in each version."""
    return [
        sa.Column("img_type", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in FACTS),
        *(sa.Column(name, sa.Boolean()) for name in FACT_FLAGS),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column(
            "refused_items", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("wave", sa.SmallInteger()),
    ]


def facts_checked(table: str) -> list[sa.CheckConstraint]:
    return [
        check(table, "delivery", "delivery IN ('delivered','bounced','not_sent')"),
        check(
            table,
            "disposition",
            "disposition IN ('I','P','R','NC_no_reply','NC_bounced','NC_not_invited',"
            "'O_deceased','NE')",
        ),
        check(table, "frame_flag", "frame_flag IN ('ok','duplicate','deceased')"),
        check(table, "img_type", "img_type IN ('us_img','non_us_img')"),
        check(table, "modality", "modality IN ('in_person','virtual')"),
        check(table, "rotation_status", "rotation_status IN ('completed','cancelled')"),
        check(table, "wave", "wave BETWEEN 1 AND 99"),
    ]


def upgrade() -> None:
    make_records()
    make_match_outcomes()
    make_survey()
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def make_records() -> None:
    op.create_table(
        "person",
        uid("id"),
        sa.Column("trainee_id", sa.Uuid()),
        sa.Column("external_id", sa.Text()),
        check("person", "one_identity", "(trainee_id IS NULL) <> (external_id IS NULL)"),
        ref("person", "trainee_id", "account"),
        pk("person"),
        unique("person", "external_id"),
        unique("person", "trainee_id"),
    )
    op.create_table(
        "evaluation",
        uid("id"),
        uid("booking_id"),
        uid("trainee_id"),
        uid("evaluator_id"),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in COMPETENCIES),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.Column("shown_to_trainee", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        *(check("evaluation", name, f"{name} BETWEEN 1 AND 5") for name in COMPETENCIES),
        check("evaluation", "revision", "revision >= 1"),
        ref("evaluation", "booking_id", "booking"),
        ref("evaluation", "evaluator_id", "account"),
        ref("evaluation", "trainee_id", "account"),
        pk("evaluation"),
        unique("evaluation", "booking_id", "evaluator_id", "revision"),
    )
    op.create_index("ix_evaluation_trainee_id", "evaluation", ["trainee_id"])
    op.create_table(
        "attestation",
        uid("id"),
        uid("booking_id"),
        uid("listing_id"),
        uid("trainee_id"),
        sa.Column("duties", ARRAY(sa.Text()), nullable=False),
        sa.Column("direct_contact", sa.Boolean(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        check("attestation", "duties", "cardinality(duties) > 0"),
        ref("attestation", "booking_id", "booking"),
        ref("attestation", "listing_id", "listing"),
        ref("attestation", "trainee_id", "account"),
        pk("attestation"),
        unique("attestation", "booking_id"),
    )
    op.create_index("ix_attestation_listing_id", "attestation", ["listing_id"])


def make_match_outcomes() -> None:
    op.create_table(
        "match_outcome",
        uid("id"),
        uid("person_id"),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("registered", sa.Boolean()),
        sa.Column("certified_rol", sa.Boolean()),
        sa.Column("main_result", sa.Text()),
        sa.Column("soap_result", sa.Text()),
        sa.Column("outside_match", sa.Boolean()),
        sa.Column("program", sa.Text()),
        sa.Column("specialty", sa.Text()),
        sa.Column("interviews", sa.SmallInteger()),
        sa.Column("provenance", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        check(
            "match_outcome",
            "matched_certified",
            "NOT (main_result IN ('matched_pgy1','matched_pgy2_only') AND NOT certified_rol)",
        ),
        check(
            "match_outcome",
            "main_result",
            "main_result IN ('matched_pgy1','matched_pgy2_only','unmatched','not_in_algorithm')",
        ),
        check(
            "match_outcome",
            "soap_result",
            "soap_result IN ('placed_pgy1','not_placed','not_applicable')",
        ),
        check("match_outcome", "certified_registered", "NOT (certified_rol AND NOT registered)"),
        check("match_outcome", "interviews", "interviews BETWEEN 0 AND 200"),
        check("match_outcome", "match_year", "match_year BETWEEN 1952 AND 2100"),
        ref("match_outcome", "person_id", "person"),
        pk("match_outcome"),
        unique("match_outcome", "person_id", "match_year"),
    )
    op.create_index(
        "ix_match_outcome_match_year_changed_at", "match_outcome", ["match_year", "changed_at"]
    )
    op.create_table(
        "match_outcome_event",
        uid("id"),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        uid("outcome_id"),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old_value", sa.Text()),
        sa.Column("new_value", sa.Text()),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("external_event_id", sa.Text()),
        sa.Column("retracts_id", sa.Uuid()),
        sa.Column("recorded_at", TIME, nullable=False),
        check(
            "match_outcome_event",
            "field",
            "field IN ('registered','certified_rol','main_result','soap_result','outside_match',"
            "'program','specialty','interviews')",
        ),
        check(
            "match_outcome_event",
            "provenance",
            "provenance IN ('self_reported','document_verified','roster_verified','disputed')",
        ),
        ref("match_outcome_event", "actor_id", "account"),
        ref("match_outcome_event", "outcome_id", "match_outcome"),
        ref("match_outcome_event", "retracts_id", "match_outcome_event"),
        pk("match_outcome_event"),
        unique("match_outcome_event", "external_event_id"),
    )
    op.create_index(
        "ix_match_outcome_event_outcome_id_field_number",
        "match_outcome_event",
        ["outcome_id", "field", "number"],
    )
    op.create_index(
        "uq_match_outcome_event_retracts_id",
        "match_outcome_event",
        ["retracts_id"],
        unique=True,
        postgresql_where="retracts_id IS NOT NULL",
    )


def make_survey() -> None:
    op.create_table(
        "campaign",
        uid("id"),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("questionnaire_version", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("freeze_on", sa.Date(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("framed_at", TIME),
        check("campaign", "match_year", "match_year BETWEEN 1952 AND 2100"),
        check("campaign", "dates", "opens_on <= closes_on AND closes_on <= freeze_on"),
        pk("campaign"),
        unique("campaign", "match_year"),
    )
    op.create_table(
        "cohort_member",
        uid("id"),
        uid("campaign_id"),
        uid("person_id"),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        *facts(),
        *facts_checked("cohort_member"),
        ref("cohort_member", "campaign_id", "campaign"),
        ref("cohort_member", "person_id", "person"),
        pk("cohort_member"),
        unique("cohort_member", "campaign_id", "person_id"),
    )
    op.create_index("ix_cohort_member_person_id", "cohort_member", ["person_id"])
    op.create_table(
        "cohort_member_version",
        uid("id"),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        uid("member_id"),
        sa.Column("recorded_at", TIME, nullable=False),
        *facts(),
        *facts_checked("cohort_member_version"),
        ref("cohort_member_version", "member_id", "cohort_member"),
        pk("cohort_member_version"),
    )
    op.create_index(
        "ix_cohort_member_version_member_id_number",
        "cohort_member_version",
        ["member_id", "number"],
    )
    op.create_table(
        "survey_link",
        uid("id"),
        uid("member_id"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        ref("survey_link", "member_id", "cohort_member"),
        pk("survey_link"),
        unique("survey_link", "token_hash"),
    )
    op.create_index("ix_survey_link_member_id", "survey_link", ["member_id"])
    op.create_table(
        "survey_answer",
        uid("id"),
        uid("member_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        check("survey_answer", "version", "version >= 1"),
        ref("survey_answer", "member_id", "cohort_member"),
        pk("survey_answer"),
        unique("survey_answer", "member_id", "version"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
