"""Why a trainee may or may not book: every rule's answer, and whether there is a seat."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.gateway import TraineeWeeks
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings, seats
from marketplace.catalog.rules import eligibility
from marketplace.catalog.rules.eligibility import Asked, Evidence, Outcome, RuleResult, Source
from marketplace.catalog.rules.weeks import WEEK, monday_from, monday_of
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.rules import LearnerStatus, learner_status

SHOWN_STATES = (ListingState.PUBLISHED, ListingState.PAUSED, ListingState.RETIRED)


@dataclass(frozen=True)
class Explanation:
    """The answers for `weeks` weeks from `first_day`; `tier` by the status on that day.

    `earliest` is the first day on which all that blocks would pass, seats included: from the asked
    day on, else an earlier one; none where there is no such day.
    """

    listing_id: uuid.UUID
    first_day: date
    weeks: int
    may_book: bool
    learner_status: LearnerStatus | None
    tier: str | None
    earliest: date | None
    results: Sequence[RuleResult]


def explain(
    session: Session,
    listing_id: uuid.UUID,
    account_id: uuid.UUID,
    now: datetime,
    *,
    first_day: date | None = None,
    weeks: int | None = None,
    bookings: TraineeWeeks | None = None,
    documents: Collection[str] = (),
) -> Explanation:
    """Explain for an account's profile; by default for the earliest start and the least weeks.

    With `bookings` the trainee's own ones count too; `documents` are those accepted of theirs.
    """
    listing = listings.listing(session, listing_id)
    if not is_shown(listing):
        raise ListingNotFound
    today = now.astimezone(ZoneInfo(listing.site.time_zone)).date()
    start = first_day or first_start(listing, today)
    count = weeks or listing.weeks_min
    facts = identity.trainee_facts(session, account_id)
    profile: eligibility.Profile = facts or eligibility.NOTHING_TOLD
    asked = Asked(listing, profile, start, today, count, documents)
    free = _free(session, listing, min(start, today), max(start, listing.last_start), count)
    busy = bookings.weeks_of(session, account_id, monday_of(today)) if bookings else {}
    results = [
        *eligibility.check(listing, profile, start, today, count, documents),
        _open(listing),
        eligibility.free_weeks(asked, free),
        *([eligibility.own_weeks(asked, busy)] if bookings else []),
    ]
    status = learner_status(facts.graduation_date, start) if facts else None
    is_open = listing.state == ListingState.PUBLISHED
    return Explanation(
        listing_id=listing_id,
        first_day=start,
        weeks=count,
        may_book=eligibility.may_book(results),
        learner_status=status,
        tier=tier_of(listing, status),
        earliest=eligibility.first_possible(asked, free, busy) if is_open else None,
        results=results,
    )


def is_shown(listing: Listing) -> bool:
    """Whether the public may know of a listing: published once, and not under review."""
    return listing.first_published_at is not None and listing.state in SHOWN_STATES


def first_start(listing: eligibility.Terms, today: date) -> date:
    """The first Monday that the lead time and the season allow."""
    soonest = monday_from(today + timedelta(days=listing.lead_days))
    return min(max(soonest, listing.first_start), listing.last_start)


def tier_of(listing: eligibility.Terms, status: LearnerStatus | None) -> str | None:
    """The tier for that status, none where it is not known or not admitted."""
    if status is None:
        return None
    return listing.tier_student if status is LearnerStatus.STUDENT else listing.tier_graduate


def _open(listing: Listing) -> RuleResult:
    evidence = (Evidence("state", listing.state, Source.LISTING),)
    if listing.state == ListingState.PUBLISHED:
        return RuleResult("open", Outcome.PASS, "The listing takes bookings.", evidence)
    sentence = f"The listing is {listing.state} and takes no bookings."
    return RuleResult("open", Outcome.FAIL, sentence, evidence, "Look for another listing.")


def _free(
    session: Session, listing: Listing, first: date, last: date, count: int
) -> Mapping[date, int]:
    """Free seats by Monday, for every rotation of so many weeks that begins in between."""
    until = last + WEEK * max(count, listing.weeks_max)
    year = seats.availability(session, listing.id, monday_of(first), until)
    free = {date.fromisoformat(week): left for week, _, left in year.weeks}
    return {**free, **dict.fromkeys(listing.blackout_weeks, 0)}
