"""A booking's history folded from its first row: where it should have ended, and what differs.

Pure: the facts come in as values, what differs goes out as sentences for an operator. What the
history does not say (steps from before their times were written down) is not held against it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation, keeps_begun_weeks
from marketplace.booking.states import GIVES_UP_SEATS, TIMED, TRANSITIONS, BookingState
from marketplace.core.money import Money


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the history."""

    number: int
    before: BookingState | None
    after: BookingState
    at: datetime
    kept_until: datetime | None


@dataclass(frozen=True, slots=True)
class Seat:
    """One claim of a week, and when it was given up."""

    week: date
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cash:
    """What came in for the booking, what was granted back, and what a cancellation agreed on.

    `carried_on` is what was left when another booking took its place.
    """

    captured: Money
    granted: Money
    carried_on: Money | None = None
    agreed_paid: Money | None = None
    agreed_refund: Money | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The booking's row as it stands."""

    state: BookingState
    version: int
    hold_expires_at: datetime | None
    rotation: Rotation
    time_zone: str
    paid: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where the history leads: the state, its end, the weeks in use, and how often each was taken."""

    state: BookingState | None
    kept_until: datetime | None
    seats: frozenset[date]
    claims: Mapping[date, int]
    faults: tuple[str, ...]


def replay(steps: Sequence[Step], rotation: Rotation, time_zone: str) -> Replayed:
    """Fold the steps, oldest first."""
    state: BookingState | None = None
    kept_until = None
    seats: frozenset[date] = frozenset()
    claims: Counter[date] = Counter()
    faults = []
    mondays = frozenset(rotation.mondays)
    for step in steps:
        fault = _fault(state, step)
        if fault:
            faults.append(fault)
        if step.before is None or _takes_again(step):
            claims.update(mondays - seats)
            seats = mondays
        elif step.after in GIVES_UP_SEATS:
            begun = keeps_begun_weeks(step.before, step.after)
            today = site_day(step.at, time_zone)
            seats = frozenset(week for week in seats if begun and week <= today)
        state, kept_until = step.after, step.kept_until
    return Replayed(state, kept_until, seats, claims, tuple(faults))


def disagreements(
    stored: Stored, replayed: Replayed, seats: Sequence[Seat], cash: Cash
) -> list[str]:
    """Say what the stored booking, its seats or its money differ in; empty if in nothing."""
    return [
        *replayed.faults,
        *_of_state(stored, replayed),
        *_of_seats(replayed, seats, stored.rotation),
        *_of_money(stored, cash),
    ]


def _fault(state: BookingState | None, step: Step) -> str | None:
    if step.before is not state:
        was = "nothing" if state is None else state.value
        said = "nothing" if step.before is None else step.before.value
        return f"step {step.number} begins at {said}, the step before it led to {was}"
    if step.before is not None and not TRANSITIONS.allows(step.before, step.after):
        return f"step {step.number} from {step.before.value} to {step.after.value} is not allowed"
    return None


def _takes_again(step: Step) -> bool:
    return step.before in GIVES_UP_SEATS and step.after not in GIVES_UP_SEATS


def _of_state(stored: Stored, replayed: Replayed) -> list[str]:
    found = []
    if stored.state is not replayed.state:
        led = "nothing" if replayed.state is None else replayed.state.value
        found.append(f"the state is {stored.state.value}, the history leads to {led}")
    if (stored.hold_expires_at is not None) != (stored.state in TIMED):
        found.append(f"{stored.state.value} with a seat kept until {stored.hold_expires_at}")
    elif replayed.kept_until is not None and stored.hold_expires_at != replayed.kept_until:
        found.append(
            f"the seat is kept until {stored.hold_expires_at}, by the history until"
            f" {replayed.kept_until}"
        )
    return found


def _of_seats(replayed: Replayed, seats: Sequence[Seat], rotation: Rotation) -> list[str]:
    live = {seat.week for seat in seats if seat.released_at is None}
    found = [f"the week of {week} has a seat that was given up" for week in live - replayed.seats]
    found += [f"the week of {week} has no seat" for week in replayed.seats - live]
    taken = Counter(seat.week for seat in seats)
    found += [
        f"the week of {week} was taken {taken[week]} times, by the history"
        f" {replayed.claims.get(week, 0)}"
        for week in {*rotation.mondays, *taken}
        if taken[week] != replayed.claims.get(week, 0)
    ]
    return sorted(found)


def _of_money(stored: Stored, cash: Cash) -> list[str]:
    found = []
    due = stored.paid
    if cash.agreed_paid is not None and cash.agreed_refund is not None:
        due = cash.agreed_paid - cash.agreed_refund
        if cash.agreed_paid != stored.paid:
            found.append(f"cancelled with {cash.agreed_paid} paid, {stored.paid} is written down")
    kept = cash.captured - cash.granted
    if cash.carried_on:
        due = cash.carried_on
    if kept != due:
        found.append(
            f"{cash.captured} came in and {cash.granted} was granted back: {kept} is kept,"
            f" {due} should be"
        )
    if stored.paid > stored.total:
        found.append(f"{stored.paid} was paid for a price of {stored.total}")
    return found
