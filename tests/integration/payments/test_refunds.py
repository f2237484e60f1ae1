"""Refunds: the row and the debt first, never more than was captured, and what banks hand back."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.clock import Clock
from marketplace.core.money import Money
from marketplace.payments import service, tasks
from marketplace.payments.errors import AmountRefused, RefundExceedsPayment, RefundNotRetryable
from marketplace.payments.gateway import GatewayRefused, GatewayUncertain, PaymentGateway
from tests.fakes.gateway import FakeGateway, Lost
from tests.integration.payments.conftest import WHOLE, Till, _silence, usd


@pytest.fixture
def paid(till, gateway):
    """The id of a settled payment of 380.80 USD."""
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    till.heard.clear()
    return payment_id


def test_a_refund_is_owed_then_sent_then_settled(till, gateway, paid):
    refund_id = till.refund(paid)
    assert till.refund_row(refund_id).state == "requested"
    assert till.books() == {
        "processor_clearing": 38_080 - 1_142,
        "processor_fees": 1_142,
        "refunds_payable": -38_080,
    }
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    assert till.books() == {"processor_clearing": -1_142, "processor_fees": 1_142}
    assert till.balance("processor_clearing") == gateway.balance()["USD"].minor
    (settled,) = till.heard
    assert (type(settled).__name__, settled.amount) == ("RefundSettled", WHOLE)
    assert gateway.calls[-1] == ("refund", f"refund:{refund_id}")


def test_partial_refunds_take_from_both_sides_and_leave_nothing_over(till, paid):
    for part in (1, 9_999, 20_000, 8_080):
        till.refund(paid, usd(part))
    assert till.payment(paid).refundable == usd(0)
    assert till.balance("deferred_host_share", till.site_id) == 0
    assert till.balance("platform_revenue") == 0
    assert till.balance("refunds_payable") == -38_080


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        (usd(38_081), RefundExceedsPayment),
        (usd(0), AmountRefused),
        (usd(-1), AmountRefused),
        (Money(100, "EUR"), AmountRefused),
    ],
)
def test_what_can_not_go_back_is_refused(till, paid, amount, error):
    with pytest.raises(error):
        till.refund(paid, amount)
    assert till.payment(paid).refunded == usd(0)


def test_an_unpaid_payment_has_nothing_to_refund(till):
    payment_id, _ = till.opened()
    with pytest.raises(RefundExceedsPayment):
        till.refund(payment_id, usd(1))


def test_the_database_itself_refuses_to_refund_too_much(till, paid):
    query = "UPDATE payment SET refunded_minor = captured_minor + 1 WHERE id = :id RETURNING 1"
    with pytest.raises(IntegrityError, match="ck_payment_(refunded|lost)"):
        till.one(query, id=paid)


@pytest.mark.fault(26)
def test_refunds_at_once_never_exceed_what_was_captured(live):
    gateway = FakeGateway(at=live.clock.now())
    live.parts.add(PaymentGateway, gateway)
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def ask() -> None:
        start.wait()
        try:
            with live.transaction() as session:
                service.refund(
                    session, payment_id, amount=usd(15_000), reason="race", now=live.clock.now()
                )
            outcomes.append("granted")
        except RefundExceedsPayment:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["granted"] * 2 + ["refused"] * 6
    assert till.payment(payment_id).refunded == usd(30_000)
    assert till.balance("refunds_payable") == -30_000
    _silence(till)


@pytest.mark.fault(13)
def test_the_refund_event_before_the_payment_event_ends_the_same(till, gateway):
    payment_id, page = till.opened()
    paid = gateway.pay(page)
    tasks.look_at_checkout(till.context, str(payment_id))
    refund_id = till.refund(payment_id)
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.send_refund(till.context, str(refund_id))
    (made,) = gateway.refunds
    assert till.handle(gateway.tell_refund("refund.created", made)) == "processed"
    assert till.handle(paid) == "processed"
    assert till.payment(payment_id).state == "settled"
    assert till.refund_row(refund_id).state == "settled"
    assert till.books() == {"processor_clearing": -1_142, "processor_fees": 1_142}


@pytest.mark.fault(27)
def test_a_refund_whose_answer_was_lost_is_found_and_made_once(till, gateway, paid):
    refund_id = till.refund(paid)
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.send_refund(till.context, str(refund_id))
    gateway.forget_keys()
    tasks.send_refund(till.context, str(refund_id))
    assert len(gateway.refunds) == 1
    assert till.refund_row(refund_id).state == "settled"
    assert till.balance("processor_clearing") == gateway.balance()["USD"].minor


@pytest.mark.fault(28)
def test_a_refund_handed_back_days_later_is_owed_again_and_raises_an_alarm(
    till, gateway, clock, paid, people, session
):
    people.make("operator")
    refund_id = till.refund(paid)
    tasks.send_refund(till.context, str(refund_id))
    (made,) = gateway.refunds
    clock.advance(timedelta(days=5))
    till.handle(gateway.bounce_refund(made))
    row = till.refund_row(refund_id)
    assert (row.state, row.failure) == ("failed", "account_closed")
    assert till.balance("refunds_payable") == -38_080
    assert till.balance("processor_clearing") == gateway.balance()["USD"].minor
    assert till.quarantined() == ["refund_failed"]
    assert till.names() == ["RefundSettled", "RefundFailed"]
    written = session.execute(text("SELECT template FROM notice WHERE template = 'refund_failed'"))
    assert len(written.all()) == 1
    assert till.payment(paid).refundable == usd(0)
    assert till.told() == ["refund_came_back"]
    till.handle(gateway.tell_refund("refund.updated", made))
    assert till.told() == ["refund_came_back"]


def test_a_failed_refund_is_sent_again_under_a_new_key_for_the_same_debt(till, gateway, paid):
    first = till.refund(paid)
    tasks.send_refund(till.context, str(first))
    gateway.bounce_refund(next(iter(gateway.refunds)))
    tasks.look_at_refund(till.context, str(first))
    assert till.quarantined() == ["refund_failed"]
    with till.context.transaction() as session:
        second = service.retry_refund(session, first, now=till.clock.now()).id
    gateway.failures = [GatewayRefused("The card was closed.", code="expired_or_canceled_card")]
    tasks.send_refund(till.context, str(second))
    assert till.quarantined() == ["refund_failed", "refund_failed"]
    with till.context.transaction() as session:
        third = service.retry_refund(session, second, now=till.clock.now()).id
    tasks.send_refund(till.context, str(third))
    assert till.refund_row(third).state == "settled"
    assert till.quarantined() == []
    assert till.books() == {"processor_clearing": -1_142, "processor_fees": 1_142}
    assert till.told() == ["refund_came_back", "refund_sent_again"]
    with pytest.raises(RefundNotRetryable), till.context.transaction() as session:
        service.retry_refund(session, first, now=till.clock.now())
    with pytest.raises(RefundNotRetryable), till.context.transaction() as session:
        service.retry_refund(session, second, now=till.clock.now())


def test_a_refund_that_stripe_refuses_stays_owed(till, gateway, paid):
    refund_id = till.refund(paid)
    gateway.failures = [GatewayRefused("This charge is disputed.", code="charge_disputed")]
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).failure == "This charge is disputed."
    assert till.balance("refunds_payable") == -38_080
    assert till.names() == ["RefundFailed"]


def test_a_pending_refund_settles_by_the_poller(till, gateway, clock, run_jobs, paid):
    gateway.refund_status = "pending"
    refund_id = till.refund(paid)
    run_jobs()
    assert till.refund_row(refund_id).state == "pending"
    assert till.heard == []
    gateway.settle_refund(next(iter(gateway.refunds)))
    clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    run_jobs()
    assert till.refund_row(refund_id).state == "settled"
    assert till.names() == ["RefundSettled"]


def test_a_refund_made_by_hand_at_stripe_is_set_aside(till, gateway, paid):
    refund_id = till.refund(paid, usd(100))
    tasks.send_refund(till.context, str(refund_id))
    name = next(iter(gateway.refunds))
    event = gateway.tell_refund("refund.created", name)
    event.payload["data"]["object"].update(id="re_by_hand", metadata={})
    assert till.handle(event) == "quarantined"
    assert till.quarantined() == ["refund_not_ours"]


def test_the_history_of_a_refund_is_kept(till, paid):
    refund_id = till.refund(paid)
    tasks.send_refund(till.context, str(refund_id))
    steps = "SELECT string_agg(after, ' ' ORDER BY id) FROM refund_transition"
    assert till.one(steps) == "requested settled"
    with pytest.raises(IntegrityError, match="history"), till.context.transaction() as session:
        session.execute(text("DELETE FROM refund_transition"))
