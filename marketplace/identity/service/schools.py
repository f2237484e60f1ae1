"""Schools: made and verified by operators, changed by their coordinators."""

import uuid
from datetime import datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.errors import SchoolNotVerified
from marketplace.identity.models import Membership, School
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from marketplace.identity.service.notices import notify


def change(session: Session, school: School, changes: dict[str, Any]) -> School:
    """Set what is named: `city`, `email_domain`, `approves`. The caller holds the row."""
    for name, value in changes.items():
        setattr(school, name, value.lower() if name == "email_domain" and value else value)
    school.version += 1
    session.flush()
    return school


def verify(session: Session, school_id: uuid.UUID, *, actor_id: uuid.UUID, now: datetime) -> School:
    """Let the school act from now on, and tell its coordinators; twice is once."""
    school = schools.find(session, school_id, lock=True)
    if school.verified_at is None:
        school.verified_at, school.verified_by = now, actor_id
        school.version += 1
        session.flush()
        for one in schools.coordinators(session, school.id):
            tell_verified(session, school, one.account_id, now)
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
    notify(session, account_id, "school_verified", {"school_name": school.name}, now=now)
