"""Selects on the list of residency programs."""

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.outcomes.models import ResidencyProgram
from marketplace.outcomes.rules.programs import Program


def every(session: Session) -> list[Program]:
    """Return the whole list, by code; some twelve thousand rows, plain ones."""
    own = ResidencyProgram
    rows = session.execute(
        select(own.code, own.name, own.city, own.state, own.specialty, own.source).order_by(
            own.code
        )
    )
    return [Program(*row) for row in rows]


def name_of(session: Session, code: str) -> str | None:
    """Return a program's name; None if it is not on the list."""
    query = select(ResidencyProgram.name).where(ResidencyProgram.code == code)
    return session.execute(query).scalar_one_or_none()
