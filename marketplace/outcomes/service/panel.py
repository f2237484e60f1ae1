"""Taking in a panel that comes from elsewhere: set-based, so that a large one takes seconds.

Rows arrive read and checked. The same panel again changes nothing; a changed one appends. What
was corrected here since stands against the panel that it corrected.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Protocol, cast
from uuid import UUID

import psycopg
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.outcomes.models import Campaign
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.rules.match import Provenance, decode
from marketplace.outcomes.service import match
from marketplace.outcomes.service import panel_statements as sql

EVIDENCE = "panel"


class PanelEntry(Protocol):
    """One trainee of a panel; None is not known. The columns are `panel_statements.STAGED`."""

    @property
    def trainee_id(self) -> str:
        """The trainee's id in the panel; the same person in every year's panel."""

    @property
    def outcome_source(self) -> str | None:
        """How the outcome is known; a self report where nothing is said."""


@dataclass(frozen=True)
class PanelResult:
    """Rows read; persons who joined the frame, or changed in it; values that were appended."""

    rows: int
    joined: int
    changed: int
    values: int


def store(
    session: Session, rows: Iterable[PanelEntry], match_year: int, now: datetime
) -> PanelResult:
    """Bring `rows` into the frame and the outcomes of `match_year`, recorded at `now`.

    All or nothing: an error leaves the transaction to be rolled back by the edge. `PastClosed`
    if a report of the year is frozen as of `now` or later.
    """
    values = {
        "campaign": _campaign(session, match_year, now),
        "year": match_year,
        "now": now,
        "evidence": EVIDENCE,
    }
    connection = session.connection().connection.driver_connection
    with cast("psycopg.Connection[Any]", connection).cursor() as cursor:
        staged = _stage(cursor, rows)
        cursor.execute(sql.PERSONS)
        joined = cursor.execute(sql.JOIN_FRAME, values).rowcount
        changed = cursor.execute(sql.CHANGE_FRAME, values).rowcount
        cursor.execute(sql.NEW_OUTCOMES, values)
        first = cursor.execute(sql.FIRST_EVENTS, values).rowcount
        claims = cursor.execute(sql.CLAIMS, values).fetchall()
        cursor.execute(sql.DROP)
    session.expire_all()
    _claim(session, claims, match_year, now)
    return PanelResult(staged, joined, changed, first + len(claims))


def _campaign(session: Session, match_year: int, now: datetime) -> UUID:
    """Return the year's campaign; a panel from elsewhere may be the first that is heard of it."""
    session.execute(
        insert(Campaign)
        .values(
            id=new_id(),
            match_year=match_year,
            questionnaire_version=questionnaire.LATEST,
            opens_on=date(match_year, 3, 15),
            closes_on=date(match_year, 6, 30),
            freeze_on=date(match_year, 9, 30),
            made_at=now,
        )
        .on_conflict_do_nothing()
    )
    campaign = queries.campaign_of_year(session, match_year)
    if campaign is None:
        raise LookupError(f"no campaign for {match_year}")
    return campaign.id


def _stage(cursor: "psycopg.Cursor[Any]", rows: Iterable[PanelEntry]) -> int:
    count = 0
    cursor.execute(sql.STAGE)
    with cursor.copy(sql.COPY) as copy:
        for row in rows:
            facts = (getattr(row, name) for name in sql.STAGED)
            source = row.outcome_source or Provenance.SELF_REPORTED.value
            copy.write_row((row.trainee_id, new_id(), new_id(), new_id(), *facts, source))
            count += 1
    cursor.execute(sql.SETTLE)
    return count


def _claim(session: Session, claims: list[Any], match_year: int, now: datetime) -> None:
    for (person_id, source), group in groupby(claims, key=lambda row: (row[0], row[3])):
        match.record(
            session,
            person_id=person_id,
            match_year=match_year,
            claims={field: decode(field, value) for _, field, value, _ in group},
            source=Provenance(source),
            actor_id=None,
            evidence=EVIDENCE,
            now=now,
        )
