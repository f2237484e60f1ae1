"""Hosts' money and disputes through the true adapters, the official SDK and the sandbox's process."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from marketplace.adapters.stripe_connect import StripeConnect
from marketplace.adapters.stripe_disputes import LONGEST, StripeDisputes, fields_of
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ids import new_id
from marketplace.core.parts import Parts
from marketplace.payments.events import Payable
from marketplace.payments.gateway import (
    EVIDENCE_PARTS,
    DisputeGateway,
    EvidenceSource,
    GatewayMissing,
    GatewayUncertain,
    HostGateway,
    PaymentGateway,
)
from marketplace.payments.models import HostTransfer
from marketplace.payments.queries import hosts as found
from marketplace.payments.service import disputes
from marketplace.payments.service.hosts import accounts
from marketplace.payments.tasks import disputes as dispute_jobs
from marketplace.payments.tasks import hosts as jobs
from tests.integration.payments.conftest import WHOLE, Till
from tests.integration.payments.hosting import Hosting
from tests.integration.payments.test_disputes import Known
from tests.integration.payments.test_through_stripe import GOOD, Street
from tests.integration.stripe_sandbox.running import KEY, SECRET, Process, Receiver, visit

DISPUTED = "4000000000000259"
QUICK = ("--retry-first", "0.05", "--settle-after", "3600", "--available-after", "0")


@pytest.fixture
def sandbox(start: Callable[..., Process], receiver: Receiver) -> Process:
    """A sandbox that tells us of hosts' accounts too."""
    ours = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    theirs = ("--connect-webhook-url", receiver.url, "--connect-webhook-secret", SECRET)
    return start(*ours, *theirs, *QUICK)


@pytest.fixture
def gateway(parts: Parts, sandbox: Process) -> Iterator[StripeGateway]:
    given = {"api_base": sandbox.url, "timeouts": (1.0, 2.0), "waits": ()}
    made = StripeGateway(KEY, webhook_secrets=(SECRET,), **given)
    parts.add(PaymentGateway, made)
    parts.add(HostGateway, StripeConnect(KEY, **given))
    parts.add(DisputeGateway, StripeDisputes(KEY, **given))
    parts.add(EvidenceSource, Known())
    return made


class Onboarded(Hosting):
    """A host that clicks through Stripe's pages."""

    def __init__(self, till: Till, street: Street, run_jobs: Callable[[], int]) -> None:
        self.till, self.street, self.run_jobs = till, street, run_jobs

    def hear(self, kind: str, count: int = 1) -> None:
        self.street.wait_for(kind, count)
        assert set(self.street.deliver()) <= {200}
        self.run_jobs()

    def ask(self) -> str:
        with self.till.context.transaction() as session:
            accounts.ask_onboarding(
                session, self.site_id, asked_by=self.till.payer_id, now=self.till.clock.now()
            )
        jobs.open_onboarding(self.till.context, str(self.site_id))
        url = self.account().link_url
        assert url is not None
        return url

    def join(self) -> str:
        status, back, _ = visit(self.ask(), answer="submit")
        assert status == 303
        assert back.endswith(f"/api/v1/payments/onboarded/{self.site_id}")
        self.hear("account.updated", 2)
        name = self.account().processor_account
        assert name is not None
        return name

    def paid(self, number: str = GOOD, **changes: object) -> tuple[Payable, UUID]:
        thing = Payable("thing", new_id())
        payment_id, _ = self.till.opened(thing, **changes)
        before = len(self.street.receiver.of("checkout.session.completed"))
        assert self.street.pay(self.till, payment_id, number)[0] == 303
        self.hear("checkout.session.completed", before + 1)
        return thing, payment_id

    def agrees(self) -> bool:
        with self.till.context.transaction() as session:
            assert found.wrong_host_sums(session) == []
        held = self.till.context.parts.get(PaymentGateway).balance().get("USD")
        return self.till.balance("processor_clearing") == (held.minor if held else 0)

    def made(self) -> int:
        return len(self.street.sandbox.client().v1.transfers.list().data)


