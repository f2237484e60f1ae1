"""The table of a booking's life has the shape that the domain describes."""

import pytest

from marketplace.booking.service.transition import EVENTS
from marketplace.booking.states import (
    CANCELLABLE,
    CANCELLED,
    GIVES_UP_SEATS,
    OWNED,
    TABLE,
    TIMED,
    TRANSITIONS,
    BookingState,
)
from marketplace.core.states import IllegalTransition


def test_every_state_is_in_the_table_and_has_an_event():
    assert set(TABLE) == set(BookingState) == set(EVENTS)


def test_a_seat_is_timed_owned_or_given_up_in_every_state():
    assert set(BookingState) == TIMED | OWNED | GIVES_UP_SEATS
    assert not TIMED & OWNED
    assert not OWNED & GIVES_UP_SEATS
    assert not TIMED & GIVES_UP_SEATS


def test_every_state_is_reached_from_the_hold():
    reached, waiting = set(), {BookingState.HELD}
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting |= TABLE[state] - reached
    assert reached == set(BookingState)


def test_every_timed_state_can_expire():
    assert all(TRANSITIONS.allows(state, BookingState.EXPIRED) for state in TIMED)


def test_only_what_was_confirmed_can_be_cancelled_by_the_trainee():
    sources = {state for state in BookingState if BookingState.CANCELLED_BY_TRAINEE in TABLE[state]}
    assert sources == CANCELLABLE


def test_ends_are_ends_but_for_late_money_and_marks_taken_back():
    ends = GIVES_UP_SEATS | {BookingState.COMPLETED}
    again = {BookingState.EXPIRED, BookingState.NO_SHOW}
    assert {state for state in ends if TABLE[state]} == again
    assert TABLE[BookingState.EXPIRED] == {BookingState.CONFIRMED}


@pytest.mark.parametrize("state", sorted(CANCELLED))
def test_a_cancelled_booking_is_not_revived(state):
    with pytest.raises(IllegalTransition):
        TRANSITIONS.check(state, BookingState.CONFIRMED)
