"""The jobs: each reads in one transaction, calls the processor in none, records in another.

Every one is harmless the second time. `GatewayUncertain` leaves a job to be tried again later; the
poller asks again for what no job cares about any more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.payments.gateway import (
    CheckoutSession,
    GatewayMissing,
    GatewayRefused,
    GatewayUncertain,
    PaymentGateway,
    ProcessorRefund,
)
from marketplace.payments.service import (
    checkout,
    inbox,
    receipts,
    reconcile,
    refunds,
    steps,
)
from marketplace.payments.tasks import cards, credit, credit_notes, disputes, hosts, invoices
from marketplace.payments.tasks.looking import arrive, close_checkout, find_page, seen_checkout

T = TypeVar("T")

RETURN = "/api/v1/payments/return"
PAGE = 100


def open_checkout(job: JobContext, payment_id: str) -> None:
    """Open the payment page and keep its address."""
    gateway = job.parts.get(PaymentGateway)
    with job.transaction() as session:
        plan = checkout.plan(
            session, UUID(payment_id), processor_now=gateway.now(), now=job.clock.now()
        )
    if plan is None:
        return
    try:
        seen = _open_or_find(gateway, plan, job.parts.get(Settings).public_url)
    except GatewayUncertain as error:
        if error.replayed:
            with job.transaction() as session:
                checkout.give_up_key(session, plan.payment_id, gateway.now())
        raise
    except GatewayRefused as error:
        if plan.customer is not None and isinstance(error, GatewayMissing):
            with job.transaction() as session:
                checkout.without_customer(session, plan.payment_id, gateway.now())
            raise GatewayUncertain("the customer is gone: another page for no customer") from error
        with job.transaction() as session:
            checkout.refused(session, plan.payment_id, str(error), job.clock.now())
        return
    arrive(job, plan.payment_id, seen, "open_checkout")


def look_at_checkout(job: JobContext, payment_id: str) -> None:
    """Ask how a payment stands; a page that should have closed by now is closed."""
    gateway = job.parts.get(PaymentGateway)
    with job.transaction() as session:
        page = checkout.page(session, UUID(payment_id), job.clock.now())
    seen = find_page(job, UUID(payment_id), page)
    if seen is None:
        return
    if seen.status == "open" and page.overdue:
        seen = gateway.expire_checkout(seen.id)
    arrive(job, UUID(payment_id), seen, "poll")


def process_event(job: JobContext, event_id: str) -> None:
    """Handle one event of the inbox."""
    gateway = job.parts.get(PaymentGateway)
    row_id = UUID(event_id)
    with job.transaction() as session:
        look = inbox.begin(session, row_id, live=gateway.live, now=job.clock.now())
    if look is None:
        return
    if look.subject is not None:
        outcome = FOLLOW[look.subject.kind](job, look.subject.name)
        with job.transaction() as session:
            inbox.finish_subject(session, row_id, outcome, now=job.clock.now())
    elif look.refund_id is not None:
        refund = _seen_refund(gateway, look.processor_refund)
        with job.transaction() as session:
            inbox.finish_refund(session, row_id, look.refund_id, refund, now=job.clock.now())
    elif look.payment_id is not None:
        seen = seen_checkout(gateway, look.payment_id, look.session_id, look.since)
        with job.transaction() as session:
            inbox.finish_payment(
                session, row_id, look.payment_id, seen, live=gateway.live, now=job.clock.now()
            )


def send_refund(job: JobContext, refund_id: str) -> None:
    """Send a refund that was granted; look first whether an earlier try has sent it."""
    gateway = job.parts.get(PaymentGateway)
    with job.transaction() as session:
        plan = refunds.plan_refund(session, UUID(refund_id), now=job.clock.now())
    if plan is None:
        return
    # The processor forgets keys after a day, so a key alone does not protect a late try.
    seen = gateway.find_refund(plan.intent_id, plan.refund_id) if plan.repeat else None
    if seen is None:
        marks = {"refund_id": str(plan.refund_id), "payment_id": str(plan.payment_id)}
        try:
            seen = gateway.refund(
                plan.key, intent_id=plan.intent_id, amount=plan.amount, metadata=marks
            )
        except GatewayRefused as error:
            with job.transaction() as session:
                refunds.fail_refund(session, plan.refund_id, str(error), now=job.clock.now())
            return
    with job.transaction() as session:
        refunds.take_refund(session, plan.refund_id, seen, now=job.clock.now())


def look_at_refund(job: JobContext, refund_id: str) -> None:
    """Ask how a refund stands that the processor has begun."""
    gateway = job.parts.get(PaymentGateway)
    with job.transaction() as session:
        known = refunds.processor_id(session, UUID(refund_id))
    seen = _seen_refund(gateway, known)
    if seen is not None:
        with job.transaction() as session:
            refunds.take_refund(session, UUID(refund_id), seen, now=job.clock.now())


def issue_receipt(job: JobContext, payment_id: str) -> None:
    """Number the receipt, set it, store it, have it mailed."""
    entity = job.parts.get(Settings).legal_entity
    with job.transaction() as session:
        receipt = receipts.number_receipt(
            session, UUID(payment_id), legal_entity=entity, now=job.clock.now()
        )
        if receipt.stored_at is not None:
            return
        key, content = receipt.object_key, receipt.content
    pdf = job.parts.get(PdfRenderer).render(receipts.TEMPLATE, content)
    job.parts.get(ObjectStore).put(key, pdf)
    with job.transaction() as session:
        receipts.deliver_receipt(session, UUID(payment_id), now=job.clock.now())


def poll(job: JobContext) -> None:
    """Have everything looked at that has waited too long for word from the processor."""
    with job.transaction() as session:
        reconcile.ask_again(session, now=job.clock.now())


def process_pending_events(job: JobContext) -> None:
    """Have stored events handled whose job was lost."""
    with job.transaction() as session:
        reconcile.process_again(session, now=job.clock.now())


def run_reconciliation(job: JobContext, since: str | None = None) -> None:
    """Compare all events and balance transactions since the last run, or since a time (ISO 8601).

    Pages are compared in transactions of their own, so that memory and locks stay small.
    """
    gateway = job.parts.get(PaymentGateway)
    started_at = gateway.now()
    with job.transaction() as session:
        start = _moment(since) if since else reconcile.since_last(session, processor_now=started_at)
    findings = reconcile.Findings(since=start, started_at=started_at)
    for events in _batches(gateway.events_since(start)):
        with job.transaction() as session:
            reconcile.take_events(session, events, findings, now=job.clock.now())
    for transactions in _batches(gateway.balance_transactions_since(start)):
        with job.transaction() as session:
            reconcile.match(session, transactions, findings, now=job.clock.now())
    held = gateway.balance()
    with job.transaction() as session:
        reconcile.check_books(session, held, findings)
        reconcile.close_run(session, findings, now=gateway.now())


def _open_or_find(gateway: PaymentGateway, plan: checkout.Plan, public_url: str) -> CheckoutSession:
    if plan.repeat:
        found = gateway.find_checkout(plan.payment_id, gateway.now() - checkout.PAGES_LIVE_FOR)
        if found is not None:
            return found
    base = public_url.rstrip("/")
    return gateway.open_checkout(
        plan.key,
        payment_id=plan.payment_id,
        amount=plan.amount,
        lines=plan.lines,
        description=plan.description,
        customer_email=plan.email,
        expires_at=plan.page_expires_at,
        # The processor puts the session's id where the braces are.
        success_url=f"{base}{RETURN}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=base + (plan.return_path or f"/api/v1/payments/{plan.payment_id}"),
        metadata={"payable": f"{plan.payable.kind}:{plan.payable.id}"},
        customer=plan.customer,
        keep_card=plan.keep_card,
    )


def _seen_refund(gateway: PaymentGateway, processor_refund: str | None) -> ProcessorRefund | None:
    if processor_refund is None:
        return None
    try:
        return gateway.retrieve_refund(processor_refund)
    except GatewayMissing:
        return None


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, PAGE)):
        yield batch


# What looks at a subject of an event, by its kind; each says what came of it.
FOLLOW: Mapping[str, Callable[[JobContext, str], str]] = {
    "account": hosts.account_stands,
    "card": cards.card_stands,
    "dispute": disputes.dispute_stands,
    "transfer": hosts.transfer_stands,
}
CALLS = RetryPolicy(attempts=10, first=2, longest=300)

TASKS = (
    Task(steps.OPEN_CHECKOUT, open_checkout, retry=CALLS),
    Task(steps.CLOSE_CHECKOUT, close_checkout, retry=CALLS),
    Task(steps.LOOK_AT_CHECKOUT, look_at_checkout, retry=CALLS),
    Task(steps.PROCESS_EVENT, process_event, retry=CALLS),
    Task(steps.SEND_REFUND, send_refund, retry=CALLS),
    Task(steps.LOOK_AT_REFUND, look_at_refund, retry=CALLS),
    Task(steps.ISSUE_RECEIPT, issue_receipt),
    Task("payments.poll", poll, cron="*/5 * * * *"),
    Task("payments.process_pending_events", process_pending_events, cron="* * * * *"),
    Task(reconcile.RUN, run_reconciliation, cron="7 * * * *"),
    *cards.TASKS,
    *credit.TASKS,
    *credit_notes.TASKS,
    *disputes.TASKS,
    *hosts.TASKS,
    *invoices.TASKS,
)
