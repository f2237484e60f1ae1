"""Schools: made by operators or by who is to act for them; verified and refused; changed.

Each decision is a row of `school_check`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.errors import (
    SchoolDecided,
    SchoolExists,
    SchoolNotVerified,
    TooManySchools,
)
from marketplace.identity.models import Membership, School, SchoolCheck
from marketplace.identity.queries import school_checks, schools
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from marketplace.identity.service.notices import notify
from marketplace.identity.states import SchoolStep

# So many that nobody has verified may an account act for, and register one more.
MOST_UNVERIFIED = 3


@dataclass(frozen=True)
class Evidence:
    """By what a school is known: a kind of `rules.SchoolEvidence`, and its number or address."""

    kind: str
    reference: str


def register(
    session: Session,
    *,
    name: str,
    country: str,
    city: str | None,
    evidence: Evidence,
    note: str,
    account_id: uuid.UUID,
    now: datetime,
) -> School:
    """Make a school that is not here yet; whoever does is its first coordinator.

    It acts once an operator has verified it. `SchoolExists` where one of this name is here, in
    whatever letters: who acts for that one invites others. `TooManySchools` for who acts for several
    that are not verified, refused or not.
    """
    if school_checks.unverified_of(session, account_id) >= MOST_UNVERIFIED:
        raise TooManySchools(extra={"limit": MOST_UNVERIFIED})
    name = " ".join(name.split())
    if schools.is_here(session, name, country):
        raise SchoolExists("Who acts for it can invite you, and our staff can let you act for it.")
    school = School(id=new_id(), name=name, country=country, city=city, version=1)
    session.add(school)
    session.flush()
    memberships.grant(
        session,
        account_id,
        Role.SCHOOL_COORDINATOR,
        granted_by=account_id,
        now=now,
        school_id=school.id,
    )
    _checked(session, school, SchoolStep.SUBMITTED, evidence, note, account_id, now)
    return school


def submit(
    session: Session,
    school_id: uuid.UUID,
    evidence: Evidence,
    *,
    note: str,
    account_id: uuid.UUID,
    now: datetime,
) -> School:
    """Show by what the school is known; one that was refused is looked at again.

    `SchoolDecided` of one that is verified.
    """
    school = schools.find(session, school_id, lock=True)
    if school.verified_at is not None:
        raise _decided(session, school)
    school.refused_at = None
    _checked(session, school, SchoolStep.SUBMITTED, evidence, note, account_id, now)
    return school


def change(session: Session, school: School, changes: dict[str, Any]) -> School:
    """Set what is named: `city`, `email_domain`, `approves`. The caller holds the row."""
    for name, value in changes.items():
        setattr(school, name, value.lower() if name == "email_domain" and value else value)
    school.version += 1
    session.flush()
    return school


def decide(
    session: Session,
    school_id: uuid.UUID,
    *,
    verified: bool,
    note: str,
    actor_id: uuid.UUID,
    now: datetime,
    kind: str = "",
    reference: str = "",
) -> School:
    """Verify the school by its evidence, or refuse it and say why."""
    if not verified:
        return refuse(session, school_id, note=note, actor_id=actor_id, now=now)
    evidence = Evidence(kind, reference)
    return verify(session, school_id, evidence, note=note, actor_id=actor_id, now=now)


def verify(
    session: Session,
    school_id: uuid.UUID,
    evidence: Evidence | None = None,
    *,
    note: str = "",
    actor_id: uuid.UUID,
    now: datetime,
) -> School:
    """Let the school act from now on, and tell its coordinators; `SchoolDecided` if it may already.

    Without evidence where that was shown elsewhere.
    """
    school = schools.find(session, school_id, lock=True)
    if school.verified_at is not None:
        raise _decided(session, school)
    school.verified_at, school.verified_by, school.refused_at = now, actor_id, None
    _checked(session, school, SchoolStep.VERIFIED, evidence, note, actor_id, now)
    for one in schools.coordinators(session, school.id):
        tell_verified(session, school, one.account_id, now)
    return school


def refuse(
    session: Session, school_id: uuid.UUID, *, note: str, actor_id: uuid.UUID, now: datetime
) -> School:
    """Do not, or no longer, let the school act; the note tells its coordinators why.

    `SchoolDecided` if it was refused already. What it has booked stays.
    """
    if not note.strip():
        raise Invalid(fields={"note": ["Say why, so that the school can mend it."]})
    school = schools.find(session, school_id, lock=True)
    if school.refused_at is not None:
        raise _decided(session, school)
    school.verified_at, school.verified_by, school.refused_at = None, None, now
    _checked(session, school, SchoolStep.REFUSED, None, note, actor_id, now)
    data = {"school_id": str(school.id), "school_name": school.name, "reason": note}
    for one in schools.coordinators(session, school.id):
        notify(session, one.account_id, "school_refused", data, now=now)
    return school


def add_coordinator(
    session: Session, school_id: uuid.UUID, email: str, *, actor_id: uuid.UUID, now: datetime
) -> Membership:
    """Make the account of this address a coordinator of the school, and tell them.

    `NotFound` for an address without a confirmed account, `MembershipExists` for who is one.
    """
    school = schools.find(session, school_id)
    account = queries.account_by_email(session, email)
    if account is None or account.confirmed_at is None or not account.active:
        raise NotFound("There is no confirmed account with this address: they register first.")
    made = memberships.grant(
        session,
        account.id,
        Role.SCHOOL_COORDINATOR,
        granted_by=actor_id,
        now=now,
        school_id=school.id,
    )
    if school.verified_at is not None:
        tell_verified(session, school, account.id, now)
    return made


def check_verified(school: School) -> None:
    """Raise `SchoolNotVerified` unless an operator has verified it."""
    if school.verified_at is None:
        raise SchoolNotVerified


def tell_verified(session: Session, school: School, account_id: uuid.UUID, now: datetime) -> None:
    """Tell a coordinator that the school can act here."""
    data = {"school_id": str(school.id), "school_name": school.name}
    notify(session, account_id, "school_verified", data, now=now)


def _checked(
    session: Session,
    school: School,
    step: SchoolStep,
    evidence: Evidence | None,
    note: str,
    actor_id: uuid.UUID,
    now: datetime,
) -> None:
    school.version += 1
    session.add(
        SchoolCheck(
            id=new_id(),
            school_id=school.id,
            school_version=school.version,
            step=step,
            kind=evidence.kind if evidence else None,
            reference=evidence.reference if evidence else None,
            note=note,
            account_id=actor_id,
            recorded_at=now,
        )
    )
    session.flush()


def _decided(session: Session, school: School) -> SchoolDecided:
    """Who was first; of a school that was verified before checks were kept, its own row says it."""
    last = next(iter(school_checks.checks(session, school.id, last=True)), None)
    by = last.account_id if last else school.verified_by
    at = last.recorded_at if last else school.verified_at
    return SchoolDecided(
        extra={
            "decided_by": str(by) if by else None,
            "decided_at": at.isoformat() if at else None,
        }
    )
