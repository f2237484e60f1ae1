"""From the request to the money, and everything that can come between."""

from datetime import timedelta

import pytest

from marketplace.core.ids import new_id
from marketplace.payments import tasks
from marketplace.payments.errors import AlreadyPaid, PaymentInProgress
from marketplace.payments.events import Payable
from marketplace.payments.gateway import GatewayRefused, GatewayUncertain, PaymentGateway
from marketplace.payments.rules import Earner, PriceLine
from tests.fakes.gateway import FakeGateway, Lost
from tests.integration.payments.conftest import LINES, WHOLE, Till, _silence, usd
from tests.integration.payments.test_payout_races import together

SETTLED_BOOKS = {
    "processor_clearing": 38_080 - 1_142,
    "deferred_host_share": -34_000,
    "platform_revenue": -4_080,
    "processor_fees": 1_142,
}


def test_a_payment_is_asked_for_opened_paid_and_booked(till, gateway, run_jobs):
    payment_id = till.request()
    assert till.payment(payment_id).state == "requested"
    run_jobs()
    payment = till.payment(payment_id)
    assert (payment.state, payment.checkout_url) == ("open", "https://pay.test/1")
    assert gateway.sessions["cs_1"].expires_at == gateway.at + timedelta(minutes=31)

    assert till.handle(gateway.pay("cs_1")) == "processed"

    payment = till.payment(payment_id)
    assert (payment.state, payment.captured, payment.checkout_url) == ("settled", WHOLE, None)
    assert till.books() == SETTLED_BOOKS
    assert till.balance("processor_clearing") == gateway.balance()["USD"].minor
    (settled,) = till.heard
    assert (settled.payment_id, settled.amount, settled.late) == (payment_id, WHOLE, False)


def test_asking_again_returns_the_open_payment_and_another_amount_is_refused(till):
    payable = Payable("thing", new_id())
    first = till.request(payable)
    assert till.request(payable) == first
    with pytest.raises(PaymentInProgress) as refused:
        till.request(payable, lines=LINES[:1])
    assert refused.value.extra == {"payment_id": str(first)}


def test_what_is_paid_is_not_asked_for_again_but_its_balance_is(till, gateway):
    payable = Payable("thing", new_id())
    _, page = till.opened(payable, purpose="deposit")
    till.handle(gateway.pay(page))
    with pytest.raises(AlreadyPaid):
        till.request(payable, purpose="deposit")
    assert till.request(payable, purpose="balance")


def test_a_payment_that_was_forgotten_makes_way_for_a_new_one(till, clock):
    payable = Payable("thing", new_id())
    first = till.request(payable)
    clock.advance(timedelta(minutes=31))
    assert till.request(payable) != first
    assert till.payment(first).state == "expired"


def test_a_price_with_a_discount_is_one_line_on_the_page(till, gateway):
    voucher = PriceLine("voucher", "Voucher", usd(-80), Earner.PLATFORM)
    _, page = till.opened(lines=(*LINES, voucher))
    assert gateway.sessions[page].amount == usd(38_000)
    till.handle(gateway.pay(page))
    assert till.balance("platform_revenue") == -4_000


@pytest.mark.fault(12)
def test_one_event_five_times_posts_once(till, gateway, run_jobs, post_event):
    _, page = till.opened()
    event = gateway.pay(page)
    assert [post_event(event) for _ in range(5)] == [200] * 5
    run_jobs()
    assert till.one("SELECT count(*) FROM webhook_event") == 1
    assert till.books() == SETTLED_BOOKS
    assert till.names() == ["PaymentSettled"]
    assert till.one("SELECT count(*) FROM notice WHERE template = 'payment_receipt'") == 1


@pytest.mark.fault(20)
def test_return_page_webhook_and_poller_at_once_make_one_transition(live):
    gateway = FakeGateway(at=live.clock.now())
    live.parts.add(PaymentGateway, gateway)
    till = Till(live.sessions, live.parts, live.clock)
    payment_id, page = till.opened()
    event = gateway.pay(page)

    def come_back():
        asked = f"/api/v1/payments/return?session_id={page}"
        assert live.app.test_client().get(asked).json["payment_id"] == str(payment_id)
        tasks.look_at_checkout(till.context, str(payment_id))

    def hear():
        headers = {"Stripe-Signature": "good"}
        hook = live.app.test_client().post(
            "/api/v1/stripe/webhook", json={"id": event.id}, headers=headers
        )
        assert hook.status_code == 200
        tasks.process_event(till.context, str(till.one("SELECT id FROM webhook_event")))

    def poll():
        tasks.look_at_checkout(till.context, str(payment_id))

    assert together(come_back, hear, poll, come_back, hear, poll) == []
    live.run_jobs()
    assert till.names() == ["PaymentSettled"]
    assert till.books() == SETTLED_BOOKS
    steps = "SELECT string_agg(after, ' ' ORDER BY id) FROM payment_transition"
    assert till.one(steps) == "requested open settled"
    _silence(till)


