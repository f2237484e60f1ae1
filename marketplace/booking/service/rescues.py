"""A host calls a paid rotation off: the same weeks elsewhere, or all of the money back.

The seat at the host is given up at once; a job then looks for listings of the same specialty and an
equal or higher tier, holds the best for the trainee until the deadline, and names others that can
be held in its stead: one at a time, since nobody has two seats in a week. What is held is a booking
like any other that is held, so its seats go back by themselves when its time is over. The trainee
chooses; without a choice in time, or where nothing is found, all that was paid goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import (
    AlreadyBookedThen,
    NotBookable,
    NotEligible,
    NotOpenForThis,
    RescueEnded,
)
from marketplace.booking.models import Booking, Rescue
from marketplace.booking.rules import changes as rules
from marketplace.booking.rules import frozen
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.rules.deadlines import choose_by, site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    cancellations,
    change_notices,
    changes,
    holds,
    notices,
    transition,
)
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.errors import ListingNotFound, NotOffered, SeatTaken
from marketplace.catalog.queries.alternatives import alternatives
from marketplace.catalog.rules import policies
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.catalog.service import seats
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.identity import queries as identity

SEARCH = "booking.search_rescue"
OPEN = ("searching", "offered")
# Looked at, and named beside the one that is held.
MOST_LOOKED_AT = 20
MOST_NAMED = 4
CANT = (SeatTaken, AlreadyBookedThen, NotEligible, NotBookable, NotOffered, ListingNotFound)


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
    changes.close_balance(session, old)
    defer(session, SEARCH, booking_id=str(old.id))
    notices.tell_host(session, old, "booking_cancelled", now=now, cancelled_by="host", refund=None)


def search(session: Session, booking_id: UUID, *, terms: Terms, now: datetime) -> None:
    """Hold the best that is found until the deadline; refund where nothing is. Twice is once."""
    old = changes.lock(session, booking_id)
    rescue = queries.rescue(session, booking_id, lock=True)
    if rescue is None or rescue.state != "searching":
        return
    found = _candidates(session, old)
    for place, listing_id in enumerate(found):
        offer = _try(session, old, listing_id, rescue.decide_by, terms, now)
        if offer is not None:
            others = _named(session, old, found[place + 1 :], terms, now)
            rescue.state, rescue.offer_id, rescue.others = "offered", offer.id, others
            session.flush()
            quote = quote_of(old, offer)
            change_notices.rescue_offered(session, old, offer, quote, rescue.reason, now)
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
    return Offered(rescue, offer, quote_of(queries.find(session, booking_id), offer))


def quote_of(old: Booking, offer: Booking) -> ChangeQuote:
    """Say what taking the offer means: a function of what is frozen on both."""
    change = changes.change_of(
        ChangeKind.RESCUE,
        old,
        offer,
        offer.policy,
        price=offer.price_lines,
        least=Money.zero(old.paid.currency),
        due_on=offer.balance_due_on,
    )
    return rules.change_quote(change)


def accept(
    session: Session, booking: Booking, *, mark: str, actor_id: UUID, now: datetime
) -> Booking:
    """Take what is held, under the quote of `mark`; return it, confirmed with what was paid."""
    old, rescue = _locked_open(session, booking, now)
    offer = _held(session, rescue)
    quote = quote_of(old, offer)
    changes.check_mark(quote, mark)
    changes.check_money(session, old)
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
    changes.record(session, old, offer, quote, asked, actor_id, now)
    _end(session, rescue, "accepted", actor_id, now)
    change_notices.rescued(session, old, offer, quote, now)
    return offer


def switch(
    session: Session, booking: Booking, *, listing_id: UUID, terms: Terms, now: datetime
) -> Offered:
    """Hold another of the listings that were named in place of the one that is held.

    Raises what stands against it, such as `SeatTaken`; then what is held stays.
    """
    old, rescue = _locked_open(session, booking, now)
    named = {one["listing_id"]: one for one in rescue.others}
    if str(listing_id) not in named:
        raise NotOpenForThis(
            "Choose one of the listings that are offered.", extra={"listings": sorted(named)}
        )
    before = queries.lock(session, rescue.offer_id) if rescue.offer_id is not None else None
    if before is not None and BookingState(before.state) is BookingState.HELD:
        transition.move(
            session,
            before,
            BookingState.WITHDRAWN,
            actor_id=old.trainee_id,
            reason="Another was chosen.",
            now=now,
        )
        named[str(before.listing_id)] = _name(before, before.total)
    offer = _hold(session, old, listing_id, rescue.decide_by, terms, now)
    del named[str(listing_id)]
    rescue.state, rescue.offer_id, rescue.others = "offered", offer.id, list(named.values())
    session.flush()
    return Offered(rescue, offer, quote_of(old, offer))


def refund(session: Session, booking: Booking, *, actor_id: UUID, now: datetime) -> None:
    """Take the money back instead: all of it."""
    old, rescue = _locked_open(session, booking, now)
    _refund(session, old, rescue, actor_id, "The trainee took the money back.", now)


def close(session: Session, booking_id: UUID, now: datetime) -> None:
    """Refund where no choice was made in time; harmless where one was."""
    old = changes.lock(session, booking_id)
    rescue = queries.rescue(session, booking_id, lock=True)
    if rescue is not None and rescue.state in OPEN and rescue.decide_by <= now:
        _refund(session, old, rescue, None, "No choice was made in time.", now)


def _can_be_rescued(old: Booking, now: datetime) -> bool:
    begun = Rotation(old.first_day, old.weeks).has_begun(site_day(now, old.time_zone))
    if BookingState(old.state) is not BookingState.CONFIRMED or begun:
        return False
    # What was paid for several bookings at once can't be carried over; it goes back.
    return bool(old.paid) and old.itinerary_id is None


def _call_off_at_once(
    session: Session, old: Booking, actor_id: UUID, reason: str, now: datetime
) -> None:
    wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
    cancellations.cancel(
        session,
        old,
        wish,
        mark=cancellations.quote(old, wish, now).mark,
        to=BookingState.CANCELLED_BY_HOST,
        actor_id=actor_id,
        reason=reason,
        now=now,
    )


def _candidates(session: Session, old: Booking) -> list[UUID]:
    return alternatives(
        session,
        old.listing_id,
        Rotation(old.first_day, old.weeks).mondays,
        status=old.learner_status,
        tier=old.tier,
        currency=old.total.currency,
        most=MOST_LOOKED_AT,
    )


def _try(
    session: Session, old: Booking, listing_id: UUID, until: datetime, terms: Terms, now: datetime
) -> Booking | None:
    try:
        with session.begin_nested():
            return _hold(session, old, listing_id, until, terms, now)
    except CANT:
        return None


def _hold(
    session: Session, old: Booking, listing_id: UUID, until: datetime, terms: Terms, now: datetime
) -> Booking:
    offer = _offer(session, old, listing_id, terms, now)
    offer.hold_expires_at = until
    mondays = Rotation(old.first_day, old.weeks).mondays
    reason = "Held in place of a rotation that its host called off."
    if not transition.begin(session, offer, mondays, reason=reason, now=now):
        raise holds.already_booked(session, offer, mondays)
    seats.take(session, listing_id, mondays, held=True)
    return offer


def _offer(
    session: Session, old: Booking, listing_id: UUID, terms: Terms, now: datetime
) -> Booking:
    """Return what would be held, at a protected price; nothing is written."""
    listing = catalog.listing_for_booking(session, listing_id)
    trainee = identity.trainee_facts(session, old.trainee_id)
    if trainee is None:
        raise NotBookable("The trainee's profile is gone.")
    holds.check_eligible(listing, trainee, old.first_day, old.weeks, now)
    offer = holds.freeze(listing, trainee, Rotation(old.first_day, old.weeks), terms, now)
    own = policies.POLICIES[listing.policy_key]
    lines = rules.protected(holds.price_of(listing, old.weeks, own, terms).lines, old.total)
    if lines is None:
        raise NotBookable("It costs more than the fee of the marketplace can make up for.")
    policy = frozen.with_terms_of(frozen.policy_to_json(listing.policy_key), old.policy)
    due_on = changes.due_on(old.balance_due_on, old.first_day, now, old.time_zone)
    change = changes.change_of(
        ChangeKind.RESCUE,
        old,
        offer,
        policy,
        price=lines,
        least=Money.zero(old.paid.currency),
        due_on=due_on,
    )
    planned = changes.plan(old, offer, change, policy).new
    planned.state, planned.paid = BookingState.HELD.value, Money.zero(old.paid.currency)
    return planned


def _named(
    session: Session, old: Booking, listings: Sequence[UUID], terms: Terms, now: datetime
) -> list[dict[str, Any]]:
    """The next best, with what each would cost; those that can't be offered are left out."""
    named: list[dict[str, Any]] = []
    for listing_id in listings:
        if len(named) == MOST_NAMED:
            break
        try:
            offer = _offer(session, old, listing_id, terms, now)
        except CANT:
            continue
        named.append(_name(offer, offer.total))
    return named


