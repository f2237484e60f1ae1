"""Reconciliation: what we think has happened against what the processor says has happened.

Every few minutes the objects that wait for an answer are asked about. Every hour all events and
balance transactions since the last run are compared: an event that never came is taken in, each
balance transaction must have its posting, and what nobody can explain goes to suspense with an
alarm, so that the clearing account always equals the processor's balance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.gateway import BalanceTransaction, ProcessorEvent
from marketplace.payments.models import AccountKind, Reconciliation
from marketplace.payments.queries import credit_notes, disputes, hosts
from marketplace.payments.service import inbox, ledger, steps, suspense
from marketplace.payments.service.hosts import books
from marketplace.payments.service.ledger import Leg
from marketplace.payments.service.quarantine import end_by_itself, put_aside
from marketplace.payments.states import LIVE, PaymentState, RefundState

log = structlog.get_logger(__name__)

RUN = "payments.reconcile"
LIMIT = 500
# What is younger may be under way in another process.
GRACE = timedelta(minutes=10)
OVERLAP = timedelta(hours=2)
# A settled payment is asked about only for its fee, which the hourly run would post as well.
FEE_KNOWN_BY = timedelta(days=3)
# A refund of before there were credit notes gets none.
NOTED_BY = timedelta(days=7)
# Before the first run ever: the processor keeps events for 30 days.
FIRST = timedelta(days=30)
CHARGES = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})
RETURNS = frozenset({"refund_failure", "payment_failure_refund"})
TRANSFERS = frozenset({"transfer"})
REVERSALS = frozenset({"transfer_refund"})
UNEXPLAINED = suspense.UNEXPLAINED
EXPLAINED = "explained"
_K = AccountKind
# Categories that need no payment of ours to be explained: the account on the other side.
PLAIN = {
    "payout": _K.BANK,
    "payout_reversal": _K.BANK,
    "topup": _K.BANK,
    "dispute": _K.DISPUTES,
    "dispute_reversal": _K.DISPUTES,
    "fee": _K.PROCESSOR_FEES,
}


@dataclass
class Findings:
    """What one run has compared so far."""

    since: datetime
    started_at: datetime
    events: int = 0
    missed_events: int = 0
    balance_transactions: int = 0
    posted: int = 0
    mismatches: list[dict[str, str]] = field(default_factory=list)

    def note(self, kind: str, subject: str, detail: str) -> None:
        self.mismatches.append({"kind": kind, "subject": subject, "detail": detail})


def ask_again(session: Session, *, now: datetime) -> int:
    """Have every payment and refund that waits too long looked at; return how many."""
    payments = queries.due_payments(session, now, LIMIT)
    for payment in payments:
        state = PaymentState(payment.state)
        settled_at = payment.settled_at
        if settled_at is not None and now - settled_at > FEE_KNOWN_BY:
            payment.next_look_at = None
            continue
        payment.next_look_at = now + steps.LOOK_AGAIN
        if state is PaymentState.REQUESTED:
            name = steps.OPEN_CHECKOUT if payment.card_id is None else steps.CHARGE_CARD
        elif state in LIVE or state is PaymentState.SETTLED:
            name = steps.LOOK_AT_CHECKOUT
        else:
            name = steps.CLOSE_CHECKOUT
        defer(session, name, payment_id=str(payment.id))
    refunds = queries.due_refunds(session, now, LIMIT)
    for refund in refunds:
        refund.next_look_at = now + steps.LOOK_AGAIN
        requested = RefundState(refund.state) is RefundState.REQUESTED
        name = steps.SEND_REFUND if requested else steps.LOOK_AT_REFUND
        defer(session, name, refund_id=str(refund.id))
    unprinted = queries.settled_without_receipt(session, now - GRACE, LIMIT)
    for payment_id in unprinted:
        defer(session, steps.ISSUE_RECEIPT, payment_id=str(payment_id))
    unnoted = credit_notes.missing(session, now - NOTED_BY, now - GRACE, LIMIT)
    for refund_id in unnoted:
        defer(session, steps.ISSUE_CREDIT_NOTE, refund_id=str(refund_id))
    session.flush()
    return len(payments) + len(refunds) + len(unprinted) + len(unnoted)


def process_again(session: Session, *, now: datetime) -> int:
    """Have stored events handled whose job was lost; return how many."""
    waiting = queries.waiting_events(session, now - steps.LOOK_AGAIN, LIMIT)
    for event_id in waiting:
        defer(session, steps.PROCESS_EVENT, event_id=str(event_id))
    return len(waiting)


def ask_now(session: Session, since: datetime | None) -> None:
    """Have a run done now, from a time on or from the last run's beginning; one at a time."""
    defer(session, RUN, lock=RUN, since=since.isoformat() if since else None)


