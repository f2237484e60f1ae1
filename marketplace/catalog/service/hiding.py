"""Why not these: each listing that a trainee's own facts hide from a search, and the rules."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.catalog.models import Listing
from marketplace.catalog.queries.hidden import hidden
from marketplace.catalog.queries.search import Filters
from marketplace.catalog.rules import eligibility
from marketplace.catalog.rules.eligibility import Asked, Outcome, RuleResult
from marketplace.catalog.service.explaining import first_start
from marketplace.catalog.service.searching import filters_of
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.web.pagination import Page


@dataclass(frozen=True)
class Hidden:
    """A listing, the rotation that was judged, and every rule that blocks it.

    `earliest` is the first day on which none of them would, seats apart; none where no day helps.
    """

    listing: Listing
    first_day: date
    weeks: int
    results: Sequence[RuleResult]
    earliest: date | None


def why_not(
    session: Session,
    account_id: uuid.UUID,
    asked: Mapping[str, Any],
    now: datetime,
    *,
    limit: int,
    cursor: str | None,
) -> Page[Hidden]:
    """A page of what the filter `prerequisites` hides of a search, each with its failing rules.

    `asked` as `schemas.search` loads it. Judged from `start_from` on, or from the listing's next
    start, for as many weeks as are asked for, or its least. Five statements at most.
    """
    wanted = {**asked, "prerequisites": "met"}
    filters = filters_of(session, wanted, today=now.date(), account_id=account_id)
    facts = identity.trainee_facts(session, account_id)
    page = hidden(session, filters, limit=limit, cursor=cursor)
    profile: eligibility.Profile = facts or eligibility.NOTHING_TOLD
    return Page([_judged(row, profile, filters, now) for row in page.items], page.next_cursor)


def _judged(
    listing: Listing, profile: eligibility.Profile, filters: Filters, now: datetime
) -> Hidden:
    today = now.astimezone(ZoneInfo(listing.site.time_zone)).date()
    start = filters.start_from or first_start(listing, today)
    weeks = filters.weeks or listing.weeks_min
    results = eligibility.check(listing, profile, start, today, weeks)
    return Hidden(
        listing,
        start,
        weeks,
        [each for each in results if each.blocks and each.outcome is not Outcome.PASS],
        eligibility.first_possible(Asked(listing, profile, start, today, weeks)),
    )
