"""Outcomes: evaluations, attestations, letters, Match outcomes, survey campaigns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007_outcomes"
down_revision = "0006_booking"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
HISTORY = (
    "evaluation",
    "attestation",
    "letter_content",
    "match_outcome_event",
    "cohort_member_version",
    "survey_answer",
)


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trainee_id", sa.Uuid()),
        sa.Column("external_id", sa.Text()),
        sa.CheckConstraint(
            "(trainee_id IS NULL) <> (external_id IS NULL)", name="ck_person_one_identity"
        ),
        sa.ForeignKeyConstraint(
            ["trainee_id"], ["account.id"], name="fk_person_trainee_id_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("external_id", name="uq_person_external_id"),
        sa.UniqueConstraint("trainee_id", name="uq_person_trainee_id"),
    )
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("trainee_id", sa.Uuid(), nullable=False),
        sa.Column("evaluator_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("patient_care", sa.SmallInteger(), nullable=False),
        sa.Column("medical_knowledge", sa.SmallInteger(), nullable=False),
        sa.Column("practice_based_learning", sa.SmallInteger(), nullable=False),
        sa.Column("communication", sa.SmallInteger(), nullable=False),
        sa.Column("professionalism", sa.SmallInteger(), nullable=False),
        sa.Column("systems_based_practice", sa.SmallInteger(), nullable=False),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.Column("shown_to_trainee", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("communication BETWEEN 1 AND 5", name="ck_evaluation_communication"),
        sa.CheckConstraint(
            "medical_knowledge BETWEEN 1 AND 5", name="ck_evaluation_medical_knowledge"
        ),
        sa.CheckConstraint("patient_care BETWEEN 1 AND 5", name="ck_evaluation_patient_care"),
        sa.CheckConstraint(
            "practice_based_learning BETWEEN 1 AND 5", name="ck_evaluation_practice_based_learning"
        ),
        sa.CheckConstraint("professionalism BETWEEN 1 AND 5", name="ck_evaluation_professionalism"),
        sa.CheckConstraint("revision >= 1", name="ck_evaluation_revision"),
        sa.CheckConstraint(
            "systems_based_practice BETWEEN 1 AND 5", name="ck_evaluation_systems_based_practice"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name="fk_evaluation_booking_id_booking"
        ),
        sa.ForeignKeyConstraint(
            ["evaluator_id"], ["account.id"], name="fk_evaluation_evaluator_id_account"
        ),
        sa.ForeignKeyConstraint(
            ["trainee_id"], ["account.id"], name="fk_evaluation_trainee_id_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sa.UniqueConstraint(
            "booking_id",
            "evaluator_id",
            "revision",
            name="uq_evaluation_booking_id_evaluator_id_revision",
        ),
    )
    op.create_index("ix_evaluation_trainee_id", "evaluation", ["trainee_id"])
    op.create_table(
        "attestation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("trainee_id", sa.Uuid(), nullable=False),
        sa.Column("duties", ARRAY(sa.Text()), nullable=False),
        sa.Column("direct_contact", sa.Boolean(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("cardinality(duties) > 0", name="ck_attestation_duties"),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name="fk_attestation_booking_id_booking"
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name="fk_attestation_listing_id_listing"
        ),
        sa.ForeignKeyConstraint(
            ["trainee_id"], ["account.id"], name="fk_attestation_trainee_id_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attestation"),
        sa.UniqueConstraint("booking_id", name="uq_attestation_booking_id"),
    )
    op.create_index("ix_attestation_listing_id", "attestation", ["listing_id"])
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("letter_code", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("trainee_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("strong", sa.Boolean()),
        sa.Column("specialty", sa.Text()),
        sa.Column("packet", JSONB(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text()),
        sa.Column("author_email", sa.Text()),
        sa.Column("drafted_by", sa.Text()),
        sa.Column("refusal_reason", sa.Text()),
        sa.Column("due_on", sa.Date()),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answered_at", TIME),
        sa.Column("uploaded_at", TIME),
        sa.Column("confirmed_at", TIME),
        sa.CheckConstraint(
            "(state = 'confirmed') = (confirmed_at IS NOT NULL)", name="ck_letter_confirmed"
        ),
        sa.CheckConstraint(
            "(state IN ('uploaded','confirmed')) = (uploaded_at IS NOT NULL)",
            name="ck_letter_uploaded",
        ),
        sa.CheckConstraint(
            "drafted_by IN ('author','trainee','both')", name="ck_letter_drafted_by"
        ),
        sa.CheckConstraint(
            "state IN ('asked','agreed','refused','withdrawn','uploaded','confirmed')",
            name="ck_letter_state",
        ),
        sa.CheckConstraint(
            "state IN ('asked','refused','withdrawn')"
            " OR (author_email IS NOT NULL AND author_name IS NOT NULL)",
            name="ck_letter_author",
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name="fk_letter_booking_id_booking"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_letter_site_id_site"),
        sa.ForeignKeyConstraint(
            ["trainee_id"], ["account.id"], name="fk_letter_trainee_id_account"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint("letter_code", name="uq_letter_letter_code"),
    )
    op.create_index("ix_letter_author_email", "letter", ["author_email"])
    op.create_index("ix_letter_site_id", "letter", ["site_id"])
    op.create_index("ix_letter_trainee_id", "letter", ["trainee_id"])
    op.create_index(
        "uq_letter_booking_id_open",
        "letter",
        ["booking_id"],
        unique=True,
        postgresql_where="state NOT IN ('refused','withdrawn')",
    )
    op.create_table(
        "letter_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letter.id"], name="fk_letter_link_letter_id_letter"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_letter_link"),
        sa.UniqueConstraint("token_hash", name="uq_letter_link_token_hash"),
    )
    op.create_index("ix_letter_link_letter_id", "letter_link", ["letter_id"])
    op.create_table(
        "letter_content",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", TIME, nullable=False),
        sa.CheckConstraint("size > 0", name="ck_letter_content_size"),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letter.id"], name="fk_letter_content_letter_id_letter"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_letter_content"),
        sa.UniqueConstraint("object_key", name="uq_letter_content_object_key"),
    )
    op.create_index("ix_letter_content_letter_id", "letter_content", ["letter_id"])
    op.create_table(
        "match_outcome",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
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
        sa.CheckConstraint(
            "NOT (main_result IN ('matched_pgy1','matched_pgy2_only') AND NOT certified_rol)",
            name="ck_match_outcome_matched_certified",
        ),
        sa.CheckConstraint(
            "main_result IN ('matched_pgy1','matched_pgy2_only','unmatched','not_in_algorithm')",
            name="ck_match_outcome_main_result",
        ),
        sa.CheckConstraint(
            "soap_result IN ('placed_pgy1','not_placed','not_applicable')",
            name="ck_match_outcome_soap_result",
        ),
        sa.CheckConstraint(
            "NOT (certified_rol AND NOT registered)", name="ck_match_outcome_certified_registered"
        ),
        sa.CheckConstraint("interviews BETWEEN 0 AND 200", name="ck_match_outcome_interviews"),
        sa.CheckConstraint("match_year BETWEEN 1952 AND 2100", name="ck_match_outcome_match_year"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_match_outcome_person_id_person"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_match_outcome"),
        sa.UniqueConstraint(
            "person_id", "match_year", name="uq_match_outcome_person_id_match_year"
        ),
    )
    op.create_index(
        "ix_match_outcome_match_year_changed_at", "match_outcome", ["match_year", "changed_at"]
    )
    op.create_table(
        "match_outcome_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old_value", sa.Text()),
        sa.Column("new_value", sa.Text()),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("external_event_id", sa.Text()),
        sa.Column("retracts_id", sa.Uuid()),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint(
            "field IN ('registered','certified_rol','main_result','soap_result','outside_match',"
            "'program','specialty','interviews')",
            name="ck_match_outcome_event_field",
        ),
        sa.CheckConstraint(
            "provenance IN ('self_reported','document_verified','roster_verified','disputed')",
            name="ck_match_outcome_event_provenance",
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["account.id"], name="fk_match_outcome_event_actor_id_account"
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"],
            ["match_outcome.id"],
            name="fk_match_outcome_event_outcome_id_match_outcome",
        ),
        sa.ForeignKeyConstraint(
            ["retracts_id"],
            ["match_outcome_event.id"],
            name="fk_match_outcome_event_retracts_id_match_outcome_event",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_match_outcome_event"),
        sa.UniqueConstraint("external_event_id", name="uq_match_outcome_event_external_event_id"),
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
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_year", sa.SmallInteger(), nullable=False),
        sa.Column("questionnaire_version", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("freeze_on", sa.Date(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("framed_at", TIME),
        sa.CheckConstraint("match_year BETWEEN 1952 AND 2100", name="ck_campaign_match_year"),
        sa.CheckConstraint(
            "opens_on <= closes_on AND closes_on <= freeze_on", name="ck_campaign_dates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.UniqueConstraint("match_year", name="uq_campaign_match_year"),
    )
    op.create_table(
        "cohort_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("img_type", sa.Text(), nullable=False),
        sa.Column("specialty", sa.Text()),
        sa.Column("modality", sa.Text()),
        sa.Column("grad_band", sa.Text()),
        sa.Column("rotation_status", sa.Text()),
        sa.Column("frame_flag", sa.Text()),
        sa.Column("consent_to_contact", sa.Boolean()),
        sa.Column("invited", sa.Boolean()),
        sa.Column("delivery", sa.Text()),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("match_items_answered", sa.Boolean()),
        sa.Column("lor_earned", sa.Boolean()),
        sa.Column(
            "refused_items", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("wave", sa.SmallInteger()),
        sa.CheckConstraint(
            "delivery IN ('delivered','bounced','not_sent')", name="ck_cohort_member_delivery"
        ),
        sa.CheckConstraint(
            "disposition IN ('I','P','R','NC_no_reply','NC_bounced','NC_not_invited',"
            "'O_deceased','NE')",
            name="ck_cohort_member_disposition",
        ),
        sa.CheckConstraint(
            "frame_flag IN ('ok','duplicate','deceased')", name="ck_cohort_member_frame_flag"
        ),
        sa.CheckConstraint("img_type IN ('us_img','non_us_img')", name="ck_cohort_member_img_type"),
        sa.CheckConstraint("modality IN ('in_person','virtual')", name="ck_cohort_member_modality"),
        sa.CheckConstraint(
            "rotation_status IN ('completed','cancelled')", name="ck_cohort_member_rotation_status"
        ),
        sa.CheckConstraint("wave BETWEEN 1 AND 99", name="ck_cohort_member_wave"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_cohort_member_campaign_id_campaign"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_cohort_member_person_id_person"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cohort_member"),
        sa.UniqueConstraint(
            "campaign_id", "person_id", name="uq_cohort_member_campaign_id_person_id"
        ),
    )
    op.create_index("ix_cohort_member_person_id", "cohort_member", ["person_id"])
    op.create_table(
        "cohort_member_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("img_type", sa.Text(), nullable=False),
        sa.Column("specialty", sa.Text()),
        sa.Column("modality", sa.Text()),
        sa.Column("grad_band", sa.Text()),
        sa.Column("rotation_status", sa.Text()),
        sa.Column("frame_flag", sa.Text()),
        sa.Column("consent_to_contact", sa.Boolean()),
        sa.Column("invited", sa.Boolean()),
        sa.Column("delivery", sa.Text()),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("match_items_answered", sa.Boolean()),
        sa.Column("lor_earned", sa.Boolean()),
        sa.Column(
            "refused_items", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("wave", sa.SmallInteger()),
        sa.CheckConstraint(
            "delivery IN ('delivered','bounced','not_sent')",
            name="ck_cohort_member_version_delivery",
        ),
        sa.CheckConstraint(
            "disposition IN ('I','P','R','NC_no_reply','NC_bounced','NC_not_invited',"
            "'O_deceased','NE')",
            name="ck_cohort_member_version_disposition",
        ),
        sa.CheckConstraint(
            "frame_flag IN ('ok','duplicate','deceased')",
            name="ck_cohort_member_version_frame_flag",
        ),
        sa.CheckConstraint(
            "img_type IN ('us_img','non_us_img')", name="ck_cohort_member_version_img_type"
        ),
        sa.CheckConstraint(
            "modality IN ('in_person','virtual')", name="ck_cohort_member_version_modality"
        ),
        sa.CheckConstraint(
            "rotation_status IN ('completed','cancelled')",
            name="ck_cohort_member_version_rotation_status",
        ),
        sa.CheckConstraint("wave BETWEEN 1 AND 99", name="ck_cohort_member_version_wave"),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["cohort_member.id"],
            name="fk_cohort_member_version_member_id_cohort_member",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cohort_member_version"),
    )
    op.create_index(
        "ix_cohort_member_version_member_id_number",
        "cohort_member_version",
        ["member_id", "number"],
    )
    op.create_table(
        "survey_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.ForeignKeyConstraint(
            ["member_id"], ["cohort_member.id"], name="fk_survey_link_member_id_cohort_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_survey_link"),
        sa.UniqueConstraint("token_hash", name="uq_survey_link_token_hash"),
    )
    op.create_index("ix_survey_link_member_id", "survey_link", ["member_id"])
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_survey_answer_version"),
        sa.ForeignKeyConstraint(
            ["member_id"], ["cohort_member.id"], name="fk_survey_answer_member_id_cohort_member"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_survey_answer"),
        sa.UniqueConstraint("member_id", "version", name="uq_survey_answer_member_id_version"),
    )
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    hold_letters()


def hold_letters() -> None:
    """What no code may undo: the waiver of a letter that exists, and a confirmed entry."""
    op.execute(
        """
        CREATE FUNCTION hold_letter() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.confirmed_at IS NOT NULL THEN
                RAISE EXCEPTION 'letter % is confirmed: it stays as it is', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_confirmed_holds';
            END IF;
            IF OLD.uploaded_at IS NOT NULL AND TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'letter % exists: it is not deleted', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_exists_holds';
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            IF OLD.uploaded_at IS NOT NULL AND NEW.uploaded_at IS NULL THEN
                RAISE EXCEPTION 'letter % exists: it can''t be undone', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_exists_holds';
            END IF;
            IF NEW.waived IS DISTINCT FROM OLD.waived AND OLD.uploaded_at IS NOT NULL THEN
                RAISE EXCEPTION 'letter % exists: its waiver is fixed', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_waiver_holds';
            END IF;
            IF (NEW.id, NEW.letter_code, NEW.booking_id, NEW.trainee_id, NEW.asked_at)
                IS DISTINCT FROM
                (OLD.id, OLD.letter_code, OLD.booking_id, OLD.trainee_id, OLD.asked_at) THEN
                RAISE EXCEPTION 'letter % keeps its code, booking and trainee', OLD.letter_code
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_identity_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter BEFORE UPDATE OR DELETE ON letter"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter()"
    )
    op.execute(
        """
        CREATE FUNCTION hold_letter_content() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The row lock lets no confirmation slip in between this look and the commit.
            PERFORM FROM letter WHERE id = NEW.letter_id AND confirmed_at IS NULL FOR UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the letter is confirmed: its content stays as it is'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'letter_confirmed_holds';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER hold_letter_content BEFORE INSERT ON letter_content"
        " FOR EACH ROW EXECUTE FUNCTION hold_letter_content()"
    )


def downgrade() -> None:
    for table in (
        "survey_answer",
        "survey_link",
        "cohort_member_version",
        "cohort_member",
        "campaign",
        "match_outcome_event",
        "match_outcome",
        "letter_content",
        "letter_link",
        "letter",
        "attestation",
        "evaluation",
        "person",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION hold_letter_content()")
    op.execute("DROP FUNCTION hold_letter()")
