"""Who acts for a school: its coordinators invite others, and remove one, but never the last.

Who is invited comes by a mailed link (`invitations`), good as long as its sender acts for the school.
An operator names the first.
"""

import uuid
from datetime import datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.events import publish
from marketplace.identity import queries
from marketplace.identity.errors import (
    CoordinatorInvitationGone,
    MembershipExists,
    OtherAddress,
    OtherDomain,
)
from marketplace.identity.events import CoordinatorsChanged
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Account, CoordinatorInvitation, Membership, School
from marketplace.identity.queries import invitations as kept
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role, in_domain
from marketplace.identity.service import invitations, memberships, notices
from marketplace.identity.service.accounts import normalize_address
from marketplace.identity.service.schools import add_coordinator, check_verified
from marketplace.identity.states import InvitationState

PURPOSE = "coordinator-invitation"


def invite(
    session: Session,
    school: School,
    address: str,
    *,
    actor: Account,
    signer: LinkSigner,
    now: datetime,
) -> CoordinatorInvitation:
    """Invite one address to act for the school; again, while that is open, sends another link.

    `SchoolNotVerified`, `OtherDomain` where the school has a domain of its own and the address is
    not in it, `MembershipExists` for who is a coordinator.
    """
    check_verified(school)
    return _invite(session, school, normalize_address(address), actor, signer, now)


def name(
    session: Session,
    school: School,
    address: str,
    *,
    actor: Account,
    signer: LinkSigner,
    now: datetime,
) -> Membership | CoordinatorInvitation:
    """Have an operator make an address a coordinator: at once where it has an account, else by mail.

    Before the school is verified too. `OtherDomain`, `MembershipExists`.
    """
    email = normalize_address(address)
    known = queries.account_by_email(session, email)
    if known is None or known.confirmed_at is None:
        return _invite(session, school, email, actor, signer, now)
    if not in_domain(email, school.email_domain):
        raise OtherDomain(f"Not in {school.email_domain}.")
    if not known.active:
        raise Invalid(fields={"email": ["The account of this address is closed."]})
    return add_coordinator(session, school.id, email, actor_id=actor.id, now=now)


def _invite(
    session: Session,
    school: School,
    email: str,
    actor: Account,
    signer: LinkSigner,
    now: datetime,
) -> CoordinatorInvitation:
    if not in_domain(email, school.email_domain):
        raise OtherDomain(f"Not in {school.email_domain}.")
    known = queries.account_by_email(session, email)
    if known is not None and schools.acts_for(session, school.id, known.id) is not None:
        raise MembershipExists
    kind = CoordinatorInvitation
    token, made = invitations.link(
        session,
        kind,
        kept.still_open(session, kind, kind.school_id == school.id, email),
        email,
        {"school_id": school.id},
        purpose=PURPOSE,
        actor_id=actor.id,
        signer=signer,
        now=now,
    )
    _mail(session, school, made, actor, known, token, now)
    _tell(session, made, "invited", actor.id, now)
    return made


def invitation(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> CoordinatorInvitation:
    """Return the open invitation that a link is for; `CoordinatorInvitationGone` for any other."""
    return _invited(session, signer, token, now, lock=False)


def accept(
    session: Session, signer: LinkSigner, token: str, *, account: Account, now: datetime
) -> Membership:
    """Be a coordinator of the school, as the account of the address that was invited.

    `OtherAddress` for any other account; the invitation stays open. Who was invited by an operator
    may come before the school is verified.
    """
    found = _invited(session, signer, token, now, lock=True)
    if account.email != found.email:
        raise OtherAddress
    school = schools.find(session, found.school_id)
    if not _is_operator(session, found.invited_by):
        check_verified(school)
    made = memberships.grant(
        session,
        account.id,
        Role.SCHOOL_COORDINATOR,
        granted_by=found.invited_by,
        now=now,
        school_id=school.id,
    )
    found.account_id = account.id
    invitations.end(session, found, InvitationState.ACCEPTED, now)
    _tell_others(session, school, account, account.name, "added", now)
    return made


def refuse(session: Session, signer: LinkSigner, token: str, now: datetime) -> None:
    """Say no by the link; no account is needed."""
    found = _invited(session, signer, token, now, lock=True)
    invitations.end(session, found, InvitationState.REFUSED, now)
    _tell(session, found, "invitation_refused", None, now)


def withdraw(
    session: Session,
    school_id: uuid.UUID,
    invitation_id: uuid.UUID,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> None:
    """Take an invitation back; its link is void from then on. Twice is once."""
    found = kept.find(session, CoordinatorInvitation, invitation_id, lock=True)
    if found is None or found.school_id != school_id:
        raise NotFound
    if not invitations.withdraw(session, found, CoordinatorInvitationGone, now):
        return
    _tell(session, found, "invitation_withdrawn", actor_id, now)


def remove(
    session: Session,
    school_id: uuid.UUID,
    membership_id: uuid.UUID,
    *,
    actor: Account,
    now: datetime,
) -> None:
    """End a coordinator's role, one's own among them; `LastCoordinator` for the last. Twice is once.

    What they had invited others by is good no more.
    """
    found = session.get(Membership, membership_id)
    if found is None or found.school_id != school_id:
        raise NotFound
    if found.revoked_at is not None:
        return
    gone = session.get_one(Account, found.account_id)
    memberships.revoke(session, membership_id, revoked_by=actor.id, now=now)
    school = schools.find(session, school_id)
    _tell_others(session, school, gone, actor.name, "removed", now)


def _invited(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool
) -> CoordinatorInvitation:
    kind = CoordinatorInvitation
    found = invitations.of_link(session, kind, PURPOSE, signer, token, now, lock=lock)
    if found is None or not (
        schools.acts_for(session, found.school_id, found.invited_by)
        or _is_operator(session, found.invited_by)
    ):
        raise CoordinatorInvitationGone
    return found


def _is_operator(session: Session, account_id: uuid.UUID) -> bool:
    return queries.has_role(session, account_id, Role.OPERATOR)


def _mail(
    session: Session,
    school: School,
    made: CoordinatorInvitation,
    actor: Account,
    known: Account | None,
    token: str,
    now: datetime,
) -> None:
    letter = invitations.letter(made.email, known, actor, token)
    data: dict[str, Any] = {
        "school_name": school.name,
        "invited_by": actor.name,
        "email": made.email,
        "expires_at": made.expires_at.isoformat(),
    }
    notices.notify_addresses(session, [letter], "coordinator_invitation", data, now=now)


def _tell_others(
    session: Session, school: School, person: Account, by: str, what: str, now: datetime
) -> None:
    people = schools.coordinators(session, school.id)
    data = {"school_name": school.name, "by": by, "what": what}
    invitations.tell(session, person, people, "coordinators_changed", data, now)


def _tell(
    session: Session,
    made: CoordinatorInvitation,
    what: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    publish(
        session,
        CoordinatorsChanged(
            school_id=made.school_id,
            what=what,
            at=now,
            actor_id=actor_id,
            invitation_id=made.id,
        ),
    )
