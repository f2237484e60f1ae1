"""Granting and revoking roles. Every grant is a row, and stays one when it is revoked."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.rows import Part
from marketplace.identity import queries
from marketplace.identity.errors import (
    LastCoordinator,
    LastOperator,
    MembershipExists,
    MembershipMisplaced,
)
from marketplace.identity.events import AccountChanged, CoordinatorsChanged
from marketplace.identity.models import Account, Membership, School
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role, membership_place


def grant(
    session: Session,
    account_id: uuid.UUID,
    role: Role | str,
    *,
    granted_by: uuid.UUID | None,
    now: datetime,
    site_id: uuid.UUID | None = None,
    school_id: uuid.UUID | None = None,
) -> Membership:
    """Grant a role, at a site or school where the role needs one.

    `granted_by` None means the system itself. `MembershipExists`, `MembershipMisplaced`, and
    `NotFound` for an account that does not exist.
    """
    membership = _insert(session, account_id, Role(role), site_id, school_id, granted_by, now)
    if membership is None:
        raise MembershipExists
    return membership


def give(
    session: Session,
    account_id: uuid.UUID,
    role: Role | str,
    *,
    given_by: uuid.UUID,
    reason: str,
    now: datetime,
    site_id: uuid.UUID | None = None,
    school_id: uuid.UUID | None = None,
) -> Membership:
    """Grant a role for an operator, whose name and reason go into the audit trail."""
    made = grant(
        session,
        account_id,
        role,
        granted_by=given_by,
        now=now,
        site_id=site_id,
        school_id=school_id,
    )
    _note(session, made, "role_given", given_by, reason, now)
    return made


def end(
    session: Session, membership_id: uuid.UUID, *, ended_by: uuid.UUID, reason: str, now: datetime
) -> Membership:
    """Revoke a role for an operator, whose name and reason go into the audit trail; twice is once."""
    before = _held(session, membership_id)
    over = before is not None and before.revoked_at is not None
    ended = revoke(session, membership_id, revoked_by=ended_by, now=now)
    if not over:
        _note(session, ended, "role_ended", ended_by, reason, now)
    return ended


def grant_role(
    session: Session,
    account_id: uuid.UUID,
    role: Role | str,
    *,
    now: datetime,
    site_id: uuid.UUID | None = None,
    school_id: uuid.UUID | None = None,
) -> None:
    """Grant a role for a command or import: one that is there already is left as it is."""
    _insert(session, account_id, Role(role), site_id, school_id, None, now)


def granted(
    account_id: uuid.UUID, role: Role, site_ids: Sequence[uuid.UUID], now: datetime
) -> Part:
    """What grants an account a role at sites that are made by the same statement."""
    return Part(
        "INSERT INTO membership (id, account_id, role, site_id, granted_at)"
        " SELECT id, CAST(:member AS uuid), CAST(:role AS text), site_id,"
        " CAST(:granted_at AS timestamptz)"
        " FROM unnest(CAST(:memberships AS uuid[]), CAST(:member_of AS uuid[])) AS n(id, site_id)",
        {
            "member": account_id,
            "role": role.value,
            "granted_at": now,
            "memberships": [new_id() for _ in site_ids],
            "member_of": list(site_ids),
        },
        silent=True,
    )


def revoke(
    session: Session, membership_id: uuid.UUID, *, revoked_by: uuid.UUID | None, now: datetime
) -> Membership:
    """Revoke a membership from now on; twice is once.

    The last operator's can't be, nor that of a school's last coordinator.
    """
    membership = _held(session, membership_id)
    if membership is None:
        raise NotFound
    if membership.revoked_at is not None:
        return membership
    if membership.role == Role.OPERATOR:
        refuse_last_operator(session, membership.account_id)
    if membership.school_id is not None:
        _refuse_last_coordinator(session, membership, membership.school_id)
    membership.revoked_at = now
    membership.revoked_by = revoked_by
    session.flush()
    _tell(session, membership, "removed", revoked_by, now)
    return membership


def ensure_school(session: Session, name: str, country: str) -> School:
    """Return the school of this name and country, made if it is not there yet."""
    session.execute(
        insert(School)
        .values(id=new_id(), name=name, country=country)
        .on_conflict_do_nothing(index_elements=[School.name, School.country])
    )
    found = queries.school(session, name, country)
    if found is None:
        raise LookupError(f"the school {name!r} went away while it was made")
    return found


def _insert(
    session: Session,
    account_id: uuid.UUID,
    role: Role,
    site_id: uuid.UUID | None,
    school_id: uuid.UUID | None,
    granted_by: uuid.UUID | None,
    now: datetime,
) -> Membership | None:
    """Insert and return the membership; None if it is there, whoever else is inserting."""
    wrong = membership_place(role, has_site=site_id is not None, has_school=school_id is not None)
    if wrong is not None:
        raise MembershipMisplaced(wrong)
    if queries.account(session, account_id) is None:
        raise NotFound
    made = session.execute(
        insert(Membership)
        .values(
            id=new_id(),
            account_id=account_id,
            role=role.value,
            site_id=site_id,
            school_id=school_id,
            granted_at=now,
            granted_by=granted_by,
        )
        .on_conflict_do_nothing(
            index_elements=["account_id", "role", "site_id", "school_id"],
            index_where=Membership.revoked_at.is_(None),
        )
        .returning(Membership.id)
    ).scalar_one_or_none()
    if made is None:
        return None
    membership = session.get_one(Membership, made)
    _tell(session, membership, "added", granted_by, now)
    return membership


def _tell(
    session: Session,
    membership: Membership,
    what: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Tell of who acts for a school: its audit trail is kept above."""
    if membership.school_id is not None:
        publish(
            session,
            CoordinatorsChanged(
                school_id=membership.school_id,
                what=what,
                at=now,
                actor_id=actor_id,
                account_id=membership.account_id,
            ),
        )


