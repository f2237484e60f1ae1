"""Whether a site is what it says: shown by its host, decided by an operator, never rewritten.

Each step is a row of `site_check`. The listings of a site that is not verified are not public.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from marketplace.catalog.errors import SiteDecided
from marketplace.catalog.events import StaffDecided
from marketplace.catalog.models import Site, SiteCheck
from marketplace.catalog.queries import sites
from marketplace.catalog.states import SITE, CheckStep, Verification
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.events import publish
from marketplace.core.ids import new_id


@dataclass(frozen=True)
class Evidence:
    """By what a site is known: a kind of `vocabulary.EvidenceKind`, and its number or address."""

    kind: str
    reference: str


def submit(
    session: Session,
    site_id: uuid.UUID,
    evidence: Evidence,
    *,
    note: str,
    account_id: uuid.UUID,
    now: datetime,
) -> Site:
    """Hand in evidence for an operator to look at; `SiteNotFound`."""
    site = sites.locked(session, site_id)
    if site.verification in (Verification.UNVERIFIED, Verification.REJECTED):
        _move(site, Verification.PENDING)
    site.waiting_since = site.waiting_since or now
    _record(session, site, CheckStep.SUBMITTED, evidence, note, account_id, now)
    rows.flush(session)
    return site


def ask(session: Session, site: Site, account_id: uuid.UUID | None, now: datetime) -> None:
    """Have an operator look at a site that nobody has shown evidence for; once is enough."""
    if site.verification == Verification.UNVERIFIED:
        _move(site, Verification.PENDING)
        site.waiting_since = now
        note = "A listing waits for it."
        _record(session, site, CheckStep.SUBMITTED, None, note, account_id, now)


def verify(
    session: Session,
    site_id: uuid.UUID,
    evidence: Evidence,
    *,
    note: str,
    account_id: uuid.UUID | None,
    now: datetime,
) -> Site:
    """Take a site for what it says. `SiteDecided` if somebody has just done so.

    A verified site that has changed since is verified anew. What waited for it is the caller's to
    publish, and all of it to write.
    """
    site = sites.locked(session, site_id)
    if site.verification != Verification.VERIFIED:
        _move(site, Verification.VERIFIED)
    elif site.waiting_since is None:
        raise _decided(session, site)
    site.waiting_since = None
    site.verification_evidence = f"{evidence.kind}: {evidence.reference}"
    _record(session, site, CheckStep.VERIFIED, evidence, note, account_id, now)
    if account_id is not None:
        shown = {"evidence": evidence.kind, "reference": evidence.reference}
        said = {**shown, "reason": note} if note else shown
        publish(session, StaffDecided(site.id, account_id, "site.verified", now, said))
    return site


def reject(
    session: Session, site_id: uuid.UUID, *, note: str, account_id: uuid.UUID, now: datetime
) -> Site:
    """Do not, or no longer, take it for that; the note tells the host why. `SiteDecided`.

    What it was verified for is the caller's to take back, and all of it to write.
    """
    if not note.strip():
        raise Invalid(fields={"note": ["Say why, so that the host can mend it."]})
    site = sites.locked(session, site_id)
    if site.verification == Verification.REJECTED:
        raise _decided(session, site)
    _move(site, Verification.REJECTED)
    site.waiting_since = None
    _record(session, site, CheckStep.REJECTED, None, note, account_id, now)
    publish(session, StaffDecided(site.id, account_id, "site.rejected", now, {"reason": note}))
    return site


def _move(site: Site, to: Verification) -> None:
    SITE.check(Verification(site.verification), to)
    site.verification = to


def _record(
    session: Session,
    site: Site,
    step: CheckStep,
    evidence: Evidence | None,
    note: str,
    account_id: uuid.UUID | None,
    now: datetime,
) -> None:
    session.add(
        SiteCheck(
            id=new_id(),
            site_id=site.id,
            site_version=site.version,
            step=step,
            kind=evidence.kind if evidence else None,
            reference=evidence.reference if evidence else None,
            note=note,
            account_id=account_id,
            recorded_at=now,
        )
    )


def _decided(session: Session, site: Site) -> SiteDecided:
    last = sites.last_check(session, site.id)
    return SiteDecided(
        extra={
            "verification": site.verification,
            "decided_by": str(last.account_id) if last and last.account_id else None,
            "decided_at": last.recorded_at.isoformat() if last else None,
        }
    )
