"""Disputes that a bank decides anew: won and lost after all, or taken up again."""

from datetime import timedelta

import pytest

from marketplace.payments import tasks
from marketplace.payments.rules.shares import Bearer
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
