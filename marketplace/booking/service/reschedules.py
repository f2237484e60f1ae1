"""Other weeks at the same listing: cancelled and booked in one, at the better price.

A quote first; then the commitment to that very quote. Where the host decides on each trainee the
weeks are proposed, and change once the host agrees (see `service.proposals`).
"""

from datetime import date, datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import ApprovalNeeded, ProfileMissing, Unchanged
from marketplace.booking.models import Booking
from marketplace.booking.rules import frozen
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote, lower_price
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import cancellations, change_notices, changes, holds
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.changes import Plan
from marketplace.booking.service.cohorts import succeeding
from marketplace.booking.service.itineraries import staying
from marketplace.catalog import queries as catalog
from marketplace.catalog.rules import policies
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def quote(
    session: Session, booking: Booking, *, first_day: date, weeks: int, terms: Terms, now: datetime
) -> ChangeQuote:
    """Say what other weeks would cost and what becomes of what was paid; nothing is changed.

    Refuses as holding a seat does, but for the seats: whether they are free is known when they are
    taken.
    """
    return plan(session, booking, Rotation(first_day, weeks), terms, now).quote


def reschedule(
    session: Session,
    booking: Booking,
    *,
    first_day: date,
    weeks: int,
    mark: str,
    actor_id: UUID,
    terms: Terms,
    now: datetime,
    agreed: bool = False,
) -> Booking:
    """Change the weeks under the quote whose `mark` was shown; return the booking that takes over.

    `agreed`: the host has. Raises `ApprovalNeeded` where it must and has not, `QuoteChanged` with
    the present quote if the terms would differ, and `SeatTaken`, `AlreadyBookedThen` or
    `NotEligible` with the reasons; then everything stays as it was.
    """
    old = changes.lock(session, booking.id)
    planned = plan(session, old, Rotation(first_day, weeks), terms, now)
    changes.check_mark(planned.quote, mark)
    if planned.new.approval == Approval.REQUEST and not agreed:
        raise ApprovalNeeded
    new = changes.take_over(
        session, old, planned, actor_id=actor_id, reason=_reason(planned), now=now
    )
    change_notices.rescheduled(session, old, new, planned.quote, now)
    return new


def plan(session: Session, old: Booking, rotation: Rotation, terms: Terms, now: datetime) -> Plan:
    """Work out the change; raises what stands against it."""
    changes.check_open(old, now)
    if (rotation.first_day, rotation.weeks) == (old.first_day, old.weeks):
        raise Unchanged(fields={"first_day": ["These are the weeks that you have."]})
    listing = catalog.listing_for_booking(session, old.listing_id)
    trainee = identity.trainee_facts(session, old.trainee_id)
    if trainee is None:
        raise ProfileMissing
    holds.check_eligible(listing, trainee, rotation.first_day, rotation.weeks, now)
    new = holds.freeze(listing, trainee, rotation, terms, now)
    own = policies.POLICIES[listing.policy_key]
    same = listing.price_per_week.currency == old.total.currency
    present = holds.price_of(listing, rotation.weeks, own, terms, now.date()) if same else None
    price = lower_price(present, old.price_lines, rotation.weeks)
    kept = cancellations.by_the_terms(old, Wish(), now).kept
    check_weeks(session, old, rotation)
    policy = frozen.with_terms_of(old.policy, frozen.policy_to_json(listing.policy_key), kept)
    new.deposit = min(old.deposit, new.deposit) if same else old.deposit
    wanted = _balance_due(old, rotation.first_day)
    change = changes.change_of(
        ChangeKind.RESCHEDULE,
        old,
        new,
        policy,
        price=price.lines,
        least=kept,
        due_on=succeeding.due_on(rotation.first_day, old.time_zone, now)
        if old.cohort_id is not None
        else changes.due_on(wanted, rotation.first_day, now, old.time_zone),
        stays=staying.with_change(session, old, new, trainee),
    )
    return changes.plan(old, new, change, policy)


def check_weeks(session: Session, old: Booking, rotation: Rotation) -> None:
    """Raise `AlreadyBookedThen` where another of the trainee's rotations is in one of the weeks.

    It may be one of the same itinerary. When the change takes effect the database sees to it again.
    """
    other = queries.overlapping(session, old.trainee_id, rotation.mondays, besides=old.id)
    if other is not None:
        raise holds.busy(other)


def _balance_due(old: Booking, first_day: date) -> date:
    """As long before the new start as the frozen terms ask."""
    days = frozen.policies(old.policy)[0].balance_due_days(old.deposit)
    return first_day - holds.days_before_start(days)


def _reason(planned: Plan) -> str:
    new = planned.new
    weeks = "1 week" if new.weeks == 1 else f"{new.weeks} weeks"
    return f"Moved to {new.first_day}, {weeks}."
