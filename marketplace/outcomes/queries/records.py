"""Selects on evaluations and attestations."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.booking import queries as bookings
from marketplace.catalog.rules.tiers import CONTACT_DUTIES
from marketplace.catalog.service.drifting import Attested
from marketplace.core.db import Session
from marketplace.outcomes.models import Attestation, Evaluation


def evaluations(session: Session, booking_id: UUID) -> Sequence[Evaluation]:
    """Return each evaluator's last revision, in the order of their making."""
    last = (
        select(Evaluation.id)
        .where(Evaluation.booking_id == booking_id)
        .ext(distinct_on(Evaluation.evaluator_id))
        .order_by(Evaluation.evaluator_id, Evaluation.revision.desc())
    )
    return (
        session.execute(
            select(Evaluation).where(Evaluation.id.in_(last)).order_by(Evaluation.recorded_at)
        )
        .scalars()
        .all()
    )


def to_evaluate(session: Session, site_id: UUID, since: date, *, limit: int) -> Sequence[Any]:
    """Return a site's rotations that were done and that nobody has evaluated, the last to end first.

    Rows of `id`, `listing_title`, `last_day` and `trainee_name`; one query.
    """
    done = bookings.completed_at(site_id, since)
    said = select(Evaluation.id).where(Evaluation.booking_id == done.c.id).exists()
    query = select(done).where(~said).order_by(done.c.last_day.desc(), done.c.id).limit(limit)
    return session.execute(query).all()


def last_revision(session: Session, booking_id: UUID, evaluator_id: UUID) -> int:
    """Return the number of the evaluator's last revision; 0 if there is none."""
    return session.execute(
        select(func.coalesce(func.max(Evaluation.revision), 0)).where(
            Evaluation.booking_id == booking_id, Evaluation.evaluator_id == evaluator_id
        )
    ).scalar_one()


def attestation(session: Session, booking_id: UUID) -> Attestation | None:
    return session.execute(
        select(Attestation).where(Attestation.booking_id == booking_id)
    ).scalar_one_or_none()


def attested_duties(session: Session, listing_id: UUID) -> list[Attested]:
    """Return what trainees attested on a listing, when, and on which version they had booked it.

    Contact duties count only where they were done in person, as for the tier of a listing.
    """
    booked = bookings.versions()
    rows = session.execute(
        select(
            Attestation.duties,
            Attestation.direct_contact,
            Attestation.recorded_at,
            booked.c.listing_version,
        )
        .join(booked, booked.c.id == Attestation.booking_id)
        .where(Attestation.listing_id == listing_id)
        .order_by(Attestation.id)
    )
    return [
        Attested(frozenset(duties) if contact else frozenset(duties) - CONTACT_DUTIES, at, version)
        for duties, contact, at, version in rows
    ]
