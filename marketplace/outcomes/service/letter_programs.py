"""Which letters go to which program: four at most, whoever asks at once.

A program is known by the ten digits of its ACGME program ID. The limit is the database's: a letter
takes one of four slots, and two letters never take the same.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.outcomes.errors import AssignedAlready, LetterNotConfirmed, TooManyLetters
from marketplace.outcomes.models import Letter, LetterAssignment
from marketplace.outcomes.queries import ledger, programs
from marketplace.outcomes.rules.letters import MOST_A_PROGRAM
from marketplace.outcomes.states import LetterState


def assign(
    session: Session,
    letter: Letter,
    *,
    match_year: int,
    program_code: str,
    program_name: str,
    now: datetime,
) -> LetterAssignment:
    """Assign a confirmed letter to a program of a season.

    A program of the list is called what the list calls it. `AssignedAlready`; `TooManyLetters` where the program has four, `LetterNotConfirmed` before
    the author has confirmed it.
    """
    if letter.state != LetterState.CONFIRMED:
        raise LetterNotConfirmed(f"The letter is {letter.state}.", extra={"state": letter.state})
    named = programs.name_of(session, program_code) or program_name
    # Who loses the race for a slot looks again; there are no more slots than that to lose.
    for _ in range(MOST_A_PROGRAM + 1):
        there = ledger.at_program(session, letter.trainee_id, match_year, program_code)
        if any(one.letter_id == letter.id for one in there):
            raise AssignedAlready
        free = ledger.free_slots([one.slot for one in there])
        if not free:
            break
        taken = session.execute(
            insert(LetterAssignment)
            .values(
                id=new_id(),
                letter_id=letter.id,
                trainee_id=letter.trainee_id,
                match_year=match_year,
                program_code=program_code,
                program_name=named,
                slot=free[0],
                assigned_at=now,
            )
            .on_conflict_do_nothing()
            .returning(LetterAssignment.id)
        ).scalar_one_or_none()
        if taken is not None:
            return session.get_one(LetterAssignment, taken)
    there = ledger.at_program(session, letter.trainee_id, match_year, program_code)
    raise TooManyLetters(extra={"assigned": [str(one.letter_id) for one in there]})


def take_back(session: Session, assignment_id: UUID, trainee_id: UUID, now: datetime) -> None:
    """Take an assignment back; twice is once. `NotFound` for anybody else's."""
    found = ledger.assignment(session, assignment_id)
    if found is None or found.trainee_id != trainee_id:
        raise NotFound
    affected(
        session,
        update(LetterAssignment)
        .where(LetterAssignment.id == assignment_id, LetterAssignment.removed_at.is_(None))
        .values(removed_at=now),
    )
