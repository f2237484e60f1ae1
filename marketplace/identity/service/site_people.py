"""Who works for a site: its owners invite, give other rights and take them, but never the last owner's.

Who is invited comes by a mailed link (`invitations`), good as long as its sender is an owner.
"""

import uuid
from datetime import datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.identity import queries
from marketplace.identity.errors import (
    MembershipExists,
    OtherAddress,
    SiteInvitationGone,
    TooManyInvitations,
)
from marketplace.identity.events import SitePeopleChanged
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Account, Membership, SiteInvitation
from marketplace.identity.queries import invitations as kept
from marketplace.identity.queries import site_people
from marketplace.identity.rules import Role
from marketplace.identity.service import invitations, memberships, notices
from marketplace.identity.service.accounts import normalize_address
from marketplace.identity.states import InvitationState

PURPOSE = "site-invitation"
MOST_OPEN = 100


def invite(
    session: Session,
    site_id: uuid.UUID,
    site_name: str,
    address: str,
    role: Role,
    *,
    actor: Account,
    signer: LinkSigner,
    now: datetime,
) -> SiteInvitation:
    """Invite one address to work for the site; again, while that is open, sends another link.

    `MembershipExists` for who works there already: their rights can be changed.
    `TooManyInvitations` where a hundred are open.
    """
    email = normalize_address(address)
    known = queries.account_by_email(session, email)
    if known is not None and queries.roles_at(session, known.id, site_id):
        raise MembershipExists
    found = kept.still_open(session, SiteInvitation, SiteInvitation.site_id == site_id, email)
    if found is None and site_people.count_open(session, site_id) >= MOST_OPEN:
        raise TooManyInvitations(f"{MOST_OPEN} may be open at once.")
    token, made = invitations.link(
        session,
        SiteInvitation,
        found,
        email,
        {"site_id": site_id, "role": role.value},
        purpose=PURPOSE,
        actor_id=actor.id,
        signer=signer,
        now=now,
    )
    letter = invitations.letter(email, known, actor, token)
    data: dict[str, Any] = {
        "site_name": site_name,
        "invited_by": actor.name,
        "role": role.value,
        "email": email,
        "expires_at": made.expires_at.isoformat(),
    }
    notices.notify_addresses(session, [letter], "site_invitation", data, now=now)
    _tell(session, site_id, "invited", actor.id, now, role=role.value, invitation=made.id)
    return made


def invitation(session: Session, signer: LinkSigner, token: str, now: datetime) -> SiteInvitation:
    """Return the open invitation that a link is for; `SiteInvitationGone` for any other."""
    return _invited(session, signer, token, now, lock=False)


def accept(
    session: Session,
    signer: LinkSigner,
    token: str,
    site_name: str,
    *,
    account: Account,
    now: datetime,
) -> Membership:
    """Work for the site, as the account of the address that was invited; else `OtherAddress`."""
    found = _invited(session, signer, token, now, lock=True)
    if account.email != found.email:
        raise OtherAddress
    made = memberships.grant(
        session,
        account.id,
        found.role,
        granted_by=found.invited_by,
        now=now,
        site_id=found.site_id,
    )
    found.account_id = account.id
    invitations.end(session, found, InvitationState.ACCEPTED, now)
    _tell(session, found.site_id, "added", account.id, now, role=found.role, account=account.id)
    _mail(session, found.site_id, site_name, account, account.name, "added", found.role, now)
    return made


def refuse(session: Session, signer: LinkSigner, token: str, now: datetime) -> None:
    """Say no by the link; no account is needed."""
    found = _invited(session, signer, token, now, lock=True)
    invitations.end(session, found, InvitationState.REFUSED, now)
    _tell(session, found.site_id, "refused", None, now, invitation=found.id)


def withdraw(
    session: Session,
    site_id: uuid.UUID,
    invitation_id: uuid.UUID,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> None:
    """Take an invitation back; its link is void from then on. Twice is once."""
    found = kept.find(session, SiteInvitation, invitation_id, lock=True)
    if found is None or found.site_id != site_id:
        raise NotFound
    if not invitations.withdraw(session, found, SiteInvitationGone, now):
        return
    _tell(session, site_id, "withdrawn", actor_id, now, invitation=found.id)


def change(
    session: Session,
    site_id: uuid.UUID,
    site_name: str,
    membership_id: uuid.UUID,
    role: Role,
    *,
    actor: Account,
    now: datetime,
) -> None:
    """Give a member another role in place of this one; `LastOwner` for the last owner. Twice is once."""
    found = _live(session, site_id, membership_id)
    if found is None or found.role == role.value:
        return
    if role.value not in (queries.roles_at(session, found.account_id, site_id) or ()):
        memberships.grant(
            session, found.account_id, role, granted_by=actor.id, now=now, site_id=site_id
        )
    memberships.revoke(session, found.id, revoked_by=actor.id, now=now)
    person = session.get_one(Account, found.account_id)
    _tell(session, site_id, "changed", actor.id, now, role=role.value, account=person.id)
    _mail(session, site_id, site_name, person, actor.name, "changed", role.value, now)


def remove(
    session: Session,
    site_id: uuid.UUID,
    site_name: str,
    membership_id: uuid.UUID,
    *,
    actor: Account,
    now: datetime,
) -> None:
    """End a member's role, one's own among them; `LastOwner` for the last owner. Twice is once."""
    found = _live(session, site_id, membership_id)
    if found is None:
        return
    memberships.revoke(session, found.id, revoked_by=actor.id, now=now)
    person = session.get_one(Account, found.account_id)
    _tell(session, site_id, "removed", actor.id, now, role=found.role, account=person.id)
    _mail(session, site_id, site_name, person, actor.name, "removed", found.role, now)


def _live(session: Session, site_id: uuid.UUID, membership_id: uuid.UUID) -> Membership | None:
    """A membership of the site that counts, held; None for one that has ended."""
    found = site_people.membership(session, site_id, membership_id)
    if found is None:
        raise NotFound
    return found if found.revoked_at is None else None


def _invited(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool
) -> SiteInvitation:
    found = invitations.of_link(session, SiteInvitation, PURPOSE, signer, token, now, lock=lock)
    if found is None or not site_people.owns(session, found.site_id, found.invited_by):
        raise SiteInvitationGone
    return found


def _mail(
    session: Session,
    site_id: uuid.UUID,
    site_name: str,
    person: Account,
    by: str,
    what: str,
    role: str,
    now: datetime,
) -> None:
    owners = queries.site_contacts(session, site_id, Role.SITE_OWNER)
    data = {"site_name": site_name, "by": by, "what": what, "role": role}
    invitations.tell(session, person, owners, "site_people_changed", data, now)


def _tell(
    session: Session,
    site_id: uuid.UUID,
    what: str,
    actor_id: uuid.UUID | None,
    now: datetime,
    *,
    role: str | None = None,
    account: uuid.UUID | None = None,
    invitation: uuid.UUID | None = None,
) -> None:
    publish(
        session,
        SitePeopleChanged(
            site_id=site_id,
            what=what,
            at=now,
            actor_id=actor_id,
            role=role,
            account_id=account,
            invitation_id=invitation,
        ),
    )
