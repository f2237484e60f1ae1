"""One booking takes over from another of a school's places: the place's row, and what is owed besides.

What was paid by the cohort's invoice is carried along, as any payment is, and what is too much goes
back. Where the place costs more now, that is an invoice of its own, one at a time: it is void as soon
as the place changes again or is given up, so that nobody pays for what is no more.
"""

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.models import Booking, Cohort, CohortPlace
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.rules import cohorts as rules
from marketplace.booking.rules import frozen
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.service import host_shares, transition
from marketplace.booking.states import OWNED, BookingState
from marketplace.core.db import Session
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.identity.queries import schools
from marketplace.payments.events import Payable, PaymentSettled
from marketplace.payments.rules import Part, total
from marketplace.payments.service import invoicing, refunds

KIND = queries.PLACE
GONE = "Nothing more was due for the place."


def take_over(session: Session, old: Booking, new: Booking, now: datetime) -> None:
    """Make `new` the place that `old` was, and invoice what it costs more; `old`'s money is carried."""
    before = queries.place(session, old.id)
    student_id = before.student_id
    if new.trainee_id != old.trainee_id:
        link = schools.own_link(session, new.trainee_id)
        if link is None:
            raise LookupError(f"{new.trainee_id} is no school's student any more")
        student_id = link.id
    session.add(
        CohortPlace(
            booking_id=new.id,
            cohort_id=before.cohort_id,
            student_id=student_id,
            answer="agreed",
            answered_at=now,
            replaces_id=old.id,
        )
    )
    session.flush()
    _ask(session, new, session.get_one(Cohort, before.cohort_id), now)


def due_on(first_day: date, time_zone: str, now: datetime) -> date:
    """When what a place costs more is due: as a cohort's invoice is, at once where that is over."""
    due = rules.due_on(now, first_day, time_zone)
    return max(due or site_day(now, time_zone), now.date())


def drop(
    session: Session, booking: Booking, reason: str, actor_id: UUID | None, now: datetime
) -> None:
    """Take back what is asked for the place alone; the caller holds its money."""
    payable = Payable(KIND, booking.id)
    invoicing.void(session, payable, reason=reason, actor_id=actor_id, now=now)


def settled(session: Session, event: PaymentSettled) -> None:
    """The school has paid what a place costs more; all of it goes back where nothing is due."""
    if event.payable.kind != KIND:
        return
    booking = bookings.lock(session, event.payable.id)
    invoicing.settled(session, event.payable, event.payment_id, event.at)
    whole = booking.paid + event.amount
    if BookingState(booking.state) not in OWNED or whole > booking.total:
        refunds.refund_whole(session, event.payment_id, reason=GONE, now=event.at)
        return
    transition.amend(session, booking, paid_minor=whole.minor, paid_currency=whole.currency)
    host_shares.paid_later(session, booking, event.at)


def _ask(session: Session, booking: Booking, cohort: Cohort, now: datetime) -> None:
    lines = frozen.price_lines(booking.price, "balance")
    if not lines or total(lines).minor <= 0:
        return
    days = f"{booking.first_day} to {booking.last_day}"
    named = tuple(
        replace(line, description=f"{booking.listing_title}, {days}: {line.description}")
        for line in lines
    )
    invoicing.issue(
        session,
        invoicing.Asked(
            payable=Payable(KIND, booking.id),
            school_id=cohort.school_id,
            asked_by=_asked_by(session, cohort),
            description=f"{cohort.name}: {booking.listing_title}, one place, {days}",
            parts=[Part(bookings.PAYABLE, booking.id, booking.site_id, named)],
            due_on=due_on(booking.first_day, booking.time_zone, now),
            whose=queries.whose(session, [booking]),
        ),
        legal_entity=parts_of(session).get(Settings).legal_entity,
        now=now,
    )


def _asked_by(session: Session, cohort: Cohort) -> UUID:
    """Whoever booked the cohort, or who acts for the school now."""
    people = [one.account_id for one in schools.coordinators(session, cohort.school_id)]
    return cohort.made_by if cohort.made_by in people or not people else people[0]