@pytest.fixture
def host(till, sandbox, receiver, client, run_jobs):
    return Onboarded(till, Street(sandbox, receiver, client), run_jobs)


def ready(host: Onboarded) -> tuple[Payable, UUID, HostTransfer]:
    """A host that is paid for a thing: its transfer is to be sent."""
    host.join()
    thing, payment_id = host.paid()
    return thing, payment_id, host.end(thing)


def test_a_host_clicks_through_onboarding_and_is_paid(host, sandbox):
    url = host.ask()
    assert visit(url, answer="later")[0] == 303
    assert not host.account().transfers_enabled
    assert host.account().due
    account = host.join()
    assert host.account().transfers_enabled
    thing, _ = host.paid()
    host.begin(thing)
    host.work()
    host.end(thing)
    host.work()
    host.hear("transfer.created", 2)
    assert [row.state for row in host.transfers(thing)] == ["settled", "settled"]
    there = sandbox.client().v1.balance.retrieve(options={"stripe_account": account})
    assert sum(part.amount for part in [*there.available, *there.pending]) == 34_000
    assert host.till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(31)
@pytest.mark.parametrize("work", [False, True])
def test_a_transfer_whose_answer_is_lost_is_made_once(host, sandbox, work):
    _, _, row = ready(host)
    sandbox.fault("request.drop", path="/v1/transfers", method="POST", work=work)
    with pytest.raises(GatewayUncertain):
        host.send(row)
    sandbox.fault("clock.advance", seconds=90_000)
    assert host.send(row).state == "settled"
    assert host.made() == 1
    assert host.agrees()


@pytest.mark.fault(31)
def test_a_sandbox_killed_in_the_middle_of_a_transfer(host, sandbox):
    _, _, row = ready(host)
    sandbox.kill()
    with pytest.raises(GatewayUncertain):
        host.send(row)
    sandbox.restart()
    assert host.send(row).state == "settled"
    assert host.send(row).state == "settled"
    assert host.made() == 1
    assert host.agrees()


@pytest.mark.fault(32)
def test_a_reversal_that_the_hosts_balance_does_not_cover(host, sandbox, run_jobs):
    _, payment_id, row = ready(host)
    host.send(row)
    account = host.account().processor_account
    there = {"stripe_account": account}
    sandbox.client().v1.payouts.create({"amount": 20_000, "currency": "usd"}, there)
    host.till.refund(payment_id)
    run_jobs()
    assert [one.state for one in host.reversals()] == ["owed"]
    assert host.balances() == {"host_receivable": -34_000}
    other, _ = host.paid()
    assert host.end(other).netted_minor == 34_000
    assert host.balances() == {}
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(30)
def test_a_refund_after_the_payout_comes_back_from_the_host(host, run_jobs):
    _, payment_id, row = ready(host)
    host.send(row)
    host.till.refund(payment_id)
    run_jobs()
    assert [one.state for one in host.reversals()] == ["settled"]
    assert host.balances() == {}
    host.hear("transfer.reversed")
    assert host.till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(35)
def test_a_disabled_account_and_a_returned_payout_leave_the_money_owed(host, sandbox):
    account = host.join()
    sandbox.fault("account.disable", account=account, reason="rejected.other")
    thing, _ = host.paid()
    row = host.end(thing)
    assert host.send(row).state == "held"
    assert host.balances() == {"host_payable": 34_000}
    assert host.account().disabled_reason == "rejected.other"
    sandbox.fault("account.enable", account=account)
    host.hear("account.updated", 4)
    assert host.transfer(row.id).state == "settled"
    there = {"stripe_account": account}
    paid_out = sandbox.client().v1.payouts.create({"amount": 30_000, "currency": "usd"}, there)
    sandbox.fault("payout.fail", payout=paid_out.id, code="account_closed")
    host.hear("payout.failed")
    assert "bank account" in host.account().payout_failure
    assert host.till.quarantined() == []
    assert host.agrees()


