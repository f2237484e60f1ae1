"""A payer, a host and an operator who deal through the sandbox, and what must hold of it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.core.ports import PdfRenderer
from marketplace.embedded.stripe_sandbox import acts
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM
from marketplace.payments import queries, service, tasks
from marketplace.payments.errors import (
    AlreadyPaid,
    DisputeEnded,
    PaymentDisputed,
    PaymentInProgress,
    RefundExceedsPayment,
    RefundNotRetryable,
)
from marketplace.payments.events import Payable
from marketplace.payments.gateway import EVIDENCE_PARTS, EvidenceSource, GatewayUncertain
from marketplace.payments.queries import hosts as found
from marketplace.payments.rules import Earner, PriceLine, divide
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.service import disputes
from marketplace.payments.service.hosts import accounts, shares
from marketplace.payments.tasks import disputes as dispute_jobs
from marketplace.payments.tasks import hosts as host_jobs
from tests.integration.payments.conftest import Till
from tests.integration.payments.hosting import Hosting
from tests.integration.payments.near_stripe import AVAILABLE_AFTER, NearStripe
from tests.integration.payments.test_disputes import Known
from tests.integration.stripe_sandbox.running import card

JOBS = {task.name: task.run for task in tasks.TASKS}
PAYMENT_METHODS = {
    "card": "4242424242424242",
    "declined": "4000000000000002",
    "challenged, passed": "4000002760003184",
    "challenged, failed": "4000002760003184",
    "challenged, left": "4000002760003184",
    "disputed": "4000000000000259",
    "asked about": "4000000000001976",
    "refunds are slow": "4000000000007726",
    "refunds fail": "4000000000005126",
    "bank debit": "000123456789",
    "bank debit that fails": "000222222227",
}
HOST, PLATFORM_FEE, DEPOSIT = 34_000, 4_080, 9_520
RICH = 5_000_000
GRACE = timedelta(minutes=11)


class Printer:
    """Sets no paper: what papers say is tested elsewhere."""

    def render(self, _template: str, _data: Any) -> bytes:
        return b"%PDF-1.7"


class Trade(Hosting):
    """One host, `name` at Stripe; `things` are what can be paid for, each by its plan: purposes and price lines."""

    def __init__(self, till: Till, stripe: NearStripe, client: FlaskClient) -> None:
        self.till, self.stripe, self.client = till, stripe, client
        self.things: dict[Payable, list[tuple[str, Sequence[PriceLine]]]] = {}
        self.payments: list[UUID] = []
        parts = till.context.parts
        stripe.serve(parts)
        parts.add(EvidenceSource, Known())
        parts.add(PdfRenderer, Printer())
        self.name = self.join()

    # Hosts.

    def join(self) -> str:
        with self.till.context.transaction() as session:
            accounts.ask_onboarding(
                session, self.site_id, asked_by=self.till.payer_id, now=self.till.clock.now()
            )
        host_jobs.open_onboarding(self.till.context, str(self.site_id))
        row = self.account()
        assert self.stripe.visit(str(row.link_url), answer="submit")[0] == 303
        assert row.processor_account is not None
        return row.processor_account

    def earn(self, thing: Payable) -> None:
        """The thing is over, and its share is sent within the hour, where it can be."""
        self.tell(thing, "rest")
        self.stripe.pass_time(timedelta(hours=1))
        self.release()
        self.work_of("payments.send_transfer")

    def pay_out(self, account: str | None, percent: int, currency: str) -> None:
        """A part of what a balance holds goes to its bank."""
        with self.stripe.sandbox.store.read() as tx:
            work = self.stripe.sandbox.api.work(tx).on(account or PLATFORM)
            there = work.balance(currency, available_only=True)
        if there > 0:
            self.stripe.pay_out(max(1, there * percent // 100), currency, account)

    # Payers.

    def book(self, currency: str, *, whole: bool, paid: bool) -> Payable:
        lines = price(currency)
        thing = Payable("thing", new_id())
        plan = [("whole", lines)]
        if not whole:
            deposit, balance = divide(lines, Money(DEPOSIT, currency))
            plan = [("deposit", deposit), ("balance", balance)]
        self.things[thing] = plan
        if paid:
            self.paid_now(thing, *plan[0])
        return thing

    def paid_now(self, thing: Payable, purpose: str, lines: Sequence[PriceLine]) -> None:
        payment_id, page = self.till.opened(thing, purpose=purpose, lines=lines)
        self.payments.append(payment_id)
        self.pay(page, "card")
        tasks.look_at_checkout(self.till.context, str(payment_id))

    def ask(self, thing: Payable, *, second: bool, afresh: bool) -> None:
        """Ask for a part of the plan; `afresh` in a second tab, after giving up the first."""
        purpose, lines = self.things[thing][-1 if second else 0]
        with suppress(AlreadyPaid, PaymentInProgress):
            asked = {"purpose": purpose, "lines": lines}
            self.payments.append(self.till.request(thing, **asked))
            if afresh:
                self.till.cancel(self.payments[-1])
                self.payments.append(self.till.request(thing, **asked))

    def cancel(self, payment_id: UUID) -> None:
        with suppress(AlreadyPaid):
            self.till.cancel(payment_id)

    def open_pages(self) -> list[str]:
        return [one["id"] for one in self.stripe.held("checkout.session", status="open")]

    def pay(self, page: str, method: str) -> None:
        _, where = self.stripe.visit(f"/c/pay/{page}", **card(PAYMENT_METHODS[method]))
        if "/hosted/3ds/" in where and not method.endswith("left"):
            answer = "fail" if method.endswith("failed") else "complete"
            self.stripe.visit(where, answer=answer)

    # An operator.

    def refund(self, payment_id: UUID, minor: int, *, as_credit: bool) -> None:
        amount = Money(minor, self.till.payment(payment_id).currency)
        terms = CreditTerms() if as_credit else None
        asked: dict[str, Any] = {"amount": amount, "reason": "the policy", "as_credit": terms}
        with (
            suppress(RefundExceedsPayment, PaymentDisputed),
            self.till.context.transaction() as session,
        ):
            service.refund(session, payment_id, now=self.till.clock.now(), **asked)

    def failed_refunds(self) -> list[UUID]:
        return self.column("SELECT id FROM refund WHERE state = 'failed' ORDER BY id")

    def send_refund_again(self, refund_id: UUID) -> None:
        with suppress(RefundNotRetryable), self.till.context.transaction() as session:
            service.retry_refund(session, refund_id, now=self.till.clock.now())

    def open_disputes(self) -> list[UUID]:
        return self.column("SELECT id FROM dispute WHERE state = 'open' ORDER BY id")

    def answer(self, dispute_id: UUID, words: str | None) -> None:
        """Evidence of nothing but a note, or none: we don't contest it."""
        now, by = self.till.clock.now(), self.till.payer_id
        with suppress(DisputeEnded), self.till.context.transaction() as session:
            if words is None:
                disputes.concede(session, dispute_id, by=by, reason="it is so", now=now)
            else:
                changes = dict.fromkeys(EVIDENCE_PARTS, "") | {"note": words}
                disputes.approve(session, dispute_id, changes=changes, approved_by=by, now=now)

    def bank_decides(self, dispute: str, turn: str) -> None:
        if turn in {"won", "lost"}:
            self.stripe.act(acts.close_dispute, dispute=dispute, status=turn)
        elif turn == "escalate":
            self.stripe.act(acts.escalate_dispute, dispute=dispute)
        else:
            status = "under_review" if turn == "reopen" else "needs_response"
            self.stripe.act(acts.reopen_dispute, dispute=dispute, status=status)

    def look_at_dispute(self, dispute: str) -> None:
        dispute_jobs.look_at_dispute(self.till.context, dispute)

    # What lies between.

    def waiting_jobs(self) -> list[int]:
        return self.column("SELECT id FROM procrastinate_jobs ORDER BY id")

    def work(self, job: int) -> None:
        """Run a job; one whose call was uncertain is left to the pollers."""
        name, arguments = self.till.one(
            "WITH taken AS (DELETE FROM procrastinate_jobs WHERE id = :id RETURNING *)"
            " SELECT jsonb_build_array(task_name, args) FROM taken",
            id=job,
        )
        if name in JOBS:
            with suppress(GatewayUncertain):
                JOBS[name](self.till.context, **arguments)

    def work_of(self, *names: str) -> None:
        """Run the waiting jobs of these names."""
        for name in names:
            for job in self.column(
                f"SELECT id FROM procrastinate_jobs WHERE task_name = '{name}' ORDER BY id"
            ):
                self.work(job)

    def work_all(self) -> None:
        while waiting := self.waiting_jobs():
            for job in waiting:
                self.work(job)

    def deliver(self, delivery: int, *, handled: bool) -> None:
        """A webhook comes to our address; `handled` by its job at once, or when that is run."""
        name, body, signature = self.stripe.letter(delivery)
        headers = {"Stripe-Signature": signature}
        answer = self.client.post("/api/v1/stripe/webhook", data=body, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        row = self.till.one("SELECT id FROM webhook_event WHERE processor_event = :name", name=name)
        if handled:
            tasks.process_event(self.till.context, str(row))

    def look(self) -> None:
        """The pollers' turn."""
        self.release()
        polls = (tasks.poll, tasks.process_pending_events, host_jobs.poll, dispute_jobs.poll)
        for poll in polls:
            poll(self.till.context)

    def reconcile(self) -> list[dict[str, str]]:
        return self.mismatches()

    # What holds.

    def check(self) -> None:
        """Always: the books add up by themselves and by their rows, and nothing exceeds its source."""
        with self.till.context.transaction() as session:
            sums: dict[str, int] = {}
            for one in queries.trial_balance(session):
                minor = one.balance.minor
                sums[one.balance.currency] = sums.get(one.balance.currency, 0) + minor
            assert not any(sums.values()), sums
            wrong = (queries.wrong_totals, queries.wrong_refund_sums, queries.wrong_credit)
            assert [select(session) for select in (*wrong, found.wrong_host_sums)] == [[]] * 4
            over = (
                "SELECT count(*) FROM payment WHERE refunded_minor + lost_minor > captured_minor"
                " OR lost_minor <> (SELECT coalesce(sum(taken_minor), 0) FROM dispute"
                " WHERE payment_id = payment.id)"
            )
            assert session.execute(text(over)).scalar_one() == 0
            for thing, plan in self.things.items():
                if not (sent := found.transfers_for(session, thing)):
                    continue
                earned = sum(one.gross_minor for one in sent)
                earned -= sum(one.gross_minor for one in found.claims_for(session, thing))
                share = shares.share_of(session, thing, plan[0][1][0].amount.currency)
                assert 0 <= earned <= share.minor

    def hear_everything(self) -> None:
        """Banks decide, the platform has what it owes, all that was not lost is heard, days pass."""
        self.stripe.act(acts.enable_account, account=self.name)
        for one in self.stripe.held("dispute"):
            if one["status"] not in {"won", "lost"}:
                self.bank_decides(one["id"], "lost")
        for currency in {plan[0][1][0].amount.currency for plan in self.things.values()}:
            rich = (PriceLine("platform_fee", "Fee", Money(RICH, currency), Earner.PLATFORM),)
            self.paid_now(Payable("thing", new_id()), "whole", rich)
        self.stripe.pass_time(timedelta(hours=26) + AVAILABLE_AFTER)
        for thing in self.things:
            self.tell(thing, "rest")
        for _ in range(4):
            self.deliver_all()
            self.look()
            self.work_all()
            self.stripe.pass_time(timedelta(hours=2))
        self.deliver_all()
        self.work_all()

    def deliver_all(self) -> None:
        while waiting := self.stripe.undelivered():
            for delivery in waiting:
                self.deliver(delivery, handled=True)
                self.stripe.close_delivery(delivery, "delivered")

    def compare(self) -> None:
        """In the end: Stripe's books are ours, and every row of ours has come to an end."""
        late = {one["kind"] for one in self.reconcile()}
        assert late <= {"missed_event"}, late
        self.work_all()
        self.stripe.pass_time(GRACE)
        assert self.reconcile() == []
        held = self.stripe.balance()
        for currency in {*held, *self.column("SELECT DISTINCT currency::text FROM ledger_account")}:
            assert self.holds("processor_clearing", currency) == held.get(currency, 0)
            for kind in ("suspense", "disputes", "host_payable"):
                assert self.holds(kind, currency) == 0, kind
        self._compare_rows()

    def _compare_rows(self) -> None:
        one = self.till.one
        assert one("SELECT count(*) FROM payment WHERE state IN ('requested', 'open')") == 0
        assert one("SELECT count(*) FROM refund WHERE state IN ('requested', 'pending')") == 0
        assert one("SELECT count(*) FROM webhook_event WHERE state = 'received'") == 0
        unsent = "('settled', 'withdrawn')"
        assert one(f"SELECT count(*) FROM host_transfer WHERE state NOT IN {unsent}") == 0
        assert one("SELECT count(*) FROM host_reversal WHERE state = 'requested'") == 0
        kept_twice = (
            "SELECT count(*) FROM (SELECT payable_id FROM payment WHERE state = 'settled'"
            " AND NOT surplus GROUP BY payable_id, purpose HAVING count(*) > 1) AS twice"
        )
        assert one(kept_twice) == 0
        sent = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM host_transfer"
        there = self.stripe.held("transfer")
        assert one(f"{sent} WHERE state = 'settled'") == sum(row["amount"] for row in there)
        back = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM host_reversal"
        came = one(f"{back} WHERE processor_reversal IS NOT NULL")
        assert came == sum(row["amount_reversed"] for row in there)
        paid_back = (
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM refund WHERE state = 'settled'"
        )
        good = [row["amount"] for row in self.stripe.held("refund") if row["status"] == "succeeded"]
        ours = one(f"{paid_back} AND processor_refund IS NOT NULL AND paid_by_dispute_id IS NULL")
        assert ours == sum(good)
        known = {"refund_failed", "transfer_failed", "evidence_refused", "unexplained"}
        assert set(self.till.quarantined()) <= known

    def holds(self, kind: str, currency: str) -> int:
        """Debits less credits of all accounts of a kind."""
        return int(
            self.till.one(
                "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM ledger_balance"
                " JOIN ledger_account ON ledger_account.id = account_id"
                " WHERE kind = :kind AND currency = :currency",
                kind=kind,
                currency=currency,
            )
        )

    def column(self, query: str) -> list[Any]:
        with self.till.context.transaction() as session:
            return list(session.execute(text(query)).scalars())


def price(currency: str) -> tuple[PriceLine, ...]:
    """380.80, of which 340.00 is the host's."""
    return (
        PriceLine("weeks", "Rotation, 4 weeks", Money(HOST, currency), Earner.HOST, 4),
        PriceLine("platform_fee", "Platform fee", Money(PLATFORM_FEE, currency), Earner.PLATFORM),
    )
