"""What both sides of an agreement, and its signers, are told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketplace.compliance.models import Agreement, AgreementSigner
from marketplace.compliance.queries import agreements as queries
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify_address, notify_all

DECIDERS = (Role.COORDINATOR, Role.SITE_OWNER)


def asked(
    session: Session, found: Agreement, who: AgreementSigner, token: str, now: datetime
) -> None:
    """Mail a signer the link by which they read and sign."""
    notify_address(
        session,
        who.email,
        "agreement_to_sign",
        {
            **_facts(found),
            "role": who.role,
            "expires_at": who.expires_at.isoformat() if who.expires_at else None,
        },
        now=now,
        name=who.name,
        secret={"token": token},
        **_reads(session, who.email),
    )


def signed(session: Session, found: Agreement, key: str, now: datetime) -> None:
    """Mail the file to everybody who signed, and tell the others of both sides that it is in force."""
    signings = queries.signings(session, found.id)
    for one in signings:
        notify_address(
            session,
            one.signer.email,
            "agreement_in_force",
            _facts(found),
            [key],
            now=now,
            name=one.signer.name,
            **_reads(session, one.signer.email),
        )
    told = {one.signer.email.lower() for one in signings}
    others = [one for one in _sides(session, found) if one.email.lower() not in told]
    notify_all(session, others, "agreement_in_force", _facts(found), now=now)


def void(session: Session, found: Agreement, reason: str, now: datetime) -> None:
    data = {**_facts(found), "reason": reason}
    notify_all(session, _sides(session, found), "agreement_void", data, now=now)


def ended(session: Session, found: Agreement, reason: str, now: datetime) -> None:
    data = {**_facts(found), "reason": reason}
    notify_all(session, _sides(session, found), "agreement_ended", data, now=now)


def ends_soon(session: Session, found: Agreement, days_left: int, now: datetime) -> None:
    data = {**_facts(found), "days_left": days_left}
    notify_all(session, _sides(session, found), "agreement_ends_soon", data, now=now)


def _reads(session: Session, email: str) -> dict[str, Any]:
    """In which language and zone a signer with an account reads; of anybody else it isn't known."""
    known = identity.account_by_email(session, email.lower())
    return {"locale": known.locale, "time_zone": known.time_zone} if known else {}


def _sides(session: Session, found: Agreement) -> Sequence[identity.Contact]:
    """The people of both sides, each once."""
    people = [
        *schools.coordinators(session, found.school_id),
        *identity.site_contacts(session, found.site_id, *DECIDERS),
    ]
    return list({one.account_id: one for one in people}.values())


def _facts(found: Agreement) -> dict[str, Any]:
    return {
        "title": found.title,
        "school_name": found.school_name,
        "site_name": found.site_name,
        "starts_on": found.starts_on.isoformat(),
        "ends_on": found.ends_on.isoformat(),
    }
