"""A host calls a paid rotation off: the same weeks elsewhere, or all of the money back.

The seat at the host is given up at once; a job then looks for what can take its place, holds the
best for the trainee until the deadline, and names others that can be held in its stead: one at a
time, since nobody has two seats in a week. What is held is a booking like any other that is held,
so its seats go back by themselves when its time is over. The trainee chooses; without a choice in
time, or where nothing is found, all that was paid goes back.

Where the host of what is held decides on each trainee, taking it is an application, and the seat is
theirs when the host approves in time. Until then the money is the trainee's to take back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, RescueEnded
from marketplace.booking.models import Booking, Rescue
from marketplace.booking.rules.changes import ChangeQuote
from marketplace.booking.rules.deadlines import choose_by, site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    alternatives,
    applications,
    cancellations,
    change_notices,
    changes,
    notices,
    protecting,
    standing,
    transition,
)
from marketplace.booking.service.cancel_notices import returned_json
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.cohorts import accord
from marketplace.booking.states import TIMED, BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity

SEARCH = "booking.search_rescue"
OPEN = ("searching", "offered")
# A host has been asked, and has agreed or not: what follows is a job's.
FOLLOW = applications.FOLLOW_RESCUE
NOT_DECIDED = frozenset({BookingState.HELD, BookingState.SUBMITTED, BookingState.MORE_ASKED})
NOTHING_LEFT = "The host declined, and nothing else was found."


@dataclass(frozen=True)
class Offered:
    """A rescue, the booking that is held and what taking it means; none where none is held."""

    rescue: Rescue
    offer: Booking | None
    quote: ChangeQuote | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rescue, name)


def call_off(
    session: Session, booking: Booking, *, actor_id: UUID, reason: str, now: datetime
) -> None:
    """Call a booking off for its host; what was paid is for a rescue, or goes back.

    One that has begun, or that nothing was paid for, has no rescue.
    """
    old = changes.lock(session, booking.id)
    if not _can_be_rescued(old, now):
        _call_off_at_once(session, old, actor_id, reason, now)
        return
    contact = identity.contact(session, old.trainee_id)
    zone = contact.time_zone if contact else old.time_zone
    transition.move(
        session, old, BookingState.CANCELLED_BY_HOST, actor_id=actor_id, reason=reason, now=now
    )
    session.add(
        Rescue(
            booking_id=old.id,
            state="searching",
            called_off_by=actor_id,
            called_off_at=now,
            reason=reason,
            decide_by=choose_by(now, zone, old.first_day, old.time_zone),
            others=[],
        )
    )
    session.flush()
    changes.close_balance(session, old, now)
    defer(session, SEARCH, booking_id=str(old.id))
    hidden: dict[str, Any] = {"refund": None, "back": None, "reason": None}
    notices.tell_host(session, old, "booking_cancelled", now=now, cancelled_by="host", **hidden)


def search(session: Session, booking_id: UUID, *, terms: Terms, now: datetime) -> None:
    """Hold the best that is found until the deadline; refund where nothing is. Twice is once."""
    old = changes.lock(session, booking_id)
    rescue = queries.rescue(session, booking_id, lock=True)
    if rescue is None or rescue.state != "searching":
        return
    found = alternatives.candidates(session, old)
    for place, listing_id in enumerate(found):
        offer = alternatives.try_to_hold(session, old, listing_id, rescue.decide_by, terms, now)
        if offer is not None:
            others = alternatives.named(session, old, found[place + 1 :], terms, now)
            standing.put_before(session, old, rescue, offer, others, now)
            return
    _refund(session, old, rescue, None, "Nothing was found in its place.", now)


def offered(session: Session, booking_id: UUID) -> Offered:
    """Return what is offered in place of a booking; `NotFound` if it was not called off so."""
    rescue = queries.rescue(session, booking_id)
    if rescue is None:
        raise NotFound
    if rescue.offer_id is None:
        return Offered(rescue, None, None)
    offer = queries.find(session, rescue.offer_id)
    quote = alternatives.quote_of(queries.find(session, booking_id), offer)
    return Offered(rescue, offer, quote)


def accept(
    session: Session,
    booking: Booking,
    *,
    mark: str,
    actor_id: UUID,
    now: datetime,
    by_school: bool = False,
    message: str | None = None,
    answers: Mapping[str, Any] | None = None,
    questions_version: int | None = None,
) -> Booking:
    """Take what is held, under the quote of `mark`; return it.

    It is confirmed with what was paid; or, where its host decides on each trainee, it is an
    application with `message` and `answers`, and confirmed when the host approves. A place of a
    school is taken by it once its student has agreed to this very quote.
    """
    old, rescue = _locked_open(session, booking, now)
    offer = _standing(session, rescue)
    quote = alternatives.quote_of(old, offer)
    changes.check_mark(quote, mark)
    changes.check_money(session, old)
    if old.cohort_id is not None and not accord.both(
        session, old, rescue, offer, mark, by_school=by_school, now=now
    ):
        return offer
    if offer.approval == Approval.REQUEST and BookingState(offer.state) in NOT_DECIDED:
        if BookingState(offer.state) is BookingState.HELD:
            applications.submit(
                session,
                offer,
                message=message,
                now=now,
                answers=answers,
                questions_version=questions_version,
                actor_id=actor_id,
            )
        rescue.asked_at, rescue.asked_quote = now, mark
        session.flush()
        return offer
    _take(session, old, rescue, offer, quote, actor_id, now)
    return offer


def follow(session: Session, booking_id: UUID, *, terms: Terms, now: datetime) -> None:
    """Draw the consequences of what a host that was asked has decided; twice is once."""
    old = changes.lock(session, booking_id)
    rescue = queries.rescue(session, booking_id, lock=True)
    if rescue is None or rescue.state not in OPEN or rescue.offer_id is None:
        return
    offer = queries.lock(session, rescue.offer_id)
    if _agreed_to(rescue, offer):
        quote = alternatives.quote_of(old, offer)
        _take(session, old, rescue, offer, quote, old.trainee_id, now)
    elif BookingState(offer.state) is BookingState.DECLINED and now < rescue.decide_by:
        _offer_next(session, old, rescue, terms, now)


def switch(
    session: Session,
    booking: Booking,
    *,
    listing_id: UUID,
    terms: Terms,
    now: datetime,
    by_school: UUID | None = None,
) -> Offered:
    """Hold another of the listings that were named in place of the one that is held.

    Raises what stands against it, such as `SeatTaken`; then what is held stays. An application that
    its host has not decided on is taken back. `by_school`: its coordinator, for a school's place.
    """
    old, rescue = _locked_open(session, booking, now)
    accord.check_chooser(old, by_school)
    named = {one["listing_id"]: one for one in rescue.others}
    if str(listing_id) not in named:
        raise NotOpenForThis(
            "Choose one of the listings that are offered.", extra={"listings": sorted(named)}
        )
    before = queries.lock(session, rescue.offer_id) if rescue.offer_id is not None else None
    if before is not None and _agreed_to(rescue, before):
        raise NotOpenForThis("The host has agreed to what you took.")
    if before is not None and before.state in TIMED:
        why = "Another was chosen."
        actor_id = by_school or old.trainee_id
        standing.let_go(session, before, BookingState.WITHDRAWN, actor_id, why, now)
        named[str(before.listing_id)] = alternatives.name(before)
    offer = alternatives.hold(session, old, listing_id, rescue.decide_by, terms, now)
    del named[str(listing_id)]
    standing.put(session, rescue, offer, list(named.values()))
    return Offered(rescue, offer, alternatives.quote_of(old, offer))


def refund(
    session: Session,
    booking: Booking,
    *,
    actor_id: UUID,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Take the money back instead: all of it. `reason`: an operator's, who decides for them."""
    old, rescue = _locked_open(session, booking, now)
    _refund(session, old, rescue, actor_id, reason or accord.why_refunded(old, actor_id), now)


