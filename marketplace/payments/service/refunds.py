"""Refunds: our row and the debt first, then the call, then what the processor says of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.identity import queries as people
from marketplace.identity.rules import Role
from marketplace.identity.service import notices
from marketplace.payments import queries
from marketplace.payments.errors import AmountRefused, RefundNotRetryable
from marketplace.payments.events import Payable, RefundFailed, RefundSettled
from marketplace.payments.gateway import ProcessorRefund
from marketplace.payments.models import Payment, PaymentPart, Refund, RefundTransition
from marketplace.payments.queries import disputes
from marketplace.payments.rules import Split, refund_split
from marketplace.payments.rules.credit import CreditTerms, Means
from marketplace.payments.service import ledger, refunds_told, reserving, steps
from marketplace.payments.service.credit import refunding
from marketplace.payments.service.hosts import shares
from marketplace.payments.service.positions import position
from marketplace.payments.service.quarantine import end_by_itself, put_aside
from marketplace.payments.states import REFUND, Arrival, RefundState

# What its case is called in the quarantine, and the word to operators.
REFUSED = "refund_failed"
# What the processor calls the states of a refund.
STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SETTLED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """The call that pays back. `repeat`: look for a refund from an earlier try first."""

    key: str
    refund_id: UUID
    payment_id: UUID
    intent_id: str
    amount: Money
    repeat: bool


class _Told(TypedDict):
    """What every event about a refund carries."""

    refund_id: UUID
    payment_id: UUID
    payable: Payable
    payer_id: UUID
    amount: Money
    at: datetime


def refund(
    session: Session,
    payment_id: UUID,
    *,
    amount: Money,
    reason: str,
    now: datetime,
    requested_by: UUID | None = None,
    part_id: UUID | None = None,
    as_credit: CreditTerms | None = None,
) -> Refund:
    """Grant a refund; a job sends it, and `RefundSettled` or `RefundFailed` tells how it went.

    `RefundExceedsPayment` if more than was captured would go back, counting what is under way;
    two at once are decided by the database, one after the other. `part_id` says which of several
    things that were paid at once gives back, and is needed for those (`PartNeeded`). `as_credit`:
    it becomes credit of the payer, at once, as does whatever goes back of a payment by credit; of a
    payment that is disputed once that has ended, since the bank may pay it back itself.
    """
    if amount.minor <= 0:
        raise AmountRefused(f"{amount} is nothing to refund.")
    payment = queries.lock_payment(session, payment_id)
    part = reserving.part_of(session, payment, part_id)
    by_credit = payment.means == Means.CREDIT
    pots = refunding.find_pots(session, payment, amount) if by_credit else []
    reserving.take(session, payment, amount)
    if part is not None:
        reserving.take_of_part(session, part, amount)
    kept = position(session, payment, part)
    parts = refund_split(kept.whole, kept.back, amount)
    terms = as_credit or (CreditTerms() if by_credit else None)
    means = Means(payment.means) if terms is None else Means.CREDIT
    waits = terms is not None and not by_credit and disputes.any_open(session, [payment.id])
    row = _add(
        session,
        payment,
        amount,
        parts,
        reason,
        now,
        requested_by,
        part_id=part_id,
        means=means,
        waiting_terms=terms if waits else None,
    )
    ledger.post_granted(session, payment, row, kept.site_id)
    shares.take_back(session, payment, part, kept.site_id, cause=f"refund:{row.id}", now=now)
    if terms is not None and not waits:
        refunding.credit_back(session, payment, row, _kept_for(payment, part), terms, pots, now)
        step(session, row, payment, RefundState.SETTLED, "credited", now)
    return row


def _kept_for(payment: Payment, part: PaymentPart | None) -> Payable:
    if part is not None:
        return Payable(part.payable_kind, part.carried_to_id or part.payable_id)
    return Payable(payment.payable_kind, payment.carried_to_id or payment.payable_id)


def refund_whole(session: Session, payment_id: UUID, *, reason: str, now: datetime) -> list[Refund]:
    """Grant what is left of a payment: one refund, or one for each of its parts."""
    payment = queries.lock_payment(session, payment_id)
    parts = queries.parts(session, payment_id)
    if not parts:
        return [refund(session, payment_id, amount=payment.refundable, reason=reason, now=now)]
    return [
        refund(
            session,
            payment_id,
            amount=part.refundable,
            reason=reason,
            now=now,
            part_id=part.payable_id,
        )
        for part in parts
        if part.refundable
    ]


def retry_refund(
    session: Session, refund_id: UUID, *, now: datetime, requested_by: UUID | None = None
) -> Refund:
    """Send a failed refund again, under a new key; the debt in the books is the same."""
    failed = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, failed.payment_id)
    session.refresh(failed)
    sent_again = queries.replacement(session, refund_id) is not None
    if RefundState(failed.state) is not RefundState.FAILED or sent_again:
        raise RefundNotRetryable
    return _add(
        session,
        payment,
        failed.amount,
        failed.split,
        failed.reason,
        now,
        requested_by,
        replaces_id=failed.id,
        part_id=failed.part_id,
        means=Means(failed.means),
        waiting_terms=_terms(failed),
    )


def plan_refund(session: Session, refund_id: UUID, *, now: datetime) -> RefundPlan | None:
    """Write down that we are about to call; None if there is nothing left to send."""
    row = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, row.payment_id)
    session.refresh(row)
    if RefundState(row.state) is not RefundState.REQUESTED or payment.processor_intent is None:
        return None
    waiting = _terms(row)
    if waiting is not None and not disputes.any_open(session, [payment.id]):
        part = reserving.part_of(session, payment, row.part_id)
        refunding.credit_back(session, payment, row, _kept_for(payment, part), waiting, [], now)
        step(session, row, payment, RefundState.SETTLED, "credited", now)
        return None
    if row.attempts == 0 and disputes.any_open(session, [payment.id]):
        # The bank holds the money: it is sent once that is given back, or paid by the loss.
        row.next_look_at = now + steps.LOOK_AGAIN
        session.flush()
        return None
    row.attempts += 1
    row.next_look_at = now + steps.LOOK_AGAIN
    session.flush()
    return RefundPlan(
        key=f"refund:{row.id}",
        refund_id=row.id,
        payment_id=payment.id,
        intent_id=payment.processor_intent,
        amount=row.amount,
        repeat=row.attempts > 1,
    )


def take_refund(
    session: Session,
    refund_id: UUID,
    seen: ProcessorRefund,
    *,
    now: datetime,
    event_id: UUID | None = None,
) -> Arrival:
    """Bring the refund to what the processor shows; harmless however often and in whatever order."""
    row = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, row.payment_id)
    session.refresh(row)
    fault = _misfit(row, payment, seen)
    if fault is not None:
        put_aside(
            session,
            processor_object=seen.id,
            reason=fault,
            details={"refund": str(row.id), "expected": str(row.amount), "seen": str(seen.amount)},
            now=now,
            payment_id=payment.id,
            event_id=event_id,
        )
        return Arrival.INVALID
    row.processor_refund = seen.id
    after = STATES[seen.status]
    _book(session, row, seen, after, now)
    return step(session, row, payment, after, seen.failure or seen.status, now)


def fail_refund(session: Session, refund_id: UUID, reason: str, *, now: datetime) -> None:
    """The processor said no: the debt stays, and a person is told."""
    row = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, row.payment_id)
    session.refresh(row)
    step(session, row, payment, RefundState.FAILED, reason, now)


def processor_id(session: Session, refund_id: UUID) -> str | None:
    """Return the refund's id at the processor, None while there is none."""
    return queries.refund(session, refund_id).processor_refund


