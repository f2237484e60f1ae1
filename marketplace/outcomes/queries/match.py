"""Selects on Match outcomes: present, and as of a moment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.outcomes.models import MatchOutcome, MatchOutcomeEvent, Person
from marketplace.outcomes.rules.match import Entry, Value, fold, standing
from marketplace.web.pagination import Page, paginate


def person_of(session: Session, trainee_id: UUID) -> Person | None:
    return session.execute(
        select(Person).where(Person.trainee_id == trainee_id)
    ).scalar_one_or_none()


def outcome(session: Session, outcome_id: UUID, *, lock: bool = False) -> MatchOutcome | None:
    query = select(MatchOutcome).where(MatchOutcome.id == outcome_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def outcome_of(
    session: Session, person_id: UUID, match_year: int, *, lock: bool = False
) -> MatchOutcome | None:
    query = select(MatchOutcome).where(
        MatchOutcome.person_id == person_id, MatchOutcome.match_year == match_year
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def owner_of(session: Session, outcome_id: UUID) -> UUID | None:
    """Return the account that the outcome is of; None for one of an outside panel."""
    return session.execute(
        select(Person.trainee_id)
        .join(MatchOutcome, MatchOutcome.person_id == Person.id)
        .where(MatchOutcome.id == outcome_id)
    ).scalar_one_or_none()


def outcomes_of_trainee(session: Session, trainee_id: UUID) -> Sequence[MatchOutcome]:
    """Return the records of a trainee, by Match year."""
    return (
        session.execute(
            select(MatchOutcome)
            .join(Person, Person.id == MatchOutcome.person_id)
            .where(Person.trainee_id == trainee_id)
            .order_by(MatchOutcome.match_year)
        )
        .scalars()
        .all()
    )


def records(
    session: Session,
    *,
    match_year: int,
    external_id: str | None,
    source: str | None,
    limit: int,
    cursor: str | None,
) -> Page[MatchOutcome]:
    """Return the records of a year; with `source`, those whose main result is known so."""
    query = select(MatchOutcome).where(MatchOutcome.match_year == match_year)
    if external_id is not None:
        query = query.join(Person, Person.id == MatchOutcome.person_id).where(
            Person.external_id == external_id
        )
    if source is not None:
        query = query.where(MatchOutcome.provenance["main_result"].astext == source)
    return paginate(
        session,
        query,
        key=[MatchOutcome.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
    )


def event(session: Session, event_id: UUID) -> MatchOutcomeEvent | None:
    return session.get(MatchOutcomeEvent, event_id)


def retracted(session: Session, event_id: UUID) -> bool:
    """Tell whether the event has been taken back."""
    query = select(MatchOutcomeEvent.id).where(MatchOutcomeEvent.retracts_id == event_id)
    return session.execute(query).first() is not None


def events(session: Session, outcome_id: UUID) -> Sequence[MatchOutcomeEvent]:
    """Return all events of a record, in the order of recording."""
    return (
        session.execute(
            select(MatchOutcomeEvent)
            .where(MatchOutcomeEvent.outcome_id == outcome_id)
            .order_by(MatchOutcomeEvent.recorded_at, MatchOutcomeEvent.number)
        )
        .scalars()
        .all()
    )


def outcome_as_of(
    session: Session, outcome_id: UUID, as_of: datetime
) -> dict[str, tuple[Value, str]]:
    """Return field -> (value, provenance) as it was known at `as_of`; the same for ever."""
    return fold((_entry(row) for row in events(session, outcome_id)), as_of)


def standing_of(session: Session, outcome_id: UUID, as_of: datetime) -> dict[str, Entry]:
    """Return field -> the event that counts at `as_of`."""
    return standing((_entry(row) for row in events(session, outcome_id)), as_of)


def _entry(row: MatchOutcomeEvent) -> Entry:
    return Entry(
        id=row.id,
        number=row.number,
        field=row.field,
        new_value=row.new_value,
        provenance=row.provenance,
        retracts_id=row.retracts_id,
        recorded_at=row.recorded_at,
    )