def look_again(session: Session, booking: Booking) -> None:
    """Have the search, or what a host has decided, gone through again; harmless at any time.

    `RescueEnded` where it is decided. What was not decided in time is refunded by the job that looks
    every minute.
    """
    rescue = queries.rescue(session, booking.id)
    if rescue is None:
        raise NotFound
    if rescue.state not in OPEN:
        raise RescueEnded(f"It is {rescue.state}.", extra={"state": rescue.state})
    name = SEARCH if rescue.state == "searching" else FOLLOW
    defer(session, name, booking_id=str(booking.id))


def close(session: Session, booking_id: UUID, now: datetime) -> None:
    """Refund where no choice was made in time; harmless where one was.

    What a host has agreed to in time is taken, though the job that follows has not run yet.
    """
    old = changes.lock(session, booking_id)
    rescue = queries.rescue(session, booking_id, lock=True)
    if rescue is None or rescue.state not in OPEN or rescue.decide_by > now:
        return
    offer = None if rescue.offer_id is None else queries.lock(session, rescue.offer_id)
    if offer is not None and _agreed_to(rescue, offer):
        quote = alternatives.quote_of(old, offer)
        _take(session, old, rescue, offer, quote, old.trainee_id, now)
        return
    _refund(session, old, rescue, None, "No choice was made in time.", now)


