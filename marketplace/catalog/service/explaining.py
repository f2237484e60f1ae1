"""Why a trainee may or may not book: every rule's answer, and whether there is a seat."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings, seats
from marketplace.catalog.rules import eligibility
from marketplace.catalog.rules.eligibility import Outcome, RuleResult
from marketplace.catalog.rules.weeks import WEEK, is_monday, monday_from, run_of_weeks
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.rules import LearnerStatus, learner_status

SHOWN_STATES = (ListingState.PUBLISHED, ListingState.PAUSED, ListingState.RETIRED)


@dataclass(frozen=True)
class NothingTold:
    """The profile of somebody who has not filled it in."""

    graduation_date: date | None = None
    step1_result: str | None = None
    step2_ck_score: int | None = None
    needs_visa: bool | None = None
    visa_type: str | None = None


@dataclass(frozen=True)
class Explanation:
    """The answers for `weeks` weeks from `first_day`; `tier` by the status on that day."""

    listing_id: uuid.UUID
    first_day: date
    weeks: int
    may_book: bool
    learner_status: LearnerStatus | None
    tier: str | None
    results: Sequence[RuleResult]


def explain(
    session: Session,
    listing_id: uuid.UUID,
    account_id: uuid.UUID,
    now: datetime,
    *,
    first_day: date | None = None,
    weeks: int | None = None,
) -> Explanation:
    """Explain for an account's profile; by default for the earliest start and the least weeks."""
    listing = listings.listing(session, listing_id)
    if not is_shown(listing):
        raise ListingNotFound
    today = now.astimezone(ZoneInfo(listing.site.time_zone)).date()
    start = first_day or _first_start(listing, today)
    count = weeks or listing.weeks_min
    facts = identity.trainee_facts(session, account_id)
    profile: eligibility.Profile = facts or NothingTold()
    results = eligibility.check(listing, profile, start, today, count)
    results.append(_open(listing))
    results.append(_seats(session, listing, start, count))
    status = learner_status(facts.graduation_date, start) if facts else None
    tiers = {
        LearnerStatus.STUDENT: listing.tier_student,
        LearnerStatus.GRADUATE: listing.tier_graduate,
    }
    return Explanation(
        listing_id=listing_id,
        first_day=start,
        weeks=count,
        may_book=eligibility.may_book(results),
        learner_status=status,
        tier=tiers[status] if status else None,
        results=results,
    )


def is_shown(listing: Listing) -> bool:
    """Whether the public may know of a listing: published once, and not under review."""
    return listing.first_published_at is not None and listing.state in SHOWN_STATES


def _first_start(listing: Listing, today: date) -> date:
    soonest = monday_from(today + timedelta(days=listing.lead_days))
    return min(max(soonest, listing.first_start), listing.last_start)


def _open(listing: Listing) -> RuleResult:
    if listing.state == ListingState.PUBLISHED:
        return RuleResult("open", Outcome.PASS, "The listing takes bookings.")
    sentence = f"The listing is {listing.state} and takes no bookings."
    return RuleResult("open", Outcome.FAIL, sentence, action="Look for another listing.")


def _seats(session: Session, listing: Listing, start: date, count: int) -> RuleResult:
    if not is_monday(start):
        return RuleResult("seats", Outcome.UNKNOWN, "Seats are counted from a Monday on.")
    horizon = listing.last_start + WEEK * max(count, listing.weeks_max)
    year = seats.availability(session, listing.id, start, max(horizon, start + WEEK * count))
    free = {date.fromisoformat(week): left for week, _, left in year.weeks}
    for closed in listing.blackout_weeks:
        free[closed] = 0
    full = _full(free, start, count)
    evidence = {"first_day": start.isoformat(), "weeks_without_seat": _named(full)}
    if not full:
        return RuleResult("seats", Outcome.PASS, "There is a seat in every week.", evidence)
    earliest = _first_free(free, full[-1] + WEEK, listing.last_start, count)
    return RuleResult(
        "seats",
        Outcome.FAIL,
        f"There is no seat in the week of {_named(full)}.",
        evidence,
        f"Choose {earliest}." if earliest else "Ask for fewer weeks, or look for another listing.",
        earliest,
    )


def _full(free: Mapping[date, int], start: date, count: int) -> list[date]:
    return [week for week in run_of_weeks(start, count) if free.get(week, 0) < 1]


def _first_free(free: Mapping[date, int], start: date, last: date, count: int) -> date | None:
    while start <= last:
        full = _full(free, start, count)
        if not full:
            return start
        start = full[-1] + WEEK
    return None


def _named(weeks: Sequence[date]) -> str:
    return ", ".join(week.isoformat() for week in weeks)
