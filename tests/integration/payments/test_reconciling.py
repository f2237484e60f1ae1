"""Reconciliation finds what was missed, explains what it can, and says what it can't."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.payments import queries, tasks
from marketplace.payments.errors import NotInSuspense
from marketplace.payments.queries import suspense
from marketplace.payments.service import suspense as settling
from tests.integration.payments.conftest import WHOLE, usd


def reconcile(till, gateway, hours: int = 1):
    """Run it some hours later; the mismatches as (kind, subject)."""
    gateway.at += timedelta(hours=hours)
    till.clock.advance(timedelta(hours=hours))
    tasks.run_reconciliation(till.context)
    with till.context.transaction() as session:
        run = queries.last_reconciliation(session)
    return {(found["kind"], found["subject"]) for found in run.mismatches}, run


def test_books_that_agree_have_no_mismatch(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    refund_id = till.refund(payment_id, usd(10_000))
    tasks.send_refund(till.context, str(refund_id))
    found, run = reconcile(till, gateway)
    assert found == set()
    assert (run.balance_transactions, run.posted, run.missed_events) == (2, 0, 0)


@pytest.mark.fault(15)
def test_an_event_that_never_came_is_taken_in_and_reported(till, gateway, run_jobs):
    payment_id, page = till.opened()
    event = gateway.pay(page)
    found, run = reconcile(till, gateway, hours=2)
    assert ("missed_event", event.id) in found
    assert run.missed_events == 1
    run_jobs()
    assert till.payment(payment_id).state == "settled"


def test_a_fee_that_was_never_told_is_posted(till, gateway):
    _, page = till.opened()
    till.handle(gateway.pay(page, fee=False))
    seen = gateway.sessions[page]
    gateway._move("charge", seen.amount, usd(500), seen.charge_id)
    found, run = reconcile(till, gateway)
    assert (found, run.posted) == (set(), 1)
    assert till.balance("processor_fees") == 500


@pytest.mark.parametrize(
    ("kind", "minor", "account", "alarms"),
    [
        ("payout", -5_000, "bank", set()),
        # Money is withdrawn for a dispute that nobody has told of: it is posted, and said.
        ("dispute", -38_080, "disputes", {("disputes", "USD")}),
        ("fee", -200, "processor_fees", set()),
    ],
)
def test_what_needs_no_payment_is_posted_by_its_kind(till, gateway, kind, minor, account, alarms):
    gateway.move(kind, usd(minor))
    found, run = reconcile(till, gateway)
    assert (found, run.posted) == (alarms, 1)
    assert till.books() == {"processor_clearing": minor, account: -minor}
    assert reconcile(till, gateway)[1].posted == 0


@pytest.mark.fault(41)
def test_money_that_nobody_can_explain_goes_to_suspense_with_an_alarm(till, gateway):
    moved = gateway.move("charge", usd(7_700), "ch_unknown")
    found, _ = reconcile(till, gateway)
    assert found == {("unexplained", moved.id), ("suspense", "USD")}
    assert till.books() == {"processor_clearing": 7_700, "suspense": -7_700}
    assert till.quarantined() == ["unexplained"]
    found, run = reconcile(till, gateway)
    assert found == {("suspense", "USD")}
    assert run.posted == 0


def test_what_is_explained_later_leaves_suspense(till, gateway):
    _, page = till.opened()
    event = gateway.pay(page)
    gateway.events.clear()
    found, _ = reconcile(till, gateway)
    assert ("suspense", "USD") in found
    reconcile(till, gateway, hours=26)
    till.handle(event)
    found, _ = reconcile(till, gateway)
    assert found == set()
    assert till.books() == {
        "processor_clearing": 38_080 - 1_142,
        "deferred_host_share": -34_000,
        "platform_revenue": -4_080,
        "processor_fees": 1_142,
    }


def test_what_a_person_settled_and_is_explained_after_all_leaves_that_account(till, gateway):
    _, page = till.opened()
    event = gateway.pay(page)
    gateway.events.clear()
    reconcile(till, gateway)
    with till.context.transaction() as session:
        (line,) = suspense.lines(session, 9)
        settled = {"why": "Looked like ours.", "by": till.payer_id, "now": till.clock.now()}
        settling.settle(session, line.source, "platform_revenue", **settled)
        with pytest.raises(NotInSuspense):
            settling.settle(session, line.source, "bank", **settled)
    assert till.balance("platform_revenue") == -38_080
    assert reconcile(till, gateway)[0] == set()
    till.handle(event)
    assert reconcile(till, gateway)[0] == set()
    assert till.balance("platform_revenue") == -4_080
    assert till.balance("suspense") == 0


@pytest.mark.fault(41)
def test_a_balance_that_differs_is_reported(till, gateway):
    _, page = till.opened()
    till.handle(gateway.pay(page))
    gateway.transactions.clear()
    found, _ = reconcile(till, gateway)
    assert ("clearing", "USD") in found


@pytest.mark.fault(41)
def test_running_totals_and_refund_sums_altered_by_hand_are_reported(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    with till.context.transaction() as session:
        session.execute(text("UPDATE ledger_balance SET debit_minor = debit_minor + 1"))
        session.execute(text("UPDATE payment SET refunded_minor = 5"))
    found, _ = reconcile(till, gateway)
    kinds = {kind for kind, _ in found}
    assert {"running_total", "refunded", "clearing"} <= kinds
    assert ("refunded", str(payment_id)) in found


def test_a_time_may_be_given_from_which_to_compare(till, gateway):
    gateway.move("payout", usd(-100))
    gateway.at += timedelta(days=40)
    tasks.run_reconciliation(till.context)
    assert till.books() == {}
    tasks.run_reconciliation(till.context, since="2026-11-01T00:00:00")
    assert till.balance("bank") == 100


def test_the_whole_amount_is_back_after_everything_is_refunded(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    refund_id = till.refund(payment_id, WHOLE)
    tasks.send_refund(till.context, str(refund_id))
    assert reconcile(till, gateway)[0] == set()
    assert till.balance("refunds_payable") == 0
