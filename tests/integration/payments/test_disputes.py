"""Disputes: shares frozen, evidence sent, won and lost, in whatever order the events come."""

import itertools
from datetime import timedelta

import pytest

from marketplace.payments import service, tasks
from marketplace.payments.errors import DisputeEnded, PaymentDisputed, RefundExceedsPayment
from marketplace.payments.gateway import DisputeGateway, EvidenceSource, GatewayUncertain
from marketplace.payments.models import ShareRelease
from marketplace.payments.queries import disputes as found
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.service import carrying, disputes
from marketplace.payments.tasks import disputes as jobs
from marketplace.payments.tasks import hosts as host_jobs
from tests.fakes.disputes import FEE, FakeDisputes
from tests.integration.payments.conftest import LINES, WHOLE, usd
from tests.integration.payments.hosting import Hosting

TEXTS = {"product": "A rotation.", "history": "It was attended.", "messages": "Thank you!"}


class Known:
    def evidence(self, session, payables):
        self.asked = payables
        return TEXTS


@pytest.fixture
def bank(till, gateway, parts):
    made = FakeDisputes(gateway)
    parts.add(DisputeGateway, made)
    parts.add(EvidenceSource, Known())
    return made


@pytest.fixture
def host(till, gateway):
    made = Hosting(till, gateway)
    made.join()
    return made


@pytest.fixture
def disputed(host, bank, till):
    """A paid thing whose payment is disputed: thing, payment, dispute at the bank and ours."""

    def dispute(amount=None):
        thing, payment_id = host.paid()
        page = till.payment(payment_id).processor_session
        till.handle(bank.open(page, amount))
        name = list(bank.disputes)[-1]
        return thing, payment_id, name, till.one("SELECT id FROM dispute ORDER BY id DESC LIMIT 1")

    return dispute


def row(till, dispute_id):
    with till.context.transaction() as session:
        return found.dispute(session, dispute_id)


def approve(till, dispute_id, **given):
    with till.context.transaction() as session:
        disputes.approve(
            session, dispute_id, **{"approved_by": till.payer_id, "now": till.clock.now(), **given}
        )


@pytest.mark.fault(33)
def test_a_dispute_before_the_payout_stops_it_and_a_won_one_lets_it_go_on(
    host, bank, till, disputed
):
    thing, _, name, dispute_id = disputed()
    assert till.balance("disputes") == WHOLE.minor
    host.tell(thing, "rest")
    host.release()
    assert host.transfers(thing) == []
    with till.context.transaction() as session:
        (frozen,) = host_jobs.found.frozen_releases(session)
    assert frozen.waits_for == "dispute"
    till.handle(bank.win(name))
    host.release()
    host.work()
    assert host.transfers(thing)[0].state == "settled"
    assert row(till, dispute_id).state == "won"
    assert till.balance("disputes") == 0
    assert till.balance("dispute_losses") == 0
    assert host.agrees()
    assert host.mismatches() == []


def test_what_waits_or_fails_holds_up_no_other_host(host, disputed, till, monkeypatch):
    """One waits for a dispute, one can't be released at all; a batch is one release long."""
    waits = disputed()[0]
    broken, fine = host.paid()[0], host.paid()[0]
    for thing in (waits, broken, fine):
        host.tell(thing, "rest")
        till.clock.advance(timedelta(minutes=1))
    released = host_jobs.shares.release

    def fails_for_one(session, release_id, **terms):
        if session.get_one(ShareRelease, release_id).payable == broken:
            raise LookupError("it is broken")
        return released(session, release_id, **terms)

    monkeypatch.setattr(host_jobs.shares, "release", fails_for_one)
    monkeypatch.setattr(host_jobs, "BATCH", 1)
    with pytest.raises(LookupError):
        host.release()
    assert [len(host.transfers(one)) for one in (waits, broken, fine)] == [0, 0, 1]
    monkeypatch.undo()
    host.release()
    assert [len(host.transfers(one)) for one in (waits, broken, fine)] == [0, 1, 1]


@pytest.mark.fault(33)
def test_a_transfer_that_was_released_is_not_sent_while_a_dispute_is_open(host, bank, till):
    thing, payment_id = host.paid()
    transfer = host.end(thing)
    page = till.payment(payment_id).processor_session
    till.handle(bank.open(page))
    assert host.send(transfer).state == "requested"
    assert host.transfer(transfer.id).held_for == "dispute"
    assert host.processor.transfers == {}
    till.handle(bank.lose(next(iter(bank.disputes))))
    till.clock.advance(timedelta(minutes=6))
    host_jobs.poll(till.context)
    host.work()
    assert host.transfer(transfer.id).state == "settled"


