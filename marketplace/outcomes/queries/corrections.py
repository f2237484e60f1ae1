"""Selects for corrections that come as a list."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select

from marketplace.core.db import Session
from marketplace.outcomes.models import (
    Campaign,
    CohortMember,
    MatchOutcome,
    MatchOutcomeEvent,
    Person,
)
from marketplace.outcomes.rules.match import Value


def people(session: Session, names: Collection[str]) -> dict[str, UUID]:
    """Return name -> person: by a panel's id first, else by the person's or the account's."""
    ids = {name: found for name in names if (found := _uuid(name)) is not None}
    rows = session.execute(
        select(Person.id, Person.external_id, Person.trainee_id).where(
            or_(
                Person.external_id.in_(names),
                Person.id.in_(ids.values()),
                Person.trainee_id.in_(ids.values()),
            )
        )
    ).all()
    by_id = {row.id: row.id for row in rows} | {row.trainee_id: row.id for row in rows}
    by_panel = {row.external_id: row.id for row in rows if row.external_id is not None}
    known = {name: by_id[found] for name, found in ids.items() if found in by_id}
    return known | {name: by_panel[name] for name in names if name in by_panel}


def in_frame(session: Session, person_id: UUID, match_year: int) -> bool:
    """Tell whether a person is in the frame of a year's campaign."""
    query = (
        select(CohortMember.id)
        .join(Campaign, Campaign.id == CohortMember.campaign_id)
        .where(CohortMember.person_id == person_id, Campaign.match_year == match_year)
    )
    return session.execute(query).first() is not None


def event(session: Session, external_event_id: str) -> MatchOutcomeEvent | None:
    """Return what was recorded under an id of its sender's."""
    query = select(MatchOutcomeEvent).where(
        MatchOutcomeEvent.external_event_id == external_event_id
    )
    return session.execute(query).scalar_one_or_none()


def says(
    session: Session, recorded: MatchOutcomeEvent, person_id: UUID, match_year: int, field: str
) -> bool:
    """Tell whether an event is about this field of this person and year."""
    query = select(MatchOutcome.person_id, MatchOutcome.match_year).where(
        MatchOutcome.id == recorded.outcome_id
    )
    about = session.execute(query).one()
    return (*about, recorded.field) == (person_id, match_year, field)


def outcome_value(session: Session, person_id: UUID, match_year: int, field: str) -> Value:
    """Return the present value of a field; None where nothing is known."""
    query = select(MatchOutcome).where(
        MatchOutcome.person_id == person_id, MatchOutcome.match_year == match_year
    )
    found = session.execute(query).scalar_one_or_none()
    value: Value = None if found is None else getattr(found, field)
    return value


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
