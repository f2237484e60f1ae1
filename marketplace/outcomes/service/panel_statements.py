"""The statements by which a staged panel becomes frame and outcomes, for `service.panel`."""

STAGE = """
CREATE TEMPORARY TABLE panel_stage (
    external_id text, person_id uuid, member_id uuid, outcome_id uuid,
    img_type text, specialty text, modality text, grad_band text, rotation_status text,
    frame_flag text, consent_to_contact boolean, invited boolean, delivery text,
    disposition text, wave smallint, match_items_answered boolean, lor_earned boolean,
    registered boolean, certified_rol boolean, main_result text, soap_result text,
    outside_match boolean, source text
) ON COMMIT DROP
"""
STAGED = (
    "img_type",
    "specialty",
    "modality",
    "grad_band",
    "rotation_status",
    "frame_flag",
    "consent_to_contact",
    "invited",
    "delivery",
    "disposition",
    "wave",
    "match_items_answered",
    "lor_earned",
    "registered",
    "certified_rol",
    "main_result",
    "soap_result",
    "outside_match",
)
COPY = "COPY panel_stage FROM STDIN"
SETTLE = "ANALYZE panel_stage"
DROP = "DROP TABLE panel_stage"

PERSONS = """
INSERT INTO person (id, external_id)
SELECT person_id, external_id FROM panel_stage ORDER BY person_id
ON CONFLICT (external_id) DO NOTHING
"""

JOIN_FRAME = """
WITH written AS (
    INSERT INTO cohort_member (
        id, campaign_id, person_id, joined_at, changed_at,
        img_type, specialty, modality, grad_band, rotation_status, frame_flag,
        consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned)
    SELECT stage.member_id, %(campaign)s, person.id, %(now)s, %(now)s,
        img_type, specialty, modality, grad_band, rotation_status, frame_flag,
        consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned
    FROM panel_stage stage JOIN person USING (external_id)
    ORDER BY stage.member_id
    ON CONFLICT (campaign_id, person_id) DO NOTHING
    RETURNING *
)
INSERT INTO cohort_member_version (
    id, member_id, recorded_at,
    img_type, specialty, modality, grad_band, rotation_status, frame_flag,
    consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned)
SELECT gen_random_uuid(), id, %(now)s,
    img_type, specialty, modality, grad_band, rotation_status, frame_flag,
    consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned
FROM written ORDER BY id
"""

CHANGE_FRAME = """
WITH written AS (
    UPDATE cohort_member member
    SET changed_at = greatest(%(now)s, member.changed_at),
        img_type = stage.img_type, specialty = stage.specialty, modality = stage.modality,
        grad_band = stage.grad_band, rotation_status = stage.rotation_status,
        frame_flag = stage.frame_flag, consent_to_contact = stage.consent_to_contact,
        invited = stage.invited, delivery = stage.delivery, disposition = stage.disposition,
        wave = stage.wave, match_items_answered = stage.match_items_answered,
        lor_earned = stage.lor_earned
    FROM panel_stage stage JOIN person USING (external_id)
    WHERE member.campaign_id = %(campaign)s AND member.person_id = person.id
        AND (member.img_type, member.specialty, member.modality, member.grad_band,
            member.rotation_status, member.frame_flag, member.consent_to_contact, member.invited,
            member.delivery, member.disposition, member.wave, member.match_items_answered,
            member.lor_earned)
        IS DISTINCT FROM (stage.img_type, stage.specialty, stage.modality, stage.grad_band,
            stage.rotation_status, stage.frame_flag, stage.consent_to_contact, stage.invited,
            stage.delivery, stage.disposition, stage.wave, stage.match_items_answered,
            stage.lor_earned)
    RETURNING member.*
)
INSERT INTO cohort_member_version (
    id, member_id, recorded_at,
    img_type, specialty, modality, grad_band, rotation_status, frame_flag,
    consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned,
    refused_items)
SELECT gen_random_uuid(), id, changed_at,
    img_type, specialty, modality, grad_band, rotation_status, frame_flag,
    consent_to_contact, invited, delivery, disposition, wave, match_items_answered, lor_earned,
    refused_items
FROM written ORDER BY id
"""

NEW_OUTCOMES = """
INSERT INTO match_outcome (
    id, person_id, match_year, registered, certified_rol, main_result, soap_result, outside_match,
    provenance, changed_at)
SELECT stage.outcome_id, person.id, %(year)s,
    registered, certified_rol, main_result, soap_result, outside_match,
    jsonb_strip_nulls(jsonb_build_object(
        'registered', CASE WHEN registered IS NOT NULL THEN source END,
        'certified_rol', CASE WHEN certified_rol IS NOT NULL THEN source END,
        'main_result', CASE WHEN main_result IS NOT NULL THEN source END,
        'soap_result', CASE WHEN soap_result IS NOT NULL THEN source END,
        'outside_match', CASE WHEN outside_match IS NOT NULL THEN source END)),
    %(now)s
FROM panel_stage stage JOIN person USING (external_id)
WHERE num_nonnulls(registered, certified_rol, main_result, soap_result, outside_match) > 0
ORDER BY stage.outcome_id
ON CONFLICT (person_id, match_year) DO NOTHING
"""

# Only records that the statement before has made carry the ids that were staged for them.
FIRST_EVENTS = """
INSERT INTO match_outcome_event
    (id, outcome_id, field, old_value, new_value, provenance, evidence, recorded_at)
SELECT gen_random_uuid(), outcome.id, claim.field, NULL, claim.value, stage.source, %(evidence)s,
    %(now)s
FROM panel_stage stage
JOIN match_outcome outcome ON outcome.id = stage.outcome_id
CROSS JOIN LATERAL (VALUES
    ('registered', stage.registered::int::text),
    ('certified_rol', stage.certified_rol::int::text),
    ('main_result', stage.main_result),
    ('soap_result', stage.soap_result),
    ('outside_match', stage.outside_match::int::text)) claim (field, value)
WHERE claim.value IS NOT NULL
ORDER BY outcome.id
"""

# What a panel says otherwise than the panel before it. A value that was corrected here since is
# left alone: its last event is not a panel's.
CLAIMS = """
SELECT person.id, claim.field, claim.value, stage.source
FROM panel_stage stage JOIN person USING (external_id)
JOIN match_outcome outcome ON outcome.person_id = person.id AND outcome.match_year = %(year)s
    AND outcome.id <> stage.outcome_id
CROSS JOIN LATERAL (VALUES
    ('registered', stage.registered::int::text),
    ('certified_rol', stage.certified_rol::int::text),
    ('main_result', stage.main_result),
    ('soap_result', stage.soap_result),
    ('outside_match', stage.outside_match::int::text)) claim (field, value)
LEFT JOIN LATERAL (
    SELECT event.new_value, event.provenance, event.evidence
    FROM match_outcome_event event
    WHERE event.outcome_id = outcome.id AND event.field = claim.field
    ORDER BY event.recorded_at DESC, event.number DESC LIMIT 1
) last ON true
WHERE claim.value IS NOT NULL
    AND (last.evidence IS NULL OR (last.evidence = %(evidence)s
        AND (last.new_value, last.provenance) IS DISTINCT FROM (claim.value, stage.source)))
ORDER BY person.id
"""
