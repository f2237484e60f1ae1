"""What is asked of applicants, and what was said about applications."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.booking.models import (
    ApplicationEntry,
    Booking,
    BookingTransition,
    QuestionVersion,
)
from marketplace.booking.states import UNDECIDED, BookingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page, paginate, paginate_rows


def current_questions(session: Session, listing_id: UUID) -> QuestionVersion | None:
    """Return what the listing asks now; None if it never asked anything."""
    return session.execute(
        select(QuestionVersion)
        .where(QuestionVersion.listing_id == listing_id)
        .order_by(QuestionVersion.number.desc())
        .limit(1)
    ).scalar_one_or_none()


def question_history(session: Session, listing_id: UUID) -> Sequence[QuestionVersion]:
    """Return every version of the listing's questions, the newest first."""
    return (
        session.execute(
            select(QuestionVersion)
            .where(QuestionVersion.listing_id == listing_id)
            .order_by(QuestionVersion.number.desc())
        )
        .scalars()
        .all()
    )


def question_versions(session: Session, ids: Sequence[UUID]) -> dict[UUID, QuestionVersion]:
    """Return the versions by id; one query."""
    rows = session.execute(select(QuestionVersion).where(QuestionVersion.id.in_(ids))).scalars()
    return {row.id: row for row in rows}


def entries(session: Session, booking_id: UUID) -> Sequence[ApplicationEntry]:
    """Return what was said about an application, oldest first."""
    return (
        session.execute(
            select(ApplicationEntry)
            .where(ApplicationEntry.booking_id == booking_id)
            .order_by(ApplicationEntry.number)
        )
        .scalars()
        .all()
    )


def last_answers(session: Session, booking_ids: Sequence[UUID]) -> dict[UUID, ApplicationEntry]:
    """Return, by booking, the entry whose answers count; one query."""
    rows = session.execute(
        select(ApplicationEntry)
        .where(
            ApplicationEntry.booking_id.in_(booking_ids),
            ApplicationEntry.question_version_id.is_not(None),
        )
        .ext(distinct_on(ApplicationEntry.booking_id))
        .order_by(ApplicationEntry.booking_id, ApplicationEntry.number.desc())
    ).scalars()
    return {row.booking_id: row for row in rows}


def decision(session: Session, booking_id: UUID) -> BookingTransition | None:
    """Return the step by which an application ceased to be undecided, if it has."""
    return session.execute(
        select(BookingTransition)
        .where(
            BookingTransition.booking_id == booking_id,
            BookingTransition.from_state.in_(UNDECIDED),
            BookingTransition.to_state.not_in(UNDECIDED),
        )
        .order_by(BookingTransition.number.desc())
        .limit(1)
    ).scalar_one_or_none()


def undecided(session: Session, site_id: UUID, *, limit: int) -> Page[Any]:
    """Return the applications that wait for a site's decision, the most urgent first; one query.

    Plain rows, with the trainee's name.
    """
    person = identity.names()
    return paginate_rows(
        session,
        select(
            Booking.id.label("booking_id"),
            Booking.listing_title,
            Booking.first_day,
            Booking.weeks,
            Booking.hold_expires_at.label("decide_by"),
            person.c.name.label("trainee_name"),
        )
        .join(person, person.c.id == Booking.trainee_id)
        .where(Booking.site_id == site_id, Booking.state == BookingState.SUBMITTED.value),
        key=[Booking.hold_expires_at, Booking.id],
        key_of=lambda row: [row.decide_by, row.booking_id],
        limit=limit,
        cursor=None,
    )


def applications(
    session: Session,
    site_id: UUID,
    *,
    limit: int,
    cursor: str | None,
    states: Sequence[str] = (),
    listing_id: UUID | None = None,
    tier: str | None = None,
    learner_status: str | None = None,
    first_day_from: date | None = None,
    first_day_to: date | None = None,
    booking_ids: Sequence[UUID] = (),
) -> Page[Booking]:
    """Return the undecided applications of a site that fit, the most urgent first; one query."""
    query = select(Booking).where(
        Booking.site_id == site_id, Booking.state.in_(states or sorted(UNDECIDED))
    )
    for column, wanted in (
        (Booking.listing_id, listing_id),
        (Booking.tier, tier),
        (Booking.learner_status, learner_status),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if booking_ids:
        query = query.where(Booking.id.in_(booking_ids))
    if first_day_from is not None:
        query = query.where(Booking.first_day >= first_day_from)
    if first_day_to is not None:
        query = query.where(Booking.first_day <= first_day_to)
    return paginate(
        session,
        query,
        key=[Booking.hold_expires_at, Booking.id],
        key_of=lambda row: [row.hold_expires_at, row.id],
        limit=limit,
        cursor=cursor,
    )