@pytest.mark.fault(33)
@pytest.mark.parametrize("bearer", list(Bearer))
def test_a_dispute_lost_after_the_payout_is_a_loss_of_who_bears_it(host, bank, till, bearer):
    host.contract(losses_borne_by=bearer, host_fee_bp=1000)
    thing, payment_id = host.paid()
    host.end(thing)
    host.work()
    till.handle(bank.open(till.payment(payment_id).processor_session))
    (name,) = bank.disputes
    till.handle(bank.lose(name))
    host.work()
    assert host.balances() == {}
    books = till.books()
    if bearer is Bearer.PLATFORM:
        assert books["dispute_losses"] == WHOLE.minor
        assert host.reversals() == []
    else:
        assert books["dispute_losses"] == 4_080
        assert [one.amount for one in host.reversals()] == [usd(30_600)]
    assert "disputes" not in books
    assert till.payment(payment_id).refundable == usd(0)
    with pytest.raises(RefundExceedsPayment):
        till.refund(payment_id, usd(1))
    assert host.agrees()
    assert host.mismatches() == []


KINDS = ("created", "updated", "funds_withdrawn", "closed", "funds_reinstated")


@pytest.mark.fault(34)
@pytest.mark.parametrize("outcome", ["win", "lose"])
@pytest.mark.parametrize("order", [*itertools.islice(itertools.permutations(KINDS), 0, 120, 17)])
def test_events_in_any_order_end_with_the_processors_balance(host, bank, till, outcome, order):
    _, payment_id = host.paid()
    bank.open(till.payment(payment_id).processor_session)
    (name,) = bank.disputes
    events = {kind: bank.tell(f"charge.dispute.{kind}", name) for kind in KINDS}
    till.handle(events[order[0]])
    getattr(bank, outcome)(name)
    for kind in (*order[1:], order[0], order[2]):
        till.handle(bank.tell(f"charge.dispute.{kind}", name))
    assert till.balance("disputes") == 0
    assert till.balance("dispute_losses") == (WHOLE.minor if outcome == "lose" else 0)
    assert till.balance("processor_fees") == FEE + 1_142
    assert host.agrees()
    assert host.mismatches() == []


def test_evidence_is_gathered_looked_at_and_sent_once(bank, till, disputed, parts):
    thing, _, name, dispute_id = disputed()
    jobs.gather_evidence(till.context, str(dispute_id))
    assert parts.get(EvidenceSource).asked == [thing]
    assert row(till, dispute_id).evidence == TEXTS
    approve(till, dispute_id, changes={"note": "See the messages."})
    jobs.answer_dispute(till.context, str(dispute_id))
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.evidence[name] == {**TEXTS, "note": "See the messages."}
    assert row(till, dispute_id).evidence_state == "submitted"
    assert bank.disputes[name].submitted == 1
    with pytest.raises(DisputeEnded):
        approve(till, dispute_id)


def test_evidence_whose_answer_was_lost_is_not_sent_twice(bank, till, disputed):
    _, _, name, dispute_id = disputed()
    approve(till, dispute_id)
    submit = bank.submit_evidence

    def lost(*given):
        submit(*given)
        raise GatewayUncertain("the answer was lost")

    bank.submit_evidence = lost
    with pytest.raises(GatewayUncertain):
        jobs.answer_dispute(till.context, str(dispute_id))
    bank.money.forget_keys()
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.disputes[name].submitted == 1
    assert row(till, dispute_id).evidence_state == "submitted"


def test_what_nobody_looked_at_is_sent_before_its_time_is_over(bank, till, gateway, disputed):
    _, _, name, dispute_id = disputed()
    jobs.gather_evidence(till.context, str(dispute_id))
    gateway.at += timedelta(days=6, seconds=-1)
    jobs.answer_due(till.context)
    assert row(till, dispute_id).evidence_state == "ready"
    gateway.at += timedelta(seconds=1)
    jobs.answer_due(till.context)
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.evidence[name] == TEXTS
    assert row(till, dispute_id).approved_by is None


def test_a_conceded_dispute_is_lost(bank, till, disputed):
    _, _, name, dispute_id = disputed()
    with till.context.transaction() as session:
        disputes.concede(
            session, dispute_id, by=till.payer_id, reason="a true fraud", now=till.clock.now()
        )
    jobs.answer_dispute(till.context, str(dispute_id))
    assert bank.disputes[name].status == "lost"
    assert row(till, dispute_id).state == "lost"
    assert till.balance("dispute_losses") == WHOLE.minor


def test_a_refund_waits_for_the_dispute_and_is_paid_by_its_loss(host, bank, till, disputed):
    thing, payment_id, name, _ = disputed()
    refund_id = till.refund(payment_id, usd(30_000))
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "requested"
    assert bank.money.refunds == {}
    till.handle(bank.lose(name))
    assert till.refund_row(refund_id).state == "settled"
    assert till.balance("refunds_payable") == 0
    assert till.balance("dispute_losses") == 8_080
    assert till.payment(payment_id).refundable == usd(0)
    host.end(thing)
    host.work()
    assert host.agrees()
    assert host.mismatches() == []


def test_a_refund_that_waited_is_sent_when_the_dispute_is_won(bank, till, disputed, host):
    _, payment_id, name, _ = disputed()
    refund_id = till.refund(payment_id)
    tasks.send_refund(till.context, str(refund_id))
    till.handle(bank.win(name))
    till.clock.advance(timedelta(minutes=6))
    tasks.poll(till.context)
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    assert host.agrees()


