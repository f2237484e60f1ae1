"""Disputes that a bank decides anew: won and lost after all, taken up again, asked about again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.payments import tasks
from marketplace.payments.errors import DisputeEnded
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.tasks import disputes as jobs
from tests.integration.payments import test_disputes
from tests.integration.payments.conftest import WHOLE, usd

bank, host, disputed = test_disputes.bank, test_disputes.host, test_disputes.disputed


@pytest.mark.fault(34)
@pytest.mark.parametrize("bearer", list(Bearer))
@pytest.mark.parametrize(
    ("turns", "anew"), [(("lose",), 1), (("reopen", "lose"), 1), (("lose", "win", "lose"), 3)]
)
def test_a_won_dispute_that_is_lost_after_all_takes_the_money_again(
    host, bank, till, people, run_jobs, mail, bearer, turns, anew
):
    operator = people.make("operator")
    host.contract(losses_borne_by=bearer, host_fee_bp=1000)
    thing, payment_id = host.paid()
    host.end(thing)
    host.work()
    till.handle(bank.open(till.payment(payment_id).processor_session))
    (name,) = bank.disputes
    till.handle(bank.win(name))
    for turn in turns:
        till.handle(getattr(bank, turn)(name))
        till.handle(bank.tell("charge.dispute.funds_withdrawn", name))
        if turn == "reopen":
            assert till.one("SELECT state FROM dispute") == "open"
            assert till.balance("disputes") == WHOLE.minor
        host.release()
        host.work()
    borne = WHOLE.minor if bearer is Bearer.PLATFORM else 4_080
    assert till.balance("dispute_losses") == borne
    assert till.balance("disputes") == 0
    assert till.payment(payment_id).refundable == usd(0)
    sent = sum(one.amount.minor for one in host.transfers(thing))
    back = sum(one.amount.minor for one in host.reversals())
    assert sent - back == (30_600 if bearer is Bearer.PLATFORM else 0)
    run_jobs()
    told = [one.subject for one in mail.to(operator.email) if "anew" in one.subject]
    assert len(told) == anew
    assert till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(33)
def test_a_dispute_that_is_taken_up_again_freezes_what_was_not_paid_out(host, bank, till, disputed):
    thing, payment_id, name, dispute_id = disputed()
    till.handle(bank.lose(name))
    till.handle(bank.reopen(name))
    assert till.balance("disputes") == WHOLE.minor
    assert till.balance("dispute_losses") == 0
    host.tell(thing, "rest")
    host.release()
    assert host.transfers(thing) == []
    refund_id = till.refund(payment_id, usd(10_000))
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "requested"
    till.handle(bank.win(name))
    host.release()
    host.work()
    assert host.transfers(thing)[0].state == "settled"
    assert test_disputes.row(till, dispute_id).closed_at is not None
    till.clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_an_inquiry_that_was_closed_is_taken_up_again_and_answered_again_as_a_chargeback(
    host, bank, till, people, run_jobs, mail
):
    operator = people.make("operator")
    thing, payment_id = host.paid()
    till.handle(bank.inquire(till.payment(payment_id).processor_session))
    (name,) = bank.disputes
    dispute_id = till.one("SELECT id FROM dispute")
    jobs.gather_evidence(till.context, str(dispute_id))
    test_disputes.approve(till, dispute_id)
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.disputes[name].status == "warning_under_review"
    stale = bank.tell("charge.dispute.updated", name)
    till.handle(bank.close(name))
    assert test_disputes.row(till, dispute_id).state == "closed"
    till.handle(bank.reopen(name, "warning_needs_response"))
    till.handle(stale)
    again = test_disputes.row(till, dispute_id)
    assert (again.state, again.evidence_state) == ("open", "ready")
    test_disputes.approve(till, dispute_id, changes={"note": "As we said."})
    jobs.answer_dispute(till.context, str(dispute_id))
    till.handle(bank.close(name))
    till.handle(bank.escalate(name))
    assert till.balance("disputes") == WHOLE.minor
    host.tell(thing, "rest")
    host.release()
    assert host.transfers(thing) == []
    # Nobody looks at it: it is answered, a third time, before its time is over.
    till.clock.advance(timedelta(days=6, hours=12))
    bank.money.at = till.clock.now()
    jobs.answer_due(till.context)
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.disputes[name].submitted == 3
    assert bank.evidence[name]["note"] == "As we said."
    till.handle(bank.win(name))
    host.release()
    host.work()
    assert host.transfers(thing)[0].state == "settled"
    run_jobs()
    told = [one.subject for one in mail.to(operator.email)]
    assert [subject.endswith("is disputed") for subject in told].count(True) == 3
    assert till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_evidence_is_sent_when_the_bank_asks_and_at_no_other_time(host, bank, till, disputed):
    _, _, name, dispute_id = disputed()
    jobs.gather_evidence(till.context, str(dispute_id))
    test_disputes.approve(till, dispute_id)
    # What a job saw before the answer does not make it ask again.
    seen = bank.disputes[name]
    jobs.answer_dispute(till.context, str(dispute_id))
    with till.context.transaction() as session:
        test_disputes.disputes.take(session, seen, now=till.clock.now())
    assert test_disputes.row(till, dispute_id).evidence_state == "submitted"
    till.handle(bank.win(name))
    till.handle(bank.reopen(name))
    with pytest.raises(DisputeEnded):
        test_disputes.approve(till, dispute_id)
    till.handle(bank.lose(name))
    till.handle(bank.reopen(name, "needs_response"))
    test_disputes.approve(till, dispute_id, changes={"note": "Once more."})
    # The bank goes on without waiting: what was approved is kept until it asks.
    bank.reopen(name, "under_review")
    jobs.answer_dispute(till.context, str(dispute_id))
    kept = test_disputes.row(till, dispute_id)
    assert (kept.evidence_state, kept.evidence["note"]) == ("ready", "Once more.")
    till.handle(bank.reopen(name, "needs_response"))
    test_disputes.approve(till, dispute_id, changes={"note": "For the third time."})
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.disputes[name].submitted == 2
    assert bank.evidence[name]["note"] == "For the third time."
    assert till.quarantined() == []


TRIES = """
SELECT count(*) FROM procrastinate_jobs JOIN webhook_event ON webhook_event.id::text = args ->> 'event_id'
WHERE processor_event = :event
"""


@pytest.mark.fault(33)
def test_a_dispute_that_is_told_before_its_payment_waits_for_it(bank, till, gateway):
    payment_id, page = till.opened()
    paid = gateway.pay(page)
    told = bank.open(page)
    assert till.handle(told) == "received"
    other = bank.tell("charge.dispute.created", told_of_none(bank))
    assert till.handle(other) == "received"
    assert [till.one(TRIES, event=one.id) for one in (told, other)] == [1, 1]
    # Once the payment is known, what waits for it is asked for in the same transaction, and once.
    assert till.handle(paid) == "processed"
    assert till.handle(gateway.tell(paid.kind, page)) == "processed"
    assert [till.one(TRIES, event=one.id) for one in (told, other)] == [2, 1]
    assert till.handle(told) == "processed"
    assert till.one("SELECT payment_id FROM dispute") == payment_id
    assert till.handle(other) == "ignored"


def told_of_none(bank) -> str:
    """A dispute of a payment that is not ours, while none of ours is under way."""
    name = next(iter(bank.disputes))
    bank.disputes["du_other"] = replace(bank.disputes[name], id="du_other", intent_id="pi_other")
    return "du_other"
