"""No change of state without its row of history, and no row without its change."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.service import transition
from marketplace.booking.states import BookingState


def refused(stage, *statements, **values):
    """Run the statements and commit; the name of the constraint that refuses it."""
    with pytest.raises(DBAPIError) as caught, stage.transaction() as session:
        for statement in statements:
            session.execute(text(statement), values)
    return caught.value.orig.diag.constraint_name


@pytest.fixture
def held(live_stage):
    return live_stage.hold(live_stage.trainee(), live_stage.place())


def test_a_state_set_by_hand_is_refused(live_stage, held):
    by_hand = "UPDATE booking SET state = 'confirmed', hold_expires_at = NULL WHERE id = :id"
    assert refused(live_stage, by_hand, id=held) == "history_of_state"
    assert live_stage.state(held) == "held"


def test_a_state_with_the_row_of_another_step_is_refused(live_stage, held):
    wrong = refused(
        live_stage,
        "UPDATE booking SET state = 'confirmed', version = 2, hold_expires_at = NULL"
        " WHERE id = :id",
        "INSERT INTO booking_transition (booking_id, number, from_state, to_state, at, reason)"
        " VALUES (:id, 2, 'held', 'expired', now(), 'x')",
        id=held,
    )
    assert wrong == "history_of_state"


def test_a_row_of_history_without_its_change_is_refused(live_stage, held):
    row = (
        "INSERT INTO booking_transition (booking_id, number, from_state, to_state, at, reason)"
        " VALUES (:id, 2, :before, 'submitted', now(), 'x')"
    )
    assert refused(live_stage, row, id=held, before="held") == "history_of_state"
    assert refused(live_stage, row, id=held, before="confirmed") == "history_of_state"


def test_a_booking_is_made_with_its_first_row(live_stage, held):
    """Copied as it stands, without a history of its own, it can't be committed."""
    columns = ", ".join(
        column.name for column in Booking.__table__.columns if column.name not in ("id", "state")
    )
    wrong = refused(
        live_stage,
        f"INSERT INTO booking (id, state, {columns})"
        f" SELECT uuidv7(), state, {columns} FROM booking WHERE id = :id",
        id=held,
    )
    assert wrong == "history_of_state"


def test_several_steps_in_one_transaction_are_a_chain(live_stage, held):
    with live_stage.transaction() as session:
        booking = queries.find(session, held)
        transition.move(
            session, booking, BookingState.AWAITING_PAYMENT, actor_id=None, reason="Begun.",
            now=live_stage.now, hold_expires_at=booking.hold_expires_at,
        )  # fmt: skip
        transition.move_all(
            session, [booking], BookingState.EXPIRED, reason="Over.", now=live_stage.now
        )
    assert live_stage.steps(held) == ["held", "awaiting_payment", "expired"]


def test_each_step_says_until_when_the_seat_is_kept(live_stage, held):
    with live_stage.transaction() as session:
        (step,) = queries.history(session, held)
        assert step.kept_until == queries.find(session, held).hold_expires_at
