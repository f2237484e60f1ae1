"""Posting to the books, and the table of postings.

| what happened | debit | credit |
| --- | --- | --- |
| a payment settled | processor_clearing: all | deferred_host_share: host, platform_revenue: platform |
| a bank transfer came | bank: all | deferred_host_share: host, platform_revenue: platform |
| a refund left our bank | refunds_payable | bank |
| the processor's fee became known | processor_fees | processor_clearing |
| what was paid is kept for another thing | deferred_host_share, platform_revenue: as it was | the same: as it is |
| a protected price was earned | host_receivable: the host that called off, platform_revenue: the rest | deferred_host_share: what the new host lacks |
| a refund was granted | deferred_host_share, platform_revenue | refunds_payable |
| a refund left us | refunds_payable | processor_clearing |
| a refund came back | processor_clearing | refunds_payable |
| the processor paid out to our bank | bank | processor_clearing |
| a dispute withdrew money | disputes | processor_clearing |
| a dispute gave it back | processor_clearing | disputes |
| a lost dispute paid a refund | refunds_payable | disputes |
| a dispute was lost | dispute_losses, or deferred_host_share: the host's part | disputes |
| a lost dispute was won after all | disputes | the same: what was lost; refunds_payable: refunds that it had paid |
| tax is in what the platform earned of it, or gave back | platform_revenue (or credit) | tax_payable (or debit) |
| something that nobody can explain | suspense (or credit) | processor_clearing (or debit) |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.gateway import BalanceTransaction
from marketplace.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerTransaction,
    Payment,
    PaymentCarry,
    Refund,
)
from marketplace.payments.queries import writing
from marketplace.payments.rules import Split
from marketplace.payments.service import taxing

PAYMENT_SETTLED = "payment_settled"
PAYMENT_CARRIED = "payment_carried"
PROCESSOR_FEE = "processor_fee"
REFUND_GRANTED = "refund_granted"
REFUND_SENT = "refund_sent"
REFUND_RETURNED = "refund_returned"
REFUND_BY_DISPUTE = "refund_by_dispute"
REFUND_OWED_AGAIN = "refund_owed_again"
_K = AccountKind


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a posting: a debit is positive, a credit negative. Zero is left out."""

    account: AccountKind
    amount: Money
    owner_id: UUID | None = None


def post(
    session: Session,
    *,
    source: str,
    reason: str,
    legs: Sequence[Leg],
    at: datetime,
    payment_id: UUID | None = None,
) -> bool:
    """Post once for (source, reason); False if that was done before. `ValueError` unless balanced.

    `source` is the processor's object, or one of ours, that the posting is about. Of what the platform
    earns of a payment, or gives back, the tax in it is set aside.
    """
    if payment_id is not None:
        legs = _with_tax(session, payment_id, legs)
    legs = [leg for leg in legs if leg.amount]
    _check(legs)
    posting = writing.Posting(source, reason, at, payment_id)
    given = [(leg.account, leg.owner_id, leg.amount) for leg in legs]
    session.flush()
    made = writing.posted(session, posting, given)
    if made is None:
        _open_accounts(session, legs)
        made = writing.posted(session, posting, given)
    return bool(made)


def post_settled(session: Session, payment: Payment, source: str, split: Split) -> bool:
    """Money has arrived: we hold it, and owe the host their share."""
    return post(
        session,
        source=source,
        reason=PAYMENT_SETTLED,
        legs=[
            Leg(_K.PROCESSOR_CLEARING, split.whole),
            Leg(_K.DEFERRED_HOST_SHARE, -split.host, payment.site_id),
            Leg(_K.PLATFORM_REVENUE, -split.platform),
        ],
        at=payment.settled_at or payment.requested_at,
        payment_id=payment.id,
    )


