"""One booking takes over from another in one transaction: the common part of every change.

The old one ends, the new one begins as confirmed with what was paid; its seats are exchanged for
the new ones, so that the trainee has never two seats in a week and never none. What follows is the
same for all: a refund of what is too much, the documents that were handed over, a record, notices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, PartlyReturned, QuoteChanged
from marketplace.booking.events import BookingChanged
from marketplace.booking.models import Booking, BookingChange, BookingWaiver, ItineraryItem
from marketplace.booking.rules import changes as rules
from marketplace.booking.rules import frozen
from marketplace.booking.rules.changes import Change, ChangeKind, ChangeQuote
from marketplace.booking.rules.deadlines import day_begins, site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import cancellations, holds, payment, transition
from marketplace.booking.service.clearances import READABLE_AFTER
from marketplace.booking.service.cohorts import succeeding
from marketplace.booking.service.notices import money_json
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.compliance.service import releases
from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.core.states import plain
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.service import carrying

# What is to be paid for a change is due no sooner, as for an approved application.
TIME_TO_PAY = timedelta(days=3)

# What the history of the booking that takes over begins with.
BEGUN = {
    ChangeKind.RESCHEDULE: "The weeks were changed: it takes over from your booking before.",
    ChangeKind.TRANSFER: "The place was handed on: it takes over from another trainee's booking.",
    ChangeKind.RESCUE: "It takes the place of a rotation that was called off.",
}


@dataclass(frozen=True)
class Plan:
    """What would take over, and on which terms; nothing is written yet."""

    quote: ChangeQuote
    new: Booking


def lock(session: Session, booking_id: UUID) -> Booking:
    """Return the booking with its money and its row ours until the transaction ends."""
    payment.lock_money(session, queries.find(session, booking_id))
    return queries.lock(session, booking_id)


def check_open(booking: Booking, now: datetime) -> None:
    """Raise `NotOpenForThis` unless the booking is confirmed and has not begun."""
    if BookingState(booking.state) is not BookingState.CONFIRMED:
        raise NotOpenForThis(
            f"Only a confirmed booking can be changed; this one is {plain(booking.state)}.",
            extra={"state": booking.state},
        )
    if Rotation(booking.first_day, booking.weeks).has_begun(site_day(now, booking.time_zone)):
        raise NotOpenForThis("The rotation has begun.")


def check_own(booking: Booking) -> None:
    """Refuse a trainee what their school does, which has booked and paid the place."""
    if booking.cohort_id is not None:
        raise NotOpenForThis(
            "Your school has booked it: ask your school to change it.",
            extra={"cohort_id": str(booking.cohort_id)},
        )


def plan(old: Booking, new: Booking, change: Change, policy: dict[str, Any]) -> Plan:
    """Return `new` as it would take over under `change`, and the quote to commit to."""
    found = rules.change_quote(change)
    # It stays one of the itinerary's rotations as long as it is the same trainee's.
    new.itinerary_id = old.itinerary_id if old.trainee_id == new.trainee_id else None
    # It stays one of the school's places, whoever comes.
    new.cohort_id = old.cohort_id
    new.state = BookingState.CONFIRMED.value
    new.hold_expires_at = None
    # What a school has approved it need not approve again.
    new.school_id = old.school_id
    # Written to this host by this trainee: not for another host, nor in another's name.
    new.message = old.message if change.kind is ChangeKind.RESCHEDULE else None
    new.price = frozen.carried_to_json(
        found.price_lines, found.carried, str(old.id), new.price["deposit_rule"]
    )
    new.total, new.paid = found.price, found.carried
    new.deposit = min(new.deposit, found.price)
    # What a school owes besides it is invoiced.
    new.balance_due_on = None if new.cohort_id is not None else found.due_on
    new.policy = policy
    return Plan(found, new)


def due_on(wanted: date | None, first_day: date, now: datetime, time_zone: str) -> date:
    """When what is due for a change is to be paid: not at once, and not after the start."""
    soonest = site_day(now + TIME_TO_PAY, time_zone)
    return min(max(wanted or soonest, soonest), first_day)


def check_mark(found: ChangeQuote, mark: str) -> None:
    """Raise `QuoteChanged`, with the present quote, unless it is the one that was shown."""
    if found.mark != mark:
        raise QuoteChanged(
            "The terms of this change are no longer what you were shown.",
            extra={"quote": quote_json(found)},
        )


def take_over(
    session: Session,
    old: Booking,
    planned: Plan,
    *,
    actor_id: UUID,
    reason: str,
    now: datetime,
) -> Booking:
    """Put the plan into effect; the caller has locked `old` and planned with it as it is.

    `SeatTaken`, `AlreadyBookedThen` and `Superseded` have no effect once rolled back.
    """
    new, quote = planned.new, planned.quote
    check_money(session, old)
    asked = cancellations.give_back(session, old, quote.refund, actor_id, reason, now)
    same_person = old.trainee_id == new.trainee_id and old.site_id == new.site_id
    if same_person:
        ends_at = day_begins(new.last_day + READABLE_AFTER, new.time_zone)
        releases.carry_over(session, old.id, new.id, ends_at=ends_at, now=now)
    mondays = Rotation(new.first_day, new.weeks).mondays
    begun = transition.replace(
        session,
        old,
        BookingState.CANCELLED_BY_TRAINEE,
        new,
        mondays,
        actor_id=actor_id,
        reason=reason,
        begun=BEGUN[quote.kind],
        now=now,
    )
    if not begun:
        raise holds.already_booked(session, new, mondays)
    if same_person:
        _carry_waivers(session, old.id, new.id)
    carry_money(session, old, new, now)
    take_the_place(session, old, new, now)
    record(session, old, new, quote, asked, actor_id, now)
    return new


def take_the_place(session: Session, old: Booking, new: Booking, now: datetime) -> None:
    """Let `new` be the rotation of the itinerary, or the place of the cohort, that `old` was."""
    if new.cohort_id is not None:
        succeeding.take_over(session, old, new, now)
    if new.itinerary_id is None:
        return
    session.execute(
        update(ItineraryItem)
        .where(ItineraryItem.booking_id == old.id)
        .values(
            booking_id=new.id,
            listing_id=new.listing_id,
            first_day=new.first_day,
            weeks=new.weeks,
        )
    )


def carry_money(session: Session, old: Booking, new: Booking, now: datetime) -> None:
    """Keep for `new` what is left of what was paid for `old`, and close a page that is open."""
    payable = Payable(payment.KIND, old.id)
    carrying.carry(
        session,
        payable,
        new.id,
        site_id=new.site_id,
        lines=frozen.price_lines(new.price, "carried"),
        now=now,
    )
    close_balance(session, old, now)


def close_balance(session: Session, old: Booking, now: datetime) -> None:
    """Have an open page for the balance closed: nothing more is due for this one."""
    if old.cohort_id is not None:
        succeeding.drop(session, old, "The place was changed.", None, now)
    open_page = payments.live_payment(session, Payable(payment.KIND, old.id), "balance")
    if open_page is not None:
        defer(session, payment.DROP, payment_id=str(open_page.id))


def record(
    session: Session,
    old: Booking,
    new: Booking,
    quote: ChangeQuote,
    asked: Sequence[dict[str, Any]],
    actor_id: UUID,
    now: datetime,
) -> None:
    """Write down who committed to which quote, for good."""
    session.add(
        BookingChange(
            booking_id=new.id,
            replaced_id=old.id,
            kind=quote.kind.value,
            lines=lines_json(quote),
            carried=quote.carried,
            refund=quote.refund,
            refunds=list(asked),
            quote=quote.mark,
            actor_id=actor_id,
            at=now,
        )
    )
    publish(
        session,
        BookingChanged(
            booking_id=new.id,
            site_id=new.site_id,
            replaced_id=old.id,
            replaced_site_id=old.site_id,
            kind=quote.kind.value,
            first_day=new.first_day,
            weeks=new.weeks,
            at=now,
        ),
    )
    session.flush()


def lines_json(quote: ChangeQuote) -> list[dict[str, Any]]:
    return [
        {"code": line.code, "text": line.text, "amount": money_json(line.amount)}
        for line in quote.lines
    ]


def quote_json(quote: ChangeQuote) -> dict[str, Any]:
    """The quote as JSON values, with the names that the API gives it."""
    return {
        "quote": quote.mark,
        "kind": quote.kind.value,
        "listing_id": str(quote.listing_id),
        "first_day": quote.first_day.isoformat(),
        "weeks": quote.weeks,
        "lines": lines_json(quote),
        "price_before": money_json(quote.price_before),
        "price": money_json(quote.price),
        "paid": money_json(quote.paid),
        "carried": money_json(quote.carried),
        "refund": money_json(quote.refund),
        "due": money_json(quote.due),
        "due_on": quote.due_on.isoformat() if quote.due_on else None,
        "kept_at_least": money_json(quote.kept_at_least),
        "policies": list(quote.policies),
        "stays": [
            {"country": stay.country, "verdict": stay.verdict.value, "sentence": stay.sentence}
            for stay in quote.stays
        ],
    }


def policy_keys(policy: dict[str, Any]) -> tuple[str, ...]:
    """The terms of which the better ones hold."""
    return tuple(str(one["key"]) for one in (policy["own"], *policy.get("or", ())))


def change_of(
    kind: ChangeKind, old: Booking, new: Booking, policy: dict[str, Any], **facts: Any
) -> Change:
    """The facts of a change that the two bookings have; `facts` are the others."""
    return Change(
        kind=kind,
        booking_id=old.id,
        to=new.trainee_id,
        listing_id=new.listing_id,
        first_day=new.first_day,
        weeks=new.weeks,
        price_before=old.price_lines,
        paid=old.paid,
        policies=policy_keys(policy),
        asks_host=new.approval == Approval.REQUEST,
        **facts,
    )


def check_money(session: Session, old: Booking) -> None:
    """Raise `PartlyReturned` where less is kept for the booking than was paid."""
    payable = Payable(payment.KIND, old.id)
    if carrying.kept(session, payable, old.paid.currency) != old.paid:
        raise PartlyReturned


def _carry_waivers(session: Session, old_id: UUID, new_id: UUID) -> None:
    """What an operator let the old booking begin without, the new one may begin without too."""
    waived = select(
        literal(new_id),
        BookingWaiver.requirement,
        BookingWaiver.reason,
        BookingWaiver.waived_by,
        BookingWaiver.waived_at,
    ).where(BookingWaiver.booking_id == old_id)
    columns = ["booking_id", "requirement", "reason", "waived_by", "waived_at"]
    session.execute(insert(BookingWaiver).from_select(columns, waived))
