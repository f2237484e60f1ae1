"""Corrections to Match outcomes that come as a list: tried first, then recorded, all or none.

Each has an id of its sender's, under which it is recorded once. A correction is recorded when it is
taken in: when its sender wrote it down is kept in words, since the past of a report is closed. One
that its sender takes back is taken back here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.core.db import Session
from marketplace.outcomes.errors import AlreadyRetracted, OutcomeInconsistent
from marketplace.outcomes.models import MatchOutcomeEvent
from marketplace.outcomes.queries import corrections as queries
from marketplace.outcomes.rules.match import Provenance, Value, decode, encode
from marketplace.outcomes.service import match

# What a list calls the fields of an outcome: as the export does.
FIELDS: Mapping[str, str] = {
    "registered": "registered",
    "certified_rol": "certified_rol",
    "main_result": "main_result",
    "soap_result": "soap_result",
    "outside_match": "outside_match",
    "interviews": "interviews",
    "program": "program",
    "residency_specialty": "specialty",
}


class Action(StrEnum):
    """What becomes of a correction: `disputed` stands against something that was verified."""

    RECORDED = "recorded"
    DISPUTED = "disputed"
    UNCHANGED = "unchanged"
    REPEATED = "repeated"
    RETRACTED = "retracted"
    LEFT_OUT = "left_out"
    REFUSED = "refused"


@dataclass(frozen=True)
class Line:
    """A correction as it was sent; `row` is its place in the list."""

    row: int
    event_id: str
    trainee_id: str
    match_year: int
    field: str
    old_value: str
    new_value: str
    source: str
    evidence: str
    recorded_at: datetime
    retracted_at: datetime | None


@dataclass(frozen=True)
class Done:
    """What became, or would become, of a line; `problem` says why it is refused."""

    row: int
    event_id: str
    action: Action
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of all; nothing is recorded unless `committed`."""

    committed: bool
    lines: Sequence[Done]


class _Refused(Exception):
    """The line can't be taken; the text says what is expected."""


def take_in(
    session: Session, lines: Sequence[Line], *, actor_id: UUID, commit: bool, now: datetime
) -> Outcome:
    """Record the lines in the order in which their sender did; with one refused, or in a dry run, none.

    `trainee_id` is a panel's id, a person's or an account's.
    """
    people = queries.people(session, {line.trainee_id for line in lines})
    trial = session.begin_nested()
    done = [
        _one(session, line, people.get(line.trainee_id), actor_id, now)
        for line in sorted(lines, key=lambda line: (line.recorded_at, line.row))
    ]
    good = commit and all(one.action is not Action.REFUSED for one in done)
    if good:
        trial.commit()
    else:
        trial.rollback()
        session.expire_all()
    return Outcome(good, sorted(done, key=lambda one: one.row))


def _one(
    session: Session, line: Line, person_id: UUID | None, actor_id: UUID, now: datetime
) -> Done:
    try:
        # A line that fails on the database's own terms leaves the others their transaction.
        with session.begin_nested():
            action = _act(session, line, person_id, actor_id, now)
    except (_Refused, OutcomeInconsistent) as refusal:
        return Done(line.row, line.event_id, Action.REFUSED, str(refusal))
    return Done(line.row, line.event_id, action)


def _act(
    session: Session, line: Line, person_id: UUID | None, actor_id: UUID, now: datetime
) -> Action:
    name = FIELDS[line.field]
    value = _read(name, line.new_value, "new_value")
    if person_id is None or not queries.in_frame(session, person_id, line.match_year):
        raise _Refused(f"trainee_id: expected somebody in the frame of {line.match_year}")
    event = queries.event(session, line.event_id)
    if event is not None:
        return _again(session, line, event, person_id, actor_id, now)
    if line.retracted_at is not None:
        return Action.LEFT_OUT
    held = queries.outcome_value(session, person_id, line.match_year, name)
    if held != _read(name, line.old_value, "old_value"):
        raise _Refused(f"old_value: expected {encode(held) or 'nothing'!r}, which is known now")
    outcome = match.record(
        session,
        person_id=person_id,
        match_year=line.match_year,
        claims={name: value},
        source=Provenance(line.source),
        actor_id=actor_id,
        evidence=_evidence(line),
        external_event_id=line.event_id,
        now=now,
    )
    if queries.event(session, line.event_id) is None:
        return Action.UNCHANGED
    kept = outcome.provenance.get(name)
    return Action.RECORDED if kept == line.source else Action.DISPUTED


def _again(
    session: Session,
    line: Line,
    event: MatchOutcomeEvent,
    person_id: UUID,
    actor_id: UUID,
    now: datetime,
) -> Action:
    """The line was recorded before: the same is no news, unless its sender takes it back."""
    if not queries.says(session, event, person_id, line.match_year, FIELDS[line.field]):
        raise _Refused("event_id: another correction was recorded under it")
    if line.retracted_at is None:
        return Action.REPEATED
    reason = f"taken back by its sender at {line.retracted_at.isoformat()}"
    try:
        match.retract(session, event.id, actor_id=actor_id, reason=reason, now=now)
    except AlreadyRetracted:
        return Action.REPEATED
    return Action.RETRACTED


def _read(name: str, text: str, column: str) -> Value:
    try:
        return decode(name, text)
    except ValueError as error:
        raise _Refused(f"{column}: {text!r}, expected {error}") from error


def _evidence(line: Line) -> str:
    noted = f"correction {line.event_id}, noted at {line.recorded_at.isoformat()}"
    return f"{line.evidence} ({noted})" if line.evidence else noted
