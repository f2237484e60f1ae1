"""From the held places to the money: hosts asked, the invoice, and what the money does.

Each booking is a part of the payment, with its own lines: a later cancellation gives back from its
own share, by its own frozen terms, to the school that paid.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.errors import (
    ApprovalNeeded,
    ApprovalNotNeeded,
    CohortIncomplete,
    NotOpenForThis,
)
from marketplace.booking.events import BookingEvent
from marketplace.booking.models import Booking, Cohort
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.queries import itineraries
from marketplace.booking.rules import cohorts as rules
from marketplace.booking.rules.cohorts import TRANSITIONS, CohortState
from marketplace.booking.service import (
    agreeing,
    applications,
    notices,
    payment,
    school_notices,
    transition,
)
from marketplace.booking.service.cohorts import FOLLOW, KIND
from marketplace.booking.service.itineraries.paying import secure
from marketplace.booking.states import TIMED, BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable, PaymentSettled
from marketplace.payments.rules import Part
from marketplace.payments.service import invoicing, refunds

INVOICED = "Invoiced to the school."
LEFT_OUT = "The school goes on without this place."


def submit(
    session: Session,
    cohort: Cohort,
    said: Mapping[str, Any],
    *,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Hand the applications of all who have said yes to the host that decides on each.

    The caller holds the cohort's row. `CohortIncomplete` while students have not answered.
    """
    _check_state(cohort, CohortState.HELD)
    made = queries.bookings(session, cohort.id)
    answers = queries.answers(session, cohort.id)
    asked = [
        one for one in made if one.state == BookingState.HELD and one.approval == Approval.REQUEST
    ]
    if not asked:
        raise ApprovalNotNeeded
    _check_answered(asked, answers, ())
    for booking in asked:
        applications.submit(session, booking, now=now, actor_id=actor_id, **said)


def invoice(
    session: Session,
    cohort: Cohort,
    *,
    without: Collection[UUID] = (),
    legal_entity: str,
    actor_id: UUID,
    now: datetime,
) -> UUID:
    """Ask the school for the price of all places in one invoice; return its id.

    `without` names bookings of students who have not answered, which are given up. The caller holds
    the cohort's money, then its row. `ApprovalNeeded` while the host has not decided on each.
    """
    _check_state(cohort, CohortState.HELD)
    made = queries.bookings(session, cohort.id)
    live = [one for one in made if one.state in TIMED]
    answers = queries.answers(session, cohort.id)
    _check_answered(live, answers, without)
    for booking in [one for one in live if one.id in set(without)]:
        applications.withdraw(session, booking, reason=LEFT_OUT, now=now, actor_id=actor_id)
        school_notices.given_up(session, booking, LEFT_OUT, now)
    live = [one for one in live if one.id not in set(without)]
    _check_payable(session, live, now)
    first = live[0]
    due = rules.due_on(now, cohort.first_day, first.time_zone)
    if due is None:
        raise NotOpenForThis("The rotation begins too soon to be paid by invoice.")
    made_out = invoicing.issue(
        session,
        invoicing.Asked(
            payable=Payable(KIND, cohort.id),
            school_id=cohort.school_id,
            asked_by=actor_id,
            description=f"{cohort.name}: {first.listing_title}, {_places(len(live))} from"
            f" {cohort.first_day}",
            parts=[_part(booking) for booking in live],
            due_on=max(due, now.date()),
            whose=queries.whose(session, live),
        ),
        legal_entity=legal_entity,
        now=now,
    )
    until = rules.kept_until(made_out.due_on, cohort.first_day, first.time_zone)
    for booking in live:
        _wait_for_money(session, booking, until, actor_id, now)
    cohort.invoice_id = made_out.id
    _to(session, cohort, CohortState.INVOICED)
    return made_out.id


def settled(session: Session, event: PaymentSettled) -> None:
    """Confirm every place that was paid for, or send all the money back: nothing in between."""
    if event.payable.kind != KIND:
        return
    cohort = queries.lock(session, event.payable.id)
    invoicing.settled(session, event.payable, event.payment_id, event.at)
    parts = {part.payable_id: part.amount for part in payments.parts(session, event.payment_id)}
    made = itineraries.many_locked(session, list(parts))
    if cohort.state == CohortState.CONFIRMED or not secure(session, made, event.at):
        reason = "The seats were no longer held."
        refunds.refund_whole(session, event.payment_id, reason=reason, now=event.at)
        if cohort.state == CohortState.INVOICED:
            _to(session, cohort, CohortState.ENDED)
        return
    for booking in made:
        whole = booking.paid + parts[booking.id]
        transition.move(
            session,
            booking,
            BookingState.CONFIRMED,
            actor_id=None,
            reason=f"Paid by the school: {parts[booking.id]}.",
            now=event.at,
            paid_minor=whole.minor,
            paid_currency=whole.currency,
        )
        notices.cohort_confirmed(session, booking, event.at)
    _to(session, cohort, CohortState.CONFIRMED)


