"""Replaying histories: does what happened lead to what is stored, for one booking or for all?"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import (
    Booking,
    BookingCancellation,
    BookingChange,
    BookingTransition,
    BookingWeek,
)
from marketplace.booking.queries import PAYABLE, replaying
from marketplace.booking.rules import replay as rules
from marketplace.booking.rules.cancellation import GONE
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries as payments

BATCH = 500


@dataclass(frozen=True)
class Verdict:
    """Where a booking's history leads, and what is stored otherwise; nothing, if all is well."""

    booking_id: UUID
    replayed: rules.Replayed
    disagreements: Sequence[str]

    @property
    def agrees(self) -> bool:
        return not self.disagreements


@dataclass(frozen=True)
class Progress:
    """After a batch: how many were replayed so far, and those of the batch that disagree."""

    replayed: int
    wrong: Sequence[Verdict]


def verdicts(session: Session, bookings: Sequence[Booking]) -> list[Verdict]:
    """Replay these bookings: nine queries at most, however many there are."""
    ids = [booking.id for booking in bookings]
    if not ids:
        return []
    steps, weeks = replaying.steps(session, ids), replaying.weeks(session, ids)
    agreed, changed = replaying.cancellations(session, ids), replaying.changes(session, ids)
    paid = payments.money_of(session, PAYABLE, ids)
    return [
        _verdict(
            booking,
            steps[booking.id],
            weeks[booking.id],
            _cash(booking, paid[booking.id], agreed.get(booking.id), changed.get(booking.id)),
        )
        for booking in bookings
    ]


def replay_all(transaction: Callable[[], AbstractContextManager[Session]]) -> Iterator[Progress]:
    """Replay every booking, a batch and a transaction at a time, so that none lasts long.

    One that disagrees may only have changed while the batch was read: it is replayed again by
    itself, its row held, before it is told of.
    """
    after: UUID | None = None
    done = 0
    while True:
        with transaction() as session:
            page = replaying.page(session, after, BATCH)
            doubtful = [one.booking_id for one in verdicts(session, page) if not one.agrees]
        done += len(page)
        again = [_held_and_replayed(transaction, booking_id) for booking_id in doubtful]
        yield Progress(done, [one for one in again if not one.agrees])
        if len(page) < BATCH:
            return
        after = page[-1].id


def _held_and_replayed(
    transaction: Callable[[], AbstractContextManager[Session]], booking_id: UUID
) -> Verdict:
    with transaction() as session:
        return verdicts(session, [queries.lock(session, booking_id)])[0]


def _verdict(
    booking: Booking,
    steps: Sequence[BookingTransition],
    weeks: Sequence[BookingWeek],
    cash: rules.Cash,
) -> Verdict:
    rotation = Rotation(booking.first_day, booking.weeks)
    stored = rules.Stored(
        state=BookingState(booking.state),
        version=booking.version,
        hold_expires_at=booking.hold_expires_at,
        rotation=rotation,
        time_zone=booking.time_zone,
        paid=booking.paid,
        total=booking.total,
    )
    replayed = rules.replay([_step(row) for row in steps], rotation, booking.time_zone)
    seats = [rules.Seat(row.week, row.released_at) for row in weeks]
    return Verdict(booking.id, replayed, rules.disagreements(stored, replayed, seats, cash))


def _step(row: BookingTransition) -> rules.Step:
    before = None if row.from_state is None else BookingState(row.from_state)
    return rules.Step(row.number, before, BookingState(row.to_state), row.at, row.kept_until)


def _cash(
    booking: Booking,
    paid: Sequence[payments.PaidFor],
    agreed: BookingCancellation | None,
    changed: BookingChange | None,
) -> rules.Cash:
    """What came in and went back. What an operator gave back by hand changes no booking's money."""
    currency = booking.paid.currency
    named = {one["refund_id"] for record in (agreed, changed) if record for one in record.refunds}
    by_hand = sum(
        refund.amount.minor
        for payment in paid
        for refund in payment.refunds
        if refund.requested_by is not None and not refund.again and str(refund.id) not in named
    )
    return rules.Cash(
        captured=Money(sum(payment.captured.minor for payment in paid), currency),
        granted=Money(sum(payment.granted.minor for payment in paid) - by_hand, currency),
        carried_on=Money(sum(payment.carried_on.minor for payment in paid), currency),
        agreed_paid=None if agreed is None else agreed.paid + _gone(agreed),
        agreed_refund=None if agreed is None else agreed.refund,
    )


def _gone(agreed: BookingCancellation) -> Money:
    """What had gone back to the payer before, by the lines of what was agreed on."""
    minor = sum(line["amount"]["amount"] for line in agreed.lines if line["code"] == GONE)
    return Money(-minor, agreed.paid.currency)