@pytest.mark.fault(33)
@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("words", "state", "losses"),
    [("winning_evidence", "won", 0), ("losing_evidence", "lost", WHOLE.minor)],
)
def test_a_disputed_card_answered_with_evidence(host, sandbox, words, state, losses):
    host.join()
    host.paid()
    thing, _ = host.paid(DISPUTED)
    host.hear("charge.dispute.created")
    host.hear("charge.dispute.funds_withdrawn")
    host.tell(thing, "rest")
    host.release()
    assert host.transfers(thing) == []
    answer(host, host.till.one("SELECT id FROM dispute"), words)
    host.hear("charge.dispute.closed")
    assert host.till.one("SELECT state FROM dispute") == state
    assert host.till.balance("dispute_losses") == losses
    assert host.till.balance("disputes") == 0
    host.release()
    host.work()
    assert host.transfers(thing)[0].state == "settled"
    assert host.till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(33)
def test_a_dispute_after_the_payout_that_is_lost_is_a_loss_in_the_books(host, sandbox):
    """Row 33 in its words, of after; `test_a_disputed_card_…` has it of before: payout blocked."""
    thing, _, row = ready(host)
    assert host.send(row).state == "settled"
    (charge,) = sandbox.client().v1.charges.list().data
    sandbox.fault("dispute.open", charge=charge.id, reason="fraudulent")
    host.hear("charge.dispute.funds_withdrawn")
    assert host.till.balance("disputes") == WHOLE.minor
    (made,) = sandbox.client().v1.disputes.list().data
    sandbox.fault("dispute.close", dispute=made.id, status="lost")
    host.hear("charge.dispute.closed")
    host.work()
    books = (host.till.balance("disputes"), host.till.balance("dispute_losses"))
    assert books == (0, WHOLE.minor)
    assert [one.state for one in host.transfers(thing)] == ["settled"]
    assert host.reversals() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_a_disputes_events_held_back_and_reversed(host, sandbox):
    kinds = [f"charge.dispute.{kind}" for kind in ("created", "funds_withdrawn", "closed")]
    sandbox.fault("webhook.reorder", types=kinds, count=3)
    _, payment_id = host.paid(DISPUTED)
    (made,) = sandbox.client().v1.disputes.list().data
    sandbox.fault("dispute.close", dispute=made.id, status="lost")
    host.hear("charge.dispute.created")
    assert [kind for kind in host.street.receiver.types if kind in kinds] == kinds[::-1]
    assert host.till.one("SELECT state FROM dispute") == "lost"
    assert host.till.payment(payment_id).refundable.minor == 0
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_a_dispute_won_taken_up_again_and_lost_at_the_sandbox(host, sandbox):
    host.join()
    thing, payment_id = host.paid(DISPUTED)
    (made,) = sandbox.client().v1.disputes.list().data
    sandbox.fault("dispute.close", dispute=made.id, status="won")
    host.hear("charge.dispute.funds_reinstated")
    assert host.till.one("SELECT state FROM dispute") == "won"
    sandbox.fault("dispute.reopen", dispute=made.id)
    host.hear("charge.dispute.funds_withdrawn", 2)
    assert host.till.one("SELECT state FROM dispute") == "open"
    host.tell(thing, "rest")
    host.release()
    assert host.transfers(thing) == []
    sandbox.fault("dispute.close", dispute=made.id, status="won")
    sandbox.fault("dispute.close", dispute=made.id, status="lost")
    host.hear("charge.dispute.funds_withdrawn", 3)
    assert host.till.one("SELECT state FROM dispute") == "lost"
    assert host.till.balance("dispute_losses") == WHOLE.minor
    assert host.till.balance("disputes") == 0
    assert host.till.payment(payment_id).refundable.minor == 0
    assert host.till.quarantined() == []
    assert host.agrees()
    assert host.mismatches() == []


