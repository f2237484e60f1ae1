"""Selects on what has to be verified: how much waits, how far a year is, one page of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal_column, not_, or_, select

from marketplace.core.db import Session
from marketplace.outcomes.models import MatchOutcome, Person
from marketplace.outcomes.rules.match import VERIFIED, Provenance
from marketplace.web.pagination import Page, paginate

# As in the index: a parameter would keep the planner from knowing it.
_REPORTED: ColumnElement[bool] = literal_column("provenance ->> 'main_result' = 'self_reported'")
_DISPUTED: ColumnElement[bool] = literal_column(
    """jsonb_path_exists(provenance, '$.* ? (@ == "disputed")'::jsonpath)"""
)
_WAITS = {
    Provenance.DISPUTED: _DISPUTED,
    Provenance.SELF_REPORTED: and_(_REPORTED, not_(_DISPUTED)),
}


@dataclass(frozen=True)
class Progress:
    """How the results by the algorithm of a Match year are known, one record counted once."""

    match_year: int
    known: int
    verified: int
    self_reported: int
    disputed: int

    @property
    def waiting(self) -> int:
        return self.self_reported + self.disputed


@dataclass(frozen=True)
class Whose:
    """Whose record it is: an account of ours, or a row of an outside panel."""

    account_id: UUID | None
    external_id: str | None


def waiting_count(session: Session) -> int:
    """Count the records of all years that somebody has to look at."""
    query = select(func.count()).select_from(MatchOutcome).where(or_(_REPORTED, _DISPUTED))
    return session.execute(query).scalar_one()


def progress(session: Session, match_year: int | None = None) -> Sequence[Progress]:
    """Return how far the verification of each year is, or of one; the newest first."""
    how = MatchOutcome.provenance["main_result"].astext
    query = (
        select(
            MatchOutcome.match_year,
            func.count(),
            func.count().filter(and_(how.in_(sorted(VERIFIED)), not_(_DISPUTED))),
            func.count().filter(_WAITS[Provenance.SELF_REPORTED]),
            func.count().filter(_DISPUTED),
        )
        .where(or_(how.is_not(None), _DISPUTED))
        .group_by(MatchOutcome.match_year)
        .order_by(MatchOutcome.match_year.desc())
    )
    if match_year is not None:
        query = query.where(MatchOutcome.match_year == match_year)
    return [Progress(*row) for row in session.execute(query)]


def waiting(
    session: Session, match_year: int, kind: Provenance, *, limit: int, cursor: str | None
) -> Page[MatchOutcome]:
    """Return the records that wait as `kind`, self-reported or disputed, the longest first."""
    return paginate(
        session,
        select(MatchOutcome).where(MatchOutcome.match_year == match_year, _WAITS[kind]),
        key=[MatchOutcome.changed_at, MatchOutcome.id],
        key_of=lambda row: [row.changed_at, row.id],
        limit=limit,
        cursor=cursor,
    )


def whose(session: Session, outcomes: Sequence[MatchOutcome]) -> dict[UUID, Whose]:
    """Return whose records these are, by the record."""
    own = [one.id for one in outcomes]
    rows = session.execute(
        select(MatchOutcome.id, Person.trainee_id, Person.external_id)
        .join(Person, Person.id == MatchOutcome.person_id)
        .where(MatchOutcome.id.in_(own))
    )
    return {outcome_id: Whose(account_id, external) for outcome_id, account_id, external in rows}
