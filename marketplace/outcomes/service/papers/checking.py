"""Checking a paper by the code that it carries: what it states, and whether it counts.

A code that no paper carries gets the same shape of answer, from the same single query. Nothing of a
look-up is recorded.
"""

from dataclasses import dataclass, field

from marketplace.core.db import Session
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.rules.papers import Standing, digest_of, public_rows, standing


@dataclass(frozen=True)
class Checked:
    """The answer; but for `standing` it is empty where the code is unknown."""

    standing: Standing
    title: str = ""
    number: str = ""
    issuer: str = ""
    issued_on: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)


def check(session: Session, code: str) -> Checked:
    """Look a code up."""
    found = queries.by_digest(session, digest_of(code))
    if found is None:
        return Checked(Standing.UNKNOWN)
    paper, replaced = found
    return Checked(
        standing=standing(newer=replaced, revoked=paper.revoked_at is not None),
        title=paper.content["title"],
        number=paper.content["number"],
        issuer=paper.content["issuer"],
        issued_on=paper.content["issued_on"],
        rows=public_rows(paper.content),
    )
