"""Selects of schools, their coordinators and students."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Subquery, and_, exists, func, or_, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity.models import (
    Account,
    CoordinatorInvitation,
    Membership,
    School,
    SchoolConsent,
    SchoolStudent,
    SchoolStudentStep,
)
from marketplace.identity.queries import Contact, civil
from marketplace.identity.rules import Role, Seen
from marketplace.identity.states import StudentState
from marketplace.web.pagination import Page, paginate

OPEN = (StudentState.INVITED, StudentState.LINKED)


@dataclass(frozen=True)
class Student:
    """A student as their school sees them; no name before they have said yes."""

    id: uuid.UUID
    email: str
    account_id: uuid.UUID | None
    name: str | None
    state: str
    sees: tuple[str, ...]
    invited_at: datetime
    expires_at: datetime | None
    linked_at: datetime | None
    ended_at: datetime | None


def find(session: Session, school_id: uuid.UUID, *, lock: bool = False) -> School:
    """Return the school; `NotFound` if there is none."""
    found = session.get(School, school_id, with_for_update=True if lock else None)
    if found is None:
        raise NotFound
    return found


def is_here(session: Session, name: str, country: str) -> bool:
    """Whether there is a school of this name in the country, in whatever letters it is written."""
    there = exists().where(func.lower(School.name) == name.lower(), School.country == country)
    return bool(session.execute(select(there)).scalar())


def names(session: Session, school_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the schools' names; one query."""
    rows = session.execute(select(School.id, School.name).where(School.id.in_(school_ids)))
    return {row.id: row.name for row in rows}


