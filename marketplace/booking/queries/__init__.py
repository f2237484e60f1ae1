"""All selects of booking: single bookings, what the clock has to do, and what hosts look at."""

from marketplace.booking.queries.bookings import (
    PAYABLE,
    Overlap,
    cancellation,
    find,
    history,
    last_step,
    listing_of_completed,
    lock,
    of_trainee,
    overlapping,
    own_to_pay,
    versions,
)
from marketplace.booking.queries.due import (
    balances_due,
    lock_expired,
    lock_starting,
    overdue_holds,
    starting_soon,
    undecided,
)
from marketplace.booking.queries.holding import (
    holding,
    live_weeks,
    seats_in_use,
    weeks_of_trainee,
)
from marketplace.booking.queries.hosts import (
    applications,
    attendance,
    attendance_revisions,
    roster,
    was_present,
)

__all__ = [
    "PAYABLE",
    "Overlap",
    "applications",
    "attendance",
    "attendance_revisions",
    "balances_due",
    "cancellation",
    "find",
    "history",
    "holding",
    "last_step",
    "listing_of_completed",
    "live_weeks",
    "lock",
    "lock_expired",
    "lock_starting",
    "of_trainee",
    "overdue_holds",
    "overlapping",
    "own_to_pay",
    "roster",
    "seats_in_use",
    "starting_soon",
    "undecided",
    "versions",
    "was_present",
    "weeks_of_trainee",
]
