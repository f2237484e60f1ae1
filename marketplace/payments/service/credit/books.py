"""Postings of credit.

| what happened | debit | credit |
| --- | --- | --- |
| a refund was granted as credit | refunds_payable | trainee_credit |
| an operator gave credit | platform_revenue | trainee_credit |
| credit paid for something | trainee_credit | deferred_host_share: host, platform_revenue: platform |
| credit expired, or was revoked | trainee_credit | platform_revenue |
| credit was handed on | trainee_credit: of who gave | trainee_credit: of who took |

What an operator gives is less revenue, not an expense: it is given to customers for nothing that
they do for us. Credit that is set aside for a payment under way is owed still: nothing is posted.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind, Payment, Refund
from marketplace.payments.rules import Split
from marketplace.payments.service import ledger
from marketplace.payments.service.ledger import Leg

REFUND_CREDITED = "refund_credited"
CREDIT_GIVEN = "credit_given"
PAID_BY_CREDIT = "paid_by_credit"
CREDIT_ENDED = "credit_ended"
CREDIT_HANDED_ON = "credit_handed_on"
_K = AccountKind


def post_credited(session: Session, payment: Payment, refund: Refund, at: datetime) -> None:
    """A refund that was granted is owed as credit now."""
    ledger.post(
        session,
        source=f"refund:{refund.id}",
        reason=REFUND_CREDITED,
        legs=[
            Leg(_K.REFUNDS_PAYABLE, refund.amount),
            Leg(_K.TRAINEE_CREDIT, -refund.amount, payment.payer_id),
        ],
        at=at,
        payment_id=payment.id,
    )


def post_given(
    session: Session, grant_id: UUID, account_id: UUID, amount: Money, at: datetime
) -> None:
    ledger.post(
        session,
        source=f"credit:{grant_id}",
        reason=CREDIT_GIVEN,
        legs=[Leg(_K.PLATFORM_REVENUE, amount), Leg(_K.TRAINEE_CREDIT, -amount, account_id)],
        at=at,
    )


def post_paid(
    session: Session, payment: Payment, shares: Sequence[tuple[UUID, Split]], at: datetime
) -> None:
    """Credit has paid; `shares` are each site and how what is paid there divides."""
    legs = [Leg(_K.TRAINEE_CREDIT, payment.amount, payment.payer_id)]
    for site_id, share in shares:
        legs.append(Leg(_K.DEFERRED_HOST_SHARE, -share.host, site_id))
        legs.append(Leg(_K.PLATFORM_REVENUE, -share.platform))
    ledger.post(
        session,
        source=f"payment:{payment.id}",
        reason=PAID_BY_CREDIT,
        legs=legs,
        at=at,
        payment_id=payment.id,
    )


def post_ended(
    session: Session, movement_id: UUID, account_id: UUID, amount: Money, at: datetime
) -> None:
    """Credit that nobody can spend any more is revenue."""
    ledger.post(
        session,
        source=f"credit_movement:{movement_id}",
        reason=CREDIT_ENDED,
        legs=[Leg(_K.TRAINEE_CREDIT, amount, account_id), Leg(_K.PLATFORM_REVENUE, -amount)],
        at=at,
    )


def post_handed_on(
    session: Session, grant_id: UUID, giver: UUID, taker: UUID, amount: Money, at: datetime
) -> None:
    ledger.post(
        session,
        source=f"credit:{grant_id}",
        reason=CREDIT_HANDED_ON,
        legs=[Leg(_K.TRAINEE_CREDIT, amount, giver), Leg(_K.TRAINEE_CREDIT, -amount, taker)],
        at=at,
    )
