"""What can take the place of a rotation that its host called off: found, priced, held.

The same weeks and specialty, an equal or higher tier, the same currency; those that can be booked
at once come before those whose host decides, and those that cost no more before dearer ones. The
trainee pays no more than before, whatever it costs: see `rules.changes.protection`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.errors import AlreadyBookedThen, NotBookable, NotEligible
from marketplace.booking.models import Booking
from marketplace.booking.rules import changes as rules
from marketplace.booking.rules import frozen
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import changes, holds, notices, transition
from marketplace.booking.states import BookingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.errors import ListingNotFound, NotOffered, SeatTaken
from marketplace.catalog.queries.alternatives import alternatives
from marketplace.catalog.rules import policies
from marketplace.catalog.service import seats
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity

# Looked at, and named beside the one that is held.
MOST_LOOKED_AT = 20
MOST_NAMED = 4
CANT = (SeatTaken, AlreadyBookedThen, NotEligible, NotBookable, NotOffered, ListingNotFound)


def candidates(session: Session, old: Booking) -> list[UUID]:
    """The listings that could take a booking's place, the best first."""
    weeks = next(line for line in old.price_lines if line.kind == rules.WEEKS)
    return alternatives(
        session,
        old.listing_id,
        Rotation(old.first_day, old.weeks).mondays,
        status=old.learner_status,
        tier=old.tier,
        price=Money(weeks.amount.minor // weeks.quantity, weeks.amount.currency),
        most=MOST_LOOKED_AT,
    )


def try_to_hold(
    session: Session, old: Booking, listing_id: UUID, until: datetime, terms: Terms, now: datetime
) -> Booking | None:
    """Hold it, or leave everything as it was where that can't be."""
    try:
        with session.begin_nested():
            return hold(session, old, listing_id, until, terms, now)
    except CANT:
        return None


def hold(
    session: Session, old: Booking, listing_id: UUID, until: datetime, terms: Terms, now: datetime
) -> Booking:
    """Hold a listing in a booking's place; raises what stands against it, one of `CANT`."""
    offer = _draw_up(session, old, listing_id, terms, now)
    offer.hold_expires_at = until
    mondays = Rotation(old.first_day, old.weeks).mondays
    reason = "Held in place of a rotation that its host called off."
    if not transition.begin(session, offer, mondays, reason=reason, now=now):
        raise holds.already_booked(session, offer, mondays)
    seats.take(session, listing_id, mondays, held=True)
    return offer


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


def named(
    session: Session, old: Booking, listings: Sequence[UUID], terms: Terms, now: datetime
) -> list[dict[str, Any]]:
    """The next best, with what each would cost; those that can't be offered are left out."""
    found: list[dict[str, Any]] = []
    for listing_id in listings:
        if len(found) == MOST_NAMED:
            break
        try:
            offer = _draw_up(session, old, listing_id, terms, now)
        except CANT:
            continue
        found.append(name(offer))
    return found


def name(offer: Booking) -> dict[str, Any]:
    """An offer as the rescue's row names it."""
    return {
        "listing_id": str(offer.listing_id),
        "title": offer.listing_title,
        "site_name": offer.site_name,
        "tier": offer.tier,
        "approval": offer.approval,
        "price": notices.money_json(offer.total),
    }


def _draw_up(
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
    present = holds.price_of(listing, old.weeks, own, terms, now.date())
    lines = rules.protected(present.lines, old.total)
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
