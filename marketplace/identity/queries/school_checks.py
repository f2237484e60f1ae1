"""Selects of schools as operators look at them: those that wait, what was decided, any by its name."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from marketplace.core.db import Session
from marketplace.identity.models import Account, Membership, School, SchoolCheck
from marketplace.identity.rules import Role


def waiting(session: Session, most: int) -> Sequence[tuple[School, datetime]]:
    """Return schools that somebody wants to act for and nobody has decided on, with since when.

    The longest-waiting first; one query.
    """
    since = func.min(Membership.granted_at)
    rows = session.execute(
        select(School, since)
        .join(Membership, Membership.school_id == School.id)
        .where(*_undecided())
        .group_by(School.id)
        .order_by(since, School.id)
        .limit(most)
    )
    return [(row[0], row[1]) for row in rows]


def waiting_count(session: Session) -> int:
    """How many schools wait for an operator."""
    found = session.execute(
        select(func.count(Membership.school_id.distinct()))
        .join(School, School.id == Membership.school_id)
        .where(*_undecided())
    )
    return found.scalar_one()


def unverified_of(session: Session, account_id: uuid.UUID) -> int:
    """How many schools that are not verified the account acts for, refused ones too.

    Its row is held from here on: of two at once the second is counted after the first.
    """
    session.execute(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )
    found = session.execute(
        select(func.count(Membership.school_id.distinct()))
        .join(School, School.id == Membership.school_id)
        .where(
            School.verified_at.is_(None),
            Membership.account_id == account_id,
            Membership.role == Role.SCHOOL_COORDINATOR,
            Membership.revoked_at.is_(None),
        )
    )
    return found.scalar_one()


def _undecided() -> tuple[ColumnElement[bool], ...]:
    return (
        School.verified_at.is_(None),
        School.refused_at.is_(None),
        Membership.role == Role.SCHOOL_COORDINATOR,
        Membership.revoked_at.is_(None),
    )


def checks(session: Session, school_id: uuid.UUID, *, last: bool = False) -> Sequence[SchoolCheck]:
    """Return what was decided about the school, oldest first; or only the last."""
    query = select(SchoolCheck).where(SchoolCheck.school_id == school_id)
    query = (
        query.order_by(SchoolCheck.id.desc()).limit(1) if last else query.order_by(SchoolCheck.id)
    )
    return session.execute(query).scalars().all()


def any_called(session: Session, text: str, *, most: int) -> Sequence[School]:
    """Return schools whose name has this in it, verified or not, by name, at most so many."""
    return (
        session.execute(
            select(School)
            .where(School.name.icontains(text, autoescape=True))
            .order_by(School.name, School.country)
            .limit(most)
        )
        .scalars()
        .all()
    )