def since_last(session: Session, *, processor_now: datetime) -> datetime:
    """Return from when to compare: the last run's beginning, with an overlap.

    What is in suspense is compared again until it is explained, as long as the processor keeps events.
    """
    last = queries.last_reconciliation(session)
    first = processor_now - FIRST
    if last is None:
        return first
    waiting = queries.oldest_unexplained(
        session, UNEXPLAINED, [EXPLAINED, *suspense.MOVED.values()]
    )
    begin = last.started_at - OVERLAP
    return begin if waiting is None else min(begin, max(waiting, first))


def take_events(
    session: Session, events: Sequence[ProcessorEvent], findings: Findings, *, now: datetime
) -> None:
    """Take in the events of a page that never reached us."""
    known = queries.known_events(session, [event.id for event in events])
    for event in events:
        findings.events += 1
        if event.id not in known and inbox.receive(session, event, now=now):
            findings.missed_events += 1
            if findings.started_at - event.at > GRACE:
                findings.note("missed_event", event.id, event.kind)


def match(
    session: Session,
    transactions: Sequence[BalanceTransaction],
    findings: Findings,
    *,
    now: datetime,
) -> None:
    """Match a page of balance transactions with the ledger, posting what only they can tell."""
    sources = {name for one in transactions for name in (one.id, one.source) if name}
    posted = queries.posted_sources(session, sorted(sources))
    for transaction in transactions:
        findings.balance_transactions += 1
        wanted = _posting_of(transaction)
        if (transaction.id, UNEXPLAINED) in posted:
            _explain(session, transaction, wanted, posted, findings, now)
        elif wanted is not None:
            _match_object(session, transaction, wanted, posted, findings, now)
        else:
            _post_plain(session, transaction, posted, findings, now)


def check_books(session: Session, held: Mapping[str, Money], findings: Findings) -> None:
    """Compare the clearing account with the processor's balance, and the totals with the entries."""
    for fault in queries.wrong_totals(session):
        findings.note("running_total", "ledger_balance", fault)
    currencies = set(held) | queries.currencies(session)
    for currency in sorted(currencies):
        ours = queries.balance_of(session, _K.PROCESSOR_CLEARING, currency)
        theirs = held.get(currency, Money.zero(currency))
        if ours != theirs:
            findings.note("clearing", currency, f"ledger {ours}, processor {theirs}")
        apart = queries.balance_of(session, _K.SUSPENSE, currency)
        if apart:
            findings.note("suspense", currency, f"{apart} is unexplained")
        disputed = queries.balance_of(session, _K.DISPUTES, currency)
        if disputed and not disputes.any_open(session):
            findings.note("disputes", currency, f"{disputed} is in dispute, and no dispute is open")
    _check_rows(session, findings)


def _check_rows(session: Session, findings: Findings) -> None:
    """Compare what rows say of money with each other, and with the books."""
    for fault in hosts.wrong_host_sums(session):
        findings.note("hosts", "host_payable", fault)
    for fault in queries.wrong_refund_sums(session):
        findings.note("refunded", fault, "the payment's sum is not that of its refunds")
    for fault in queries.wrong_credit(session):
        findings.note("credit", "trainee_credit", fault)


