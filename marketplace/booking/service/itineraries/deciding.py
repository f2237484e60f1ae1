"""From the held seats to the payment: applications, the wait for the last host, giving all up.

The itinerary is paid when every host who had to be asked has answered. Until then all its seats
are kept. One host declines: the trainee is told, and pays for the others, or gives all up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.errors import (
    AnswersUnfit,
    ApprovalNotNeeded,
    NotOpenForThis,
    QuestionsChanged,
)
from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules.deadlines import PAY_AFTER_APPROVAL, day_begins
from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.service import applications, payment, transition
from marketplace.booking.service.itineraries import drafting, telling
from marketplace.booking.states import TIMED, BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.payments import queries as payments

# A seat that waits for nobody's decision: held at once, or agreed to.
WAITS = "Kept while the itinerary's other hosts decide."
READY = "Every host of the itinerary has answered."
SETTLED = frozenset({BookingState.HELD, BookingState.AWAITING_PAYMENT})


def submit(
    session: Session,
    itinerary: Itinerary,
    given: Mapping[UUID, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Hand every application to its host; the seats of the others are kept until all have answered.

    `given` has what each application says, by booking, as `applications.submit` takes it. The caller
    holds the itinerary's row. `AnswersUnfit` and `QuestionsChanged` name the bookings that they are
    about.
    """
    check_held(itinerary)
    made = queries.bookings(session, itinerary.id, hold=True)
    asked = [one for one in made if waits_for_submitting(one)]
    if not asked:
        raise ApprovalNotNeeded
    unfit = {}
    for booking in asked:
        said = {"message": None, **given.get(booking.id, {})}
        try:
            applications.submit(session, booking, now=now, **said)
        except AnswersUnfit as refused:
            unfit[booking.id] = (booking.listing_title, refused)
        except QuestionsChanged as changed:
            about = {**changed.extra, "booking_id": str(booking.id)}
            raise QuestionsChanged(changed.detail, extra=about) from None
    if unfit:
        raise _unfit(unfit)
    _keep(session, itinerary, made, now)


def _unfit(refused: Mapping[UUID, tuple[str, AnswersUnfit]]) -> AnswersUnfit:
    """One refusal for all applications: each error under its booking's id."""
    titles = ", ".join(title for title, _ in refused.values())
    return AnswersUnfit(
        f"The answers to these hosts do not fit: {titles}.",
        fields={
            f"applications.{booking_id}.{name}": messages
            for booking_id, (_, one) in refused.items()
            for name, messages in one.fields.items()
        },
        extra={
            "bookings": [
                {"booking_id": str(booking_id), "listing_title": title, "errors": dict(one.fields)}
                for booking_id, (title, one) in refused.items()
            ]
        },
    )


def withdraw(session: Session, itinerary: Itinerary, *, reason: str, now: datetime) -> None:
    """Give up every rotation that is not paid; the caller holds the itinerary's row."""
    check_held(itinerary)
    for booking in queries.bookings(session, itinerary.id, hold=True):
        if booking.state in TIMED:
            applications.withdraw(session, booking, reason=reason, now=now)
    drop(session, itinerary)
    drafting.to(session, itinerary, ItineraryState.ENDED)


def follow(session: Session, itinerary_id: UUID, now: datetime) -> None:
    """Draw the consequences of what became of single bookings; harmless however often it runs."""
    payment.lock_itinerary(session, itinerary_id)
    itinerary = queries.lock(session, itinerary_id)
    if itinerary.state != ItineraryState.HELD:
        return
    made = queries.bookings(session, itinerary_id, hold=True)
    live = [one for one in made if one.state in TIMED]
    if not live:
        drop(session, itinerary)
        drafting.to(session, itinerary, ItineraryState.ENDED)
    elif itinerary.payment_id is not None:
        _keep_page_true(session, itinerary, itinerary.payment_id, live)
    else:
        _keep(session, itinerary, made, now)


def check_held(itinerary: Itinerary) -> None:
    if itinerary.state != ItineraryState.HELD:
        raise NotOpenForThis(
            f"The itinerary is {itinerary.state}.", extra={"state": itinerary.state}
        )


def waits_for_submitting(booking: Booking) -> bool:
    return booking.state == BookingState.HELD and booking.approval == Approval.REQUEST


def drop(session: Session, itinerary: Itinerary) -> None:
    """Have the open payment page closed once this transaction has committed."""
    if itinerary.payment_id is not None:
        defer(session, payment.DROP, payment_id=str(itinerary.payment_id))


def _keep_page_true(
    session: Session, itinerary: Itinerary, payment_id: UUID, live: Sequence[Booking]
) -> None:
    """Close a page on which a rotation that has ended would be paid for."""
    paid_for = {part.payable_id for part in payments.parts(session, payment_id)}
    if paid_for == {booking.id for booking in live}:
        return
    drop(session, itinerary)
    itinerary.payment_id = None
    itinerary.version += 1
    session.flush()


def _keep(session: Session, itinerary: Itinerary, made: Sequence[Booking], now: datetime) -> None:
    """Keep the seats that wait for nobody as long as a host is being waited for, and then to pay."""
    live = [one for one in made if one.state in TIMED]
    settled = [one for one in live if one.state in SETTLED and not waits_for_submitting(one)]
    undecided = [one for one in live if one.state not in SETTLED]
    if any(map(waits_for_submitting, live)) or not settled:
        return
    if undecided:
        last = max(one.hold_expires_at or now for one in undecided)
        for booking in settled:
            _extend(session, booking, last + PAY_AFTER_APPROVAL, now)
    elif itinerary.pay_by is None and any(one.approval == Approval.REQUEST for one in made):
        begins = [day_begins(one.first_day, one.time_zone) for one in settled]
        itinerary.pay_by = min(now + PAY_AFTER_APPROVAL, *begins)
        itinerary.version += 1
        for booking in settled:
            transition.keep(session, booking, itinerary.pay_by, reason=READY, now=now)
        session.flush()
        telling.ready(session, itinerary, made, now)


def _extend(session: Session, booking: Booking, until: datetime, now: datetime) -> None:
    until = min(until, day_begins(booking.first_day, booking.time_zone))
    if booking.hold_expires_at is None or until > booking.hold_expires_at:
        transition.keep(session, booking, until, reason=WAITS, now=now)