@pytest.mark.fault(14)
def test_a_stale_failure_after_success_stays_paid(till, gateway):
    payment_id, page = till.opened()
    stale = gateway.decline(page)
    till.handle(gateway.pay(page))
    assert till.handle(stale) == "processed"
    assert till.payment(payment_id).state == "settled"
    till.handle(gateway.tell("checkout.session.expired", page))
    assert till.payment(payment_id).state == "settled"
    assert till.names() == ["PaymentSettled"]


def test_a_decline_on_the_page_leaves_it_open_and_says_why(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.decline(page))
    payment = till.payment(payment_id)
    assert (payment.state, payment.last_decline) == ("open", "Your card was declined.")


@pytest.mark.fault(25)
def test_a_failure_after_processing_fails_and_nothing_was_fulfilled(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.fail_later(page))
    assert till.payment(payment_id).state == "failed"
    assert till.names() == ["PaymentFailed"]
    assert till.heard[0].reason == "The bank refused."
    assert till.books() == {}


@pytest.mark.fault(24)
def test_an_abandoned_page_expires_and_says_so_once(till, gateway):
    payment_id, page = till.opened()
    event = gateway.expire(page)
    till.handle(event)
    till.handle(gateway.tell("checkout.session.expired", page))
    assert till.payment(payment_id).state == "expired"
    assert till.names() == ["PaymentExpired"]


@pytest.mark.fault(15)
def test_the_poller_finds_what_no_webhook_told(till, gateway, clock, run_jobs):
    payment_id, page = till.opened()
    gateway.pay(page)
    clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert till.names() == ["PaymentSettled"]


@pytest.mark.fault(16)
def test_an_event_whose_job_was_lost_is_handled_later(till, gateway, clock, run_jobs):
    payment_id, page = till.opened()
    till.receive(gateway.pay(page))
    till.one("WITH gone AS (DELETE FROM procrastinate_jobs RETURNING 1) SELECT count(*) FROM gone")
    clock.advance(timedelta(minutes=6))
    tasks.process_pending_events(till.context)
    run_jobs()
    assert till.payment(payment_id).state == "settled"


@pytest.mark.fault(38)
def test_every_job_is_harmless_the_second_time(till, gateway):
    payment_id, page = till.opened()
    tasks.open_checkout(till.context, str(payment_id))
    event = gateway.pay(page)
    for _ in range(2):
        till.handle(event)
        tasks.issue_receipt(till.context, str(payment_id))
    refund_id = till.refund(payment_id)
    for _ in range(2):
        tasks.send_refund(till.context, str(refund_id))
    assert [name for name, _ in gateway.calls] == ["checkout", "refund"]
    assert till.one("SELECT count(*) FROM receipt") == 1
    assert till.one("SELECT count(*) FROM notice") == 1
    assert till.names() == ["PaymentSettled", "RefundSettled"]


@pytest.mark.fault(7)
def test_an_answer_that_was_lost_is_found_and_opens_one_page(till, gateway):
    payment_id = till.request()
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    assert till.payment(payment_id).state == "requested"
    tasks.open_checkout(till.context, str(payment_id))
    assert till.payment(payment_id).state == "open"
    assert len(gateway.sessions) == 1


@pytest.mark.fault(6)
def test_a_page_that_was_paid_before_we_wrote_it_down_is_recovered(till, gateway, run_jobs):
    payment_id = till.request()
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    assert till.handle(gateway.pay("cs_1")) == "processed"
    run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert len(gateway.sessions) == 1


@pytest.mark.fault(9)
def test_a_failure_kept_under_a_key_gets_a_new_one_only_after_a_look(till, gateway):
    payment_id = till.request()
    gateway.failures = [GatewayUncertain("broken", replayed=True)]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    tasks.open_checkout(till.context, str(payment_id))
    assert [key for _, key in gateway.calls] == [
        f"checkout:{payment_id}",
        f"checkout:{payment_id}:2",
    ]
    assert till.payment(payment_id).state == "open"


@pytest.mark.fault(10)
def test_the_same_call_is_repeated_with_the_same_key(till, gateway):
    payment_id = till.request()
    gateway.failures = [GatewayUncertain("slow down")]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    tasks.open_checkout(till.context, str(payment_id))
    assert {key for _, key in gateway.calls} == {f"checkout:{payment_id}"}
    assert len(gateway.sessions) == 1