def _add(
    session: Session,
    payment: Payment,
    amount: Money,
    parts: Split,
    reason: str,
    now: datetime,
    requested_by: UUID | None,
    replaces_id: UUID | None = None,
    part_id: UUID | None = None,
    means: Means = Means.CARD,
    waiting_terms: CreditTerms | None = None,
) -> Refund:
    # What came by bank goes back by bank: a person sends it, and says so.
    by_job = means is Means.CARD or waiting_terms is not None
    row = Refund(
        payment_id=payment.id,
        part_id=part_id,
        amount=amount,
        host_minor=parts.host.minor,
        platform_minor=parts.platform.minor,
        means=means.value,
        reason=reason,
        requested_by=requested_by,
        replaces_id=replaces_id,
        credit_terms=asdict(waiting_terms) if waiting_terms is not None else None,
        state=RefundState.REQUESTED,
        requested_at=now,
        next_look_at=now + steps.LOOK_AGAIN if by_job else None,
    )
    session.add(row)
    session.flush()
    session.add(
        RefundTransition(
            refund_id=row.id, before=None, after=RefundState.REQUESTED, reason=reason, at=now
        )
    )
    session.flush()
    if by_job:
        defer(session, steps.SEND_REFUND, refund_id=str(row.id))
    if replaces_id is None:
        defer(session, steps.ISSUE_CREDIT_NOTE, refund_id=str(row.id))
    return row


