"""Holding a seat: one in each of the weeks, for minutes, at a price that will not move.

All or nothing, in one transaction. The trainee's own weeks are claimed first and the seats last,
so that the rows of a busy week are locked for the shortest time, and always in one order.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries
from marketplace.booking.errors import (
    AlreadyBookedThen,
    NotBookable,
    NotEligible,
    ProfileMissing,
)
from marketplace.booking.models import Booking, BookingWeek
from marketplace.booking.rules import frozen
from marketplace.booking.rules.deadlines import day_begins, site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import transition
from marketplace.booking.states import BookingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.rules import deposits, eligibility, policies
from marketplace.catalog.rules.deposits import DepositKind, DepositRule
from marketplace.catalog.rules.fees import fee_on
from marketplace.catalog.rules.weeks import is_monday, nearest_mondays
from marketplace.catalog.service import seats
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.payments import rules as prices


def hold(
    session: Session,
    *,
    trainee_id: UUID,
    listing_id: UUID,
    first_day: date,
    weeks: int,
    terms: Terms,
    now: datetime,
    seats_kept: bool = False,
) -> Booking:
    """Keep a seat in each of `weeks` weeks from `first_day`, a Monday at the site.

    Freezes price, terms and tier. Raises `NotFound` for a listing that is not published,
    `NotEligible` with the rules that are not met, `AlreadyBookedThen` naming the trainee's other
    booking, and `SeatTaken` if one of the weeks is full. `seats_kept`: the seats are counted as
    taken for this trainee already, by an offer that the caller ends.
    """
    listing, trainee = catalog.listing_for_booking_by(session, listing_id, trainee_id)
    if trainee is None:
        raise ProfileMissing
    booking = drawn_up(listing, trainee, first_day, weeks, terms, now)
    mondays = Rotation(first_day, weeks).mondays
    if not transition.begin(session, booking, mondays, reason="Seat held.", now=now):
        raise already_booked(session, booking, mondays)
    if not seats_kept:
        # The booking names the listing: it is held since its insert.
        seats.take(session, listing_id, mondays, held=True)
    return booking


def drawn_up(
    listing: catalog.ListingForBooking,
    trainee: identity.TraineeFacts,
    first_day: date,
    weeks: int,
    terms: Terms,
    now: datetime,
) -> Booking:
    """Return the booking as it would be made now, with all that is frozen on it; nothing is written.

    `NotBookable` and `NotEligible` as `hold` has them; seats are not looked at.
    """
    check_eligible(listing, trainee, first_day, weeks, now)
    return freeze(listing, trainee, Rotation(first_day, weeks), terms, now)


def claim_weeks(
    session: Session, booking: Booking, now: datetime, weeks: Sequence[date] | None = None
) -> None:
    """Claim the trainee's weeks again for a booking that lost them; `AlreadyBookedThen` if taken.

    All of its weeks, or those named.

    The unique index decides: a claim that is under way elsewhere is waited for, not read past.
    """
    mondays = weeks or Rotation(booking.first_day, booking.weeks).mondays
    rows = [
        {
            "id": new_id(),
            "booking_id": booking.id,
            "trainee_id": booking.trainee_id,
            "listing_id": booking.listing_id,
            "week": week,
            "taken_at": now,
        }
        for week in mondays
    ]
    claimed = session.execute(
        insert(BookingWeek).values(rows).on_conflict_do_nothing().returning(BookingWeek.week)
    ).all()
    if len(claimed) < len(mondays):
        raise already_booked(session, booking, mondays)


def already_booked(
    session: Session, booking: Booking, mondays: Sequence[date]
) -> AlreadyBookedThen:
    """Return the refusal that names the trainee's other booking in one of the weeks."""
    other = queries.overlapping(session, booking.trainee_id, mondays, besides=booking.id)
    return AlreadyBookedThen() if other is None else busy(other)


def busy(other: queries.Overlap) -> AlreadyBookedThen:
    """Return the refusal that names this booking."""
    shared = ", ".join(str(week) for week in other.weeks)
    return AlreadyBookedThen(
        f"{other.title} has the week of {shared}.",
        extra={
            "booking_id": str(other.booking_id),
            "weeks": [week.isoformat() for week in other.weeks],
        },
    )