def post_settled_parts(
    session: Session, payment: Payment, source: str, parts: Sequence[tuple[UUID, Split]]
) -> bool:
    """Money has arrived for several things at once: each has entries of its own.

    `parts` are the site of each thing and how what is paid for it divides.
    """
    return _post_parts(session, payment, source, parts, _K.PROCESSOR_CLEARING)


def post_received(
    session: Session, payment: Payment, source: str, parts: Sequence[tuple[UUID, Split]]
) -> bool:
    """A bank transfer has come for several things at once: as `post_settled_parts` has it."""
    return _post_parts(session, payment, source, parts, _K.BANK)


def _post_parts(
    session: Session,
    payment: Payment,
    source: str,
    parts: Sequence[tuple[UUID, Split]],
    to: AccountKind,
) -> bool:
    legs = [Leg(to, payment.amount)]
    for site_id, split in parts:
        legs.append(Leg(_K.DEFERRED_HOST_SHARE, -split.host, site_id))
        legs.append(Leg(_K.PLATFORM_REVENUE, -split.platform))
    return post(
        session,
        source=source,
        reason=PAYMENT_SETTLED,
        legs=legs,
        at=payment.settled_at or payment.requested_at,
        payment_id=payment.id,
    )


def post_fee(
    session: Session, *, source: str, fee: Money, at: datetime, payment_id: UUID | None
) -> bool:
    """The processor kept `fee` of a balance transaction `source`; nothing to post for none."""
    if not fee:
        return False
    legs = [Leg(_K.PROCESSOR_FEES, fee), Leg(_K.PROCESSOR_CLEARING, -fee)]
    return post(
        session, source=source, reason=PROCESSOR_FEE, legs=legs, at=at, payment_id=payment_id
    )


def post_carried(
    session: Session, carry: PaymentCarry, before: Split, site_before: UUID | None
) -> bool:
    """What is left of a payment is another site's from now on, and divides as its thing does."""
    after = carry.split
    if (before, site_before) == (after, carry.site_id):
        return False
    return post(
        session,
        source=f"carry:{carry.payment_id}:{carry.number}",
        reason=PAYMENT_CARRIED,
        legs=[
            Leg(_K.DEFERRED_HOST_SHARE, before.host, site_before),
            Leg(_K.PLATFORM_REVENUE, before.platform),
            Leg(_K.DEFERRED_HOST_SHARE, -after.host, carry.site_id),
            Leg(_K.PLATFORM_REVENUE, -after.platform),
        ],
        at=carry.at,
        payment_id=carry.payment_id,
    )


def post_granted(session: Session, payment: Payment, refund: Refund, site_id: UUID | None) -> bool:
    """A refund is owed from now on; the host at `site_id` and the platform give back their part."""
    return post(
        session,
        source=f"refund:{refund.id}",
        reason=REFUND_GRANTED,
        legs=[
            Leg(_K.DEFERRED_HOST_SHARE, refund.split.host, site_id),
            Leg(_K.PLATFORM_REVENUE, refund.split.platform),
            Leg(_K.REFUNDS_PAYABLE, -refund.amount),
        ],
        at=refund.requested_at,
        payment_id=payment.id,
    )


def post_sent(session: Session, refund: Refund, source: str, at: datetime) -> bool:
    """The processor has taken the refund from what it holds for us."""
    legs = [Leg(_K.REFUNDS_PAYABLE, refund.amount), Leg(_K.PROCESSOR_CLEARING, -refund.amount)]
    return post(
        session,
        source=source,
        reason=REFUND_SENT,
        legs=legs,
        at=at,
        payment_id=refund.payment_id,
    )


def post_sent_by_bank(session: Session, refund: Refund, at: datetime) -> bool:
    """The refund has left our own bank account."""
    return post(
        session,
        source=f"bank-refund:{refund.id}",
        reason=REFUND_SENT,
        legs=[Leg(_K.REFUNDS_PAYABLE, refund.amount), Leg(_K.BANK, -refund.amount)],
        at=at,
        payment_id=refund.payment_id,
    )