def test_a_page_that_can_never_be_opened_fails_the_payment(till, gateway):
    payment_id = till.request()
    gateway.failures = [GatewayRefused("Amount too small")]
    tasks.open_checkout(till.context, str(payment_id))
    assert till.payment(payment_id).state == "failed"
    assert till.heard[0].reason == "Amount too small"


@pytest.mark.fault(5)
def test_a_payment_whose_job_died_is_opened_or_expired(till, gateway, clock, run_jobs):
    early, late = till.request(), till.request()
    till.one("WITH gone AS (DELETE FROM procrastinate_jobs RETURNING 1) SELECT count(*) FROM gone")
    clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    till.one(
        "WITH gone AS (DELETE FROM procrastinate_jobs WHERE args->>'payment_id' = :id RETURNING 1)"
        " SELECT count(*) FROM gone",
        id=str(late),
    )
    run_jobs()
    assert till.payment(early).state == "open"
    clock.advance(timedelta(minutes=40))
    tasks.poll(till.context)
    run_jobs()
    assert till.payment(late).state == "expired"
    assert "PaymentExpired" in till.names()


@pytest.mark.fault(22)
def test_money_that_beats_the_cancellation_settles_late(till, gateway, run_jobs):
    payment_id, page = till.opened()
    gateway.pay(page)
    till.cancel(payment_id)
    run_jobs()
    (settled,) = till.heard
    assert (settled.late, till.payment(payment_id).state) == (True, "settled")


def test_a_cancelled_payment_has_its_page_closed(till, gateway, run_jobs):
    payment_id, page = till.opened()
    till.cancel(payment_id)
    run_jobs()
    assert gateway.sessions[page].status == "expired"
    assert till.payment(payment_id).state == "cancelled"
    assert till.payment(payment_id).next_look_at is None
    assert till.heard == []


def test_a_page_opened_while_it_was_cancelled_is_closed_too(till, gateway, run_jobs):
    payment_id = till.request()
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    till.cancel(payment_id)
    run_jobs()
    assert gateway.sessions["cs_1"].status == "expired"
    assert till.payment(payment_id).state == "cancelled"


def test_what_is_paid_can_not_be_cancelled(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    with pytest.raises(AlreadyPaid):
        till.cancel(payment_id)


@pytest.mark.fault(23)
def test_the_second_of_two_payments_for_one_thing_goes_back_by_itself(
    till, gateway, clock, run_jobs
):
    payable = Payable("thing", new_id())
    first, old_page = till.opened(payable)
    clock.advance(timedelta(minutes=31))
    second, new_page = till.opened(payable)
    assert first != second
    till.handle(gateway.pay(new_page))
    till.handle(gateway.pay(old_page))
    run_jobs()
    assert till.payment(first).surplus
    assert till.payment(first).refundable == usd(0)
    assert till.payment(second).refundable == WHOLE
    assert till.names() == ["PaymentSettled", "RefundSettled"]
    assert till.balance("refunds_payable") == 0


@pytest.mark.fault(11)
@pytest.mark.fault(39)
def test_after_keys_were_forgotten_the_page_is_looked_up_first(till, gateway, clock):
    payment_id = till.request(expires_in=timedelta(hours=20))
    gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        tasks.open_checkout(till.context, str(payment_id))
    gateway.forget_keys()
    clock.advance(timedelta(hours=10))
    gateway.at += timedelta(hours=10)
    tasks.open_checkout(till.context, str(payment_id))
    assert len(gateway.sessions) == 1


def test_a_settled_payment_is_not_asked_about_for_ever(till, gateway, clock, run_jobs):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page, fee=False))
    clock.advance(timedelta(days=4))
    tasks.poll(till.context)
    assert till.payment(payment_id).next_look_at is None


def test_a_fee_that_is_known_later_is_posted_later(till, gateway, clock, run_jobs):
    payment_id, page = till.opened()
    event = gateway.pay(page, fee=False)
    till.handle(event)
    assert "processor_fees" not in till.books()
    seen = gateway.sessions[page]
    moved = gateway._move("charge", seen.amount, usd(1_142), seen.charge_id)
    gateway.sessions[page] = type(seen)(
        **{name: getattr(seen, name) for name in seen.__slots__ if name != "balance"},
        balance=moved,
    )
    clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    run_jobs()
    assert till.books() == SETTLED_BOOKS
    assert till.payment(payment_id).next_look_at is None