def _note(
    session: Session,
    membership: Membership,
    what: str,
    actor_id: uuid.UUID,
    reason: str,
    now: datetime,
) -> None:
    places = {"site_id": membership.site_id, "school_id": membership.school_id}
    at = {name: str(one) for name, one in places.items() if one is not None}
    publish(
        session,
        AccountChanged(
            account_id=membership.account_id,
            actor_id=actor_id,
            what=what,
            reason=reason,
            at=now,
            detail={"role": membership.role, **at},
        ),
    )


def _held(session: Session, membership_id: uuid.UUID) -> Membership | None:
    """The membership, its row locked; an operator's after all of theirs, in one order.

    Two operators who end each other's would else each hold one and wait for the other.
    """
    found = session.get(Membership, membership_id)
    if found is not None and found.role == Role.OPERATOR:
        _hold_operators(session)
    return session.get(Membership, membership_id, with_for_update=True, populate_existing=True)


def refuse_last_operator(session: Session, account_id: uuid.UUID) -> None:
    """`LastOperator` where nobody else is an operator whose account is open."""
    if _hold_operators(session) <= {account_id}:
        raise LastOperator


def _hold_operators(session: Session) -> set[uuid.UUID]:
    """Who is an operator whose account is open; all are locked, so that two can't part at once."""
    found = session.execute(
        select(Membership.account_id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Membership.role == Role.OPERATOR.value,
            Membership.revoked_at.is_(None),
            Account.active,
        )
        .order_by(Membership.id)
        .with_for_update(key_share=True)
    ).scalars()
    return set(found)


def _refuse_last_coordinator(
    session: Session, membership: Membership, school_id: uuid.UUID
) -> None:
    """Hold the school's row after the role's, as the database's own check does."""
    if not schools.others_act(session, school_id, membership.id):
        raise LastCoordinator