def close_run(session: Session, findings: Findings, *, now: datetime) -> Reconciliation:
    """Store the run; its mismatches are an alarm."""
    row = Reconciliation(
        since=findings.since,
        started_at=findings.started_at,
        finished_at=now,
        events=findings.events,
        missed_events=findings.missed_events,
        balance_transactions=findings.balance_transactions,
        posted=findings.posted,
        mismatches=list(findings.mismatches),
    )
    session.add(row)
    session.flush()
    for mismatch in findings.mismatches:
        log.error("reconciliation_mismatch", run=str(row.id), **mismatch)
    return row


def _posting_of(transaction: BalanceTransaction) -> str | None:
    """Return the reason under which the ledger has this one's object; None for other kinds."""
    if transaction.kind in CHARGES:
        return ledger.PAYMENT_SETTLED
    if transaction.kind in REFUNDS:
        return ledger.REFUND_SENT
    if transaction.kind in RETURNS:
        return ledger.REFUND_RETURNED
    if transaction.kind in TRANSFERS:
        return books.TRANSFER_SENT
    if transaction.kind in REVERSALS:
        return books.TRANSFER_REVERSED
    return None


def _match_object(
    session: Session,
    transaction: BalanceTransaction,
    reason: str,
    posted: set[tuple[str, str]],
    findings: Findings,
    now: datetime,
) -> None:
    if (transaction.source, reason) not in posted:
        if findings.started_at - transaction.at > GRACE:
            _suspend(session, transaction, findings, now)
        return
    if transaction.fee and (transaction.id, ledger.PROCESSOR_FEE) not in posted:
        findings.posted += ledger.post_fee(
            session, source=transaction.id, fee=transaction.fee, at=transaction.at, payment_id=None
        )


def _post_plain(
    session: Session,
    transaction: BalanceTransaction,
    posted: set[tuple[str, str]],
    findings: Findings,
    now: datetime,
) -> None:
    other = PLAIN.get(transaction.category)
    if other is None:
        _suspend(session, transaction, findings, now)
    elif (transaction.id, transaction.category) not in posted:
        findings.posted += ledger.post_plain(session, transaction, other, transaction.category)


def _suspend(
    session: Session, transaction: BalanceTransaction, findings: Findings, now: datetime
) -> None:
    """Book it to suspense, so that the clearing account is right, and call a person."""
    findings.posted += ledger.post_plain(session, transaction, _K.SUSPENSE, UNEXPLAINED)
    about = f" for {transaction.source}" if transaction.source else ""
    detail = f"moved at the processor: {transaction.kind} of {transaction.amount}{about}"
    findings.note(UNEXPLAINED, transaction.id, detail)
    put_aside(
        session,
        processor_object=transaction.id,
        reason=UNEXPLAINED,
        details={
            "kind": transaction.kind,
            "amount": str(transaction.amount),
            "fee": str(transaction.fee),
            "source": str(transaction.source),
        },
        now=now,
    )


def _explain(
    session: Session,
    transaction: BalanceTransaction,
    wanted: str | None,
    posted: set[tuple[str, str]],
    findings: Findings,
    now: datetime,
) -> None:
    """Take it out of suspense, or of where a person moved it, if its object has been posted since.

    The fee stays as it was. Its case, where nobody has closed it, has come right.
    """
    if (transaction.source, wanted) not in posted or (transaction.id, EXPLAINED) in posted:
        return
    place = suspense.place_of(session, transaction.id)
    legs = [Leg(_K.PROCESSOR_CLEARING, -transaction.amount), Leg(place, transaction.amount)]
    if (transaction.id, ledger.PROCESSOR_FEE) in posted:
        fee = transaction.fee
        legs += [Leg(_K.PROCESSOR_CLEARING, fee), Leg(_K.PROCESSOR_FEES, -fee)]
    findings.posted += ledger.post(
        session, source=transaction.id, reason=EXPLAINED, legs=legs, at=transaction.at
    )
    end_by_itself(
        session,
        processor_object=transaction.id,
        reason=UNEXPLAINED,
        resolution="What it belongs to was booked since.",
        now=now,
    )
