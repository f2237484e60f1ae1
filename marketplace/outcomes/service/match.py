"""Recording Match outcomes: values arrive as claims, and every change appends an event.

The record and its events are written together; the row lock makes writers of one record queue.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.outcomes.errors import AlreadyRetracted, OutcomeInconsistent
from marketplace.outcomes.events import OutcomeRecorded
from marketplace.outcomes.models import MatchOutcome, MatchOutcomeEvent, Person
from marketplace.outcomes.queries import match as queries
from marketplace.outcomes.rules.match import (
    FIELDS,
    Provenance,
    Value,
    contradiction,
    encode,
    settle_all,
)


def person_of_trainee(session: Session, trainee_id: UUID) -> Person:
    """Return the person that an account is, made at the first asking."""
    session.execute(
        insert(Person).values(id=new_id(), trainee_id=trainee_id).on_conflict_do_nothing()
    )
    person = queries.person_of(session, trainee_id)
    if person is None:
        raise NotFound
    return person


def record(
    session: Session,
    *,
    person_id: UUID,
    match_year: int,
    claims: Mapping[str, Value],
    source: Provenance,
    actor_id: UUID | None,
    evidence: str,
    now: datetime,
    external_event_id: str | None = None,
) -> MatchOutcome:
    """Record `claims` (field -> value) as known by `source`; return the record as it then is.

    Serves the first report, a correction and a verification alike: what is the same already
    appends nothing, a self report of something else than was verified makes it disputed.
    `OutcomeInconsistent` if the fields would contradict each other; nothing is recorded then.
    `external_event_id` is what a sender calls the one event that is made of one claim.
    """
    outcome = _locked(session, person_id, match_year, now)
    try:
        changes = settle_all(_all_known(outcome), claims, source)
    except ValueError as error:
        raise OutcomeInconsistent(str(error)) from error
    if not changes:
        return outcome
    at = max(now, outcome.changed_at)
    for name, (value, provenance) in changes.items():
        kept = provenance is Provenance.DISPUTED and source is not Provenance.DISPUTED
        note = f"{evidence} (claims {encode(claims[name])})".strip() if kept else evidence
        session.add(
            MatchOutcomeEvent(
                id=new_id(),
                outcome_id=outcome.id,
                field=name,
                old_value=encode(getattr(outcome, name)),
                new_value=encode(value),
                provenance=provenance.value,
                actor_id=actor_id,
                evidence=note,
                external_event_id=external_event_id,
                recorded_at=at,
            )
        )
    _write(session, outcome, {**_all_known(outcome), **changes}, at)
    return outcome


def retract(
    session: Session, event_id: UUID, *, actor_id: UUID, reason: str, now: datetime
) -> MatchOutcome:
    """Take an event back by another; the value before it counts again, from now on.

    `NotFound` if there is no such event, `AlreadyRetracted` if it is, or is itself, a retraction.
    """
    event = queries.event(session, event_id)
    if event is None:
        raise NotFound
    outcome = queries.outcome(session, event.outcome_id, lock=True)
    if outcome is None:
        raise NotFound
    if event.retracts_id is not None or queries.retracted(session, event_id):
        raise AlreadyRetracted
    take_back(session, outcome, [event], actor_id=actor_id, reason=reason, now=now)
    return outcome


def take_back(
    session: Session,
    outcome: MatchOutcome,
    events: Iterable[MatchOutcomeEvent],
    *,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """Take back events of a locked record, none of them before, all at once."""
    at = max(now, outcome.changed_at)
    for event in events:
        session.add(_retraction(outcome, event, actor_id, reason, at))
    session.flush()
    _write(session, outcome, queries.outcome_as_of(session, outcome.id, at), at)


def withdraw(
    session: Session,
    person_id: UUID,
    match_year: int,
    *,
    but: Container[str],
    evidence: str,
    reason: str,
    now: datetime,
) -> None:
    """Take back what nobody but this evidence said, except on the fields of `but`; history stays."""
    outcome = queries.outcome_of(session, person_id, match_year, lock=True)
    if outcome is None:
        return
    events = queries.events(session, outcome.id)
    taken_back = {event.retracts_id for event in events}
    gone = [
        event
        for event in events
        if event.actor_id is None
        and (event.evidence == evidence or event.evidence.startswith(f"{evidence} (claims "))
        and event.retracts_id is None
        and event.id not in taken_back
        and event.field not in but
    ]
    if not gone:
        return
    take_back(session, outcome, gone, actor_id=None, reason=reason, now=now)


def _retraction(
    outcome: MatchOutcome,
    event: MatchOutcomeEvent,
    actor_id: UUID | None,
    reason: str,
    at: datetime,
) -> MatchOutcomeEvent:
    return MatchOutcomeEvent(
        id=new_id(),
        outcome_id=outcome.id,
        field=event.field,
        old_value=encode(getattr(outcome, event.field)),
        new_value=None,
        provenance=event.provenance,
        actor_id=actor_id,
        evidence=reason,
        retracts_id=event.id,
        recorded_at=at,
    )


def _locked(session: Session, person_id: UUID, match_year: int, now: datetime) -> MatchOutcome:
    session.execute(
        insert(MatchOutcome)
        .values(
            id=new_id(),
            person_id=person_id,
            match_year=match_year,
            provenance={},
            changed_at=now,
        )
        .on_conflict_do_nothing()
    )
    outcome = queries.outcome_of(session, person_id, match_year, lock=True)
    if outcome is None:
        raise NotFound
    return outcome


def _known(outcome: MatchOutcome, name: str) -> tuple[Value, str] | None:
    provenance = outcome.provenance.get(name)
    return None if provenance is None else (getattr(outcome, name), provenance)


def _all_known(outcome: MatchOutcome) -> dict[str, tuple[Value, str]]:
    known = ((name, _known(outcome, name)) for name in FIELDS)
    return {name: pair for name, pair in known if pair is not None}


def _write(
    session: Session,
    outcome: MatchOutcome,
    known: Mapping[str, tuple[Value, str]],
    at: datetime,
) -> None:
    """Set the record to what its events say, and tell those above."""
    wrong = contradiction({name: value for name, (value, _) in known.items()})
    if wrong is not None:
        raise OutcomeInconsistent(wrong)
    for name in FIELDS:
        setattr(outcome, name, known[name][0] if name in known else None)
    outcome.provenance = {name: str(provenance) for name, (_, provenance) in known.items()}
    outcome.changed_at = at
    session.flush()
    publish(session, OutcomeRecorded(outcome.id, outcome.match_year, at))