def post_returned(session: Session, refund: Refund, source: str, at: datetime) -> bool:
    """The refund came back to us: the debt stands again."""
    legs = [Leg(_K.PROCESSOR_CLEARING, refund.amount), Leg(_K.REFUNDS_PAYABLE, -refund.amount)]
    return post(
        session,
        source=source,
        reason=REFUND_RETURNED,
        legs=legs,
        at=at,
        payment_id=refund.payment_id,
    )


def post_disputed(session: Session, refund: Refund, at: datetime) -> bool:
    """A lost dispute has paid the refund: the payer's bank has what we withheld."""
    legs = [Leg(_K.REFUNDS_PAYABLE, refund.amount), Leg(_K.DISPUTES, -refund.amount)]
    return post(
        session,
        source=f"refund:{refund.id}",
        reason=REFUND_BY_DISPUTE,
        legs=legs,
        at=at,
        payment_id=refund.payment_id,
    )


def post_owed_again(session: Session, refund: Refund, at: datetime) -> bool:
    """The dispute that paid the refund was won after all: we have the money, and owe it again."""
    legs = [Leg(_K.DISPUTES, refund.amount), Leg(_K.REFUNDS_PAYABLE, -refund.amount)]
    return post(
        session,
        source=f"refund:{refund.id}",
        reason=REFUND_OWED_AGAIN,
        legs=legs,
        at=at,
        payment_id=refund.payment_id,
    )


def post_plain(
    session: Session,
    transaction: BalanceTransaction,
    other: AccountKind,
    reason: str,
    payment_id: UUID | None = None,
) -> bool:
    """Post a balance transaction as it is: what came or went, its fee, and `other` against it."""
    legs = [
        Leg(_K.PROCESSOR_CLEARING, transaction.net),
        Leg(other, -transaction.amount),
        Leg(_K.PROCESSOR_FEES, transaction.fee),
    ]
    if not any(leg.amount for leg in legs):
        return False
    return post(
        session,
        source=transaction.id,
        reason=reason,
        legs=legs,
        at=transaction.at,
        payment_id=payment_id,
    )


def is_posted(session: Session, source: str, reason: str) -> bool:
    found = session.execute(
        select(LedgerTransaction.id).where(
            LedgerTransaction.source == source, LedgerTransaction.reason == reason
        )
    )
    return found.scalar_one_or_none() is not None


def _with_tax(session: Session, payment_id: UUID, legs: Sequence[Leg]) -> Sequence[Leg]:
    """The same legs, the tax in the platform's revenue on an account of its own."""
    revenue = [leg.amount for leg in legs if leg.account is _K.PLATFORM_REVENUE]
    if not revenue:
        return legs
    earned = -sum(revenue, Money.zero(revenue[0].currency))
    tax = taxing.of_earned(session, payment_id, earned)
    return [*legs, Leg(_K.PLATFORM_REVENUE, tax), Leg(_K.TAX_PAYABLE, -tax)] if tax else legs


def _check(legs: Sequence[Leg]) -> None:
    sums: dict[str, int] = {}
    for leg in legs:
        sums[leg.amount.currency] = sums.get(leg.amount.currency, 0) + leg.amount.minor
    if not legs or any(sums.values()):
        raise ValueError(f"a posting sums to zero in each currency, not to {sums}")


def _open_accounts(session: Session, legs: Sequence[Leg]) -> None:
    """Make the accounts of the legs that nobody has posted to before."""
    # In one order, so that two who make the same accounts don't wait for each other in a ring.
    keys = {(leg.account.value, leg.owner_id, leg.amount.currency) for leg in legs}
    session.execute(
        upsert(LedgerAccount)
        .values(
            [
                {"id": new_id(), "kind": kind, "owner_id": owner, "currency": currency}
                for kind, owner, currency in sorted(keys, key=str)
            ]
        )
        .on_conflict_do_nothing()
    )