def schools(session: Session, *, limit: int, cursor: str | None) -> Page[School]:
    """Return all schools, the newest first."""
    return paginate(
        session,
        select(School),
        key=[School.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def called(session: Session, text: str, *, most: int) -> Sequence[School]:
    """Return verified schools whose name has this in it, by name, at most so many."""
    return (
        session.execute(
            select(School)
            .where(School.verified_at.is_not(None), School.name.icontains(text, autoescape=True))
            .order_by(School.name, School.country)
            .limit(most)
        )
        .scalars()
        .all()
    )


def coordinators(session: Session, school_id: uuid.UUID) -> list[Contact]:
    """Return who of the school to write to, by live membership."""
    rows = session.execute(
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(
            Membership.school_id == school_id,
            Membership.role == Role.SCHOOL_COORDINATOR,
            Membership.revoked_at.is_(None),
            Account.active,
        )
        .order_by(Account.id)
    ).scalars()
    return [Contact(row.id, row.email, row.name, row.locale, row.time_zone) for row in rows]


def others_act(session: Session, school_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Whether somebody else acts for the school too; nobody joins or goes until the commit."""
    session.execute(select(School.id).where(School.id == school_id).with_for_update(key_share=True))
    others = exists().where(
        _acting(), Membership.school_id == school_id, Membership.id != membership_id
    )
    return bool(session.execute(select(others)).scalar())


def acts_for(session: Session, school_id: uuid.UUID, account_id: uuid.UUID) -> Membership | None:
    """Return the account's live role at the school; None if it has none."""
    return session.execute(
        select(Membership)
        .join(Account, Account.id == Membership.account_id)
        .where(_acting(), Membership.school_id == school_id, Membership.account_id == account_id)
    ).scalar_one_or_none()


def awake(now: datetime) -> Subquery:
    """Who acts for a school and may be written to at this hour: `school_id` and `account_id`."""
    return (
        select(Membership.school_id, Membership.account_id)
        .join(Account, Account.id == Membership.account_id)
        .where(_acting(), civil(Account.time_zone, now))
        .subquery("awake")
    )


def _acting() -> ColumnElement[bool]:
    """Live roles of coordinators whose accounts are open; `Account` is joined."""
    return and_(
        Membership.role == Role.SCHOOL_COORDINATOR,
        Membership.revoked_at.is_(None),
        Membership.account_id == Account.id,
        Account.active,
    )


def invitations(
    session: Session, school_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[CoordinatorInvitation]:
    """Return the school's invitations of coordinators, the newest first; one query."""
    return paginate(
        session,
        select(CoordinatorInvitation).where(CoordinatorInvitation.school_id == school_id),
        key=[CoordinatorInvitation.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def members(session: Session, school_id: uuid.UUID) -> Sequence[tuple[Membership, Account]]:
    """Return the school's live members with their accounts."""
    rows = session.execute(
        select(Membership, Account)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.school_id == school_id, Membership.revoked_at.is_(None))
        .order_by(Membership.id)
    )
    return [(membership, person) for membership, person in rows]


def student(session: Session, student_id: uuid.UUID, *, lock: bool = False) -> SchoolStudent | None:
    return session.get(
        SchoolStudent,
        student_id,
        with_for_update=True if lock else None,
        populate_existing=lock,
    )


def of_school(session: Session, school_id: uuid.UUID, student_id: uuid.UUID) -> SchoolStudent:
    """Return the school's own student, their row held; `NotFound` for any other."""
    found = student(session, student_id, lock=True)
    if found is None or found.school_id != school_id:
        raise NotFound
    return found


def own_link(
    session: Session, account_id: uuid.UUID, *, lock: bool = False
) -> SchoolStudent | None:
    """Return the account's live link to a school; None if it has none."""
    query = select(SchoolStudent).where(
        SchoolStudent.account_id == account_id, SchoolStudent.state == StudentState.LINKED
    )
    if lock:
        query = query.with_for_update()
    return session.execute(
        query, execution_options={"populate_existing": lock}
    ).scalar_one_or_none()


def concerning(session: Session, account_id: uuid.UUID, email: str) -> list[SchoolStudent]:
    """Return the open invitations of an address and the links of its account, their rows held."""
    rows = session.execute(
        select(SchoolStudent)
        .where(
            or_(SchoolStudent.account_id == account_id, SchoolStudent.email == email),
            SchoolStudent.state.in_(OPEN),
        )
        .order_by(SchoolStudent.id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    )
    return list(rows.scalars())


def open_links(
    session: Session, school_id: uuid.UUID, emails: Collection[str]
) -> dict[str, SchoolStudent]:
    """Return the school's open invitations and links of these addresses, their rows held."""
    rows = session.execute(
        select(SchoolStudent)
        .where(
            SchoolStudent.school_id == school_id,
            SchoolStudent.email.in_(emails),
            SchoolStudent.state.in_(OPEN),
        )
        .order_by(SchoolStudent.id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).scalars()
    return {row.email: row for row in rows}


def links_since(
    session: Session, school_id: uuid.UUID, emails: Collection[str], since: datetime
) -> dict[str, int]:
    """How many links the school has had mailed to each of these addresses since then."""
    rows = session.execute(
        select(SchoolStudent.email, func.count())
        .join(SchoolStudentStep, SchoolStudentStep.student_id == SchoolStudent.id)
        .where(
            SchoolStudent.school_id == school_id,
            SchoolStudent.email.in_(emails),
            SchoolStudentStep.to_state == StudentState.INVITED,
            SchoolStudentStep.at > since,
        )
        .group_by(SchoolStudent.email)
    )
    return {email: int(number) for email, number in rows}


def accounts_by_email(session: Session, emails: Collection[str]) -> dict[str, Account]:
    """Return the accounts of these addresses; one query."""
    rows = session.execute(select(Account).where(Account.email.in_(emails))).scalars()
    return {row.email: row for row in rows}


def students(
    session: Session,
    school_id: uuid.UUID,
    *,
    states: Sequence[str] = (),
    limit: int,
    cursor: str | None,
) -> Page[Student]:
    """Return the school's students and invitations, the newest first; two queries."""
    query = select(SchoolStudent).where(SchoolStudent.school_id == school_id)
    if states:
        query = query.where(SchoolStudent.state.in_(states))
    found = paginate(
        session,
        query,
        key=[SchoolStudent.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
    known = [row.account_id for row in found.items if row.account_id is not None]
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_(known)))
    named = {row.id: row.name for row in rows}
    return Page([_seen(row, named) for row in found.items], found.next_cursor)


def linked(
    session: Session, school_id: uuid.UUID, student_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, SchoolStudent]:
    """Return those of these who are the school's students now, by their id here."""
    rows = session.execute(
        select(SchoolStudent).where(
            SchoolStudent.school_id == school_id,
            SchoolStudent.id.in_(student_ids),
            SchoolStudent.state == StudentState.LINKED,
        )
    ).scalars()
    return {row.id: row for row in rows}


def showing(purpose: Seen, *more: Seen) -> Subquery:
    """Who shows a school this now: rows of `school_id`, `account_id` and `sees`, to be joined to."""
    wanted = [one.value for one in (purpose, *more)]
    return (
        select(SchoolStudent.school_id, SchoolStudent.account_id, SchoolStudent.sees)
        .where(SchoolStudent.state == StudentState.LINKED, SchoolStudent.sees.contains(wanted))
        .subquery("shown")
    )


def schools_of(session: Session, account_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return whose students these accounts are now; one query."""
    rows = session.execute(
        select(SchoolStudent.account_id, SchoolStudent.school_id).where(
            SchoolStudent.account_id.in_(account_ids),
            SchoolStudent.state == StudentState.LINKED,
        )
    )
    return {row.account_id: row.school_id for row in rows if row.account_id}


def seen_of(
    session: Session, school_id: uuid.UUID, account_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, frozenset[str]]:
    """Return what each of these accounts lets the school see now; one query."""
    rows = session.execute(
        select(SchoolStudent.account_id, SchoolStudent.sees).where(
            SchoolStudent.school_id == school_id,
            SchoolStudent.account_id.in_(account_ids),
            SchoolStudent.state == StudentState.LINKED,
        )
    )
    return {row.account_id: frozenset(row.sees) for row in rows if row.account_id}


def consents(session: Session, student_id: uuid.UUID) -> Sequence[SchoolConsent]:
    """Return every consent given and withdrawn, oldest first."""
    return (
        session.execute(
            select(SchoolConsent)
            .where(SchoolConsent.student_id == student_id)
            .order_by(SchoolConsent.at, SchoolConsent.purpose, SchoolConsent.number)
        )
        .scalars()
        .all()
    )


def last_numbers(session: Session, student_id: uuid.UUID) -> dict[str, int]:
    """Return the number of the newest consent of each purpose."""
    rows = session.execute(
        select(SchoolConsent.purpose, func.max(SchoolConsent.number))
        .where(SchoolConsent.student_id == student_id)
        .group_by(SchoolConsent.purpose)
    )
    return {row[0]: row[1] for row in rows}


def _seen(row: SchoolStudent, named: dict[uuid.UUID, str]) -> Student:
    open_to_it = row.state == StudentState.LINKED
    account_id = row.account_id if open_to_it else None
    return Student(
        id=row.id,
        email=row.email,
        account_id=account_id,
        name=named.get(account_id) if account_id is not None else None,
        state=row.state,
        sees=tuple(row.sees),
        invited_at=row.invited_at,
        expires_at=row.expires_at,
        linked_at=row.linked_at,
        ended_at=row.ended_at,
    )
