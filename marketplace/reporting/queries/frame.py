"""The frame and the outcomes of a Match year, as they were known at a moment.

Rows that have not changed since are read as they stand; for others the value is taken from the
last version, or the last event that counts. That is what `outcomes.rules.match.fold` says, in SQL:
a test holds the two together.
"""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from operator import itemgetter

from sqlalchemy import text

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.core.db import Session
from marketplace.outcomes.service.campaigns import CompletedRotation
from marketplace.reporting.rules.panel import PanelRow

# Named as in the codebook, so that report and export read the same columns. Parameters: `as_of`,
# and `match_year`, which is null for all years. Most rows have not changed since: those are a
# plain join. The few that have, `moved`, are found first and looked up in their histories. A member
# has a person always; by an outer join the planner leaves that out where nothing of it is wanted.
_KNOWN = """
framed AS NOT MATERIALIZED (
    SELECT member.*, campaign.match_year, person.trainee_id AS account_id, person.external_id
    FROM campaign
    JOIN cohort_member member ON member.campaign_id = campaign.id
    LEFT JOIN person ON person.id = member.person_id
    WHERE member.joined_at <= :as_of
        AND (CAST(:match_year AS integer) IS NULL OR campaign.match_year = :match_year)
),
moved AS (
    SELECT id FROM cohort_member WHERE changed_at > :as_of
    UNION
    SELECT member.id
    FROM match_outcome outcome
    JOIN campaign ON campaign.match_year = outcome.match_year
    JOIN cohort_member member
        ON member.campaign_id = campaign.id AND member.person_id = outcome.person_id
    WHERE outcome.changed_at > :as_of
),
known AS (
    (SELECT
        member.person_id, member.account_id, member.external_id, member.match_year,
        member.img_type, member.specialty, member.modality, member.grad_band,
        member.rotation_status, member.frame_flag, member.consent_to_contact, member.invited,
        member.delivery, member.disposition, member.wave, member.match_items_answered,
        member.lor_earned, member.refused_items, member.tier, member.learner_status,
        member.site_group, member.consent_reporting, member.consent_research, member.consent_named,
        outcome.registered, outcome.certified_rol, outcome.main_result, outcome.soap_result,
        outcome.outside_match, outcome.interviews, outcome.program,
        outcome.specialty AS residency_specialty,
        outcome.provenance ->> 'main_result' AS outcome_source,
        outcome.provenance ->> 'program' AS program_source, outcome.changed_at AS recorded_at
    FROM framed member
    LEFT JOIN match_outcome outcome
        ON outcome.person_id = member.person_id AND outcome.match_year = member.match_year
    WHERE member.changed_at <= :as_of
        AND (outcome.id IS NULL OR outcome.changed_at <= :as_of)
    {order})
    UNION ALL
    (SELECT
        member.person_id, member.account_id, member.external_id, member.match_year,
        facts.img_type, facts.specialty, facts.modality, facts.grad_band,
        facts.rotation_status, facts.frame_flag, facts.consent_to_contact, facts.invited,
        facts.delivery, facts.disposition, facts.wave, facts.match_items_answered,
        facts.lor_earned, facts.refused_items, facts.tier, facts.learner_status,
        facts.site_group, facts.consent_reporting, facts.consent_research, facts.consent_named,
        past.registered, past.certified_rol, past.main_result, past.soap_result,
        past.outside_match, past.interviews, past.program, past.specialty,
        past.source, past.program_source, past.recorded_at
    FROM moved
    JOIN framed member ON member.id = moved.id
    LEFT JOIN match_outcome outcome
        ON outcome.person_id = member.person_id AND outcome.match_year = member.match_year
    CROSS JOIN LATERAL (
        SELECT version.* FROM cohort_member_version version
        WHERE version.member_id = member.id AND version.recorded_at <= :as_of
        ORDER BY version.recorded_at DESC, version.number DESC LIMIT 1
    ) facts
    LEFT JOIN LATERAL (
        SELECT
            max(value) FILTER (WHERE field = 'registered') = '1' AS registered,
            max(value) FILTER (WHERE field = 'certified_rol') = '1' AS certified_rol,
            max(value) FILTER (WHERE field = 'main_result') AS main_result,
            max(value) FILTER (WHERE field = 'soap_result') AS soap_result,
            max(value) FILTER (WHERE field = 'outside_match') = '1' AS outside_match,
            max(value) FILTER (WHERE field = 'interviews')::smallint AS interviews,
            max(value) FILTER (WHERE field = 'program') AS program,
            max(value) FILTER (WHERE field = 'specialty') AS specialty,
            max(provenance) FILTER (WHERE field = 'main_result') AS source,
            max(provenance) FILTER (WHERE field = 'program') AS program_source,
            max(last.recorded_at) AS recorded_at
        FROM (
            SELECT DISTINCT ON (event.field)
                event.field, event.new_value AS value, event.provenance, event.recorded_at
            FROM match_outcome_event event
            WHERE event.outcome_id = outcome.id AND event.recorded_at <= :as_of
                AND event.retracts_id IS NULL
                AND NOT EXISTS (
                    SELECT FROM match_outcome_event retraction
                    WHERE retraction.retracts_id = event.id AND retraction.recorded_at <= :as_of)
            ORDER BY event.field, event.recorded_at DESC, event.number DESC
        ) last
    ) past ON true
    {order})
)
"""
KNOWN = _KNOWN.format(order="")
# As the indexes have them: where each half comes in order, so does the whole, without being sorted.
KNOWN_BY_PERSON = _KNOWN.format(order="ORDER BY person_id")
# A disputed result is verified by nobody: in a report its source is not known. A program is in it
# only of who agreed to be named, and as somebody wrote it who had seen it: what a person typed may
# say anything.
_ROWS = """
SELECT coalesce(external_id, person_id::text) AS trainee_id, img_type, disposition, specialty,
    modality, grad_band, rotation_status, frame_flag, consent_to_contact, invited, delivery, wave,
    match_items_answered, registered, certified_rol, main_result, soap_result, outside_match,
    lor_earned, nullif(outcome_source, 'disputed') AS outcome_source, tier, learner_status,
    site_group, residency_specialty,
    CASE WHEN consent_named AND program_source IN ('document_verified', 'roster_verified')
        THEN program END AS program
FROM known
ORDER BY coalesce(external_id, person_id::text) COLLATE "C"
"""
PANEL = f"WITH {KNOWN} {_ROWS}"
BATCH = 5000
OTHER = "other"
FIELDS = tuple(field.name for field in fields(PanelRow))
MATCHED_IN = FIELDS.index("residency_specialty")
# A trainee's last completed rotation counts: one row a person.
COMPLETED = """
SELECT DISTINCT ON (booking.trainee_id)
    booking.trainee_id, listing.specialty, listing.setting = 'remote' AS remote, booking.tier,
    booking.learner_status, site.state
FROM booking
JOIN listing ON listing.id = booking.listing_id
JOIN site ON site.id = booking.site_id
WHERE booking.state = 'completed' AND booking.last_day < :before
ORDER BY booking.trainee_id, booking.last_day DESC, booking.id DESC
"""


def panel(session: Session, match_year: int, as_of: datetime) -> Iterator[PanelRow]:
    """Yield the rows of the year's frame as known at `as_of`, in the order of their ids."""
    rows = session.execute(
        text(PANEL),
        {"match_year": match_year, "as_of": as_of},
        execution_options={"yield_per": BATCH},
    )
    # By place and not by name: it is done for every trainee of a year.
    names = tuple(rows.keys())
    ordered = itemgetter(*map(names.index, FIELDS))
    for row in rows:
        values = ordered(row)
        # What is no code of the list was typed in words, and might say who it is.
        if values[MATCHED_IN] is not None and values[MATCHED_IN] not in BY_CODE:
            values = (*values[:MATCHED_IN], OTHER, *values[MATCHED_IN + 1 :])
        yield PanelRow(*values)


def completed_rotations(session: Session, before: date) -> list[CompletedRotation]:
    """Return the completed rotations that ended before a day, in the order of their last days."""
    rows = session.execute(text(COMPLETED), {"before": before})
    return [CompletedRotation(**row) for row in rows.mappings()]