def check_eligible(
    listing: catalog.ListingForBooking,
    trainee: identity.TraineeFacts,
    first_day: date,
    weeks: int,
    now: datetime,
) -> None:
    """Raise `NotEligible` with the rules that are not met, `NotBookable` if it is no Monday."""
    if not is_monday(first_day):
        before, after = nearest_mondays(first_day)
        raise NotBookable(f"A rotation begins on a Monday: {before} or {after}.")
    today = site_day(now, listing.time_zone)
    results = eligibility.check(listing, trainee, first_day, today, weeks)
    passed = eligibility.Outcome.PASS
    failed = [result for result in results if result.blocks and result.outcome is not passed]
    if failed:
        raise NotEligible(
            " ".join(result.sentence for result in failed),
            extra={"reasons": [_reason(result) for result in failed]},
        )


def _reason(result: eligibility.RuleResult) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "outcome": result.outcome.value,
        "sentence": result.sentence,
        "action": result.action,
        "earliest": result.earliest.isoformat() if result.earliest else None,
    }


def freeze(
    listing: catalog.ListingForBooking,
    trainee: identity.TraineeFacts,
    rotation: Rotation,
    terms: Terms,
    now: datetime,
) -> Booking:
    """Return a held booking with what is frozen on it; nothing is written."""
    begins = day_begins(rotation.first_day, listing.time_zone)
    if now + terms.hold >= begins:
        raise NotBookable("The rotation begins too soon to be paid for first.")
    policy = policies.POLICIES[listing.policy_key]
    quote = price_of(listing, rotation.weeks, policy, terms, now.date())
    status = trainee.learner_status(rotation.first_day)
    return rows.new(
        Booking,
        id=new_id(),
        trainee_id=trainee.account_id,
        listing_id=listing.id,
        listing_version=listing.version,
        listing_title=listing.title,
        site_id=listing.site_id,
        site_name=listing.site_name,
        time_zone=listing.time_zone,
        first_day=rotation.first_day,
        last_day=rotation.last_day,
        weeks=rotation.weeks,
        state=BookingState.HELD.value,
        version=1,
        hold_expires_at=now + terms.hold,
        approval=listing.approval,
        price=frozen.price_to_json(quote, deposits.text_of(listing.deposit)),
        total=quote.total,
        deposit=quote.deposit,
        paid=Money.zero(quote.total.currency),
        balance_due_on=balance_due_on(quote, policy, rotation.first_day),
        policy=frozen.policy_to_json(listing.policy_key),
        tier=listing.tier_for(status),
        classifier_version=listing.classifier_version,
        learner_status=status.value,
        school_id=trainee.school_id if trainee.school_approves else None,
        held_at=now,
    )


def price_of(
    listing: catalog.ListingForBooking,
    weeks: int,
    policy: policies.CancellationPolicy,
    terms: Terms,
    day: date,
) -> prices.Quote:
    """The listing's price to who books on `day` (UTC): the fee is by the site's contract then.

    The deposit is by the listing's own rule, in its own currency.
    """
    agreed = fee_on(listing.fees, day)
    price: Money = listing.price_per_week
    percent, fixed = _deposit(listing.deposit, policy, terms)
    if fixed is not None and fixed.currency != price.currency:
        percent, fixed = terms.deposit_percent, None
    return prices.quote(
        price_per_week=price,
        weeks=weeks,
        platform_fee_percent=terms.platform_fee_percent if agreed is None else agreed,
        deposit_percent=percent,
        deposit_amount=fixed,
    )


def _deposit(
    rule: DepositRule, policy: policies.CancellationPolicy, terms: Terms
) -> tuple[Decimal | None, Money | None]:
    """The share or the amount that is due at once; neither where all of it is."""
    match rule.kind:
        case DepositKind.WHOLE:
            return None, None
        case DepositKind.SHARE:
            return rule.percent, None
        case DepositKind.AMOUNT:
            return None, rule.amount
        case DepositKind.STANDARD:
            return terms.deposit_percent, policy.deposit.amount if policy.deposit else None


# Where the terms name no day, the balance is due as long before the start as providers ask.
BALANCE_DUE_DAYS = 28


def balance_due_on(
    quote: prices.Quote, policy: policies.CancellationPolicy, first_day: date
) -> date | None:
    """The day by which the balance is due under these terms; none where there is no balance."""
    if not quote.balance:
        return None
    return first_day - days_before_start(policy.balance_due_days(quote.deposit))


def days_before_start(days: int | None) -> timedelta:
    """How long before the start the balance is due, where the terms say `days` or nothing."""
    return timedelta(days=BALANCE_DUE_DAYS if days is None else days)