def _name(offer: Booking, price: Money) -> dict[str, Any]:
    return {
        "listing_id": str(offer.listing_id),
        "title": offer.listing_title,
        "site_name": offer.site_name,
        "tier": offer.tier,
        "price": notices.money_json(price),
    }


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


def _held(session: Session, rescue: Rescue) -> Booking:
    """Return what is held; `NotOpenForThis` where nothing is, or no longer."""
    offer = queries.lock(session, rescue.offer_id) if rescue.offer_id is not None else None
    if offer is None or BookingState(offer.state) is not BookingState.HELD:
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
        if BookingState(offer.state) is BookingState.HELD:
            to = BookingState.WITHDRAWN if actor_id else BookingState.EXPIRED
            transition.move(session, offer, to, actor_id=actor_id, reason=why, now=now)
    wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
    agreed = cancellations.quote_of_ended(old, wish, rescue.called_off_at)
    by = actor_id or rescue.called_off_by
    cancellations.settle(session, old, agreed, actor_id=by, reason=why, now=now)
    _end(session, rescue, "refunded", actor_id, now)
    notices.tell_trainee(
        session,
        old,
        "booking_cancelled",
        now=now,
        cancelled_by="host",
        refund=notices.money_json(agreed.refund),
    )


def _end(
    session: Session, rescue: Rescue, state: str, actor_id: UUID | None, now: datetime
) -> None:
    rescue.state, rescue.ended_at, rescue.ended_by = state, now, actor_id
    session.flush()
