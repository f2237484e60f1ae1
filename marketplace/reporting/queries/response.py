"""How a campaign is being answered, as of now: counts only, nobody by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from marketplace.core.db import Session

# Who saved something, and nothing that counts as an answer yet.
_MEMBERS = """
SELECT member.disposition, count(*) AS persons,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM survey_answer answer WHERE answer.member_id = member.id)) AS started
FROM cohort_member member WHERE member.campaign_id = :campaign GROUP BY 1 ORDER BY 1
"""
_WAVES = """
WITH sent AS (
    SELECT link.wave, count(*) AS sent, min(link.made_at) AS first_sent_at
    FROM survey_link link JOIN cohort_member member ON member.id = link.member_id
    WHERE member.campaign_id = :campaign AND link.revoked_at IS NULL GROUP BY link.wave
), came AS (
    SELECT wave, count(*) FILTER (WHERE disposition = 'I') AS interviews,
        count(*) FILTER (WHERE disposition = 'P') AS partials,
        count(*) FILTER (WHERE disposition = 'R') AS refusals
    FROM cohort_member WHERE campaign_id = :campaign AND wave IS NOT NULL GROUP BY wave
)
SELECT wave, coalesce(sent, 0) AS sent, first_sent_at, coalesce(interviews, 0) AS interviews,
    coalesce(partials, 0) AS partials, coalesce(refusals, 0) AS refusals
FROM sent FULL JOIN came USING (wave) ORDER BY wave
"""
_DAYS = """
SELECT first.day, count(*) AS responded
FROM (
    SELECT min((version.recorded_at AT TIME ZONE 'UTC')::date) AS day
    FROM cohort_member_version version
    JOIN cohort_member member ON member.id = version.member_id
    WHERE member.campaign_id = :campaign AND version.disposition IN ('I', 'P')
    GROUP BY version.member_id
) first
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Wave:
    """A wave: to how many it went, and how those ended who answered to it."""

    wave: int
    sent: int
    first_sent_at: datetime | None
    interviews: int
    partials: int
    refusals: int


@dataclass(frozen=True)
class Day:
    """A day (UTC) on which somebody first answered what counts."""

    day: date
    responded: int


@dataclass(frozen=True)
class Standing:
    """How the members of a frame stand: by disposition, and who of them saved anything."""

    persons: dict[str, int]
    started: dict[str, int]


def standing(session: Session, campaign_id: UUID) -> Standing:
    rows = session.execute(text(_MEMBERS), {"campaign": campaign_id}).all()
    return Standing(
        {row.disposition: row.persons for row in rows},
        {row.disposition: row.started for row in rows},
    )


def waves(session: Session, campaign_id: UUID) -> Sequence[Wave]:
    rows = session.execute(text(_WAVES), {"campaign": campaign_id})
    return [Wave(**row) for row in rows.mappings()]


def days(session: Session, campaign_id: UUID) -> Sequence[Day]:
    rows = session.execute(text(_DAYS), {"campaign": campaign_id})
    return [Day(**row) for row in rows.mappings()]
