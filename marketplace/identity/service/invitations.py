"""Invitations by a mailed link, the same for a site's people and for a school's.

A link is mailed to one address, kept as its digest, and good for two weeks; opening it changes
nothing, and only an account of that very address accepts it.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.errors import InvitedAlready
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Account
from marketplace.identity.queries import Contact
from marketplace.identity.queries import invitations as kept
from marketplace.identity.queries.invitations import Kind
from marketplace.identity.service import notices
from marketplace.identity.service.notices import Letter
from marketplace.identity.states import InvitationState

LINK_LIFE = timedelta(days=14)


def link(
    session: Session,
    kind: type[Kind],
    found: Kind | None,
    email: str,
    what: Mapping[str, Any],
    *,
    purpose: str,
    actor_id: uuid.UUID,
    signer: LinkSigner,
    now: datetime,
) -> tuple[str, Kind]:
    """Give the invitation another link, or make one; `InvitedAlready` where somebody is faster.

    `what` says to which place, and to what end.
    """
    invitation_id, until = found.id if found else new_id(), now + LINK_LIFE
    token = signer.sign(purpose, invitation_id, until)
    values = {
        **what,
        "token_hash": fingerprint(token),
        "expires_at": until,
        "invited_by": actor_id,
    }
    if found is not None:
        for name, value in values.items():
            setattr(found, name, value)
        session.flush()
        return token, found
    made = session.execute(
        insert(kind)
        .values(
            id=invitation_id,
            email=email,
            state=InvitationState.OPEN.value,
            invited_at=now,
            **values,
        )
        .on_conflict_do_nothing()
        .returning(kind)
    ).scalar_one_or_none()
    if made is None:
        raise InvitedAlready
    return token, made


def of_link(
    session: Session,
    kind: type[Kind],
    purpose: str,
    signer: LinkSigner,
    token: str,
    now: datetime,
    *,
    lock: bool,
) -> Kind | None:
    """Return the open invitation whose last link this is; None for any other link."""
    invitation_id = signer.read(purpose, token, now)
    found = kept.find(session, kind, invitation_id, lock=lock) if invitation_id else None
    if found is None or found.state != InvitationState.OPEN:
        return None
    return found if found.token_hash == fingerprint(token) else None


def end(session: Session, found: Kind, state: InvitationState, now: datetime) -> None:
    """Let an invitation whose row is held be over."""
    found.state, found.ended_at = state.value, now
    session.flush()


def withdraw(session: Session, found: Kind, gone: type[DomainError], now: datetime) -> bool:
    """Take an invitation back; False if it was before, `gone` if it was answered."""
    if found.state == InvitationState.WITHDRAWN:
        return False
    if found.state != InvitationState.OPEN:
        raise gone
    end(session, found, InvitationState.WITHDRAWN, now)
    return True


def letter(email: str, known: Account | None, inviter: Account, token: str) -> Letter:
    """The mail's head; in the language of whoever invites, where the address has no account."""
    return Letter(
        email,
        known.name if known else "",
        known.locale if known else inviter.locale,
        {"token": token},
        known.time_zone if known else inviter.time_zone,
    )


def tell(
    session: Session,
    person: Account,
    deciders: Sequence[Contact],
    template: str,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    """Tell those who decide of who has come or gone, and the one whom it is about."""
    about = queries.contact(session, person.id)
    told = {"person": person.name, "own": False, **data}
    others = [one for one in deciders if one.account_id != person.id]
    notices.notify_all(session, others, template, told, now=now)
    if about is not None:
        notices.notify_all(session, [about], template, {**told, "own": True}, now=now)


def fingerprint(token: str) -> bytes:
    """What is kept of a link: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()