def _terms(row: Refund) -> CreditTerms | None:
    """The terms of credit that waits; None of a refund that is no such one."""
    return CreditTerms(**row.credit_terms) if row.credit_terms is not None else None


def _book(
    session: Session, row: Refund, seen: ProcessorRefund, after: RefundState, now: datetime
) -> None:
    """Post what has moved at the processor, each movement once."""
    if seen.balance is not None:
        ledger.post_sent(session, row, seen.id, seen.balance.at)
        fee = seen.balance.fee
        ledger.post_fee(
            session,
            source=seen.balance.id,
            fee=fee,
            at=seen.balance.at,
            payment_id=row.payment_id,
        )
    elif after is RefundState.SETTLED:
        ledger.post_sent(session, row, seen.id, now)
    left = ledger.is_posted(session, seen.id, ledger.REFUND_SENT)
    if after is RefundState.FAILED and left:
        ledger.post_returned(session, row, seen.id, now)


def step(
    session: Session,
    row: Refund,
    payment: Payment,
    after: RefundState,
    reason: str,
    now: datetime,
) -> Arrival:
    """Bring a refund of a locked payment to a state, and tell of it; one that it can't have is left."""
    before = RefundState(row.state)
    if before is after or not REFUND.allows(before, after):
        session.flush()
        return Arrival.DUPLICATE if before is after else Arrival.IGNORED
    row.next_look_at = now + steps.LOOK_AGAIN if after is RefundState.PENDING else None
    steps.move_refund(session, row, after, reason, now)
    told = _Told(
        refund_id=row.id,
        payment_id=payment.id,
        payable=payment.payable,
        payer_id=payment.payer_id,
        amount=row.amount,
        at=now,
    )
    if after is RefundState.SETTLED:
        row.settled_at = now
        session.flush()
        _end_cases(session, row, now)
        if row.replaces_id is not None and row.paid_by_dispute_id is None:
            refunds_told.tell(session, refunds_told.SENT_AGAIN, row, payment, now)
        publish(session, RefundSettled(**told))
        return Arrival.SETTLED
    if after is RefundState.FAILED:
        row.failure = reason
        _set_aside(session, row, payment, reason, now)
        session.flush()
        if row.replaces_id is None or before is RefundState.SETTLED:
            # Else they know that it is owed, and were not told that it is on its way again.
            refunds_told.tell(session, refunds_told.CAME_BACK, row, payment, now)
        publish(session, RefundFailed(**told, reason=reason))
        return Arrival.FAILED
    return Arrival.OPENED


def _set_aside(session: Session, row: Refund, payment: Payment, reason: str, now: datetime) -> None:
    """A person has to look: the case, and word to the operators."""
    case = put_aside(
        session,
        processor_object=row.processor_refund or str(row.id),
        reason=REFUSED,
        details={"refund": str(row.id), "amount": str(row.amount), "why": reason},
        now=now,
        payment_id=payment.id,
    )
    if case is None:
        return
    told = {
        "case_id": str(case),
        "amount": {"amount": row.amount.minor, "currency": row.amount.currency},
        "description": payment.description,
    }
    operators = people.role_contacts(session, Role.OPERATOR)
    notices.notify_all(session, operators, REFUSED, told, now=now)


def _misfit(row: Refund, payment: Payment, seen: ProcessorRefund) -> str | None:
    checks = (
        ("refund", seen.refund_id == row.id),
        ("refund_object", row.processor_refund in {None, seen.id}),
        ("refund_intent", seen.intent_id == payment.processor_intent),
        ("refund_amount", seen.amount == row.amount),
        ("refund_status", seen.status in STATES),
    )
    return next((name for name, fits in checks if not fits), None)


def _end_cases(session: Session, row: Refund, now: datetime) -> None:
    """End the cases of all failed refunds of the debt that this one has paid."""
    while row.replaces_id is not None:
        row = queries.refund(session, row.replaces_id)
        end_by_itself(
            session,
            processor_object=row.processor_refund or str(row.id),
            reason=REFUSED,
            resolution="The refund arrived when it was sent again.",
            now=now,
        )
