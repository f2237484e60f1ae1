"""Folding a history: where it leads, and that each thing that differs is named."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.booking.rules.replay import Cash, Seat, Step, Stored, disagreements, replay
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.states import BookingState
from marketplace.core.money import Money

S = BookingState
ROTATION = Rotation(date(2027, 3, 1), 3)
ZONE = "America/Chicago"
BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)
USD = "USD"


def chain(*states, at=BEGAN, until=None):
    before, steps = None, []
    for number, state in enumerate(states, 1):
        steps.append(Step(number, before, state, at, until))
        before = state
    return steps


def stored(state, **other):
    made = Stored(state, 9, None, ROTATION, ZONE, Money(100, USD), Money(500, USD))
    return replace(made, **other)


def paid(captured=100, granted=0, **agreed):
    return Cash(Money(captured, USD), Money(granted, USD), **agreed)


def seats(live=3, again=0):
    weeks = ROTATION.mondays
    return [Seat(week, None if n < live else BEGAN) for n, week in enumerate(weeks)] + [
        Seat(week, BEGAN) for week in weeks[:again]
    ]


def wrong(steps, row, rows, cash):
    return disagreements(row, replay(steps, ROTATION, ZONE), rows, cash)


CONFIRMED = chain(S.HELD, S.AWAITING_PAYMENT, S.CONFIRMED)


def test_a_history_that_leads_to_what_is_stored():
    assert wrong(CONFIRMED, stored(S.CONFIRMED), seats(), paid()) == []


@pytest.mark.parametrize(
    ("steps", "row", "rows", "cash", "words"),
    [
        (CONFIRMED, stored(S.COMPLETED), seats(), paid(), "the state is completed"),
        (CONFIRMED[1:], stored(S.CONFIRMED), seats(), paid(), "step 2 begins at held"),
        ([], stored(S.CONFIRMED), seats(0), paid(), "leads to nothing"),
        (
            chain(S.HELD, S.COMPLETED),
            stored(S.COMPLETED),
            seats(),
            paid(),
            "step 2 from held to completed is not allowed",
        ),
        (CONFIRMED, stored(S.CONFIRMED), seats(2), paid(), "2027-03-15 has no seat"),
        (CONFIRMED, stored(S.CONFIRMED), seats(3, 1), paid(), "2027-03-01 was taken 2 times"),
        (CONFIRMED, stored(S.CONFIRMED), seats(), paid(90), "should be"),
        (CONFIRMED, stored(S.CONFIRMED), seats(), paid(100, 10), "is kept"),
        (
            CONFIRMED,
            stored(S.CONFIRMED, paid=Money(600, USD)),
            seats(),
            paid(600),
            "for a price of",
        ),
        (
            CONFIRMED,
            stored(S.CONFIRMED, hold_expires_at=BEGAN),
            seats(),
            paid(),
            "confirmed with a seat kept until",
        ),
        (
            chain(S.HELD, until=BEGAN),
            stored(S.HELD, paid=Money(0, USD), hold_expires_at=BEGAN + timedelta(1)),
            seats(),
            paid(0),
            "by the history until",
        ),
        (
            [*CONFIRMED, Step(4, S.CONFIRMED, S.CANCELLED_BY_HOST, BEGAN, None)],
            stored(S.CANCELLED_BY_HOST),
            seats(1),
            paid(100, 100, agreed_paid=Money(100, USD), agreed_refund=Money(100, USD)),
            "2027-03-01 has a seat that was given up",
        ),
    ],
)
def test_what_differs_is_named(steps, row, rows, cash, words):
    assert any(words in line for line in wrong(steps, row, rows, cash)), wrong(
        steps, row, rows, cash
    )


def test_weeks_that_had_begun_stay():
    steps = chain(S.HELD, S.AWAITING_PAYMENT, S.CONFIRMED, S.IN_PROGRESS)
    # Monday 8 March, 01:00 in Chicago: the second week has begun.
    ends = Step(5, S.IN_PROGRESS, S.NO_SHOW, datetime(2027, 3, 8, 7, tzinfo=UTC), None)
    found = replay([*steps, ends], ROTATION, ZONE)
    assert found.seats == {date(2027, 3, 1), date(2027, 3, 8)}
    assert set(found.claims.values()) == {1}
    back = Step(6, S.NO_SHOW, S.IN_PROGRESS, datetime(2027, 3, 9, 7, tzinfo=UTC), None)
    again = replay([*steps, ends, back], ROTATION, ZONE)
    assert (len(again.seats), again.claims[date(2027, 3, 15)], again.faults) == (3, 2, ())


def test_a_seat_taken_again_is_two_claims():
    steps = chain(S.HELD, S.AWAITING_PAYMENT, S.EXPIRED, S.CONFIRMED)
    found = replay(steps, ROTATION, ZONE)
    assert (set(found.claims.values()), len(found.seats), found.faults) == ({2}, 3, ())


def test_what_another_booking_took_over_is_not_missed():
    steps = [*CONFIRMED, Step(4, S.CONFIRMED, S.CANCELLED_BY_TRAINEE, BEGAN, None)]
    row = stored(S.CANCELLED_BY_TRAINEE)
    assert wrong(steps, row, seats(0), paid(100, 30, carried_on=Money(70, USD))) == []
    assert wrong(steps, row, seats(0), paid(100, 0, carried_on=Money(70, USD))) != []


def test_what_was_agreed_on_is_kept():
    steps = [*CONFIRMED, Step(4, S.CONFIRMED, S.CANCELLED_BY_TRAINEE, BEGAN, None)]
    agreed = {"agreed_paid": Money(100, USD), "agreed_refund": Money(40, USD)}
    row = stored(S.CANCELLED_BY_TRAINEE)
    assert wrong(steps, row, seats(0), paid(100, 40, **agreed)) == []
    assert wrong(steps, row, seats(0), paid(100, 100, **agreed)) != []