@pytest.mark.fault(34)
def test_an_inquiry_closed_taken_up_again_and_escalated_at_the_sandbox(host, sandbox):
    _, payment_id = host.paid()
    client = sandbox.client()
    (charge,) = client.v1.charges.list().data
    made = sandbox.fault("dispute.open", charge=charge.id, reason="inquiry")["id"]
    host.hear("charge.dispute.created")
    row = host.till.one("SELECT id FROM dispute")
    for note, turn in (("To the inquiry.", "close"), ("To the one taken up again.", "escalate")):
        answer(host, row, note)
        assert client.v1.disputes.retrieve(made).status == "warning_under_review"
        updates = len(host.street.receiver.of("charge.dispute.updated"))
        if turn == "close":
            sandbox.fault("dispute.close", dispute=made)
            host.hear("charge.dispute.closed")
            assert host.till.one("SELECT state FROM dispute") == "closed"
            sandbox.fault("dispute.reopen", dispute=made)
        else:
            sandbox.fault("dispute.escalate", dispute=made)
        host.hear("charge.dispute.updated", updates + 1)
        assert host.till.one("SELECT evidence_state FROM dispute") == "ready"
    answer(host, row, "winning_evidence")
    host.hear("charge.dispute.closed", 2)
    assert client.v1.disputes.retrieve(made).evidence_details.submission_count == 3
    assert host.till.one("SELECT state FROM dispute") == "won"
    assert host.till.payment(payment_id).refundable == WHOLE
    assert host.till.quarantined() == []
    assert host.agrees()


def answer(host, dispute_id, note):
    """An operator sends the evidence: nothing but a note."""
    context = host.till.context
    dispute_jobs.gather_evidence(context, str(dispute_id))
    changes = dict.fromkeys(EVIDENCE_PARTS, "") | {"note": note}
    given = {"changes": changes, "approved_by": host.till.payer_id, "now": host.till.clock.now()}
    with context.transaction() as session:
        disputes.approve(session, dispute_id, **given)
    dispute_jobs.answer_dispute(context, str(dispute_id))
    assert host.till.one("SELECT evidence_state FROM dispute") == "submitted"


def test_money_is_sent_once_under_concurrent_workers(host, sandbox):
    _, _, row = ready(host)
    client = sandbox.client()
    key = {"idempotency_key": f"transfer:{row.id}"}
    account = host.account().processor_account
    params = {"amount": 1, "currency": "usd", "destination": account}
    assert client.v1.transfers.create(params, key).amount == 1
    assert host.send(row).state == "failed"
    assert host.till.quarantined() == ["transfer_failed"]


def test_what_the_processor_does_not_know_is_missing(gateway, parts):
    connect, bank = parts.get(HostGateway), parts.get(DisputeGateway)
    for call in (
        lambda: connect.retrieve_account("acct_none"),
        lambda: connect.retrieve_transfer("tr_none"),
        lambda: bank.retrieve_dispute("du_none"),
    ):
        with pytest.raises(GatewayMissing):
            call()
    assert connect.find_transfer("thing:none", new_id()) is None
    assert connect.find_account(new_id(), gateway.now()) is None


def test_evidence_fits_the_fields_and_none_crowds_out_the_others():
    texts = {part: part[0] * 30_000 for part in EVIDENCE_PARTS}
    fields = fields_of(texts)
    assert all(len(text) <= LONGEST for text in fields.values())
    joined = fields["uncategorized_text"]
    for part in ("attendance", "messages", "receipts", "note"):
        assert joined.count(part[0]) > 4_000
    assert fields_of({"note": "winning_evidence"}) == {"uncategorized_text": "winning_evidence"}
    assert fields_of({}) == {}