def give_up(
    session: Session, cohort: Cohort, *, reason: str, actor_id: UUID, now: datetime
) -> None:
    """Give up every place that is not paid, and the invoice; the caller holds money and row."""
    if cohort.state not in {CohortState.HELD, CohortState.INVOICED}:
        raise NotOpenForThis(f"The cohort is {cohort.state}.", extra={"state": cohort.state})
    for booking in queries.bookings(session, cohort.id):
        if booking.state in TIMED:
            applications.withdraw(session, booking, reason=reason, now=now, actor_id=actor_id)
            school_notices.given_up(session, booking, reason, now)
    invoicing.void(session, Payable(KIND, cohort.id), reason=reason, actor_id=actor_id, now=now)
    _to(session, cohort, CohortState.ENDED)


def heard(session: Session, event: BookingEvent) -> None:
    """Have the cohort looked at once this transaction has committed."""
    if event.cohort_id is not None:
        defer(session, FOLLOW, cohort_id=str(event.cohort_id))


def follow(session: Session, cohort_id: UUID, now: datetime) -> None:
    """Draw the consequences of what became of single places; harmless however often it runs."""
    payable = Payable(KIND, cohort_id)
    payments.lock_payable(session, payable)
    cohort = queries.lock(session, cohort_id)
    if cohort.state not in {CohortState.HELD, CohortState.INVOICED}:
        return
    live = [one for one in queries.bookings(session, cohort_id) if one.state in TIMED]
    if not live:
        reason = "The places were given up."
        invoicing.void(session, payable, reason=reason, actor_id=None, now=now)
        _to(session, cohort, CohortState.ENDED)
    elif cohort.state == CohortState.INVOICED:
        asked = {part.id for part in invoicing.parts_of(session, payable)}
        if asked != {one.id for one in live}:
            reopen(session, cohort, "A place was given up.", None, now)


def reopen(
    session: Session, cohort: Cohort, reason: str, actor_id: UUID | None, now: datetime
) -> None:
    """Void the invoice that names other places than there are; another can be asked for."""
    if cohort.state == CohortState.INVOICED:
        payable = Payable(KIND, cohort.id)
        invoicing.void(session, payable, reason=reason, actor_id=actor_id, now=now)
        _to(session, cohort, CohortState.HELD)


def lock_money(session: Session, cohort_id: UUID) -> None:
    """Wait for the cohort's money to be nobody else's, before its row and its bookings'."""
    payments.lock_payable(session, Payable(KIND, cohort_id))


def _check_state(cohort: Cohort, state: CohortState) -> None:
    if cohort.state != state:
        raise NotOpenForThis(f"The cohort is {cohort.state}.", extra={"state": cohort.state})


def _check_answered(
    live: Sequence[Booking], answers: Mapping[UUID, Any], without: Collection[UUID]
) -> None:
    silent = {one.id for one in live if answers[one.id].answer == "waiting"}
    if silent != set(without):
        raise CohortIncomplete(extra={"waiting": sorted(str(one) for one in silent)})


def _check_payable(session: Session, live: Sequence[Booking], now: datetime) -> None:
    if not live:
        raise NotOpenForThis("None of its places is left to pay for.")
    undecided = [
        one
        for one in live
        if one.state not in {BookingState.HELD, BookingState.AWAITING_PAYMENT}
        or (one.state == BookingState.HELD and one.approval == Approval.REQUEST)
    ]
    if undecided:
        raise ApprovalNeeded(
            "It is invoiced when the host has decided on each place.",
            extra={"waiting": [str(one.id) for one in undecided]},
        )
    if any(one.hold_expires_at is None or one.hold_expires_at <= now for one in live):
        raise NotOpenForThis("The seats are no longer kept. Hold them again.")
    agreeing.check(session, live)


def _part(booking: Booking) -> Part:
    days = f"{booking.first_day} to {booking.last_day}"
    lines = tuple(
        replace(line, description=f"{booking.listing_title}, {days}: {line.description}")
        for line in booking.price_lines
    )
    return Part(payment.KIND, booking.id, booking.site_id, lines)


def _wait_for_money(
    session: Session, booking: Booking, until: datetime, actor_id: UUID, now: datetime
) -> None:
    if booking.state != BookingState.HELD:
        transition.keep(session, booking, until, reason=INVOICED, now=now)
        return
    transition.move(
        session,
        booking,
        BookingState.AWAITING_PAYMENT,
        actor_id=actor_id,
        reason=INVOICED,
        now=now,
        hold_expires_at=until,
    )


def _to(session: Session, cohort: Cohort, state: CohortState) -> None:
    TRANSITIONS.check(CohortState(cohort.state), state)
    cohort.state = state.value
    cohort.version += 1
    session.flush()


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"