def _can_be_rescued(old: Booking, now: datetime) -> bool:
    begun = Rotation(old.first_day, old.weeks).has_begun(site_day(now, old.time_zone))
    if BookingState(old.state) is not BookingState.CONFIRMED or begun:
        return False
    return bool(old.paid)


def _call_off_at_once(
    session: Session, old: Booking, actor_id: UUID, reason: str, now: datetime
) -> None:
    wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
    cancellations.cancel(
        session,
        old,
        wish,
        mark=cancellations.quote(session, old, wish, now).mark,
        to=BookingState.CANCELLED_BY_HOST,
        actor_id=actor_id,
        reason=reason,
        now=now,
    )


def _take(
    session: Session,
    old: Booking,
    rescue: Rescue,
    offer: Booking,
    quote: ChangeQuote,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Confirm the offer with what was paid for what was called off."""
    asked = cancellations.give_back(
        session, old, quote.refund, actor_id, "The rotation in its place costs less.", now
    )
    transition.move(
        session,
        offer,
        BookingState.CONFIRMED,
        actor_id=actor_id,
        reason="Taken in place of a rotation that its host called off.",
        now=now,
        paid_minor=quote.carried.minor,
        paid_currency=quote.carried.currency,
    )
    changes.carry_money(session, old, offer, now)
    changes.take_the_place(session, old, offer, now)
    changes.record(session, old, offer, quote, asked, actor_id, now)
    _end(session, rescue, "accepted", actor_id, now)
    change_notices.rescued(session, old, offer, quote, now)
    protecting.announce(session, old, offer, now)


def _offer_next(
    session: Session, old: Booking, rescue: Rescue, terms: Terms, now: datetime
) -> None:
    """Hold the next of those that were named; all goes back where none is left."""
    left = list(rescue.others)
    while left:
        listing_id = UUID(left.pop(0)["listing_id"])
        offer = alternatives.try_to_hold(session, old, listing_id, rescue.decide_by, terms, now)
        if offer is not None:
            standing.put_before(session, old, rescue, offer, left, now)
            return
    _refund(session, old, rescue, None, NOTHING_LEFT, now)


def _agreed_to(rescue: Rescue, offer: Booking) -> bool:
    """Whether the trainee has taken the offer and its host has approved."""
    waits = BookingState(offer.state) is BookingState.AWAITING_PAYMENT
    return rescue.asked_quote is not None and waits


def _locked_open(session: Session, booking: Booking, now: datetime) -> tuple[Booking, Rescue]:
    old = changes.lock(session, booking.id)
    rescue = queries.rescue(session, booking.id, lock=True)
    if rescue is None:
        raise NotFound
    if rescue.state not in OPEN or rescue.decide_by <= now:
        raise RescueEnded(
            f"It could be decided until {rescue.decide_by:%Y-%m-%d %H:%M} UTC; it is"
            f" {rescue.state}.",
            extra={"state": rescue.state, "decide_by": rescue.decide_by.isoformat()},
        )
    return old, rescue


def _standing(session: Session, rescue: Rescue) -> Booking:
    """Return what is held, asked for or agreed to; `NotOpenForThis` where nothing is, or no longer."""
    offer = queries.lock(session, rescue.offer_id) if rescue.offer_id is not None else None
    if offer is None or offer.state not in TIMED:
        raise NotOpenForThis("No seat is held for you now: choose another, or the money.")
    return offer


def _refund(
    session: Session,
    old: Booking,
    rescue: Rescue,
    actor_id: UUID | None,
    why: str,
    now: datetime,
) -> None:
    if rescue.offer_id is not None:
        offer = queries.lock(session, rescue.offer_id)
        if offer.state in TIMED:
            to = BookingState.WITHDRAWN if actor_id else BookingState.EXPIRED
            standing.let_go(session, offer, to, actor_id, why, now)
    wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
    agreed = cancellations.quote_of_ended(session, old, wish, rescue.called_off_at)
    by = actor_id or rescue.called_off_by
    found = cancellations.settle(session, old, agreed, actor_id=by, reason=why, now=now)
    _end(session, rescue, "refunded", actor_id, now)
    notices.tell_trainee(
        session,
        old,
        "booking_cancelled",
        now=now,
        files=[notices.days_off(session, old, now)],
        cancelled_by="host",
        reason=rescue.reason,
        **returned_json(old, found),
    )


def _end(
    session: Session, rescue: Rescue, state: str, actor_id: UUID | None, now: datetime
) -> None:
    rescue.state, rescue.ended_at, rescue.ended_by = state, now, actor_id
    session.flush()
