"""Cancelling: the quote, the commitment to it, and the money that goes back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import (
    NotOpenForThis,
    QuoteChanged,
    Superseded,
)
from marketplace.booking.service import cancellations, replaying
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.core.money import Money
from marketplace.core.states import IllegalTransition
from marketplace.identity.service import templating
from marketplace.payments import queries as payments

TRAINEE = BookingState.CANCELLED_BY_TRAINEE


def quote(stage, booking_id, wish=None):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return cancellations.quote(session, booking, wish or Wish(), stage.now)


def cancel(stage, booking_id, mark, wish=None, to=TRAINEE):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return cancellations.cancel(
            session,
            booking,
            wish or Wish(),
            mark=mark,
            to=to,
            actor_id=booking.trainee_id,
            reason="Other plans.",
            now=stage.now,
        )


def mailed(stage, booking_id):
    """The text of the last mail to the trainee, which tells them of the cancellation."""
    asked = text(
        "SELECT template, data FROM notice WHERE account_id = :id ORDER BY id DESC LIMIT 1"
    )
    with stage.transaction() as session:
        template, data = session.execute(asked, {"id": stage.booking(booking_id).trainee_id}).one()
    assert template == "booking_cancelled"
    return templating.render(
        template, templating.Reader(), {"name": "", **data}, "https://x.example"
    ).text


def test_the_trainee_gets_back_what_the_quote_said(stage):
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    shown = quote(stage, booking_id)
    assert [(line.code, line.amount.minor) for line in shown.lines] == [
        ("deposit_paid", 44800),
        ("balance_paid", 179200),
        ("kept", -25000),
        ("refund", 199000),
    ]
    cancel(stage, booking_id, shown.mark)
    assert stage.state(booking_id) == "cancelled_by_trainee"
    assert stage.refunded(stage.booking(booking_id).payment_id) == 199000
    assert stage.taken(place) == {}
    with stage.transaction() as session:
        kept = queries.cancellation(session, booking_id)
    assert (kept.quote, kept.refund, kept.days_before) == (
        shown.mark,
        Money(199000, "USD"),
        99,
    )
    assert "Of the 2,240.00 USD that you have paid, 250.00 USD are kept, by" in mailed(
        stage, booking_id
    )
    assert stage.findings() == []


@pytest.mark.fault(29)
def test_a_quote_from_before_the_boundary_is_not_taken_after_it(stage):
    booking_id = stage.confirmed(stage.place(), whole=True)
    # 90 days before 1 March 2027 is 1 December: the fee doubles at midnight in Chicago.
    stage.clock.at = datetime(2026, 12, 1, 5, 59, 59, tzinfo=UTC)
    early = quote(stage, booking_id)
    assert (early.days, early.kept) == (91, Money(25000, "USD"))
    stage.clock.at = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    with pytest.raises(QuoteChanged) as refused:
        cancel(stage, booking_id, early.mark)
    assert refused.value.extra["quote"]["kept"] == {"amount": 50000, "currency": "USD"}
    assert stage.state(booking_id) == "confirmed"
    cancel(stage, booking_id, refused.value.extra["quote"]["quote"])


def test_when_the_host_withdraws_all_goes_back(stage):
    place = stage.place(cancellation_policy="visa_denial_only")
    booking_id = stage.confirmed(place)
    wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
    shown = quote(stage, booking_id, wish)
    cancel(stage, booking_id, shown.mark, wish, BookingState.CANCELLED_BY_HOST)
    booking = stage.booking(booking_id)
    assert stage.refunded(booking.payment_id) == booking.paid.minor
    assert stage.findings() == []


def test_nothing_is_refunded_where_the_terms_keep_all(stage):
    booking_id = stage.confirmed(stage.place(cancellation_policy="visa_denial_only"))
    cancel(stage, booking_id, quote(stage, booking_id).mark)
    assert stage.state(booking_id) == "cancelled_by_trainee"
    assert stage.refunded(stage.booking(booking_id).payment_id) == 0
    said = mailed(stage, booking_id)
    assert "Nothing goes back of the 899.00 USD that you have paid, by the terms" in said
    assert "“No refund but for a visa denial”" in said


def test_a_voucher_is_credit_in_the_same_transaction(stage):
    booking_id = stage.confirmed(stage.place(cancellation_policy="visa_denial_only"))
    booking = stage.booking(booking_id)
    wish = Wish(PolicyEvent.VISA_DENIED, "voucher", frozenset({"visa_denial"}))
    shown = quote(stage, booking_id, wish)
    assert {one.option: one.refund.minor for one in shown.choices} == {
        "voucher": booking.paid.minor,
        "half_back": booking.paid.minor // 2,
    }
    cancel(stage, booking_id, shown.mark, wish)
    assert stage.state(booking_id) == "cancelled_by_trainee"
    with stage.transaction() as session:
        assert payments.available(session, booking.trainee_id, stage.now) == [booking.paid]
        (refund,) = payments.refunds(session, booking.payment_id)
        assert (refund.means, refund.state, refund.processor_refund) == ("credit", "settled", None)
        assert payments.wrong_credit(session) == []
        owed = payments.balance_of(session, "trainee_credit", "USD", booking.trainee_id)
        assert owed == -booking.paid
        assert payments.balance_of(session, "refunds_payable", "USD") == Money.zero("USD")
        (grant,) = payments.granted_for(session, "booking", booking_id)
        assert (grant.reason, grant.expires_at, grant.transferable) == ("cancellation", None, False)
        assert queries.cancellation(session, booking_id).refunds[0]["means"] == "credit"
    assert stage.told(booking.trainee_id)[-2:] == ["credit_granted", "booking_cancelled"]
    assert "899.00 USD come back as credit" in mailed(stage, booking_id)
    assert stage.findings() == []


def test_what_is_not_confirmed_has_nothing_to_cancel(stage):
    booking_id = stage.hold(stage.trainee(), stage.place())
    with pytest.raises(NotOpenForThis):
        quote(stage, booking_id)


def test_a_rotation_under_way_keeps_the_weeks_that_have_begun(stage):
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    stage.clock.at = datetime(2027, 3, 10, 15, 0, tzinfo=UTC)
    stage.start_due()
    shown = quote(stage, booking_id)
    assert shown.days == -9
    cancel(stage, booking_id, shown.mark)
    assert [week.isoformat() for week in stage.taken(place)] == ["2027-03-01", "2027-03-08"]
    assert stage.findings() == []


@pytest.mark.fault(22)
@pytest.mark.fault(26)
def test_two_cancellations_at_once_refund_once(live_stage):
    booking_id = live_stage.confirmed(live_stage.place(), whole=True)
    mark = quote(live_stage, booking_id).mark
    gate = threading.Barrier(4)

    def leave(_):
        gate.wait()
        try:
            cancel(live_stage, booking_id, mark)
        except (Superseded, IllegalTransition, NotOpenForThis):
            return False
        return True

    with ThreadPoolExecutor(4) as hands:
        assert sum(hands.map(leave, range(4))) == 1
    assert live_stage.refunded(live_stage.booking(booking_id).payment_id) == 199000
    assert live_stage.findings() == []


def test_an_unpaid_booking_ended_by_the_host_frees_its_seat(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    stage.pay(booking_id)
    host = stage.member(place.site_id)
    with stage.transaction() as session:
        cancellations.cancel_unpaid(
            session,
            queries.find(session, booking_id),
            to=BookingState.CANCELLED_BY_HOST,
            actor_id=host,
            reason="The preceptor is ill.",
            now=stage.now + timedelta(minutes=1),
        )
    assert stage.taken(place) == {}
    stage.settle(stage.booking(booking_id).payment_id)
    assert stage.refunded(stage.booking(booking_id).payment_id) == 44800


@pytest.mark.parametrize(
    ("to", "event"),
    [
        (TRAINEE, PolicyEvent.TRAINEE_CANCELS),
        (BookingState.CANCELLED_BY_HOST, PolicyEvent.HOST_WITHDRAWS),
    ],
)
def test_after_a_lost_dispute_either_side_can_still_cancel(stage, to, event):
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    paid_by = stage.booking(booking_id).payment_id
    with stage.transaction() as session:
        # As a dispute that was lost leaves the payment.
        taken = text("UPDATE payment SET lost_minor = captured_minor WHERE id = :id")
        session.execute(taken, {"id": paid_by})
    shown = quote(stage, booking_id, Wish(event))
    assert [(line.code, line.amount.minor) for line in shown.lines] == [
        ("deposit_paid", 44800),
        ("balance_paid", 179200),
        ("gone", -224000),
        ("refund", 0),
    ]
    cancel(stage, booking_id, shown.mark, Wish(event), to)
    assert stage.state(booking_id) == to
    assert stage.refunded(paid_by) == 0
    assert stage.taken(place) == {}
    with stage.transaction() as session:
        (told,) = replaying.verdicts(session, [queries.find(session, booking_id)])
    assert told.disagreements == []
