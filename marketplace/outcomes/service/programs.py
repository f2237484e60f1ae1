"""The list of residency programs: loaded by an operator, asked what a name may stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.core.db import Session
from marketplace.outcomes.errors import ProgramsUnreadable
from marketplace.outcomes.models import MatchOutcome, ResidencyProgram
from marketplace.outcomes.queries import programs as queries
from marketplace.outcomes.rules import programs as rules

BATCH = 1000


@dataclass(frozen=True)
class Named:
    """What somebody wrote; `listed` if it is a name of the list, letter by letter."""

    text: str | None
    listed: bool
    proposals: Sequence[rules.Proposal]


@dataclass(frozen=True)
class Proposals:
    program: Named
    specialty: Named


def load(session: Session, lines: Iterable[str], now: datetime) -> int:
    """Add or rename the programs of a CSV, all or nothing; return how many rows it has.

    What the file does not name stays. `ProgramsUnreadable` says what is wrong where.
    """
    try:
        found = rules.read(lines)
    except ValueError as error:
        raise ProgramsUnreadable(str(error)) from error
    for start in range(0, len(found), BATCH):
        rows = insert(ResidencyProgram).values(
            [{**asdict(one), "loaded_at": now} for one in found[start : start + BATCH]]
        )
        named = (*rules.COLUMNS[1:], "loaded_at")
        session.execute(
            rows.on_conflict_do_update(
                index_elements=["code"], set_={name: rows.excluded[name] for name in named}
            )
        )
    return len(found)


def for_outcome(session: Session, outcome: MatchOutcome) -> Proposals:
    """Return what the record's program and specialty may stand for. Writes nothing, decides nothing."""
    every = queries.every(session) if outcome.program else []
    listed = outcome.program in {one.name for one in every}
    program = rules.propose(outcome.program, every) if outcome.program and not listed else []
    known = outcome.specialty in BY_CODE
    proposed = (
        rules.propose_specialties(outcome.specialty) if outcome.specialty and not known else []
    )
    return Proposals(
        Named(outcome.program, listed, program), Named(outcome.specialty, known, proposed)
    )


def like(session: Session, text: str) -> list[rules.Proposal]:
    """Return the programs of the list that a text is most like."""
    return rules.propose(text, queries.every(session))
