"""Selects on evaluations and attestations."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.core.db import Session
from marketplace.outcomes.models import Attestation, Evaluation


@dataclass(frozen=True)
class ContactCount:
    """Attestations on a listing, and how many of them had direct patient contact."""

    attestations: int
    with_contact: int


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


def contact_count(session: Session, listing_id: UUID) -> ContactCount:
    """Count what trainees attested on a listing: what tier drift is judged from."""
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Attestation.direct_contact),
        ).where(Attestation.listing_id == listing_id)
    ).one()
    return ContactCount(*row)