def test_a_disputed_payment_is_not_carried_to_another_thing(till, disputed):
    thing, _, _, _ = disputed()
    with till.context.transaction() as session, pytest.raises(PaymentDisputed):
        carrying.carry(
            session, thing, till.site_id, site_id=till.site_id, lines=LINES, now=till.clock.now()
        )


def test_a_dispute_whose_events_were_lost_is_looked_at_hourly(bank, till, host, run_jobs):
    _, payment_id = host.paid()
    till.handle(bank.open(till.payment(payment_id).processor_session))
    (name,) = bank.disputes
    bank.lose(name)
    till.clock.advance(timedelta(hours=1))
    jobs.poll(till.context)
    run_jobs()
    assert till.one("SELECT state FROM dispute") == "lost"


def test_a_partial_loss_leaves_the_rest_to_be_refunded(till, disputed, bank):
    _, payment_id, name, _ = disputed(usd(8_080))
    till.handle(bank.lose(name))
    assert till.payment(payment_id).refundable == usd(30_000)
    with pytest.raises(RefundExceedsPayment):
        till.refund(payment_id, usd(30_001))
    till.refund(payment_id, usd(30_000))
    assert till.balance("refunds_payable") == -30_000


def test_a_dispute_of_a_payment_that_is_not_ours_changes_nothing(bank, till, gateway):
    event = gateway._event("charge.dispute.created", {"id": "du_x", "payment_intent": "pi_x"})
    assert till.handle(event) == "ignored"


@pytest.mark.fault(34)
@pytest.mark.parametrize("bearer", list(Bearer))
def test_a_lost_dispute_that_is_won_after_all_undoes_what_the_loss_did(host, bank, till, bearer):
    host.contract(losses_borne_by=bearer, host_fee_bp=1000)
    thing, payment_id = host.paid()
    host.end(thing)
    host.work()
    till.handle(bank.open(till.payment(payment_id).processor_session))
    (name,) = bank.disputes
    till.handle(bank.lose(name))
    host.work()
    till.handle(bank.win(name))
    till.handle(bank.tell("charge.dispute.funds_reinstated", name))
    host.release()
    host.work()
    books = till.books()
    assert "dispute_losses" not in books
    assert "disputes" not in books
    assert till.payment(payment_id).lost_minor == 0
    assert till.payment(payment_id).refundable == WHOLE
    # Less our contract's tenth, the host has the whole share again, by whoever it was borne.
    sent = sum(one.amount.minor for one in host.transfers(thing))
    back = sum(one.amount.minor for one in host.reversals())
    assert sent - back == 30_600
    assert till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_refunds_that_a_lost_dispute_paid_are_owed_again_once_it_is_won(
    host, bank, till, disputed, run_jobs
):
    thing, payment_id, name, dispute_id = disputed()
    refund_id = till.refund(payment_id, usd(10_000))
    till.handle(bank.lose(name))
    assert till.refund_row(refund_id).state == "settled"
    assert till.balance("refunds_payable") == 0
    assert row(till, dispute_id).taken_minor == WHOLE.minor - 10_000
    till.handle(bank.win(name))
    run_jobs()
    assert till.refund_row(refund_id).state == "failed"
    again = till.one("SELECT id FROM refund WHERE replaces_id = :id", id=refund_id)
    assert till.refund_row(again).state == "settled"
    assert till.balance("refunds_payable") == 0
    assert till.balance("dispute_losses") == 0
    assert till.balance("disputes") == 0
    host.end(thing)
    host.work()
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.parametrize("outcome", ["win", "lose"])
def test_a_refund_as_credit_waits_for_the_end_of_a_dispute(host, bank, till, disputed, outcome):
    _, payment_id, name, _ = disputed()
    with till.context.transaction() as session:
        refund_id = service.refund(
            session,
            payment_id,
            amount=usd(10_000),
            reason="the policy",
            as_credit=CreditTerms(good_for_days=365, transferable=True),
            now=till.clock.now(),
        ).id
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "requested"
    assert till.balance("trainee_credit", till.payer_id) == 0
    till.handle(getattr(bank, outcome)(name))
    tasks.send_refund(till.context, str(refund_id))
    tasks.send_refund(till.context, str(refund_id))
    assert till.refund_row(refund_id).state == "settled"
    credited = -10_000 if outcome == "win" else 0
    assert till.balance("trainee_credit", till.payer_id) == credited
    assert till.balance("refunds_payable") == 0
    if outcome == "lose":
        till.handle(bank.win(name))
        again = till.one("SELECT id FROM refund WHERE replaces_id = :id", id=refund_id)
        tasks.send_refund(till.context, str(again))
        assert till.balance("trainee_credit", till.payer_id) == -10_000
    days = till.one("SELECT expires_at::date - granted_at::date FROM credit_grant")
    assert days == 365
    assert host.agrees()
    assert host.mismatches() == []
